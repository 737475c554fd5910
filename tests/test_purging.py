"""What a purge takes, and that a dry run lists just that: over cases, texts and records of every age."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from core.casework import reports
from core.casework.cards import Action, Person
from core.casework.referrals import Referral
from core.casework.reports import Asking
from core.errors import StoreError
from core.export.record import broken
from core.guard import Guard
from core.peaks import KEPT_DAYS
from core.retention import requests, rules
from core.retention.keeping import ANSWERED_DAYS, KEPT, Keep
from core.retention.rules import DAY, RULES, Found
from core.store import open_store, tables
from core.store.view import viewed
from core.vault.master import Keys
from tests.support import MODERATOR, SPACE, Board, Clock, lampkeeper, said, slow_talk

END = 3_000 * DAY
FRIEND = Person("friend", "The friend")
PAIRS = (("actor", "target"), ("friend", "teacher"), ("teacher", "friend"), ("target", "actor"))


TALK = slow_talk()[:3]


async def talks(guard: Guard, board: Board, number: int) -> str:
    """Let one of `PAIRS` talk; return the alert."""
    author, partner = PAIRS[number]
    for place, text in enumerate(TALK):
        await guard.receive(said(100 * number + place, text, author, partner=partner, time=guard.ledger.clock()))
    await guard.settled()
    return next(card.alert for card in board.cards.values() if card.actor.id == author)


def rows(folder: Path, table: str, of: str = "") -> list[dict[str, Any]]:
    with closing(sqlite3.connect(folder / "lampkeeper.db")) as database:
        database.row_factory = sqlite3.Row
        where = f" WHERE alert = '{of}'" if of else ""
        return [dict(row) for row in database.execute(f"SELECT * FROM {table}{where}")]


async def listed(folder: Path, keep: Keep, now: float) -> list[Found]:
    """What a dry run lists, read beside the running guard."""
    async with viewed(folder / "lampkeeper.db", Keys.beside(folder / "lampkeeper.key")) as store, store.read() as tx:
        return await rules.due(tx, keep, now)


def gone(found: list[Found]) -> Counter[str]:
    """How many rows of each table a dry run says will be gone."""
    counted: Counter[str] = Counter()
    for one in found:
        if one.table != "audit":
            counted[one.table] += one.rows * one.what.startswith("gone")
    return +counted


def there(folder: Path) -> set[tuple[Any, ...]]:
    """Every row by its table and key; of a message one, and those that wait to be shown are no matter of age."""
    found: set[tuple[Any, ...]] = set()
    for name in RULES.keys() - {"outbox", "audit"}:
        keys = [column.name for column in tables.metadata.tables[name].primary_key]
        whole = (row for row in rows(folder, name) if name != "messages" or (row["version"] == 0 and row["body"]))
        found |= {(name, *(row[key] for key in keys)) for row in whole}
    return found


def missing(before: set[tuple[Any, ...]], folder: Path) -> Counter[str]:
    """How many rows of each table are there no more; a purge also adds some, to cases under legal hold."""
    return Counter(name for name, *_ in before - there(folder))


# --- every rule, whatever the ages -----------------------------------------------------------------------------------


class Fate(NamedTuple):
    """What becomes of a case, by what people do with it."""

    does: Callable[[Guard, str], Awaitable[object]]
    ends: str


async def nothing(_guard: Guard, _alert: str) -> None:
    pass


async def dismissed(guard: Guard, alert: str) -> None:
    await guard.desk.decide(alert, "dismissed", MODERATOR, remark="they play a game")


async def confirmed(guard: Guard, alert: str) -> None:
    await guard.desk.decide(alert, "confirmed", MODERATOR)


async def over(guard: Guard, alert: str) -> None:
    await confirmed(guard, alert)
    await guard.desk.close(alert, MODERATOR)


async def passed_on(guard: Guard, alert: str) -> None:
    await confirmed(guard, alert)
    await guard.desk.refer(alert, Referral("police", alert), MODERATOR)
    await guard.desk.close(alert, MODERATOR)


async def held(guard: Guard, alert: str) -> None:
    await guard.desk.hold(alert, MODERATOR)
    await dismissed(guard, alert)


async def aside(guard: Guard, alert: str) -> None:
    await guard.desk.put_aside(alert, MODERATOR)


FATES = {does.__name__: does for does in (nothing, dismissed, confirmed, over, passed_on, held, aside)}


class Case(NamedTuple):
    """A case that opens `opened` days before the end, and meets its fate after some more."""

    fate: str
    opened: int
    later: int


class Left(NamedTuple):
    """What should be left of a case."""

    there: bool = True
    evidence: bool = True
    closed: bool = False
    held: bool = False


def expected(case: Case, keep: Keep) -> Left:  # noqa: PLR0911 - one each
    """What the documentation promises, in plain words of its own."""
    since = max(0, case.opened - case.later)
    match case.fate:
        case "nothing" | "aside":
            closed = (case.opened if case.fate == "nothing" else since) >= keep.undecided
            return Left(evidence=not (closed and keep.closed == 0), closed=closed)
        case "dismissed":
            return Left(there=since < keep.case, evidence=since < keep.dismissed)
        case "confirmed":
            closed = since >= keep.case
            return Left(evidence=not (closed and keep.closed == 0), closed=closed)
        case "over":
            return Left(there=since < keep.case, evidence=since < keep.closed, closed=True)
        case "passed_on" if since >= KEPT / DAY:
            return Left(there=since < keep.case, evidence=since < keep.closed, closed=True)
        case "passed_on":
            return Left(closed=True, held=True)
    return Left(held=True)


KEEPS = st.builds(
    Keep,
    text=st.sampled_from([3, 7]),
    dismissed=st.sampled_from([0, 30]),
    closed=st.sampled_from([0, 90]),
    undecided=st.sampled_from([1, 180]),
    case=st.sampled_from([1, 730]),
    audit=st.sampled_from([90, 1095]),
)
AGES = st.sampled_from([0, 1, 3, 7, 8, 29, 30, 31, 89, 90, 91, 179, 180, 364, 365, 366, 729, 730, 1095, 1500])
CASES = st.lists(st.builds(Case, st.sampled_from(sorted(FATES)), AGES, AGES), min_size=1, max_size=len(PAIRS))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keep=KEEPS, cases=CASES)
@example(keep=Keep(text=3, dismissed=0, closed=0, undecided=1, case=1, audit=90), cases=[Case("aside", 90, 90)])
@example(keep=Keep(text=3, dismissed=0, closed=0, undecided=1, case=1, audit=90), cases=[Case("aside", 90, 0)])
def test_every_rule_takes_what_is_due_and_nothing_else_and_a_dry_run_lists_just_that(
    keep: Keep, cases: list[Case], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("purge")

    async def run() -> None:
        board, clock = Board(), Clock(END - 1500 * DAY)
        alerts: dict[int, str] = {}
        async with lampkeeper(folder, clock=clock, deliverers=[board], keep=keep, four_eyes=["ban"]) as guard:
            events = [(case.opened, 0, number) for number, case in enumerate(cases)]
            events += [(max(0, case.opened - case.later), 1, number) for number, case in enumerate(cases)]
            for age, fated, number in sorted(events, key=lambda event: (-event[0], event[1], event[2])):
                clock.now = END - age * DAY
                if not fated:
                    alerts[number] = await talks(guard, board, number)
                    await guard.desk.note(alerts[number], "Parents were told.", MODERATOR)
                    await guard.desk.agree(alerts[number], "ban", MODERATOR)
                    await guard.desk.acts.taken(alerts[number], Action("timeout", FRIEND, None), MODERATOR)
                    asked = await requests.ask(guard.ledger, SPACE, "access", Person(f"{number}", ""), "Asked.")
                    assert asked is not None
                    await requests.answer(guard.ledger, SPACE, asked, MODERATOR)
                else:
                    await FATES[cases[number].fate](guard, alerts[number])
            clock.now = END
            await guard.settled()
            found, before, deeds = await listed(folder, keep, END), there(folder), rows(folder, "audit")
            assert there(folder) == before, "a dry run changes nothing"
            await guard.purge()
            assert gone(found) == missing(before, folder)
            assert await listed(folder, keep, END) == []
        for number, case in enumerate(cases):
            left, alert = expected(case, keep), alerts[number]
            here = rows(folder, "alerts", alert)
            assert len(here) == left.there, case
            assert (
                bool(rows(folder, "items", alert))
                == bool(rows(folder, "notes", alert))
                == (left.there and left.evidence)
            ), case
            assert bool(rows(folder, "actions", alert)) == left.there
            for row in here:
                assert (row["closed"] is not None, row["held"] is not None) == (left.closed, left.held), case
                assert row["remark"] is None or left.evidence
        assert {row["received"] >= END - keep.text * DAY for row in rows(folder, "messages")} <= {True}
        assert len(rows(folder, "messages")) == len(TALK) * sum(case.opened <= keep.text for case in cases)
        assert len(rows(folder, "requests")) == sum(case.opened < ANSWERED_DAYS for case in cases)
        assert all(row["day"] >= END // DAY - KEPT_DAYS for row in rows(folder, "peaks"))
        standing = {row["alert"] for row in rows(folder, "alerts")}
        after = {row["id"]: row for row in rows(folder, "audit")}
        for row in deeds:
            if row["time"] <= END - keep.audit * DAY and row["about"] not in standing:
                bare = {"who": row["who"] and "forgotten", "about": row["about"] and "forgotten"}
                assert after[row["id"]] == row | bare
            else:
                assert after[row["id"]] == row

    asyncio.run(run())


# --- what belongs to cases -------------------------------------------------------------------------------------------


async def test_a_case_that_nobody_decided_is_closed_and_what_the_pair_does_later_opens_another(tmp_path: Path) -> None:
    board, clock = Board(), Clock(END)
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        first = await talks(guard, board, 0)
        clock.now += 181 * DAY
        await guard.purge()
        closed, clock.now = clock.now, clock.now + 2 * DAY
        await guard.receive(said(500, "i am 15 years old, you know", "actor", partner="target", time=clock.now))
        await guard.settled()
        alerts = {row["alert"]: row for row in rows(tmp_path, "alerts") if row["actor"] == the_actor(tmp_path, first)}
        assert alerts.pop(first)["closed"] == closed
        (second,) = alerts.values()
        assert (second["closed"], second["decision"]) == (None, None)
        assert "m500" not in {row["id"] for row in rows(tmp_path, "items", first)}, "it preserves no more"
        assert "m500" in {row["id"] for row in rows(tmp_path, "items", second["alert"])}


def the_actor(folder: Path, alert: str) -> str:
    return str(rows(folder, "alerts", alert)[0]["actor"])


async def test_a_case_closed_by_its_age_and_opened_again_waits_for_people_as_long_again(
    tmp_path: Path,
) -> None:
    board, clock = Board(), Clock(END)
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await talks(guard, board, 0)
        closed = []
        for days in (181, 0, 179, 1):
            clock.now += days * DAY
            await guard.purge()
            closed.append(rows(tmp_path, "alerts", alert)[0]["closed"] is not None)
            if days == 181:
                await guard.desk.reopen(alert, MODERATOR)
        assert closed == [True, False, False, True]


async def test_more_cases_than_one_transaction_takes_are_all_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.retention.purging.AT_ONCE", 1)
    board, clock = Board(), Clock(END)
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board], keep=Keep(dismissed=0)) as guard:
        for number in range(len(PAIRS)):
            await guard.desk.decide(await talks(guard, board, number), "dismissed", MODERATOR)
        assert rows(tmp_path, "items")
        await guard.purge()
        assert rows(tmp_path, "items") == []
        clock.now += 731 * DAY
        await guard.purge()
        assert rows(tmp_path, "alerts") == []


async def test_what_members_wrote_is_kept_as_long_as_the_evidence_though_nothing_else_is_preserved(
    tmp_path: Path,
) -> None:
    board, clock = Board(), Clock(END)
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        asking = Asking(FRIEND, Person("actor", "The actor"), "please look")
        alert = (await reports.receive(guard.ledger, SPACE, asking)).alert
        assert alert is not None

        async def told() -> list[str]:
            record = await guard.desk.export(alert, MODERATOR)
            assert record is not None
            return [report.text for report in record.reports or ()]

        clock.now += 8 * DAY
        await guard.purge()
        assert await told() == ["please look"]
        await guard.desk.decide(alert, "dismissed", MODERATOR)
        clock.now += 29 * DAY
        await guard.purge()
        assert await told() == ["please look"]
        clock.now += 1 * DAY
        await guard.purge()
        assert await told() == [""]
        assert await listed(tmp_path, guard.ledger.keep, clock.now) == []


async def test_a_merged_case_keeps_its_evidence_and_its_hold_with_the_case_it_became_part_of(tmp_path: Path) -> None:
    board, clock = Board(), Clock(END)
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        for number, text in enumerate(slow_talk()):
            for partner, offset in (("target", 0), ("friend", 100), ("teacher", 200)):
                await guard.receive(said(number + offset, text, partner=partner, time=clock.now))
        await guard.settled()
        found = {card.target.id: card.alert for card in board.cards.values() if card.target}
        whole, part, part_of_part = found["target"], found["friend"], found["teacher"]
        await guard.desk.merge(part_of_part, part, MODERATOR)
        await guard.desk.merge(part, whole, MODERATOR)
        clock.now += 170 * DAY
        await guard.purge()
        record = await guard.desk.export(whole, MODERATOR)
        assert record is not None
        assert broken(record) == []
        assert all(case.items for case in (record, record.merged[0], record.merged[0].merged[0]))
        await guard.desk.hold(whole, MODERATOR)
        assert await guard.forget_person(SPACE, "friend") == 1
        await guard.desk.decide(whole, "dismissed", MODERATOR)
        clock.now += 3000 * DAY
        await guard.purge()
        assert {row["alert"] for row in rows(tmp_path, "items")} == {whole, part, part_of_part}
        await guard.desk.lift(whole, MODERATOR)
        before, listing = there(tmp_path), await listed(tmp_path, guard.ledger.keep, clock.now)
        await guard.purge()
        assert rows(tmp_path, "alerts") == []
        assert gone(listing) == missing(before, tmp_path)


async def test_an_agreement_that_nobody_joined_in_time_goes(tmp_path: Path) -> None:
    board, clock = Board(), Clock(END)
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board], four_eyes=["ban"]) as guard:
        await guard.desk.agree(await talks(guard, board, 0), "ban", MODERATOR)
        clock.now += 6 * DAY
        await guard.purge()
        assert rows(tmp_path, "consents")
        clock.now += 1 * DAY
        await guard.purge()
        assert rows(tmp_path, "consents") == []


# --- the dry run -----------------------------------------------------------------------------------------------------


async def test_of_a_space_that_left_the_dry_run_lists_all_that_goes_and_what_holds_keep(tmp_path: Path) -> None:
    board, clock = Board(), Clock(END)
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await guard.communities.arrive(SPACE)
        alert = await talks(guard, board, 0)
        await talks(guard, board, 1)
        await guard.desk.hold(alert, MODERATOR)
        await guard.communities.leave(SPACE)
        clock.now += 6 * DAY
        assert await listed(tmp_path, guard.ledger.keep, clock.now) == []
        clock.now += 1 * DAY
        listing, before = await listed(tmp_path, guard.ledger.keep, clock.now), there(tmp_path)
        assert {one.what for one in listing} == {"gone: Lampkeeper was removed from the space"}
        async with guard.ledger.store.read() as tx:
            (kept,) = await rules.held(tx, clock.now)
        assert (kept.alert, kept.until) == (alert, None)
        await guard.purge()
        await guard.forget_left()
        stays = {"spaces": 1, "pairs": 1}  # the name of the space, and how many alerts there were
        assert gone(listing) == missing(before, tmp_path) + Counter(stays)
        assert len(rows(tmp_path, "items")) == kept.items
        assert await listed(tmp_path, guard.ledger.keep, clock.now) == []


async def test_a_dry_run_neither_waits_for_nor_holds_up_who_writes(tmp_path: Path) -> None:
    board, clock = Board(), Clock(END)
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await talks(guard, board, 0)
        clock.now += 8 * DAY
        async with (
            guard.ledger.transaction() as tx,
            viewed(tmp_path / "lampkeeper.db", Keys.beside(tmp_path / "lampkeeper.key")) as view,
        ):
            await tx.execute(update(tables.spaces).values(advised=1.0))
            async with view.read() as reading:
                found = await rules.due(reading, Keep(), clock.now)
                assert (await reading.scalars(select(tables.spaces.c.advised))).all() == [None]
            with pytest.raises(StoreError, match="cannot be written"):
                async with view.write() as writing:
                    await writing.execute(update(tables.spaces).values(advised=2.0))
        assert [(one.table, one.rows) for one in found] == [("messages", len(TALK))]


async def test_a_view_of_what_is_no_database_of_this_version_says_what_to_do(tmp_path: Path) -> None:
    database, key = tmp_path / "lampkeeper.db", tmp_path / "lampkeeper.key"

    async def refused() -> str:
        with pytest.raises(StoreError) as told:
            async with viewed(database, Keys.beside(key)):
                pass
        return str(told.value)

    assert "There is no database" in await refused()
    assert not key.exists()
    await (await open_store(database, key)).close()
    with closing(sqlite3.connect(database)) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '0001'")
    assert "older version" in await refused()
    with closing(sqlite3.connect(database)) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer version" in await refused()
    with closing(sqlite3.connect(database)) as other, other:
        other.execute("DROP TABLE alembic_version")
    assert "not a database of Lampkeeper's" in await refused()
