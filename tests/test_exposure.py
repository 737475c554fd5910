"""How much a moderator is shown: as little as they ask for, counted for a day, with a kind word when it is much."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select

from core.casework.cards import Person
from core.casework.excerpts import AROUND
from core.guard import Guard
from core.messages import Author, ConversationKey, Deletion, Message
from core.retention.rules import DAY
from core.store import tables
from tests.support import KEY, MODERATOR, NOW, SPACE, Board, lampkeeper, said, slow_talk

KIM, SAM = Person("kim", "Kim"), Person("sam", "Sam")
QUIET = 40
"""Messages of ordinary talk before and after."""


@dataclass
class Clock:
    now: float = NOW + 1000.0

    def __call__(self) -> float:
        return self.now


def long_talk() -> list[Message]:
    texts = [*["good game today"] * QUIET, *slow_talk(), *["see you at training"] * QUIET]
    return [said(number, text, partner="target") for number, text in enumerate(texts)]


async def opened(guard: Guard, board: Board) -> str:
    for message in long_talk():
        await guard.receive(message)
    await guard.settled()
    return next(iter(board.cards.values())).alert


async def test_at_first_only_what_moved_the_score_is_shown_with_two_lines_around(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board)
        everything = await guard.desk.excerpt(alert, MODERATOR, more=1000)
        first = await guard.desk.excerpt(alert, MODERATOR)
    reasons = [number for number, line in enumerate(everything) if line.reason]
    near = sorted({n for r in reasons for n in range(r - AROUND, r + AROUND + 1) if 0 <= n < len(everything)})
    assert [(line.text, line.time) for line in first] == [(everything[n].text, everything[n].time) for n in near]
    assert len(first) < len(everything)
    assert sum(line.left_out for line in first) + first[-1].more_after + len(first) == len(everything)
    assert all(line.left_out == line.more_after == 0 for line in everything)


async def test_on_request_there_is_more_and_never_less(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board)
        shown = [{line.time for line in await guard.desk.excerpt(alert, MODERATOR, more)} for more in range(0, 60, 5)]
    assert all(before <= after for before, after in pairwise(shown))
    assert shown[0] < shown[-1]


async def test_lines_of_another_channel_do_not_count_as_near(tmp_path: Path) -> None:
    board, elsewhere = Board(), ConversationKey(SPACE, "elsewhere")
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        for message in long_talk():
            await guard.receive(message)
            text = f"elsewhere {message.id}"
            await guard.receive(Message(elsewhere, f"e{message.id}", Author("actor", "a"), text, partner="target"))
        await guard.settled()
        alert = next(iter(board.cards.values())).alert
        lines = await guard.desk.excerpt(alert, MODERATOR)
    reasons = [line for line in lines if line.reason]
    assert {line.text for line in reasons} <= set(slow_talk())
    assert not [line for line in lines if line.text.startswith("elsewhere")]


async def test_what_was_shown_is_counted_by_moderator_and_day_and_gone_after_five_weeks(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert, desk = await opened(guard, board), guard.desk
        assert (await desk.exposure(SPACE, KIM)).lines == 0
        first = await desk.excerpt(alert, KIM)
        again = await desk.excerpt(alert, KIM, more=3)
        today = await desk.exposure(SPACE, KIM)
        assert (today.lines, today.cases) == (len(first) + len(again), 1)
        assert (await desk.exposure(SPACE, SAM)).lines == 0
        clock.now += DAY
        assert (await desk.exposure(SPACE, KIM)).lines == 0
        clock.now += 34 * DAY
        await guard.purge()
        assert await rows(guard) == 1
        clock.now += DAY
        await guard.purge()
        assert await rows(guard) == 0


async def test_an_exported_file_counts_with_its_texts_and_deletions_have_none(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.receive(Deletion(KEY, f"m{QUIET}"))
        await guard.settled()
        record = await guard.desk.export(alert, KIM)
        assert record is not None
        texts = [item for item in record.items if item.content is not None and item.content.text]
        assert 0 < len(texts) < len(record.items)
        assert (await guard.desk.exposure(SPACE, KIM)).lines == len(texts)


async def test_over_the_limit_nothing_is_refused_and_the_kind_word_comes_once_a_day(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board], excerpt_lines=10) as guard:
        alert, desk = await opened(guard, board), guard.desk
        await desk.excerpt(alert, SAM)
        assert await desk.enough(SPACE, KIM) is None, "nothing was read yet"
        lines = await desk.excerpt(alert, KIM)
        assert len(lines) > 10
        told = await desk.enough(SPACE, KIM)
        assert told is not None
        assert (told.over, told.limit, told.lines) == (True, 10, len(lines))
        assert await desk.excerpt(alert, KIM) == lines
        assert await desk.enough(SPACE, KIM) is None
        clock.now += DAY
        assert await desk.enough(SPACE, KIM) is None
        await desk.excerpt(alert, KIM)
        assert await desk.enough(SPACE, KIM) is not None


@pytest.mark.parametrize("limit", [0, 100_000])
async def test_without_a_limit_or_below_it_nothing_is_said(limit: int, tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board], excerpt_lines=limit) as guard:
        await guard.desk.excerpt(await opened(guard, board), KIM)
        assert not (await guard.desk.exposure(SPACE, KIM)).over
        assert await guard.desk.enough(SPACE, KIM) is None


async def test_the_counts_of_somebody_who_is_forgotten_are_gone_and_those_of_a_case_go_with_it(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.excerpt(alert, KIM)
        await guard.desk.excerpt(alert, SAM)
        await guard.forget_person(SPACE, KIM.id)
        assert await rows(guard) == 1
        await guard.forget_person(SPACE, "target")
        assert await rows(guard) == 0


async def rows(guard: Guard) -> int:
    async with guard.ledger.store.read() as tx:
        return len((await tx.execute(select(tables.exposures))).all())
