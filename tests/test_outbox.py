"""Cards and notices reach a platform that is slow, refuses, breaks off or comes back: each once, none lost."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import core.outbox
from core.casework import cases
from core.casework.cards import Card
from core.casework.desk import Desk
from core.effects import OpenAlert, Score, UpdateAlert
from core.errors import PlatformError, TryLater
from core.guard import Guard
from core.ledger import Ledger
from core.messages import Author, ConversationKey, Message, Pair
from core.outbox import EDIT_EVERY, REFUSED_WAIT, Outbox, _Due, put_cards, put_updates, take_back
from core.policy import Rules
from core.store import Store, open_store, tables
from tests.support import (
    MODERATOR,
    NOW,
    ROOT,
    SPACE,
    Board,
    Clock,
    engine,
    in_memory,
    lampkeeper,
    said,
    share_keys,
    slow_talk,
    talk,
    vault_of,
)


async def give(guard: Guard, messages: list[Message]) -> None:
    for message in messages:
        await guard.receive(message)
    await guard.settled()


async def test_a_card_is_posted_once_and_edited_when_there_is_more_to_show(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        for message in talk():
            await give(guard, [message])
            clock.now += EDIT_EVERY
        await guard.settled()
    assert Counter(board.calls)["post"] == 1
    assert Counter(board.calls)["edit"] > 1
    assert len(board.cards["card-0"].signals) > 3


async def test_what_changed_several_times_before_it_could_be_shown_is_shown_once_as_it_stands(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock()) as guard:
        for message in talk():
            await give(guard, [message])
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        await guard.settled()
        (card,) = board.cards.values()
        assert board.calls == ["post"]
        assert card == await guard.desk.card(card.alert)


async def test_a_platform_that_says_when_to_come_back_is_left_alone_until_then(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    board.refusals = [TryLater("slow down", seconds=30.0)]
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await give(guard, talk())
        clock.now += 29
        await guard.settled()
        assert board.calls == ["post"]
        clock.now += 2
        await guard.settled()
        assert board.calls == ["post", "post"]
        assert len(board.cards) == 1


async def test_a_platform_that_does_not_say_when_is_asked_ever_less_often_but_never_given_up(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    board.refusals = [TryLater("not now") for _ in range(12)]
    tries = []
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await give(guard, talk())
        while not board.cards:
            clock.now += 5
            before = len(board.calls)
            await guard.settled()
            if len(board.calls) > before:
                tries.append(clock.now)
    waits = [after - before for before, after in zip([NOW, *tries], tries, strict=False)]
    assert waits == sorted(waits)
    assert waits[-1] == core.outbox.LONGEST_WAIT
    assert len(board.cards) == 1


async def test_a_platform_that_refuses_until_someone_acts_is_asked_every_ten_minutes_and_the_operator_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board, clock = Board(), Clock()
    board.refusals = [PlatformError("No permission to post.", "Give the bot the permission.") for _ in range(2)]
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await give(guard, talk())
        clock.now += REFUSED_WAIT - 1
        await guard.settled()
        assert board.calls == ["post"]
        clock.now += 2
        await guard.settled()
        assert board.calls == ["post", "post"]
        clock.now += REFUSED_WAIT + 1
        await guard.settled()
        assert len(board.cards) == 1
    assert "Give the bot the permission." in capsys.readouterr().out


async def test_a_fault_in_an_adapter_is_tried_again_and_logged_without_its_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board, clock = Board(), Clock()
    board.refusals = [KeyError("somebody's words")]
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await give(guard, talk())
        clock.now += 10
        await guard.settled()
        assert len(board.cards) == 1
    logged = capsys.readouterr().out
    assert "KeyError" in logged
    assert "somebody's words" not in logged


@pytest.mark.parametrize("error", [TryLater("the line broke"), OSError("the line broke")], ids=["told", "a fault"])
async def test_a_card_that_was_posted_though_the_answer_was_lost_is_found_again(
    tmp_path: Path, error: Exception
) -> None:
    board, clock = Board(), Clock()
    board.lose = [error]
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await give(guard, talk())
        clock.now += 10
        await guard.settled()
    assert board.calls == ["post", "find", "edit"]
    assert len(board.cards) == 1


@pytest.mark.parametrize(
    "refusal",
    [TryLater("slow down", seconds=5.0), PlatformError("No permission to read.", "Give it.")],
    ids=["too often", "no permission"],
)
async def test_a_card_whose_answer_was_lost_is_looked_for_until_looking_is_allowed(
    tmp_path: Path, refusal: Exception
) -> None:
    class Shy(Board):
        """Refuses once to be searched."""

        refused = False

        async def find(self, card: Card) -> str | None:
            found = await super().find(card)
            if not self.refused:
                self.refused = True
                raise refusal
            return found

    board, clock = Shy(), Clock()
    board.lose = [TryLater("the line broke")]
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await give(guard, talk())
        for _ in range(2):
            clock.now += REFUSED_WAIT + 1
            await guard.settled()
    assert board.calls == ["post", "find", "find", "edit"]
    assert len(board.cards) == 1


async def test_a_refused_card_is_tried_again_without_looking_for_it(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    board.refusals = [TryLater("slow down", seconds=5.0)]
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await give(guard, talk())
        clock.now += 10
        await guard.settled()
    assert board.calls == ["post", "post"]


async def test_waiting_goes_on_where_it_was_after_a_restart(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    board.refusals = [TryLater("slow down", seconds=30.0)]
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await give(guard, talk())
    clock.now += 20
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await guard.settled()
        assert board.calls == ["post"]
        clock.now += 20
        await guard.settled()
        assert len(board.cards) == 1


async def test_a_platform_that_hangs_does_not_hold_up_another(tmp_path: Path) -> None:
    class Hanging(Board):
        async def show(self, card: Card, reference: str | None) -> str:
            await asyncio.Event().wait()
            return ""

    board = Board()
    elsewhere = [m._replace(key=ConversationKey("other:space", "general")) for m in talk()]
    async with lampkeeper(tmp_path, deliverers=[Hanging("other"), board]) as guard:
        for message in [*elsewhere, *talk()]:
            await guard.receive(message)
        while not board.cards:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_notice_that_could_not_be_delivered_is_tried_again(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    board.refusals = [TryLater("not now")]
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await give(guard, [said(1, "hi")._replace(id="\ud800")])
        assert board.notices == []
        clock.now += 10
        await guard.settled()
    assert [space for space, _ in board.notices] == [SPACE]


class Held(Outbox):
    """An outbox on a busy disk: after it looked up what is due, it waits until it is `let_go`."""

    def __init__(self, ledger: Ledger, board: Board) -> None:
        super().__init__(ledger, board)
        self.looked, self.let_go = asyncio.Event(), asyncio.Event()

    async def _others_due(self) -> list[_Due]:
        found = await super()._others_due()
        if found:
            self.looked.set()
            await self.let_go.wait()
        return found


async def test_a_notice_that_was_delivered_while_it_was_looked_up_is_not_delivered_again(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path) as guard:
        slow = Held(guard.ledger, board)
        await guard.communities.tell(SPACE, "Something about Lampkeeper.")
        delivering = asyncio.create_task(slow.deliver())
        await slow.looked.wait()
        await Outbox(guard.ledger, board).deliver()
        slow.let_go.set()
        await delivering
    assert board.notices == [(SPACE, "Something about Lampkeeper.")]


async def test_a_notice_that_was_taken_back_is_not_posted_and_no_other_in_its_place_is_lost(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path) as guard:
        slow = Held(guard.ledger, board)
        await guard.communities.tell(SPACE, "This is out of date.")
        delivering = asyncio.create_task(slow.deliver())
        await slow.looked.wait()
        assert await take_back(guard.ledger.store, SPACE, "This is out of date.") is not None
        await guard.communities.tell(SPACE, "This is new.")
        slow.let_go.set()
        await delivering
        assert board.notices == []
        await slow.deliver()
    assert board.notices == [(SPACE, "This is new.")]


async def test_a_notice_that_was_refused_while_it_was_looked_up_is_put_off_as_said(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock()) as guard:
        slow = Held(guard.ledger, board)
        board.refusals = [TryLater("busy", seconds=30.0)]
        await guard.communities.tell(SPACE, "Something about Lampkeeper.")
        delivering = asyncio.create_task(slow.deliver())
        await slow.looked.wait()
        await Outbox(guard.ledger, board).deliver()
        slow.let_go.set()
        await delivering
    assert board.calls == ["notify"]


async def test_an_operator_who_took_a_platform_out_of_the_config_is_told_what_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with lampkeeper(tmp_path) as guard:
        await give(guard, talk())
    logged = ""
    async with lampkeeper(tmp_path, deliverers=[Board("other")]):
        while "outbox.nobody_delivers" not in logged:
            await asyncio.sleep(0.01)
            logged += capsys.readouterr().out
    assert SPACE in logged


async def test_the_outbox_is_empty_when_everything_was_shown(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, deliverers=[Board()]) as guard:
        await give(guard, talk())
        async with guard.ledger.store.read() as tx:
            assert (await tx.execute(select(tables.outbox))).all() == []


# -- edits are few -----------------------------------------------------------------------------------------------------


class Busy(Board):
    """A platform on which more happens while a card is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], Awaitable[None]]] = []

    async def show(self, card: Card, reference: str | None) -> str:
        while self.meanwhile:
            await self.meanwhile.pop()()
        return await super().show(card, reference)


