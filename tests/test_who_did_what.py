"""Who did something about a case, or in a space, is told by name later, whatever it was; and to whoever did it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from core.audit.trail import UNKNOWN, trail
from core.casework import listing
from core.casework.cards import Action, Person
from core.casework.desk import Desk
from core.communities import Communities
from core.retention import requests
from core.scans import Scans
from tests.support import KEY, MODERATOR, NOW, SPACE, Board, Clock, lampkeeper, opened, vault_of

SAM = Person("sam", "Sam")
ACTOR = Person("actor", "The actor")
Step = Callable[[Desk, str], Awaitable[object]]


async def act(desk: Desk, alert: str, end: Callable[[int], Awaitable[object]]) -> None:
    """Do something to the actor that is ended by somebody else."""
    number = await desk.acts.taken(alert, Action("timeout", ACTOR, NOW + 9e9), MODERATOR)
    assert number is not None
    await end(number)


STEPS: dict[str, Step] = {
    "alert claimed": lambda desk, alert: desk.claim(alert, SAM),
    "alert decided": lambda desk, alert: desk.decide(alert, "confirmed", SAM),
    "alert escalated": lambda desk, alert: desk.escalate(alert, SAM),
    "case put aside": lambda desk, alert: desk.put_aside(alert, SAM),
    "note added": lambda desk, alert: desk.note(alert, "asked the school", SAM),
    "legal hold set": lambda desk, alert: desk.hold(alert, SAM),
    "excerpt shown": lambda desk, alert: desk.excerpt(alert, SAM),
    "case exported": lambda desk, alert: desk.export(alert, SAM),
    "action refused": lambda desk, alert: act(desk, alert, lambda number: desk.acts.refused(number, SAM)),
    "action undone": lambda desk, alert: act(desk, alert, lambda number: desk.acts.undone(number, SAM)),
}
"""Deed -> a step by somebody who is not known otherwise."""


@pytest.mark.parametrize("what", STEPS)
async def test_whoever_took_a_step_is_named_in_the_history_the_audit_and_the_record(what: str, tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board)
        await STEPS[what](guard.desk, alert)
        (done,) = [one for one in await listing.history(guard.ledger, SPACE, alert) if one.what == what]
        assert done.who is not None
        assert done.who.name == "Sam"
        record = await guard.desk.export(alert, MODERATOR)
        assert record is not None
        assert [deed.by and deed.by.name for deed in record.audit if deed.what == what][:1] == ["Sam"]
    (row, *_) = [
        told
        for told in trail(tmp_path / "lampkeeper.db", vault_of(tmp_path), case=alert, space=None, limit=99)
        if told.row.what == what
    ]
    assert row.who == "Sam"


async def test_what_is_taken_back_put_on_and_opened_again_has_names_too(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert, desk = await opened(guard, board), guard.desk
        people = iter(Person(f"p{number}", f"Person {number}") for number in range(99))
        await desk.put_aside(alert, next(people))
        await desk.resume(alert, next(people))
        await desk.hold(alert, next(people))
        await desk.lift(alert, next(people))
        await desk.decide(alert, "dismissed", next(people))
        await desk.close(alert, next(people))
        await desk.reopen(alert, next(people))
        history = await listing.history(guard.ledger, SPACE, alert)
    names = [done.who.name for done in history if done.who is not None]
    assert names == [f"Person {number}" for number in range(7)]


async def test_who_changed_settings_had_history_read_or_answered_a_request_is_named(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, clock=Clock()) as guard:
        ledger = guard.ledger
        await Communities(ledger).choose(SPACE, {"mode": "live"}, Person("a", "Admin"))
        await Scans(ledger).begin(KEY, 3, Person("b", "Beginner"))
        number = await requests.ask(ledger, SPACE, "access", Person("friend", "The friend"), "somebody asks")
        assert number is not None
        await requests.answer(ledger, SPACE, number, Person("c", "Clerk"))
    told = trail(tmp_path / "lampkeeper.db", vault_of(tmp_path), case=None, space=SPACE, limit=99)
    names = {one.row.what: one.who for one in told}
    assert names["settings changed"] == "Admin"
    assert names["history scan begun"] == "Beginner"
    assert names["request answered"] == "Clerk"
    assert names["request received"] == UNKNOWN, "a request is no step, and whoever made it is not noted for it"
