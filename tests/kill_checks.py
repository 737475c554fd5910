"""What has to hold of a database whose guard was killed: nothing lost, doubled or unverifiable.

Everything is held against what the platform and the moderators know (`Known`), and at the end against an undisturbed
run of the same talk. A finding says what and where by ids alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from sqlalchemy import select

from core.audit import heads
from core.audit.verify import verify
from core.casework import casefile
from core.errors import VaultError
from core.export.record import broken
from core.export.saving import PART
from core.export.verify import examine
from core.ledger import Ledger
from core.messages import ConversationKey, Deletion, Edit, Message
from core.store import Store, open_store, tables
from core.store.look import looking
from core.store.scopes import SEALED, sealed_columns
from core.vault.places import about_of
from tests.kill_guard import MARGIN, PLATFORM
from tests.kill_platform import Platform, Said
from tests.support import engine, lampkeeper, share_keys, vault_of

DEEDS = {
    "claim": "alert claimed",
    "escalate": "alert escalated",
    "confirm": "alert decided",
    "dismiss": "alert decided",
    "note": "note added",
    "hold": "legal hold set",
    "close": "case closed",
    "merge": "case merged",
    "report": "report recorded",
    "timeout": "action taken",
    "excerpt": "excerpt shown",
    "export": "case exported",
}
"""A press -> what the audit says of it."""
OWN_ROWS = {"note": tables.notes, "report": tables.referrals, "timeout": tables.actions}
"""Presses that leave a row of their own beside the audit's."""
CASES_BETWEEN = 100
"""So many cases are looked at before the end, when all are."""
Fault = Literal["lost", "doubled", "unverifiable"]


@dataclass
class Press:
    """What somebody pressed once or, not having had an answer, again; by that name nobody presses anything else."""

    number: int
    what: str
    alert: str
    detail: str
    tries: int = 0

    @property
    def who(self) -> str:
        return f"moderator-{self.number}"


@dataclass
class Known:
    """What outlives the guard: the platform, and what was pressed, asked to be signed, and asked to be turned."""

    platform: Platform
    folder: Path
    presses: list[Press] = field(default_factory=list)
    heads: list[int] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    examined: set[Path] = field(default_factory=set)

    def accepted(self, press: Press) -> bool:
        return any(self.platform.done[press.number])

    def could_count(self, press: Press) -> bool:
        """Tell whether it may be recorded: it was accepted, or one try went without an answer."""
        return self.accepted(press) or press.tries > len(self.platform.done[press.number])


