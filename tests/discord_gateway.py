"""The gateway of the tests' Discord: one websocket and one session a shard. API, "Gateway" and "Sharding"."""

from __future__ import annotations

import asyncio
import json
import zlib
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.discord_objects import (
    CONTENT_FLAG,
    CONTENT_FLAG_LIMITED,
    DM,
    LAMPKEEPER,
    MEMBERS_FLAG_LIMITED,
    MESSAGE_CONTENT,
    SERVER,
    TOKEN,
    Json,
    World,
)

MEMBERS, MODERATION = 1 << 1, 1 << 2
ABOUT_MEMBERS = {
    "GUILD_MEMBER_ADD": MEMBERS,
    "GUILD_MEMBER_REMOVE": MEMBERS,
    "GUILD_MEMBER_UPDATE": MEMBERS,
    "GUILD_BAN_ADD": MODERATION,
    "GUILD_BAN_REMOVE": MODERATION,
}
"""Events that are only sent to who asked for them (API, "List of Intents")."""
HEARTBEAT = 41.25


@dataclass
class Session:
    """What was sent to one shard, so that it can be resumed (API, "Resuming")."""

    id: str
    intents: int
    sent: list[Json] = field(default_factory=list)
    last: int = 0

    def frame(self, event: str, data: Json) -> Json:
        """Number an event and keep it."""
        self.last += 1
        frame = {"op": 0, "s": self.last, "t": event, "d": data}
        self.sent.append(frame)
        return frame


class Wire:
    """One connection, compressed as asked (zlib-stream)."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.silent = False
        """The connection is a zombie: it stands, and nothing comes any more."""
        self._zlib = zlib.compressobj()

    async def write(self, frame: Json) -> None:
        await self.write_text(json.dumps(frame).encode())

    async def write_text(self, payload: bytes) -> None:
        if not self.silent:
            await self.socket.send_bytes(self._zlib.compress(payload) + self._zlib.flush(zlib.Z_SYNC_FLUSH))

    def cut(self) -> None:
        """Break the connection without a word."""
        if transport := self.socket._req.transport if self.socket._req else None:
            transport.abort()


class Link:
    """One shard: its session, and the connection that it has now."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.wire: Wire | None = None
        self.identified = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        """Cleared, nobody who connects is answered."""
        self._beats = asyncio.Condition()
        self._last_beat = -1

    async def send(self, event: str, data: Json) -> None:
        """Send an event; a client that is away gets it when it resumes, if its session lives."""
        if self.session is None:
            return
        frame = self.session.frame(event, data)
        if self.wire is not None and self.identified.is_set():
            await self.wire.write(frame)

    async def beat(self, number: int | None) -> None:
        async with self._beats:
            self._last_beat = max(self._last_beat, number or 0)
            self._beats.notify_all()

    async def heard(self) -> None:
        """Return when the client has taken in everything sent so far: it answers our heartbeat with the last number."""
        await self.identified.wait()
        assert self.wire is not None
        assert self.session is not None
        async with self._beats:
            self._last_beat = -1
            await self.wire.write({"op": 1, "d": None})
            last = self.session.last
            await self._beats.wait_for(lambda: self._last_beat >= last)

    def cut(self, *, forget: bool) -> None:
        """Break the connection; `forget` the session, or let it resume."""
        self.identified.clear()
        if forget:
            self.session = None
        if self.wire is not None:
            self.wire.cut()


