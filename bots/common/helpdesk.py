"""What somebody who writes to Lampkeeper itself is told: helplines, once a conversation and day; and how to report.

Leans on `bots.helplines`. Decisions:
- The answer never depends on what was written: nobody who is afraid should have to find the right word, and a program
  that pretends to understand would harm.
- Whether a conversation was answered today is remembered; after a restart the platform's module asks the conversation
  itself, so that nothing about it is stored.
- The country is the one of the space that direct messages belong to. People need not live there: a menu of flags, which
  no child must be able to read English for, names the other countries' helplines.
"""

from __future__ import annotations

from typing import NamedTuple

from bots.common.here import Here
from bots.common.markup import Id
from bots.common.reporting import Aid, receive
from bots.common.words import Words
from bots.helplines import Helplines, lines
from core.casework.cards import Person
from core.casework.reports import Asking
from core.retention.rules import DAY

REMEMBERED = 10_000
NAMED_MOST = 1000
"""Characters of helplines in one answer: an operator may name many, and a message takes 2000 in all on Discord."""
WHAT_MOST, NAME_MOST = 700, 100
"""Characters of what happened, and of who it was or where."""


class Answered:
    """The conversations that were answered within a day; times are in seconds since the epoch."""

    def __init__(self) -> None:
        self._since: dict[Id, float] = {}

    def begin(self, conversation: Id, now: float) -> bool:
        """Take note that one is being answered; False if it was already."""
        if now - self._since.get(conversation, 0.0) < DAY:
            return False
        if len(self._since) >= REMEMBERED:
            self._since = {known: since for known, since in self._since.items() if now - since < DAY}
        self._since[conversation] = now
        return True

    def failed(self, conversation: Id) -> None:
        """Take note that it could not be answered: its next line is."""
        self._since.pop(conversation, None)


class Told(NamedTuple):
    """A form that somebody filled in: what happened, who it was and where in their words, "" where they left it out."""

    reporter: Person
    what: str
    who: str = ""
    where: str = ""


def greeting(words: Words, helplines: Helplines, country: str | None, readers: str | None) -> str:
    """Say who can help, and who reads what is written here: moderators of a space, by its name as it is to be shown."""
    seen = words.say("members.unseen") if readers is None else words.say("members.seen", server=readers)
    return words.say("members.help", helplines=named(words, helplines, country), seen=seen)


def named(words: Words, helplines: Helplines, country: str | None) -> str:
    """Name a country's helplines."""
    return words.fit(lines(helplines, country, words), NAMED_MOST)


def countries(helplines: Helplines) -> list[tuple[str, str]]:
    """Return the countries of which helplines are known, each with a label: its letters, and the first helpline."""
    return [(country, f"{country}: {helplines[country][0].name}") for country in sorted(helplines)]


def flag(country: str) -> str:
    """Return a country's flag: its letters as regional indicators (Unicode Standard, 22.10).

    >>> flag("GB") == chr(0x1F1EC) + chr(0x1F1E7)
    True
    """
    return "".join(chr(ord(letter) - ord("A") + 0x1F1E6) for letter in country)


async def take(here: Here, told: Told, about: Person | None, aid: Aid) -> str:
    """Open a case about somebody, None where nobody could be found by what was said; return what to say.

    What somebody says of themselves names nobody to look at.
    """
    words, silent = here.words, here.words.say("members.not_said")
    if about is not None and about.id == told.reporter.id:
        about = None
    text = words.say("members.words", what=told.what, who=told.who or silent, where=told.where or silent)
    answer = await receive(here, Asking(told.reporter, about or Person("", ""), text), aid)
    return answer if about is not None else f"{answer}\n{words.say('members.nobody_found')}"
