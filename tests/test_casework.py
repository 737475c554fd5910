"""What people do about an alert, on the core alone: claims, decisions, actions, calls, legal hold, a case's file."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from core.casework import reports
from core.casework.cards import Action, Call, Card, Person, sparkline
from core.casework.desk import UNDO_WITHIN
from core.casework.reports import Asking
from core.emphasis import MOST, SHARE, weight, weighty
from core.engine import SpaceState
from core.errors import PlatformError, TryLater
from core.export.record import CaseRecord, Moderator, broken
from core.guard import Guard
from core.messages import Author, Edit, Message
from core.outbox import EDIT_EVERY
from core.policy import Rules
from core.retention.rules import DAY
from core.store import tables
from tests.support import (
    KEY,
    MODERATOR,
    NOW,
    ROOT,
    SPACE,
    Board,
    Clock,
    engine,
    lampkeeper,
    opened,
    said,
    slow_talk,
    talk,
)

SECOND = Person("second", "The second")
DUMMY = Person("actor", "The actor")


async def shown(guard: Guard, board: Board, alert: str) -> Card:
    """Return the card as moderators see it by now."""
    await guard.settled()
    return next(card for card in board.cards.values() if card.alert == alert)


async def deeds(guard: Guard) -> list[str]:
    async with guard.ledger.store.read() as tx:
        return list(await tx.scalars(select(tables.audit.c.what).order_by(tables.audit.c.id)))


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.name.startswith("lampkeeper.db"))


# --- claims and decisions --------------------------------------------------------------------------------------------


async def test_of_two_who_claim_at_once_one_has_it_and_the_card_says_who(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        verdicts = await asyncio.gather(*(guard.desk.claim(alert, who) for who in (MODERATOR, SECOND)))
        assert sorted(verdict.accepted for verdict in verdicts if verdict) == [False, True]
        claimed = (await shown(guard, board, alert)).claimed
        assert claimed is not None
        assert all(verdict.card.claimed == claimed for verdict in verdicts if verdict)
        assert (await deeds(guard)).count("alert claimed") == 1


async def test_only_who_claimed_it_releases_it_and_others_take_over(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.claim(alert, MODERATOR)
        refused = await guard.desk.release(alert, SECOND)
        assert refused is not None
        assert not refused.accepted
        taken = await guard.desk.claim(alert, SECOND, instead_of=MODERATOR)
        assert taken is not None
        assert taken.card.claimed is not None
        assert taken.card.claimed.moderator == SECOND
        late = await guard.desk.claim(alert, MODERATOR, instead_of=MODERATOR)
        assert late is not None
        assert not late.accepted, "what was taken over is not taken over once more by mistake"
        await guard.desk.release(alert, SECOND)
        assert (await shown(guard, board, alert)).claimed is None


async def test_a_dismissal_keeps_its_grounds_and_its_remark_and_the_audit_only_the_grounds(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.decide(alert, "dismissed", MODERATOR, "role_play", "they rehearse a play")
        decided = (await shown(guard, board, alert)).decided
        assert decided is not None
        assert (decided.grounds, decided.remark) == ("role_play", "they rehearse a play")
        async with guard.ledger.store.read() as tx:
            details = await tx.scalars(select(tables.audit.c.detail).where(tables.audit.c.what == "alert decided"))
            assert [{name: each[name] for name in ("decision", "grounds")} for each in details] == [
                {"decision": "dismissed", "grounds": "role_play"}
            ]
    assert b"rehearse" not in on_disk(tmp_path)


async def test_who_decided_can_take_it_back_within_a_day_and_nobody_else(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.decide(alert, "dismissed", MODERATOR, "other")
        others = await guard.desk.undecide(alert, SECOND)
        assert others is not None
        assert not others.accepted
        own = await guard.desk.undecide(alert, MODERATOR)
        assert own is not None
        assert own.accepted
        assert (await shown(guard, board, alert)).status == "Open"
        await guard.desk.decide(alert, "confirmed", SECOND)
        clock.now += UNDO_WITHIN + 1
        late = await guard.desk.undecide(alert, SECOND)
        assert late is not None
        assert not late.accepted


async def test_an_alert_whose_decision_was_taken_back_goes_on_with_what_is_said(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    first, more = talk()[:3], talk()[3:]
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board, first)
        before = await shown(guard, board, alert)
        await guard.desk.decide(alert, "dismissed", MODERATOR)
        await guard.desk.undecide(alert, MODERATOR)
        for message in more:
            await guard.receive(message)
        await guard.settled()
        clock.now += EDIT_EVERY
        after = await shown(guard, board, alert)
        assert len(board.cards) == 1
        assert len(after.signals) > len(before.signals)


@pytest.mark.parametrize("press", ["claim", "release", "undecide", "hold", "lift", "escalate", "export"])
async def test_what_is_pressed_about_an_alert_that_is_not_kept_changes_nothing(tmp_path: Path, press: str) -> None:
    async with lampkeeper(tmp_path) as guard:
        assert await getattr(guard.desk, press)("0000000000000000", MODERATOR) is None
        assert await deeds(guard) == []


# --- actions ---------------------------------------------------------------------------------------------------------


async def test_of_two_who_act_at_once_one_does_and_an_undone_action_can_be_done_again(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        ban = Action("ban", DUMMY)
        one, other = await asyncio.gather(*(guard.desk.acts.taken(alert, ban, who) for who in (MODERATOR, SECOND)))
        assert (one is None) != (other is None)
        number = one or other
        assert number is not None
        (taken,) = (await shown(guard, board, alert)).actions
        assert (taken.action, taken.undone) == (ban, None)
        assert await guard.desk.acts.undone(number, SECOND) == ban
        assert await guard.desk.acts.undone(number, SECOND) is None
        assert await guard.desk.acts.taken(alert, ban, SECOND) is not None
        assert [taken.undone for taken in (await shown(guard, board, alert)).actions] == [NOW, None]


async def test_a_timeout_that_ended_by_itself_stands_in_nobodys_way(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        assert await guard.desk.acts.taken(alert, Action("timeout", DUMMY, NOW + 3600), MODERATOR) is not None
        assert await guard.desk.acts.taken(alert, Action("timeout", DUMMY, NOW + 3600), MODERATOR) is None
        clock.now += 3601
        assert await guard.desk.acts.taken(alert, Action("timeout", DUMMY, clock.now + 3600), MODERATOR) is not None


@pytest.mark.parametrize(
    ("before", "after", "does"),
    [
        (3600.0, 7 * DAY, True),
        (3600.0, None, True),
        (7 * DAY, 3600.0, False),
        (3600.0, 3630.0, False),
        (None, 7 * DAY, False),
        (None, None, False),
    ],
)
async def test_only_what_ends_later_is_done_once_more(
    tmp_path: Path, before: float | None, after: float | None, does: bool
) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board, talk()[:4])
        first, second = (Action("timeout", DUMMY, None if s is None else NOW + s) for s in (before, after))
        assert await guard.desk.acts.taken(alert, first, MODERATOR) is not None
        assert (await guard.desk.acts.taken(alert, second, SECOND) is not None) == does


async def test_the_button_that_undoes_what_was_refused_undoes_nothing_that_was_done_later(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await opened(guard, board, talk()[:4])
        refused = await guard.desk.acts.taken(alert, Action("ban", DUMMY), MODERATOR)
        assert refused is not None
        await guard.desk.acts.refused(refused, MODERATOR)
        assert await guard.desk.acts.taken(alert, Action("ban", DUMMY), SECOND) is not None
        assert await guard.desk.acts.standing(SPACE, refused) is None


async def test_what_the_platform_refused_is_on_no_card_but_in_the_audit(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        number = await guard.desk.acts.taken(alert, Action("ban", DUMMY), MODERATOR)
        assert number is not None
        await guard.desk.acts.refused(number, MODERATOR)
        assert (await shown(guard, board, alert)).actions == ()
        assert (await deeds(guard))[-2:] == ["action taken", "action refused"]


async def test_an_action_is_not_undone_from_another_space(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        number = await guard.desk.acts.taken(alert, Action("ban", DUMMY), MODERATOR)
        assert number is not None
        assert await guard.desk.acts.standing("test:elsewhere", number) is None
        assert await guard.desk.acts.standing(SPACE, number) == (alert, Action("ban", DUMMY))


# --- what the card tells ---------------------------------------------------------------------------------------------


async def test_a_card_counts_the_other_cases_of_either_person(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        for number, line in enumerate(slow_talk(), start=100):
            await guard.receive(said(number, line, partner="friend"))
            await guard.receive(said(number + 100, line, "friend", partner="target"))
        await guard.settled()
        to_friend = next(card for card in board.cards.values() if card.target and card.target.id == "friend")
        await guard.desk.decide(to_friend.alert, "dismissed", MODERATOR, "friends_family")
        card = await guard.desk.card(alert)
        assert card is not None
        actor, target = card.about_actor, card.about_target
        assert (actor.open, actor.confirmed, actor.dismissed) == (0, 0, 1)
        assert (target.open, target.confirmed, target.dismissed) == (1, 0, 0)


async def test_a_card_tells_ages_and_how_they_are_known(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        guard.ledger.age_bands = {"test:actor": "adult"}
        young = Author("target", "The target", "13_15")
        await guard.receive(Message(KEY, "m900", young, "hello, i am 14 by the way", NOW, partner="actor"))
        alert = await opened(guard, board)
        card = await guard.desk.card(alert)
        assert card is not None
        assert (card.about_actor.band, card.about_actor.band_by) == ("adult", "configuration")
        about = card.about_target
        assert (about.band, about.band_by, about.stated) == ("13_15", "role", (14,))


async def test_the_course_is_what_the_engine_said_message_by_message_also_after_a_purge(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    told: list[float] = []
    state, scoring = SpaceState(), engine()
    for message in talk():
        score = scoring.feed(state, message, NOW)[0].score  # type: ignore[union-attr]
        told += [] if score.probability is None else [score.probability]
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        for number, message in enumerate(talk()):
            clock.now = NOW + number * DAY
            await guard.receive(message)
            await guard.settled()
        alert = next(iter(board.cards))
        alert = board.cards[alert].alert
        card = await guard.desk.card(alert)
        assert card is not None
        assert list(card.course) == pytest.approx(told)
        await guard.purge()
        card = await guard.desk.card(alert)
        assert card is not None
        assert 0 < len(card.course) < len(told)
        assert list(card.course) == pytest.approx(told[-len(card.course) :])


@given(st.lists(st.floats(0, 1)))
def test_a_sparkline_has_a_block_each_and_rises_with_the_probability(course: list[float]) -> None:
    drawn = sparkline(course)
    assert len(drawn) == len(course)
    assert sorted(drawn) == [sparkline([probability]) for probability in sorted(course)]


# --- calls -----------------------------------------------------------------------------------------------------------


def alarmed(guard: Guard) -> None:
    """Have the guard take everything for urgent."""
    thresholds = replace(guard.ledger.engine.thresholds, urgent=1e-9)
    guard.ledger.engine.rules[SPACE] = Rules(thresholds, shadow=False)


async def test_people_are_called_to_an_urgent_card_once_whatever_changes_on_it(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alarmed(guard)
        alert = await opened(guard, board)
        await guard.desk.claim(alert, MODERATOR)
        await guard.desk.hold(alert, MODERATOR)
        await guard.settled()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        await guard.desk.release(alert, MODERATOR)
        await guard.settled()
    (call,) = board.called
    assert call == (next(iter(board.cards)), "urgent", False)


async def test_a_call_of_unknown_outcome_is_tried_again_as_such_and_a_refused_one_as_new(
    tmp_path: Path,
) -> None:
    class Busy(Board):
        """Fails three times when it is to call."""

        failures: list[Exception]

        async def call(self, card: Card, reference: str, why: Call, *, tried: bool) -> None:
            await super().call(card, reference, why, tried=tried)
            if self.failures:
                raise self.failures.pop(0)

    board, clock = Busy(), Clock()
    board.failures = []
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board], ladder=()) as guard:
        alert = await opened(guard, board, talk()[:4])
        await guard.settled()
        board.failures = [PlatformError("no permission"), TryLater("the line broke"), RuntimeError("odd")]
        await guard.desk.escalate(alert, MODERATOR)
        for _ in range(5):
            await guard.settled()
            clock.now += 3600
    assert [(why, tried) for _, why, tried in board.called if why == "second"] == [
        ("second", False),
        ("second", False),
        ("second", True),
        ("second", True),
    ]


async def test_nobody_is_called_to_an_urgent_card_that_somebody_decided(tmp_path: Path) -> None:
    board = Board()
    board.refusals = [TryLater("busy", seconds=60)]
    clock = Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alarmed(guard)
        for message in talk():
            await guard.receive(message)
        await guard.settled()
        async with guard.ledger.store.read() as tx:
            alert = await tx.scalar(select(tables.alerts.c.alert))
        assert alert is not None
        await guard.desk.decide(alert, "confirmed", MODERATOR)
        clock.now += 61
        await guard.settled()
    assert len(board.cards) == 1
    assert board.called == []


async def test_a_second_reviewer_is_asked_once(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await opened(guard, board, talk()[:4])
        verdicts = await asyncio.gather(*(guard.desk.escalate(alert, who) for who in (MODERATOR, SECOND)))
        assert sorted(verdict.accepted for verdict in verdicts if verdict) == [False, True]
        assert (await shown(guard, board, alert)).escalated is not None
    assert [why for _, why, _ in board.called].count("second") == 1


# --- legal hold ------------------------------------------------------------------------------------------------------


async def test_what_an_excerpt_shows_outlives_the_purge_of_messages_and_a_hold_is_set_once(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        before = await guard.desk.excerpt(alert, MODERATOR)
        await guard.desk.hold(alert, MODERATOR)
        again = await guard.desk.hold(alert, SECOND)
        assert again is not None
        assert not again.accepted
        clock.now += 8 * DAY
        await guard.purge()
        assert await guard.desk.excerpt(alert, MODERATOR) == before
        assert (await shown(guard, board, alert)).held == NOW
        await guard.desk.lift(alert, MODERATOR)
        assert (await shown(guard, board, alert)).held is None


async def test_what_was_edited_before_a_hold_was_set_stays_as_it_read_first(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        first = (await shown(guard, board, alert)).messages[0].message_id
        message = next(message for message in talk() if message.id == first)
        await guard.receive(Edit(message._replace(text="nothing to see here")))
        await guard.settled()
        await guard.desk.hold(alert, MODERATOR)
        clock.now += 8 * DAY
        await guard.purge()
        file = await guard.desk.export(alert, MODERATOR)
        excerpt = await guard.desk.excerpt(alert, MODERATOR)
        lines, earlier = [line.text for line in excerpt], [line.earlier for line in excerpt]
    assert file is not None
    kept = [item.content for item in file.items if item.content is not None and item.content.id == first]
    assert [(one.kind, one.text) for one in kept] == [("message", message.text), ("edit", "nothing to see here")]
    assert "nothing to see here" in lines
    assert message.text not in lines
    assert message.text in earlier


async def test_what_is_said_after_a_purge_and_a_restart_replaces_nothing_that_is_held(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.hold(alert, MODERATOR)
        clock.now += 8 * DAY
        await guard.purge()
        held = [line.text for line in await guard.desk.excerpt(alert, MODERATOR)]
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        for number, line in enumerate(slow_talk()):
            await guard.receive(
                said(number, f"{line} ({number})", partner="target", time=clock.now + number)._replace(id=f"n{number}")
            )
        await guard.settled()
        asking = Asking(Person("friend", "The friend"), DUMMY, "", (KEY, "n3"))
        assert (await reports.receive(guard.ledger, SPACE, asking)).alert == alert
        lines = [line.text for line in await guard.desk.excerpt(alert, MODERATOR) if not line.report]
    assert lines[: len(held)] == held
    assert f"{slow_talk()[3]} (3)" in lines[len(held) :]


async def test_what_was_said_after_a_hold_was_set_is_preserved_too(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board, talk()[:4])
        await guard.desk.hold(alert, MODERATOR)
        for message in talk()[4:]:
            await guard.receive(message)
        await guard.settled()
        before = [line.text for line in await guard.desk.excerpt(alert, MODERATOR)]
        clock.now += 8 * DAY
        await guard.purge()
        after = [line.text for line in await guard.desk.excerpt(alert, MODERATOR)]
        assert set(slow_talk()[4:]) & set(after)
        assert set(before) <= set(after)


async def test_a_hold_does_not_change_what_a_purge_makes_of_scores(tmp_path: Path) -> None:
    async def scored(folder: Path, *, held: bool) -> tuple[float, ...]:
        board, clock = Board(), Clock()
        async with lampkeeper(folder, clock=clock, deliverers=[board]) as guard:
            alert = await opened(guard, board, talk()[:6])
            if held:
                await guard.desk.hold(alert, MODERATOR)
            clock.now += 8 * DAY
            await guard.purge()
            for message in talk()[6:]:
                await guard.receive(message._replace(time=clock.now))
            return (await shown(guard, board, alert)).course

    held, free = tmp_path / "held", tmp_path / "free"
    for folder in (held, free):
        folder.mkdir()
    assert await scored(held, held=True) == await scored(free, held=False) != ()


@pytest.mark.parametrize("who", ["actor", "target", None])
async def test_forgetting_leaves_held_cases_with_their_evidence_and_says_how_many(
    tmp_path: Path, who: str | None
) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        for number, line in enumerate(slow_talk(), start=100):
            await guard.receive(said(number, line, partner="friend"))
        await guard.settled()
        before = await guard.desk.excerpt(alert, MODERATOR)
        await guard.desk.hold(alert, MODERATOR)
        await guard.desk.acts.taken(alert, Action("ban", DUMMY), MODERATOR)
        kept = await (guard.forget_space(SPACE) if who is None else guard.forget_person(SPACE, who))
        assert kept == 1
        assert [line.text for line in await guard.desk.excerpt(alert, MODERATOR)] == [line.text for line in before]
        card = await guard.desk.card(alert)
        assert card is not None
        assert len(card.actions) == 1
        async with guard.ledger.store.read() as tx:
            held = await tx.scalars(select(tables.alerts.c.alert).where(tables.alerts.c.actor == tables.alerts.c.actor))
            said_by = await tx.scalars(
                select(tables.messages.c.id).where(
                    tables.messages.c.author == guard.ledger.vault.blind(SPACE, who or "actor")
                )
            )
            assert list(said_by) == []
            assert alert in list(held)
            details = await tx.execute(
                select(tables.audit.c.detail).where(tables.audit.c.what.in_(("person forgotten", "space deleted")))
            )
            assert [detail["held"] for (detail,) in details] == [1]
        file = await guard.desk.export(alert, MODERATOR)
        assert file is not None
        assert "legal hold set" in [deed.what for deed in file.audit]
        assert broken(file) == []


@pytest.mark.parametrize("who", ["actor", None])
async def test_after_forgetting_around_a_held_case_the_next_alert_is_a_case_of_its_own(
    tmp_path: Path, who: str | None
) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.hold(alert, MODERATOR)
        await guard.desk.decide(alert, "dismissed", MODERATOR)
        await guard.settled()
        await (guard.forget_space(SPACE) if who is None else guard.forget_person(SPACE, who))
        for number, line in enumerate(slow_talk(), start=100):
            await guard.receive(said(number, line, partner="target"))
        await guard.settled()
        new = [card for card in board.cards.values() if card.alert != alert]
        assert [card.status for card in new] == ["Open"]
        old = await guard.desk.card(alert)
        assert old is not None
        assert old.decided is not None


def test_the_command_that_removes_a_space_says_what_stays_and_finds_it_again(tmp_path: Path) -> None:
    async def hold() -> None:
        board = Board()
        async with lampkeeper(tmp_path, deliverers=[board]) as guard:
            await guard.desk.hold(await opened(guard, board), MODERATOR)

    asyncio.run(hold())
    config = tmp_path / "config.toml"
    config.write_text("")
    command = [sys.executable, "-m", "bots", "purge", "--config", str(config), "--space", SPACE, "--yes"]
    for _ in range(2):
        told = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
        assert "alerts: 1" in told
        assert "but for 1 case that is under legal hold" in told
    told = subprocess.run([*command, "--held"], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert "legal hold" not in told
    assert subprocess.run(command, check=False, capture_output=True, cwd=ROOT).returncode == 1, "nothing is left"


# --- excerpt and file ------------------------------------------------------------------------------------------------


async def test_only_messages_that_moved_the_score_have_words_that_weigh(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        lines = await guard.desk.excerpt(alert, MODERATOR)
    assert any(line.weighty for line in lines if line.reason)
    assert not any(line.weighty for line in lines if not line.reason)


async def test_an_edit_hides_nothing_that_moderators_were_called_to_look_at(tmp_path: Path) -> None:
    board, heavy = Board(), slow_talk()[4]
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        for text in ("nice game", heavy, "ok", "good game"):
            for message in talk():
                await guard.receive(Edit(message._replace(text=text)))
        await guard.settled()
        lines = await guard.desk.excerpt(alert, MODERATOR, more=20)
    assert lines
    assert {line.text for line in lines} == {"good game"}
    read = engine().read
    for line, message in zip(lines, talk(), strict=True):
        assert line.earlier in {heavy, message.text}
        assert weight(read(line.earlier)) == max(weight(read(heavy)), weight(read(message.text)))


async def test_a_message_that_was_never_edited_said_nothing_else_before(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        lines = await guard.desk.excerpt(await opened(guard, board), MODERATOR)
    assert {line.earlier for line in lines} == {""}


@given(st.text())
def test_marked_stretches_are_whole_words_in_order_and_few(text: str) -> None:
    stretches = weighty(engine().read, text)
    assert len(stretches) <= min(MOST, max(len(text) // SHARE, 0))
    assert all(text[start:end].strip() for start, end in stretches)
    edges = [edge for stretch in stretches for edge in stretch]
    assert edges == sorted(set(edges))


async def test_the_file_of_a_case_holds_card_texts_actions_and_who_did_what(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await guard.desk.claim(alert, SECOND)
        await guard.desk.acts.taken(alert, Action("timeout", DUMMY, NOW + 3600), MODERATOR)
        await guard.desk.decide(alert, "confirmed", MODERATOR)
        file = await guard.desk.export(alert, MODERATOR)
        assert file is not None
    assert CaseRecord.model_validate_json(file.model_dump_json()) == file
    assert file.case == alert
    assert file.actor.id == "actor"
    assert {item.content and item.content.text for item in file.items} <= set(slow_talk())
    assert any(item.moved_the_score for item in file.items)
    assert file.decision is not None
    assert file.decision.by == Moderator(id=MODERATOR.id, name=MODERATOR.name)
    assert file.actions[0].until == datetime.fromtimestamp(NOW + 3600, UTC)
    assert [(deed.what, deed.by and deed.by.name) for deed in file.audit][-4:] == [
        ("alert claimed", SECOND.name),
        ("action taken", MODERATOR.name),
        ("alert decided", MODERATOR.name),
        ("case exported", MODERATOR.name),
    ]
