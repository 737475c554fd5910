"""The tests' own Discord: its REST API and interactions over 127.0.0.1, as Discord documents them.

Leans on `tests.discord_gateway` for the websocket. discord.py's real client talks to it; only the addresses in
discord.py are changed. It enforces permissions, tokens, intents, sessions, nonces, rate limits and the limits of forms
as Discord does. Each part names the page of Discord's API that it follows.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import discord
import yarl
from aiohttp import web

from bots.discord_bot.client import Watch
from tests.discord_gateway import Gateway
from tests.discord_objects import (
    ALERTS,
    BAN_MEMBERS,
    DM,
    GENERAL,
    HISTORY,
    LAMPKEEPER,
    MANAGE_ROLES,
    MODERATE_MEMBERS,
    OWNER,
    SEND,
    VIEW,
    Json,
    overwrite,
    shown_text,
    stamp,
)
from tests.discord_rules import Limit, faults_of, faults_of_choices, faults_of_command, faults_of_form

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


class Platform(Gateway):
    """Discord. Change `accept_token`, `flags`, `faults`, `limits` and what `World` and `Gateway` have to set a scene.

    A fault is a pattern for ``METHOD /path``, the status, answer and headers to give instead, once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.limits: list[Limit] = []
        self.patience = 20.0
        """Seconds after which somebody is told that nothing answers."""
        self.lost: list[str] = []
        """Patterns for ``METHOD /path`` of what is done, but whose answer is lost on the way, once each."""
        self.late_callbacks = self.late_followups = False
        """Whether first answers to interactions come after more than 3 seconds, and later ones after 15 minutes."""
        self.faults: list[tuple[str, int, Json, dict[str, str]]] = []
        self.requests: list[tuple[str, str, Json]] = []
        self.history = asyncio.Event()
        self.history.set()
        """Cleared, asking for history gets no answer yet."""
        self.invited_by = OWNER
        self.commands: list[Json] = []
        """The application's commands, as the bot put them."""
        self._replies: dict[str, asyncio.Future[Reply]] = {}
        self._deferred: dict[str, bool] = {}
        self._pressed: dict[str, Json] = {}
        self._nonces: dict[str, int] = {}
        self.attachment_limit = 10 * 2**20
        """Bytes that may be attached to an answer."""

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
        wait, headers, everywhere = self._limited(f"{request.method} {path}")
        if wait is not None:
            answer = {"message": "You are being rate limited.", "retry_after": wait, "global": everywhere}
            return as_json(answer, 429, headers)
        by_token = path.startswith(("/interactions/", "/webhooks/"))
        if not by_token and request.headers.get("Authorization") != f"Bot {self.accept_token}":
            return as_json({"message": "401: Unauthorized", "code": 0}, 401)
        try:
            response: web.StreamResponse = await handler(request)
        except web.HTTPNotFound:
            response = refused(404, 0, "404: Not Found")
        for pattern in self.lost:
            if re.fullmatch(pattern, f"{request.method} {path}"):
                self.lost.remove(pattern)
                return as_json({"message": "502: Bad Gateway", "code": 0}, 502)
        response.headers.update(headers)
        return response

    def _limited(self, call: str) -> tuple[float | None, dict[str, str], bool]:
        """Return the seconds to wait, if a limit says so, with the headers, and whether it holds for every route."""
        told: dict[str, str] = {}
        for limit in self.limits:
            if limit.holds_for(call):
                wait, headers = limit.spend(call)
                told |= headers
                if wait is not None:
                    return wait, headers, limit.everywhere
        return None, told, False

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
                web.get(f"{api}/channels/{{channel}}/threads/archived/public", self.get_archived),
                web.post(f"{api}/channels/{{channel}}/messages", self.post_message),
                web.patch(f"{api}/channels/{{channel}}/messages/{{message}}", self.patch_message),
                web.post(f"{api}/interactions/{{id}}/{{token}}/callback", self.post_callback),
                web.post(f"{api}/webhooks/{LAMPKEEPER}/{{token}}", self.post_followup),
                web.get(f"{api}/webhooks/{LAMPKEEPER}/{{token}}/messages/@original", self.get_original),
                web.patch(f"{api}/webhooks/{LAMPKEEPER}/{{token}}/messages/@original", self.patch_original),
                web.get(f"{api}/users/@me/guilds", self.get_guilds),
                web.post(f"{api}/users/@me/channels", self.post_direct),
                web.get(f"{api}/guilds/{{guild}}/audit-logs", self.get_audit_log),
                web.put(f"{api}/applications/{LAMPKEEPER}/commands", self.put_commands),
                web.patch(f"{api}/guilds/{{guild}}/members/{{user}}", self.patch_member),
                web.put(f"{api}/guilds/{{guild}}/bans/{{user}}", self.put_ban),
                web.delete(f"{api}/guilds/{{guild}}/bans/{{user}}", self.delete_ban),
                web.put(f"{api}/channels/{{channel}}/permissions/{{who}}", self.put_overwrite),
                web.delete(f"{api}/channels/{{channel}}/permissions/{{who}}", self.delete_overwrite),
            ]
        )
        return app

    async def get_gateway(self, _request: web.Request) -> web.Response:
        limits = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
        return as_json({"url": f"ws://{self.url}/gateway", "shards": self.shards, "session_start_limit": limits})

    async def get_me(self, _request: web.Request) -> web.Response:
        return as_json(self.user(LAMPKEEPER))

    async def get_guilds(self, _request: web.Request) -> web.Response:
        about: Json = {"name": "server", "icon": None, "owner": False, "permissions": "0", "features": []}
        return as_json([about | {"id": str(server)} for server in self.servers])

    async def put_commands(self, request: web.Request) -> web.Response:
        """API, "Bulk Overwrite Global Application Commands"."""
        if faults := [fault for command in request[BODY] for fault in faults_of_command(command)]:
            return invalid(faults)
        about = {"application_id": str(LAMPKEEPER), "version": "1"}
        self.commands = [{"description": "", **command, **about, "id": str(self.id())} for command in request[BODY]]
        return as_json(self.commands)

    async def post_direct(self, request: web.Request) -> web.Response:
        """API, "Create DM": the one DM there is, whoever it is with."""
        return as_json(self.channel(DM) | {"recipients": [self.user(int(request[BODY]["recipient_id"]))]})

    async def get_audit_log(self, _request: web.Request) -> web.Response:
        """API, "Get Guild Audit Log": who added the bot."""
        if not self.allows(0) & VIEW_AUDIT_LOG:
            return refused(403, 50013, "Missing Permissions")
        entry = {"id": str(self.id()), "user_id": str(self.invited_by), "target_id": str(LAMPKEEPER)}
        about: Json = {"users": [self.user(self.invited_by)], "audit_log_entries": [entry | {"action_type": BOT_ADD}]}
        lists = ("application_commands", "auto_moderation_rules", "guild_scheduled_events", "integrations")
        return as_json(about | {name: [] for name in (*lists, "threads", "webhooks")})

    async def get_application(self, _request: web.Request) -> web.Response:
        about = {"id": str(LAMPKEEPER), "name": "lampkeeper", "icon": None, "description": "", "summary": ""}
        more = {"bot_public": False, "bot_require_code_grant": False, "verify_key": "", "owner": self.user(OWNER)}
        return as_json(about | more | {"flags": self.flags})

    async def get_guild(self, request: web.Request) -> web.Response:
        server = int(request.match_info["guild"])
        if server not in self.servers:
            return refused(404, 10004, "Unknown Guild")
        hidden = ("channels", "members", "threads")
        return as_json({name: value for name, value in self.guild(server).items() if name not in hidden})

    async def get_channels(self, request: web.Request) -> web.Response:
        return as_json(self.guild(int(request.match_info["guild"]))["channels"])

    async def get_member(self, request: web.Request) -> web.Response:
        who, server = int(request.match_info["user"]), int(request.match_info["guild"])
        if who in self.left | self.banned:
            return refused(404, 10007, "Unknown Member")
        return as_json(self.member(who, server) | {"user": self.user(who)})

    async def patch_member(self, request: web.Request) -> web.Response:
        """API, "Modify Guild Member": only a timeout is known here."""
        if not self.roles_allow() & MODERATE_MEMBERS:
            return refused(403, 50013, "Missing Permissions")
        who, until = int(request.match_info["user"]), request[BODY]["communication_disabled_until"]
        self.timed_out |= {who: until}
        return as_json(self.member(who) | {"user": self.user(who)})

    async def put_ban(self, request: web.Request) -> web.Response:
        """API, "Create Guild Ban"."""
        if not self.roles_allow() & BAN_MEMBERS:
            return refused(403, 50013, "Missing Permissions")
        who = int(request.match_info["user"])
        self.banned.add(who)
        if int(request.query.get("delete_message_seconds", 0)):
            for said in self.messages.values():
                for number in [number for number, message in said.items() if message["author"]["id"] == str(who)]:
                    del said[number]
        return web.Response(status=204)

    async def delete_ban(self, request: web.Request) -> web.Response:
        """API, "Remove Guild Ban"."""
        who = int(request.match_info["user"])
        if who not in self.banned:
            return refused(404, 10026, "Unknown Ban")
        self.banned.remove(who)
        return web.Response(status=204)

    async def put_overwrite(self, request: web.Request) -> web.Response:
        """API, "Edit Channel Permissions"; everybody's client is told (Channel Update)."""
        body, who = request[BODY], int(request.match_info["who"])
        new = overwrite(who, allow=int(body["allow"]), deny=int(body["deny"]), member=body["type"] == 1)
        return await self._overwritten(request, new)

    async def delete_overwrite(self, request: web.Request) -> web.Response:
        """API, "Delete Channel Permission"."""
        return await self._overwritten(request, None)

    async def _overwritten(self, request: web.Request, new: Json | None) -> web.Response:
        channel, who = int(request.match_info["channel"]), request.match_info["who"]
        if not self.allows(channel) & MANAGE_ROLES:
            return refused(403, 50013, "Missing Permissions")
        others = [held for held in self.overwrites.get(channel, []) if held["id"] != who]
        self.overwrites[channel] = others if new is None else [*others, new]
        await self.send("CHANNEL_UPDATE", self.channel(channel))
        return web.Response(status=204)

    async def get_channel(self, request: web.Request) -> web.Response:
        channel = int(request.match_info["channel"])
        if not self.exists(channel):
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

    async def get_archived(self, request: web.Request) -> web.Response:
        """API, "List Public Archived Threads"; here all of them were archived just now."""
        parent = request.match_info["channel"]
        if not self.allows(int(parent)) & HISTORY:
            return refused(403, 50001, "Missing Access")
        threads = [self.channel(thread) for thread in self.archived]
        since = {"archived": True, "archive_timestamp": stamp(time.time())}
        mine = [thread | {"thread_metadata": thread["thread_metadata"] | since} for thread in threads]
        mine = [thread for thread in mine if thread["parent_id"] == parent]
        return as_json({"threads": mine, "members": [], "has_more": False})

    async def post_message(self, request: web.Request) -> web.Response:
        """API, "Create Message", with enforce_nonce."""
        channel = int(request.match_info["channel"])
        if not self.exists(channel):
            return refused(404, 10003, "Unknown Channel")
        if not self.allows(channel) & VIEW:
            return refused(403, 50001, "Missing Access")
        if not self.allows(channel) & SEND:
            return refused(403, 50013, "Missing Permissions")
        body = request[BODY]
        if faults := [*faults_of(body)]:
            return invalid(faults)
        if body.get("enforce_nonce") and body["nonce"] in self._nonces:
            return as_json(self.messages[channel][self._nonces[body["nonce"]]])
        embeds, components = body.get("embeds") or [], body.get("components") or []
        posted = self.message(LAMPKEEPER, channel, body.get("content") or "", embeds=embeds, components=components)
        self._nonces[body.get("nonce") or posted["id"]] = int(posted["id"])
        if body.get("message_reference"):
            ids = ("message_id", "channel_id", "guild_id")
            answered = {name: str(body["message_reference"][name]) for name in ids}
            posted |= {"type": 19, "message_reference": {"type": 0, **answered}}
        posted["allowed_mentions_asked"] = body.get("allowed_mentions")
        await self.send("MESSAGE_CREATE", self.as_event(posted))
        return as_json(posted)

    async def patch_message(self, request: web.Request) -> web.Response:
        channel, number = int(request.match_info["channel"]), int(request.match_info["message"])
        posted = self.messages.get(channel, {}).get(number)
        if posted is None:
            return refused(404, 10008, "Unknown Message")
        if not self.allows(channel) & VIEW:
            return refused(403, 50001, "Missing Access")
        body = request[BODY]
        if faults := [*faults_of(body)]:
            return invalid(faults)
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
        if self.late_callbacks:
            self._give_up(token)
            return refused(404, 10062, "Unknown interaction")
        check = {MODAL: faults_of_form, AUTOCOMPLETE_RESULT: lambda sent: faults_of_choices(sent["choices"])}
        if faults := [*check.get(kind, faults_of)(data)]:
            return invalid(faults)
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
        if (gone := self._gone(token)) or (gone := invalid(faults) if (faults := [*faults_of(body)]) else None):
            return gone
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
        if (gone := self._gone(token)) or (gone := invalid(faults) if (faults := [*faults_of(body)]) else None):
            return gone
        posted = self._pressed.get(token) or self._shown(token, {})
        posted.update({name: body[name] for name in ("content", "embeds", "components") if name in body})
        self._answer(self._replies[token], posted, self._deferred.get(token, False), posted, request[FILES])
        return as_json(posted)

    def _gone(self, token: str) -> web.Response | None:
        """Refuse what comes later than 15 minutes after the interaction, or after none (API, "Followup Messages")."""
        if token in self._replies and not (self.late_callbacks or self.late_followups):
            return None
        self._give_up(token)
        return refused(401, 50027, "Invalid Webhook Token")

    def _give_up(self, token: str) -> None:
        if (waiting := self._replies.get(token)) and not waiting.done():
            waiting.set_result(INTERACTION_FAILED)

    async def interact(
        self, kind: int, data: Json, who: int, channel: int = ALERTS, message: Json | None = None
    ) -> Reply:
        """API, "Interaction Object": somebody does something; returns the first answer."""
        token = f"interaction-{self.id()}"
        self._replies[token] = asyncio.get_running_loop().create_future()
        if message is not None:
            self._pressed[token] = message
        server = self.home(channel)
        in_server = {
            "guild_id": str(server),
            "guild": {"id": str(server), "locale": "en-US", "features": []},
            "member": self.member(who, server)
            | {"user": self.user(who), "permissions": str(self.allows(channel, who))},
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
            "authorizing_integration_owners": {"0": str(server)},
            "attachment_size_limit": self.attachment_limit,
            "context": 1 if channel == DM else 0,
        }
        frame |= {"user": self.user(who)} if channel == DM else in_server
        await self.send("INTERACTION_CREATE", frame | ({} if message is None else {"message": message}))
        try:
            async with asyncio.timeout(self.patience):
                return await self._replies[token]
        except TimeoutError:
            return INTERACTION_FAILED

    async def press(self, message: Json, custom_id: str, who: int, values: tuple[str, ...] | None = None) -> Reply:
        """Press a button, or choose `values` of a menu. API, "Message Component Data Structure"."""
        found = next(part for part in components(message) if part.get("custom_id") == custom_id)
        if found["type"] == STRING_MENU:
            assert values is not None
            assert {*values} <= {option["value"] for option in found["options"]}, "Discord refuses unknown values"
            assert found.get("min_values", 1) <= len(values) <= found.get("max_values", 1)
        data = {"component_type": found["type"], "custom_id": custom_id, "id": 1}
        chosen: Json = {} if values is None else {"values": [*values]}
        if values is not None and found["type"] in (ROLE_MENU, CHANNEL_MENU):  # plain menus have no such key
            chosen["resolved"] = self.resolved(found["type"], values)
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
        for part in inputs(form):
            length = len(values.get(part["custom_id"], ""))
            least = part.get("min_length") or (1 if part.get("required", True) else 0)
            assert (length == 0 and not part.get("required", True)) or least <= length <= part.get("max_length", 4000)
        assert {*values} <= {part["custom_id"] for part in inputs(form)}, "Discord refuses unknown ids"
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
        kind = MESSAGE_COMMAND if about in self.messages.get(channel, {}) else USER_COMMAND
        put = next(command for command in self.commands if (command["name"], command["type"]) == (name, kind))
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
        ids = {USER_OPTION, CHANNEL_OPTION, ROLE_OPTION}
        given = [
            {
                "name": option,
                "type": kinds[option],
                "value": str(value) if kinds[option] in ids else value,
                **({"focused": True} if option == focused else {}),
            }
            for option, value in options.items()
        ]
        for part in reversed(path):
            given = [{"name": part["name"], "type": part["type"], "options": given}]
        people = [int(value) for option, value in options.items() if kinds[option] == USER_OPTION]
        places = [int(value) for option, value in options.items() if kinds[option] == CHANNEL_OPTION]
        roles = [int(value) for option, value in options.items() if kinds[option] == ROLE_OPTION]
        resolved = {
            "users": {str(who): self.user(who) for who in people},
            "members": {str(who): self.member(who) for who in people},
            "channels": {str(place): self.channel(place) | {"permissions": "0"} for place in places},
            "roles": {str(role): self.role(role) for role in roles},
        }
        return {"id": put["id"], "name": name, "type": 1, "options": given, "resolved": resolved}


CHANNEL_MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE_MESSAGE, AUTOCOMPLETE_RESULT, MODAL = 4, 5, 6, 7, 8, 9
STRING_MENU, TEXT_INPUT, ROLE_MENU, CHANNEL_MENU = 3, 4, 6, 8
USER_COMMAND, MESSAGE_COMMAND = 2, 3
USER_OPTION, CHANNEL_OPTION, ROLE_OPTION = 6, 7, 8
BOT_ADD, VIEW_AUDIT_LOG = 28, 1 << 7


INTERACTION_FAILED = Reply("This interaction failed", ephemeral=True)
"""What Discord itself tells who is not answered in time."""


def inputs(form: Json) -> Iterator[Json]:
    """Every text input of a modal, whether it stands in a row or in a label."""
    for part in form["components"]:
        for inner in (*part.get("components", []), part.get("component")):
            if inner and inner["type"] == TEXT_INPUT:
                yield inner


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


def invalid(faults: list[str]) -> web.Response:
    """API, "Error Messages": Invalid Form Body."""
    return as_json({"message": "Invalid Form Body", "code": 50035, "errors": {fault: {} for fault in faults}}, 400)


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
