"""What was said before somebody's data was deleted is not stored again, however late it comes."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.guard import Guard
from core.messages import Edit, Event
from core.retention import requests
from core.retention.keeping import DAY
from tests.support import NOW, SPACE, Clock, lampkeeper, said

LATE: dict[str, Event] = {
    "held back": said(600, "an older line", "friend", partner="teacher"),
    "an edit": Edit(said(1, "hello everybody", "friend", partner="teacher")),
    "delivered twice": said(1, "hello everybody", "friend", partner="teacher"),
}


async def texts(guard: Guard) -> list[str | None]:
    kept = await requests.kept(guard.ledger, SPACE, "friend")
    return [message["text"] for message in kept["your_messages"]]


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("restart", [False, True])
async def test_nothing_from_before_a_deletion_comes_back_by_live_events(
    late: str, restart: bool, tmp_path: Path
) -> None:
    clock = Clock()
    async with lampkeeper(tmp_path, clock=clock) as guard:
        await guard.receive(said(1, "hello everybody", "friend", partner="teacher"))
        await guard.settled()
        clock.now += DAY
        await guard.forget_person(SPACE, "friend")
        if not restart:
            await guard.receive(LATE[late])
            await guard.settled()
            assert await texts(guard) == []
    async with lampkeeper(tmp_path, clock=clock) as guard:
        with capture_logs() as logs:
            await guard.receive(LATE[late])
            await guard.settled()
        assert await texts(guard) == []
        assert [line["messages"] for line in logs if line["event"].endswith("before_a_deletion_ignored")] == [1]
        await guard.receive(said(700, "hello again", "friend", partner="teacher", time=clock.now + 1))
        await guard.settled()
        assert await texts(guard) == ["hello again"]


async def test_a_deletion_in_one_space_costs_no_message_in_another(tmp_path: Path) -> None:
    clock = Clock()
    async with lampkeeper(tmp_path, clock=clock) as guard:
        await guard.forget_person("test:other", "friend")
        await guard.receive(said(-5, "hello everybody", "friend", partner="teacher"))
        await guard.settled()
        assert await texts(guard) == ["hello everybody"]


async def test_a_deletion_that_a_wrong_clock_dated_ahead_does_not_make_lampkeeper_deaf(tmp_path: Path) -> None:
    clock = Clock()
    clock.now += 400 * DAY
    async with lampkeeper(tmp_path, clock=clock) as guard:
        await guard.forget_person(SPACE, "teacher")
    clock.now = NOW + 10
    async with lampkeeper(tmp_path, clock=clock) as guard:
        await guard.receive(said(5, "hello everybody", "friend", partner="teacher"))
        await guard.settled()
        assert await texts(guard) == ["hello everybody"]
