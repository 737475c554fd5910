"""Members' reports: what they open, what they are added to, what is refused, and who may know."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from bots.common.excerpt import LINE
from bots.discord_bot import card as drawn
from core.casework import listing, reports
from core.casework.cards import ASKED, LEVEL_WORDS, Card, Person
from core.casework.reports import LONGEST, MOST_A_DAY, Asking
from core.effects import LEVELS, Level
from core.guard import Guard
from core.messages import Author, Deletion
from core.policy import AlertState, asked, decided, step
from core.retention import requests
from core.retention.rules import DAY
from core.store import tables
from tests.support import KEY, MODERATOR, NOW, SPACE, Board, lampkeeper, said, talk

FRIEND, ACTOR, TARGET = Person("friend", "The friend"), Person("actor", "The actor"), Person("target", "The target")
HIGH = 1.0 - 1e-12
"""No score reaches it: whatever opens here, a member opened."""


def about(message_id: str, reporter: Person = FRIEND, words: str = "please look") -> Asking:
    return Asking(reporter, ACTOR, words, (KEY, message_id))


async def the_card(guard: Guard, alert: str | None) -> Card:
    assert alert is not None
    card = await guard.desk.card(alert)
    assert card is not None
    return card


async def hear(guard: Guard, lines: int | None = None) -> None:
    for message in talk()[:lines]:
        await guard.receive(message)
    await guard.settled()


async def test_a_report_opens_a_case_with_the_conversations_last_score(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW, deliverers=[board]) as guard:
        await hear(guard)
        assert board.cards == {}
        received = await reports.receive(guard.ledger, SPACE, about("m3"))
        await guard.settled()
        assert received == ("opened", received.alert, True)
        (card,) = board.cards.values()
        assert card.title.startswith(ASKED)
        assert card.probability is not None
        assert (card.actor, card.target and card.target.id) == (ACTOR, "target")
        assert card.messages[0].message_id == "m3"
        assert card.asked
        assert len(card.reported) == 1


async def test_where_too_little_was_said_there_is_no_probability(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        await hear(guard, 1)
        await reports.receive(guard.ledger, SPACE, about("m0"))
        await guard.settled()
        (card,) = board.cards.values()
        assert (card.probability, card.title) == (None, ASKED)


async def test_the_excerpt_shows_the_message_and_who_reported_it(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        alert = (await reports.receive(guard.ledger, SPACE, about("m3"))).alert
        assert alert is not None
        *lines, told = await guard.desk.excerpt(alert, MODERATOR)
        assert (told.report, told.author, told.text) == (True, FRIEND, "please look")
        assert [line.text for line in lines if line.reason].count(talk()[3].text) == 1


async def test_the_person_reported_never_learns_who_asked_even_as_a_moderator(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        alert = (await reports.receive(guard.ledger, SPACE, about("m3"))).alert
        assert alert is not None
        card = await the_card(guard, alert)
        lines = await guard.desk.excerpt(alert, ACTOR)
        assert FRIEND.name not in repr(card)
        assert lines
        assert not any(line.report or line.author == FRIEND for line in lines)


async def test_whatever_a_member_wrote_is_shown_whole(tmp_path: Path) -> None:
    words = "look at this. " * (LONGEST // 14)
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        alert = (await reports.receive(guard.ledger, SPACE, about("m3", words=words + "the end"))).alert
        assert alert is not None
        lines = await guard.desk.excerpt(alert, MODERATOR)
    pages = "".join(str(page.description) for page in drawn.excerpt(lines))
    assert len(words) > LINE
    assert f"||{words}" in pages


async def test_the_file_of_a_case_holds_the_reports_but_not_for_the_person_reported(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        alert = (await reports.receive(guard.ledger, SPACE, about("m3"))).alert
        await reports.receive(guard.ledger, SPACE, Asking(FRIEND, ACTOR, "somebody look after them"))
        assert alert is not None
        file, theirs = [await guard.desk.export(alert, who) for who in (MODERATOR, ACTOR)]
    assert file is not None
    assert file.reports is not None
    assert [(report.by and report.by.id, report.text, report.message) for report in file.reports] == [
        ("friend", "please look", "m3"),
        ("friend", "somebody look after them", None),
    ]
    assert file.reports[0].time == datetime.fromtimestamp(NOW, UTC)
    assert theirs is not None
    assert theirs.reports is None
    written = theirs.model_dump_json()
    assert not any(secret in written for secret in (FRIEND.name, "please look", "look after them"))


async def test_what_was_done_about_a_case_tells_of_reports_and_never_who_made_them(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        await guard.receive(said(90, "see you tomorrow", "friend"))  # so that the friend's name is known
        await guard.settled()
        alert = (await reports.receive(guard.ledger, SPACE, about("m3"))).alert
        assert alert is not None
        await guard.desk.claim(alert, MODERATOR)
        done = await listing.history(guard.ledger, SPACE, alert)
        file = await guard.desk.export(alert, MODERATOR)
    assert [(deed.what, deed.who) for deed in done[-2:]] == [
        ("report received", Person("", "")),
        ("alert claimed", MODERATOR),
    ]
    assert file is not None
    assert [deed.by for deed in file.audit if deed.what == "report received"] == [None]


async def test_a_report_is_added_to_the_open_alert_of_the_pair(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        await hear(guard)
        ((_, opened),) = board.cards.items()
        received = await reports.receive(guard.ledger, SPACE, about("m3"))
        await guard.settled()
        assert received == ("added", opened.alert, True)
        (card,) = board.cards.values()
        assert not card.asked
        assert card.title == LEVEL_WORDS[card.level]
        assert len(card.reported) == 1


async def test_what_the_score_does_later_updates_the_reported_case_and_keeps_the_report(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        await hear(guard, 1)
        received = await reports.receive(guard.ledger, SPACE, about("m0"))
        await hear(guard)
        (card,) = board.cards.values()
        assert card.alert == received.alert
        assert card.level in {"review", "urgent"}
        assert card.title == f"{ASKED}. {LEVEL_WORDS[card.level]}"
        assert card.messages[0].message_id == "m0"
        (*_, told) = await guard.desk.excerpt(card.alert, MODERATOR)
        assert told.report


async def test_the_same_report_twice_is_here_already_after_a_restart_and_a_decision_too(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        first = await reports.receive(guard.ledger, SPACE, about("m3"))
        assert (await reports.receive(guard.ledger, SPACE, about("m3"))).outcome == "again"
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        assert (await reports.receive(guard.ledger, SPACE, about("m3"))).outcome == "again"
        assert (await reports.receive(guard.ledger, SPACE, about("m3", TARGET))).outcome == "added"
        assert (await reports.receive(guard.ledger, SPACE, about("m4"))).outcome == "added"
        assert first.alert
        await guard.desk.decide(first.alert, "dismissed", MODERATOR)
        assert (await reports.receive(guard.ledger, SPACE, about("m3"))).outcome == "again"
        opened = await reports.receive(guard.ledger, SPACE, about("m5"))
        assert opened.outcome == "opened"
        assert opened.alert != first.alert


async def test_a_member_cannot_flood_and_can_again_a_day_later(tmp_path: Path) -> None:
    now = [NOW]
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: now[0]) as guard:
        await hear(guard)
        outcomes = [(await reports.receive(guard.ledger, SPACE, about(f"m{n}"))).outcome for n in range(MOST_A_DAY + 1)]
        assert outcomes == ["opened", *["added"] * (MOST_A_DAY - 1), "too_many"]
        assert (await reports.receive(guard.ledger, SPACE, about("m0", TARGET))).outcome == "added"
        now[0] += DAY + 1
        assert (await reports.receive(guard.ledger, SPACE, about(f"m{MOST_A_DAY}"))).outcome == "added"


async def test_a_message_that_was_never_stored_is_a_link_and_stays_unstored(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        asking = Asking(FRIEND, ACTOR, "", (KEY, "elsewhere"), target="target")
        received = await reports.receive(guard.ledger, SPACE, asking)
        card = await the_card(guard, received.alert)
        assert (received.outcome, received.kept) == ("opened", False)
        assert [ref.message_id for ref in card.messages] == ["elsewhere"]
        assert card.actor == ACTOR
        assert [line.report for line in await guard.desk.excerpt(card.alert, MODERATOR)] == [True]


async def test_a_person_is_reported_as_they_talk_to_whoever_reports(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        mine = await the_card(guard, (await reports.receive(guard.ledger, SPACE, Asking(TARGET, ACTOR))).alert)
        assert mine.target is not None
        assert mine.target.id == "target"
        assert mine.probability is not None
        stranger = await reports.receive(guard.ledger, SPACE, Asking(FRIEND, ACTOR))
        assert stranger == ("added", mine.alert, False), "a person is added to what is open about them"
        assert (await reports.receive(guard.ledger, SPACE, Asking(FRIEND, ACTOR))).outcome == "again"


async def test_somebody_nobody_could_name_opens_a_case_too(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        received = await reports.receive(guard.ledger, SPACE, Asking(FRIEND, Person("", ""), "what happened"))
        card = await the_card(guard, received.alert)
        assert card.actor.id == ""
        assert card.target is None, "who reports is on no card"
        (line,) = await guard.desk.excerpt(card.alert, MODERATOR)
        assert line.text == "what happened"


async def test_only_one_person_is_meant_by_a_name(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        await hear(guard, 1)
        assert await reports.named(guard.ledger, SPACE, "the ACTOR ") == ACTOR
        assert await reports.named(guard.ledger, SPACE, "") is None
        await guard.receive(said(9, "hello")._replace(author=Author("other", "The actor")))
        await guard.settled()
        assert await reports.named(guard.ledger, SPACE, "The actor") is None
        assert await reports.met(guard.ledger, [SPACE, "test:elsewhere"], "actor") == {SPACE}


async def test_the_deletion_of_a_reported_message_shows_on_the_card(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        await hear(guard, 1)
        alert = (await reports.receive(guard.ledger, SPACE, about("m0"))).alert
        await guard.receive(Deletion(KEY, "m0"))
        await guard.settled()
        assert (await the_card(guard, alert)).messages[0].deleted


async def test_what_reporters_wrote_goes_with_the_evidence_and_stays_under_legal_hold(tmp_path: Path) -> None:
    now = [NOW]
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: now[0]) as guard:
        await hear(guard)
        free = (await reports.receive(guard.ledger, SPACE, about("m3"))).alert
        held = (await reports.receive(guard.ledger, SPACE, Asking(FRIEND, TARGET, "please look"))).alert
        assert free
        assert held
        async with guard.ledger.transaction() as tx:
            await tx.execute(update(tables.alerts).where(tables.alerts.c.alert == held).values(held=NOW))
        for alert in (free, held):
            await guard.desk.decide(alert, "dismissed", MODERATOR)
        now[0] += guard.ledger.keep.dismissed * DAY
        await guard.purge()
        excerpts = {alert: await guard.desk.excerpt(alert, MODERATOR) for alert in (free, held)}
        words = {alert: [line.text for line in lines if line.report] for alert, lines in excerpts.items()}
        assert words == {free: [""], held: ["please look"]}


async def test_a_forgotten_reporter_leaves_the_case_and_no_name(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        alert = (await reports.receive(guard.ledger, SPACE, about("m3"))).alert
        await guard.forget_person(SPACE, "friend")
        assert len((await the_card(guard, alert)).reported) == 1
        assert alert
        told = next(line for line in await guard.desk.excerpt(alert, MODERATOR) if line.report)
        assert (told.author, told.text) == (Person("", ""), "")


async def test_a_forgotten_reporters_words_stay_under_legal_hold_and_the_name_does_not(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        alert = (await reports.receive(guard.ledger, SPACE, about("m3"))).alert
        assert alert
        await guard.desk.hold(alert, MODERATOR)
        await guard.forget_person(SPACE, "friend")
        told = next(line for line in await guard.desk.excerpt(alert, MODERATOR) if line.report)
        file = await guard.desk.export(alert, MODERATOR)
    assert (told.author, told.text) == (Person("", ""), "please look")
    assert file is not None
    assert file.reports is not None
    assert [(report.by, report.text) for report in file.reports] == [(None, "please look")]


async def test_a_forgotten_person_takes_the_reports_about_them_along(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        alert = (await reports.receive(guard.ledger, SPACE, about("m3"))).alert
        await guard.forget_person(SPACE, "actor")
        assert alert
        assert await guard.desk.card(alert) is None
        assert (await requests.kept(guard.ledger, SPACE, "friend"))["your_reports"] == []


async def test_nothing_of_a_report_can_be_read_on_the_disk(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        await reports.receive(guard.ledger, SPACE, about("m3", Person("987654321", "Somebody's name"), "very private"))
    data = (tmp_path / "lampkeeper.db").read_bytes()
    assert b"test:space" in data
    for secret in (b"987654321", b"Somebody's name", b"very private"):
        assert secret not in data


async def test_a_report_is_shown_where_the_score_only_counts(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        await guard.communities.choose(SPACE, {"mode": "shadow"}, MODERATOR)
        await hear(guard)
        assert board.cards == {}
        await reports.receive(guard.ledger, SPACE, about("m3"))
        await guard.settled()
        assert [card.asked for card in board.cards.values()] == [True]


async def test_a_report_is_in_the_record_under_a_pseudonym(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        await reports.receive(guard.ledger, SPACE, about("m3"))
        async with guard.ledger.store.read() as tx:
            rows = (await tx.execute(select(tables.audit).order_by(tables.audit.c.id))).all()
    assert [row.what for row in rows] == ["alert opened", "report received"]
    assert rows[1].who == guard.ledger.vault.blind(SPACE, "friend")


@given(st.sampled_from(LEVELS), st.sampled_from(LEVELS), st.booleans())
def test_a_report_never_hides_a_later_rise_of_the_score(at: Level, later: Level, decided_since: bool) -> None:
    state = AlertState()
    asked(state, at, ())
    if decided_since:
        decided(state, NOW)
    told = step(state, 0.99, later, (), NOW, 0.9)
    rose = LEVELS.index(later) > LEVELS.index(at)
    if decided_since:
        assert told == ("open" if rose and later in {"review", "urgent"} else "nothing")
    else:
        assert told == ("raise" if rose else "nothing")
