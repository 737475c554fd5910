"""The way of a case: its states and steps, what is preserved of it, notes, merging, and reports that need people."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.casework import cases, reports
from core.casework.cards import STATES, Card, Person, State
from core.casework.desk import Desk, Verdict
from core.casework.referrals import Referral
from core.casework.reports import Asking
from core.casework.transitions import STEPS, Step, steps_from
from core.export.record import CaseRecord, broken, missed
from core.guard import Guard
from core.messages import Author, Deletion, Edit, Event, Message
from core.retention.keeping import DAY, KEPT
from core.store import tables
from core.store.states import load_pairs
from tests.support import KEY, MODERATOR, NOW, SPACE, Board, Clock, lampkeeper, opened, said, slow_talk, talk

SECOND = Person("second", "The second")
FRIEND = Person("friend", "The friend")


async def stands(guard: Guard, alert: str) -> State:
    card = await guard.desk.case(alert)
    assert card is not None
    return card.state


async def record(guard: Guard, alert: str) -> CaseRecord:
    found = await guard.desk.export(alert, MODERATOR)
    assert found is not None
    assert broken(found) == []
    return found


def kinds(record: CaseRecord, message: str) -> list[tuple[str, str | None]]:
    return [(i.content.kind, i.content.text) for i in record.items if i.content is not None and i.content.id == message]


# --- states and steps ------------------------------------------------------------------------------------------------

Take = Callable[[Desk, str], Awaitable[object]]
TAKE: dict[Step, Take] = {
    "claim": lambda desk, alert: desk.claim(alert, MODERATOR),
    "take_over": lambda desk, alert: desk.claim(alert, MODERATOR, MODERATOR),
    "release": lambda desk, alert: desk.release(alert, MODERATOR),
    "escalate": lambda desk, alert: desk.escalate(alert, MODERATOR),
    "dismiss": lambda desk, alert: desk.decide(alert, "dismissed", MODERATOR),
    "confirm": lambda desk, alert: desk.decide(alert, "confirmed", MODERATOR),
    "undo": lambda desk, alert: desk.undecide(alert, MODERATOR),
    "reconsider": lambda desk, alert: desk.reconsider(alert, SECOND),
    "put_aside": lambda desk, alert: desk.put_aside(alert, MODERATOR),
    "resume": lambda desk, alert: desk.resume(alert, MODERATOR),
    "report": lambda desk, alert: desk.refer(alert, Referral("police", alert), MODERATOR),
    "close": lambda desk, alert: desk.close(alert, MODERATOR),
    "reopen": lambda desk, alert: desk.reopen(alert, MODERATOR),
}
"""Every step but merging, which takes another case."""


def test_every_step_of_the_table_can_be_taken_and_every_state_be_reached() -> None:
    assert {way.step for way in STEPS} == set(get_args(Step)) == {*TAKE, "merge"}
    reached: set[str] = {"open"} | {way.end for way in STEPS if way.end is not None}
    assert reached == set(STATES)
    assert all(steps_from(state) for state in STATES), "no state is a dead end"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(way=st.lists(st.sampled_from(sorted(TAKE)), min_size=1, max_size=10))
def test_a_case_moves_as_the_table_says_and_not_otherwise(
    way: list[Step], tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def walk() -> None:
        board = Board()
        async with lampkeeper(tmp_path_factory.mktemp("walk"), clock=lambda: NOW, deliverers=[board]) as guard:
            alert = await opened(guard, board)
            for step in way:
                before = await stands(guard, alert)
                card = await guard.desk.case(alert)
                assert card is not None
                await TAKE[step](guard.desk, alert)
                ends = {one.end for one in STEPS if one.step == step and before in one.start}
                after = await stands(guard, alert)
                claimed = card.claimed is not None
                if step in {"claim", "take_over"} and claimed != (step == "take_over"):
                    ends = set()
                if step == "release" and not claimed:
                    ends = set()
                if None in ends:
                    assert after in set(STATES) - {before}
                else:
                    assert after == (next(iter(ends)) if ends else before)

    asyncio.run(walk())


async def test_a_step_taken_back_leads_to_where_the_case_stood_before(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert, desk = await opened(guard, board), guard.desk
        await desk.claim(alert, MODERATOR)
        await desk.put_aside(alert, MODERATOR)
        assert await stands(guard, alert) == "on_hold"
        await desk.resume(alert, SECOND)
        assert await stands(guard, alert) == "claimed"
        await desk.decide(alert, "confirmed", MODERATOR)
        await desk.close(alert, MODERATOR)
        assert await stands(guard, alert) == "closed"
        await desk.reopen(alert, SECOND)
        assert await stands(guard, alert) == "concern_confirmed"
        await desk.undecide(alert, MODERATOR)
        assert await stands(guard, alert) == "claimed"


# --- what is preserved ------------------------------------------------------------------------------------------------


async def test_what_the_two_go_on_to_say_is_preserved_and_outlives_the_text(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.receive(said(50, "see you later", "target", partner="actor"))
        await guard.receive(said(51, "good night", "actor", partner="target"))
        await guard.receive(said(52, "what did you do today", "actor", partner="friend"))
        await guard.settled()
        clock.now += 8 * DAY
        await guard.purge()
        kept = await record(guard, alert)
    ids = [item.content.id for item in kept.items if item.content is not None]
    assert ids[-2:] == ["m50", "m51"]
    assert "m52" not in ids
    assert {f"m{number}" for number in range(len(slow_talk()))} & set(ids)


async def test_every_edit_and_the_deletion_of_what_is_preserved_is_a_version_of_its_own(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        message = said(50, "see you later", "target", partner="actor")
        await guard.receive(message)
        for text in ("see you", "see you", "bye"):
            await guard.receive(Edit(message._replace(text=text)))
        await guard.receive(Deletion(KEY, "m50"))
        await guard.settled()
        kept = await record(guard, alert)
    assert kinds(kept, "m50") == [
        ("message", "see you later"),
        ("edit", "see you"),
        ("edit", "bye"),
        ("deletion", None),
    ]


async def test_an_edit_after_the_text_was_purged_is_preserved_still(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        clock.now += 8 * DAY
        await guard.purge()
        first = (await record(guard, alert)).items[0].content
        assert first is not None
        for message in talk():
            if message.id == first.id:
                await guard.receive(Edit(message._replace(text="nothing to see here")))
        await guard.receive(Deletion(KEY, first.id))
        await guard.settled()
        kept = await record(guard, alert)
    assert kinds(kept, first.id) == [("message", first.text), ("edit", "nothing to see here"), ("deletion", None)]


async def test_what_is_said_after_a_dismissal_is_not_preserved(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.decide(alert, "dismissed", MODERATOR)
        before = len((await record(guard, alert)).items)
        await guard.receive(said(50, "see you later", "target", partner="actor"))
        await guard.settled()
        assert len((await record(guard, alert)).items) == before


async def test_what_was_said_until_a_dismissal_was_taken_back_is_preserved_after_all(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.decide(alert, "dismissed", MODERATOR)
        await guard.receive(said(50, "see you later", "target", partner="actor"))
        await guard.settled()
        await guard.desk.undecide(alert, MODERATOR)
        assert kinds(await record(guard, alert), "m50") == [("message", "see you later")]


async def test_a_case_that_is_part_of_another_goes_on_preserving_as_long_as_that_does(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        one, other = await two_cases(guard, board)
        await guard.desk.merge(other, one, MODERATOR)
        await guard.receive(said(500, "see you later", "friend", partner="actor"))
        await guard.settled()
        assert kinds((await record(guard, one)).merged[0], "m500") == [("message", "see you later")]
        await guard.desk.decide(one, "dismissed", MODERATOR)
        await guard.receive(said(501, "good night", "friend", partner="actor"))
        await guard.settled()
        assert kinds((await record(guard, one)).merged[0], "m501") == []


async def test_a_reopened_case_that_nobody_decided_is_updated_and_opens_no_second_one(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        one, other = await two_cases(guard, board)
        await guard.desk.merge(other, one, MODERATOR)
        await guard.desk.reopen(other, MODERATOR)
        async with guard.ledger.transaction() as tx:
            known = guard.ledger.memory.of(SPACE)
            await load_pairs(tx, guard.ledger.vault, known, [("actor", "friend")])
            assert known.state.alerts["actor", "friend"].open


async def test_the_window_of_a_reported_message_is_preserved_at_once(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, review=1.0 - 1e-12, clock=clock, deliverers=[board]) as guard:
        for message in talk():
            await guard.receive(message)
        await guard.settled()
        alert = (await reports.receive(guard.ledger, SPACE, Asking(FRIEND, Person("actor", ""), "", (KEY, "m3")))).alert
        assert alert is not None
        clock.now += 8 * DAY
        await guard.purge()
        kept = await record(guard, alert)
    assert "m3" in [i.content.id for i in kept.items if i.moved_the_score and i.content is not None]
    assert len(kept.items) > 1


async def test_a_forgotten_friend_leaves_a_digest_in_the_cases_of_others_and_the_chain_holds(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        for message in (*talk()[:3], said(40, "may I play along", "friend", partner=None), *talk()[3:]):
            await guard.receive(message)
        await guard.settled()
        alert = next(card.alert for card in board.cards.values() if card.actor.id == "actor")
        before = await record(guard, alert)
        await guard.forget_person(SPACE, "friend")
        after = await record(guard, alert)
    assert [item.sha256 for item in after.items] == [item.sha256 for item in before.items]
    assert (
        [i.number for i in after.items if i.content is None]
        == [i.number for i in before.items if i.content is not None and i.content.author == "friend"]
        != []
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.sets(st.integers(1, 30)),
    changes=st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["edit", "delete", "say"])), max_size=12),
)
def test_whatever_is_said_edited_and_deleted_in_however_many_batches_the_chain_holds(
    cuts: set[int], changes: list[tuple[int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    events: list[Event] = [*talk()]
    for place, (number, change) in enumerate(changes):
        message = Message(KEY, f"m{number}", Author("actor", "The actor"), f"say {place}", NOW + 90, partner="target")
        if change == "say":
            events.append(message._replace(id=f"n{place}", text="good night \ud800"))
        else:
            events.append(Edit(message) if change == "edit" else Deletion(KEY, f"m{number}"))

    async def run() -> None:
        board = Board()
        async with lampkeeper(tmp_path_factory.mktemp("chain"), clock=lambda: NOW, deliverers=[board]) as guard:
            for place, event in enumerate(events):
                await guard.receive(event)
                if place in cuts:
                    await guard.settled()
            await guard.settled()
            for card in list(board.cards.values()):
                kept = await record(guard, card.alert)
                versions = [(i.content.id, i.content.version) for i in kept.items if i.content is not None]
                assert len(versions) == len(set(versions))
                heads = [deed.detail["chain"] for deed in kept.audit if "chain" in deed.detail]
                assert heads[-1] == kept.items[-1].chain

    asyncio.run(run())


# --- notes, merging --------------------------------------------------------------------------------------------------


async def test_notes_are_in_the_record_with_who_wrote_them_and_an_empty_one_is_none(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        for text in ("Parents were told.", "  "):
            await guard.desk.note(alert, text, MODERATOR)
        await guard.desk.note(alert, "School, too.", SECOND)
        kept = await record(guard, alert)
    assert [(note.by.name, note.text) for note in kept.notes] == [
        (MODERATOR.name, "Parents were told."),
        (SECOND.name, "School, too."),
    ]


async def two_cases(guard: Guard, board: Board) -> tuple[str, str]:
    """Let the actor talk to two people; return both alerts."""
    for number, text in enumerate(slow_talk()):
        await guard.receive(said(number, text, partner="target"))
        await guard.receive(said(number + 100, text, partner="friend"))
    await guard.settled()
    found = {card.target.id: card.alert for card in board.cards.values() if card.target and card.actor.id == "actor"}
    return found["target"], found["friend"]


async def test_a_merged_case_goes_along_whole_with_the_one_it_became_part_of(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        one, other = await two_cases(guard, board)
        async with guard.ledger.store.read() as tx:
            assert await cases.related(tx, guard.ledger.vault, one) == [other]
        merged = await guard.desk.merge(other, one, MODERATOR)
        assert merged is not None
        assert merged.accepted
        assert (merged.card.state, merged.card.merged) == ("closed", one)
        kept = await record(guard, one)
        assert [part.case for part in kept.merged] == [other]
        assert len(kept.all_items) == len(kept.items) + len(kept.merged[0].items)
        back = await guard.desk.merge(one, other, MODERATOR)
        assert back is not None
        assert not back.accepted
        await guard.desk.reopen(other, MODERATOR)
        assert (await record(guard, one)).merged == ()


async def test_cases_of_people_who_have_nothing_to_do_with_each_other_are_not_merged(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        for number, text in enumerate(slow_talk()):
            await guard.receive(said(number, text, "actor", partner="target"))
            await guard.receive(said(number + 100, text, "teacher", partner="friend"))
        await guard.settled()
        one, other = (card.alert for card in board.cards.values() if card.actor.id in {"actor", "teacher"})
        verdict = await guard.desk.merge(one, other, MODERATOR)
        assert verdict is not None
        assert not verdict.accepted


# --- reports to authorities ------------------------------------------------------------------------------------------


async def confirmed(guard: Guard, board: Board) -> str:
    alert = await opened(guard, board)
    await guard.desk.decide(alert, "confirmed", MODERATOR)
    return alert


async def test_a_report_needs_a_confirmed_case_and_its_number_typed(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        assert await guard.desk.refer(alert, Referral("police", alert), MODERATOR) == "state"
        await guard.desk.decide(alert, "confirmed", MODERATOR)
        assert await guard.desk.refer(alert, Referral("police", "yes"), MODERATOR) == "not_typed"
        assert await stands(guard, alert) == "concern_confirmed"
        assert await guard.desk.refer(alert, Referral("police", alert.upper(), "A-1"), MODERATOR) == "recorded"
        kept = await record(guard, alert)
        assert await guard.desk.refer("0" * 16, Referral("police", "0" * 16), MODERATOR) is None
    assert [(one.to, [by.id for by in one.by], one.reference) for one in kept.passed] == [
        ("police", [MODERATOR.id], "A-1")
    ]
    assert kept.state == "reported"


async def test_a_reported_case_is_kept_a_year_and_nobody_lifts_that_hold_before(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await confirmed(guard, board)
        await guard.desk.refer(alert, Referral("police", alert), MODERATOR)

        async def lifted() -> Verdict:
            verdict = await guard.desk.lift(alert, MODERATOR)
            assert verdict is not None
            return verdict

        early = await lifted()
        assert (early.accepted, early.card.held_until) == (False, NOW + KEPT)
        clock.now += KEPT
        assert (await lifted()).accepted


async def test_where_four_eyes_are_asked_for_two_different_people_make_a_report(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board], four_eyes=["report"]) as guard:
        alert = await confirmed(guard, board)
        referral = Referral("police", alert)
        for _ in range(2):
            assert await guard.desk.refer(alert, referral, MODERATOR) == "second_needed"
        assert await stands(guard, alert) == "concern_confirmed"
        clock.now += 8 * DAY
        assert await guard.desk.refer(alert, referral, SECOND) == "second_needed", "the first agreed too long ago"
        assert await guard.desk.refer(alert, referral, MODERATOR) == "recorded"
        kept = await record(guard, alert)
    assert [by.id for by in kept.passed[0].by] == [SECOND.id, MODERATOR.id]


async def test_two_people_who_type_different_words_have_not_agreed_to_the_same_report(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board], four_eyes=["report"]) as guard:
        alert = await confirmed(guard, board)
        assert await guard.desk.refer(alert, Referral("police", alert), MODERATOR) == "second_needed"
        assert await guard.desk.refer(alert, Referral("somebody else", alert), SECOND) == "second_needed"
        assert await guard.desk.refer(alert, Referral("police", alert), SECOND) == "recorded"


async def test_items_cut_off_at_the_end_of_a_record_are_missed_by_what_its_audit_noted(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        kept = await record(guard, await opened(guard, board))
    assert missed(kept) == []
    cut = kept.model_copy(update={"items": kept.items[:-1]})
    assert broken(cut) == []
    assert missed(cut)


async def test_a_ban_takes_two_only_where_the_operator_asks_for_it(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        assert await guard.desk.agree(alert, "ban", MODERATOR)
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board], four_eyes=["ban"]) as guard:
        assert [await guard.desk.agree(alert, "ban", who) for who in (MODERATOR, MODERATOR, SECOND)] == [
            False,
            False,
            True,
        ]


async def test_the_card_of_a_reported_case_says_so_wherever_it_is_shown(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert = await confirmed(guard, board)
        await guard.desk.refer(alert, Referral("police", alert), MODERATOR)
        await guard.settled()
        card: Card = next(iter(board.cards.values()))
        assert card.state == "reported"
        assert replace(card, course=()) == await guard.desk.case(alert)
        async with guard.ledger.store.read() as tx:
            deeds = list(await tx.scalars(select(tables.audit.c.what).order_by(tables.audit.c.id)))
    assert deeds[-1] == "report recorded"


# --- how long cases are kept -----------------------------------------------------------------------------------------


async def test_a_dismissed_case_loses_its_evidence_first_and_goes_later(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.decide(alert, "dismissed", MODERATOR, "role_play", "they play a game")
        items = len((await record(guard, alert)).items)
        clock.now += 31 * DAY
        await guard.purge()
        after = await record(guard, alert)
        assert (after.items, after.decision and after.decision.remark) == ((), "")
        assert [deed.detail["items"] for deed in after.audit if deed.what == "evidence purged"] == [items]
        clock.now += 700 * DAY
        await guard.purge()
        await guard.settled()
        assert await guard.desk.case(alert) is None
        assert [where for where, _ in board.withdrawn] == [SPACE]


async def test_a_reported_case_keeps_its_evidence_for_a_year_and_is_free_then(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await confirmed(guard, board)
        await guard.desk.refer(alert, Referral("police", alert), MODERATOR)
        await guard.desk.close(alert, MODERATOR)
        clock.now += 300 * DAY
        await guard.purge()
        assert (await record(guard, alert)).items
        clock.now += 66 * DAY
        await guard.purge()
        kept = await record(guard, alert)
        assert (kept.items, kept.held) == ((), None)


async def test_what_nobody_ever_decided_is_closed_and_not_kept_for_ever(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        clock.now += 181 * DAY
        await guard.purge()
        assert await stands(guard, alert) == "closed"
        assert (await record(guard, alert)).items
        clock.now += 91 * DAY
        await guard.purge()
        assert (await record(guard, alert)).items == ()