class Stage:
    """An alert whose card stands on a board, on a clock that stands still."""

    def __init__(self, store: Store) -> None:
        self.clock, self.board = Clock(), Busy()
        self.ledger = Ledger(engine(), store, self.clock)
        self.desk, self.outbox = Desk(self.ledger), Outbox(self.ledger, self.board)
        self._updates = 0

    @property
    def shown(self) -> int:
        """How many times a card was posted or edited."""
        return len(self.board.calls) - self.board.calls.count("find")

    async def open(self) -> None:
        async with self.ledger.transaction() as tx:
            await cases.save(tx, self.ledger.vault, [OpenAlert(*self._told())])
            await put_cards(tx, {"alert": SPACE}, self.clock())
        await self.outbox.deliver()

    async def update(self) -> None:
        self._updates += 1
        async with self.ledger.transaction() as tx:
            await cases.save(tx, self.ledger.vault, [UpdateAlert(*self._told())])
            await put_updates(tx, {"alert": SPACE}, self.clock())

    def _told(self) -> tuple[Any, ...]:
        score = Score(1 - 1 / (self._updates + 2), "review", "scored")
        return "alert", Pair(SPACE, "actor", "target"), "general", "m1", NOW, score, (), ()

    async def is_shown(self) -> bool:
        """Tell whether the one card shows the alert as it stands."""
        return list(self.board.cards.values()) == [await self.desk.card("alert")]


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    store = await open_store(folder / "db", folder / "key")
    try:
        stage = Stage(store)
        await stage.open()
        yield stage
    finally:
        await store.close()


