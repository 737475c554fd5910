"""Reminders: who is called to what nobody has claimed, when, and that nobody is called twice or for nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from core.casework.cards import REMINDERS, Call, Person
from core.casework.listing import history
from core.casework.reminders import LADDER, TOO_LATE, Rung
from core.config import Cases
from core.errors import TryLater
from core.guard import Guard
from core.messages import Message
from core.policy import Rules, Thresholds
from core.retention.keeping import Keep
from core.store import tables
from tests.support import MODERATOR, NOW, SPACE, Board, lampkeeper, talk

MINUTE, HOUR = 60.0, 3600.0
SECOND = Person("second", "The second")


@dataclass
class Clock:
    now: float = NOW + 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Stage:
    """A guard with a case that just opened, its board, and a clock to turn."""

    guard: Guard
    board: Board
    clock: Clock
    alert: str = ""
    talk: list[Message] = field(default_factory=talk)

    async def open(self) -> None:
        for message in self.talk:
            await self.guard.receive(message)
        await self.guard.settled()
        self.alert = next(iter(self.board.cards.values())).alert

    async def after(self, seconds: float) -> list[Call]:
        """Let time go by, and return who is called for by then."""
        before = len(self.board.called)
        self.clock.now += seconds
        await self.guard.remind()
        await self.guard.settled()
        return [why for _, why, _ in self.board.called[before:]]


def at_work(folder: Path, clock: Clock, board: Board, **more: Any) -> Any:
    return lampkeeper(folder, clock=clock, deliverers=[board], **more)


async def test_what_nobody_claims_is_called_for_by_the_default_ladder_once_a_rung(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with at_work(tmp_path, clock, board) as guard:
        stage = Stage(guard, board, clock)
        await stage.open()
        assert await stage.after(59 * MINUTE) == []
        assert await stage.after(MINUTE) == ["remind"]
        assert await stage.after(MINUTE) == []
        assert await stage.after(3 * HOUR) == ["ping"]
        assert await stage.after(20 * HOUR) == ["second_channel"]
        assert await stage.after(20 * HOUR) == []
        async with guard.ledger.store.read() as tx:
            noted = await tx.execute(select(tables.audit.c.about, tables.audit.c.detail).where(_reminded()))
            assert [(row.about, row.detail["how"]) for row in noted] == [(stage.alert, how) for how in REMINDERS]


async def test_a_restart_calls_nobody_again(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with at_work(tmp_path, clock, board) as guard:
        stage = Stage(guard, board, clock)
        await stage.open()
        assert await stage.after(HOUR) == ["remind"]
    async with at_work(tmp_path, clock, board) as guard:
        stage = Stage(guard, board, clock, stage.alert)
        assert await stage.after(MINUTE) == []
        assert await stage.after(3 * HOUR) == ["ping"]


async def test_a_failed_transaction_calls_nobody_and_the_next_one_calls_once(tmp_path: Path, monkeypatch: Any) -> None:
    board, clock = Board(), Clock()
    async with at_work(tmp_path, clock, board) as guard:
        stage = Stage(guard, board, clock)
        await stage.open()
        clock.now += HOUR

        async def breaks(*_: Any) -> None:
            raise OSError("no room")

        before = list(board.called)
        with monkeypatch.context() as patch:
            patch.setattr("core.audit.record", breaks)
            with pytest.raises(OSError, match="no room"):
                await guard.remind()
        await guard.settled()
        assert board.called == before
        assert await stage.after(0) == ["remind"]


async def test_after_a_long_night_only_the_loudest_call_is_made(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with at_work(tmp_path, clock, board) as guard:
        stage = Stage(guard, board, clock)
        await stage.open()
        assert await stage.after(30 * HOUR) == ["second_channel"]


async def test_a_call_that_could_not_be_made_gives_way_to_the_next(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with at_work(tmp_path, clock, board) as guard:
        stage = Stage(guard, board, clock)
        await stage.open()
        board.refusals = [TryLater("away", seconds=5 * HOUR)]
        await stage.after(HOUR)
        await stage.after(4 * HOUR)
        assert await stage.after(2 * HOUR) == ["ping"]


async def test_nobody_is_called_to_what_is_claimed_decided_or_put_aside(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with at_work(tmp_path, clock, board) as guard:
        stage, desk = Stage(guard, board, clock), guard.desk
        await stage.open()
        await desk.claim(stage.alert, MODERATOR)
        assert await stage.after(5 * HOUR) == []
        await desk.put_aside(stage.alert, MODERATOR)
        assert await stage.after(5 * HOUR) == []
        await desk.resume(stage.alert, MODERATOR)
        await desk.decide(stage.alert, "confirmed", MODERATOR)
        assert await stage.after(50 * HOUR) == []


async def test_whoever_lets_go_of_a_case_starts_the_ladder_anew(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with at_work(tmp_path, clock, board) as guard:
        stage, desk = Stage(guard, board, clock), guard.desk
        await stage.open()
        assert await stage.after(5 * HOUR) == ["ping"]
        await desk.claim(stage.alert, MODERATOR)
        clock.now += 2 * HOUR
        await desk.release(stage.alert, MODERATOR)
        assert await stage.after(30 * MINUTE) == []
        assert await stage.after(30 * MINUTE) == ["remind"]
        assert await stage.after(3 * HOUR) == ["ping"]


async def test_a_case_whose_claimant_was_forgotten_is_free_and_called_for_anew(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with at_work(tmp_path, clock, board) as guard:
        stage = Stage(guard, board, clock)
        await stage.open()
        await guard.desk.claim(stage.alert, SECOND)
        assert await stage.after(9 * 24 * HOUR) == []
        await guard.forget_person(SPACE, SECOND.id)
        card = await guard.desk.case(stage.alert)
        assert card is not None
        assert (card.state, card.claimed) == ("open", None)
        assert await stage.after(30 * MINUTE) == []
        assert await stage.after(30 * MINUTE) == ["remind"]
        (*_, freed, _) = await history(guard.ledger, SPACE, stage.alert)
        assert (freed.what, freed.who) == ("alert freed", None)


async def test_a_case_that_waits_for_a_second_reviewer_is_called_for_until_one_claims_it(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with at_work(tmp_path, clock, board) as guard:
        stage, desk = Stage(guard, board, clock), guard.desk
        await stage.open()
        await desk.escalate(stage.alert, MODERATOR)
        assert await stage.after(HOUR) == ["second", "remind"]
        await desk.claim(stage.alert, SECOND)
        assert await stage.after(5 * HOUR) == []


async def test_a_call_on_its_way_is_dropped_when_somebody_claims_the_case_meanwhile(tmp_path: Path) -> None:
    for name, step in {
        "claimed": lambda desk, alert: desk.claim(alert, MODERATOR),
        "decided": lambda desk, alert: desk.decide(alert, "dismissed", MODERATOR),
        "put aside": lambda desk, alert: desk.put_aside(alert, MODERATOR),
    }.items():
        folder, board, clock = tmp_path / name, Board(), Clock()
        folder.mkdir()
        async with at_work(folder, clock, board) as guard:
            stage = Stage(guard, board, clock)
            await stage.open()
            board.refusals = [TryLater("away", seconds=60.0)]
            clock.now += HOUR
            await guard.remind()
            await guard.settled()
            await step(guard.desk, stage.alert)
            before = len(board.called)
            clock.now += HOUR
            await guard.settled()
            assert len(board.called) == before, name
            async with guard.ledger.store.read() as tx:
                assert await tx.scalar(select(tables.outbox.c.id)) is None, "nothing is left to be tried"


async def test_what_was_found_in_old_history_waits_from_when_it_was_found(tmp_path: Path) -> None:
    board, clock = Board(), Clock(NOW + 40 * 24 * HOUR)
    async with at_work(tmp_path, clock, board, keep=Keep(text=90)) as guard:
        stage = Stage(guard, board, clock)
        await stage.open()
        assert next(iter(board.cards.values())).opened < clock.now - 39 * 24 * HOUR
        assert await stage.after(59 * MINUTE) == []
        assert await stage.after(MINUTE) == ["remind"]


async def test_what_nobody_looked_at_for_ages_is_called_for_no_more(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with at_work(tmp_path, clock, board) as guard:
        stage = Stage(guard, board, clock)
        await stage.open()
        assert await stage.after(LADDER[-1].after + TOO_LATE) == []


async def test_in_shadow_mode_and_in_a_space_that_was_left_nobody_is_called(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with at_work(tmp_path, clock, board) as guard:
        stage = Stage(guard, board, clock)
        await stage.open()
        guard.ledger.engine.rules[SPACE] = Rules(Thresholds(0.1, 0.2, 0.3), shadow=True)
        assert await stage.after(HOUR) == []
        del guard.ledger.engine.rules[SPACE]
        async with guard.ledger.transaction() as tx:
            await tx.execute(update(tables.spaces).values(left=clock.now))
        assert await guard.remind() == 0
        async with guard.ledger.transaction() as tx:
            await tx.execute(update(tables.spaces).values(left=None))
        assert await stage.after(0) == ["remind"]


async def test_an_empty_ladder_switches_reminders_off(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with at_work(tmp_path, clock, board, ladder=()) as guard:
        stage = Stage(guard, board, clock)
        await stage.open()
        assert await stage.after(30 * HOUR) == []


def test_the_configuration_gives_the_ladder_and_refuses_one_that_does_not_climb() -> None:
    assert Cases().ladder() == LADDER
    assert Cases.model_validate({"reminders": []}).ladder() == ()
    given_ = {"reminders": [{"after_minutes": 5, "how": "ping"}, {"after_minutes": 6, "how": "remind"}]}
    assert Cases.model_validate(given_).ladder() == (Rung(300.0, "ping"), Rung(360.0, "remind"))
    given_["reminders"].reverse()
    with pytest.raises(ValueError, match="one after the other"):
        Cases.model_validate(given_)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(waits=st.lists(st.floats(0, 8 * HOUR), min_size=1, max_size=10))
def test_however_often_one_looks_each_rung_calls_at_most_once_and_none_too_early(
    waits: list[float], tmp_path_factory: Any
) -> None:
    async def look() -> None:
        board, clock = Board(), Clock()
        async with at_work(tmp_path_factory.mktemp("look"), clock, board) as guard:
            stage = Stage(guard, board, clock)
            await stage.open()
            start, made = clock.now, []
            for wait in waits:
                for how in await stage.after(wait):
                    made.append(how)
                    (rung,) = [rung for rung in LADDER if rung.how == how]
                    assert clock.now - start >= rung.after
            assert made == [how for how in REMINDERS if how in made], "each at most once, and in order"
            reached = [rung.how for rung in LADDER if clock.now - start >= rung.after]
            assert made[-1:] == reached[-1:]

    asyncio.run(look())


def _reminded() -> Any:
    return tables.audit.c.what == "reminded"