@dataclass
class Findings:
    """What was counted, and what does not hold."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: dict[Fault, set[str]] = field(
        default_factory=lambda: {"lost": set(), "doubled": set(), "unverifiable": set()}
    )

    def add(self, fault: Fault, *what: object) -> None:
        self.faults[fault].add(" ".join(map(str, what)))

    def once(self, times: int, *what: object, least: int = 1) -> None:
        """Take what has to be there once, or (`least` 0) at most once."""
        if times < least:
            self.add("lost", *what)
        elif times > 1:
            self.add("doubled", *what)


async def check(known: Known, *, ended: bool) -> Findings:
    """Look at everything; where the guard did not come to an end, some may be still to come."""
    found = Findings()
    with looking(known.folder / "lampkeeper.db") as database:
        for (line,) in database.execute("PRAGMA integrity_check"):
            if line != "ok":
                found.add("unverifiable", "database:", line)
    async with opened(known.folder) as store:
        async with store.read() as tx:
            rows = {
                table.name: (await tx.execute(select(table))).mappings().all()
                for table in tables.metadata.sorted_tables
            }
        _messages(known, rows, found, until=_alive(rows), ended=ended)
        _presses(known, rows, store, found)
        _cards(known, rows, found, ended=ended)
        _opens(store, rows, found)
        await _cases(store, rows["alerts"] if ended else rows["alerts"][-CASES_BETWEEN:], rows, found)
    _audit(known, found)
    _exports(known, found)
    if ended:
        await _alerts(known, rows, found)
        if rows["outbox"]:
            found.add("lost", len(rows["outbox"]), "rows of the outbox were never delivered")
    return found


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    store = await open_store(folder / "lampkeeper.db", folder / "lampkeeper.key")
    try:
        yield store
    finally:
        await store.close()


def _alive(rows: dict[str, Any]) -> float:
    """Return until when all that the platform showed is said to be stored."""
    return next((row["number"] for row in rows["meta"] if row["name"] == f"caught_up:{PLATFORM}"), 0.0)


def _messages(known: Known, rows: dict[str, Any], found: Findings, *, until: float, ended: bool) -> None:
    """Each message is stored once with each of its versions, or was purged."""
    horizons = {
        ConversationKey(row["space"], row["conversation"]): row["horizon"] or 0.0 for row in rows["conversations"]
    }
    stored = Counter((row["space"], row["conversation"], row["id"], row["version"]) for row in rows["messages"])
    gone = {(row["space"], row["conversation"], row["id"]) for row in rows["messages"] if row["deleted"]}
    times: dict[tuple[ConversationKey, str], float] = {}
    expected = set()
    for said in known.platform.talk.log:
        event = said.event.message if isinstance(said.event, Edit) else said.event
        place, time = (*event.key, event.id), times.setdefault((event.key, event.id), said.time)
        if not (ended or said.time < until - MARGIN) or time <= horizons.get(event.key, 0.0):
            continue
        if isinstance(said.event, Deletion):
            found.once(int(place in gone), "deletion of", *place)
            continue
        version = (*place, int(isinstance(said.event, Edit)))
        expected.add(version)
        found.once(stored[version], "message", *version)
    if ended:
        for version in stored.keys() - expected:
            key = ConversationKey(*version[:2])
            if times[key, version[2]] > horizons[key]:
                found.add("doubled", "message", *version, "that nobody said")
    found.counts["messages said"] = sum(isinstance(said.event, Message) for said in known.platform.talk.log)
    found.counts["edited or deleted"] = len(known.platform.talk.log) - found.counts["messages said"]
    found.counts["messages stored"] = sum(not version for *_, version in stored)
    found.counts["messages purged"] = sum(
        time <= horizons.get(key, 0.0) and not stored[*key, name, 0] for (key, name), time in times.items()
    )


def _presses(known: Known, rows: dict[str, Any], store: Store, found: Findings) -> None:
    """Each press that was accepted is recorded once; none is that was not pressed."""
    spaces = {row["alert"]: row["space"] for row in rows["alerts"]}
    purged = {row["about"] for row in rows["audit"] if row["what"] == "evidence purged"}
    deeds = Counter((row["who"], row["what"], row["about"]) for row in rows["audit"] if row["who"])
    own = {name: Counter((row["who"], row["alert"]) for row in rows[table.name]) for name, table in OWN_ROWS.items()}
    for press in known.presses:
        if press.alert not in spaces:
            found.add("lost", "case", press.alert)
            continue
        who = store.vault.blind(spaces[press.alert], press.who)
        times = deeds.pop((who, DEEDS[press.what], press.alert), 0)
        found.once(times, "press", press.number, press.what, press.alert, least=int(known.accepted(press)))
        if times and not known.could_count(press):
            found.add("doubled", "press", press.number, press.what, press.alert, "was refused, and is recorded")
        if press.what in own and not (press.what == "note" and press.alert in purged):
            beside = own[press.what].pop((who, press.alert), 0)
            if beside != times:
                found.add("lost" if beside < times else "doubled", "row of press", press.number, press.what)
        found.counts["presses"] += press.what != "export"
        found.counts["presses acknowledged"] += press.what != "export" and known.accepted(press)
        found.counts["presses recorded"] += press.what != "export" and times
    for who, what, about in deeds:
        found.add("doubled", what, about, "by", who, "that nobody pressed")
    for name, rest in own.items():
        for who, alert in rest:
            found.add("doubled", name, alert, "by", who, "that nobody pressed")


def _cards(known: Known, rows: dict[str, Any], found: Findings, *, ended: bool) -> None:
    """Each alert has one card, which at the end shows how its case stands; nobody was called twice for the same."""
    alerts = {row["alert"]: row for row in rows["alerts"]}
    cards = Counter(card.alert for card in known.platform.cards.values())
    openings = Counter(row["about"] for row in rows["audit"] if row["what"] == "alert opened")
    for alert in alerts:
        found.once(openings[alert], "opening of", alert)
        found.once(cards[alert], "card of", alert, least=int(ended))
    for alert in (cards.keys() | openings.keys()) - alerts.keys():
        found.add("doubled", "card of", alert, "that is no alert")
    for (alert, why), times in known.platform.called.items():
        found.once(times, "call", why, alert)
    found.counts["alerts"], found.counts["cards"] = len(alerts), len(known.platform.cards)
    found.counts["calls to a card"] = known.platform.called.total()
    for card in known.platform.cards.values() if ended else ():
        row = alerts.get(card.alert)
        if row is not None and (card.level, card.decided) != (row["level"], row["decision"]):
            found.add("lost", "news on the card of", card.alert)


def _opens(store: Store, rows: dict[str, Any], found: Findings) -> None:
    """The keyring opens every sealed value."""
    for name, table in SEALED.items():
        for column in sealed_columns(table):
            for row in rows[name]:
                if row[column] is None:
                    continue
                found.counts["sealed values"] += 1
                try:
                    store.vault.open(row[column], about_of(name, row, column))
                except VaultError:
                    found.add("unverifiable", name, column, *(row[key.name] for key in table.primary_key))


async def _cases(store: Store, these: Iterable[Any], rows: dict[str, Any], found: Findings) -> None:
    """The chain of every one of these cases' evidence holds."""
    ledger = Ledger(engine(), store, lambda: max(row["time"] for row in rows["audit"]))
    async with store.read() as tx:
        for row in these:
            record = await casefile.record(tx, ledger, row["alert"], reports=True)
            assert record is not None
            found.counts["preserved versions"] += len(record.items)
            for fault in broken(record):
                found.add("unverifiable", "case", row["alert"], fault)


