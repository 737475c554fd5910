"""What a person may see of what is kept about them, what only whoever operates Lampkeeper sees, and the commands."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core.casework import reports
from core.casework.cards import Person
from core.casework.referrals import Referral
from core.casework.reports import Asking
from core.guard import Guard
from core.messages import Edit
from core.retention import requests
from core.retention.holdings import in_cases
from core.retention.keeping import DAY, KEPT
from tests.support import KEY, MODERATOR, NOW, SPACE, Board, lampkeeper, said, talk

ACTOR, TARGET = Person("actor", "The actor"), Person("target", "The target")
HIGH = 1.0 - 1e-12
PEOPLE = ("actor", "target", "friend", "teacher", "stranger")


async def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `lampkeeper` on the database in a folder; whatever happens, nobody sees a traceback."""
    (folder / "config.toml").write_text("", encoding="utf-8")
    line = [sys.executable, "-m", "bots", *arguments, "--config", str(folder / "config.toml")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LAMPKEEPER_")}
    done = await asyncio.to_thread(
        subprocess.run, line, capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def content(folder: Path) -> list[str]:
    """All that a database holds, but for signs of life."""
    with closing(sqlite3.connect(folder / "lampkeeper.db")) as database:
        return [line for line in database.iterdump() if "caught_up" not in line]


async def hear(guard: Guard) -> None:
    """Talk, an edit, an answer, and somebody beside them."""
    for message in talk():
        await guard.receive(message)
    await guard.receive(said(50, "maybe later", "target", partner="actor"))
    await guard.receive(Edit(said(50, "maybe not", "target", partner="actor")))
    await guard.receive(said(90, "see you tomorrow", "friend", partner="target"))
    await guard.settled()


# --- the file says nothing of cases ----------------------------------------------------------------------------------

Does = Callable[[Guard, str], Awaitable[object]]


async def nobody_looked(_guard: Guard, _alert: str) -> None:
    pass


async def dismissed(guard: Guard, alert: str) -> None:
    await guard.desk.decide(alert, "dismissed", MODERATOR)


async def held(guard: Guard, alert: str) -> None:
    await guard.desk.hold(alert, MODERATOR)
    await guard.desk.note(alert, "Parents were told.", MODERATOR)


async def passed_on(guard: Guard, alert: str) -> None:
    await guard.desk.decide(alert, "confirmed", MODERATOR)
    await guard.desk.refer(alert, Referral("police", alert), MODERATOR)


async def reported(guard: Guard, _alert: str) -> None:
    """A member reports the message, the one who wrote it, somebody who said nothing here, and nobody in particular."""
    for asking in (
        Asking(MODERATOR, ACTOR, "please look", (KEY, "m3")),
        Asking(MODERATOR, TARGET, "please look"),
        Asking(MODERATOR, Person("stranger", "The stranger"), "please look"),
        Asking(MODERATOR, Person("teacher", "The teacher"), "look", (KEY, "m3000"), target="stranger"),
        Asking(MODERATOR, Person("", "somebody"), "please look"),
    ):
        assert (await reports.receive(guard.ledger, SPACE, asking)).outcome in {"opened", "added"}


async def seen(folder: Path, review: float, does: Does, days: float, forget: str) -> dict[str, Any]:
    """What everybody is shown some days after something was said and done."""
    folder.mkdir()  # noqa: ASYNC240 - a test's
    now, board = [NOW], Board()
    async with lampkeeper(folder, review=review, clock=lambda: now[0], deliverers=[board]) as guard:
        await hear(guard)
        await does(guard, next((card.alert for card in board.cards.values() if card.actor.id == "actor"), ""))
        now[0] += days * DAY
        await guard.purge()
        if forget:
            await guard.forget_person(SPACE, forget)
        return {person: await requests.kept(guard.ledger, SPACE, person) for person in PEOPLE}


@pytest.mark.parametrize("forget", ["", "actor"])
@pytest.mark.parametrize("days", [0, 8])
@pytest.mark.parametrize("does", [nobody_looked, dismissed, held, passed_on, reported])
async def test_the_answer_is_the_same_with_a_case_and_without_whatever_became_of_it(
    tmp_path: Path, does: Does, days: float, forget: str
) -> None:
    quiet = await seen(tmp_path / "quiet", HIGH, nobody_looked, days, forget)
    review = HIGH if does is reported else 1e-9
    assert await seen(tmp_path / "case", review, does, days, forget) == quiet


async def test_a_reporter_sees_their_own_words_as_long_as_text_is_kept_and_not_that_the_case_keeps_them(
    tmp_path: Path,
) -> None:
    now = [NOW]
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: now[0]) as guard:
        await hear(guard)
        friend = Person("friend", "The friend")
        alert = (await reports.receive(guard.ledger, SPACE, Asking(friend, ACTOR, "please look", (KEY, "m3")))).alert
        assert alert is not None
        await guard.desk.hold(alert, MODERATOR)
        shown = (await requests.kept(guard.ledger, SPACE, "friend"))["your_reports"]
        assert [report["text"] for report in shown] == ["please look"]
        now[0] += 8 * DAY
        await guard.purge()
        assert (await requests.kept(guard.ledger, SPACE, "friend"))["your_reports"] == []
        (*_, told) = await guard.desk.excerpt(alert, MODERATOR)
        assert told.text == "please look"


# --- what the operator sees -------------------------------------------------------------------------------------------


async def test_the_operator_is_told_which_cases_keep_how_much_of_somebody_and_until_when(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        await hear(guard)
        alert = next(card.alert for card in board.cards.values() if card.actor.id == "actor")
        store = guard.ledger.store
        (mine,) = [case for case in await in_cases(store, SPACE, "target", NOW) if case.alert == alert]
        assert (mine.items, mine.held, mine.until) == (2, False, None)
        await passed_on(guard, alert)
        cases = await in_cases(store, SPACE, "target", NOW)
        assert [(case.held, case.until) for case in cases if case.alert == alert] == [(True, NOW + KEPT)]
        assert [case.held for case in await in_cases(store, SPACE, "actor", NOW + KEPT)] == [False] * len(
            await in_cases(store, SPACE, "actor", NOW)
        )
        assert await in_cases(store, SPACE, "stranger", NOW) == []


async def test_access_writes_the_file_for_the_person_beside_a_running_lampkeeper_and_tells_the_rest_apart(
    tmp_path: Path,
) -> None:
    board, out = Board(), tmp_path / "kept.json"
    who = ("access", "--space", SPACE, "--person", "actor")
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        for message in talk():
            await guard.receive(message._replace(time=time.time()))
        await guard.settled()
        alert = next(iter(board.cards.values())).alert
        await passed_on(guard, alert)
        printed = await command(tmp_path, *who)
        assert printed.returncode == 0, printed.stderr
        shown = json.loads(printed.stdout)
        assert [message["text"] for message in shown["your_messages"]] == [message.text for message in talk()]
        assert alert in printed.stderr
        assert "under legal hold until" in printed.stderr
        for word in (alert, "hold", "case", "alert"):
            assert word not in printed.stdout
        done = await command(tmp_path, *who, "--out", str(out))
        assert (done.returncode, done.stdout) == (0, "")
        assert json.loads(out.read_text("utf-8"))["your_messages"] == shown["your_messages"]
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        assert "is not written over" in (await command(tmp_path, *who, "--out", str(out))).stderr
        nobody = await command(tmp_path, "access", "--space", SPACE, "--person", "stranger")
        assert (nobody.returncode, nobody.stdout) == (1, "")
        assert "Nothing is kept about the person stranger" in nobody.stderr
        assert "Known: test:space." in (await command(tmp_path, *who[:2], "test:other", *who[3:])).stderr


async def test_the_dry_run_lists_beside_a_running_lampkeeper_what_is_due_and_what_is_held(tmp_path: Path) -> None:
    board = Board()
    ago = time.time() - 40 * DAY
    now = [ago]
    async with lampkeeper(tmp_path, clock=lambda: now[0], deliverers=[board]) as guard:
        for number, partner in ((0, "target"), (100, "friend")):
            for message in talk():
                one = message._replace(id=f"m{number}{message.id}", partner=partner, time=ago)
                await guard.receive(one)
        await guard.settled()
        first, second = (card.alert for card in board.cards.values() if card.actor.id == "actor")
        await guard.desk.decide(first, "dismissed", MODERATOR)
        await passed_on(guard, second)
        await guard.settled()
        before = content(tmp_path)
        done = await command(tmp_path, "purge", "--dry-run")
        assert done.returncode == 0, done.stderr
        assert f"test:space  messages: {2 * len(talk())} gone" in done.stdout
        assert "test:space  alerts: 1 without their evidence" in done.stdout
        assert "test:space  items:" in done.stdout
        assert f"case {second}: under legal hold until " in done.stdout
        assert first not in done.stdout
        assert content(tmp_path) == before
        running = await command(tmp_path, "purge")
        assert running.returncode == 1
        assert "purges it by itself every hour" in running.stderr
    listed = [line for line in done.stdout.splitlines() if line.startswith("  ") and "case" not in line.split()[1]]
    doubted = await command(tmp_path, "purge")
    assert doubted.returncode == 1
    assert "--clock-is-right" in doubted.stderr, "the last that it knows of is forty days old"
    purged = await command(tmp_path, "purge", "--clock-is-right")
    assert purged.returncode == 0, purged.stderr
    assert [line for line in purged.stdout.splitlines() if line in listed] == listed
    assert "Nothing is due." in (await command(tmp_path, "purge", "--dry-run")).stdout


async def test_who_deletes_a_person_is_told_which_hold_keeps_what_until_when(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        for message in talk():
            await guard.receive(message._replace(time=time.time()))
        await guard.settled()
        alert = next(iter(board.cards.values())).alert
        await guard.desk.hold(alert, MODERATOR)
    done = await command(tmp_path, "purge", "--space", SPACE, "--person", "actor", "--yes")
    assert done.returncode == 0, done.stderr
    assert "but for 1 case that is under legal hold" in done.stdout
    assert f"case {alert}: under legal hold until somebody ends it" in done.stdout
    assert "Leave out --space" in (await command(tmp_path, "purge", "--space", SPACE, "--dry-run")).stderr
