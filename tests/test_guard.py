"""The guard on a real database: replay equals live, edits, deletions, decisions, restarts, and what may go wrong."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

import core.guard
import core.memory
import core.store
from core.casework.cards import Person
from core.casework.excerpts import AROUND
from core.casework.preserved import LINES
from core.engine import SpaceState
from core.guard import Guard
from core.messages import Author, ConversationKey, Deletion, Edit, Event, Message, Pair
from core.policy import alert_name
from core.retention.rolling import CLOCK_SLACK
from core.retention.rules import DAY
from core.store import open_store, tables
from core.store.states import Known, blind_target, load_conversations, load_pairs, load_people
from tests.support import (
    KEY,
    MODERATOR,
    NOW,
    PEOPLE,
    ROOT,
    SPACE,
    Board,
    engine,
    in_memory,
    lampkeeper,
    said,
    slow_talk,
    talk,
)


class Stored(NamedTuple):
    """All that the database of a folder holds about `SPACE`, opened: with the engine's names for alerts."""

    state: SpaceState
    alerts: dict[str, tuple[str, float, str]]
    messages: int


async def stored(folder: Path, conversations: Sequence[str] = ("general",)) -> Stored:
    store = await open_store(folder / "lampkeeper.db", folder / "lampkeeper.key")
    known = Known(SPACE)
    names = {blind_target(store.vault, SPACE, person): person for person in (None, *PEOPLE)}
    async with store.read() as tx:
        await load_conversations(tx, store.vault, known, conversations)
        pairs = await tx.execute(select(tables.pairs.c.actor, tables.pairs.c.target))
        await load_pairs(tx, store.vault, known, [(names[row.actor] or "", names[row.target]) for row in pairs])
        people = await tx.scalars(select(tables.people.c.person).where(tables.people.c.state.is_not(None)))
        await load_people(tx, store.vault, known, [names[person] or "" for person in people])
        engines: dict[str, str] = {}
        for pair, told in known.state.alerts.items():
            ids = {store.vault.case_id(name): name for name in _names(Pair(SPACE, *pair), told.count)}
            assert told.alert == next(reversed(ids), "")
            told.alert = ""
            engines |= ids
        alerts = {
            engines[row.alert]: (row.level, row.probability, ",".join(row.signals))
            for row in await tx.execute(select(tables.alerts))
        }
        messages = await tx.scalar(select(func.count()).select_from(tables.messages)) or 0
    await store.close()
    return Stored(known.state, alerts, messages)


def _names(pair: Pair, count: int) -> list[str]:
    return [alert_name(pair, number) for number in range(1, count + 1)]


async def feed(folder: Path, *events: Event, board: Board | None = None) -> None:
    async with lampkeeper(folder, clock=lambda: NOW, deliverers=[board] if board else []) as guard:
        for event in events:
            await guard.receive(event)
        await guard.settled()


TEXTS = st.sampled_from(
    [*slow_talk(), "hi", "", "lol same", "what did you get in maths?", "i am 34", "\U0001f600 \x00 \u202e ok"]
)
MESSAGES = st.lists(
    st.builds(
        lambda text, author, time, reply, mention, partner, conversation: Message(
            ConversationKey(SPACE, conversation),
            "",
            Author(author, f"The {author}", "adult" if author == "teacher" else None),
            text,
            time,
            reply,
            mention,
            partner,
        ),
        TEXTS,
        st.sampled_from(PEOPLE),
        st.none() | st.floats(NOW - 50_000, NOW + 50_000),
        st.none() | st.sampled_from(PEOPLE),
        st.sampled_from([(), ("friend",), ("target", "friend")]),
        st.none() | st.sampled_from(PEOPLE),
        st.sampled_from(["general", "games"]),
    ),
    min_size=1,
    max_size=25,
).map(lambda messages: [message._replace(id=str(number)) for number, message in enumerate(messages)])


