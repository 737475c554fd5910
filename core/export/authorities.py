"""Who takes reports of such conversations, country by country: `core/data/authorities.toml`.

Leans on the standard library. A row is an authority, or a service that passes reports on to one. `checked` is the day
on which a stored copy of the page in `source` was read; rows without it are from general knowledge, and the page says
so.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

ELSEWHERE = "*"
"""Instead of a country: for every other one."""


class Authority(NamedTuple):
    """Where to report: `country` (ISO 3166-1 alpha-2, or `ELSEWHERE`), who, what for, and how."""

    country: str
    name: str
    what: str
    url: str
    contact: str = ""
    checked: date | None = None
    source: str = ""


def authorities() -> tuple[Authority, ...]:
    """Return all of them, by country.

    >>> [row.name for row in authorities() if row.country == "US"]
    ['NCMEC CyberTipline']
    """
    return tuple(Authority(**row) for row in _read()["authorities"])


def emergency_numbers() -> dict[str, str]:
    """Return whom to call when somebody is in danger now: country -> number."""
    return dict(_read()["emergency"])


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads((files("core") / "data" / "authorities.toml").read_text("utf-8"))
