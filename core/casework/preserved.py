"""What is preserved of a case: the window around what opened it, then all that the two say, every version of it.

Leans on `core.store` and on `core.export.record`, whose `Content` is what is sealed and what its digest is over. Runs
inside a transaction of its caller. Decisions:

- Preserving begins when an alert opens, not when somebody asks for it: by then an edit may have changed the words.
  Until people decide that it was nothing, or close the case, what the two write to each other goes on being preserved,
  in either direction, and every edit and deletion of what was preserved is an item of its own, received when it was
  seen, also where that was before the alert. `core.retention.keeping` says how long items stay.
- A message that was first seen as an edit, or that its platform says was edited before it was read from history, is an
  edit of version 0, with the platform's time of the edit: what it said before, nobody here knows.
- Items of a case are numbered from 1 and chained by SHA-256 (`core.export.record`). Nothing here changes one. An item
  whose content has to go, because its author asked to be forgotten, keeps its digest: the chain holds, and a gap shows.
  The audit notes which those are, so that they can be told from what somebody emptied by hand.
- Each content holds a random salt, sealed and removed with it: short messages could be guessed from a bare digest. What
  was preserved before there were salts keeps its digest, or the chain and what the audit noted of it would not hold.
- The chain's last value stands in the audit whenever a case is opened, decided, passed on or exported, so that items
  cut off at the end are missed.
- What was said near the two by others is preserved where an excerpt shows it, and only as it was said until then.
- Only kinds of attachments are kept, never what they show. Half a character, which no file could hold, is kept as "�".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, func, not_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.casework import reported
from core.casework.transitions import preserves
from core.export.record import SALT_BYTES, Content, Item, Kind, beginning, follow
from core.messages import ConversationKey, Message
from core.retention import keeping
from core.store import add, messages, tables
from core.store.among import among
from core.store.messages import Kept, MessageKey
from core.store.states import Known, alert_about, chunks, parse
from core.vault import Vault

LINES = 5
"""Messages before and after each one that moved the score."""
_T, _I = tables.alerts, tables.items


class Seen(NamedTuple):
    """A version of a message as it was seen: `kept`, what it is, and when it was received."""

    kept: Kept
    kind: Kind
    received: float


def as_seen(kept: Kept) -> Seen:
    """Return a retained version as it was seen."""
    changed = kept.version or kept.seen is not None or kept.edited is not None
    kind: Kind = "edit" if changed else "message"
    return Seen(kept, kind, kept.received if kept.seen is None else kept.seen)


class Head(NamedTuple):
    """How many items a case has, and the last value of its chain in hexadecimal."""

    items: int
    chain: str


async def watched(tx: AsyncConnection, known: Known) -> dict[tuple[str, str], set[str]]:
    """Return the cases that preserve, by the pseudonyms of author and target; looked up once, then remembered."""
    if known.preserving is None:
        known.preserving = {}
        live = select(_T.c.alert, _T.c.actor, _T.c.target)
        for row in await tx.execute(live.where(_T.c.space == known.space, preserves())):
            watch(known, row.alert, row.actor, row.target)
    return known.preserving


def watch(known: Known, alert: str, actor: str, target: str) -> None:
    """Preserve from now on what two people, by their pseudonyms, write to each other."""
    assert known.preserving is not None, "watched() comes first"
    for between in {(actor, target), (target, actor)}:
        known.preserving.setdefault(between, set()).add(alert)


async def window(tx: AsyncConnection, vault: Vault, alert: str, now: float, more: Iterable[Kept] = ()) -> None:
    """Preserve what is retained around the messages that moved a case's score, as far as it is not preserved yet.

    With what the two said besides (`more`), all in the order it was seen.
    """
    row = (await tx.execute(select(_T).where(_T.c.alert == alert))).first()
    if row is None:
        return
    found = {(kept.key, kept.id, kept.version): kept for kept in (*_copied(vault, row), *more)}
    for key in moved(vault, row):
        for kept in await messages.around(tx, vault, key, LINES):
            found[kept.key, kept.id, kept.version] = kept
    seen = [as_seen(kept) for kept in found.values()]
    gone = [kept for kept in found.values() if kept.gone is not None]
    dated = {(kept.key, kept.id) for kept in gone}
    # Of what an earlier version of Lampkeeper saw deleted, only that it was is known.
    newest = {(kept.key, kept.id): kept for kept in found.values() if kept.deleted and (kept.key, kept.id) not in dated}
    seen += [Seen(_deletion(kept), "deletion", now if kept.gone is None else kept.gone) for kept in gone]
    seen += [Seen(_deletion(kept), "deletion", now) for kept in newest.values()]
    await preserve(tx, vault, alert, sorted(seen, key=lambda one: (one.received, one.kept.seq, one.kept.version)))
    if row.evidence is not None:
        await tx.execute(update(_T).where(_T.c.alert == alert).values(evidence=None))


async def catch_up(tx: AsyncConnection, vault: Vault, alert: str, now: float) -> None:
    """Preserve what the two said while a case preserved nothing: it was decided or closed, and is open again."""
    row = (await tx.execute(select(_T).where(_T.c.alert == alert))).first()
    if row is not None:
        since = await tx.scalar(select(func.min(_I.c.received)).where(_I.c.alert == alert))
        said = await messages.between(
            tx, vault, row.space, (row.actor, row.target), row.opened if since is None else since
        )
        await window(tx, vault, alert, now, said)


async def windows_of_held(tx: AsyncConnection, vault: Vault, spaces: Iterable[str], now: float) -> None:
    """Bring the windows of all cases under legal hold in `spaces` up to date, before anything is removed there."""
    held = select(_T.c.alert).where(_T.c.space.in_(set(spaces)), keeping.held())
    for alert in (await tx.scalars(held)).all():
        await window(tx, vault, alert, now)


async def preserve(tx: AsyncConnection, vault: Vault, alert: str, seen: Sequence[Seen]) -> None:
    """Add versions to a case's chain, in order; those that are in it are left out."""
    if not seen:
        return
    columns = (_I.c.conversation, _I.c.id, _I.c.version)
    known: set[tuple[str, str, int]] = set()
    for some in chunks([(one.kept.key.conversation, one.kept.id, one.kept.version) for one in seen]):
        here = select(*columns).where(_I.c.alert == alert, among(columns, some))
        known.update((row.conversation, row.id, row.version) for row in await tx.execute(here))
    items, chain = await head(tx, alert)
    link, rows = bytes.fromhex(chain), []
    for kept, kind, received in seen:
        place = (kept.key.conversation, kept.id, kept.version)
        if place in known:
            continue
        known.add(place)
        items += 1
        content = _content(kept, kind, received)
        digest = content.digest()
        link = follow(link, bytes.fromhex(digest))
        rows.append(
            {
                "alert": alert,
                "number": items,
                "space": kept.key.space,
                "conversation": kept.key.conversation,
                "id": kept.id,
                "version": kept.version,
                "kind": kind,
                "author": vault.blind(kept.key.space, kept.author),
                "received": received,
                "sha256": digest,
                "chain": link.hex(),
                "content": vault.seal(content.canonical(), _about(alert, items)),
            }
        )
    await add(tx, _I, rows)


