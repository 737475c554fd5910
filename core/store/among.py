"""Looking up many rows by several columns at once.

Leans on SQLite's JSON. ``(a, b) IN (VALUES ...)`` of more than one row makes SQLite read every row that the rest of the
condition leaves, such as all messages of a space for each batch. Of a subquery it looks up each row in the index, so
the wanted rows are given as one JSON text; the statement stays the same for any number of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import Column, ColumnElement, func, select, tuple_


def among(columns: Sequence[Column[str] | Column[int]], rows: Iterable[Sequence[str | int]]) -> ColumnElement[bool]:
    """Return whether `columns` hold one of `rows`, as SQL."""
    wanted = func.json_each(json.dumps(list(rows))).table_valued("value")
    parts = (func.json_extract(wanted.c.value, f"$[{place}]") for place in range(len(columns)))
    return tuple_(*columns).in_(select(*parts))
