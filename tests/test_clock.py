"""A clock that cannot be believed deletes nothing: dead batteries, bad time servers, machines that wake."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from core.clock import DAY, LEAP, ROW, SLACK
from core.errors import PlatformError
from core.guard import TOLD_AT_DOUBT, Guard
from core.retention.keeping import Keep
from tests.support import MODERATOR, NOW, SPACE, Board, Clock, lampkeeper, opened, said, talk

YEARS = 5 * 365 * DAY
KEEP = Keep()


def rows(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "lampkeeper.db")) as database:
        (many,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(many)


def kept(folder: Path) -> dict[str, int]:
    return {table: rows(folder, table) for table in ("messages", "items", "alerts", "peaks")}


async def hears(guard: Guard, number: int, when: float) -> None:
    """Have somebody else say something, at a time by the platform's clock."""
    await guard.receive(said(number, "good morning", "friend", partner="teacher", time=when))
    await guard.settled()


async def doubts(guard: Guard, looks: int = 1) -> list[str]:
    """Keep house so often; return what was said about the clock each time."""
    with capture_logs() as logs:
        for _ in range(looks):
            await guard.keep_house()
    return [entry["what"] for entry in logs if entry["event"] == "guard.clock_in_doubt"]


async def dismissed(guard: Guard, board: Board) -> str:
    """Have a case opened and dismissed."""
    alert = await opened(guard, board)
    await guard.desk.decide(alert, "dismissed", MODERATOR, "other")
    return alert


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_that_jumped_years_ahead_purges_nothing_and_everybody_is_told(
    tmp_path: Path, restarted: bool
) -> None:
    clock, board = Clock(), Board()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await dismissed(guard, board)
        assert await doubts(guard) == []
        before = kept(tmp_path)
        if not restarted:
            clock.now += YEARS
            assert len(await doubts(guard, TOLD_AT_DOUBT)) == TOLD_AT_DOUBT
    if restarted:
        clock.now += YEARS
        async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
            await doubts(guard, TOLD_AT_DOUBT)
            await guard.settled()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await guard.settled()
    assert kept(tmp_path) == before
    assert all(before.values())
    told = [text for space, text in board.notices if space == SPACE]
    assert len(told) == 1
    assert "says 1975-01-11; the latest time known to Lampkeeper is 1970-01-12" in told[0]


async def test_messages_that_still_carry_the_old_time_do_not_prove_a_clock_that_jumped(tmp_path: Path) -> None:
    clock, board = Clock(), Board()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await dismissed(guard, board)
        await doubts(guard)
        before = kept(tmp_path)
        clock.now += YEARS
        await hears(guard, 900, NOW + 3600.0)
        assert await doubts(guard)
        assert kept(tmp_path) == before | {"messages": before["messages"] + 1}
        clock.now = NOW + 7200.0
        assert await doubts(guard) == [], "it was put right"


async def test_who_was_switched_off_for_a_month_goes_on_by_itself_once_somebody_says_something(tmp_path: Path) -> None:
    clock, board = Clock(), Board()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await dismissed(guard, board)
        await doubts(guard)
    clock.now += 31 * DAY
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        assert await guard.doubt() is not None
        assert rows(tmp_path, "items"), "and its first housekeeping took nothing"
        await hears(guard, 900, clock.now - 60.0)
        assert await doubts(guard) == []
        await guard.settled()
        assert kept(tmp_path) | {"alerts": 1, "peaks": 1} == {"messages": 1, "items": 0, "alerts": 1, "peaks": 1}
    assert [text for _, text in board.notices if "clock" in text] == [], "nobody need be troubled with that"


async def test_a_lampkeeper_that_runs_all_the_time_needs_no_messages_to_know_the_date(tmp_path: Path) -> None:
    clock = Clock()
    async with lampkeeper(tmp_path, clock=clock) as guard:
        await hears(guard, 1, NOW)
        for _ in range(9):
            assert await doubts(guard) == []
            clock.now += DAY
        assert await doubts(guard) == []
    assert rows(tmp_path, "messages") == 0


@pytest.mark.parametrize("back", [2 * 3600.0, 30 * DAY, YEARS])
async def test_what_is_decided_while_a_clock_is_set_back_is_kept_as_long_as_anything_else(
    tmp_path: Path, back: float
) -> None:
    clock, board = Clock(), Board()
    clock.now = begun = NOW + YEARS
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await hears(guard, 900, clock.now)
        assert await doubts(guard) == []
        clock.now -= back
        assert await doubts(guard)
        await guard.desk.decide(alert, "dismissed", MODERATOR, "other")
        clock.now = begun + 3600.0
        assert await doubts(guard) == []
        assert rows(tmp_path, "items"), "dismissed a moment ago"
        for _ in range(int(KEEP.dismissed) + 1):
            clock.now += DAY
            await guard.keep_house()
        assert rows(tmp_path, "items") == 0