async def changed(
    tx: AsyncConnection, vault: Vault, key: MessageKey, now: Kept | Message | None, received: float
) -> None:
    """Preserve an edit of a message, which reads so `now`, or its deletion (None).

    In every case that preserves it and is not over yet.
    """
    (space, conversation), message_id = key
    here = (_I.c.space == space, _I.c.conversation == conversation, _I.c.id == message_id)
    live = select(_I.c.alert, func.max(_I.c.version)).join(_T, _T.c.alert == _I.c.alert)
    for alert, version in (await tx.execute(live.where(*here, preserves()).group_by(_I.c.alert))).all():
        row = (await tx.execute(select(_I).where(_I.c.alert == alert, *here, _I.c.version == version))).one()
        before = _opened(vault, row)
        if before is None:
            continue
        text, attachments = (None, before.attachments) if now is None else (whole(now.text or ""), now.attachments)
        if (before.text, before.attachments) == (text, attachments):
            continue
        after = before.model_copy(
            update={
                "text": text,
                "attachments": attachments,
                "version": before.version + 1,
                "edited": None if now is None else _utc(now.edited),
            }
        )
        await preserve(tx, vault, alert, [Seen(_kept(row, after), "deletion" if now is None else "edit", received)])


async def goes_on(tx: AsyncConnection, alert: str) -> bool:
    """Tell whether a case still preserves what is said."""
    return await tx.scalar(select(_T.c.alert).where(_T.c.alert == alert, preserves())) is not None


async def head(tx: AsyncConnection, alert: str) -> Head:
    """Return where a case's chain stands."""
    newest = select(_I.c.number, _I.c.chain).where(_I.c.alert == alert).order_by(_I.c.number.desc()).limit(1)
    row = (await tx.execute(newest)).first()
    return Head(0, beginning(alert).hex()) if row is None else Head(row.number, row.chain)


