"""How Discord writes things inline (API, "Message Formatting"), and the words of a server.

A time is written in each reader's own zone; a mention can be clicked. What is posted with `answers.NOBODY` notifies
nobody whom it names.
"""

from __future__ import annotations

import re

from bots.common.markup import NAME, Id, Style, quoted
from bots.common.words import Words
from core.casework.cards import Person

STYLES: dict[Style, str] = {"moment": "f", "ago": "R", "day": "D", "clock": "t"}
_MARKUP = re.compile(r"[\\_*~|`>\[]|:(?=//)")
"""Signs that mean something; ``:`` where an address begins, which Discord links even where nothing marks it."""


class DiscordMarkup:
    """Discord's manner of writing; our texts are in it already."""

    platform = "discord"
    hides = True

    def text(self, markdown: str) -> str:
        """Return the text as it is."""
        return markdown

    def escaped(self, text: str) -> str:
        r"""Write somebody's words as they are: no markdown, no end of a spoiler, and no address that can be clicked.

        >>> MARKUP.escaped("||**[look](https://a.example)")
        '\\|\\|\\*\\*\\[look](https\\://a.example)'
        """
        return _MARKUP.sub(r"\\\g<0>", text)

    def person(self, who: Person) -> str:
        """Show a person: the mention, which Discord makes clickable, and the name last seen."""
        return f"{self.mention(who)} ({quoted(self, who.name, NAME)})" if who.name else self.mention(who)

    def mention(self, who: Person) -> str:
        """Mention a person."""
        return f"<@{who.id}>"

    def role(self, role: Id) -> str:
        """Name a role."""
        return f"<@&{role}>"

    def channel(self, channel: Id) -> str:
        """Name a channel."""
        return f"<#{channel}>"

    def when(self, time: float, style: Style = "moment") -> str:
        """Show a time."""
        return f"<t:{int(time)}:{STYLES[style]}>"

    def bold(self, text: str) -> str:
        """Write in bold."""
        return f"**{text}**"

    def hidden(self, text: str) -> str:
        """Hide behind a spoiler."""
        return f"||{text}||"

    def code(self, text: str) -> str:
        """Write in a fixed width."""
        return f"`{text}`"

    def link(self, url: str, label: str = "") -> str:
        """Link to a page."""
        return f"[{label}]({url})" if label else f"<{url}>"


MARKUP = DiscordMarkup()


def words(language: str) -> Words:
    """Return what is said in a language, as Discord writes it."""
    return Words(language, MARKUP)