async def test_a_clock_that_is_behind_at_the_start_counts_on_from_the_latest_time_known(tmp_path: Path) -> None:
    clock = Clock()
    clock.now = NOW + YEARS
    async with lampkeeper(tmp_path, clock=clock) as guard:
        await hears(guard, 1, clock.now)
        await doubts(guard)
    clock.now = 0.0
    async with lampkeeper(tmp_path, clock=clock) as guard:
        await hears(guard, 2, NOW + YEARS + 60.0)
        assert guard.ledger.clock() >= NOW + YEARS - SLACK
        assert await doubts(guard)


async def test_a_clock_that_was_ahead_from_the_first_start_on_is_no_reason_to_doubt_the_right_time_for_ever(
    tmp_path: Path,
) -> None:
    clock = Clock()
    clock.now = NOW + YEARS
    async with lampkeeper(tmp_path, clock=clock) as guard:
        await hears(guard, 1, NOW)
        await doubts(guard)
        clock.now = NOW + 60.0
        assert await doubts(guard) == [], "the platform's time proves it"
        assert guard.ledger.clock() == clock.now


async def test_once_a_clock_that_was_ahead_is_right_text_goes_in_time_and_cards_are_shown(tmp_path: Path) -> None:
    clock, board = Clock(), Board()
    board.refusals = [PlatformError("The channel is gone.", "Make it.")]
    clock.now = NOW + YEARS
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        for message in talk():
            await guard.receive(message)
        await guard.settled()
        assert not board.cards
        clock.now = NOW + 60.0
        assert await doubts(guard) == []
        await hears(guard, 900, clock.now)
        await guard.settled()
        assert board.cards
        for _ in range(int(KEEP.text) + 1):
            assert rows(tmp_path, "messages")
            clock.now += DAY
            await guard.keep_house()
        assert rows(tmp_path, "messages") == 0


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ahead=st.lists(st.floats(LEAP + SLACK + 60.0, 40 * YEARS), min_size=1, max_size=4),
    made_up=st.lists(st.floats(50 * YEARS, 60 * YEARS), max_size=3),
)
def test_no_jump_ahead_and_no_made_up_future_purges_anything(
    tmp_path_factory: pytest.TempPathFactory, ahead: list[float], made_up: list[float]
) -> None:
    async def lives(folder: Path) -> None:
        clock = Clock()
        async with lampkeeper(folder, clock=clock) as guard:
            await hears(guard, 1, NOW)
            for number, when in enumerate(made_up, 2):
                await hears(guard, number, NOW + when)
            assert await doubts(guard) == []
            for jump in ahead:
                clock.now = NOW + jump
                assert await doubts(guard)
        assert rows(folder, "messages") == 1 + len(made_up)

    asyncio.run(lives(tmp_path_factory.mktemp("lives")))


async def command(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bots", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@pytest.fixture
def configured(tmp_path: Path) -> str:
    config = tmp_path / "config.toml"
    files = f'database = "{tmp_path}/lampkeeper.db"\nkey_file = "{tmp_path}/lampkeeper.key"\n'
    config.write_text(f"[storage]\n{files}")
    return str(config)


async def test_commands_purge_nothing_by_a_doubted_clock_until_the_operator_says_that_it_is_right(
    tmp_path: Path, configured: str
) -> None:
    long_ago = time.time() - 40 * DAY
    clock: Callable[[], float] = lambda: long_ago  # noqa: E731 - as the guard takes it
    async with lampkeeper(tmp_path, clock=clock) as guard:
        await hears(guard, 1, long_ago)
        await doubts(guard)
    refused, told = await command("purge", "--config", configured)
    assert (refused, rows(tmp_path, "messages")) == (1, 1)
    assert "--clock-is-right" in told
    _, listed = await command("purge", "--dry-run", "--config", configured)
    assert "The clock of this machine says" in listed
    _, checked = await command("check", "--config", configured)
    assert "The clock of this machine says" in checked
    done, _ = await command("purge", "--config", configured, "--clock-is-right")
    assert (done, rows(tmp_path, "messages")) == (0, 0)
    _, checked = await command("check", "--config", configured)
    assert "The clock of this machine says" not in checked
    with closing(sqlite3.connect(tmp_path / "lampkeeper.db")) as database:
        (right,) = database.execute("SELECT number FROM meta WHERE name = ?", (ROW,)).fetchone()
    assert abs(right - time.time()) < DAY
