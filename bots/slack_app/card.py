"""The alert card, answers and excerpts in Block Kit (https://docs.slack.dev/reference/block-kit). Pure.

Leans on `bots.common.face` and `bots.common.excerpt` for what they say. Slack's limits (50 blocks in a message, 3,000
characters in a section, 10 fields of 2,000 in one, 150 in a header, 24 in a modal's title, 75 on a button) are kept
here, by leaving out and saying so. A card holds no text of messages, and Slack has nothing to hide one behind: an
excerpt is shown in a modal, to whoever pressed for it, which opens folded and shows texts once that is pressed, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bots.common import hand
from bots.common.answers import Answer
from bots.common.excerpt import pages
from bots.common.face import ROOM, Face, Field, Picture
from bots.common.lines import clip
from bots.common.words import Words
from bots.slack_app import forms, kit
from bots.slack_app.forms import Input
from bots.slack_app.kit import MODAL_TITLE, SECTION, Block, actions, context, header, plain, section, written
from bots.slack_app.markup import escape
from core.casework.cards import Card
from core.effects import Level

FIELD, FIELDS, BLOCKS, TEXT, ALT = 2000, 10, 50, 3000, 200
EXCERPT_SECTIONS = 20
"""Sections of one excerpt; a modal may be of 250 kB, and nobody reads that much."""
SIGNS: dict[Level, str] = {"none": "⚪", "watch": "🟡", "review": "🟠", "urgent": "🔴"}
DECIDED = "⚫"
ACTION = "lampkeeper_"
"""What the names of our buttons begin with."""
EVENT_TYPE = "lampkeeper_alert"
"""Type of the metadata by which a posted card is found again (https://docs.slack.dev/messaging/message-metadata)."""
EXCERPT_WINDOW = "lampkeeper_excerpt"
"""The `callback_id` of the modal that shows an excerpt."""
FORM = "lampkeeper_form"
"""The `callback_id` of every form about a case; which one it is stands in what it is about."""
GROUNDS, REMARK = "grounds", "remark"
"""The fields of the form that ends a dismissal."""


def fallback(drawn: Face) -> str:
    """Return what notifications and screen readers say for the card."""
    short = (f"{field.name}: {'; '.join(field.text.splitlines())}" for field in drawn.fields if field.short)
    return clip(". ".join([escape(drawn.title), *short]), TEXT)


def blocks(drawn: Face, words: Words) -> list[Block]:
    """Draw the card."""
    sign = DECIDED if drawn.decided else SIGNS[drawn.level]
    head = header(f"{sign} {drawn.title}")
    opened = words.say("slack_hand.opened", when=words.markup.when(drawn.opened))
    foot = [context(opened), context(drawn.note)] if drawn.note else [context(opened)]
    foot.append(buttons(drawn, words))
    pictures = [_picture(one) for one in (drawn.actor, drawn.target) if one is not None]
    if pictures:
        foot.insert(0, {"type": "context", "elements": [part for pair in pictures for part in pair]})
    return [head, *_fitting(list(_fields(drawn.fields)), BLOCKS - 1 - len(foot), words), *foot]


def buttons(drawn: Face, words: Words) -> Block:
    """Draw the card's buttons."""
    return actions(button(*one) for one in hand.labelled([(name, drawn.alert) for name in drawn.buttons], words))


def metadata(alert: str) -> dict[str, Any]:
    """Return the metadata that goes with the card of an alert."""
    return {"event_type": EVENT_TYPE, "event_payload": {"alert": alert}}


def alert_of(message: Mapping[str, Any]) -> str | None:
    """Return the alert that a posted message is the card of, or None.

    Slack may keep metadata back from apps without the scope metadata.message:read, so the buttons are asked too: every
    card has the one for its excerpt.
    """
    data = message.get("metadata") or {}
    if data.get("event_type") == EVENT_TYPE:
        return str((data.get("event_payload") or {}).get("alert"))
    elements = (element for block in message.get("blocks") or () for element in block.get("elements") or ())
    found = (str(one.get("value")) for one in elements if one.get("action_id") == ACTION + hand.EXCERPT)
    return next(found, None)


def answer(told: Answer, words: Words) -> list[Block]:
    """Draw what whoever pressed is told."""
    shown = [section(part) for part in parts(told.text)]
    offered = hand.labelled(told.buttons, words)
    names = [name for name, _ in told.buttons]
    once = [button(*one) for one in offered if names.count(one[0]) == 1]
    several = [[button(*one)] for one in offered if names.count(one[0]) > 1]  # no block may hold two of one name
    return shown + [actions(row) for row in (once, *several) if row]


def button(name: str, about: str, label: str) -> Block:
    """Draw a button; `about` is an alert, two (`bots.common.merging`), or the number of an action."""
    return kit.button(label, ACTION + name, about, hand.look(name)[1])


def waiting(words: Words) -> Block:
    """Return the modal that stands until an excerpt is there."""
    return modal(words.say("card.excerpt"), [section(words.say("slack_hand.moment"))], words)


def fold(about: Card, name: str, words: Words) -> Answer:
    """Say what was noticed, and offer the texts that the button `name` asks for."""
    noticed = words.fit(map(words.signal, about.signals), ROOM["signals"]) or words.say("card.noticed_whole")
    text = f"{words.markup.bold(words.say('card.noticed'))}\n{noticed}\n\n{words.say('slack_hand.folded')}"
    return Answer(text, buttons=((name, about.alert),))


def folded(told: Answer, words: Words) -> Block:
    """Return the modal in which an excerpt is folded (`fold`), with a button that shows texts in its place."""
    ((name, alert),) = told.buttons
    shown = [section(part) for part in parts(told.text)]
    show = kit.button(words.say("slack_hand.show_texts"), ACTION + name, alert, "primary")
    return modal(words.say("card.excerpt"), [*shown, actions([show]), context(words.say("card.note"))], words) | {
        "callback_id": EXCERPT_WINDOW
    }


def excerpt(told: Answer, words: Words) -> Block:
    """Return the modal that shows an excerpt."""
    drawn = [section(part) for page in pages(told.excerpt, words, SECTION, EXCERPT_SECTIONS) for part in parts(page)]
    shown = [*drawn, *answer(told, words), context(words.say("card.note"))]
    return modal(words.say("card.excerpt"), shown, words) | {"callback_id": EXCERPT_WINDOW}


def modal(title: str, shown: list[Block], words: Words) -> Block:
    """Return a modal that only tells (https://docs.slack.dev/surfaces/modals)."""
    return kit.modal(title, shown, close=plain(clip(words.say("slack_hand.close"), MODAL_TITLE)))


def form(told: Answer, words: Words, about: Mapping[str, Any]) -> Block:
    """Return the form that an answer asks for: grounds of a dismissal, or one of `hand.FORMS`; `about` comes back."""
    if told.form is None:
        grounds = Input(GROUNDS, words.say("hand.choose_grounds"), options=tuple(hand.grounds_offered(words)))
        remark = Input(REMARK, words.say("hand.remark_label"), hand.REMARK_LONGEST, long=True, optional=True)
        title, inputs = words.say("hand.remark_title"), (grounds, remark)
        return forms.form(words, FORM, title, inputs, about, above=told.text, submit="slack_hand.submit")
    asked = hand.FORMS[told.form[0]]
    fields = [Input(one.name, words.say(one.label), one.most, one.long, one.optional) for one in asked.inputs]
    return forms.form(words, FORM, words.say(asked.title), fields, about)


def parts(text: str) -> Iterator[str]:
    """Cut a text into pieces that a section holds: at the end of a line, or of a word, where there is one."""
    while text:
        end = len(text)
        if end > SECTION:
            end = max(text.rfind("\n", 1, SECTION), 0) or max(text.rfind(" ", 1, SECTION), 0) or SECTION
        piece, text = text[:end], text[end:].lstrip("\n ")
        if piece.strip():
            yield piece


def _fields(fields: Iterable[Field]) -> Iterator[Block]:
    """Draw the fields in their order, short ones that follow each other side by side."""
    beside: list[Block] = []
    for field in fields:
        text = f"*{field.name}*\n{field.text}"
        if field.short and len(beside) < FIELDS:
            beside.append(written(text, FIELD))
            continue
        if beside:
            yield {"type": "section", "fields": beside}
            beside = []
        if field.short:
            beside.append(written(text, FIELD))
        else:
            yield section(text)
    if beside:
        yield {"type": "section", "fields": beside}


def _fitting(shown: list[Block], most: int, words: Words) -> list[Block]:
    if len(shown) <= most:
        return shown
    return [*shown[: most - 1], section(words.say("card.left_out", count=len(shown) - most + 1))]


def _picture(one: Picture) -> tuple[Block, Block]:
    name = clip(one.name, ALT) or "…"
    return {"type": "image", "image_url": one.url, "alt_text": name}, plain(name)
