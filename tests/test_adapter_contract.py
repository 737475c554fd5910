"""What every platform's adapter does alike, played on each one's stage over real sockets.

A stage (`tests/discord_stage.py`, `tests/slack_platform.py`) is Lampkeeper with its real guard, model, database and
adapter, on the tests' own platform. A new adapter brings a stage and is added to `STAGES`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core.store import tables
from tests.discord_stage import discord_stage
from tests.slack_platform import slack_stage
from tests.support import slow_talk

STAGES: dict[str, Any] = {"discord": discord_stage, "slack": slack_stage}
OPEN = ["Confirm", "Dismiss", "Show excerpt"]


@pytest.fixture(params=STAGES)
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with STAGES[request.param](tmp_path) as playing:
        yield playing


def talk() -> list[str]:
    """Six lines; after three there is an alert, and its excerpt still reaches the sixth."""
    lines = slow_talk()
    return [f"{one}, {other}" for one, other in zip(lines[:12:2], lines[1:12:2], strict=True)]


async def play(stage: Any) -> dict[str, Any]:
    """Let the actor talk to the target; return the card that moderators see then."""
    await stage.say("target", "hello there")
    for line in talk()[:3]:
        await stage.say("actor", line)
    await stage.settled()
    (card,) = stage.cards()
    return dict(card)


async def excerpt(stage: Any) -> str:
    text, private = await stage.press(stage.cards()[0]["alert"], "Show excerpt")
    assert private
    return str(text)


async def test_a_conversation_that_follows_the_pattern_leads_to_one_card(stage: Any) -> None:
    card = await play(stage)
    assert "risk pattern" in card["title"]
    assert card["buttons"] == OPEN
    assert "actor" in card["text"].lower()
    assert "target" in card["text"].lower()


async def test_a_card_holds_no_text_of_messages(stage: Any) -> None:
    card = await play(stage)
    assert not [line for line in talk() if line in card["text"]]


async def test_a_message_delivered_twice_is_counted_once(stage: Any) -> None:
    await play(stage)
    said = await stage.say("actor", "a lighthouse")
    await stage.say("actor", "a lighthouse", id=said)
    await stage.settled()
    assert (await excerpt(stage)).count("lighthouse") == 1


async def test_what_was_said_while_the_connection_was_lost_is_counted_once(stage: Any) -> None:
    *_, third, second, last = talk()
    await play(stage)
    await stage.drop_connection()
    await stage.say("actor", f"{third} lighthouse")
    await stage.say("actor", f"{second} windmill")
    await stage.settled()
    await stage.say("actor", f"{last} harbour")
    await stage.settled()
    text = await excerpt(stage)
    assert [text.count(word) for word in ("lighthouse", "windmill", "harbour")] == [1, 1, 1]
    assert text.index("lighthouse") < text.index("windmill") < text.index("harbour")


async def test_what_was_said_while_lampkeeper_was_down_is_counted_once(stage: Any) -> None:
    *_, second, last = talk()
    await play(stage)
    await stage.stop()
    await stage.say("actor", f"{second} windmill")
    await stage.start()
    await stage.say("actor", f"{last} harbour")
    await stage.settled()
    text = await excerpt(stage)
    assert text.count("windmill") == text.count("harbour") == 1
    assert text.index("windmill") < text.index("harbour")


async def test_an_edit_is_followed(stage: Any) -> None:
    last = talk()[3]
    await play(stage)
    said = await stage.say("actor", f"{last} windmill")
    await stage.settled()
    await stage.edit(said, f"{last} harbour")
    await stage.settled()
    assert "harbour" in await excerpt(stage)


async def test_a_deleted_message_is_shown_as_deleted(stage: Any) -> None:
    last = talk()[3]
    await play(stage)
    said = await stage.say("actor", last)
    await stage.settled()
    assert "deleted" not in await excerpt(stage)
    await stage.delete(said)
    await stage.settled()
    assert "deleted" in await excerpt(stage)


async def test_a_press_works_after_a_restart(stage: Any) -> None:
    card = await play(stage)
    await stage.restart()
    text, private = await stage.press(card["alert"], "Confirm")
    await stage.settled()
    assert "confirmed" in text.lower()
    assert private
    (shown,) = stage.cards()
    assert "confirmed by moderator" in shown["text"].lower()
    assert shown["buttons"] == ["Show excerpt"]


async def test_the_card_says_who_looks_into_it(stage: Any) -> None:
    card = await play(stage)
    await stage.push(card["alert"], "claim")
    await stage.settled()
    assert "moderator is looking into it" in stage.cards()[0]["text"].lower()
    await stage.push(card["alert"], "release")
    await stage.settled()
    assert "looking into it" not in stage.cards()[0]["text"].lower()


async def test_a_dismissal_is_not_recorded_before_a_reason_is_given(stage: Any) -> None:
    card = await play(stage)
    await stage.push(card["alert"], "dismiss")
    await stage.settled()
    assert stage.cards()[0]["buttons"] == OPEN


async def test_the_second_moderator_is_told_who_decided(stage: Any) -> None:
    card = await play(stage)
    await stage.press(card["alert"], "Dismiss")
    text, private = await stage.press(card["alert"], "Confirm", "second")
    await stage.settled()
    assert "dismissed by moderator" in text.lower()
    assert private
    assert "dismissed by moderator" in stage.cards()[0]["text"].lower()


@pytest.mark.parametrize("button", OPEN)
async def test_somebody_who_is_no_moderator_is_refused(stage: Any, button: str) -> None:
    card = await play(stage)
    text, private = await stage.press(card["alert"], button, "actor")
    await stage.settled()
    assert "moderator" in text
    assert private
    assert not [line for line in talk() if line in text]
    assert stage.cards()[0]["buttons"] == OPEN


@pytest.mark.parametrize("what", ["person", "space"])
async def test_a_card_whose_data_was_deleted_says_so_and_nothing_else(stage: Any, what: str) -> None:
    shown = await play(stage)
    card = await stage.guard.desk.card(shown["alert"])
    if what == "space":
        await stage.guard.forget_space(card.space)
    else:
        await stage.guard.forget_person(card.space, card.actor.id)
    await stage.settled()
    assert stage.cards() == []
    assert stage.notices() == ["The data of this alert was deleted."]


async def test_a_card_that_somebody_deleted_needs_not_be_taken_back(stage: Any) -> None:
    shown = await play(stage)
    card = await stage.guard.desk.card(shown["alert"])
    stage.discard_cards()
    await stage.guard.forget_person(card.space, card.actor.id)
    await stage.settled()
    assert stage.cards() == stage.notices() == []
    async with stage.guard.ledger.store.read() as tx:
        assert list(await tx.scalars(select(tables.outbox.c.notice))) == []


async def test_after_a_decision_the_card_stays_one(stage: Any) -> None:
    card = await play(stage)
    await stage.press(card["alert"], "Dismiss")
    await stage.settled()
    for line in talk():
        await stage.say("actor", line)
    await stage.settled()
    assert len(stage.cards()) == 1
