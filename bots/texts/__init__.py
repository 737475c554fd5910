"""What the bots say to people: one TOML file a language, beside this module, with the same keys and the same blanks.

A key is ``section.name``; a blank is ``{name}``. A key that a language lacks is said in English. Where a platform needs
other words (a workspace is no server), they stand under the same key after the platform's name: ``[slack.hand]``. A
test holds every file against ``en.toml``, and every key against the code that says it. To translate: copy ``en.toml``
to ``xx.toml`` (two letters, ISO 639-1) and write its right-hand sides anew; then say what the signals mean, in a
section ``[signals]``, under their names (`core.signals.computed.MEANINGS`): in English they stand in the core, and are
not written here a second time. Wording never accuses anybody: it says what a conversation does. It is Markdown, which
each platform writes in its own manner (`bots.common.markup`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

ENGLISH = "en"


@cache
def texts(language: str) -> dict[str, str]:
    """Return a language's texts by key; {} where there is no such language."""
    file = files(__package__) / f"{language}.toml"
    if not file.is_file():
        return {}
    return dict(_flat(tomllib.loads(file.read_text("utf-8"))))


def _flat(tree: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    for name, part in tree.items():
        if isinstance(part, str):
            yield f"{within}{name}", part.strip()
        else:
            yield from _flat(part, f"{within}{name}.")


def languages() -> list[str]:
    """Return the languages there are, English first."""
    found = {file.name.removesuffix(".toml") for file in files(__package__).iterdir() if file.name.endswith(".toml")}
    return [ENGLISH, *sorted(found - {ENGLISH})]


def template(language: str, key: str, platform: str = "") -> str:
    """Return one text with its blanks open: a platform's own wording first, but the language before all.

    >>> template("en", "digest.alerts_many")
    '{count} cards'
    """
    own = f"{platform}.{key}"
    for known in (texts(language), texts(ENGLISH)):
        if found := known.get(own) or known.get(key):
            return found
    raise KeyError(key)


def say(language: str, key: str, /, **blanks: object) -> str:
    """Say one text with its blanks filled in.

    >>> say("en", "errors.not_moderator")
    "Only this server's moderators can do this."
    >>> say("xx", "errors.not_moderator") == say("en", "errors.not_moderator")
    True
    """
    text = template(language, key)
    return text.format(**blanks) if blanks else text
