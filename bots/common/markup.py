"""How one platform writes things inline: people, times, channels, links. Each adapter has one object of this kind.

The texts in `bots.texts` are Markdown (``**bold**``, ``*italics*``, `` `code` ``), which `Markup.text` writes anew.
"""

from __future__ import annotations

from typing import Literal, Protocol

from bots.common.lines import clip, straight
from core.casework.cards import Person

NAME = 64
"""Characters shown of a name."""
Id = int | str
"""A platform's own id of a channel or role."""
Style = Literal["moment", "ago", "day", "clock"]
"""How a time is shown: day and time of day; how long ago; the day; the time of day."""


class Markup(Protocol):
    """One platform's manner of writing."""

    @property
    def platform(self) -> str:
        """The platform's name, as spaces begin with; its own texts, where there are any, stand under it."""

    @property
    def hides(self) -> bool:
        """Whether it can hide a text until somebody wants to see it."""

    def text(self, markdown: str) -> str:
        """Write one of our own texts, blanks and all, which must come through as they are."""

    def escaped(self, text: str) -> str:
        """Write somebody's words so that they are shown as they are: no markup, no mention, no end of what hides it."""

    def person(self, who: Person) -> str:
        """Show a person of whom the id is known: so that moderators can reach them, and with the name last seen."""

    def mention(self, who: Person) -> str:
        """Show the same person in short, where the name stands near."""

    def role(self, role: Id) -> str:
        """Name a role or a group of people."""

    def channel(self, channel: Id) -> str:
        """Name a channel."""

    def when(self, time: float, style: Style = "moment") -> str:
        """Show a time (seconds since the epoch), in each reader's own zone where the platform can."""

    def bold(self, text: str) -> str:
        """Write what is written already in bold."""

    def hidden(self, text: str) -> str:
        """Hide what is written already until somebody wants to see it; as it is where the platform cannot."""

    def code(self, text: str) -> str:
        """Write signs that stand side by side in a fixed width."""

    def link(self, url: str, label: str = "") -> str:
        """Link to a page, with no preview of it; without a `label` the address shows."""


def quoted(markup: Markup, text: str, limit: int) -> str:
    """Write at most `limit` characters of somebody's words, on one line, as they are."""
    return markup.escaped(clip(" ".join(straight(text).split()), limit))