def _audit(known: Known, found: Findings) -> None:
    """The audit follows from row to row, and is what every head signed; every head that was told of is there."""
    path = known.folder / "audit-heads.jsonl"
    lines = heads.read(path) if path.exists() else []
    with looking(known.folder / "lampkeeper.db") as database:
        verdict = verify(database, lines, {vault_of(known.folder).verify_key.hex()})
    for problem in verdict.problems:
        if lines or problem.row is not None:
            found.add("unverifiable", "audit:", problem)
    written = Counter(line.head.number for line in lines if line.head is not None)
    for number in known.heads:
        for head in filter(None, known.platform.done[number]):
            found.once(written[head], "head", head)
    found.counts["audit rows"], found.counts["signed heads"] = verdict.rows, len(written)
    found.counts["heads cut off"] = sum(line.head is None for line in lines)


def _exports(known: Known, found: Findings) -> None:
    """Each export that was told of is there, and whatever bears its name verifies to the end."""
    folder = known.folder / "exports"
    for press in known.presses:
        if press.what == "export":
            zips = list((folder / str(press.number)).glob("*.zip"))
            found.once(len(zips), "export", press.number, least=int(known.accepted(press)))
            found.counts["exports"] += 1
            found.counts["exports acknowledged"] += known.accepted(press)
    key = vault_of(known.folder).verify_key
    for path in set(folder.glob("*/*.zip")) - known.examined:
        known.examined.add(path)
        for finding in examine(path, key):
            if not finding.holds:
                found.add("unverifiable", "export", path.parent.name, finding.sentence)
    found.counts["exports verified"] = len(known.examined)
    found.counts["exports cut off"] = len(list(folder.glob(f"*/*{PART}")))


async def _alerts(known: Known, rows: dict[str, Any], found: Findings) -> None:
    """The same alerts are there as in a run that nobody disturbed."""
    with TemporaryDirectory() as folder:
        share_keys(known.folder, Path(folder))
        expected = await undisturbed(known.platform.talk.log, Path(folder))
    stored = dict(map(_alert, rows["alerts"]))
    for alert in expected.keys() | stored.keys():
        if expected.get(alert) != stored.get(alert):
            found.add(
                "doubled" if alert not in expected else "lost", "alert", alert, stored.get(alert), expected.get(alert)
            )
    found.counts["alerts undisturbed"] = len(expected)


def _alert(row: Any) -> tuple[str, tuple[object, ...]]:
    return row["alert"], (row["level"], row["probability"], *row["signals"])


async def undisturbed(log: Iterable[Said], folder: Path) -> dict[str, tuple[object, ...]]:
    """Return the alerts that the same talk comes to in one go."""
    async with lampkeeper(folder, clock=lambda: 0.0) as guard:
        for said in log:
            await guard.receive(said.event)
        await guard.settled()
        async with guard.ledger.store.read() as tx:
            return dict(map(_alert, (await tx.execute(select(tables.alerts))).mappings()))


def trouble(log: Path) -> Iterator[str]:
    """Yield what the guard logged as a warning or an error."""
    for line in log.read_text(encoding="utf-8").splitlines():
        if "level='info'" not in line:
            yield line
