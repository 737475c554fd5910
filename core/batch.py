"""One batch of events, carried out inside one transaction: states, messages, alerts, audit and outbox together.

Leans on `core.engine` for what to do and on `core.store` for where to keep it. Events are taken strictly in order;
only the look-ups are done for many at once. Decisions:

- A message whose id is stored, in any version, changes nothing; nor does one not newer than its conversation's purge
  horizon, for its id is no longer there to be recognised (`core.retention.rolling`). Which those are is settled before
  whom the others address is tried on copies, so that what is loaded is what is fed.
- An edit is a new version. Whom the message is aimed at and the author's age band stay as first seen, even where the
  new text begins with another name: moving a message would tear two pairs' records apart. The author's
  states are folded again from base and what is retained, so that an edit scores as if its text had been seen first.
  That is done for each edit, not once for all of a batch: whether one of them alerts must not hang on where a batch
  ends. What they are folded from is opened and read once (`core.retention.rolling`). An edit that changes neither text
  nor what was sent along changes nothing. An edit of a message never seen is taken as a message of its own, but
  does not move the cursor. One of a message that was purged, or that is not newer than the horizon, is ignored and
  counted in the log: platforms deliver old messages again as edits (a pin, a refreshed preview), and what retention
  took would be stored and counted once more. An edit event carries no time: the one that arrives last counts.
- Nor does one change anything that was said before somebody's data was last deleted in its space, and comes only now:
  whether it was theirs nobody can know any more. Adapters read no history from before that time either
  (`core.guard.Guard.horizon`). Where that time lies ahead of the clock, the clock was wrong then, and it counts for
  nothing.
- A deletion marks the message, and its alert's card shows it. The score stays: what was said was said.
- A poisonous event raises; the guard undoes the batch and takes its events one by one (see `core.guard`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, outbox, peaks, unread
from core.casework import cases, preserved
from core.casework.preserved import Seen, as_seen
from core.conversation import address, listen
from core.effects import Effect, OpenAlert, Scored, Unread, UpdateAlert
from core.engine import Engine, PairKey
from core.export.record import Kind
from core.memory import Memory
from core.messages import Deletion, Edit, Event, Message, Pair
from core.peaks import Peak, day_of
from core.retention import forgetting
from core.retention.rolling import Said, refold, said_by
from core.store import add, tables, upsert
from core.store import messages as kept_messages
from core.store.messages import Kept, MessageKey
from core.store.states import (
    Known,
    Marks,
    Touched,
    blind_target,
    load_conversations,
    load_pairs,
    load_people,
    save_all,
)
from core.tally import Heard
from core.vault import Vault

log = structlog.get_logger(__name__)


class Batch:
    """Takes events and writes what they made, on one connection in one transaction; `heard` are the new messages."""

    def __init__(self, tx: AsyncConnection, vault: Vault, engine: Engine, memory: Memory, now: float) -> None:
        self._tx = tx
        self._vault = vault
        self._engine = engine
        self._memory = memory
        self._now = now
        self.heard: list[Heard] = []
        self._stored: set[MessageKey] = set()
        self._messages: list[Kept] = []
        self._touched: dict[str, Touched] = {}
        self._alerts: list[OpenAlert | UpdateAlert] = []
        self._unread: list[Unread] = []
        self._peaks: dict[Peak, float] = {}
        self._shown: dict[str, str] = {}
        self._old_edits = 0
        self._from_before = 0
        self._windows: dict[str, None] = {}
        self._said: dict[str, list[Kept]] = {}
        self._read: dict[tuple[str, str], Said] = {}

    async def take(self, events: Sequence[Event]) -> None:
        """Carry out `events` in order."""
        await self._number()
        self._stored = await kept_messages.stored(self._tx, {_key_of(event) for event in events})
        fresh: list[Message] = []
        for event in events:
            if isinstance(event, Message):
                fresh.append(event)
                continue
            await self._feed(fresh)
            fresh = []
            await (self._edit(event) if isinstance(event, Edit) else self._delete(event))
        await self._feed(fresh)
        await self._write()
        if self._old_edits:
            log.info("batch.edits_of_purged_messages_ignored", edits=self._old_edits)
        if self._from_before:
            log.info("batch.messages_from_before_a_deletion_ignored", messages=self._from_before)

    async def _number(self) -> None:
        memory = self._memory
        if memory.next_seq is None:
            table = tables.messages
            seq, received = (await self._tx.execute(select(func.max(table.c.seq), func.max(table.c.received)))).one()
            memory.next_seq = 0 if seq is None else seq + 1
            memory.received = max(memory.received, received or 0.0)
        memory.received = max(memory.received, self._now)

    async def _feed(self, messages: list[Message], late: Edit | None = None) -> None:
        """Feed new messages; those known already are left out. A late edit does not move the cursor."""
        seen = self._memory.received if late is not None and not late.read_back else None
        fresh = await self._fresh(messages)
        await self._load(fresh)
        for message in fresh:
            known = self._memory.of(message.key.space)
            loaded = len(known.state.pairs)
            effects = self._engine.feed(known.state, message, self._memory.received)
            if len(known.state.pairs) != loaded:
                raise RuntimeError("A pair was not loaded: writing it would overwrite its row.")
            scored = effects[0]
            assert isinstance(scored, Scored)
            said = message.time if late is None else None
            self.heard.append(Heard(message.key.space, scored.score.outcome, said))
            self._keep(known, message, scored.pair, seen)
            if late is None:
                _advance(known.marks[message.key.conversation], message)
            self._carry_out(known, effects, self._memory.received if message.time is None else message.time)

    async def _fresh(self, messages: list[Message]) -> list[Message]:
        """Return those that are neither known nor purged, once each, with their conversations in memory."""
        for space, some in _by_space(messages).items():
            names = {message.key.conversation for message in some}
            known = self._memory.of(space)
            await load_conversations(self._tx, self._vault, known, names)
            if known.forgotten is None:
                known.forgotten = await forgetting.last(self._tx, space) or 0.0
        fresh = []
        for message in messages:
            known, key = self._memory.of(message.key.space), (message.key, message.id)
            if key in self._stored or _purged(known.marks[message.key.conversation], message):
                continue
            if self._is_from_before(known, message):
                self._from_before += 1
                continue
            self._stored.add(key)
            fresh.append(message)
        return fresh

    def _is_from_before(self, known: Known, message: Message) -> bool:
        """Tell whether a message was said before somebody's data was last deleted: it may have been theirs."""
        if not known.forgotten or message.time is None:
            return False
        return message.time <= known.forgotten <= self._now

    async def _load(self, fresh: list[Message]) -> None:
        """Bring into memory the people and pairs that feeding `fresh` will touch; addressing is tried on copies."""
        for space, some in _by_space(fresh).items():
            known = self._memory.of(space)
            await preserved.watched(self._tx, known)
            copies = {name: replace(known.state.conversations[name]) for name in {m.key.conversation for m in some}}
            people: set[str] = set()
            pairs: set[PairKey] = set()
            for message in some:
                copy = copies[message.key.conversation]
                author, target = message.author.id, address(copy, message)
                listen(copy, message)
                people.add(author)
                pairs.add((author, target))
                if target is not None:
                    people.add(target)
                    pairs.add((target, author))
            await load_people(self._tx, self._vault, known, people)
            await load_pairs(self._tx, self._vault, known, pairs)

    def _keep(self, known: Known, message: Message, pair: Pair, seen: float | None) -> None:
        memory, author = self._memory, message.author
        assert memory.next_seq is not None
        place = (
            memory.next_seq,
            0,
            message.key,
            message.id,
            author.id,
            pair.target,
            author.name,
            author.age_band,
        )
        what = (message.text, message.time, memory.received)
        kept = Kept(*place, *what, attachments=message.attachments, seen=seen, edited=message.edited)
        self._messages.append(kept)
        if (read := self._read.get((known.space, author.id))) is not None:
            read[kept.seq] = (kept, self._engine.read(message.text))
        for alert in self._preserving(known, author.id, pair.target):
            self._said.setdefault(alert, []).append(kept)
        memory.next_seq += 1
        if author.name:
            known.names[author.id] = author.name
        touched = self._touched.setdefault(message.key.space, Touched())
        touched.conversations.add(message.key.conversation)
        touched.people.add(author.id)
        touched.pairs.add((author.id, pair.target))

    def _carry_out(self, known: Known, effects: list[Effect], time: float) -> None:
        """Remember what happened at `time`; a card shows the highest level, for an open alert never falls back."""
        for effect in effects:
            if isinstance(effect, Scored):
                if effect.score.probability is not None:
                    peak = Peak(effect.pair, day_of(time))
                    self._peaks[peak] = max(effect.reached, self._peaks.get(peak, 0.0))
            elif isinstance(effect, Unread):
                self._unread.append(effect)
            else:
                _, actor, target = effect.pair
                told = known.state.alerts[actor, target]
                news = cases.named(self._vault, told, effect)
                self._windows[news.alert] = None
                me, other = self._vault.blind(known.space, actor), blind_target(self._vault, known.space, target)
                preserved.watch(known, news.alert, me, other)
                self._alerts.append(news._replace(score=news.score._replace(level=told.level)))
                touched = self._touched.setdefault(known.space, Touched())
                touched.pairs.add((actor, target))

    def _preserving(self, known: Known, author: str, target: str | None) -> Collection[str]:
        """Return the cases that preserve what the one says to the other."""
        if not known.preserving:
            return ()
        me, other = self._vault.blind(known.space, author), blind_target(self._vault, known.space, target)
        return known.preserving.get((me, other), ())

    async def _preserve_change(self, known: Known, before: Kept, after: Kept, kind: Kind) -> None:
        """Preserve an edit or a deletion, in the cases of the two with what it read before."""
        gone = before.gone if kind == "deletion" else None
        seen = [as_seen(before), Seen(after, kind, self._memory.received if gone is None else gone)]
        await preserved.watched(self._tx, known)
        for alert in self._preserving(known, before.author, before.target):
            await preserved.preserve(self._tx, self._vault, alert, seen)
        await self._changed((before.key, before.id), None if kind == "deletion" else after)

    async def _changed(self, key: MessageKey, now: Kept | Message | None) -> None:
        """Preserve an edit of a message, which reads so now, or its deletion (None), in the cases that preserve it."""
        if await preserved.watched(self._tx, self._memory.of(key[0].space)):
            await preserved.changed(self._tx, self._vault, key, now, self._memory.received)

    async def _edit(self, event: Edit) -> None:
        message = event.message
        key = (message.key, message.id)
        if key not in self._stored:
            await self._feed([message], event)
            if key not in self._stored:
                self._old_edits += 1
                await self._changed(key, message)
            return
        await self._write()
        before = await kept_messages.newest_version(self._tx, self._vault, key)
        assert before is not None
        if before.text is None:  # purged; only its id stayed
            self._old_edits += 1
            await self._changed(key, message)
            return
        if (before.text, before.attachments) == (message.text, message.attachments):
            return
        version = before.version + (2 if before.deleted else 1)  # its deletion was a version, too
        now = self._memory.received
        after = before._replace(version=version, text=message.text, deleted=False, seen=now, gone=None)
        after = after._replace(attachments=message.attachments, edited=message.edited)
        await add(self._tx, tables.messages, [kept_messages.row_of(self._vault, after)])
        known = self._memory.of(message.key.space)
        await self._preserve_change(known, before, after, "edit")
        if before.text == message.text:  # only what was sent along, which scores nothing
            return
        author, target = before.author, before.target
        people, pairs = {author}, {(author, target)}
        if target is not None:
            people.add(target)
            pairs.add((target, author))
        await load_people(self._tx, self._vault, known, people)
        await load_pairs(self._tx, self._vault, known, pairs)
        said = self._read.get((known.space, author))
        if said is None:
            said = await said_by(self._tx, self._vault, self._engine, known.space, author)
            self._read = {(known.space, author): said}
        said[after.seq] = (after, self._engine.read(message.text))
        await refold(self._tx, self._vault, self._engine, known, (author, target), said)
        touched = self._touched.setdefault(known.space, Touched())
        touched.people.add(author)
        touched.pairs.add((author, target))
        time = before.received if before.time is None else before.time
        pair = Pair(known.space, author, target)
        effects = self._engine.rescore(known.state, pair, message.key.conversation, message.id, time)
        self._carry_out(known, effects, time)

    async def _delete(self, deletion: Deletion) -> None:
        key = (deletion.key, deletion.id)
        if key not in self._stored:
            await self._changed(key, None)
            return
        await self._write()
        before = await kept_messages.newest_version(self._tx, self._vault, key)
        if before is None or before.text is None:
            await self._changed(key, None)
        else:
            after = before._replace(version=before.version + 1, text=None, edited=None)
            await self._preserve_change(self._memory.of(deletion.key.space), before, after, "deletion")
        if before is not None:
            await kept_messages.mark_deleted(self._tx, self._vault, before, self._memory.received)
        for alert in await cases.alerts_resting_on(self._tx, self._vault, key):
            self._shown[alert] = deletion.key.space

    async def _write(self) -> None:
        """Write what was made so far. Edits and deletions read it again; the transaction stays open."""
        tx, vault = self._tx, self._vault
        await add(tx, tables.messages, [kept_messages.row_of(vault, kept) for kept in self._messages])
        await upsert(tx, tables.spaces, [{"space": space} for space in self._touched])
        await save_all(tx, vault, [(self._memory.of(space), touched) for space, touched in self._touched.items()])
        await self._write_alerts()
        await peaks.save(tx, vault, self._peaks)
        await unread.count(tx, self._unread)
        self._messages, self._touched, self._alerts, self._shown = [], {}, [], {}
        self._peaks, self._unread = {}, []
        self._windows, self._said = {}, {}

    async def _write_alerts(self) -> None:
        await cases.save(self._tx, self._vault, self._alerts)
        for alert in self._windows:
            await preserved.window(self._tx, self._vault, alert, self._memory.received, self._said.pop(alert, ()))
        for alert, said in self._said.items():
            await preserved.preserve(self._tx, self._vault, alert, [as_seen(kept) for kept in said])
        heads = {alert: await preserved.head(self._tx, alert) for alert in self._windows}
        deeds = [
            audit.row(
                self._now,
                effect.pair.space,
                "alert opened" if isinstance(effect, OpenAlert) else "alert updated",
                about=effect.alert,
                level=effect.score.level,
                probability=effect.score.probability,
                **heads[effect.alert]._asdict(),
            )
            for effect in self._alerts
        ]
        await audit.record(self._tx, deeds)
        news = [effect for effect in self._alerts if isinstance(effect, OpenAlert) or effect.rose]
        shown = self._shown | {effect.alert: effect.pair.space for effect in news}
        await outbox.put_cards(self._tx, shown, self._now)
        more = {effect.alert: effect.pair.space for effect in self._alerts if effect.alert not in shown}
        await outbox.put_updates(self._tx, more, self._now)


def _key_of(event: Event) -> MessageKey:
    message = event.message if isinstance(event, Edit) else event
    return message.key, message.id


def _by_space(messages: list[Message]) -> dict[str, list[Message]]:
    spaces: dict[str, list[Message]] = {}
    for message in messages:
        spaces.setdefault(message.key.space, []).append(message)
    return spaces


def _purged(marks: Marks, message: Message) -> bool:
    return marks.horizon is not None and message.time is not None and message.time <= marks.horizon


def _advance(marks: Marks, message: Message) -> None:
    """Move the cursor, unless the message is an old one that came late."""
    if message.time is None or marks.newest_time is None or message.time >= marks.newest_time:
        marks.newest_id = message.id
        marks.newest_time = message.time if message.time is not None else marks.newest_time
