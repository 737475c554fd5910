"""What the person approached shows of how they fare: on the card in a line of its own, and never in a score."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from bots.common.face import face
from bots.discord_bot.card import embed
from bots.slack_app.card import blocks
from bots.slack_app.kit import Block
from bots.slack_app.markup import words
from bots.terminal import card_text
from bots.texts import ENGLISH
from core.casework.cards import Card
from core.messages import Message
from core.signals.computed import MEANINGS
from tests.support import Board, in_memory, lampkeeper, said, talk

HURT = MEANINGS["self_harm_mention"]


def answered(text: str) -> list[Message]:
    """Invented talk in which the target says one thing before the actor's last line."""
    return [*talk()[:-1], said(90, text, "target", partner="actor"), said(91, talk()[-1].text, partner="target")]


def on_slack(card: Card) -> list[Block]:
    said = words(ENGLISH)
    return blocks(face(card, said, ["https://example.org"] * len(card.messages), {}), said)


async def card_of(folder: Path, messages: list[Message]) -> Card:
    board = Board()
    async with lampkeeper(folder, deliverers=[board]) as guard:
        for message in messages:
            await guard.receive(message)
        await guard.settled()
    return next(card for card in board.cards.values() if card.actor.id == "actor")


async def test_what_the_target_says_of_hurting_themselves_reaches_the_card_of_the_actor(tmp_path: Path) -> None:
    card = await card_of(tmp_path, answered("sometimes i want to hurt myself"))
    assert card.welfare == (HURT,)
    assert HURT not in card.signals


async def test_every_adapter_shows_it_apart_from_the_signals(tmp_path: Path) -> None:
    card = await card_of(tmp_path, answered("sometimes i want to hurt myself"))
    (field,) = [field for field in embed(replace(card, space="discord:1")).fields if field.name == "The other person"]
    assert field.value == HURT
    assert f"*The other person*\\n{HURT}" in json.dumps(on_slack(card))
    assert f"! The other person: {HURT}" in card_text(card).plain


async def test_it_reaches_the_card_even_if_the_actor_says_nothing_more(tmp_path: Path) -> None:
    card = await card_of(tmp_path, [*talk(), said(100, "sometimes i want to hurt myself", "target", partner="actor")])
    assert len(card.welfare) == 1


async def test_a_card_without_it_has_no_such_line(tmp_path: Path) -> None:
    card = await card_of(tmp_path, talk())
    assert card.welfare == ()
    assert "The other person" not in card_text(card).plain
    assert "The other person" not in str(embed(replace(card, space="discord:1")).to_dict())
    assert "The other person" not in str(on_slack(card))


def test_it_is_no_evidence_against_the_one_who_says_it() -> None:
    state, _ = in_memory(answered("sometimes i want to hurt myself"))
    pair = state.pairs["target", "actor"]
    assert pair.unweighed == {"self_harm_mention": 1}
    assert "self_harm_mention" not in pair.signals
    assert state.people["target"].targets == {}