@settings(max_examples=30, deadline=None)
@given(MESSAGES, st.data())
def test_live_equals_replay_message_by_message_or_at_once_with_duplicates_and_restarts(
    messages: list[Message], data: st.DataObject
) -> None:
    """Rule 2 of the house, on a real database."""
    cuts = data.draw(st.lists(st.integers(0, len(messages)), max_size=3).map(sorted))
    repeats = data.draw(st.lists(st.integers(0, len(messages) - 1), max_size=6))
    batch = data.draw(st.sampled_from([1, 4, 500]))

    async def live(folder: Path) -> Stored:
        start = 0
        for cut in [*cuts, len(messages)]:
            events = messages[start:cut]
            events += [messages[repeat] for repeat in repeats if repeat < cut]
            await feed(folder, *events)
            start = cut
        return await stored(folder, sorted({message.key.conversation for message in messages}))

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.guard, "BATCH", batch)
        patch.setattr(core.memory, "MOST_REMEMBERED", 0 if batch == 4 else 50_000)
        outcome = asyncio.run(live(Path(folder)))
    state, alerts = in_memory(messages)
    assert outcome.state == state
    assert outcome.alerts == alerts
    assert outcome.messages == len(messages)


@settings(max_examples=30, deadline=None)
@given(MESSAGES, TEXTS, st.data())
def test_an_edit_scores_as_if_the_edited_text_had_been_seen_first_also_after_a_purge(
    messages: list[Message], text: str, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(messages) - 1))
    purged = data.draw(st.integers(0, index))
    edited = messages[index]._replace(text=text)
    repeats = data.draw(st.integers(1, 2))

    async def live(folder: Path) -> Stored:
        now = NOW
        async with lampkeeper(folder, clock=lambda: now) as guard:
            for message in messages[:purged]:
                await guard.receive(message)
            await guard.settled()
            now += 8 * DAY
            await guard.purge()
            events: list[Event] = [*messages[purged:], *[Edit(edited)] * repeats]
            for event in events:
                await guard.receive(event)
            await guard.settled()
        return await stored(folder, sorted({message.key.conversation for message in messages}))

    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(live(Path(folder)))
    # What the purge's horizon keeps out was never seen.
    horizon = dict.fromkeys({message.key for message in messages}, float("-inf"))
    for message in messages[:purged]:
        if message.time is not None and message.time <= NOW + CLOCK_SLACK:
            horizon[message.key] = max(horizon[message.key], message.time)
    seen = messages[:purged] + [m for m in messages[purged:] if m.time is None or m.time > horizon[m.key]]
    state, _ = in_memory([edited if message.id == edited.id else message for message in seen])
    assert outcome.state.people == state.people
    assert outcome.state.pairs == state.pairs
    assert outcome.state.conversations == state.conversations
    scoring = engine()
    for actor, target in state.pairs:
        pair = Pair(SPACE, actor, target)
        assert scoring.rescore(outcome.state, pair, "", "", 0.0)[0] == scoring.rescore(state, pair, "", "", 0.0)[0]


@settings(max_examples=20, deadline=None)
@given(MESSAGES, st.data())
def test_many_edits_between_messages_score_as_if_each_message_had_been_seen_as_it_reads_in_the_end(
    messages: list[Message], data: st.DataObject
) -> None:
    """In one batch, of which an author's messages are opened once, and event by event."""
    events: list[Event] = []
    now = list(messages)
    for number, message in enumerate(messages):
        events.append(message)
        for index in data.draw(st.lists(st.integers(0, number), max_size=3)):
            now[index] = now[index]._replace(text=data.draw(TEXTS))
            events.append(Edit(now[index]))
    batch = data.draw(st.sampled_from([1, 500]))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.guard, "BATCH", batch)
        asyncio.run(feed(Path(folder), *events))
        outcome = asyncio.run(stored(Path(folder), sorted({message.key.conversation for message in messages})))
    state, _ = in_memory(now)
    assert outcome.state.people == state.people
    assert outcome.state.pairs == state.pairs


async def test_a_message_delivered_twice_does_not_mislead_about_whom_the_next_one_addresses(tmp_path: Path) -> None:
    """After a restart a pair is loaded only if somebody speaks; a retry between two messages once hid one."""
    before = [said(n, "hello there", ("friend", "target")[n % 2]) for n in range(20)]
    first = said(20, "hi", "actor")
    batch = [first, said(21, "hi", "target"), first, said(22, "hi", "friend")]
    await feed(tmp_path, *before)
    await feed(tmp_path, *batch)
    assert (await stored(tmp_path)).state == in_memory([*before, batch[0], batch[1], batch[3]])[0]


