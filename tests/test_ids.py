"""Ids and digests tell nobody anything: neither whom a case is about, nor what somebody said whose words had to go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from core import audit, outbox
from core.casework import cases, reports
from core.casework.cards import Person
from core.casework.reports import Asking
from core.effects import OpenAlert, Score
from core.export import Reporter
from core.export.archive import archive
from core.export.record import CaseRecord, Content, Item, beginning, broken, follow, missed
from core.export.verify import examine
from core.guard import Guard
from core.messages import Message, Pair
from core.policy import AlertState, alert_name
from core.store import tables
from core.store.states import dump, load_pairs, pair_about
from tests.support import (
    KEY,
    MODERATOR,
    NOW,
    PEOPLE,
    SPACE,
    Board,
    lampkeeper,
    opened,
    said,
    share_keys,
    slow_talk,
    talk,
    vault_of,
)

PAIR = Pair(SPACE, "actor", "target")
FRIEND = Person("friend", "The friend")
REPORTER = Reporter(organisation="Example server", given_name="Friend", email="friend@example.org", country="DE")


def on_disk(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def record(guard: Guard, alert: str) -> CaseRecord:
    found = await guard.desk.export(alert, MODERATOR)
    assert found is not None
    assert broken(found) == missed(found) == []
    return found


async def told(guard: Guard, key: tuple[str, str]) -> AlertState:
    """What moderators were told about a pair, as the database has it."""
    guard.ledger.memory.clear()
    async with guard.ledger.transaction() as tx:
        known = guard.ledger.memory.of(SPACE)
        await load_pairs(tx, guard.ledger.vault, known, [key])
        return known.state.alerts[key]


# --- whom a case is about --------------------------------------------------------------------------------------------


def guesses() -> Iterator[tuple[str, bytes]]:
    """Yield what anybody with a list of members can compute of any two of them, and in which way."""
    hashes = {name: getattr(hashlib, name) for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s")}
    made = {
        **hashes,
        "blake2b-8": lambda data: hashlib.blake2b(data, digest_size=8),
        "blake2b-16": lambda data: hashlib.blake2b(data, digest_size=16),
    }
    for actor, target, count in product(PEOPLE, (*PEOPLE, ""), range(4)):
        for parts, between in product(
            ((SPACE, actor, target, str(count)), (SPACE, actor, target), (actor, target), (SPACE, actor), (actor,)),
            ("\0", ":", " ", ""),
        ):
            for name, make in made.items():
                yield f"{name} of {parts}", make(between.join(parts).encode()).digest()
        yield "the engine's name", bytes.fromhex(alert_name(Pair(SPACE, actor, target or None), count))


async def test_nothing_that_a_member_list_gives_is_found_in_files_on_cards_or_in_exports(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        alert = await opened(guard, board)
        asked = await reports.receive(guard.ledger, SPACE, Asking(FRIEND, Person("teacher", "The teacher"), "look"))
        assert asked.alert is not None
        await guard.settled()
        shown = [card.alert for card in board.cards.values()]
        exported = [(await record(guard, one)).model_dump_json() for one in (alert, asked.alert)]
        files = on_disk(tmp_path)
    everything = b"".join([*files, *map(str.encode, (*shown, *exported))]).lower()
    assert alert.encode() in everything
    for way, digest in guesses():
        assert digest[:8] not in everything, way
        assert digest[:8].hex().encode() not in everything, way


async def test_the_same_talk_has_the_same_ids_under_the_same_keys_and_others_under_others(tmp_path: Path) -> None:
    found = []
    for name in ("first", "again", "elsewhere"):
        folder, board = tmp_path / name, Board()
        folder.mkdir()
        if name == "again":
            share_keys(tmp_path / "first", folder)
        async with lampkeeper(folder, clock=lambda: NOW, deliverers=[board]) as guard:
            found.append(await opened(guard, board, [*talk(), *talk()]))
    first, again, elsewhere = found
    assert first == again != elsewhere


# --- databases of the version before ---------------------------------------------------------------------------------


def as_before(message: Message) -> Content:
    """What the version before preserved of a message: no salt."""
    when = datetime.fromtimestamp(NOW, UTC)
    who = message.author
    return Content(
        kind="message",
        conversation=message.key.conversation,
        id=message.id,
        version=0,
        author=who.id,
        name=who.name,
        target="target",
        time=when,
        received=when,
        text=message.text,
    )


async def open_as_before(guard: Guard) -> str:
    """Open the pair's alert as the version before did: under the engine's name, with the message m0 preserved."""
    name, vault = alert_name(PAIR, 1), guard.ledger.vault
    me, other = vault.blind(SPACE, "actor"), vault.blind(SPACE, "target")
    content = as_before(talk()[0])
    link = follow(beginning(name), bytes.fromhex(content.digest())).hex()
    state = {"count": 1, "open": True, "level": "review", "signals": [], "decided_at": None, "fell": False}
    state |= {"unread": False, "unread_signals": []}
    item = {"alert": name, "number": 1, "space": SPACE, "conversation": KEY.conversation, "id": "m0", "version": 0}
    item |= {"kind": "message", "author": me, "received": NOW, "sha256": content.digest(), "chain": link}
    item |= {"content": vault.seal(content.canonical(), ("items", name, "1", "content"))}
    async with guard.ledger.transaction() as tx:
        score = Score(0.5, "review", "scored")
        await cases.save(tx, vault, [OpenAlert(name, PAIR, KEY.conversation, "m0", NOW, score, (), ())])
        table = tables.pairs.c
        this = update(tables.pairs).where(table.space == SPACE, table.actor == me, table.target == other)
        await tx.execute(this.values(alert=dump(vault, state, pair_about(SPACE, me, other, "alert"))))
        await tx.execute(insert(tables.items), [item])
        await audit.record(tx, [audit.row(NOW, SPACE, "alert opened", about=name, items=1, chain=link)])
        await outbox.put_cards(tx, {name: SPACE}, NOW)
        guard.ledger.memory.clear()
    return name


async def test_an_alert_of_the_version_before_keeps_its_id_and_is_updated_and_the_next_has_one_of_the_new_kind(
    tmp_path: Path,
) -> None:
    board, lines = Board(), talk()
    async with lampkeeper(tmp_path, review=1.0 - 1e-12, clock=lambda: NOW) as guard:
        for line in lines[:6]:
            await guard.receive(line)
        await guard.settled()
        before = await open_as_before(guard)
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        for line in lines[6:]:
            await guard.receive(line)
        await guard.settled()
        (card,) = board.cards.values()
        assert card.alert == before
        assert card.signals
        kept = await record(guard, before)
        salted = [item.content.salt is not None for item in kept.items if item.content is not None]
        assert salted == [False] + [True] * (len(salted) - 1)
        assert len(salted) > 6
        (made,) = archive(kept, REPORTER)
        (tmp_path / "case.zip").write_bytes(made.data)
        chain = [one.holds for one in examine(tmp_path / "case.zip") if "chain holds" in one.sentence]
        assert chain == [True]
        await guard.desk.decide(before, "dismissed", MODERATOR)
        assert (await told(guard, ("actor", "target"))).decided_at is not None
        reported = await reports.receive(guard.ledger, SPACE, Asking(FRIEND, Person("actor", ""), "", (KEY, "m3")))
        assert reported.alert == guard.ledger.vault.case_id(alert_name(PAIR, 2))
        async with guard.ledger.store.read() as tx:
            assert set(await tx.scalars(select(tables.alerts.c.alert))) == {before, reported.alert}


def test_a_record_written_before_there_were_salts_still_verifies() -> None:
    """The item that docs/case_record.md showed then."""
    content = {"kind": "message", "conversation": "5001", "id": "6001", "version": 0, "author": "1001", "name": "actor"}
    content |= {"target": "1002", "time": "2026-03-02T19:04:11.250000Z", "received": "2026-03-02T19:04:11.430000Z"}
    content |= {"text": "hi, how old are you?", "attachments": []}
    written = {
        "number": 1,
        "content": content,
        "received": "2026-03-02T19:04:11.430000Z",
        "sha256": "a6dd6d5326f610cb6d61f8d4c7b255b5845fd87a0da21940e9efda3e9c65ae5d",
        "chain": "df95b8c67e077fc0dde2a2f2578acf3fc78263f9cc2db2677a0d22cb47b1ccb9",
        "link": "https://discord.com/channels/4001/5001/6001",
        "moved_the_score": True,
    }
    item = Item.model_validate(written)
    assert item.content is not None
    assert item.content.digest() == item.sha256
    assert follow(beginning("b7c1f2d3e4a5"), bytes.fromhex(item.sha256)).hex() == item.chain
    assert json.loads(item.model_dump_json()) == written, "and is written again as it was: no key is added"


# --- what somebody said ----------------------------------------------------------------------------------------------


async def test_who_knows_all_but_the_salt_cannot_confirm_what_somebody_said_who_is_forgotten(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        lines = [*talk()[:3], said(40, "no", "friend", partner=None), *talk()[3:]]
        alert = await opened(guard, board, lines)
        before = await record(guard, alert)
        await guard.forget_person(SPACE, "friend")
        after = await record(guard, alert)
        files = on_disk(tmp_path)
    gone = [number for number, item in enumerate(after.items) if item.content is None]
    assert gone
    for number in gone:
        content, left = before.items[number].content, after.items[number]
        assert content is not None
        assert content.salt is not None
        assert content.digest() == left.sha256, "the digest stays"
        assert content.model_copy(update={"salt": None}).digest() != left.sha256
        for trace in (content.salt.encode(), bytes.fromhex(content.salt)):
            assert not any(trace in file for file in files)
            assert trace not in after.model_dump_json().encode()


async def test_the_same_words_have_another_digest_in_each_case(tmp_path: Path) -> None:
    board, told_twice = Board(), said(40, "no", "friend", partner=None)
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        other = [said(100 + number, text, partner="teacher") for number, text in enumerate(slow_talk())]
        for line in (*talk(), told_twice, *other):
            await guard.receive(line)
        await guard.settled()
        records = [await record(guard, card.alert) for card in board.cards.values()]
    digests = [
        item.sha256 for kept in records for item in kept.items if item.content and item.content.id == told_twice.id
    ]
    assert len(digests) > 1
    assert len(set(digests)) == len(digests)


# --- forgetting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("newest_is_held", [True, False])
async def test_of_a_forgotten_pair_only_the_id_of_a_case_under_hold_is_remembered(
    tmp_path: Path, newest_is_held: bool
) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        first = await opened(guard, board)
        await guard.desk.decide(first, "dismissed", MODERATOR)
        second = (
            await reports.receive(guard.ledger, SPACE, Asking(FRIEND, Person("actor", ""), "", (KEY, "m3")))
        ).alert
        assert second is not None
        await guard.desk.hold(second if newest_is_held else first, MODERATOR)
        assert await guard.forget_person(SPACE, "target") == 1
        left = await told(guard, ("actor", "target"))
    assert left == AlertState(2, alert=second if newest_is_held else "")
    assert vault_of(tmp_path).case_id(alert_name(PAIR, 2)) == second
