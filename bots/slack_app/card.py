"""The alert card and the excerpt in Block Kit (https://docs.slack.dev/reference/block-kit/blocks). Pure.

Leans on `core.cards`. People stand on a card as plain names with their member IDs and never as ``<@U...>``: a mention
can notify the person it names, and an alert must not reach the people it is about. Everything else that is not ours is
escaped for the same reason (``<!channel>`` in a name would call everybody). An excerpt is shown as plain text, so that
moderators read what was written, not what Slack's markup makes of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from core.cards import NOTE, Card, ExcerptLine, Person, percent

Block = dict[str, Any]

CONFIRM, DISMISS, EXCERPT = "lampkeeper_confirm", "lampkeeper_dismiss", "lampkeeper_excerpt"
BUTTONS = {CONFIRM: "Confirm", DISMISS: "Dismiss", EXCERPT: "Show excerpt"}
EVENT_TYPE = "lampkeeper_alert"
"""Type of the metadata by which a posted card is found again (https://docs.slack.dev/messaging/message-metadata)."""
SECTION_MOST = 3000
"""Characters in one section block."""
LINE_MOST = 600
"""Characters shown of one line of an excerpt."""
EXCERPT_MOST = 12_000
"""Characters in one excerpt; Slack refuses messages of very long blocks (``msg_blocks_too_long``)."""
BLOCKS_MOST = 50
"""Blocks in one message."""


def escape(text: str) -> str:
    """Keep Slack from reading markup into `text`.

    >>> escape("<!channel> & co")
    '&lt;!channel&gt; &amp; co'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fallback(card: Card) -> str:
    """Return what notifications and screen readers say for the card."""
    return f"{card.title} ({percent(card.probability)}). {escape(card.status)}."


def blocks(card: Card, links: Sequence[str]) -> list[Block]:
    """Return the card; `links` are the addresses of `card.messages`, in their order."""
    signals = "\n".join(f"• {escape(signal)}" for signal in card.signals) or "• the way of talking as a whole"
    if card.welfare:
        signals += "\n*The other person*\n" + "\n".join(f"• {escape(signal)}" for signal in card.welfare)
    facts = (
        f"*{escape(card.status)}*\n"
        f"*Probability:* {percent(card.probability)}\n"
        f"*Messages from* {_person(card.actor)} *to* {_person(card.target) if card.target else 'nobody in particular'}"
    )
    opened = f"<!date^{int(card.opened)}^{{date_short_pretty}} {{time}}|{_clock(card.opened)}>"
    return [
        {"type": "header", "text": {"type": "plain_text", "text": card.title[:150]}},
        _section(facts),
        _section(f"*What was noticed*\n{signals}"),
        _context(f"Opened {opened}  ·  Messages: {_links(card, links)}"),
        _context(NOTE),
        {"type": "actions", "elements": [_button(action, card.alert) for action in _offered(card)]},
    ]


def metadata(card: Card) -> dict[str, Any]:
    """Return the metadata that goes with the card."""
    return {"event_type": EVENT_TYPE, "event_payload": {"alert": card.alert}}


def alert_of(message: dict[str, Any]) -> str | None:
    """Return the alert that a posted message is the card of, or None.

    Slack may keep metadata back from apps without the scope metadata.message:read, so the buttons are asked too.
    """
    data = message.get("metadata") or {}
    if data.get("event_type") == EVENT_TYPE:
        return str((data.get("event_payload") or {}).get("alert"))
    elements = (element for block in message.get("blocks") or () for element in block.get("elements") or ())
    return next((str(element.get("value")) for element in elements if element.get("action_id") in BUTTONS), None)


def excerpt(lines: Sequence[ExcerptLine]) -> list[Block]:
    """Return the excerpt; lines marked ▶ moved the score. If not all fit, the newest are kept, the others counted."""
    shown: deque[str] = deque()
    room = EXCERPT_MOST
    for line in reversed(lines):
        words = _line(line)
        room -= len(words)
        if room < 0 or len(shown) == BLOCKS_MOST - 1:
            break
        shown.appendleft(words)
    head = "What was said, oldest first; ▶ marks what moved the score. Only you can see this."
    if left_out := len(lines) - len(shown):
        head += f" {left_out} older lines are left out."
    return [_plain(words) for words in (head, *shown)]


def _line(line: ExcerptLine) -> str:
    mark, gone = "▶ " if line.reason else "", ", deleted since" if line.deleted else ""
    when = _clock(line.time) if line.time is not None else "at an unknown time"
    text = line.text if len(line.text) <= LINE_MOST else f"{line.text[:LINE_MOST]} … (cut)"
    along = f" ({line.attached})" if line.attachments else ""
    return f"{mark}{line.author.name or line.author.id}, {when}{gone}: {text}{along}"


def _offered(card: Card) -> tuple[str, ...]:
    return (EXCERPT,) if card.decided else (CONFIRM, DISMISS, EXCERPT)


def _button(action: str, alert: str) -> Block:
    label = {"type": "plain_text", "text": BUTTONS[action]}
    style = {"style": "primary"} if action == CONFIRM else {}
    return {"type": "button", "action_id": action, "value": alert, "text": label, **style}


def _person(person: Person) -> str:
    return f"{escape(person.name)} (`{escape(person.id)}`)" if person.name else f"`{escape(person.id)}`"


def _links(card: Card, links: Sequence[str]) -> str:
    shown = []
    for number, (message, link) in enumerate(zip(card.messages, links, strict=True), 1):
        where = " (direct message)" if message.key.conversation.startswith("D") else ""
        shown.append(f"{number} (deleted){where}" if message.deleted else f"<{link}|{number}>{where}")
    return ", ".join(shown) or "none"


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _fit(text)}}


def _plain(text: str) -> Block:
    return {"type": "section", "text": {"type": "plain_text", "text": _fit(text), "emoji": False}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _fit(text)}]}


def _fit(text: str) -> str:
    return text if len(text) <= SECTION_MOST else text[: SECTION_MOST - 1] + "…"


def _clock(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")
