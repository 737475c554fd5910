"""Rotation: whose turn it could be to look into a case, where that is said, and that it holds up nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bots.common import hand, rotation
from bots.common.answers import Answer
from bots.common.face import face
from core import outbox
from core.casework.cards import Call, Card, Person
from core.casework.cases import TERMINAL
from core.casework.rotation import LATELY
from core.guard import Guard
from core.retention.rules import DAY
from core.store import tables
from tests.contract_discord import discord_contract
from tests.contract_slack import slack_contract
from tests.discord_objects import PEOPLE as DISCORD_PEOPLE
from tests.discord_stage import DiscordStage
from tests.plain import PLAIN
from tests.slack_api import ALERTS, PEOPLE
from tests.slack_platform import slack_stage
from tests.support import Board, Clock, lampkeeper, said, slow_talk, talk
from tests.test_common import BUTTONS, Press

KIM, SAM, LEE = Person("kim", "Kim"), Person("sam", "Sam"), Person("lee", "Lee")


async def opened(guard: Guard, board: Board) -> Card:
    for message in talk():
        await guard.receive(message)
    await guard.settled()
    return next(iter(board.cards.values()))


async def at_work(guard: Guard, board: Board, *people: Person) -> None:
    """Let each of some people claim another case, without reading."""
    for one in people:
        known = {card.alert for card in board.cards.values()}
        for number, text in enumerate(slow_talk()):
            await guard.receive(said(1000 * len(known) + number, text, partner=f"friend of {one.name}"))
        await guard.settled()
        (other,) = {card.alert for card in board.cards.values()} - known
        await guard.desk.claim(other, one)


async def everybody(_who: Person) -> bool:
    return True


async def test_whoever_was_shown_least_today_is_first_then_whoever_was_least_lately(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        card, desk = await opened(guard, board), guard.desk
        assert await desk.reviewers(card) == [], "nobody took part yet"
        await desk.excerpt(card.alert, SAM, more=50)
        await desk.excerpt(card.alert, KIM)
        assert await desk.reviewers(card) == [KIM, SAM]
        clock.now += DAY
        await desk.excerpt(card.alert, KIM)
        assert await desk.reviewers(card) == [SAM, KIM], "today counts before yesterday"
        clock.now += DAY
        await desk.excerpt(card.alert, LEE, more=50)
        assert await desk.reviewers(card) == [SAM, KIM, LEE], "Sam was shown less in all"
        clock.now += LATELY + DAY
        assert await desk.reviewers(card) == [], "whoever is away for long is not called"


async def test_whoever_claimed_longest_ago_comes_before_others_who_were_shown_nothing(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        card = await opened(guard, board)
        for one in (SAM, LEE, KIM):
            await at_work(guard, board, one)
            clock.now += 1
        assert await guard.desk.reviewers(card) == [SAM, LEE, KIM]


async def test_nobody_is_named_whom_the_case_is_about_or_who_let_go_of_it_or_asked_for_a_second_look(
    tmp_path: Path,
) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        card, desk = await opened(guard, board), guard.desk
        for reader in (Person("actor", "The actor"), Person("target", "The target"), KIM, SAM, LEE):
            await desk.excerpt(card.alert, reader)
        assert {one.id for one in await desk.reviewers(card)} == {"kim", "sam", "lee"}
        await desk.claim(card.alert, KIM)
        await desk.release(card.alert, KIM)
        await desk.escalate(card.alert, SAM)
        assert await desk.reviewers(card) == [LEE]
        await guard.forget_person(card.space, LEE.id)
        assert await desk.reviewers(card) == []


async def test_who_was_shown_enough_for_today_or_moderates_no_more_or_sits_at_a_terminal_is_not_named(
    tmp_path: Path,
) -> None:
    board, clerk = Board(), Person(f"{TERMINAL}Toni", "Toni")
    async with lampkeeper(tmp_path, deliverers=[board], excerpt_lines=5) as guard:
        card, desk = await opened(guard, board), guard.desk
        await desk.excerpt(card.alert, KIM, more=50)
        await at_work(guard, board, clerk, SAM, LEE)
        assert await desk.reviewers(card) == [clerk, SAM, LEE]

        async def left(who: Person) -> bool:
            return who != SAM

        assert await rotation.others(desk, card, left) == [LEE]
        assert await rotation.turn(desk, card, left) == LEE
        await desk.claim(card.alert, LEE)
        claimed = await desk.case(card.alert)
        assert claimed is not None
        assert await rotation.turn(desk, claimed, everybody) is None, "it is claimed"


async def test_over_the_days_limit_claim_asks_kindly_whether_somebody_else_could_and_leaves_the_choice(
    tmp_path: Path,
) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board], excerpt_lines=5) as guard:
        card = await opened(guard, board)
        kim = Press(guard.desk, KIM)
        await hand.pressed(kim, "excerpt", card.alert, BUTTONS)
        alone = await hand.pressed(kim, "claim", card.alert, BUTTONS)
        assert alone.text == PLAIN.say("hand.claimed"), "there is nobody else to ask"
        await at_work(guard, board, SAM)
        await hand.pressed(kim, "release", card.alert, BUTTONS)
        asked = await hand.pressed(kim, "claim", card.alert, BUTTONS)
        assert asked.buttons == (("claim_anyway", card.alert),)
        assert "person:Sam" in asked.text
        assert "Claim all the same" in asked.text
        still = await guard.desk.case(card.alert)
        assert still is not None
        assert still.claimed is None, "asked, and nothing done yet"
        told = await hand.pressed(kim, *asked.buttons[0], BUTTONS)
        assert told == Answer(PLAIN.say("hand.claimed"), buttons=(("release", card.alert),))


async def test_where_a_community_wants_no_rotation_nobody_is_named_and_claim_asks_nothing(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board], excerpt_lines=5, rotate=False) as guard:
        card = await opened(guard, board)
        await at_work(guard, board, SAM)
        press = Press(guard.desk, KIM)
        shown = await hand.pressed(press, "excerpt", card.alert, BUTTONS)
        assert "Sam" not in shown.text
        assert "take a break" in shown.text
        assert (await hand.pressed(press, "claim", card.alert, BUTTONS)).text == PLAIN.say("hand.claimed")


@pytest.mark.parametrize("name", ["export_zip", "export_packet", "export_json"])
async def test_an_exported_file_brings_the_kind_word_and_who_could_take_over(name: str, tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board], excerpt_lines=5) as guard:
        card, press = await opened(guard, board), Press(guard.desk, KIM)
        await at_work(guard, board, SAM)
        told = await hand.pressed(press, name, card.alert, BUTTONS)
        assert told.files
        assert "take a break; person:Sam" in told.text
        again = await hand.pressed(press, name, card.alert, BUTTONS)
        assert "take a break" not in again.text


def test_a_card_says_whose_turn_it_could_be_plainly() -> None:
    card = Card("a", "s", "review", 0.9, Person("1", "actor"), None, (), (), 0.0)
    (standing,) = (field for field in face(card, PLAIN, [], {}, KIM).fields if field.name == PLAIN.say("card.status"))
    assert standing.text == f"{PLAIN.say('card.open')}\n{PLAIN.say('card.turn', who='Kim')}"


# --- on the platforms ------------------------------------------------------------------------------------------------

TURN = "it could be the turn of second"


async def call(stage: Any, alert: str, why: Call, *, unsure: bool = False) -> None:
    """Have people called, as the ladder of reminders does; `unsure`: as after a crash while it was tried."""
    ledger = stage.guard.ledger
    async with ledger.transaction() as tx:
        await outbox.put_call(tx, stage.space, alert, why, ledger.clock())
        if unsure:
            await tx.execute(update(tables.outbox).values(unsure=True))
    await stage.settled()


@pytest.fixture(params=[discord_contract, slack_contract], ids=["Discord", "Slack"])
async def playing(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    """A free case, and a second moderator who read something."""
    async with request.param(tmp_path) as stage:
        await stage.say("target", "hello there")
        for line in slow_talk():
            await stage.say("actor", line)
        await stage.settled()
        await stage.press(stage.shown()[0].alert, "Show excerpt", "second")
        yield stage


async def test_a_platforms_card_and_calls_name_whose_turn_it_could_be_once_and_another_channel_nobody(
    playing: Any,
) -> None:
    alert = playing.shown()[0].alert
    await playing.act(alert, "hold")
    await playing.settled()
    assert TURN in playing.shown()[0].text.lower()
    for why in ("remind", "ping"):
        await call(playing, alert, why)
    said = playing.calls()
    assert len(said) == 2
    assert all(TURN in one.lower() for one in said)
    await playing.press(alert, "Show excerpt")
    await call(playing, alert, "ping", unsure=True)
    assert playing.calls() == said, "it was called before the crash, whoever's turn it is by now"
    await playing.choose_second_channel()
    await call(playing, alert, "second_channel")
    (elsewhere,) = playing.second_calls()
    assert "turn of" not in elsewhere


async def test_on_slack_who_left_the_alert_channel_is_not_named(tmp_path: Path) -> None:
    async with slack_stage(tmp_path) as stage:
        alert = await stage.alert()
        await stage.texts(alert, moderator="second")
        stage.platform.channels[ALERTS].members.discard(PEOPLE["second"])
        left = {"type": "member_left_channel", "user": PEOPLE["second"], "channel": ALERTS, "channel_type": "G"}
        await stage.platform.send_event(left | {"team": stage.platform.team})
        await stage.settled()
        await stage.push(alert, "hold")
        await stage.settled()
        assert "Under legal hold" in stage.card()["text"]
        assert "turn of" not in stage.card()["text"]


async def test_on_discord_who_left_the_server_is_not_named(stage: DiscordStage) -> None:
    await stage.say("target", "hello there")
    for line in slow_talk():
        await stage.say("actor", line)
    await stage.settled()
    await stage.push(stage.cards()[0]["alert"], "excerpt", "second")
    stage.there.left.add(DISCORD_PEOPLE["second"])
    await stage.act(stage.cards()[0]["alert"], "hold")
    await stage.settled()
    assert "Under legal hold" in stage.cards()[0]["text"]
    assert "turn of" not in stage.cards()[0]["text"]
