"""What the bots say to people: one TOML file a language, beside this module, with the same keys and the same blanks.

A key is ``section.name``; a blank is ``{name}``. A key that a language lacks is said in English. A test holds every
file against ``en.toml``, and every key against the code that says it. To translate: copy ``en.toml`` to ``xx.toml``
(two letters, ISO 639-1) and write its right-hand sides anew. Wording never accuses anybody: it says what a conversation
does.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

ENGLISH = "en"


@cache
def texts(language: str) -> dict[str, str]:
    """Return a language's texts by key; {} where there is no such language."""
    file = files(__package__) / f"{language}.toml"
    if not file.is_file():
        return {}
    tree = tomllib.loads(file.read_text("utf-8"))
    return {f"{section}.{name}": text.strip() for section, lines in tree.items() for name, text in lines.items()}


def languages() -> list[str]:
    """Return the languages there are, English first."""
    found = {file.name.removesuffix(".toml") for file in files(__package__).iterdir() if file.name.endswith(".toml")}
    return [ENGLISH, *sorted(found - {ENGLISH})]


def say(language: str, key: str, /, **blanks: object) -> str:
    """Say one text with its blanks filled in.

    >>> say("en", "errors.not_moderator")
    "Only this server's moderators can do this."
    >>> say("xx", "errors.not_moderator") == say("en", "errors.not_moderator")
    True
    """
    text = texts(language).get(key) or texts(ENGLISH)[key]
    return text.format(**blanks) if blanks else text
