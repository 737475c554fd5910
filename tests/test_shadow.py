"""Watching without telling anybody, the peaks that are noted meanwhile, and what is known of ages in the config."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from types import MappingProxyType

import pytest

from core.engine import Engine
from core.guard import Guard
from core.messages import AgeBand, Author, ConversationKey, Edit, Message
from core.peaks import DAY, FLOOR, KEPT_DAYS, day_of
from core.policy import Thresholds
from core.store import open_store
from core.store.look import peaks_of
from tests.support import Board, shipped_model, slow_talk

SPACE = "test:space"
NOW = 20_000 * DAY + 3600.0
SPANISH = "hola amigo, ¿qué haces ahora en casa?"


@asynccontextmanager
async def watching(
    folder: Path,
    board: Board,
    *,
    shadow: bool = False,
    clock: Callable[[], float] = lambda: NOW,
    age_bands: Mapping[str, AgeBand] = MappingProxyType({}),
) -> AsyncIterator[Guard]:
    engine = Engine(shipped_model(), Thresholds(FLOOR / 2, FLOOR, 0.9999), shadow=shadow)
    store = await open_store(folder / "lampkeeper.db", folder / "lampkeeper.key")
    guard = Guard(engine, store, clock=clock, age_bands=age_bands)
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(guard.run([board]))
            await asyncio.sleep(0)
            yield guard
            await guard.settled()
            running.cancel()
    finally:
        await store.close()


def said(number: int, text: str, author: str = "actor", partner: str = "target", time: float = NOW) -> Message:
    key = ConversationKey(SPACE, "room")
    return Message(key, f"m{time}-{number}-{author}", Author(author, author), text, time + number, partner=partner)


SINCE_0003 = {
    "spaces": ("choices", "joined", "left", "advised", "digested"),
    "alerts": (
        *("remark", "claimant", "claimed", "escalated", "pinged", "held", "evidence"),
        *("held_until", "aside", "reported", "closed", "merged", "reminded", "reminders"),
    ),
}
"""Columns that older databases do not have."""


async def talk(guard: Guard, time: float = NOW, texts: list[str] | None = None, partner: str = "target") -> None:
    for number, text in enumerate(texts or slow_talk()):
        await guard.receive(said(number, text, time=time, partner=partner))
    await guard.settled()


def peaks(folder: Path) -> list[tuple[int, float]]:
    """(day, probability) of pairs, without the rows that say that a day was watched."""
    return [(day, p) for _, day, actor, _, p in peaks_of(folder / "lampkeeper.db") if actor]


async def test_in_shadow_nobody_is_told_and_the_peaks_are_those_of_live(tmp_path: Path) -> None:
    boards = {"shadow": Board(), "live": Board()}
    for mode, board in boards.items():
        (tmp_path / mode).mkdir()
        async with watching(tmp_path / mode, board, shadow=mode == "shadow") as guard:
            await talk(guard)
    assert boards["shadow"].calls == []
    assert len(boards["live"].cards) == 1
    assert peaks(tmp_path / "shadow") == peaks(tmp_path / "live")
    assert [day for day, _ in peaks(tmp_path / "live")] == [20_000]


async def test_what_scored_highly_in_shadow_shows_with_its_next_message_once_live(tmp_path: Path) -> None:
    board = Board()
    async with watching(tmp_path, board, shadow=True) as guard:
        await talk(guard)
    assert not board.cards
    async with watching(tmp_path, board) as guard:
        await guard.receive(said(99, "do not tell your mum about us", time=NOW + 60))
    assert len(board.cards) == 1


async def test_a_days_peak_is_the_highest_of_the_day_whatever_comes_after_and_however_often_it_restarts(
    tmp_path: Path,
) -> None:
    board = Board()
    async with watching(tmp_path, board, shadow=True) as guard:
        await talk(guard)
    ((_, highest),) = peaks(tmp_path)
    async with watching(tmp_path, board, shadow=True) as guard:
        await talk(guard, NOW + 60, ["nice weather today, shall we plant tomatoes?", "the maths test was easy"] * 20)
        await talk(guard, NOW + DAY, ["good game, well played everyone"])
    noted = dict(peaks(tmp_path))
    assert noted[20_000] >= highest
    assert all(p >= FLOOR for p in noted.values())
    watched = {day for _, day, actor, _, _ in peaks_of(tmp_path / "lampkeeper.db") if not actor}
    assert watched == {20_000, 20_001}


async def test_peaks_are_forgotten_after_eight_weeks(tmp_path: Path) -> None:
    now = NOW
    async with watching(tmp_path, Board(), shadow=True, clock=lambda: now) as guard:
        await talk(guard)
        now = NOW + KEPT_DAYS * DAY
        await guard.purge()
        assert peaks(tmp_path)
        now += DAY
        await guard.purge()
        assert not peaks_of(tmp_path / "lampkeeper.db")


async def test_an_edit_that_raises_the_score_raises_the_days_peak(tmp_path: Path) -> None:
    async with watching(tmp_path, Board(), shadow=True) as guard:
        mild = ["the weather is nice and we planted tomatoes today"] * len(slow_talk())
        await talk(guard, texts=mild)
        before = max((p for _, p in peaks(tmp_path)), default=0.0)
        for number, text in enumerate(slow_talk()):
            await guard.receive(Edit(said(number, text)))
        await guard.settled()
        assert max(p for _, p in peaks(tmp_path)) > before


async def test_admins_are_told_once_a_day_how_many_pairs_could_not_be_read(tmp_path: Path) -> None:
    now, board = NOW, Board()
    async with watching(tmp_path, board, clock=lambda: now) as guard:

        async def tell() -> list[str]:
            before = len(board.notices)
            await guard.tell_unread()
            await guard.settled()
            return [text for _, text in board.notices[before:]]

        assert await tell() == []
        for number in range(6):
            await guard.receive(said(2 * number, SPANISH))
            await guard.receive(said(2 * number + 1, "nada, estoy aquí con mi hermano", "target", "actor"))
        await guard.settled()
        (first,) = await tell()
        assert first.startswith("1 new pair of people talks in a language that this model does not read")
        assert "Spanish (1)" in first
        assert await tell() == [], "nothing new"
        await talk(guard, texts=[SPANISH] * 6, partner="friend", time=NOW + 60)
        assert await tell() == [], "it was told within the day"
        now += DAY
        (second,) = await tell()
        assert "Spanish (1)" in second
    assert {space for space, _ in board.notices} == {SPACE}
    assert not board.cards


async def test_what_is_not_told_yet_survives_a_restart(tmp_path: Path) -> None:
    board = Board()
    async with watching(tmp_path, board, shadow=True) as guard:
        await guard.tell_unread()
        await talk(guard, texts=[SPANISH] * 6)
    async with watching(tmp_path, board, shadow=True) as guard:
        await guard.tell_unread()
        await guard.settled()
    assert sum("Spanish (1)" in text for _, text in board.notices) == 1


@pytest.mark.parametrize(
    ("bands", "cards"),
    [
        ({}, 1),
        ({"test:actor": "adult"}, 1),
        ({"test:actor": "adult", "test:target": "adult"}, 0),
        ({"other:actor": "adult", "other:target": "adult"}, 1),
    ],
)
async def test_ages_from_the_configuration_count_like_those_from_roles(
    tmp_path: Path, bands: dict[str, AgeBand], cards: int
) -> None:
    board = Board()
    async with watching(tmp_path, board, age_bands=bands) as guard:
        await guard.receive(said(0, "hi there, how is it going", "target", "actor", NOW - 60))
        await talk(guard)
    assert len([card for card in board.cards.values() if card.actor.id == "actor"]) == cards


async def test_two_known_adults_leave_no_peak_that_would_raise_a_threshold(tmp_path: Path) -> None:
    bands: dict[str, AgeBand] = {"test:actor": "adult", "test:target": "adult"}
    async with watching(tmp_path, Board(), age_bands=bands) as guard:
        await guard.receive(said(0, "hi there, how is it going", "target", "actor", NOW - 60))
        await talk(guard)
    assert peaks(tmp_path) == []


async def test_a_database_of_the_first_version_is_brought_up_to_date_with_all_it_holds(tmp_path: Path) -> None:
    board, database = Board(), tmp_path / "lampkeeper.db"
    async with watching(tmp_path, board) as guard:
        await talk(guard)
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(
            "DROP TABLE peaks; DROP TABLE unread; UPDATE alembic_version SET version_num = '0001';"
            "DROP TABLE actions; DROP TABLE requests; DROP TABLE installations;"
            "DROP TABLE items; DROP TABLE notes; DROP TABLE consents; DROP TABLE referrals; DROP TABLE exposures;"
            "DROP TABLE submissions; DROP TABLE audit_chain;"
            + "".join(f"ALTER TABLE spaces DROP COLUMN {name};" for name in SINCE_0003["spaces"])
            + "".join(f"ALTER TABLE alerts DROP COLUMN {name};" for name in SINCE_0003["alerts"])
        )
    assert peaks_of(database) == []
    async with watching(tmp_path, board) as guard:
        assert await guard.cursor(ConversationKey(SPACE, "room")) is not None
        await guard.receive(said(99, "do not tell your mum about us", time=NOW + 60))
    assert len(board.cards) == 1, "the alert that was open stays the one"
    assert [day for day, _ in peaks(tmp_path)] == [day_of(NOW)]
