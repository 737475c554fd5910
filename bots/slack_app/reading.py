"""One channel, as Slack's history tells it: what was said, edited and deleted while nobody listened.

Leans on `bots.slack_app.api` and, by `Memory`, on the guard, which counts each message once, so that every doubt is
settled by reading. Who reads what when is `history`'s and `sweep`'s to say (`Span`). Decisions:

- History is read from its newest message backwards, until enough from before `Span.since` was seen: where little was
  said, that is one call a channel (https://docs.slack.dev/reference/methods/conversations.history). It tells only what
  is there now: a message written and deleted while nobody listened is not in it, of an edited one the last version.
- What was seen is a stretch without a hole, from the oldest message of it on, wherever reading stopped. What is kept of
  that stretch and was not seen was deleted (`bots.common.gaps`); what is kept and has another text was edited. A
  tombstone counts as not seen. Where nothing was shown, nothing is concluded.
- A reply does not show in the channel's history, but its thread's first message tells how many replies there are, and
  when the latest came. So a thread is read where there are newer replies than were read, fewer than are kept, or where
  it was talked in just before (`Span.again`), for edits. A program's replies count there and are not kept, so that a
  deletion may hide behind them in a thread in which nobody wrote lately; and a thread whose first message is older than
  all that was read is not found.
- Replies stay when their thread's first message is deleted: Slack keeps a tombstone in its place, as long as there are
  any. So where a tombstone comes without replies, they are not shown, and nothing is concluded.
- A thread's own history is read whole from a time on, or not at all: Slack gives it oldest first. Of what is read once
  more, only what may have been missed (`Span.dropped`) is passed on: what is not kept may be a forgotten person's.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from slack_sdk.web.async_client import AsyncWebClient

from bots.common.remembered import Remembered
from bots.slack_app.api import Method, RefusalError, pages
from bots.slack_app.pace import Pace
from bots.slack_app.translate import Raw, conversation_of, thread_of
from core.messages import ConversationKey

OLDER = 50
"""Messages before a gap that are looked through for edits, deletions and threads that go on."""
JOINED = frozenset(("channel_join", "group_join"))
"""Subtypes of the message that somebody came into a channel."""
TOMBSTONE = "tombstone"
"""Subtype of what is left of a deleted message that had replies."""
THREADS_KEPT, THREAD_SECONDS = 10_000, 86_400.0
TICK = 1e-6
"""Of Slack's clock, in seconds."""

Json = dict[str, Any]


class Memory(Protocol):
    """What the guard is asked and told."""

    @property
    def joined(self) -> float:
        """Since when the workspace is served (seconds since the epoch): nothing older is read."""

    async def cursor(self, key: ConversationKey) -> str | None:
        """Id of the newest committed message of a conversation."""

    async def last_alive(self, platform: str) -> float | None:
        """Until when everything Slack showed is known to be stored; None if it never was."""

    async def last_forgotten(self) -> float | None:
        """When somebody's data was deleted last; None if it never was."""

    async def kept(self, conversations: Collection[str]) -> dict[str, set[str]]:
        """Ids of the messages that are kept and not known to be deleted, by conversation."""

    async def compare(
        self, key: ConversationKey, since: float, until: float, shown: AbstractSet[str]
    ) -> AbstractSet[str]:
        """Take note that what is kept of a stretch and not `shown` was deleted; return what is kept and shown."""

    def listening(self, platform: str, is_listening: bool) -> None:
        """Take note whether nothing is left to read."""


class Span(NamedTuple):
    """What of a channel is read; times are seconds since the epoch.

    `since`: what was said later may have been missed. `edited`: so may edits made later. `again`: threads in which
    something was said later are read from then on, whatever was read of them. `start`: nothing older is read. `until`:
    of what was said later nothing is concluded. `older`: messages from before `since` to see. `brief`: one page and no
    more. `dropped`: replies said later may have been missed even where newer ones are kept. `changed`: messages that
    were heard of meanwhile, as they read now.
    """

    since: float
    edited: float
    again: float
    start: float = 0.0
    until: float = math.inf
    older: int = OLDER
    brief: bool = False
    dropped: float = math.inf
    changed: AbstractSet[str] = frozenset()