async def test_a_stream_of_updates_is_an_edit_every_few_seconds_and_none_puts_off_another(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        edits = []
        for _ in range(300):
            stage.clock.now += 0.1
            await stage.update()
            before = stage.shown
            await stage.outbox.deliver()
            if stage.shown > before:
                edits.append(stage.clock())
        waits = [after - before for before, after in pairwise([NOW, *edits])]
        assert len(waits) > 3
        assert waits == pytest.approx([EDIT_EVERY] * len(waits), abs=0.25)


async def test_a_press_is_shown_at_once_and_takes_along_the_update_that_waited(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.update()
        await stage.outbox.deliver()
        assert not await stage.is_shown()
        await stage.desk.claim("alert", MODERATOR)
        await stage.outbox.deliver()
        assert await stage.is_shown()
        stage.clock.now += EDIT_EVERY
        await stage.outbox.deliver()
        assert stage.shown == 2


async def test_a_higher_level_is_shown_at_once(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        thresholds = guard.ledger.engine.thresholds
        guard.ledger.engine.rules[SPACE] = Rules(replace(thresholds, urgent=1.0))
        await give(guard, talk()[:-1])
        assert [card.level for card in board.cards.values()] == ["review"]
        guard.ledger.engine.rules[SPACE] = Rules(thresholds)
        await give(guard, talk()[-1:])
        assert [card.level for card in board.cards.values()] == ["urgent"]


FAILURES = st.sampled_from(
    (TryLater("not now"), TryLater("slow down", seconds=3.0), PlatformError("No permission.", "Give it."), OSError())
)
HAPPENS = st.one_of(
    st.sampled_from(("an update", "an update while it is shown", "a press")),
    FAILURES,
    st.floats(0.1, 8.0),  # so many seconds pass
)


@given(st.lists(HAPPENS, max_size=40))
@settings(max_examples=30, deadline=None)
def test_whatever_happens_presses_are_shown_at_once_updates_seldom_and_the_last_state_in_the_end(
    happens: list[str | Exception | float],
) -> None:
    async def carried_out(folder: Path) -> None:
        async with staged(folder) as stage:
            presses = failures = 0
            for what in happens:
                if isinstance(what, float):
                    stage.clock.now += what
                elif isinstance(what, Exception):
                    stage.board.refusals.append(what)
                    failures += 1
                elif what == "an update":
                    await stage.update()
                elif what == "an update while it is shown":
                    stage.board.meanwhile.append(stage.update)
                else:
                    presses += 1
                    press = stage.desk.claim if presses % 2 else stage.desk.release
                    await press("alert", MODERATOR)
                await stage.outbox.deliver()
                if what == "a press" and not failures:
                    alert = await stage.desk.card("alert")
                    assert alert is not None
                    assert stage.board.cards["card-0"].claimed == alert.claimed
            assert stage.shown <= 1 + presses + failures + (stage.clock() - NOW) / EDIT_EVERY
            stage.board.refusals.clear()
            for _ in range(2):  # the second for what is new while the first is under way
                stage.clock.now += REFUSED_WAIT + 1
                await stage.outbox.deliver()
            assert await stage.is_shown()

    with TemporaryDirectory() as folder:
        asyncio.run(carried_out(Path(folder)))


# -- limits ------------------------------------------------------------------------------------------------------------


def to_friend(line: Message) -> Message:
    """The same line in another channel, by other people."""
    return line._replace(
        key=ConversationKey(SPACE, "elsewhere"), author=Author("friend" if line.author.id == "actor" else "teacher")
    )


async def test_while_a_platform_wants_no_more_edits_new_cards_and_notices_go_out(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await give(guard, talk())
        (alert,) = [card.alert for card in board.cards.values()]
        board.refusals, board.calls = [TryLater("slow down", seconds=30.0, limit="edit")], []
        await guard.desk.claim(alert, MODERATOR)
        await guard.settled()
        await give(guard, [to_friend(line) for line in talk()])
        await guard.communities.tell(SPACE, "Something about Lampkeeper.")
        await guard.desk.claim(next(c.alert for c in board.cards.values() if c.alert != alert), MODERATOR)
        await guard.settled()
        assert Counter(board.calls) == {"edit": 1, "post": 1, "notify": 1}, "the second card's edit waits, too"
        clock.now += 29
        await guard.settled()
        assert Counter(board.calls)["edit"] == 1
        clock.now += 2
        await guard.settled()
        assert Counter(board.calls) == {"edit": 3, "post": 1, "notify": 1}
        assert all(card.claimed is not None for card in board.cards.values())


async def test_while_a_platform_wants_no_more_posts_cards_that_stand_are_edited(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await give(guard, talk())
        (alert,) = [card.alert for card in board.cards.values()]
        board.refusals, board.calls = [TryLater("slow down", seconds=30.0, limit="post")], []
        await guard.communities.tell(SPACE, "Something about Lampkeeper.")
        await guard.settled()
        await guard.communities.tell(SPACE, "Something else.")
        await guard.desk.claim(alert, MODERATOR)
        await guard.settled()
        assert Counter(board.calls) == {"notify": 1, "edit": 1}
        clock.now += 31
        await guard.settled()
        assert [text for _, text in board.notices] == ["Something about Lampkeeper.", "Something else."]


async def test_a_refusal_that_names_no_limit_holds_up_the_whole_space(tmp_path: Path) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        await give(guard, talk())
        (alert,) = [card.alert for card in board.cards.values()]
        board.refusals, board.calls = [TryLater("slow down", seconds=30.0)], []
        await guard.desk.claim(alert, MODERATOR)
        await guard.settled()
        await guard.communities.tell(SPACE, "Something about Lampkeeper.")
        await guard.settled()
        assert board.calls == ["edit"]


# -- kill -9 -----------------------------------------------------------------------------------------------------------

WORKER = """
import asyncio, sys
from pathlib import Path
from tests.test_outbox import work
asyncio.run(work(Path(sys.argv[1]), pace=float(sys.argv[2])))
"""


def long_talk() -> list[Message]:
    """Three actors in three conversations, with plenty of cards and updates; a conversation's ids count upwards."""
    talks = []
    for number in range(90):
        name = f"{number % 3}"
        text = slow_talk()[(number // 3) % 12] + f" {number}"
        talks.append(
            Message(
                ConversationKey(SPACE, name),
                f"{number:03}",
                Author(f"actor-{name}"),
                text,
                NOW + number,
                partner="target",
            )
        )
    return talks


class FileBoard(Board):
    """A platform that lives in a file and survives its client: one line a posting, synced before the answer."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def posted(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    async def show(self, card: Card, reference: str | None) -> str:
        reference = reference or f"card-{len(self.posted())}"
        shown = {"reference": reference, "alert": card.alert, "level": card.level, "probability": card.probability}
        with self.path.open("a") as file:
            file.write(json.dumps(shown) + "\n")
            file.flush()
            os.fsync(file.fileno())
        await asyncio.sleep(0.002)  # the answer takes its time: a good moment to be killed
        return reference

    async def find(self, card: Card) -> str | None:
        return next((line["reference"] for line in self.posted() if line["alert"] == card.alert), None)


async def work(folder: Path, pace: float) -> None:
    """Read on from the cursors, as an adapter does, and say when all is done."""
    board, clock = FileBoard(folder / "board"), Clock()
    async with lampkeeper(folder, clock=clock, deliverers=[board]) as guard:
        print("begun", flush=True)  # noqa: T201 the test waits for it
        cursors = {name: await guard.cursor(ConversationKey(SPACE, name)) for name in "012"}
        for message in long_talk():
            cursor = cursors[message.key.conversation]
            if cursor is None or message.id >= cursor:  # the newest once more: delivered twice counts once
                await guard.receive(message)
                await asyncio.sleep(pace)
                clock.now += 1
        await guard.settled()
        clock.now += len(long_talk()) + EDIT_EVERY  # an earlier one, killed, may have been as far ahead
        await guard.settled()
    print("done", flush=True)  # noqa: T201


async def living(folder: Path, pace: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, str(folder), pace, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )


def cards_of(folder: Path) -> list[dict[str, Any]]:
    return list({line["reference"]: line for line in FileBoard(folder / "board").posted()}.values())


async def test_killed_at_any_moment_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    undisturbed.mkdir()
    killed.mkdir()
    await work(undisturbed, 0.0)
    share_keys(undisturbed, killed)
    chance = random.Random(2)
    reached = [0]
    for _ in range(6):
        worker = await living(killed, "0.01")
        assert worker.stdout is not None
        assert await worker.stdout.readline() == b"begun\n"
        goal = reached[-1] + chance.randint(1, 14)
        # By progress and not by the clock, which a busy machine outruns.
        while _stored(killed) < goal:  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.002)
        await asyncio.sleep(chance.uniform(0.0, 0.01))
        worker.kill()
        await worker.wait()
        reached.append(_stored(killed))
    assert len({count for count in reached if 0 < count < 90}) >= 3  # the kills did interrupt it
    last, _ = await (await living(killed, "0")).communicate()
    assert last.endswith(b"done\n")
    one, other = await _everything(undisturbed), await _everything(killed)
    assert one == other
    assert one[0] == 90
    state, alerts = in_memory(long_talk())
    assert {alert for alert, *_ in one[1]} == set(map(vault_of(undisturbed).case_id, alerts))
    assert len(state.pairs) == 3
    shown = sorted((card["alert"], card["level"], card["probability"]) for card in cards_of(undisturbed))
    assert shown == sorted((card["alert"], card["level"], card["probability"]) for card in cards_of(killed))
    assert len(shown) == len(alerts)


def _stored(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "lampkeeper.db", timeout=10)) as database:
        (count,) = database.execute("SELECT count(*) FROM messages").fetchone()
    return int(count)


async def _everything(folder: Path) -> tuple[int, list[Any], list[Any]]:
    with closing(sqlite3.connect(folder / "lampkeeper.db")) as database:
        messages = database.execute("SELECT count(*) FROM messages").fetchone()[0]
        alerts = database.execute("SELECT alert, level, probability, signals FROM alerts ORDER BY alert").fetchall()
        audit = database.execute("SELECT what, about, count(*) FROM audit GROUP BY 1, 2 ORDER BY 1, 2").fetchall()
        assert database.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    return messages, alerts, audit
