"""The tests' own Discord: gateway websocket and REST API over 127.0.0.1, as Discord documents them.

discord.py's real client talks to it; only the addresses in discord.py are changed. It enforces permissions, tokens,
intents, sessions and nonces as Discord does. Each part names the page of Discord's API that it follows.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import discord
import yarl
from aiohttp import WSMsgType, web

from bots.discord_bot.client import Watch
from tests.discord_objects import (
    ALERTS,
    CHANNELS,
    CONTENT_FLAG,
    CONTENT_FLAG_LIMITED,
    DM,
    FORUM,
    GENERAL,
    HISTORY,
    LAMPKEEPER,
    MESSAGE_CONTENT,
    OWNER,
    SEND,
    SERVER,
    TOKEN,
    VIEW,
    Json,
    World,
    shown_text,
)

BODY: web.RequestKey[Any] = web.RequestKey("body", object)
FILES: web.RequestKey[tuple[str, ...]] = web.RequestKey("files", tuple)


class Reply(NamedTuple):
    """What somebody was shown in answer, and whether to nobody else.

    `message` is the whole of it as Discord keeps it (buttons and menus to press next are in it), `files` the names of
    what is attached; `modal` is a form that was opened instead, `choices` what was offered while typing.
    """

    text: str = ""
    ephemeral: bool = False
    message: Json | None = None
    modal: Json | None = None
    choices: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass
class Session:
    """One gateway session: what was sent in it, so that it can be resumed (API, "Resuming")."""

    id: str
    sent: list[Json] = field(default_factory=list)


class Platform(World):
    """Discord, with one server. Change `accept_token`, `flags`, `faults` to set a scene.

    A fault is a pattern for ``METHOD /path``, the status, answer and headers to give instead, once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.accept_token = TOKEN
        self.flags = CONTENT_FLAG_LIMITED
        self.faults: list[tuple[str, int, Json, dict[str, str]]] = []
        self.requests: list[tuple[str, str, Json]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.history = asyncio.Event()
        self.history.set()
        """Cleared, asking for history gets no answer yet."""
        self.identified = asyncio.Event()
        self.identifies = self.resumes = 0
        self.session: Session | None = None
        self.url = ""
        self.commands: list[Json] = []
        """The application's commands, as the bot put them."""
        self._replies: dict[str, asyncio.Future[Reply]] = {}
        self._deferred: dict[str, bool] = {}
        self._pressed: dict[str, Json] = {}
        self._nonces: dict[str, int] = {}
        self._sequence = itertools.count(1)
        self._socket: web.WebSocketResponse | None = None
        self._beats = asyncio.Condition()
        self._last_beat = -1

    # --- the gateway -------------------------------------------------------------------------------------------------

    async def send(self, event: str, data: Json) -> None:
        """Send an event; a client that is away gets it when it resumes, if its session lives."""
        frame = {"op": 0, "s": next(self._sequence), "t": event, "d": data}
        if self.session is not None:
            self.session.sent.append(frame)
        if self._socket is not None and self.identified.is_set():
            await self._write(frame)

    async def _write(self, frame: Json) -> None:
        assert self._socket is not None
        payload = json.dumps(frame).encode()
        await self._socket.send_bytes(self._zlib.compress(payload) + self._zlib.flush(zlib.Z_SYNC_FLUSH))

    async def send_frame(self, frame: Json) -> None:
        """Send any frame, sensible or not."""
        await self._write(frame)

    async def heard(self) -> None:
        """Return when the client has taken in everything sent so far: it answers our heartbeat with the last number."""
        await self.identified.wait()
        async with self._beats:
            self._last_beat = -1
            await self._write({"op": 1, "d": None})
            last = self.session.sent[-1]["s"] if self.session and self.session.sent else 0
            await self._beats.wait_for(lambda: self._last_beat >= last)

    async def gateway(self, request: web.Request) -> web.WebSocketResponse:
        """API, "Gateway": hello, identify or resume, heartbeats; compressed as asked (zlib-stream)."""
        assert request.query["compress"] == "zlib-stream"
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await self.open.wait()
        self._socket, self._zlib = socket, zlib.compressobj()
        await self._write({"op": 10, "d": {"heartbeat_interval": 41250}})
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    await self._received(socket, json.loads(frame.data))
        finally:
            if self._socket is socket:
                self.identified.clear()
                self._socket = None
        return socket

    async def _received(self, socket: web.WebSocketResponse, frame: Json) -> None:
        data = frame["d"]
        if frame["op"] == 1:
            async with self._beats:
                self._last_beat = max(self._last_beat, data or 0)
                self._beats.notify_all()
            await self._write({"op": 11})
        elif frame["op"] == 2:
            self.identifies += 1
            await self._identify(socket, data)
        elif frame["op"] == 6:
            self.resumes += 1
            await self._resume(data)

    async def _identify(self, socket: web.WebSocketResponse, data: Json) -> None:
        if data["token"] != self.accept_token:
            await socket.close(code=4004, message=b"Authentication failed.")
            return
        if data["intents"] & MESSAGE_CONTENT and not self.flags & (CONTENT_FLAG | CONTENT_FLAG_LIMITED):
            await socket.close(code=4014, message=b"Disallowed intent(s).")
            return
        self.session = Session(f"session-{self.identifies}")
        self.identified.set()
        ready = {
            "v": 10,
            "user": self.user(LAMPKEEPER),
            "guilds": [{"id": str(SERVER), "unavailable": True}],
            "session_id": self.session.id,
            "resume_gateway_url": f"ws://{self.url}/gateway",
            "application": {"id": str(LAMPKEEPER), "flags": self.flags},
            "shard": data["shard"],
        }
        await self.send("READY", ready)
        await self.send("GUILD_CREATE", self.guild())

    async def _resume(self, data: Json) -> None:
        if self.session is None or data["session_id"] != self.session.id:
            await self._write({"op": 9, "d": False})
            return
        missed = [frame for frame in self.session.sent if frame["s"] > data["seq"]]
        for frame in missed:
            await self._write(frame)
        self.identified.set()
        await self.send("RESUMED", {})

    async def drop(self, *, forget: bool) -> None:
        """Cut the connection and keep the client away until `open` is set; `forget` the session, or let it resume."""
        self.open.clear()
        self.identified.clear()
        if forget:
            self.session = None
        if self._socket is not None and (transport := self._socket._req.transport if self._socket._req else None):
            transport.abort()

    # --- REST --------------------------------------------------------------------------------------------------------

    @web.middleware
    async def rest(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """API, "Authentication" and "Rate Limits"; Content-Type is exactly application/json, as Discord's is."""
        if not request.path.startswith("/api/"):
            return await handler(request)  # type: ignore[no-any-return]
        path = request.path.removeprefix("/api/v10")
        body, files = await read(request)
        request[BODY], request[FILES] = body, files
        self.requests.append((request.method, path, body))
        for fault in self.faults:
            pattern, status, answer, headers = fault
            if re.fullmatch(pattern, f"{request.method} {path}"):
                self.faults.remove(fault)
                return as_json(answer, status, headers)
        by_token = path.startswith(("/interactions/", "/webhooks/"))
        if not by_token and request.headers.get("Authorization") != f"Bot {self.accept_token}":
            return as_json({"message": "401: Unauthorized", "code": 0}, 401)
        try:
            return await handler(request)  # type: ignore[no-any-return]
        except web.HTTPNotFound:
            return refused(404, 0, "404: Not Found")

    def application(self) -> web.Application:
        """Every route that the bot uses, and no other."""
        app = web.Application(middlewares=[self.rest])
        api = "/api/v10"
        app.add_routes(
            [
                web.get("/gateway", self.gateway),
                web.get(f"{api}/gateway/bot", self.get_gateway),
                web.get(f"{api}/users/@me", self.get_me),
                web.get(f"{api}/oauth2/applications/@me", self.get_application),
                web.get(f"{api}/guilds/{{guild}}", self.get_guild),
                web.get(f"{api}/guilds/{{guild}}/channels", self.get_channels),
                web.get(f"{api}/guilds/{{guild}}/members/{{user}}", self.get_member),
                web.get(f"{api}/channels/{{channel}}", self.get_channel),
                web.get(f"{api}/channels/{{channel}}/messages", self.get_messages),
                web.post(f"{api}/channels/{{channel}}/messages", self.post_message),
                web.patch(f"{api}/channels/{{channel}}/messages/{{message}}", self.patch_message),
                web.post(f"{api}/interactions/{{id}}/{{token}}/callback", self.post_callback),
                web.post(f"{api}/webhooks/{LAMPKEEPER}/{{token}}", self.post_followup),
                web.get(f"{api}/webhooks/{LAMPKEEPER}/{{token}}/messages/@original", self.get_original),
                web.patch(f"{api}/webhooks/{LAMPKEEPER}/{{token}}/messages/@original", self.patch_original),
                web.get(f"{api}/users/@me/guilds", self.get_guilds),
                web.put(f"{api}/applications/{LAMPKEEPER}/commands", self.put_commands),
            ]
        )
        return app

    async def get_gateway(self, _request: web.Request) -> web.Response:
        limits = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
        return as_json({"url": f"ws://{self.url}/gateway", "shards": 1, "session_start_limit": limits})

    async def get_me(self, _request: web.Request) -> web.Response:
        return as_json(self.user(LAMPKEEPER))

    async def get_guilds(self, _request: web.Request) -> web.Response:
        about: Json = {"id": str(SERVER), "name": "server", "icon": None, "owner": False}
        about |= {"permissions": "0", "features": []}
        return as_json([about])

    async def put_commands(self, request: web.Request) -> web.Response:
        """API, "Bulk Overwrite Global Application Commands"."""
        about = {"application_id": str(LAMPKEEPER), "version": "1"}
        self.commands = [command | about | {"id": str(self.id())} for command in request[BODY]]
        return as_json(self.commands)

    async def get_application(self, _request: web.Request) -> web.Response:
        about = {"id": str(LAMPKEEPER), "name": "lampkeeper", "icon": None, "description": "", "summary": ""}
        more = {"bot_public": False, "bot_require_code_grant": False, "verify_key": "", "owner": self.user(OWNER)}
        return as_json(about | more | {"flags": self.flags})

    async def get_guild(self, request: web.Request) -> web.Response:
        if int(request.match_info["guild"]) != SERVER:
            return refused(404, 10004, "Unknown Guild")
        return as_json(
            {name: value for name, value in self.guild().items() if name not in ("channels", "members", "threads")}
        )

    async def get_channels(self, _request: web.Request) -> web.Response:
        return as_json(self.guild()["channels"])

    async def get_member(self, request: web.Request) -> web.Response:
        who = int(request.match_info["user"])
        return as_json(self.member(who) | {"user": self.user(who)})

    async def get_channel(self, request: web.Request) -> web.Response:
        channel = int(request.match_info["channel"])
        if channel not in {*CHANNELS.values(), ALERTS, FORUM}:
            return refused(404, 10003, "Unknown Channel")
        return as_json(self.channel(channel))

    async def get_messages(self, request: web.Request) -> web.Response:
        """API, "Get Channel Messages": newest first; `after` gives the ones that follow it."""
        channel = int(request.match_info["channel"])
        await self.history.wait()
        allowed = self.allows(channel)
        if not allowed & VIEW:
            return refused(403, 50001, "Missing Access")
        said = sorted(self.messages.get(channel, {})) if allowed & HISTORY else []
        limit = int(request.query.get("limit", 50))
        if "after" in request.query:
            said = [number for number in said if number > int(request.query["after"])][:limit]
        elif "before" in request.query:
            said = [number for number in said if number < int(request.query["before"])]
        return as_json([self.messages[channel][number] for number in reversed(said[-limit:])])

    async def post_message(self, request: web.Request) -> web.Response:
        """API, "Create Message", with enforce_nonce."""
        channel = int(request.match_info["channel"])
        if channel not in {*CHANNELS.values(), ALERTS}:
            return refused(404, 10003, "Unknown Channel")
        if not self.allows(channel) & VIEW:
            return refused(403, 50001, "Missing Access")
        if not self.allows(channel) & SEND:
            return refused(403, 50013, "Missing Permissions")
        body = request[BODY]
        if body.get("enforce_nonce") and body["nonce"] in self._nonces:
            return as_json(self.messages[channel][self._nonces[body["nonce"]]])
        embeds, components = body.get("embeds") or [], body.get("components") or []
        posted = self.message(LAMPKEEPER, channel, body.get("content") or "", embeds=embeds, components=components)
        self._nonces[body.get("nonce") or posted["id"]] = int(posted["id"])
        posted["allowed_mentions_asked"] = body.get("allowed_mentions")
        await self.send("MESSAGE_CREATE", self.as_event(posted))
        return as_json(posted)

    async def patch_message(self, request: web.Request) -> web.Response:
        channel, number = int(request.match_info["channel"]), int(request.match_info["message"])
        posted = self.messages.get(channel, {}).get(number)
        if posted is None:
            return refused(404, 10008, "Unknown Message")
        body = request[BODY]
        posted.update({name: body[name] for name in ("content", "embeds", "components") if name in body})
        await self.send("MESSAGE_UPDATE", self.as_event(posted))
        return as_json(posted)

    async def post_callback(self, request: web.Request) -> web.Response:
        """API, "Create Interaction Response", "Interaction Callback Type"."""
        assert request.query["with_response"] == "1"
        body, token, number = request[BODY], request.match_info["token"], request.match_info["id"]
        kind, data = body["type"], body.get("data") or {}
        ephemeral = bool(data.get("flags", 0) & 64)
        answered = self._replies[token]
        about: Json = {"id": number, "type": 3, "response_message_ephemeral": ephemeral}
        if kind == CHANNEL_MESSAGE:
            posted = self._shown(token, data)
            about["response_message_id"] = posted["id"]
            self._answer(answered, data, ephemeral, posted, request[FILES])
        elif kind in (DEFERRED_MESSAGE, DEFERRED_UPDATE):
            self._deferred[token] = ephemeral if kind == DEFERRED_MESSAGE else True
        elif kind == UPDATE_MESSAGE:
            posted = self._pressed[token]
            posted.update({name: data[name] for name in ("content", "embeds", "components") if name in data})
            self._answer(answered, posted, True, posted, request[FILES])
        elif kind == AUTOCOMPLETE_RESULT:
            answered.set_result(Reply(choices=tuple(choice["name"] for choice in data["choices"])))
        else:
            assert kind == MODAL
            answered.set_result(Reply(modal=data))
        return as_json({"interaction": about})

    def _shown(self, token: str, data: Json) -> Json:
        """Keep the first answer to an interaction, for `@original`."""
        posted = self.message(LAMPKEEPER, 0, data.get("content") or "", embeds=data.get("embeds") or [])
        posted["components"] = data.get("components") or []
        self._pressed[token] = posted
        return posted

    def _answer(
        self, answered: asyncio.Future[Reply], data: Json, ephemeral: bool, message: Json, files: tuple[str, ...]
    ) -> None:
        if not answered.done():
            answered.set_result(Reply(shown_text(data), ephemeral, message, files=files))

    async def post_followup(self, request: web.Request) -> web.Response:
        """API, "Create Followup Message": the first after a promise keeps it, and is as ephemeral as that was."""
        token, body = request.match_info["token"], request[BODY]
        if token not in self._replies:
            return refused(401, 50027, "Invalid Webhook Token")
        posted = self._shown(token, body)
        ephemeral = self._deferred.get(token, bool(body.get("flags", 0) & 64))
        self._answer(self._replies[token], body, ephemeral, posted, request[FILES])
        return as_json(posted)

    async def get_original(self, request: web.Request) -> web.Response:
        """API, "Get Original Interaction Response"."""
        return as_json(self._pressed[request.match_info["token"]])

    async def patch_original(self, request: web.Request) -> web.Response:
        """API, "Edit Original Interaction Response": the first after a promise keeps it."""
        token, body = request.match_info["token"], request[BODY]
        if token not in self._replies:
            return refused(401, 50027, "Invalid Webhook Token")
        posted = self._pressed.get(token) or self._shown(token, {})
        posted.update({name: body[name] for name in ("content", "embeds", "components") if name in body})
        self._answer(self._replies[token], posted, self._deferred.get(token, False), posted, request[FILES])
        return as_json(posted)

    def as_event(self, message: Json) -> Json:
        """API, "Message Create": a message of a server carries guild_id and the author's member."""
        if int(message["channel_id"]) == DM:
            return message
        return message | {"guild_id": str(SERVER), "member": self.member(int(message["author"]["id"]))}

    async def interact(
        self, kind: int, data: Json, who: int, channel: int = ALERTS, message: Json | None = None
    ) -> Reply:
        """API, "Interaction Object": somebody does something; returns the first answer."""
        token = f"interaction-{self.id()}"
        self._replies[token] = asyncio.get_running_loop().create_future()
        if message is not None:
            self._pressed[token] = message
        in_server = {
            "guild_id": str(SERVER),
            "guild": {"id": str(SERVER), "locale": "en-US", "features": []},
            "member": self.member(who) | {"user": self.user(who), "permissions": str(self.allows(channel, who))},
            "guild_locale": "en-US",
        }
        frame = {
            "id": str(self.id()),
            "application_id": str(LAMPKEEPER),
            "type": kind,
            "token": token,
            "version": 1,
            "channel_id": str(channel),
            "channel": self.channel(channel),
            "data": data,
            "locale": "en-US",
            "app_permissions": str(self.allows(channel)),
            "entitlements": [],
            "authorizing_integration_owners": {"0": str(SERVER)},
            "attachment_size_limit": 10485760,
            "context": 1 if channel == DM else 0,
        }
        frame |= {"user": self.user(who)} if channel == DM else in_server
        await self.send("INTERACTION_CREATE", frame | ({} if message is None else {"message": message}))
        async with asyncio.timeout(20):
            return await self._replies[token]

    async def press(self, message: Json, custom_id: str, who: int, values: tuple[str, ...] | None = None) -> Reply:
        """Press a button, or choose `values` of a menu. API, "Message Component Data Structure"."""
        found = next(part for part in components(message) if part.get("custom_id") == custom_id)
        data = {"component_type": found["type"], "custom_id": custom_id, "id": 1}
        chosen = {} if values is None else {"values": [*values], "resolved": self.resolved(found["type"], values)}
        channel = int(message["channel_id"]) or ALERTS  # what only one person sees stands in no channel here
        return await self.interact(3, data | chosen, who, channel, message)

    def resolved(self, kind: int, values: tuple[str, ...]) -> Json:
        """API, "Resolved Data Structure", for menus of roles (6) and channels (8)."""
        if kind == ROLE_MENU:
            return {"roles": {value: self.role(int(value)) for value in values}}
        if kind == CHANNEL_MENU:
            return {"channels": {value: self.channel(int(value)) | {"permissions": "0"} for value in values}}
        return {}

    async def submit(self, form: Json, values: Json, who: int, message: Json | None = None) -> Reply:
        """Send a form off with `values` by custom id. API, "Modal Submit Data Structure"."""
        rows = [
            {"type": 1, "id": 1, "components": [{"type": 4, "id": 2, "custom_id": name, "value": value}]}
            for name, value in values.items()
        ]
        return await self.interact(5, {"custom_id": form["custom_id"], "components": rows}, who, ALERTS, message)

    async def command(self, words: str, who: int, channel: int = GENERAL, **options: Any) -> Reply:
        """Use a slash command, as in "lampkeeper settings"; the bot must have put it. API, "Application Command"."""
        return await self.interact(2, self._typed(words, options), who, channel)

    async def typing(self, words: str, option: str, so_far: str, who: int) -> tuple[str, ...]:
        """Begin to type an option of a slash command; returns what is offered."""
        return (await self.interact(4, self._typed(words, {option: so_far}, option), who)).choices

    async def menu(self, name: str, about: int, who: int, channel: int = GENERAL) -> Reply:
        """Choose a context menu's command on a message or a person."""
        put = next(command for command in self.commands if command["name"] == name)
        data = {"id": put["id"], "name": name, "type": put["type"], "target_id": str(about)}
        if put["type"] == USER_COMMAND:
            data["resolved"] = {"users": {about: self.user(about)}, "members": {about: self.member(about)}}
        else:
            data["resolved"] = {"messages": {about: self.messages[channel][about]}}
        return await self.interact(2, data, who, channel)

    def _typed(self, words: str, options: Json, focused: str = "") -> Json:
        """Lay a command's words and options out as Discord does, by what the bot put."""
        name, *rest = words.split()
        put = next(command for command in self.commands if command["name"] == name)
        known, path = put, []
        for word in rest:
            known = next(option for option in known["options"] if option["name"] == word)
            path.append(known)
        kinds = {option["name"]: option["type"] for option in known.get("options", [])}
        given = [
            {"name": option, "type": kinds[option], "value": value, **({"focused": True} if option == focused else {})}
            for option, value in options.items()
        ]
        for part in reversed(path):
            given = [{"name": part["name"], "type": part["type"], "options": given}]
        people = [int(value) for option, value in options.items() if kinds[option] == USER_OPTION]
        places = [int(value) for option, value in options.items() if kinds[option] == CHANNEL_OPTION]
        resolved = {
            "users": {str(who): self.user(who) for who in people},
            "members": {str(who): self.member(who) for who in people},
            "channels": {str(place): self.channel(place) | {"permissions": "0"} for place in places},
        }
        return {"id": put["id"], "name": name, "type": 1, "options": given, "resolved": resolved}


CHANNEL_MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE_MESSAGE, AUTOCOMPLETE_RESULT, MODAL = 4, 5, 6, 7, 8, 9
ROLE_MENU, CHANNEL_MENU = 6, 8
USER_COMMAND = 2
USER_OPTION, CHANNEL_OPTION = 6, 7


def components(message: Json) -> Iterator[Json]:
    """Every component of a message, those in rows too."""
    for part in message["components"]:
        yield part
        yield from part.get("components", [])


async def read(request: web.Request) -> tuple[Any, tuple[str, ...]]:
    """Return a request's JSON, and the names of files that come with it (API, "Uploading Files")."""
    if not request.can_read_body:
        return {}, ()
    if request.content_type != "multipart/form-data":
        return await request.json(), ()
    form = await request.post()
    files = tuple(part.filename for part in form.values() if isinstance(part, web.FileField))
    return json.loads(str(form["payload_json"])), files


def as_json(answer: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    kind = {"Content-Type": "application/json"}
    return web.Response(body=json.dumps(answer).encode(), status=status, headers=kind | (headers or {}))


def refused(status: int, code: int, message: str) -> web.Response:
    return as_json({"message": message, "code": code}, status)


@contextmanager
def pointed_at(url: str) -> Iterator[None]:
    """Point discord.py's addresses at the tests' Discord, which has no limit of one identify in five seconds."""
    kept = discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY, Watch.before_identify_hook

    async def at_once(*_args: Any, **_kwargs: Any) -> None:
        pass

    discord.http.Route.BASE = f"http://{url}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://{url}/gateway")
    Watch.before_identify_hook = at_once  # type: ignore[method-assign]
    try:
        yield
    finally:
        discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = kept[:2]
        Watch.before_identify_hook = kept[2]  # type: ignore[method-assign]


@asynccontextmanager
async def platform() -> AsyncIterator[Platform]:
    """Run the tests' Discord."""
    discord_there = Platform()
    runner = web.AppRunner(discord_there.application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    host, port = site._server.sockets[0].getsockname()  # type: ignore[attr-defined]
    discord_there.url = f"{host}:{port}"
    try:
        with pointed_at(discord_there.url):
            yield discord_there
    finally:
        await runner.cleanup()
