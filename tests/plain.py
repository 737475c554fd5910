"""A platform that writes a tag around everything, so that whatever goes past it shows."""

from __future__ import annotations

from bots.common.markup import NAME, Id, Style, quoted
from bots.common.words import Words
from bots.texts import ENGLISH
from core.casework.cards import Person


class Plain:
    """Its manner of writing."""

    platform = "plain"
    hides = True

    def text(self, markdown: str) -> str:
        return markdown.replace("**", "!")

    def escaped(self, text: str) -> str:
        return text.replace("*", "(star)")

    def person(self, who: Person) -> str:
        return f"person:{quoted(self, who.name, NAME)}"

    def mention(self, who: Person) -> str:
        return f"mention:{who.id}"

    def role(self, role: Id) -> str:
        return f"role:{role}"

    def channel(self, channel: Id) -> str:
        return f"channel:{channel}"

    def when(self, time: float, style: Style = "moment") -> str:
        return f"{style}:{time:.0f}"

    def bold(self, text: str) -> str:
        return f"!{text}!"

    def hidden(self, text: str) -> str:
        return f"hidden:{text}"

    def code(self, text: str) -> str:
        return f"code:{text}"

    def link(self, url: str, label: str = "") -> str:
        return f"link:{label or url}"


PLAIN = Words(ENGLISH, Plain())
