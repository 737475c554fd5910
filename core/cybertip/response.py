"""Reads what the CyberTipline answers: a small XML document from outside, so nothing in it is taken on trust.

Leans on expat alone. Documents with a DTD are refused (entities are declared there: https://docs.python.org/3/library/
xml.html#xml-security), and so are deep ones; the client bounds their size. That is thirty lines, and spares a package.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from core.cybertip.answers import Outcome

ROOTS = ("reportResponse", "reportDoneResponse")
DEEPEST = 8
_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,255}")
_NUMBER = re.compile(r"-?[0-9]{1,9}")


class UnreadableError(Exception):
    """It is no answer of the CyberTipline."""


def read(document: bytes) -> Outcome:
    """Read an answer; UnreadableError if it is none.

    >>> read(b"<reportResponse><responseCode>0</responseCode><reportId>7</reportId></reportResponse>").report
    '7'
    >>> done = b"<responseCode>0</responseCode><files><fileId>a</fileId><fileId>b</fileId></files>"
    >>> read(b"<reportDoneResponse>" + done + b"</reportDoneResponse>").files
    ('a', 'b')
    """
    found = _texts(document)
    codes = found.get(("responseCode",), [])
    if len(codes) != 1 or not _NUMBER.fullmatch(codes[0]):
        raise UnreadableError
    return Outcome(
        code=int(codes[0]),
        report=_one(found, "reportId"),
        file=_one(found, "fileId"),
        md5=_one(found, "hash"),
        files=tuple(name for name in found.get(("files", "fileId"), []) if _IDENTIFIER.fullmatch(name)),
    )


def identifier(text: str | None) -> str | None:
    """Return `text` if it is an id, None if not: it goes into a log, and back to where it came from."""
    return text if text is not None and _IDENTIFIER.fullmatch(text) else None


def _one(found: dict[tuple[str, ...], list[str]], name: str) -> str | None:
    values = found.get((name,), [])
    return identifier(values[0]) if len(values) == 1 else None


def _texts(document: bytes) -> dict[tuple[str, ...], list[str]]:
    """Return the text of every element by its path below the root."""
    path: list[str] = []
    found: dict[tuple[str, ...], list[str]] = {}

    def start(name: str, _attributes: dict[str, str]) -> None:
        local = name.rpartition("}")[2]
        if len(path) >= DEEPEST or (not path and local not in ROOTS):
            raise UnreadableError
        path.append(local)
        found.setdefault(tuple(path[1:]), []).append("")

    def end(_name: str) -> None:
        here = found[tuple(path[1:])]
        here[-1] = here[-1].strip()
        path.pop()

    def text(data: str) -> None:
        found[tuple(path[1:])][-1] += data

    def refuse(*_arguments: object) -> None:
        raise UnreadableError

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, UnicodeError, LookupError) as error:
        raise UnreadableError from error
    return found
