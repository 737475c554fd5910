"""Another master key in place of the present one, beside a running Lampkeeper.

Leans on `core.vault.keyring`, which says why a crash between any two steps leaves a keyring that opens. Data keys stay
as they are, so that nothing is sealed anew, and neither pseudonyms nor signatures change.

The key file is Lampkeeper's own, so it is replaced here. What comes from the environment or a command, only the
operator can put in place: such a master key is announced, and takes over the first time it is read.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from core.errors import VaultError
from core.vault.keyring import Keyring
from core.vault.master import KEY_BYTES, Keys, fingerprint, read_file, write_file


class Rotation(NamedTuple):
    """The fingerprints of the master key that was, and of the next; whether that one took over `done`, or waits."""

    former: str
    new: str
    done: bool


def rotate(keys: Keys, new_from: Path | None = None) -> Rotation:
    """Have a new master key wrap every key: a random one in the key file, or announce the one in the file `new_from`.

    Where an announced one is in place by now, it takes over. VaultError if there is nothing to rotate, or not so.
    """
    with _alone(keys.keyring.parent):
        keyring = Keyring(keys.keyring, keys.read)
        former, _ = keyring.standing()
        if new_from is not None:
            new = read_file(new_from)
            if fingerprint(new) == former:
                raise VaultError(f"{new_from} holds the master key that is in use.", "Give a file with another one.")
            keyring.announce(new)
            return Rotation(former, fingerprint(new), done=False)
        if keyring.succeed():
            return Rotation(former, keyring.standing()[0], done=True)
        if not keys.in_file:
            raise VaultError(
                f"The master key comes from {keys.source}, where Lampkeeper cannot put another.",
                "Write a new one into a file that only you can read, and give it with --new-from.",
            )
        for left in keys.key_file.parent.iterdir():
            if left.name.startswith(f".{keys.key_file.name}."):
                left.unlink()  # by a rotation that was killed: nothing is wrapped by what is in it
        new = secrets.token_bytes(KEY_BYTES)
        keyring.announce(new)
        write_file(keys.key_file, new, replace=True)
        Keyring(keys.keyring, keys.read).succeed()
        return Rotation(former, fingerprint(new), done=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other rotations of the keyrings in `folder` out: two at once could leave a key file that fits neither.

    The system lets go of the lock when the process ends, however it ends.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        what = f"The folder of the keyring, {folder}, cannot be opened ({error.strerror})."
        raise VaultError(what, "Correct [storage] keyring.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise VaultError("The keys are being rotated already.", "Wait until that ends.") from error
    finally:
        os.close(handle)
