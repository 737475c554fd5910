"""Tables as CSV (RFC 4180) that a spreadsheet can open without calculating, rounding or misreading anything.

Leans on the standard library. UTF-8 with a byte order mark, for without it Excel reads another alphabet; every cell in
quotes. A cell that a spreadsheet would calculate (it begins with ``=``, ``+``, ``-``, ``@`` or the like: OWASP, "CSV
injection") or round (a long number, as ids are) begins with an apostrophe, and so does one that began with it anyway:
whoever takes one apostrophe away from the front of each cell that has it, has what was there. Signs that cannot be seen
are written out (`core.export.visible`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from core.export.visible import visible

_CALCULATES = re.compile(r"['\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")  # the last four are the same, full width
_ROUNDS = re.compile(r"[0-9][0-9.,]{14,}|[0-9.]+[eE][0-9]+")


def cell(text: str) -> str:
    """Return text as a cell.

    >>> [cell(text) for text in ("hello", "=1+1", "1234567890123456789", "'tis")]
    ['hello', "'=1+1", "'1234567890123456789", "''tis"]
    """
    shown = visible(text)
    return f"'{shown}" if _CALCULATES.match(shown) or _ROUNDS.fullmatch(shown) else shown


def sheet(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    r"""Return a table as bytes.

    >>> sheet(["name"], [["=A1"]])
    b'\xef\xbb\xbf"name"\r\n"\'=A1"\r\n'
    """
    written = io.StringIO(newline="")
    table = csv.writer(written, quoting=csv.QUOTE_ALL)
    table.writerow(head)
    table.writerows([cell(text) for text in row] for row in rows)
    return written.getvalue().encode("utf-8-sig")
