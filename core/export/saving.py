"""Writing exports to disk: each file whole or not at all, for its owner alone, and never over another.

Leans on `core.disk`. A file that a crash cut off must not pass for evidence: it is written under a name that nobody
else has (ending in `PART`), brought to the disk, and only then given its own. A part that a crash left says by its name
what it is. Its own name is given by a link, which never replaces anything, whoever writes beside us; a USB stick that
knows no links has the name taken first, by an empty file, and then the part moved there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Final

from core.disk import sync_folder
from core.errors import ExportError
from core.export import ExportFile

PART: Final = ".part"


def save(folder: Path, files: Sequence[ExportFile]) -> list[Path]:
    """Write files into a folder; return where they are, once they are on the disk.

    ExportError, and nothing stays written, if one of them is there already or the folder cannot be written.
    """
    with laid_down(folder, files) as place:
        return place()


@contextmanager
def laid_down(folder: Path, files: Sequence[ExportFile]) -> Iterator[Callable[[], list[Path]]]:
    """Write files under other names, and yield what gives them their own and returns where they are.

    Parts that were given no name are removed in the end. Raises as `save` does, in both steps.
    """
    parts = {folder / file.name: folder / f"{file.name}.{token_hex(8)}{PART}" for file in files}
    for path in parts:
        if path.exists():
            raise _there(path)
    try:
        with _told(folder):
            for part, file in zip(parts.values(), files, strict=True):
                _write(part, file.data)
        yield lambda: _placed(folder, parts)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def _placed(folder: Path, parts: dict[Path, Path]) -> list[Path]:
    """Give each part its own name; none, if one of the names is taken."""
    placed: list[Path] = []
    try:
        with _told(folder):
            for path, part in parts.items():
                _link(part, path)
                placed.append(path)
            sync_folder(folder)
    except ExportError:
        for path in placed:  # ours: a link replaces nothing
            path.unlink(missing_ok=True)
        raise
    return placed


def _link(part: Path, path: Path) -> None:
    try:
        try:
            path.hardlink_to(part)
        except FileExistsError:
            raise
        except OSError:  # no links here
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            part.replace(path)
    except FileExistsError:
        raise _there(path) from None


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExportError(
            f"The folder {folder} cannot be written ({error.strerror}).", "Name another folder, or free space there."
        ) from error


def _there(path: Path) -> ExportError:
    return ExportError(f"{path} is there already, and is not written over.", "Move it away, or name another folder.")


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