async def test_a_purged_message_does_not_mislead_about_whom_the_next_one_addresses(tmp_path: Path) -> None:
    now = NOW
    old = said(0, "hi", "actor", partner="teacher")
    before = [said(n, "hello there", ("friend", "target")[n % 2], time=NOW + 2 * DAY) for n in range(1, 20)]
    last = [said(21, "hi", "target", time=NOW + 9 * DAY), said(22, "hi", "friend", time=NOW + 9 * DAY)]
    async with lampkeeper(tmp_path, clock=lambda: now) as guard:
        await guard.receive(old)
        await guard.settled()
        now += 2 * DAY
        for message in before:
            await guard.receive(message)
        await guard.settled()
        now += 6 * DAY
        await guard.purge()
    async with lampkeeper(tmp_path, clock=lambda: now) as guard:
        for message in [last[0], old, last[1]]:
            await guard.receive(message)
        await guard.settled()
    assert (await stored(tmp_path)).state == in_memory([old, *before, *last])[0]


async def test_an_edit_that_makes_a_talk_alarming_opens_an_alert(tmp_path: Path) -> None:
    board = Board()
    first = said(0, "ok", partner="target")
    await feed(tmp_path, first, said(1, "ok", partner="target"), said(2, "ok", partner="target"), board=board)
    assert not board.cards
    await feed(tmp_path, Edit(first._replace(text=" ".join(slow_talk()))), board=board)
    assert [card.actor.id for card in board.cards.values()] == ["actor"]


async def test_an_edit_that_changes_no_text_changes_nothing(tmp_path: Path) -> None:
    await feed(tmp_path, *talk())
    before = await stored(tmp_path)
    await feed(tmp_path, *(Edit(message._replace(mentions=("friend",))) for message in talk()))
    assert await stored(tmp_path) == before


async def test_an_edit_of_a_message_never_seen_counts_once_and_does_not_move_the_cursor(tmp_path: Path) -> None:
    late = said(99, "where do you live?", partner="target")
    async with lampkeeper(tmp_path) as guard:
        events: list[Event] = [*talk(), Edit(late), Edit(late), late]
        for event in events:
            await guard.receive(event)
        await guard.settled()
        assert await guard.cursor(KEY) == "m11"
    outcome = await stored(tmp_path)
    assert outcome.state.pairs["actor", "target"].messages == 13
    assert outcome.messages == 13


@pytest.mark.parametrize("time", [NOW, None, NOW + 30 * DAY], ids=["a time", "no time", "a time in the future"])
async def test_a_message_delivered_again_after_its_text_was_purged_changes_nothing(
    tmp_path: Path, time: float | None
) -> None:
    now = NOW
    messages = [message._replace(time=time) for message in talk()]
    async with lampkeeper(tmp_path, clock=lambda: now) as guard:
        for message in messages:
            await guard.receive(message)
        await guard.settled()
        now += 8 * DAY
        await guard.purge()
        await guard.receive(messages[3])
        await guard.settled()
    now += DAY
    async with lampkeeper(tmp_path, clock=lambda: now) as guard:
        await guard.receive(messages[4])
        await guard.receive(said(50, "one more", partner="target", time=now))
        await guard.settled()
    outcome = await stored(tmp_path)
    assert outcome.state.pairs["actor", "target"].messages == 13


@pytest.mark.parametrize("time", [NOW, None, NOW + 30 * DAY], ids=["a time", "no time", "a time in the future"])
async def test_an_edit_of_a_message_whose_text_was_purged_changes_nothing_and_is_counted_in_the_log(
    tmp_path: Path, time: float | None, capsys: pytest.CaptureFixture[str]
) -> None:
    now = NOW
    late = Edit(talk()[3]._replace(time=time, text="where do you live?"))
    async with lampkeeper(tmp_path, clock=lambda: now) as guard:
        for message in talk():
            await guard.receive(message._replace(time=time))
        await guard.settled()
        now += 8 * DAY
        await guard.purge()
        await guard.receive(late)
        await guard.receive(late)
        await guard.settled()
    before = await stored(tmp_path)
    assert before.state.pairs["actor", "target"].messages == 12
    async with lampkeeper(tmp_path, clock=lambda: now) as guard:
        await guard.receive(late)
        await guard.receive(late.message)
        await guard.settled()
        assert guard.skipped == 0
    assert (await stored(tmp_path)).state.pairs == before.state.pairs
    store = await open_store(tmp_path / "lampkeeper.db", tmp_path / "lampkeeper.key")
    async with store.read() as tx:
        assert (await tx.scalars(select(tables.messages.c.body).where(tables.messages.c.body.is_not(None)))).all() == []
    await store.close()
    logged = capsys.readouterr().out
    assert "edits_of_purged_messages_ignored" in logged
    assert "where do you live" not in logged


