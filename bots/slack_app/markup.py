"""How Slack writes things inline (https://docs.slack.dev/messaging/formatting-message-text), and a workspace's words.

- People stand as plain names with their member IDs and never as ``<@U...>``: a mention can notify the person it names,
  and an alert must not reach the people it is about.
- Slack's markup cannot be escaped, but for three signs. It counts only beside a letter, so whatever could begin or end
  some is set apart by a space of no width. What is posted is ``verbatim`` (`card`), so that nothing else is linked.
- A time is written in each reader's own zone. Slack has nothing to hide a text behind: `card` shows them to whoever
  presses for them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bots.common.markup import NAME, Id, Style, quoted
from bots.common.words import Words
from core.casework.cards import Person

MOMENT = "{date_short_pretty} {time}"
STYLES: dict[Style, tuple[str, str]] = {
    "moment": (MOMENT, "%Y-%m-%d %H:%M UTC"),
    "ago": (MOMENT, "%Y-%m-%d %H:%M UTC"),
    "day": ("{date_short}", "%Y-%m-%d"),
    "clock": ("{time}", "%H:%M UTC"),
}
"""How Slack writes a time, and how whoever cannot see that reads it; Slack has no sure way to say how long ago."""
APART = "\u200b"
"""A space of no width."""
_SIGNS = re.compile(r"[*_~`]")
_BOLD, _ITALICS = re.compile(r"\*\*(.+?)\*\*", re.DOTALL), re.compile(r"(?<!\*)\*(?!\*)([^*\n]+)\*(?!\*)")
_LINK = re.compile(r"\[([^\]\n]+)\]\(([^)\s]+)\)")


def escape(text: str) -> str:
    """Keep Slack from reading links, mentions and calls into `text`.

    >>> escape("<!channel> & co")
    '&lt;!channel&gt; &amp; co'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class SlackMarkup:
    """Slack's manner of writing."""

    platform = "slack"
    hides = False

    def text(self, markdown: str) -> str:
        """Write one of our own texts.

        >>> MARKUP.text("**Bold**, *italic* and [a link](https://a.example)")
        '*Bold*, _italic_ and <https://a.example|a link>'
        """
        italics = _ITALICS.sub(r"_\1_", _LINK.sub(r"<\2|\1>", markdown))
        return _BOLD.sub(r"*\1*", italics)

    def escaped(self, text: str) -> str:
        """Write somebody's words as they are."""
        return _SIGNS.sub(rf"{APART}\g<0>{APART}", escape(text))

    def person(self, who: Person) -> str:
        """Show a person: the name last seen, and the member ID.

        >>> MARKUP.person(Person("U0ACTOR", "actor"))
        'actor (`U0ACTOR`)'
        """
        return f"{quoted(self, who.name, NAME)} ({self.code(who.id)})" if who.name else self.code(who.id)

    def mention(self, who: Person) -> str:
        """Show the same, for a member ID alone says nothing to people."""
        return self.person(who)

    def role(self, role: Id) -> str:
        """Name a usergroup; in a message that all can see, this calls it."""
        return f"<!subteam^{role}>"

    def channel(self, channel: Id) -> str:
        """Name a channel."""
        return f"<#{channel}>"

    def when(self, time: float, style: Style = "moment", url: str = "") -> str:
        """Show a time; with a `url`, link it.

        >>> MARKUP.when(0.0, "day")
        '<!date^0^{date_short}|1970-01-01>'
        """
        written, otherwise = STYLES[style]
        fallback = datetime.fromtimestamp(time, UTC).strftime(otherwise)
        return f"<!date^{int(time)}^{written}{f'^{url}' if url else ''}|{fallback}>"

    def bold(self, text: str) -> str:
        """Write in bold, in the middle of a word, too."""
        return f"{APART}*{text}*{APART}"

    def hidden(self, text: str) -> str:
        """Return it as it is."""
        return text

    def code(self, text: str) -> str:
        """Write in a fixed width."""
        return f"`{escape(text).replace('`', '')}`"

    def link(self, url: str, label: str = "") -> str:
        """Link to a page."""
        return f"<{url}|{label}>" if label else f"<{url}>"


class Unheard(SlackMarkup):
    """The same, for what is posted and must call nobody: a usergroup stands by its ID."""

    def role(self, role: Id) -> str:
        """Name a usergroup.

        >>> UNHEARD.role("S0MODS")
        '`S0MODS`'
        """
        return self.code(str(role))


MARKUP, UNHEARD = SlackMarkup(), Unheard()


def words(language: str) -> Words:
    """Return what is said in a language, as Slack writes it."""
    return Words(language, MARKUP)