async def items(tx: AsyncConnection, vault: Vault, alert: str) -> list[Item]:
    """Return all that is preserved of a case, in its order, without links."""
    row = (await tx.execute(select(_T).where(_T.c.alert == alert))).first()
    reasons = set() if row is None else moved(vault, row)
    found = []
    for kept in await tx.execute(select(_I).where(_I.c.alert == alert).order_by(_I.c.number)):
        place = (ConversationKey(kept.space, kept.conversation), kept.id)
        found.append(
            Item(
                number=kept.number,
                content=_opened(vault, kept),
                received=datetime.fromtimestamp(kept.received, UTC),
                sha256=kept.sha256,
                chain=kept.chain,
                moved_the_score=place in reasons,
            )
        )
    return found


async def said(tx: AsyncConnection, vault: Vault, alert: str) -> list[Kept]:
    """Return the preserved versions as messages are kept; one that was deleted is marked so in every version."""
    rows = (await tx.execute(select(_I).where(_I.c.alert == alert).order_by(_I.c.number))).all()
    gone = {(row.conversation, row.id) for row in rows if row.kind == "deletion"}
    first: dict[tuple[str, str], float] = {}
    found = []
    for row in rows:
        place = (row.conversation, row.id)
        first.setdefault(place, row.received)
        content = _opened(vault, row)
        if content is not None and row.kind != "deletion":
            kept = _kept(row, content)
            found.append(kept._replace(received=first[place], deleted=place in gone))
    return found


def moved(vault: Vault, row: Row[Any]) -> set[MessageKey]:
    """Return the messages that moved the score of a row of `alerts`, and those that members reported."""
    places = reported.places(parse(vault, row.sealed, alert_about(row.alert)))
    return {(ConversationKey(row.space, conversation), message_id) for conversation, message_id in places}


async def erase(tx: AsyncConnection, space: str, author: str) -> None:
    """Remove the content of all that a person, by pseudonym, said in cases not under legal hold; digests stay."""
    await tx.execute(update(_I).where(_erasable(space, author)).values(content=None, author=""))


async def erasable(tx: AsyncConnection, space: str, author: str) -> dict[str, list[int]]:
    """Return the numbers of the items whose content `erase` would remove, by case."""
    found: dict[str, list[int]] = {}
    theirs = select(_I.c.alert, _I.c.number).where(_erasable(space, author), _I.c.content.is_not(None))
    for alert, number in await tx.execute(theirs.order_by(_I.c.alert, _I.c.number)):
        found.setdefault(alert, []).append(number)
    return found


def _erasable(space: str, author: str) -> ColumnElement[bool]:
    free = select(_T.c.alert).where(_T.c.space == space, not_(keeping.held())).scalar_subquery()
    return and_(_I.c.space == space, _I.c.author == author, _I.c.alert.in_(free))


def _content(kept: Kept, kind: Kind, received: float) -> Content:
    return Content(
        kind=kind,
        conversation=kept.key.conversation,
        id=kept.id,
        version=kept.version,
        author=kept.author,
        name=whole(kept.name),
        target=kept.target,
        time=_utc(kept.time),
        received=datetime.fromtimestamp(received, UTC),
        text=None if kind == "deletion" else whole(kept.text or ""),
        attachments=kept.attachments,
        edited=None if kind == "deletion" else _utc(kept.edited),
        salt=os.urandom(SALT_BYTES).hex(),
    )


def _utc(seconds: float | None) -> datetime | None:
    """Return a platform's time; None for one that no calendar has, for its message must not be lost for that."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def whole(text: str) -> str:
    """Put "�" for half a character, which JSON and XML do not hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _opened(vault: Vault, row: Row[Any]) -> Content | None:
    """Return an item's content; None if it had to go."""
    if row.content is None:
        return None
    return Content.model_validate_json(vault.open(row.content, _about(row.alert, row.number)))


def _kept(row: Row[Any], content: Content) -> Kept:
    return Kept(
        seq=row.number,
        version=content.version,
        key=ConversationKey(row.space, content.conversation),
        id=content.id,
        author=content.author,
        target=content.target,
        name=content.name,
        age_band=None,
        text=content.text,
        time=None if content.time is None else content.time.timestamp(),
        received=content.received.timestamp(),
        attachments=content.attachments,
        edited=None if content.edited is None else content.edited.timestamp(),
    )


def _deletion(kept: Kept) -> Kept:
    return kept._replace(version=kept.version + 1, text=None)


def _copied(vault: Vault, row: Row[Any]) -> list[Kept]:
    """Return what an earlier version of Lampkeeper copied for a legal hold."""
    if row.evidence is None:
        return []
    copied = (Kept(*fields) for fields in parse(vault, row.evidence, ("alerts", row.alert, "evidence")))
    return [kept._replace(key=ConversationKey(*kept.key)) for kept in copied]


def _about(alert: str, number: int) -> tuple[str, ...]:
    return ("items", alert, str(number), "content")
