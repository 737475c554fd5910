"""Messages as they are kept: their text sealed, every version a row, until the retention rule takes them.

Leans on `core.store.tables` and `core.vault`. All versions of a message share its `seq`, its addressing and the time it
was received, so that an edit neither moves a message nor keeps its text longer. When an edit or a deletion was received
is sealed with the text: evidence must not say that words were changed or gone before they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.messages import AgeBand, ConversationKey
from core.store import tables
from core.store.among import among
from core.store.states import blind_target, chunks, dump, parse
from core.vault import Vault

MessageKey = tuple[ConversationKey, str]
_T = tables.messages


class Kept(NamedTuple):
    """One version of a message. `text` is None once purged; `received` is by Lampkeeper's clock.

    `seen` is when this version was received, if it came as an edit; `gone`, when the deletion of this version was.
    `edited` is when the platform says that this version was written, if it is an edit: of version 0, before it was
    received. Versions kept by earlier versions of Lampkeeper have none of them.
    """

    seq: int
    version: int
    key: ConversationKey
    id: str
    author: str
    target: str | None
    name: str
    age_band: AgeBand | None
    text: str | None
    time: float | None
    received: float
    deleted: bool = False
    attachments: tuple[str, ...] = ()
    seen: float | None = None
    gone: float | None = None
    edited: float | None = None


def row_of(vault: Vault, kept: Kept) -> Mapping[str, Any]:
    """Return the row that keeps this version."""
    space, conversation = kept.key
    return {
        "seq": kept.seq,
        "version": kept.version,
        "space": space,
        "conversation": conversation,
        "id": kept.id,
        "author": vault.blind(space, kept.author),
        "target": blind_target(vault, space, kept.target),
        "time": kept.time,
        "received": kept.received,
        "deleted": kept.deleted,
        "body": _body(vault, kept),
    }


def _body(vault: Vault, kept: Kept) -> bytes:
    who = [kept.author, kept.target, kept.name, kept.age_band]
    body = [*who, kept.text, kept.attachments, kept.seen, kept.gone, kept.edited]
    return dump(vault, body, _about(*kept.key, kept.id, kept.version))


async def stored(tx: AsyncConnection, keys: Iterable[MessageKey]) -> set[MessageKey]:
    """Tell which of these messages were taken in already, in whatever version."""
    found: set[MessageKey] = set()
    by_space: dict[str, set[tuple[str, str]]] = {}
    for key, message_id in keys:
        by_space.setdefault(key.space, set()).add((key.conversation, message_id))
    for space, wanted in by_space.items():
        for some in chunks(list(wanted)):
            query = select(_T.c.conversation, _T.c.id).where(_T.c.space == space)
            these = among((_T.c.conversation, _T.c.id), some)
            found.update(
                (ConversationKey(space, row.conversation), row.id) for row in await tx.execute(query.where(these))
            )
    return found


async def standing(
    tx: AsyncConnection, space: str, conversations: Iterable[str], since: float, until: float
) -> dict[str, set[str]]:
    """Return the ids of messages whose text is retained and that nobody is known to have deleted, by conversation.

    Of those said from `since` to `until` (seconds since the epoch, both included); conversations without any are left
    out.
    """
    found: dict[str, set[str]] = {}
    stands = (_T.c.body.is_not(None), _T.c.deleted.is_(False), _T.c.time.between(since, until))
    for some in chunks(list(conversations)):
        query = select(_T.c.conversation, _T.c.id).where(_T.c.space == space, _T.c.conversation.in_(some), *stands)
        for row in await tx.execute(query):
            found.setdefault(row.conversation, set()).add(row.id)
    return found


async def newest_version(tx: AsyncConnection, vault: Vault, key: MessageKey) -> Kept | None:
    """Return a message as it reads now."""
    (space, conversation), message_id = key
    query = select(_T).where(_T.c.space == space, _T.c.conversation == conversation, _T.c.id == message_id)
    row = (await tx.execute(query.order_by(_T.c.version.desc()).limit(1))).first()
    return None if row is None else _kept(vault, row)


async def said_by(tx: AsyncConnection, vault: Vault, space: str, author: str) -> list[Kept]:
    """Return all that is retained of an author's messages as they read now, in the order they were received."""
    return await said_as(tx, vault, space, vault.blind(space, author))


async def said_as(tx: AsyncConnection, vault: Vault, space: str, pseudonym: str) -> list[Kept]:
    """Return the same of an author known only by pseudonym."""
    query = select(_T).where(_T.c.space == space, _T.c.author == pseudonym, _T.c.body.is_not(None))
    return await read(tx, vault, query)


