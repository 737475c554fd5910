"""The layout of the audit's hash chain, so that anybody can verify it: pure functions over bytes, version 1.

Leans on `hashlib` alone. Rows have the numbers 1, 2, 3, ... without a gap. Row n is in two tables under its number:
`audit` holds what happened, in three parts that can be erased apart from each other,

====== =================================================================
part   values, in this order
====== =================================================================
who    who
about  about
rest   time, space, what, detail
====== =================================================================

and `audit_chain` holds for each part a salt (16 random bytes) and a digest, and the row's hash:

- ``digest(part) = SHA-256(frame("lampkeeper audit " + part + " 1", salt, value, ...))``
- ``hash(n) = SHA-256(frame("lampkeeper audit row 1", n, hash(n - 1), digest(who), digest(about), digest(rest)))``
- ``hash(0)`` is 32 zero bytes.
- ``frame(a, b, ...)`` writes each item behind its length in bytes, 4 bytes big-endian, so that ("ab", "c") is not
  ("a", "bc"). The first item tells what is hashed, so that no digest can stand for one of another kind.
- Texts are UTF-8 as the database stores them; `detail` is JSON and is hashed as the text that is stored, not parsed.
  `time` is the 8 bytes of its IEEE 754 double, big-endian; `n` is 8 bytes, big-endian. Salts, digests and hashes are
  hashed as raw bytes, and stored as lower-case hexadecimal.

Erasing a part removes its value and its salt; the digest stays, and with it the hash. Without the salt the digest tells
nothing: not even who has a guess can try it. What is left of `who` or `about` is the word "forgotten". Of a row whose
three parts are erased only the row in `audit_chain` is left, a tombstone. A later row accounts for each erased part
(`core.audit.erasing`): it has what = "parts erased", space, who and about empty, and a `detail` whose `erased` holds,
for each part, the numbers of the rows that it was erased from, as in {"who": "3-5,9"}.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

Part = Literal["who", "about", "rest"]
PARTS: Final[tuple[Part, ...]] = ("who", "about", "rest")
SALT_BYTES = 16
DIGEST_BYTES = 32
FORGOTTEN = "forgotten"
"""What stands in `who` or `about` once that part is erased."""

_ROW = b"lampkeeper audit row 1"
_HEX = re.compile(r"(?:[0-9a-f]{2})*")


class Row(NamedTuple):
    """A row of `audit` as it is stored; `detail` is its text."""

    id: int
    time: float
    space: str
    who: str
    what: str
    about: str
    detail: str


class Link(NamedTuple):
    """A row of `audit_chain` as it is stored: hexadecimal; a salt is None once its part is erased."""

    id: int
    who_salt: str | None
    who_digest: str
    about_salt: str | None
    about_digest: str
    rest_salt: str | None
    rest_digest: str
    hash: str

    def salt(self, part: Part) -> str | None:
        """Return the salt of a part."""
        return (self.who_salt, self.about_salt, self.rest_salt)[PARTS.index(part)]

    @property
    def digests(self) -> tuple[str, str, str]:
        """The digest of each part."""
        return self.who_digest, self.about_digest, self.rest_digest


class End(NamedTuple):
    """Where a chain ends: the number of its newest row, and that row's hash."""

    id: int
    hash: str


START = End(0, bytes(DIGEST_BYTES).hex())
"""The end of a chain without rows."""


def frame(*items: bytes) -> bytes:
    r"""Join unambiguously.

    >>> frame(b"ab", b"c")
    b'\x00\x00\x00\x02ab\x00\x00\x00\x01c'
    """
    return b"".join([len(item).to_bytes(4) + item for item in items])


def digest(part: Part, salt: bytes, row: Row) -> str:
    """Return the digest of one part of a row, in hexadecimal."""
    values: tuple[bytes, ...]
    if part == "rest":
        texts = (row.space, row.what, row.detail)
        values = (struct.pack(">d", row.time), *(text.encode() for text in texts))
    else:
        values = ((row.who if part == "who" else row.about).encode(),)
    return sha256(frame(f"lampkeeper audit {part} 1".encode(), salt, *values)).hexdigest()


def row_hash(number: int, previous: str, digests: Sequence[str]) -> str:
    """Return the hash of a row from the hash before it and its parts' digests, all in hexadecimal."""
    raw = [bytes.fromhex(text) for text in (previous, *digests)]
    return sha256(frame(_ROW, number.to_bytes(8), *raw)).hexdigest()


def links(end: End, rows: Iterable[Row]) -> list[Link]:
    """Return the links of new rows, whose numbers go on from the chain's end."""
    made = []
    for row in rows:
        assert row.id == end.id + 1
        salts = [os.urandom(SALT_BYTES) for _ in PARTS]
        digests = [digest(part, salt, row) for part, salt in zip(PARTS, salts, strict=True)]
        who, about, rest = (salt.hex() for salt in salts)
        end = End(row.id, row_hash(row.id, end.hash, digests))
        made.append(Link(row.id, who, digests[0], about, digests[1], rest, digests[2], end.hash))
    return made


def tombstone(end: End) -> Link:
    """Return the link of a row that was gone before there was a chain: nobody knows what its digests stand for."""
    who, about, rest = (os.urandom(DIGEST_BYTES).hex() for _ in PARTS)
    number = end.id + 1
    return Link(number, None, who, None, about, None, rest, row_hash(number, end.hash, (who, about, rest)))


def raw(text: Any, size: int) -> bytes | None:
    r"""Return the bytes that a cell writes in hexadecimal, or None if it is not just that.

    >>> raw("00ff", 2), raw("00FF", 2), raw("00", 2), raw(None, 2)
    (b'\x00\xff', None, None, None)
    """
    good = isinstance(text, str) and len(text) == 2 * size and _HEX.fullmatch(text)
    return bytes.fromhex(text) if good else None
