"""What was erased from a case for a forgotten person is told apart from what somebody emptied by hand."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select, update

from core.casework import checking
from core.export.record import emptied
from core.retention.keeping import DAY
from core.store import tables
from tests.support import MODERATOR, SPACE, Board, Clock, lampkeeper, opened, said, talk

_I = tables.items


async def test_what_a_forgotten_friend_had_said_is_counted_and_is_no_fault(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        lines = [*talk()[:3], said(40, "may I play along", "friend", partner=None), *talk()[3:]]
        alert = await opened(guard, board, lines)
        before = await checking.check(guard.ledger, alert)
        await guard.forget_person(SPACE, "friend")
        after = await checking.check(guard.ledger, alert)
        record = await guard.desk.export(alert, MODERATOR)
    assert before is not None
    assert after is not None
    assert record is not None
    assert (before.empty, before.faults) == (0, [])
    assert (after.items, after.empty, after.faults) == (before.items, 1, [])
    (told,) = [deed for deed in record.audit if deed.what == "items erased"]
    assert told.detail["numbers"] == [item.number for item in record.items if item.content is None]


async def test_of_what_is_empty_each_item_that_no_row_accounts_for_is_named(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        lines = [*talk()[:3], said(40, "may I play along", "friend", partner=None), *talk()[3:]]
        alert = await opened(guard, board, lines)
        await guard.forget_person(SPACE, "friend")
        async with guard.ledger.store.write() as tx:
            free = select(_I.c.number).where(_I.c.alert == alert, _I.c.content.is_not(None)).limit(2)
            numbers = list(await tx.scalars(free))
            by_hand = update(_I).where(_I.c.alert == alert, _I.c.number.in_(numbers))
            await tx.execute(by_hand.values(content=None, author=""))
        checked = await checking.check(guard.ledger, alert)
    assert checked is not None
    assert checked.empty == 3
    words = "has no content, and the audit does not tell that it was erased."
    assert checked.faults == [f"Item {number} {words}" for number in numbers]


async def test_what_is_preserved_after_a_purge_is_not_accounted_for_by_what_was_erased_before(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        lines = [said(-1, "may I play along", "friend", partner=None), *talk()]
        alert = await opened(guard, board, lines)
        await guard.forget_person(SPACE, "friend")
        await guard.desk.decide(alert, "confirmed", MODERATOR)
        await guard.desk.close(alert, MODERATOR)
        clock.now += 91 * DAY
        await guard.purge()
        await guard.desk.reopen(alert, MODERATOR)
        for number in range(20, 23):
            await guard.receive(said(number, "see you there", partner="target", time=clock.now + number))
        await guard.settled()
        record = await guard.desk.export(alert, MODERATOR)
    assert record is not None
    assert len(record.items) == 3
    assert emptied(record) == []
    first = record.items[0].model_copy(update={"content": None})
    assert emptied(record.model_copy(update={"items": (first,)})) != []
