"""Whoever presses, or types a command, is told where the case really stands: not what would fit another state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from bots.common import hand
from bots.common.answers import Answer, Press
from bots.common.face import face
from bots.common.words import Words
from core.casework.cards import Person
from core.casework.desk import Desk
from core.guard import Guard
from core.retention.keeping import DAY
from tests.plain import PLAIN
from tests.support import MODERATOR, SPACE, Board, Clock, lampkeeper, opened
from tests.test_cases_command import Terminal, terminal

__all__ = ["terminal"]

SAM = Person("sam", "Sam")
BUTTONS: dict[str, hand.Button[Press]] = hand.buttons({})


@dataclass
class Pressing:
    """What a press on a platform without a network holds."""

    desk: Desk
    moderator: Person = SAM
    space: str = SPACE
    words: Words = PLAIN
    second_reviewers: bool = True


async def press(guard: Guard, alert: str, name: str, who: Person = SAM) -> Answer:
    return await hand.pressed(cast("Press", Pressing(guard.desk, who)), name, alert, BUTTONS)


async def status(guard: Guard, alert: str) -> str:
    card = await guard.desk.case(alert)
    assert card is not None
    shown = face(card, PLAIN, ["somewhere"] * len(card.messages), {})
    return next(field.text for field in shown.fields if field.name == PLAIN.say("card.status"))


async def test_escalating_what_nobody_escalated_and_cannot_be_any_more_names_no_time(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board)
        for name in ("put_aside", "resume", "confirm", "close"):
            await press(guard, alert, name)
            if name == "resume":
                continue
            answer = await press(guard, alert, "escalate")
            assert answer.text.startswith("That cannot be done from where the case stands: ")
            assert "moment:0" not in answer.text


async def test_a_second_press_on_escalate_tells_when_the_first_was(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await press(guard, alert, "escalate")
        assert (await press(guard, alert, "escalate")).text.startswith("A second reviewer was asked already")


async def test_whoever_lets_go_of_their_own_decided_case_is_not_offered_to_take_it_over_from_themselves(
    tmp_path: Path,
) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await press(guard, alert, "claim")
        for name in ("put_aside", "resume", "confirm"):
            await press(guard, alert, name)
            if name == "resume":
                continue
            answer = await press(guard, alert, "release")
            assert answer.text.startswith("That cannot be done from where the case stands: ")
            assert answer.buttons == ()


async def test_nobody_is_said_to_have_decided_a_case_that_was_only_put_aside(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await press(guard, alert, "put_aside")
        for name in ("confirm", "dismiss", "claim"):
            answer = await press(guard, alert, name, MODERATOR)
            assert answer.text == (
                "That cannot be done from where the case stands: Put aside until somebody answers. Nobody decided it"
            )
            assert answer.grounds is None


async def test_of_two_who_decide_the_second_is_told_who_was_first(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await press(guard, alert, "confirm")
        for name in ("confirm", "dismiss"):
            answer = await press(guard, alert, name, MODERATOR)
            assert answer.text.startswith("Somebody decided before you: Concern confirmed by Sam")


async def test_a_case_closed_for_its_age_is_neither_open_nor_looked_into(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await press(guard, alert, "claim")
        assert "Sam is looking into it" in await status(guard, alert)
        clock.now += 181 * DAY
        await guard.purge()
        told, card = await status(guard, alert), await guard.desk.case(alert)
        assert told.startswith("Closed. Nobody decided it")
        assert "looking into it" not in told
        assert card is not None
        assert card.status == "Nobody decided it"


def _refused(terminal: Terminal) -> Iterator[tuple[str, str]]:
    yield terminal.refused("claim", terminal.one, "--as", "Sam"), "Somebody looks into it"
    yield terminal.refused("release", terminal.one, "--as", "Sam"), "Only whoever looks into it"


def test_a_command_gives_no_reason_that_the_state_does_not_have(terminal: Terminal) -> None:
    terminal.done("decide", terminal.one, "confirm", "--as", "Kim")
    for told, reason in _refused(terminal):
        assert reason not in told
        assert "confirmed as a concern by Kim" in told
    assert "Only whoever decided" not in terminal.refused("decide", terminal.two, "undo", "--as", "Kim")
    assert "Only whoever decided" in terminal.refused("decide", terminal.one, "undo", "--as", "Sam")


@pytest.mark.parametrize("step", ["claim", "release"])
def test_a_case_that_somebody_else_looks_into_is_said_to_be(step: str, terminal: Terminal) -> None:
    terminal.done("claim", terminal.one, "--as", "Kim")
    words = {"claim": "--over takes it over", "release": "Only whoever looks into it"}[step]
    assert words in terminal.refused(step, terminal.one, "--as", "Sam")
