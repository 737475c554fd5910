"""What moderators are counted, previewed and told: over a real database, as time goes by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.plot import Bar, drawn
from core import regular
from core.casework import listing
from core.casework.cards import Person
from core.casework.listing import Wanted
from core.engine import Engine
from core.errors import PlatformError
from core.guard import Guard
from core.messages import Author, ConversationKey, Message
from core.peaks import DAY
from core.policy import Thresholds
from core.preview import MONTH, Past, offers, past, shown
from core.stats import received, stats, undelivered
from core.store import open_store
from core.tune import Reached
from tests.support import Board, shipped_model, slow_talk

SPACE = "test:space"
NOW = 20_000 * DAY + 3600.0
MODERATOR = Person("moderator", "The moderator")
SPANISH = "hola amigo, ¿qué haces ahora en casa?"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def watching(folder: Path, clock: Clock, board: Board | None = None) -> AsyncIterator[Guard]:
    engine = Engine(shipped_model(), Thresholds(0.05, 0.1, 0.9999))
    store = await open_store(folder / "lampkeeper.db", folder / "lampkeeper.key")
    guard = Guard(engine, store, clock=clock)
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(guard.run([board or Board()]))
            await asyncio.sleep(0)
            yield guard
            await guard.settled()
            running.cancel()
    finally:
        await store.close()


async def talk(guard: Guard, clock: Clock, actor: str = "actor", texts: list[str] | None = None) -> None:
    for number, text in enumerate(texts or slow_talk()):
        key, time = ConversationKey(SPACE, f"room of {actor}"), clock.now + number / 1000
        author = Author(actor, f"The {actor}")
        await guard.receive(Message(key, f"{actor} {time}", author, text, time, partner="target"))
    await guard.settled()


async def alerts(guard: Guard) -> list[str]:
    rows, _ = await listing.listed(guard.ledger, SPACE, Wanted("all"), most=100)
    return [row.card.alert for row in rows]


async def test_a_space_that_nothing_came_from_has_counts_of_nothing(tmp_path: Path) -> None:
    async with watching(tmp_path, Clock()) as guard:
        seen = await stats(guard.ledger, SPACE, 7)
        assert seen.quiet
        assert (seen.share_dismissed, seen.wait) == (None, None)
        assert guard.ledger.tallies.of(SPACE).lag is None
        assert (await past(guard.ledger, SPACE)).days == ()


async def test_alerts_and_decisions_are_counted_in_the_days_in_which_they_fell(tmp_path: Path) -> None:
    clock = Clock()
    async with watching(tmp_path, clock) as guard:
        await talk(guard, clock, "actor")
        clock.now += 10 * DAY
        await talk(guard, clock, "friend")
        second, first = await alerts(guard)
        clock.now += 3600
        await guard.desk.decide(first, "dismissed", MODERATOR)
        await guard.desk.decide(second, "confirmed", MODERATOR)
        week, month = await stats(guard.ledger, SPACE, 7), await stats(guard.ledger, SPACE, MONTH)
    assert (week.opened, month.opened) == (1, 2)
    assert (week.conversations, month.conversations) == (1, 2)
    assert (week.decided, week.share_dismissed, week.open) == (2, 0.5, 0)
    assert week.wait == pytest.approx((3600 + 10 * DAY + 3600) / 2, abs=1)


async def test_open_alerts_are_counted_however_old(tmp_path: Path) -> None:
    clock = Clock()
    async with watching(tmp_path, clock) as guard:
        await talk(guard, clock)
        clock.now += 40 * DAY
        seen = await stats(guard.ledger, SPACE, 7)
        assert (seen.opened, seen.open, seen.quiet) == (0, 1, False)


async def test_languages_that_are_not_read_are_counted_before_and_after_the_admins_were_told(tmp_path: Path) -> None:
    clock = Clock()
    async with watching(tmp_path, clock) as guard:
        await talk(guard, clock, "actor", [SPANISH] * 6)
        assert (await stats(guard.ledger, SPACE, 7)).unread == {"es": 1}
        await guard.tell_unread()
        assert (await stats(guard.ledger, SPACE, 7)).unread == {"es": 1}
        clock.now += 2 * DAY
        await talk(guard, clock, "friend", [SPANISH] * 6)
        assert (await stats(guard.ledger, SPACE, 7)).unread == {"es": 2}
        clock.now += 8 * DAY
        await guard.tell_unread()
        assert (await stats(guard.ledger, SPACE, 7)).unread == {"es": 1}


async def test_what_came_in_is_tallied_by_what_became_of_it_and_once_however_often_it_comes(tmp_path: Path) -> None:
    clock = Clock()
    async with watching(tmp_path, clock) as guard:
        for _ in range(2):
            await talk(guard, clock)
        tally = guard.ledger.tallies.of(SPACE)
        assert tally.outcomes.total() == len(slow_talk()) == await received(guard.ledger, SPACE, 7)
        assert tally.outcomes["scored"] + tally.outcomes["insufficient"] == len(slow_talk())
        assert tally.outcomes["scored"]
        assert guard.ledger.tallies.of("test:another").outcomes.total() == 0


async def test_lag_is_the_time_from_a_message_to_its_commit(tmp_path: Path) -> None:
    clock = Clock()
    async with watching(tmp_path, clock) as guard:
        late = Message(ConversationKey(SPACE, "room"), "1", Author("actor", "actor"), "hello", clock.now - 5)
        await guard.receive(late)
        await guard.receive(late._replace(id="2", time=clock.now + 60))
        await guard.settled()
        lag = guard.ledger.tallies.of(SPACE).lag
    assert lag == (2.5, 5.0), "a clock that runs ahead makes no lag"


async def test_what_cannot_be_shown_is_counted_with_the_platforms_answer(tmp_path: Path) -> None:
    clock, board = Clock(), Board()
    board.refusals = [PlatformError("The alert channel does not exist.", "Choose another.")] * 2
    async with watching(tmp_path, clock, board) as guard:
        assert (await undelivered(guard.ledger, SPACE)).waiting == 0
        await talk(guard, clock)
        assert await undelivered(guard.ledger, SPACE) == (1, "The alert channel does not exist. Choose another.")


# --- the list of cases -----------------------------------------------------------------------------------------------


async def test_cases_are_listed_newest_first_by_state_and_by_person(tmp_path: Path) -> None:
    clock = Clock()
    async with watching(tmp_path, clock) as guard:
        for actor in ("actor", "friend", "teacher"):
            await talk(guard, clock, actor)
            clock.now += 3600

        async def actors(wanted: Wanted, start: int = 0, most: int = 9) -> tuple[list[str], int]:
            rows, total = await listing.listed(guard.ledger, SPACE, wanted, start=start, most=most)
            return [row.card.actor.id for row in rows], total

        assert await actors(Wanted("open")) == (["teacher", "friend", "actor"], 3)
        assert await actors(Wanted("open"), start=1, most=1) == (["friend"], 3)
        await guard.desk.decide((await alerts(guard))[0], "dismissed", MODERATOR)
        assert await actors(Wanted("open")) == (["friend", "actor"], 2)
        assert await actors(Wanted("decided")) == (["teacher"], 1)
        assert await actors(Wanted("all", about="actor")) == (["actor"], 1)
        assert await actors(Wanted("all", about="target")) == (["teacher", "friend", "actor"], 3)
        assert await actors(Wanted("all", about="nobody")) == ([], 0)


async def test_a_case_tells_who_did_what_and_is_no_other_spaces(tmp_path: Path) -> None:
    clock = Clock()
    async with watching(tmp_path, clock) as guard:
        await talk(guard, clock)
        (alert,) = await alerts(guard)
        await guard.desk.excerpt(alert, Person("second", "Somebody new"))
        await guard.desk.decide(alert, "confirmed", MODERATOR)
        done = await listing.history(guard.ledger, SPACE, alert)
        assert await listing.one(guard.ledger, "test:another", alert) is None
        assert await listing.one(guard.ledger, SPACE, "0000") is None
    assert (done[0].what, done[0].who) == ("alert opened", None)
    assert (done[-2].what, done[-2].who) == ("excerpt shown", Person("second", "Somebody new"))
    assert (done[-1].what, done[-1].who, done[-1].detail["decision"]) == ("alert decided", MODERATOR, "confirmed")


# --- previews --------------------------------------------------------------------------------------------------------


async def test_the_preview_of_the_present_threshold_is_what_came(tmp_path: Path) -> None:
    clock = Clock()
    async with watching(tmp_path, clock) as guard:
        await talk(guard, clock, "actor")
        clock.now += 9 * DAY
        await talk(guard, clock, "friend")
        seen = await past(guard.ledger, SPACE)
        assert seen.alerts(0.1) == len(await alerts(guard)) == 2
        assert seen.last(7, 20_009).alerts(0.1) == 1
        assert seen.alerts(1.0) == 0
        clock.now += MONTH * DAY
        assert (await past(guard.ledger, SPACE)).days == ()


peaks = st.lists(st.builds(Reached, st.integers(0, 29), st.integers(0, 9), st.floats(0.1, 1.0)), max_size=60)


@given(peaks)
def test_a_higher_threshold_never_means_more_alerts_and_offers_keep_to_their_budget(reached: list[Reached]) -> None:
    seen, limits = Past(tuple(range(30)), tuple(reached)), Thresholds(0.3, 0.9, 0.99)
    counts = [step.alerts for step in shown(seen, [0.33])]
    assert counts == sorted(counts, reverse=True)
    for offer in offers(seen, limits):
        (step,) = seen.steps([offer.threshold])
        assert step.a_week <= offer.a_week or offer.threshold == limits.watch
        assert offer.threshold >= limits.watch


def test_a_short_history_offers_no_threshold() -> None:
    assert offers(Past((5, 6), (Reached(5, 1, 0.9),)), Thresholds(0.3, 0.9, 0.99)) == ()
    assert Past((), ()).short


@given(st.lists(st.floats(0, 1e6), max_size=20), st.booleans())
def test_any_numbers_can_be_drawn(values: list[float], marked: bool) -> None:
    rows = [Bar(f"{value:g}", value, f"{value:.1f}", marked) for value in values]
    assert drawn(rows).startswith(b"\x89PNG\r\n\x1a\n")


# --- what is told at its time ----------------------------------------------------------------------------------------


async def test_a_space_is_advised_after_a_week_once_and_gets_a_digest_every_week_after_that(tmp_path: Path) -> None:
    clock, told = Clock(), []
    for day in (0, 6, 7, 8, 13, 14, 20, 21):  # with a restart each time
        clock.now = NOW + day * DAY
        async with watching(tmp_path, clock) as guard:
            if day == 0:
                await talk(guard, clock)
            for due in await regular.due(guard.ledger, "test"):
                await regular.tell(guard.ledger, due, "text")
                told.append((day, due.kind))
    assert told == [(7, "advised"), (14, "digested"), (21, "digested")]


async def test_when_a_space_joined_counts_where_it_is_known_and_one_that_left_is_told_nothing(tmp_path: Path) -> None:
    clock = Clock()
    async with watching(tmp_path, clock) as guard:
        await talk(guard, clock)
        await guard.communities.stands(SPACE, joined=clock.now + 3 * DAY)
        clock.now += 8 * DAY
        assert await regular.due(guard.ledger, "test") == []
        clock.now += 3 * DAY
        assert await regular.due(guard.ledger, "test") == [(SPACE, "advised")]
        assert await regular.due(guard.ledger, "other") == []
        await guard.communities.stands(SPACE, left=clock.now)
        assert await regular.due(guard.ledger, "test") == []


async def test_a_chore_that_fails_holds_up_no_other(tmp_path: Path) -> None:
    done = []

    async def failing() -> None:
        raise RuntimeError

    async def working() -> None:
        done.append("worked")

    async with watching(tmp_path, Clock()) as guard:
        guard.chores += [failing, working]
        await guard.keep_house()
    assert "worked" in done
