"""Names that last: what a folder lists is brought to the disk as files are. Leans on the standard library."""

from __future__ import annotations

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk: a new file, or a new name of one, is there after a power cut; or OSError.

    POSIX: syncing a file does not sync the entry that names it (fsync(2), "Notes").
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
