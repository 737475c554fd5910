"""Pages for reading: one file each, in which nothing runs, loads or is sent, and whatever people wrote is only text.

Leans on Jinja2, and on the templates and the table of words (`templates/en.toml`) beside it. Decisions:

- Everything is escaped by default, unknown names in a template are errors, and a policy (CSP, as meta) allows the one
  style sheet by its digest and nothing else: no script, image, font, frame or form, whatever a text may try.
- Signs that cannot be seen are written out (`core.export.visible`): a name that turns the direction of writing must not
  make a page say something else than it does.
- Only http and https addresses become links; a link tells the other side nothing about the page it stands on.
"""

from __future__ import annotations

import tomllib
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from core.export.visible import visible

LANGUAGE = "en"
HTML = "text/html; charset=utf-8"
LONGEST_ON_PAPER = 4_000
"""Signs of one text: as long as a message on Discord can be. WeasyPrint takes minutes for a run of 100,000."""


def page(template: str, values: Mapping[str, Any], *, paper: bool = False) -> str:
    """Render a template; `values` are the names in it. For `paper`, whatever is too long for it is cut, names too."""
    return _environment(paper=paper).get_template(template).render(values)


@cache
def words() -> dict[str, dict[str, str]]:
    """Return what pages say: section -> name -> words."""
    return tomllib.loads(_text(f"{LANGUAGE}.toml"))


def moment(time: datetime | None, missing: str | None = None) -> str:
    """Write a time for people, to the millisecond.

    >>> moment(datetime(2026, 3, 2, 19, 4, 11, 250_000, tzinfo=UTC)), moment(None)
    ('2026-03-02 19:04:11.250 UTC', 'not known')
    """
    if time is None:
        return words()["packet"]["unknown"] if missing is None else missing
    return time.astimezone(UTC).isoformat(" ", "milliseconds").removesuffix("+00:00") + " UTC"


def _cut(value: object) -> object:
    """Cut a text that is too long for paper, and say how much is left out; markup, which templates made, stays."""
    if not isinstance(value, str) or isinstance(value, Markup) or len(value) <= LONGEST_ON_PAPER:
        return value
    rest = len(value) - LONGEST_ON_PAPER
    return value[:LONGEST_ON_PAPER] + words()["packet"]["cut"].format(count=f"{rest:,}")


@cache
def _environment(*, paper: bool) -> Environment:
    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_cut if paper else None,
    )
    style = _text("style.css")
    made.filters |= {"visible": visible, "time": moment}
    made.tests["web"] = lambda url: url.isascii() and url.startswith(("https://", "http://"))
    made.globals |= {
        "w": words(),
        "language": LANGUAGE,
        "style": Markup(style),  # noqa: S704 - our own file, and the policy names its digest
        "style_hash": f"sha256-{b64encode(sha256(style.encode()).digest()).decode()}",
    }
    return made


def _text(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text("utf-8")
