"""A case that was kept long enough and is gone: what the audit says of it goes with those whom it was about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.audit.trail import GONE, trail
from core.casework import reports
from core.casework.cards import Person
from core.casework.reports import Asking
from core.guard import Guard
from core.retention.keeping import DAY
from core.store import tables
from tests.audit_stage import heads_file, verdict
from tests.support import MODERATOR, SPACE, Board, Clock, lampkeeper, opened, said, slow_talk, vault_of

_A = tables.audit


async def rows(guard: Guard, alert: str) -> int:
    async with guard.ledger.store.read() as tx:
        return await tx.scalar(select(func.count()).select_from(_A).where(_A.c.about == alert)) or 0


async def removed(guard: Guard, clock: Clock, alert: str) -> None:
    """Dismiss and close a case, and let the time pass after which it goes."""
    await guard.desk.decide(alert, "dismissed", MODERATOR)
    await guard.desk.close(alert, MODERATOR)
    clock.now += 731 * DAY
    await guard.purge()
    assert await guard.desk.case(alert) is None


async def hear(guard: Guard, clock: Clock, lines: Sequence[str]) -> None:
    for number, text in enumerate(lines):
        await guard.receive(said(1000 + number, text, partner="target", time=clock.now + number))
    await guard.settled()


@pytest.mark.parametrize("person", ["actor", "target"])
async def test_the_audit_names_no_case_that_is_gone_once_one_of_its_two_is_forgotten(
    person: str, tmp_path: Path
) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await removed(guard, clock, alert)
        assert await rows(guard, alert) > 0
        await guard.forget_person(SPACE, "teacher")
        assert await rows(guard, alert) > 0, "it is about others"
        await guard.forget_person(SPACE, person)
        assert await rows(guard, alert) == 0
    told = trail(tmp_path / "lampkeeper.db", vault_of(tmp_path), case=None, space=SPACE, limit=99)
    assert {one.row.about for one in told if one.row.what == "case removed"} == {"forgotten"}
    assert GONE not in {one.who for one in told}, "who did something is another person"
    heads_file(tmp_path).touch()
    assert verdict(tmp_path).problems == []


async def test_of_several_cases_of_a_pair_that_are_gone_none_is_named_after_a_restart_either(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        first = await opened(guard, board)
        await removed(guard, clock, first)
    asking = Asking(Person("friend", "The friend"), Person("actor", "The actor"), "please look")
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        second = (await reports.receive(guard.ledger, SPACE, asking)).alert
        assert second is not None
        assert second != first
        await removed(guard, clock, second)
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await guard.forget_person(SPACE, "actor")
        assert [await rows(guard, alert) for alert in (first, second)] == [0, 0]


async def test_what_a_forgotten_pair_does_later_is_a_case_that_waits_for_people_and_has_no_past(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await removed(guard, clock, await opened(guard, board))
        clock.now += 10 * DAY
        await guard.forget_person(SPACE, "target")
        clock.now += 10 * DAY
        await hear(guard, clock, slow_talk())
        (alert,) = {card.alert for card in board.cards.values()}
        await guard.purge()
        card = await guard.desk.case(alert)
        assert card is not None
        assert card.state == "open"
        record = await guard.desk.export(alert, MODERATOR)
        assert record is not None
        assert {deed.what for deed in record.audit} <= {"alert opened", "alert updated", "case exported"}