async def test_an_edit_of_a_message_never_seen_that_is_newer_than_what_was_purged_is_taken_in(tmp_path: Path) -> None:
    now = NOW
    async with lampkeeper(tmp_path, clock=lambda: now) as guard:
        for message in talk():
            await guard.receive(message)
        await guard.settled()
        now += 8 * DAY
        await guard.purge()
        await guard.receive(Edit(said(50, "where do you live?", partner="target")))
        await guard.receive(Edit(said(5, "never seen and older", partner="target")._replace(id="old")))
        await guard.settled()
    assert (await stored(tmp_path)).state.pairs["actor", "target"].messages == 13


async def test_the_cursor_is_the_newest_message_even_if_an_older_one_comes_late(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path) as guard:
        assert await guard.cursor(KEY) is None
        for message in [said(1, "one"), said(3, "three"), said(2, "two")]:
            await guard.receive(message)
        await guard.settled()
        assert await guard.cursor(KEY) == "m3"


async def test_each_platform_is_told_until_when_it_was_listened_to_and_had_nothing_left_to_read(
    tmp_path: Path,
) -> None:
    now = NOW

    async def beats(guard: Guard) -> None:
        """Give a sign of life, as the guard does by itself every half minute."""
        guard._ask_for_sign_of_life()
        await guard.settled()

    async with lampkeeper(tmp_path, clock=lambda: now) as guard:
        await beats(guard)
        assert await guard.last_alive("test") is None  # never connected, however long the process runs
        guard.listening("test", True)
        guard.listening("other", True)
        await beats(guard)
        assert await guard.last_alive("test") == NOW
        guard.listening("test", False)
        now += 50
        await beats(guard)
    now += 3600
    async with lampkeeper(tmp_path, clock=lambda: now) as guard:
        guard.listening("test", False)  # it reads what was missed, and does not get far
        await guard.receive(said(1, "one"))
        await beats(guard)
    now += 600
    async with lampkeeper(tmp_path, clock=lambda: now) as guard:
        await beats(guard)
        assert await guard.last_alive("test") == NOW
        assert await guard.last_alive("other") == NOW + 50


async def test_what_waits_to_be_stored_is_not_yet_behind_the_sign_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.store, "BUSY_SECONDS", 0.05)
    now = NOW
    with closing(sqlite3.connect(tmp_path / "lampkeeper.db", isolation_level=None, check_same_thread=False)) as browser:
        async with lampkeeper(tmp_path, clock=lambda: now) as guard:
            guard.listening("test", True)
            await guard.settled()
            await asyncio.to_thread(browser.execute, "BEGIN IMMEDIATE")
            now += 60
            await guard.receive(said(1, "one"))
            guard.listening("test", True)
        browser.execute("COMMIT")
    async with lampkeeper(tmp_path, clock=lambda: now) as guard:
        assert await guard.cursor(KEY) is None
        assert await guard.last_alive("test") == NOW


async def test_giving_up_the_wait_for_the_lock_leaves_the_memory_of_its_holder_alone(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path) as guard:
        for message in talk():
            await guard.receive(message)
        await guard.settled()
        async with guard.ledger.transaction():
            waiting = asyncio.create_task(guard.purge())
            await asyncio.sleep(0.01)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            remembered = guard.ledger.memory.of(SPACE).state.pairs["actor", "target"]
            assert remembered == in_memory(talk())[0].pairs["actor", "target"]


