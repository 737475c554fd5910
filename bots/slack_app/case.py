"""A case in a window, or in an answer that only one person sees: what its card says, its buttons, and what was done.

Leans on `bots.common.face`, `bots.common.cases` and `card`. It carries the buttons that its card carries, under the
same names: a press in a window goes the way of a press on the card (`presses`), and the window then shows the case as
it stands, under what whoever pressed is told. Which case a window is about stands in its ``private_metadata``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bots.common import belonging, cases, rotation
from bots.common.face import WRITTEN, face
from bots.common.words import Words
from bots.slack_app import card as drawing
from bots.slack_app.api import RefusalError, call
from bots.slack_app.kit import SECTION, Block, context, paragraphs, section
from bots.slack_app.workspace import Workspace
from core.casework import listing
from core.casework.cards import Card, Person
from core.casework.listing import Listed

WINDOW = "lampkeeper_case"
"""The `callback_id` of a case's window."""
CLOSED = "not_found"
"""Slack's refusal to change a window that somebody closed."""


class Window(NamedTuple):
    """A case's open window: its id, and the alert."""

    id: str
    alert: str


def window(words: Words, alert: str, blocks: Iterable[Block]) -> Block:
    """Return the window of a case."""
    shown = drawing.modal(words.say("home.case_title"), list(blocks), words)
    return shown | {"callback_id": WINDOW, "private_metadata": json.dumps({"alert": alert})}


def pressed_in(view: Mapping[str, Any]) -> Window | None:
    """Return the case's window that Slack tells of: the `view` itself, or the one under it (see `presses`)."""
    about = json.loads(view.get("private_metadata") or "{}")
    if view.get("callback_id") == WINDOW:
        return Window(str(view["id"]), about["alert"])
    return Window(about["window"], about["alert"]) if about.get("window") else None


async def show(workspace: Workspace, at: Window, told: Sequence[Block], asks: Person | None) -> bool:
    """Show in a case's window what whoever pressed is `told`, and under it the case as it stands, if they may see it.

    False where somebody closed the window. https://docs.slack.dev/reference/methods/views.update
    """
    found = await listing.one(workspace.guard.ledger, workspace.space, at.alert) if asks is not None else None
    below = [] if found is None or asks is None else [{"type": "divider"}, *await blocks(workspace, found, asks)]
    changed = window(workspace.words, at.alert, [*told, *below])
    try:
        await call(workspace.client.views_update, view_id=at.id, view=changed)
    except RefusalError as error:
        if error.code != CLOSED:
            raise
        return False
    return True


async def blocks(workspace: Workspace, found: Listed, asks: Person) -> list[Block]:
    """Draw a case for whoever `asks`; what moderators wrote about it stands behind a button."""
    words, bold, who = workspace.words, workspace.words.markup.bold, workspace.who
    done = await listing.history(workspace.guard.ledger, workspace.space, found.card.alert)
    turn = await rotation.turn(workspace.guard.desk, found.card, workspace.moderates)
    shown = face(found.card, words, [*_links(workspace, found.card)], {}, turn)
    belongs = await listing.belonging(workspace.guard.ledger, workspace.space, found.card.alert)
    if belongs.notes and WRITTEN not in shown.buttons:
        shown = replace(shown, buttons=(*shown.buttons, WRITTEN))
    place = cases.place(words, found, lambda reference: who.address(*reference.split("/", 1)))
    return [
        section(bold(shown.title)),
        section(place),
        *(section(f"{bold(field.name)}\n{field.text}") for field in shown.fields),
        context(shown.note),
        drawing.buttons(shown, words),
        *paragraphs(belonging.lines(words, found.card, belongs, asks, SECTION)),
        section(words.fit([bold(words.say("cases.history")), *cases.told(words, done)], SECTION)),
    ]


def _links(workspace: Workspace, card: Card) -> list[str | None]:
    """Return where a card's messages stand; a direct message with the app opens to nobody else."""
    link, who = workspace.words.markup.link, workspace.who
    places = [who.said_at(message.key.conversation, message.message_id) for message in card.messages]
    return [None if url is None else link(url, str(number)) for number, url in enumerate(places, 1)]
