"""Cases that are decided anew, parts of other cases, legal holds and who agreed: what holds when things go on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import update

from bots.common import hand
from bots.common.words import Words
from bots.discord_bot.markup import MARKUP
from core.casework import cases, holds, reports
from core.casework.cards import Action, Card, Person
from core.casework.desk import FourEyes
from core.casework.referrals import Referral
from core.casework.reports import Asking
from core.export.record import CaseRecord
from core.guard import Guard
from core.messages import Author, Message
from core.retention import requests, rules
from core.retention.holdings import in_cases
from core.retention.keeping import DAY, KEPT
from core.store import tables, upsert
from tests.support import KEY, MODERATOR, NOW, ROOT, SPACE, Board, Clock, lampkeeper, opened, said, slow_talk

SECOND = Person("second", "The second")
LONG = 900 * DAY


async def case(guard: Guard, alert: str) -> Card:
    card = await guard.desk.case(alert)
    assert card is not None
    return card


async def record(guard: Guard, alert: str) -> CaseRecord:
    found = await guard.desk.export(alert, MODERATOR)
    assert found is not None
    return found


async def of_three(guard: Guard, board: Board) -> tuple[str, str, str]:
    """Open cases of one actor and three others, and make the first part of the second, and that part of the third."""
    for start, partner in ((0, "target"), (100, "friend"), (200, "teacher")):
        for number, text in enumerate(slow_talk(), start):
            author = Author("actor", "The actor")
            await guard.receive(Message(KEY, f"m{number}", author, text, time=NOW + number, partner=partner))
    await guard.settled()
    found = {card.target.id: card.alert for card in board.cards.values() if card.target and card.actor.id == "actor"}
    one, two, three = (found[who] for who in ("target", "friend", "teacher"))
    for part, whole in ((one, two), (two, three)):
        verdict = await guard.desk.merge(part, whole, MODERATOR)
        assert verdict is not None
        assert verdict.accepted
    return one, two, three


def pressing(guard: Guard, who: Person) -> Any:
    return SimpleNamespace(
        desk=guard.desk, space=SPACE, moderator=who, words=Words("en", MARKUP), second_reviewers=True
    )


async def press(guard: Guard, who: Person, name: str, alert: str) -> str:
    return (await hand.pressed(pressing(guard, who), name, alert, hand.buttons({}))).text


# --- decided anew -----------------------------------------------------------------------------------------------------


async def test_a_dismissed_case_that_is_opened_again_keeps_its_evidence_and_anybody_may_decide_it_anew(
    tmp_path: Path,
) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert, desk = await opened(guard, board), guard.desk
        await desk.decide(alert, "dismissed", MODERATOR, "friends_family")
        clock.now += DAY
        await desk.close(alert, MODERATOR)
        clock.now += 60 * DAY
        answer = await hand.pressed(pressing(guard, SECOND), "reopen", alert, hand.buttons({}))
        assert answer.buttons == (("reconsider", alert),)
        clock.now += 29 * DAY
        await guard.purge()
        assert (await record(guard, alert)).items
        assert "waits for another" in await press(guard, SECOND, "reconsider", alert)
        assert (await case(guard, alert)).state == "open"
        await desk.decide(alert, "confirmed", SECOND)
        kept = await record(guard, alert)
    assert (kept.state, bool(kept.items)) == ("concern_confirmed", True)
    assert {"case reopened", "decision reconsidered"} <= {deed.what for deed in kept.audit}


async def test_a_dismissed_case_that_was_opened_again_goes_as_long_after_that_as_after_its_dismissal(
    tmp_path: Path,
) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.decide(alert, "dismissed", MODERATOR)
        await guard.desk.close(alert, MODERATOR)
        clock.now += 60 * DAY
        await guard.desk.reopen(alert, MODERATOR)
        clock.now += 31 * DAY
        await guard.purge()
        assert (await record(guard, alert)).items == ()
        clock.now += LONG
        await guard.purge()
        assert await guard.desk.case(alert) is None


async def test_what_was_remarked_with_a_decision_stays_as_a_note_when_that_is_taken_back(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.decide(alert, "confirmed", MODERATOR, None, "spoke to the parents")
        await guard.desk.undecide(alert, MODERATOR)
        kept = await record(guard, alert)
    assert [(note.by.id, note.text) for note in kept.notes] == [(MODERATOR.id, "spoke to the parents")]


async def test_a_note_on_a_case_whose_evidence_is_over_is_refused_until_that_is_kept_anew(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.decide(alert, "confirmed", MODERATOR)
        await guard.desk.close(alert, MODERATOR)
        clock.now += 91 * DAY
        await guard.purge()
        form = {"text": "the police called back"}
        assert "Nothing was noted" in (await hand.filled(pressing(guard, SECOND), "note", alert, form)).text
        await guard.desk.reopen(alert, SECOND)
        assert "Noted" in (await hand.filled(pressing(guard, SECOND), "note", alert, form)).text
        clock.now += DAY
        await guard.purge()
        assert [note.text for note in (await record(guard, alert)).notes] == ["the police called back"]


async def test_a_case_put_aside_is_not_closed_for_its_age_before_it_lay_aside_as_long(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        clock.now += 179 * DAY
        await guard.desk.put_aside(alert, MODERATOR)
        clock.now += 100 * DAY
        await guard.purge()
        assert (await case(guard, alert)).state == "on_hold"
        await guard.desk.resume(alert, MODERATOR)
        clock.now += 100 * DAY
        await guard.purge()
        assert (await case(guard, alert)).state == "open"
        clock.now += 81 * DAY
        await guard.purge()
        assert (await case(guard, alert)).state == "closed"


# --- agreements -------------------------------------------------------------------------------------------------------


async def test_what_one_agreed_to_does_not_outlive_the_decision_it_was_about(tmp_path: Path) -> None:
    board = Board()
    both: tuple[FourEyes, ...] = ("report", "ban")
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board], four_eyes=both) as guard:
        alert, desk = await opened(guard, board), guard.desk
        police = Referral("police", alert, "1")
        await desk.decide(alert, "confirmed", SECOND)
        assert await desk.refer(alert, police, SECOND) == "second_needed"
        await desk.undecide(alert, SECOND)
        assert not await desk.agree(alert, "ban", SECOND)
        await desk.decide(alert, "confirmed", MODERATOR)
        assert not await desk.agree(alert, "ban", MODERATOR)
        assert await desk.refer(alert, police, MODERATOR) == "second_needed"
        assert await desk.refer(alert, police, SECOND) == "recorded"


async def test_one_human_on_the_platform_and_at_a_terminal_is_not_two(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board], four_eyes=["ban"]) as guard:
        alert, desk = await opened(guard, board), guard.desk
        assert not await desk.agree(alert, "ban", Person("terminal:kim", "kim"))
        assert not await desk.agree(alert, "ban", Person("77", "Kim"))
        assert not await desk.agree(alert, "ban", Person("terminal:KIM", "KIM"))
        assert await desk.agree(alert, "ban", SECOND)


# --- parts ------------------------------------------------------------------------------------------------------------


async def test_what_is_said_is_preserved_in_every_part_of_an_open_case(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        one, two, three = await of_three(guard, board)
        await guard.desk.decide(three, "dismissed", MODERATOR)
        await guard.receive(said(500, "see you later", partner="target"))  # nothing is preserved of it yet
        await guard.settled()
        await guard.desk.undecide(three, MODERATOR)
        await guard.receive(said(501, "good night", partner="target"))
        await guard.settled()
        kept = await record(guard, three)
    (middle,) = kept.merged
    (part,) = middle.merged
    assert (middle.case, part.case) == (two, one)
    assert {"m500", "m501"} <= {item.content.id for item in part.items if item.content is not None}


async def test_a_deletion_waits_for_the_open_case_that_another_became_part_of_over_two_levels(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        one, _, _ = await of_three(guard, board)
        number = await requests.ask(guard.ledger, SPACE, "deletion", Person("target", "The target"), "asked")
        assert number is not None
        found = await requests.delete(guard.ledger, SPACE, number, MODERATOR)
        assert found is not None
        assert (found.done, found.open) == (False, (one,))


async def test_whom_a_part_of_a_case_is_about_takes_no_step_on_it_and_undoes_nothing(tmp_path: Path) -> None:
    board = Board()
    target = Person("target", "The target")

    async def taken_back(*_: object) -> str:
        return "undone"

    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        _, _, three = await of_three(guard, board)
        assert "about you" in await press(guard, target, "confirm", three)
        assert cases.concerns(await case(guard, three), Person("terminal:friend", "friend"))
        number = await guard.desk.acts.taken(three, Action("ban", Person("actor", "The actor")), MODERATOR)
        assert number is not None
        assert "about you" in (await hand.undo(pressing(guard, target), number, taken_back)).text
        assert (await hand.undo(pressing(guard, SECOND), number, taken_back)).text == "undone"


async def test_a_card_counts_each_other_case_once_and_no_part_and_nothing_closed_undecided(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        one, _, three = await of_three(guard, board)
        for alert in (one, three):
            about = (await case(guard, alert)).about_actor
            assert (about.open, about.confirmed, about.dismissed) == (0, 0, 0)
        await guard.desk.reopen(one, MODERATOR)
        assert (await case(guard, three)).about_actor.open == 1
        await guard.desk.decide(three, "confirmed", MODERATOR)
        about = (await case(guard, one)).about_actor
        assert (about.open, about.confirmed) == (0, 1)
        clock.now += 181 * DAY
        await guard.purge()
        assert (await case(guard, one)).state == "closed"
        assert (await case(guard, three)).about_actor.open == 0, "it is closed for its age"


async def test_reports_of_somebody_unknown_have_nothing_to_do_with_each_other(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        made = []
        for name in ("friend", "teacher"):
            asking = Asking(Person(name, name), Person("", "somebody"), "please look")
            made.append((await reports.receive(guard.ledger, SPACE, asking)).alert)
        first, second = made
        assert first is not None
        assert second is not None
        assert (await case(guard, first)).about_actor.open == 0
        async with guard.ledger.store.read() as tx:
            assert await cases.related(tx, guard.ledger.vault, first) == []
        verdict = await guard.desk.merge(first, second, MODERATOR)
        assert verdict is not None
        assert not verdict.accepted


async def test_a_part_whose_whole_is_forgotten_names_it_no_more_and_is_part_of_what_that_was(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        one, _, three = await of_three(guard, board)
        await guard.forget_person(SPACE, "friend")
        assert (await case(guard, one)).merged == three
        await guard.forget_person(SPACE, "teacher")
        left = await case(guard, one)
        assert (left.state, left.merged) == ("closed", None)


# --- legal holds ------------------------------------------------------------------------------------------------------


async def test_a_hold_that_somebody_set_outlasts_the_year_of_a_report(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert, desk = await opened(guard, board), guard.desk
        await desk.hold(alert, MODERATOR)
        await desk.decide(alert, "confirmed", MODERATOR)
        await desk.refer(alert, Referral("police", alert), MODERATOR)
        await desk.close(alert, MODERATOR)
        clock.now += LONG
        await guard.purge()
        held = await case(guard, alert)
        assert (held.held, held.held_until, bool((await record(guard, alert)).items)) == (NOW, None, True)


async def test_preserve_takes_the_end_off_a_reports_hold_and_ending_that_gives_it_back(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert, desk = await opened(guard, board), guard.desk
        await desk.decide(alert, "confirmed", MODERATOR)
        await desk.refer(alert, Referral("police", alert), MODERATOR)
        assert (await case(guard, alert)).held_until == NOW + KEPT
        offered = await hand.more(())(pressing(guard, SECOND), await case(guard, alert))
        assert {("hold", alert), ("lift", alert)} <= set(offered.buttons)
        assert "until somebody ends the hold" in await press(guard, SECOND, "hold", alert)
        assert (await case(guard, alert)).held_until is None
        ended = await desk.lift(alert, SECOND)
        assert ended is not None
        assert (ended.accepted, ended.card.held_until) == (True, NOW + KEPT)
        again = await desk.lift(alert, SECOND)
        assert again is not None
        assert not again.accepted, "it was reported"


async def test_nobody_ends_a_hold_while_a_report_is_on_its_way(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.hold(alert, MODERATOR)
        row = {"alert": alert, "space": SPACE, "state": "submitted", "live": True, "steps": 1, "log": b""}
        async with guard.ledger.transaction() as tx:
            await upsert(tx, tables.submissions, [row | {"confirmer": "", "second": "", "started": NOW}])
        assert "on its way to NCMEC" in await press(guard, SECOND, "yes_lift", alert)
        assert (await case(guard, alert)).held == NOW
        async with guard.ledger.transaction() as tx:
            await tx.execute(update(tables.submissions).values(state="retracted"))
        assert "ended" in await press(guard, SECOND, "yes_lift", alert)


async def test_a_part_of_a_held_case_says_by_which_hold_and_until_when_it_is_kept(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        one, _, three = await of_three(guard, board)
        await guard.desk.decide(three, "confirmed", MODERATOR)
        await guard.desk.refer(three, Referral("police", three), MODERATOR)
        until, store = NOW + KEPT, guard.ledger.store
        part = await case(guard, one)
        assert (part.held, part.held_until, part.held_by) == (NOW, until, three)
        assert three in await press(guard, SECOND, "lift", one)
        (mine,) = await in_cases(store, SPACE, "target", clock.now)
        assert (mine.held, mine.until) == (True, until)
        number = await requests.ask(guard.ledger, SPACE, "deletion", Person("target", "The target"), "asked")
        assert number is not None
        found = await requests.delete(guard.ledger, SPACE, number, MODERATOR)
        assert found is not None
        assert (found.held, found.until) == ((one,), (until,))
        assert await holds.end(guard.ledger, SPACE, "target") == 1
        assert await guard.forget_person(SPACE, "target") == 0
        async with store.read() as tx:
            assert {(hold.alert, hold.until) for hold in await rules.held(tx, clock.now) if hold.alert == three} == {
                (three, until)
            }


# --- people whose cases nobody decided --------------------------------------------------------------------------------


async def test_the_command_that_removes_a_person_names_cases_nobody_decided_and_takes_them_only_when_told(
    tmp_path: Path,
) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await opened(guard, board)
    config = tmp_path / "config.toml"
    config.write_text("")
    command = [sys.executable, "-m", "bots", "purge", "--config", str(config), "--space", SPACE, "--yes"]
    command += ["--person", "target"]

    def said_by(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *more], check=False, capture_output=True, text=True, cwd=ROOT)

    refused = said_by()
    assert (refused.returncode, alert in refused.stdout, "Nothing was removed" in refused.stdout) == (1, True, True)
    done = said_by("--undecided")
    assert (done.returncode, "was removed" in done.stdout) == (0, True)
    async with lampkeeper(tmp_path) as guard:
        assert await guard.desk.case(alert) is None
