"""Writing exports to disk: each file whole or not at all, for its owner alone, and never over another.

Leans on `core.disk`. A file that a crash cut off must not pass for evidence: it is written under another name
(`PART`), brought to the disk, and only then given its own. A part that a crash left says by its name what it is, and
the next export of the same name takes its place. Renaming, not linking, as a USB stick knows no links.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.disk import sync_folder
from core.errors import ExportError
from core.export import ExportFile

PART: Final = ".part"


def save(folder: Path, files: Sequence[ExportFile]) -> list[Path]:
    """Write files into a folder; return where they are, once they are on the disk.

    ExportError, and nothing stays written, if one of them is there already or the folder cannot be written.
    """
    for path in (folder / file.name for file in files):
        if path.exists():
            raise ExportError(
                f"{path} is there already, and is not written over.", "Move it away, or name another folder."
            )
    written: list[Path] = []
    try:
        for file in files:
            part = folder / (file.name + PART)
            part.unlink(missing_ok=True)
            written.append(part)
            _write(part, file.data)
            written[-1] = part.rename(folder / file.name)
        sync_folder(folder)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise ExportError(
            f"The folder {folder} cannot be written ({error.strerror}).", "Name another folder, or free space there."
        ) from error
    return written


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
