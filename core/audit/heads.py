"""Signed heads: where the audit's chain ended at a time, in a file outside the database, one JSON object a line.

Leans on `core.audit.chain` for the layout, on `core.vault` for the key, and on a look at the database from outside, so
that a running Lampkeeper and `lampkeeper audit head` write alike. Decisions:

- A line holds `number` (of the head: 1, 2, 3, ...), `id` and `hash` (of the newest row), `time` (seconds since the
  epoch), `rows` (how many the chain has), `key` (Ed25519, RFC 8032; 32 bytes in hexadecimal) and `signature` (64) of
  ``frame("lampkeeper audit head 1", number, id, hash, time, rows, key)``, with `frame` and the values' bytes as in
  `core.audit.chain`. As heads are numbered, one that was taken out from among them is missed.
- Lines are only ever added, under a lock, and synced to the disk. A line that a crash cut off stays as it is: the next
  one begins on a new line and has the number that the torn one would have had.
- Before a head is written, the row that the last one signed is looked at. If it is gone or another, nothing is signed:
  a new signature must not cover that up. Who restored an older database moves the file away, and a new one begins.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection
from time import gmtime, strftime
from typing import Any, Literal, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core.audit.chain import DIGEST_BYTES, End, frame, raw
from core.disk import sync_folder
from core.errors import AuditError
from core.store.look import looking
from core.vault import Vault

DAY = 86_400.0
KEY_BYTES, SIGNATURE_BYTES = 32, 64
When = Literal["asked", "daily", "stopping"]
"""Asked: at once. Daily: if the last one is a day old. Stopping: if rows were added since the last one."""
_HEAD = b"lampkeeper audit head 1"
_ACCESS = "Give the account that runs Lampkeeper access to it, or name another place in [storage] audit_heads."


class Head(NamedTuple):
    """One head, as in its line."""

    number: int
    id: int
    hash: str
    time: float
    rows: int
    key: str
    signature: str = ""

    @property
    def said(self) -> bytes:
        """What is signed."""
        numbers = [number.to_bytes(8) for number in (self.number, self.id)]
        time, rows = struct.pack(">d", self.time), self.rows.to_bytes(8)
        return frame(_HEAD, *numbers, bytes.fromhex(self.hash), time, rows, bytes.fromhex(self.key))

    @property
    def signed(self) -> bool:
        """Whether the signature is its own key's."""
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
        try:
            key.verify(bytes.fromhex(self.signature), self.said)
        except InvalidSignature:
            return False
        return True

    @property
    def when(self) -> str:
        """Its time in words."""
        return strftime("%Y-%m-%d %H:%M:%S UTC", gmtime(self.time))


class Line(NamedTuple):
    """A line of the file, by its number from 1. `head` is None where it is none: a torn line, or not one of ours."""

    line: int
    head: Head | None


def read(path: Path) -> list[Line]:
    """Read the heads in a file; AuditError if it is missing or cannot be read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise AuditError(
            f"There is no file of signed heads at {path}.",
            "Name it with --heads or in [storage] audit_heads. `lampkeeper run` writes it.",
        ) from None
    except OSError as error:
        raise AuditError(f"The file of signed heads {path} cannot be read ({error.strerror}).", _ACCESS) from None
    return _lines(data)


def write(path: Path, database: Path, vault: Vault, now: float, when: When) -> Head | None:
    """Add a head to the file, if it is due and there is anything to sign; return it.

    AuditError if the file cannot be written, or the row that its last head signed is gone or another; StoreError if the
    database cannot be read.
    """
    if not database.exists():
        return None
    with _locked(path) as file:
        data = _whole(file)
        heads = [line.head for line in _lines(data) if line.head is not None and line.head.signed]
        last = heads[-1] if heads else None
        with looking(database) as connection:
            end = _end(connection)
            if last is not None and (end is None or _hash_of(connection, last.id) != last.hash):
                raise AuditError(
                    f"The audit in {database} is not the one that was signed on {last.when}: row {last.id} is gone, or "
                    "another. Nothing was signed.",
                    "`lampkeeper audit verify` tells more. If you restored an older database, or began a new one, move "
                    f"{path} away and keep it; a new one begins.",
                )
            if end is None or (last is not None and not _due(last, end, now, when)):
                return None
            (rows,) = connection.execute("SELECT count(*) FROM audit_chain").fetchone()
        number = 1 if last is None else last.number + 1
        head = Head(number, end.id, end.hash, float(now), rows, vault.verify_key.hex())
        head = head._replace(signature=vault.sign(head.said).hex())
        line = json.dumps(head._asdict()).encode() + b"\n"
        _add(file, line if not data or data.endswith(b"\n") else b"\n" + line)
    return head


def _due(last: Head, end: End, now: float, when: When) -> bool:
    if when == "stopping":
        return last.id != end.id
    return when == "asked" or not 0 <= now - last.time < DAY


def _end(connection: Connection) -> End | None:
    """Return where the chain ends; None if there is no row in it, or no chain."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit_chain'").fetchone():
        return None
    found = connection.execute("SELECT id, hash FROM audit_chain ORDER BY id DESC LIMIT 1").fetchone()
    return None if found is None else End(*found)


def _hash_of(connection: Connection, number: int) -> str | None:
    found = connection.execute("SELECT hash FROM audit_chain WHERE id = ?", (number,)).fetchone()
    return None if found is None else found[0]


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Open the file, or make it, and keep other writers out; AuditError if that cannot be, or writing fails."""
    try:
        new = not path.exists()
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)
        if new:
            sync_folder(path.parent)
    except OSError as error:
        raise AuditError(
            f"The file of signed heads {path} cannot be written ({error.strerror}). The audit goes on unsigned.",
            _ACCESS,
        ) from None


def _whole(file: int) -> bytes:
    with os.fdopen(os.dup(file), "rb") as copy:
        copy.seek(0)
        return copy.read()


def _add(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
    os.fsync(file)


def _lines(data: bytes) -> list[Line]:
    return [Line(number, _parsed(line)) for number, line in enumerate(data.splitlines(), start=1)]


def _parsed(line: bytes) -> Head | None:
    """Read a line; None if it is not a head."""
    try:
        tree = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(tree, dict) or set(tree) != set(Head._fields):
        return None
    head = Head(**tree)
    counts = all(_is_count(value) for value in (head.number, head.id, head.rows))
    texts = ((head.hash, DIGEST_BYTES), (head.key, KEY_BYTES), (head.signature, SIGNATURE_BYTES))
    good = counts and isinstance(head.time, float) and math.isfinite(head.time)
    return head if good and all(raw(text, size) is not None for text, size in texts) else None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 63
