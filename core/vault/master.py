"""The master key: 32 bytes that wrap all others, and where they come from.

Leans on the standard library, and on `cryptography` for derivation. Three sources, the first that is set up counts:

- the environment (``LAMPKEEPER_MASTER_KEY``, base64), for containers whose secrets come that way;
- a command (``[storage] key_command``), for key stores: run without a shell, it writes base64 or the 32 bytes
  themselves. Its output stands in no error: a part of it may be the key;
- a key file, made at the first start with mode 0600, whole or not at all.

The master key encrypts nothing but keys (`core.vault.keyring`), by a key derived from it (HKDF-SHA-256, RFC 5869).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.disk import sync_folder
from core.errors import VaultError

KEY_BYTES = 32
COMMAND_SECONDS = 10.0
"""How long a key command may take."""
VARIABLE = "LAMPKEEPER_MASTER_KEY"
RESTORE = "Restore the newest copy of it from your backup; without it the data cannot be read."


@dataclass(frozen=True, slots=True)
class Keys:
    """Where the keys are: the source of the master key, and the file of all that it wraps.

    `secret` is what the environment holds, `command` the words of a key command.
    """

    key_file: Path
    keyring: Path
    secret: str | None = field(default=None, repr=False)
    command: tuple[str, ...] = ()

    @classmethod
    def beside(cls, key_file: Path) -> Keys:
        """Return what is meant where only a key file is named.

        >>> Keys.beside(Path("data/lampkeeper.key")).keyring
        PosixPath('data/lampkeeper.keyring')
        """
        return cls(key_file, key_file.with_name(f"{key_file.stem}.keyring"))

    @property
    def in_file(self) -> bool:
        """Whether the master key is the key file's."""
        return self.secret is None and not self.command

    @property
    def source(self) -> str:
        """Say where the master key comes from."""
        if self.secret is not None:
            return f"the environment ({VARIABLE})"
        return f"the command {self.command[0]}" if self.command else f"the key file {self.key_file}"

    def missing(self) -> bool:
        """Tell whether there is no key file yet, where it is the source; VaultError if that cannot be looked up."""
        with _explained(self.key_file):
            return self.in_file and not self.key_file.exists()

    def ring_made(self) -> bool:
        """Tell whether there is a keyring; VaultError if that cannot be looked up."""
        with _explained(self.keyring):
            return self.keyring.exists()

    def read(self) -> bytes:
        """Return the master key; VaultError if there is none, or it is unsafe or no key."""
        if self.secret is not None:
            return _decoded(self.secret.encode(), f"What the environment holds as {VARIABLE}")
        if self.command:
            return _decoded(_output(self.command), "What the key command wrote")
        return read_file(self.key_file)


def read_file(path: Path) -> bytes:
    """Read a key from a file; VaultError if it is missing, readable by others, or holds none."""
    with _explained(path):
        if not path.exists():
            raise VaultError(f"The key file {path} is missing.", RESTORE)
        with path.open("rb") as file:
            private = owner_only(os.fstat(file.fileno()))
            content = file.read(1024)
    if not private:
        raise VaultError(f"The key file {path} can be read by other accounts.", f"Run: chmod 600 {path}")
    return _decoded(content, f"The key file {path}")


def write_file(path: Path, key: bytes, *, replace: bool) -> None:
    """Write a key file, whole or not at all; what is there already stays, unless it is to be `replace`d."""
    with _explained(path):
        scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
            put(scratch, path, replace=replace)
        finally:
            scratch.unlink(missing_ok=True)


def put(scratch: Path, path: Path, *, replace: bool) -> None:
    """Give a finished file its name, durably. Without `replace` the first of two processes wins: its is as good."""
    if replace:
        scratch.replace(path)
    else:
        with contextlib.suppress(FileExistsError):
            os.link(scratch, path)
    sync_folder(path.parent)


def owner_only(status: os.stat_result) -> bool:
    """Tell whether nobody but its owner may read a file."""
    return not stat.S_IMODE(status.st_mode) & 0o077


def derive(key: bytes, purpose: bytes, salt: bytes | None = None) -> bytes:
    """Derive a key of 32 bytes for one purpose."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=purpose).derive(key)


def fingerprint(master: bytes) -> str:
    """Name a master key without telling it: 16 hex digits.

    >>> fingerprint(bytes(32)) == fingerprint(bytes(32)) != fingerprint(b"1" * 32)
    True
    """
    return derive(master, b"lampkeeper fingerprint")[:8].hex()


def _decoded(content: bytes, what: str) -> bytes:
    """Return the key that 32 bytes are, or base64 stands for."""
    if len(content) == KEY_BYTES:
        return content
    with contextlib.suppress(binascii.Error, ValueError):
        key = base64.b64decode(content.strip(), validate=True)
        if len(key) == KEY_BYTES:
            return key
    remedy = "Correct it, or restore the key from your backup: without it the data cannot be read."
    raise VaultError(f"{what} is no key: that is {KEY_BYTES} bytes, or base64 of them.", remedy)


def _output(command: tuple[str, ...]) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own words, and no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        what, remedy = f"did not end within {COMMAND_SECONDS:g} seconds", "Run it yourself to see what it waits for."
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no command"
        what, remedy = f"cannot be run ({reason})", "Name it by its full path."
    else:
        if done.returncode == 0:
            return done.stdout
        what, remedy = f"failed (status {done.returncode})", "Run it yourself to see why."
    raise VaultError(f"The key command {command[0]!r} {what}.", f"{remedy} It is [storage] key_command.") from None


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise VaultError(
            f"The key file {path} cannot be opened or made ({error.strerror}).",
            "Give the account that runs Lampkeeper access to it, or correct [storage] key_file or keyring.",
        ) from error
