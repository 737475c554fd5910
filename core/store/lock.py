"""One process per database: an advisory lock on a file beside it.

Leans on `fcntl.flock`: the system lets go of it when the process ends, however it ends, so no stale lock needs mending.
A file of its own, because SQLite's locks on the database are POSIX locks that closing any other handle would drop.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from core.errors import StoreError, StoreInUseError


class Lock:
    """``<database>.lock``, held from `take` to `release`."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(database.name + ".lock")
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock; StoreError if another process holds it or the folder cannot be written."""
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise StoreInUseError(
                f"Another Lampkeeper is using the database {self._database}.",
                "Stop that one first, or give this one a database of its own in [storage] database.",
            ) from error
        except OSError as error:
            raise StoreError(
                f"The folder of the database {self._database} cannot be written ({error.strerror}).",
                "Make the folder and let the account that runs Lampkeeper write to it, or change [storage] database.",
            ) from error

    def release(self) -> None:
        """Let go; the file stays, for removing it would let two processes lock two files of one name."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