async def test_what_is_queued_when_the_guard_is_stopped_is_committed(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path) as guard:
        for message in talk():
            await guard.receive(message)
    assert (await stored(tmp_path)).messages == 12


async def test_a_deleted_message_still_counts_and_shows_as_deleted_on_its_card(tmp_path: Path) -> None:
    board = Board()
    await feed(tmp_path, *talk(), board=board)
    before = (await stored(tmp_path)).state
    card = board.cards["card-0"]
    gone = card.messages[0]
    await feed(tmp_path, Deletion(gone.key, gone.message_id), Deletion(KEY, "never seen"), board=board)
    assert [ref.deleted for ref in board.cards["card-0"].messages] == [True, *[False] * (len(card.messages) - 1)]
    assert board.cards["card-0"].probability == card.probability
    assert (await stored(tmp_path)).state == before


async def alert(guard: Guard, board: Board) -> str:
    for message in talk():
        await guard.receive(message)
    await guard.settled()
    return next(card.alert for card in board.cards.values() if card.actor.id == "actor")


async def test_of_two_moderators_who_press_at_once_one_decides_and_the_other_is_told_who(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        name = await alert(guard, board)
        one, two = await asyncio.gather(
            guard.desk.decide(name, "confirmed", MODERATOR),
            guard.desk.decide(name, "dismissed", Person("friend", "The friend")),
        )
        assert one is not None
        assert two is not None
        assert sorted([one.accepted, two.accepted]) == [False, True]
        assert one.card == two.card
        await guard.settled()
        winner = one.card.decided
        assert winner is not None
        assert winner.moderator in {MODERATOR, Person("friend", "The friend")}
        assert board.cards["card-0"].decided == winner
        assert len(board.cards) == 1


async def test_after_a_decision_the_pair_stays_quiet_also_after_a_restart(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        name = await alert(guard, board)
        await guard.desk.decide(name, "dismissed", MODERATOR)
        await guard.receive(said(20, slow_talk()[0], partner="target"))
        await guard.settled()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        await guard.receive(said(21, slow_talk()[1], partner="target"))
        await guard.settled()
        card = await guard.desk.card(name)
    assert list(board.cards) == ["card-0"]
    assert card is not None
    assert card.status == "Dismissed by The moderator"


async def test_nobody_can_decide_on_an_alert_that_does_not_exist(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path) as guard:
        assert await guard.desk.decide("0", "confirmed", MODERATOR) is None
        assert await guard.desk.card("0") is None
        assert await guard.desk.excerpt("0", MODERATOR) == []


async def test_an_excerpt_shows_what_stands_around_each_reason_as_it_reads_now_and_is_audited(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        for number in range(-20, 0):
            await guard.receive(said(number, "hello everyone", "friend"))
        name = await alert(guard, board)
        await guard.receive(said(12, "no thanks", "target", partner="actor"))
        await guard.receive(Edit(said(12, "no, thanks", "target", partner="actor")))
        await guard.receive(Deletion(KEY, "m12"))
        await guard.settled()
        lines = await guard.desk.excerpt(name, MODERATOR, more=LINES - AROUND)
        card = await guard.desk.card(name)
    assert card is not None
    numbers = sorted(int(ref.message_id[1:]) for ref in card.messages)
    expected = sorted({n for number in numbers for n in range(number - 5, number + 6) if -20 <= n <= 12})
    texts = {**dict.fromkeys(range(-20, 0), "hello everyone"), **dict(enumerate(slow_talk())), 12: "no, thanks"}
    assert [line.text for line in lines] == [texts[number] for number in expected]
    assert [line.reason for line in lines] == [number in numbers for number in expected]
    assert {line.author.name for line in lines} <= {"The friend", "The actor", "The target"}
    assert [line.deleted for line in lines] == [number == 12 for number in expected]
    store = await open_store(tmp_path / "lampkeeper.db", tmp_path / "lampkeeper.key")
    async with store.read() as tx:
        shown = select(tables.audit).where(tables.audit.c.what == "excerpt shown")
        (row,) = (await tx.execute(shown)).all()
    assert (row.about, row.who, row.detail) == (name, store.vault.blind(SPACE, "moderator"), {"lines": len(lines)})
    await store.close()


async def test_an_event_that_cannot_be_processed_is_told_and_does_not_hold_up_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = Board()
    bad = said(5, "a text for nobody's eyes")._replace(id="\ud800")  # no database can store this id
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        for message in [*talk()[:6], bad, *talk()[6:], bad]:
            await guard.receive(message)
        await guard.settled()
        assert guard.skipped == 2
    outcome = await stored(tmp_path)
    assert outcome.state == in_memory(talk())[0]
    assert outcome.messages == 12
    assert [space for space, _ in board.notices] == [SPACE]
    assert "could not process a message" in board.notices[0][1]
    logged = capsys.readouterr().out
    assert "guard.event_skipped" in logged
    assert "nobody's eyes" not in logged + str(board.notices)


async def test_while_the_database_is_locked_messages_wait_admins_are_told_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.store, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(core.guard, "RETRY_FIRST", 0.05)
    monkeypatch.setattr(core.guard, "QUEUE", 5)
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        await guard.settled()
        with closing(
            sqlite3.connect(tmp_path / "lampkeeper.db", isolation_level=None, check_same_thread=False)
        ) as browser:
            await asyncio.to_thread(browser.execute, "BEGIN IMMEDIATE")
            await guard.receive(talk()[0])
            while not board.notices:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert "locked by another program" in board.notices[0][1]
            flood = asyncio.gather(*(guard.receive(message) for message in talk()[1:]))
            await asyncio.sleep(0.1)
            assert not flood.done()  # the queue is full: the source waits
            browser.execute("COMMIT")
        await flood
        await guard.settled()
        assert any("behind" in text for _, text in board.notices)
    assert (await stored(tmp_path)).state == in_memory(talk())[0]


async def test_a_guard_stops_though_the_database_is_locked_and_reads_on_from_the_cursor_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(core.store, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(tmp_path / "lampkeeper.db", isolation_level=None, check_same_thread=False)) as browser:
        async with lampkeeper(tmp_path) as guard:
            await guard.receive(talk()[0])
            await guard.settled()
            await asyncio.to_thread(browser.execute, "BEGIN IMMEDIATE")
            for message in talk()[1:]:
                await guard.receive(message)
        browser.execute("COMMIT")
    assert "guard.stopped_unwritten" in capsys.readouterr().out
    async with lampkeeper(tmp_path) as guard:
        assert await guard.cursor(KEY) == "m0"
        for message in talk():
            await guard.receive(message)
        await guard.settled()
    assert (await stored(tmp_path)).state == in_memory(talk())[0]


FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from tests.support import Board, lampkeeper, said

async def main(folder):
    board = Board()
    async with lampkeeper(folder, deliverers=[board]) as guard:
        await guard.settled()
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        for number in range(600):
            await guard.receive(said(number, "a line " * 100, partner="target"))
        while not board.notices:
            await asyncio.sleep(0.01)
        print(board.notices[0][1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        await guard.settled()

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_when_the_disk_is_full_admins_are_told_and_nothing_is_lost(tmp_path: Path) -> None:
    python = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FULL_DISK, str(tmp_path), cwd=ROOT, stdout=subprocess.PIPE
    )
    told, _ = await python.communicate()
    assert python.returncode == 0
    assert b"disk" in told
    outcome = await stored(tmp_path)
    assert outcome.messages == 600
    assert outcome.state.pairs["actor", "target"].messages == 600


def test_what_trickles_in_after_many_messages_is_committed_together(tmp_path: Path) -> None:
    many = core.guard.FEW + 1

    async def run() -> None:
        async with lampkeeper(tmp_path, clock=map(float, count(int(NOW))).__next__) as guard:
            await guard.receive(said(0, "hello"))
            await guard.settled()
            for number in range(1, many + 1):
                await guard.receive(said(number, "good morning"))
            await guard.settled()
            for number in range(many + 1, many + 11):
                await guard.receive(said(number, "good evening"))
                await asyncio.sleep(0)
            await guard.settled()

    asyncio.run(run())
    with closing(sqlite3.connect(tmp_path / "lampkeeper.db")) as database:
        query = "SELECT count(*) FROM messages GROUP BY received ORDER BY received"
        assert database.execute(query).fetchall() == [(1,), (many,), (10,)]
