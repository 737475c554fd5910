"""What is kept, for how long, and how every table forgets a person or a space."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, Table, select
from structlog.testing import capture_logs

import core.store
from bots.common import privacy
from bots.common.words import Words
from core.casework import holds
from core.casework.cards import Action, Person
from core.casework.referrals import Referral
from core.config import Cases, Config, Storage
from core.cybertip import Attachment, Report
from core.cybertip.client import Client
from core.cybertip.confirmation import Typed
from core.cybertip.submissions import Submissions
from core.engine import SpaceState
from core.guard import Guard
from core.installations import Installations
from core.messages import Author, ConversationKey, Deletion, Edit, Message
from core.retention import requests
from core.retention.keeping import Keep
from core.retention.page import page
from core.retention.rules import DAY, RULES
from core.store import Store, open_store, tables
from core.store.states import Known, load_conversations, load_pairs, load_people
from tests.plain import Plain
from tests.support import ROOT, Board, engine, lampkeeper, slow_talk, vault_of

SPACE = "test:space"
KEY = ConversationKey(SPACE, "general")
ELSEWHERE = ConversationKey("test:elsewhere", "general")
NOW = 1_000_000.0
ACTOR, TARGET, FRIEND, TEACHER = "id-of-actor", "id-of-target", "id-of-friend", "id-of-teacher"
MODERATOR = Person("id-of-moderator", "Name of moderator")
EDITED = "this reads otherwise now"


def line(number: int, text: str, author: str = ACTOR, partner: str = TARGET, time: float = NOW) -> Message:
    return Message(KEY, f"m{number}", Author(author, author.replace("id-", "Name ")), text, time, partner=partner)


async def reopened(folder: Path) -> Store:
    return await open_store(folder / "lampkeeper.db", folder / "lampkeeper.key")


async def fill_every_table(folder: Path, board: Board) -> None:
    """Talk, an edit, a deletion, a purge, alerts, a decision, an excerpt, something undelivered, another space."""
    now = NOW
    async with lampkeeper(folder, clock=lambda: now, deliverers=[board], four_eyes=["ban"]) as guard:
        for number, text in enumerate(slow_talk()):
            await guard.receive(line(number, text))
            await guard.receive(line(number + 50, text, TARGET, FRIEND))
        await guard.settled()
        now += 8 * DAY
        await guard.purge()
        for number, text in enumerate(slow_talk(), start=100):
            await guard.receive(line(number, text, time=now))
            await guard.receive(line(number + 100, text, ACTOR, FRIEND, now))
            await guard.receive(line(number + 200, text, FRIEND, TARGET, now))
            await guard.receive(line(number + 300, text, TEACHER, FRIEND, now)._replace(key=ELSEWHERE))
        for number in range(700, 706):
            await guard.receive(line(number, "hola amigo, ¿qué haces ahora en casa?", TEACHER, FRIEND, now))
        await guard.receive(line(710, "hello everyone", TARGET, time=now)._replace(partner=None))
        await guard.receive(Edit(line(100, EDITED, time=now)))
        await guard.receive(Deletion(KEY, "m101"))
        await guard.receive(line(999, "whatever")._replace(id="\ud800"))
        await guard.settled()
        for card in list(board.cards.values()):
            await guard.desk.decide(card.alert, "confirmed", MODERATOR)
            await guard.desk.excerpt(card.alert, MODERATOR)
            await guard.desk.acts.taken(card.alert, Action("timeout", card.actor, now + 3600), MODERATOR)
            await guard.desk.note(card.alert, "Name of note", MODERATOR)
            await guard.desk.refer(card.alert, Referral("Name of police", card.alert), MODERATOR)
            await guard.desk.agree(card.alert, "ban", MODERATOR)
        await guard.communities.choose(SPACE, {"alert_channel": 7, "moderators": [MODERATOR.id]}, MODERATOR)
        await Installations(guard.ledger).save(SPACE, {"token": "Name of token"})
        for card in board.cards.values():
            await report_to_ncmec(guard, card.alert)
        await holds.end(guard.ledger, SPACE)  # what is reported is held: forgetting would leave it
        for space in (SPACE, ELSEWHERE.space):
            await requests.ask(guard.ledger, space, "access", Person(TARGET, f"Name of {TARGET}"), "Somebody asks.")
    async with lampkeeper(folder, clock=lambda: now) as guard:
        for number, text in enumerate(slow_talk(), start=500):
            await guard.receive(line(number, text, FRIEND, ACTOR, now))
        await guard.settled()


async def report_to_ncmec(guard: Guard, alert: str) -> None:
    """Lay a report down, and confirm it; nothing is sent."""
    submissions = Submissions(guard.ledger, Client("Name of provider", "Name of password"))
    report = Report(EDITED.encode(), (Attachment("Name of file", EDITED.encode(), lambda *ids: "".join(ids).encode()),))
    digest = (await submissions.plan(alert, report, MODERATOR)).digest
    await submissions.confirm(alert, MODERATOR, Typed(MODERATOR.name, alert), digest)


async def cards_taken_back(folder: Path) -> None:
    """Let a run take back what was posted about those who are forgotten."""
    async with lampkeeper(folder, clock=lambda: NOW + 8 * DAY, deliverers=[Board()]) as guard:
        await guard.settled()


def count(folder: Path, table: Table, **where: str) -> int:
    """Count the rows of a table in which the columns of `where` have these values."""
    with closing(sqlite3.connect(folder / "lampkeeper.db")) as database:
        condition = " AND ".join(f"{column} = :{column}" for column in where) or "1"
        found: int = database.execute(f"SELECT count(*) FROM {table.name} WHERE {condition}", where).fetchone()[0]
    return found


def on_disk(folder: Path) -> bytes:
    """All that could be read on the disk, once what was deleted had its last chance to stay behind."""
    with closing(sqlite3.connect(folder / "lampkeeper.db")) as database:
        database.execute("VACUUM")
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.name.startswith("lampkeeper.db"))


def test_every_table_has_a_rule_in_words_for_its_rows_for_a_person_and_for_a_legal_hold() -> None:
    assert set(RULES) == set(tables.metadata.tables)
    for name, rule in RULES.items():
        assert rule.holds, name
        assert rule.kept.format(**Keep()._asdict()), name
        assert rule.forgets.__doc__, name
        of_a_case = any(key.column.table is tables.alerts for key in rule.table.foreign_keys)
        stays = (of_a_case or name in {"alerts", "audit"}) and name not in {"outbox", "exposures"}
        assert (rule.held_by is not None) == stays, name


def test_the_page_about_privacy_says_what_the_rules_say() -> None:
    written = (ROOT / "docs" / "privacy.md").read_text("utf-8")
    assert written == page(), "write it anew with `make docs/privacy.md`"


@pytest.mark.parametrize("platform", ["discord", "slack"])
def test_members_are_told_the_periods_of_the_configuration_in_one_message(platform: str) -> None:
    keep = Config(storage=Storage(keep_text_days=3), cases=Cases(keep_dismissed_days=11, keep_closed_days=22)).keep()
    markup = Plain()
    markup.platform = platform
    told = privacy.kept(Words("en", markup), keep)
    for days in ("3 days", "11 days", "22 days", f"{keep.case:g} days", f"{keep.undecided:g} days"):
        assert days in told
    assert len(told) < 2000


async def test_no_text_no_name_and_nobodys_id_can_be_read_on_the_disk(tmp_path: Path) -> None:
    await fill_every_table(tmp_path, Board())
    for table in tables.metadata.tables.values():
        assert count(tmp_path, table) > 0, table.name
    raw = on_disk(tmp_path)
    assert b"test:space" in raw  # what is not sealed is found this way
    for word in ("id-of", "Name of", EDITED, *slow_talk()):
        assert word.encode() not in raw


async def test_a_forgotten_person_is_gone_from_every_table_and_the_others_are_not(tmp_path: Path) -> None:
    await fill_every_table(tmp_path, Board())
    pseudonym = vault_of(tmp_path).blind(SPACE, TARGET)
    assert pseudonym.encode() in on_disk(tmp_path)
    about_target = count(tmp_path, tables.alerts, target=pseudonym)
    others = count(tmp_path, tables.alerts) - about_target
    assert about_target > 0
    async with lampkeeper(tmp_path, clock=lambda: NOW + 8 * DAY) as guard:
        await guard.forget_person(SPACE, TARGET)
    assert pseudonym.encode() not in on_disk(tmp_path)
    assert count(tmp_path, tables.alerts) == others - 1  # the target's own, towards a friend
    assert count(tmp_path, tables.audit, about="forgotten") > 0
    assert count(tmp_path, tables.audit, what="person forgotten") == 1
    store = await reopened(tmp_path)
    known = Known(SPACE)
    async with store.read() as tx:
        await load_people(tx, store.vault, known, [ACTOR, TARGET, FRIEND])
        await load_conversations(tx, store.vault, known, ["general"])
    await store.close()
    assert known.state.people[TARGET].messages == 0
    assert set(known.state.people[ACTOR].targets) == {FRIEND}
    assert known.state.people[ACTOR].messages == 12 + 12  # purged ones are counted in the base; the rest is to FRIEND
    assert TARGET not in (known.state.conversations["general"].last, known.state.conversations["general"].before)
    assert TARGET not in known.state.conversations["general"].recent
    assert known.names[FRIEND] == "Name of-friend"


async def test_a_forgotten_moderators_decisions_stand_without_the_name(tmp_path: Path) -> None:
    board = Board()
    await fill_every_table(tmp_path, board)
    async with lampkeeper(tmp_path, clock=lambda: NOW + 8 * DAY) as guard:
        await guard.forget_person(SPACE, MODERATOR.id)
        card = await guard.desk.card(next(card.alert for card in board.cards.values() if card.space == SPACE))
    assert card is not None
    assert card.status == "Concern confirmed by a moderator"


async def test_what_a_forgotten_moderator_had_claimed_is_free_for_others(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        for number, text in enumerate(slow_talk()):
            await guard.receive(line(number, text))
        await guard.settled()
        (alert,) = (card.alert for card in board.cards.values())
        await guard.desk.claim(alert, MODERATOR)
        await guard.forget_person(SPACE, MODERATOR.id)
        taken = await guard.desk.claim(alert, Person("id-of-second", "Name of second"))
    assert taken is not None
    assert taken.accepted


async def test_a_forgotten_space_leaves_no_row_and_other_spaces_are_untouched(tmp_path: Path) -> None:
    await fill_every_table(tmp_path, Board())
    with_a_space = [table for table in tables.metadata.tables.values() if "space" in table.c]
    before = {table.name: count(tmp_path, table, space=ELSEWHERE.space) for table in with_a_space}
    async with lampkeeper(tmp_path, clock=lambda: NOW + 8 * DAY) as guard:
        await guard.forget_space(SPACE)
    assert {table.name: count(tmp_path, table, space=ELSEWHERE.space) for table in with_a_space} == before
    await cards_taken_back(tmp_path)
    assert b"test:space" not in on_disk(tmp_path)


async def test_what_was_deleted_while_somebody_read_the_database_is_overwritten_by_the_next_housekeeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.store, "BUSY_SECONDS", 0.05)
    beside = tmp_path / "lampkeeper.db-wal"
    async with lampkeeper(tmp_path) as guard:
        await guard.receive(line(1, "hello there"))
        await guard.settled()
        with closing(sqlite3.connect(tmp_path / "lampkeeper.db")) as browser:
            browser.execute("BEGIN")
            browser.execute("SELECT count(*) FROM messages").fetchone()
            with capture_logs() as logs:
                await guard.forget_person(SPACE, TARGET)
            assert "store.checkpoint_waits" in [entry["event"] for entry in logs]
            assert beside.stat().st_size
        with capture_logs() as logs:
            await guard.keep_house()
        assert beside.stat().st_size == 0
        assert logs == []


async def test_a_guard_that_was_only_made_and_does_not_run_can_forget(tmp_path: Path) -> None:
    await fill_every_table(tmp_path, Board())
    pseudonym = vault_of(tmp_path).blind(SPACE, TARGET)
    store = await reopened(tmp_path)
    guard = Guard(engine(), store)
    await guard.forget_person(SPACE, TARGET)
    assert pseudonym.encode() not in on_disk(tmp_path)
    await guard.forget_space(SPACE)
    await store.close()
    await cards_taken_back(tmp_path)
    assert b"test:space" not in on_disk(tmp_path)


async def test_text_is_purged_when_it_was_kept_long_enough_and_scores_stay(tmp_path: Path) -> None:
    now = NOW
    board = Board()
    said = [line(number, text, time=NOW + number * DAY) for number, text in enumerate(slow_talk())]
    async with lampkeeper(tmp_path, clock=lambda: now, deliverers=[board]) as guard:
        for message in said:
            now = message.time or 0.0
            await guard.receive(message)
            await guard.settled()
        (card,) = board.cards.values()
        now = NOW + 11 * DAY + 1.0
        await guard.purge()
        lines = await guard.desk.excerpt(card.alert, MODERATOR, more=20)
        assert [shown.text for shown in lines][-7:] == slow_talk()[5:]
        now += 8 * DAY
        await guard.purge()
        assert await guard.desk.card(card.alert) == replace(card, course=())
        preserved = {shown.text for shown in await guard.desk.excerpt(card.alert, MODERATOR)}
        assert preserved <= set(slow_talk())
    assert count(tmp_path, tables.messages) == 0
    state = SpaceState()
    for message in said:
        engine().feed(state, message, NOW)
    known = Known(SPACE)
    store = await reopened(tmp_path)
    async with store.read() as tx:
        await load_pairs(tx, store.vault, known, [(ACTOR, TARGET)])
    await store.close()
    assert known.state.pairs == state.pairs


async def test_the_purge_is_audited_with_how_many_messages_it_took(tmp_path: Path) -> None:
    now = NOW
    async with lampkeeper(tmp_path, clock=lambda: now) as guard:
        for number in range(700):
            await guard.receive(line(number, "hello"))
        await guard.settled()
        now += 8 * DAY
        await guard.purge()
    store = await reopened(tmp_path)
    async with store.read() as tx:
        details = await tx.scalars(select(tables.audit.c.detail).where(tables.audit.c.what == "text purged"))
        assert sum(detail["messages"] for detail in details) == 700
    await store.close()


def test_no_plain_column_was_added_without_saying_what_it_holds() -> None:
    """A new column is sealed (LargeBinary), or is listed here after somebody made sure that it names nobody."""
    pseudonyms = {"actor", "author", "claimant", "confirmer", "moderator", "person", "second", "target", "who"}
    places = {"alert", "conversation", "id", "merged", "newest_id", "reference", "report", "space"}
    numbers = {"attempts", "decided", "deleted", "horizon", "newest_time", "next_try", "number", "opened"}
    numbers |= {"advised", "answered", "claimed", "digested", "escalated", "held", "joined", "left", "pinged", "undone"}
    numbers |= {"aside", "chain", "closed", "held_until", "lines", "reminded", "reminders", "reported", "sha256"}
    numbers |= {"day", "told", "probability", "received", "seq", "time", "unsure", "version"}
    numbers |= {"finished", "live", "started", "steps"}
    own_words = {"about", "decision", "detail", "error", "kind", "level", "name", "notice", "signals", "state", "what"}
    digests = {"hash", *(f"{part}_{kind}" for part in ("who", "about", "rest") for kind in ("salt", "digest"))}
    columns = [column for table in tables.metadata.tables.values() for column in table.c]
    plain = {column.name for column in columns if not isinstance(column.type, LargeBinary)}
    assert plain == pseudonyms | places | numbers | own_words | digests
