"""The page of cards in docs: ``python -m bots.slack_app.cards_page > docs/slack_cards.md``.

Leans on `card`, which draws what is posted. A test holds the page equal to what is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bots.common import hand
from bots.common.answers import Answer
from bots.common.examples import OPENED, People, decided_card, lines, open_card
from bots.common.face import WRITTEN, face
from bots.slack_app import card as drawn
from bots.slack_app.actions import DEEDS
from bots.slack_app.kit import Block
from bots.slack_app.markup import APART, MARKUP, words
from bots.texts import ENGLISH
from core.casework.cards import Action, Card, Person
from core.messages import ConversationKey

WORDS = words(ENGLISH)
PEOPLE = People(Person("U0ACTOR", "actor"), Person("U0TARGET", "target"), Person("U0MODERATOR", "moderator"))
CHANNEL = "C0GENERAL"
KEY = ConversationKey("slack:T0LAMP", CHANNEL)
CARD = open_card(PEOPLE, KEY, (f"{OPENED - seconds:.6f}" for seconds in (40, 95, 130)))
DECIDED = decided_card(CARD, PEOPLE.moderator, Action("remove", PEOPLE.actor, place=CHANNEL))
ASKED = Answer(WORDS.say("hand.why_dismiss"), grounds=CARD.alert)
_LINKED = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), (APART, ""))


def page() -> str:
    """Write the page, in Markdown."""
    offered = (*DEEDS, "hold", "export", "escalate", "note", WRITTEN, *hand.WAYS.values())
    parts = [
        "# Lampkeeper's cards on Slack, as text",
        "Written by `make docs/slack_cards.md` from what is drawn; please do not edit. All of it is invented.",
        "In Slack a message's time is a link to it, and each reader sees times in their own zone.",
        "## An open alert",
        *_shown(_card(CARD)),
        "## The same, decided, with what was done",
        *_shown(_card(DECIDED)),
        "## Show excerpt, which only the presser sees, folded at first",
        *_shown(drawn.folded(drawn.fold(CARD, hand.EXCERPT, WORDS), WORDS)["blocks"]),
        "## Show texts, in its place",
        *_shown(drawn.excerpt(Answer(excerpt=tuple(lines(PEOPLE))), WORDS)["blocks"]),
        "## Dismiss, which asks why",
        *_shown(drawn.form(ASKED, WORDS, {})["blocks"]),
        "## Note, and that a case goes to an authority",
        *(part for name in hand.FORMS for part in _shown(_form(name))),
        "## More",
        "Buttons: " + " · ".join(f"**{WORDS.say(hand.look(name)[0])}**" for name in dict.fromkeys(offered)),
    ]
    return "\n\n".join(parts) + "\n"


def _form(name: str) -> list[Block]:
    shown: list[Block] = drawn.form(Answer(form=(name, CARD.alert)), WORDS, {})["blocks"]
    return shown


def _card(card: Card) -> list[Block]:
    where = MARKUP.channel(CHANNEL)
    links = [f"{MARKUP.when(float(ref.message_id))} {where}" for ref in card.messages]
    return drawn.blocks(face(card, WORDS, links, {}), WORDS)


def _shown(blocks: list[Block]) -> Iterator[str]:
    texts = [_plain(text) for block in blocks for text in _texts(block)]
    yield "```\n" + "\n\n".join(texts) + "\n```"
    labels = [part["text"]["text"] for block in blocks if block["type"] == "actions" for part in block["elements"]]
    if labels:
        yield "Buttons: " + " · ".join(f"**{label}**" for label in labels)


def _texts(block: Block) -> Iterator[str]:
    """Yield the texts of a block, in the order of reading."""
    if block["type"] == "input":
        options: list[dict[str, Any]] = block["element"].get("options", [])
        yield "\n".join([block["label"]["text"], *(f"    {one['text']['text']}" for one in options)])
    elif block["type"] != "actions":
        texts = [block["text"]] if "text" in block else block.get("fields") or block["elements"]
        yield from (text["text"] for text in texts)


def _plain(text: str) -> str:
    """Write times as a reader in UTC sees them, and signs as anybody does."""
    text = _LINKED.sub(r"\1", text).replace(f"<#{CHANNEL}>", "#general")
    for written, sign in _ENTITIES:
        text = text.replace(written, sign)
    return text


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  it is a command
