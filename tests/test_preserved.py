"""What is preserved says what happened and when, whatever people do to it before or after an alert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, select

from core.batch import Batch
from core.export.record import CaseRecord, broken
from core.guard import Guard
from core.messages import Deletion, Edit, Event
from core.retention.rules import DAY
from core.store import tables
from core.store.among import among
from tests.support import KEY, MODERATOR, NOW, Board, Clock, lampkeeper, opened, said, talk


async def hear(guard: Guard, *events: Event) -> None:
    for one in events:
        await guard.receive(one)
    await guard.settled()


async def record(guard: Guard, alert: str) -> CaseRecord:
    found = await guard.desk.export(alert, MODERATOR)
    assert found is not None
    assert broken(found) == []
    return found


def versions(record: CaseRecord, message: str) -> list[tuple[str, str | None, float]]:
    """Return what is preserved of a message: the kind, the text, and how long after `NOW` it was received."""
    found = [i.content for i in record.items if i.content is not None and i.content.id == message]
    return [(one.kind, one.text, one.received.timestamp() - NOW) for one in found]


def attached(record: CaseRecord) -> list[tuple[str, tuple[str, ...]]]:
    found = [i.content for i in record.items if i.content is not None and i.content.id == "m50"]
    return [(one.kind, one.attachments) for one in found]


async def test_what_was_edited_and_deleted_before_the_alert_has_the_times_at_which_that_was_seen(
    tmp_path: Path,
) -> None:
    board, clock, lines = Board(), Clock(), talk()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await hear(guard, lines[0])
        clock.now += 60
        await hear(guard, Edit(lines[0]._replace(text="nothing")))
        clock.now += 60
        await hear(guard, Deletion(KEY, "m0"))
        clock.now += 60
        await hear(guard, *lines[1:])
        kept = await record(guard, next(iter(board.cards.values())).alert)
    assert versions(kept, "m0") == [("message", lines[0].text, 0), ("edit", "nothing", 60), ("deletion", None, 120)]
    received = [item.received for item in kept.items]
    assert received == sorted(received)


async def test_a_message_first_seen_as_an_edit_is_not_said_to_be_as_it_was_written(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        clock.now += 60
        await hear(guard, Edit(said(50, "good night", partner="target")))
        assert versions(await record(guard, alert), "m50") == [("edit", "good night", 60)]


async def test_an_edit_that_only_takes_an_attachment_away_is_a_version_of_its_own(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        picture = said(50, "look at this", partner="target")._replace(attachments=("image", "file"))
        await hear(guard, picture)
        before = await guard.desk.case(alert)
        clock.now += 60
        await hear(guard, Edit(picture._replace(attachments=("file",))))
        await hear(guard, Edit(picture._replace(attachments=("file",))))
        kept = await record(guard, alert)
        after = await guard.desk.case(alert)
        clock.now += 8 * DAY
        await guard.purge()
        await hear(guard, Edit(picture._replace(attachments=())))
        later = await record(guard, alert)
    assert before == after
    assert attached(kept) == [("message", ("image", "file")), ("edit", ("file",))]
    assert attached(later) == [*attached(kept), ("edit", ())]


async def test_half_a_character_makes_no_edit_that_nobody_made(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert, message = await opened(guard, board), said(50, "see you", partner="target")
        await hear(guard, message, *(Edit(message._replace(text=words)) for words in ("half \ud800", "whole")))
        kept = versions(await record(guard, alert), "m50")
    assert kept == [("message", "see you", 0), ("edit", "half \ufffd", 0), ("edit", "whole", 0)]


async def test_an_edit_of_what_was_taken_for_deleted_is_preserved(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert, message = await opened(guard, board), said(50, "see you", partner="target")
        await hear(guard, message, Deletion(KEY, "m50"), Edit(message._replace(text="back")), Deletion(KEY, "m50"))
        kept = versions(await record(guard, alert), "m50")
    assert kept == [("message", "see you", 0), ("deletion", None, 0), ("edit", "back", 0), ("deletion", None, 0)]


async def test_items_of_a_batch_stand_in_the_order_in_which_they_were_said(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        ledger, early, late = guard.ledger, talk()[:4], talk()[4:]
        await hear(guard, *early)
        alert = next(iter(board.cards.values())).alert
        before = [said(100 + number, "what are you up to", partner="target") for number in range(12)]
        lines = [*before, *late]  # what is late in it moves the score, and has a window of its own
        async with ledger.transaction() as tx:
            await Batch(tx, ledger.vault, ledger.engine, ledger.memory, NOW).take(lines)
        kept = await record(guard, alert)
    assert [deed.what for deed in kept.audit].count("alert updated") > 0
    assert [i.content.id for i in kept.items if i.content][-len(lines) :] == [line.id for line in lines]


async def test_a_time_that_no_calendar_has_costs_neither_the_message_nor_the_record(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await hear(guard, said(50, "good night", partner="target", time=1e15))
        assert guard.skipped == 0
        assert versions(await record(guard, alert), "m50") == [("message", "good night", 0)]


async def test_what_is_said_after_a_case_was_closed_for_its_age_is_not_preserved(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        clock.now += 200 * DAY
        await guard.purge()
        await hear(guard, said(50, "good night", partner="target", time=clock.now))
        kept = await record(guard, alert)
    assert kept.state == "closed"
    assert versions(kept, "m50") == []


@pytest.mark.parametrize("rows", [1, 2, 300])
async def test_looking_up_many_messages_reads_no_others(rows: int, tmp_path: Path) -> None:
    table = tables.messages
    asked: list[tuple[str, Any]] = []
    wanted = among((table.c.conversation, table.c.id), [("general", f"m{number}") for number in range(rows)])
    async with lampkeeper(tmp_path) as guard, guard.ledger.store.read() as tx:
        assert tx.sync_connection is not None

        def note(_c: Connection, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
            asked.append((statement, parameters))

        event.listen(tx.sync_connection, "before_cursor_execute", note)
        await tx.execute(select(table.c.id).where(table.c.space == "test:space", wanted))
        (statement, parameters) = asked[0]
        plan = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ways = [row.detail for row in plan if "messages" in row.detail]
    assert ways
    assert all("space=? AND conversation=? AND id=?" in way for way in ways)