@dataclass(eq=False)
class Reader:
    """Reads channels of a workspace; `user` is the app's own, `deliver` gets what was found, as if it came now."""

    client: AsyncWebClient
    memory: Memory
    space: str
    user: str
    deliver: Callable[[Raw], Awaitable[bool]]
    pace: Pace
    _threads_read: Remembered[str, float] = field(
        default_factory=lambda: Remembered[str, float](THREADS_KEPT), init=False
    )
    """Up to which reply a thread was read, whoever wrote that."""

    async def read(self, channel: Json, span: Span) -> bool:
        """Read a channel, oldest first, then its threads; False if `span.since` was not reached."""
        name = str(channel["id"])
        seen, start, reached = await self._back(name, span)
        said = [message for message in seen if thread_of(message) is None and float(message["ts"]) >= start]
        standing = await self._compare(name, None, said, (_oldest(said), span.until)) if said else frozenset[str]()
        # A reply that was also sent to the channel comes with its thread, so that it does not overtake other replies.
        missed = [m for m in said if float(m["ts"]) > span.since and m["ts"] not in standing]
        await self._pass_on(channel, missed)
        await self._pass_on_edits(channel, said, standing | {str(message["ts"]) for message in missed}, span)
        await self._read_threads(channel, seen, span._replace(start=start))
        return reached

    async def pass_on_as_it_reads(self, channel: Json, message: Json) -> bool:
        """Deliver a message of a channel's history as it reads now, wherever reading stands; False if it is none."""
        return await self.deliver({"subtype": "message_changed", "message": message, **_place(channel)})

    async def _back(self, channel: str, span: Span) -> tuple[list[Json], float, bool]:
        """Return what was said back to `span.since` and some before, since when the app is there, and if it is all."""
        seen: list[Json] = []
        start, older = span.start, 0
        async for page in self._pages(self.client.conversations_history, channel=channel):
            seen += page
            came = (m["ts"] for m in page if m.get("subtype") in JOINED and m.get("user") == self.user)
            start = max(start, *map(float, came), 0.0)
            times = [float(message["ts"]) for message in page]
            older += sum(time <= span.since for time in times)
            if older >= span.older or (older and self.pace.seconds) or (times and start >= min(times)):
                break
            if span.brief:
                return seen, start, False
        return seen, start, True

    async def _read_threads(self, channel: Json, seen: list[Json], span: Span) -> None:
        """Read the threads that were seen, where there is something to find."""
        name = str(channel["id"])
        roots = {str(message["ts"]): message for message in seen if thread_of(message) is None}
        kept = await self.memory.kept([conversation_of(name, thread) for thread in roots])
        missed = (message for message in seen if float(message["ts"]) > max(span.since, span.start))
        said = {str(message["thread_ts"]) for message in missed if message.get("thread_ts")}
        for thread in sorted(said | roots.keys()):
            root, ids = roots.get(thread, {}), kept.get(conversation_of(name, thread), set())
            latest, fewer = float(root.get("latest_reply") or 0.0), _fewer(root, ids)
            if not (thread in said or latest or fewer):
                continue
            key = ConversationKey(self.space, conversation_of(name, thread))
            cursor = await self.memory.cursor(key)
            left = max(float(cursor) if cursor else max(float(thread), span.edited), span.start)
            known = max(left, self._threads_read.get(key.conversation) or 0.0)
            if thread in said or latest > min(known, span.again) or fewer:
                first = min(map(float, ids)) - TICK if fewer else math.inf
                since = max(min(left, span.again, first), span.start)
                await self._read_thread(channel, thread, since, min(left, span.dropped), span)
                self._threads_read.put(key.conversation, latest, THREAD_SECONDS)

    async def _read_thread(self, channel: Json, thread: str, since: float, missed: float, span: Span) -> None:
        """Read a thread from `since` on; what was said after `missed` may have been missed."""
        name, found = str(channel["id"]), list[Json]()
        try:
            async for page in self._pages(
                self.client.conversations_replies, channel=name, ts=thread, oldest=f"{since:.6f}"
            ):
                found += page
        except RefusalError as error:
            if error.code != "thread_not_found":
                raise
            return  # it was deleted since its first message was seen
        # Every page begins with the thread's first message, which is the channel's.
        replies = [reply for reply in found if thread_of(reply) is not None]
        alone = not replies and any(message.get("subtype") == TOMBSTONE for message in found)
        if found and not alone:
            standing = await self._compare(name, thread, replies, (since + TICK, span.until))
            new = [reply for reply in replies if float(reply["ts"]) > missed and reply["ts"] not in standing]
            await self._pass_on(channel, new)
            await self._pass_on_edits(channel, replies, standing | {str(reply["ts"]) for reply in new}, span)

    async def _compare(
        self, channel: str, thread: str | None, seen: list[Json], stretch: tuple[float, float]
    ) -> AbstractSet[str]:
        shown = frozenset(str(message["ts"]) for message in seen if message.get("subtype") != TOMBSTONE)
        key = ConversationKey(self.space, conversation_of(channel, thread))
        return await self.memory.compare(key, *stretch, shown)

    async def _pass_on(self, channel: Json, messages: list[Json]) -> None:
        """Deliver messages read from history as if they came now, oldest first."""
        for message in sorted(messages, key=lambda message: float(message["ts"])):
            await self.deliver({**message, **_place(channel)})

    async def _pass_on_edits(self, channel: Json, messages: list[Json], kept: AbstractSet[str], span: Span) -> None:
        """Deliver what was edited of what is kept; the guard leaves out what it knows already."""
        for message in messages:
            edited = float((message.get("edited") or {}).get("ts", 0.0))
            if edited > span.edited and message["ts"] in kept and message["ts"] not in span.changed:
                await self.pass_on_as_it_reads(channel, message)

    def _pages(self, method: Method, **arguments: Any) -> AsyncIterator[list[Json]]:
        return pages(method, "messages", through=self.pace.call, **arguments)


def _oldest(messages: list[Json]) -> float:
    return min(float(message["ts"]) for message in messages)


def _fewer(root: Json, kept: AbstractSet[str]) -> bool:
    """Tell whether a thread's first message tells of less than is kept of its replies."""
    return len(kept) > int(root.get("reply_count") or 0) or any(
        float(reply) > float(root.get("latest_reply") or 0.0) for reply in kept
    )


def _place(channel: Json) -> dict[str, str]:
    """Return the fields by which an event names where it happened; history leaves them out."""
    return {"channel": channel["id"], "channel_type": "mpim" if channel.get("is_mpim") else "channel"}
