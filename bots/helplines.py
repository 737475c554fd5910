"""Whom a child or young person can talk to, country by country: `helplines.toml`, and the operator's own over it.

Leans on `core.config` for the operator's. A country that the operator names has the operator's helplines alone, so that
a wrong number can be taken out. Every other country is told of the international directory.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib.resources import files

from pydantic import TypeAdapter

from bots.common.words import Words
from core.config import Helpline

DIRECTORY = "https://childhelplineinternational.org/helplines"
"""Child Helpline International's list of its members in some 130 countries."""

Helplines = dict[str, tuple[Helpline, ...]]
"""Country (two letters) -> its helplines, the first to be named first."""


def by_country(helplines: Iterable[Helpline]) -> Helplines:
    """Put helplines under their countries, in their order."""
    found: Helplines = {}
    for helpline in helplines:
        found[helpline.country] = (*found.get(helpline.country, ()), helpline)
    return found


def known(own: Iterable[Helpline] = ()) -> Helplines:
    """Return the helplines shipped, with the operator's `own` in place of those of the same countries.

    >>> [line.phone for line in known()["GB"]]
    ['0800 1111']
    """
    text = (files(__package__) / "helplines.toml").read_text("utf-8")
    shipped = TypeAdapter(tuple[Helpline, ...]).validate_python(tomllib.loads(text)["helplines"])
    return by_country(shipped) | by_country(own)


def lines(helplines: Helplines, country: str | None, words: Words) -> list[str]:
    """Say who can be talked to in a country, a line each; where none is known, where to look."""
    found = helplines.get(country or "", ())
    if not found:
        return [words.say("members.directory", url=words.markup.link(DIRECTORY))]
    return [words.say("members.helpline", name=one.name, how=", ".join(_ways(one, words))) for one in found]


def _ways(one: Helpline, words: Words) -> list[str]:
    ways = [] if one.phone is None else [words.say("members.call", phone=one.phone)]
    ways += [] if one.text is None else [words.say("members.write", text=one.text)]
    return [*ways, *([] if one.hours is None else [one.hours]), words.markup.link(one.url)]
