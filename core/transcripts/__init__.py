"""Histories in: each transcript format is one file and one row of `FORMATS`.

Leans on `core.transcripts.transcript` for what the formats share. Format and compression are told by a file's first
bytes, not by its name, so standard input and a wrongly named file work alike. Reading streams: one conversation in
memory at a time.
"""

from __future__ import annotations

import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from core.errors import TranscriptError
from core.transcripts import jsonl, pan12
from core.transcripts.transcript import BadLine, Transcript

__all__ = [
    "FORMATS",
    "STDIN",
    "BadLine",
    "Format",
    "Transcript",
    "decompressed",
    "opened",
    "read",
    "read_stream",
    "source_of",
]

STDIN = Path("-")
_SPACE = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"
"""What may stand before the first telling byte: byte order marks, the zeros of UTF-16, white space."""


class Format(NamedTuple):
    """One transcript format: a `name`, whether a file that starts with these bytes `is` one, and its reader."""

    name: str
    is_it: Callable[[bytes], bool]
    read: Callable[[BinaryIO, str], Iterator[Transcript | BadLine]]


FORMATS = (
    Format("PAN-2012 XML", lambda head: head.lstrip(_SPACE).startswith(b"<"), pan12.read),
    Format("JSON lines", lambda _head: True, jsonl.read),  # last: what is neither is reported line by line
)

_COMPRESSIONS: tuple[tuple[bytes, Callable[[BufferedReader], BufferedReader]], ...] = (
    (b"\xfd7zXZ\x00", lambda raw: cast("BufferedReader", lzma.LZMAFile(raw))),  # noqa: SIM115 - closed with the raw file
    (b"\x1f\x8b", lambda raw: cast("BufferedReader", gzip.GzipFile(fileobj=raw))),
)


def source_of(path: Path) -> str:
    """Name a path in messages to people.

    >>> source_of(Path("-"))
    'standard input'
    """
    return "standard input" if path == STDIN else str(path)


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """Open `path` for reading bytes ("-" is standard input); raises `TranscriptError` where it cannot be opened."""
    if path == STDIN:
        yield cast("BufferedReader", sys.stdin.buffer)
        return
    try:
        stream = path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise TranscriptError(f"{path} cannot be opened ({reason}).", "Check the name and the permissions.") from None
    with stream:
        yield stream


def decompressed(stream: BufferedReader) -> BufferedReader:
    """Look through a compression, if there is one."""
    for magic, decompress in _COMPRESSIONS:
        if _peek(stream, len(magic)) == magic:
            return decompress(stream)
    return stream


@contextmanager
def explained(source: str) -> Iterator[None]:
    """Turn what goes wrong while bytes of `source` are read into a `TranscriptError` that says what to do."""
    try:
        yield
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile):
        raise TranscriptError(
            f"{source} is a damaged or cut-off archive.", "What was readable was read; fetch the file again."
        ) from None
    except OSError as error:
        raise TranscriptError(
            f"{source} cannot be read any further ({error.strerror or 'input/output error'}).",
            "What was readable was read.",
        ) from None


def read_stream(stream: BufferedReader, source: str) -> Iterator[Transcript | BadLine]:
    """Read conversations from bytes of any format and compression; `source` names them in messages.

    A line or conversation that lacks something comes as a `BadLine`; when the rest cannot be read at all (a cut-off
    archive, a failing disk), raises `TranscriptError` after everything that was readable.
    """
    with explained(source):
        stream = decompressed(stream)
        head = _peek(stream, 64)
        reader = next(known.read for known in FORMATS if known.is_it(head))
        yield from reader(stream, source)


def read(path: Path) -> Iterator[Transcript | BadLine]:
    """Read the conversations of one file; `read_stream` tells what it raises."""
    with opened(path) as stream:
        yield from read_stream(stream, source_of(path))


def _peek(stream: BufferedReader, size: int) -> bytes:
    """First bytes of a stream, without taking them."""
    return stream.peek(size)[:size]