class Gateway(World):
    """Discord's gateway. Set `shards` and `heartbeat` (seconds) before the bot connects."""

    def __init__(self) -> None:
        super().__init__()
        self.accept_token = TOKEN
        self.flags = CONTENT_FLAG_LIMITED | MEMBERS_FLAG_LIMITED
        self.shards = 1
        self.heartbeat = HEARTBEAT
        self.open = asyncio.Event()
        self.open.set()
        """Cleared, nobody who connects is greeted, on any shard."""
        self.identifies = self.resumes = self.beats = 0
        self.url = ""
        self._links: dict[int, Link] = {}

    def link(self, shard: int = 0) -> Link:
        """Return one shard."""
        return self._links.setdefault(shard, Link())

    @property
    def links(self) -> list[Link]:
        return [self.link(shard) for shard in range(self.shards)]

    @property
    def identified(self) -> asyncio.Event:
        return self.link().identified

    def shard_of(self, server: int) -> int:
        """API, "Sharding"."""
        return (server >> 22) % self.shards

    # --- what happens ------------------------------------------------------------------------------------------------

    async def send(self, event: str, data: Json) -> None:
        """Send an event to the shard of its server; what is of no server goes to the first."""
        server = data.get("guild_id") or (data["id"] if event.startswith("GUILD_") else 0)
        link = self.link(self.shard_of(int(server)))
        needed = ABOUT_MEMBERS.get(event, 0)
        about_itself = event == "GUILD_MEMBER_UPDATE" and data["user"]["id"] == str(LAMPKEEPER)
        if link.session is None or not needed or link.session.intents & needed or about_itself:
            await link.send(event, data)

    async def send_frame(self, frame: Json, shard: int = 0) -> None:
        """Send any frame, sensible or not."""
        wire = self.link(shard).wire
        assert wire is not None
        await wire.write(frame)

    async def heard(self) -> None:
        """Return when the client has taken in everything sent so far, on every shard."""
        for link in self.links:
            await link.heard()

    def let_in(self) -> None:
        """Let whoever is kept away connect again."""
        self.open.set()
        for link in self.links:
            link.open.set()

    async def drop(self, *, forget: bool, shard: int | None = None) -> None:
        """Cut the connections, or one, until `let_in`; `forget` the session, or let it resume."""
        (self.open if shard is None else self.link(shard).open).clear()
        for number in range(self.shards) if shard is None else [shard]:
            self.link(number).cut(forget=forget)

    async def ask_to_reconnect(self, shard: int = 0) -> None:
        """API, "Reconnect": op 7."""
        await self.send_frame({"op": 7, "d": None}, shard)
        self.link(shard).identified.clear()

    async def invalidate(self, *, resumable: bool, shard: int = 0) -> None:
        """API, "Invalid Session": op 9."""
        await self.send_frame({"op": 9, "d": resumable}, shard)
        self.link(shard).identified.clear()
        if not resumable:
            self.link(shard).session = None

    def make_zombie(self, shard: int = 0) -> None:
        """Let a connection stand, but say nothing more on it, and answer no heartbeat."""
        wire = self.link(shard).wire
        assert wire is not None
        wire.silent = True

    async def remove(self, server: int) -> None:
        """Remove the bot from a server. API, "Guild Delete"."""
        self.servers.remove(server)
        await self.send("GUILD_DELETE", {"id": str(server)})

    async def fail(self, server: int) -> None:
        """Have an outage in a server. API, "Guild Delete", "Unavailable Guild Object"."""
        self.outages.add(server)
        await self.send("GUILD_DELETE", {"id": str(server), "unavailable": True})

    async def recover(self, server: int) -> None:
        """End the outage."""
        self.outages.discard(server)
        await self.send("GUILD_CREATE", self.guild(server))

    async def join(self, server: int) -> None:
        """Let the bot into a server that `add_server` made while it runs; not `unavailable`, as after an outage."""
        await self.send("GUILD_CREATE", {name: v for name, v in self.guild(server).items() if name != "unavailable"})

    async def create_thread(self, thread: int, parent: int) -> None:
        """Open a thread, or a post in a forum, in the server of `parent`. API, "Thread Create"."""
        self._homes[thread] = self.home(parent)
        self.threads[thread] = parent
        await self.send("THREAD_CREATE", self.channel(thread) | {"newly_created": True})

    async def delete_thread(self, thread: int) -> None:
        """API, "Thread Delete"."""
        parent = self.threads.pop(thread)
        about = {"id": str(thread), "guild_id": str(self.home(parent)), "parent_id": str(parent), "type": 11}
        await self.send("THREAD_DELETE", about)

    async def sync_threads(self, parent: int) -> None:
        """Tell which threads there are in a channel that the bot may see since now. API, "Thread List Sync"."""
        threads = [self.channel(thread) for thread, its in self.threads.items() if its == parent]
        about = {"guild_id": str(self.home(parent)), "channel_ids": [str(parent)]}
        await self.send("THREAD_LIST_SYNC", about | {"threads": threads, "members": []})

    async def change_channel(self, channel: int) -> None:
        """Tell how a channel stands now. API, "Channel Update"."""
        await self.send("CHANNEL_UPDATE", self.channel(channel))

    async def change_member(self, who: int, server: int = SERVER) -> None:
        """Tell how a member stands now. API, "Guild Member Update"."""
        about = {"guild_id": str(server), "user": self.user(who)}
        await self.send("GUILD_MEMBER_UPDATE", self.member(who, server) | about)

    async def sweep(self, messages: list[Json]) -> None:
        """Delete messages of one channel at once. API, "Message Delete Bulk"."""
        channel = int(messages[0]["channel_id"])
        for message in messages:
            del self.messages[channel][int(message["id"])]
        about = {"channel_id": str(channel), "guild_id": str(self.home(channel))}
        await self.send("MESSAGE_DELETE_BULK", about | {"ids": [message["id"] for message in messages]})

    # --- the protocol ------------------------------------------------------------------------------------------------

    async def gateway(self, request: web.Request) -> web.WebSocketResponse:
        """Say hello, identify or resume, answer heartbeats."""
        assert request.query["compress"] == "zlib-stream"
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await self.open.wait()
        wire, link = Wire(socket), None
        await wire.write({"op": 10, "d": {"heartbeat_interval": round(self.heartbeat * 1000)}})
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    link = await self._received(wire, link, json.loads(frame.data))
        finally:
            if link is not None and link.wire is wire:
                link.identified.clear()
                link.wire = None
        return socket

    async def _received(self, wire: Wire, link: Link | None, frame: Json) -> Link | None:
        data = frame["d"]
        if frame["op"] == 1:
            self.beats += 1
            if link is not None:
                await link.beat(data)
            await wire.write({"op": 11})
        elif frame["op"] == 2:
            self.identifies += 1
            link = await self._identify(wire, data)
        elif frame["op"] == 6:
            self.resumes += 1
            link = await self._resume(wire, data)
        return link

    async def _identify(self, wire: Wire, data: Json) -> Link | None:
        intents = data["intents"]
        if data["token"] != self.accept_token:
            await wire.socket.close(code=4004, message=b"Authentication failed.")
            return None
        unset = intents & MESSAGE_CONTENT and not self.flags & (CONTENT_FLAG | CONTENT_FLAG_LIMITED)
        if unset or (intents & MEMBERS and not self.flags & (MEMBERS_FLAG_LIMITED | MEMBERS_FLAG_LIMITED >> 1)):
            await wire.socket.close(code=4014, message=b"Disallowed intent(s).")
            return None
        shard, count = data["shard"]
        assert count == self.shards
        link = self.link(shard)
        await link.open.wait()
        link.session, link.wire = Session(f"session-{self.identifies}", intents), wire
        link.identified.set()
        here = [server for server in self.servers if self.shard_of(server) == shard]
        ready = {
            "v": 10,
            "user": self.user(LAMPKEEPER),
            "guilds": [{"id": str(server), "unavailable": True} for server in here],
            "session_id": link.session.id,
            "resume_gateway_url": f"ws://{self.url}/gateway",
            "application": {"id": str(LAMPKEEPER), "flags": self.flags},
            "shard": data["shard"],
        }
        await link.send("READY", ready)
        for server in here:
            if server not in self.outages:
                await link.send("GUILD_CREATE", self.guild(server))
        return link

    async def _resume(self, wire: Wire, data: Json) -> Link | None:
        mine = [link for link in self.links if link.session and link.session.id == data["session_id"]]
        if not mine:
            await wire.write({"op": 9, "d": False})
            return None
        link = mine[0]
        await link.open.wait()
        assert link.session is not None
        link.wire = wire
        for frame in [frame for frame in link.session.sent if frame["s"] > data["seq"]]:
            await wire.write(frame)
        link.identified.set()
        await link.send("RESUMED", {})
        return link

    def as_event(self, message: Json) -> Json:
        """API, "Message Create": a message of a server carries guild_id and the author's member."""
        channel = int(message["channel_id"])
        if channel == DM:
            return message
        server = self.home(channel)
        return message | {"guild_id": str(server), "member": self.member(int(message["author"]["id"]), server)}
