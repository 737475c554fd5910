"""What is said to people of one space: in its language, and in its platform's manner of writing.

Leans on `bots.texts` for the words and on `markup` for the manner. A signal's meaning stands in the core, in English; a
language says it by a text ``signals.<name>`` (`bots/texts/__init__.py`). What an operator named their own signals is
said as they wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bots.common.lines import fit
from bots.common.markup import NAME, Markup, quoted
from bots.texts import template, texts
from core.casework.cards import Person, percent
from core.signals.computed import MEANINGS

_SIGNALS = {meaning: name for name, meaning in MEANINGS.items()}


@dataclass(frozen=True, slots=True)
class Words:
    """A language, and a platform's manner of writing."""

    language: str
    markup: Markup

    def say(self, key: str, /, **blanks: object) -> str:
        """Say one text with its blanks filled in; the platform's own wording of it, where there is one."""
        text = self.markup.text(template(self.language, key, self.markup.platform))
        return text.format(**blanks) if blanks else text

    def signal(self, meaning: str) -> str:
        """Say what was noticed; `meaning` is in the core's English."""
        known = texts(self.language).get(f"signals.{_SIGNALS.get(meaning)}")
        return self.markup.escaped(meaning) if known is None else known

    def probability(self, probability: float | None) -> str:
        """Write a probability; say why where there is none."""
        return self.say("card.probability_none") if probability is None else percent(probability)

    def quote(self, text: str, limit: int) -> str:
        """Write at most `limit` characters of somebody's words, on one line, as they are."""
        return quoted(self.markup, text, limit)

    def named(self, who: Person) -> str:
        """Name somebody."""
        return self.quote(who.name or who.id, NAME)

    def person(self, who: Person) -> str:
        """Show somebody whom a card is about, and whether they are gone since."""
        if not who.id:
            return self.say("members.somebody")
        shown = self.markup.person(who)
        return f"{shown}, {self.say(f'card.gone_{who.gone}')}" if who.gone else shown

    def fit(self, lines: Iterable[str], limit: int) -> str:
        """Join as many lines as `limit` characters hold, and say how many were left out."""
        return fit(lines, limit, self.say("card.left_out", count="{count}"))