async def versions_by(tx: AsyncConnection, vault: Vault, space: str, author: str) -> list[list[Kept]]:
    """Return every retained version of an author's messages, the oldest first, in the order they were received."""
    query = select(_T).where(_T.c.space == space, _T.c.author == vault.blind(space, author), _T.c.body.is_not(None))
    found: dict[int, list[Kept]] = {}
    for row in await tx.execute(query.order_by(_T.c.seq, _T.c.version)):
        found.setdefault(row.seq, []).append(_kept(vault, row))
    return list(found.values())


async def oldest(tx: AsyncConnection, vault: Vault, received_before: float, limit: int) -> list[Kept]:
    """Return the oldest retained messages that were received before a time, as they read now."""
    old = select(_T.c.seq).where(_T.c.received < received_before, _T.c.body.is_not(None)).distinct()
    these = old.order_by(_T.c.seq).limit(limit).scalar_subquery()
    return await read(tx, vault, select(_T).where(_T.c.seq.in_(these), _T.c.body.is_not(None)))


async def around(tx: AsyncConnection, vault: Vault, key: MessageKey, lines: int) -> list[Kept]:
    """Return a retained message with up to `lines` before and after it in its conversation; [] if it was purged.

    Each in every version that is retained, oldest first.
    """
    (space, conversation), message_id = key
    here = (_T.c.space == space, _T.c.conversation == conversation, _T.c.body.is_not(None))
    seq = await tx.scalar(select(func.max(_T.c.seq)).where(*here, _T.c.id == message_id))
    if seq is None:
        return []
    numbers = select(_T.c.seq).where(*here).distinct()
    before = numbers.where(_T.c.seq <= seq).order_by(_T.c.seq.desc()).limit(lines + 1)
    after = numbers.where(_T.c.seq > seq).order_by(_T.c.seq).limit(lines)
    wanted = [*(await tx.scalars(before)), *(await tx.scalars(after))]
    versions = select(_T).where(_T.c.seq.in_(wanted), _T.c.body.is_not(None)).order_by(_T.c.seq, _T.c.version)
    return [_kept(vault, row) for row in await tx.execute(versions)]


async def between(tx: AsyncConnection, vault: Vault, space: str, two: tuple[str, str], since: float) -> list[Kept]:
    """Return all retained versions of what two people, by pseudonym, said to each other since a time."""
    one, other = two
    either = or_(and_(_T.c.author == one, _T.c.target == other), and_(_T.c.author == other, _T.c.target == one))
    here = (_T.c.space == space, either, _T.c.received >= since, _T.c.body.is_not(None))
    rows = await tx.execute(select(_T).where(*here).order_by(_T.c.seq, _T.c.version))
    return [_kept(vault, row) for row in rows]


async def mark_deleted(tx: AsyncConnection, vault: Vault, kept: Kept, time: float) -> None:
    """Record that a message, which reads `kept` now, is gone from its platform, and since when that is known."""
    (space, conversation), message_id = kept.key, kept.id
    here = (_T.c.space == space, _T.c.conversation == conversation, _T.c.id == message_id)
    await tx.execute(update(_T).where(*here).values(deleted=True))
    if not kept.deleted and kept.text is not None:
        newest = update(_T).where(_T.c.seq == kept.seq, _T.c.version == kept.version)
        await tx.execute(newest.values(body=_body(vault, kept._replace(gone=time))))


async def deleted_among(tx: AsyncConnection, keys: Iterable[MessageKey]) -> set[MessageKey]:
    """Tell which of these messages are gone from their platform."""
    gone: set[MessageKey] = set()
    for (space, conversation), message_id in keys:
        here = (_T.c.space == space, _T.c.conversation == conversation, _T.c.id == message_id)
        if await tx.scalar(select(_T.c.deleted).where(*here).order_by(_T.c.version.desc()).limit(1)):
            gone.add((ConversationKey(space, conversation), message_id))
    return gone


async def read(tx: AsyncConnection, vault: Vault, query: Select[Any]) -> list[Kept]:
    """Return the messages that `query` selects, each in the newest version selected, in the order received."""
    newest = {row.seq: row for row in await tx.execute(query.order_by(_T.c.seq, _T.c.version))}
    return [_kept(vault, row) for row in newest.values()]


def _kept(vault: Vault, row: Row[Any]) -> Kept:
    key = ConversationKey(row.space, row.conversation)
    author, target, name, age_band, text = "", None, "", None, None
    more: list[Any] = []
    if row.body is not None:
        about = _about(row.space, row.conversation, row.id, row.version)
        author, target, name, age_band, text, *more = parse(vault, row.body, about)
    more += ((), None, None, None)[len(more) :]  # bodies sealed by earlier versions end before the last of these
    attachments, seen, gone, edited = more
    said = (row.seq, row.version, key, row.id, author, target, name, age_band, text, row.time, row.received)
    return Kept(*said, row.deleted, tuple(attachments), seen, gone, edited)


def _about(space: str, conversation: str, message_id: str, version: int) -> tuple[str, ...]:
    return ("messages", space, conversation, message_id, str(version), "body")
