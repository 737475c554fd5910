"""The Web API of the tests' own Slack: the methods that Lampkeeper calls, with scopes, tokens, limits and refusals.

Answers are shaped as https://docs.slack.dev/reference/methods documents them. `tests/slack_platform.py` adds the people
and Socket Mode.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

from aiohttp import web

from bots.slack_app.manifest import SCOPES

TEAM, APP, BOT_USER, BOT = "T0LAMP", "A0LAMP", "U0LAMP", "B0LAMP"
BOT_TOKEN, APP_TOKEN = "xoxb-tests-own", "xapp-tests-own"
ALERTS, GENERAL, PRIVATE, DIRECT, GROUP = "G0ALERTS", "C0GENERAL", "G0CLUB", "D0ACTOR", "G0GROUP"
CHANNELS = {"general": GENERAL, "club": PRIVATE, "dm": DIRECT, "group": GROUP, "alerts": ALERTS}
PEOPLE = {name: f"U0{name.upper()}" for name in ("actor", "target", "friend", "teacher", "moderator", "second")}

Json = dict[str, Any]
POSTED = ("text", "blocks", "metadata", "thread_ts")


class ApiError(Exception):
    """What Slack answers instead."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.answer = {"ok": False, "error": code, **more}


class Channel:
    def __init__(self, name: str, kind: str, members: set[str]) -> None:
        self.name, self.kind, self.members = name, kind, members
        self.messages: list[Json] = []

    def describe(self) -> Json:
        return {
            "id": self.name,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": self.kind == "im",
            "is_mpim": self.kind == "mpim",
            "is_private": self.kind != "channel",
            "is_archived": False,
            "is_member": BOT_USER in self.members,
        }


class WebApi:
    """One workspace. Tests change its public attributes to make Slack refuse, slow down or go away."""

    def __init__(self, team: str = TEAM) -> None:
        self.team = team
        self.scopes = set(SCOPES)
        self.tokens = {BOT_TOKEN, APP_TOKEN}
        self.refuse: dict[str, Json] = {}
        """Method -> the error it answers with, until taken out."""
        self.uneditable: set[str] = set()
        """Times of messages that nobody may edit any more."""
        self.limit: dict[str, list[int]] = {}
        """Method -> Retry-After of the answers 429 it gives first."""
        self.hold: dict[str, asyncio.Event] = {}
        """Method -> when it will be answered."""
        self.held: list[str] = []
        """Methods called and not answered yet, because of `hold`."""
        self.page = 200
        self.open = asyncio.Event()
        self.open.set()
        """Cleared, nobody can connect."""
        self.calls: list[tuple[str, Json]] = []
        self.answers: list[Json] = []
        """What was posted to response URLs."""
        self.users = {user: {"name": name, "is_bot": False} for name, user in PEOPLE.items()}
        self.users |= {BOT_USER: {"name": "Lampkeeper", "is_bot": True}, "U0ROBOT": {"name": "robot", "is_bot": True}}
        self.for_everybody: set[str] = set()
        """Channels that nobody can be removed from."""
        self.usergroups: dict[str, set[str]] = {}
        """Usergroup -> who belongs to it."""
        self.homes: dict[str, Json] = {}
        """Who -> their Home as it was drawn last."""
        self.teams = {TEAM: "Lamp"}
        everybody = {*PEOPLE.values(), BOT_USER}
        self.channels = {
            channel.name: channel
            for channel in (
                Channel(GENERAL, "channel", set(everybody)),
                Channel(PRIVATE, "group", set(everybody)),
                Channel(DIRECT, "im", {PEOPLE["actor"], BOT_USER}),
                Channel(GROUP, "mpim", {PEOPLE["actor"], PEOPLE["target"], BOT_USER}),
                Channel(ALERTS, "group", {PEOPLE["moderator"], PEOPLE["second"], BOT_USER}),
            )
        }
        self.views: dict[str, Json] = {}
        """Windows by id, each with the trigger it was opened by, whom it is shown to, and whether it was updated."""
        self.triggers: dict[str, str] = {}
        """Trigger ids that are good for a window -> who pressed."""
        self.in_window: set[str] = set()
        """Those of presses in a window, which alone are good for another one over it."""
        self.slow = False
        """Whether triggers have expired when they come back."""
        self.files: dict[str, Json] = {}
        self.unreachable: set[str] = set()
        """Addresses of pictures that Slack cannot fetch."""
        self.url = ""
        self.numbers = itertools.count(1)
        self.behind = 0.0
        """Seconds by which Slack's clock is behind this machine's, which is to say how far that is ahead."""
        self._ts = 0.0
        self._changed = asyncio.Condition()

    async def announce(self, channel: str, event: Json) -> str:
        """Tell the app about a message event; the platform's other half does."""
        raise NotImplementedError

    async def announce_change(self, channel: str, message: Json, before: Json, now: str) -> None:
        raise NotImplementedError

    def message(self, channel: str, ts: str) -> Json:
        return next(message for message in self.channels[channel].messages if message["ts"] == ts)

    async def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until `condition`, which depends on what clients did, holds."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def note(self, change: Callable[[], Any]) -> None:
        async with self._changed:
            change()
            self._changed.notify_all()

    async def serve_response_url(self, request: web.Request) -> web.Response:
        answer = {"press": request.match_info["press"], **await request.json()}
        await self.note(lambda: self.answers.append(answer))
        return web.Response(text="ok")

    async def serve_api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        arguments: Json = dict(request.query)
        arguments |= await request.json() if request.content_type == "application/json" else await request.post()
        for field in ("blocks", "metadata", "view"):
            if isinstance(arguments.get(field), str):
                arguments[field] = json.loads(arguments[field])
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or arguments.pop("token", "")
        date = formatdate(time.time() - self.behind, usegmt=True)
        headers = {"x-oauth-scopes": ",".join(sorted(self.scopes)), "Date": date}
        if method in self.hold:
            await self.note(lambda: self.held.append(method))
            await self.hold[method].wait()
        if self.limit.get(method):
            wait = self.limit[method].pop(0)
            return web.json_response(
                {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(wait)}
            )
        try:
            self._authorize(method, token)
            answer = {"ok": True, **await self._METHODS[method](self, arguments)}
        except ApiError as error:
            answer = error.answer
        await self.note(lambda: self.calls.append((method, arguments)))
        return web.json_response(answer, headers=headers)

    def _authorize(self, method: str, token: str) -> None:
        if method in self.refuse:
            raise ApiError(**self.refuse[method])
        if token not in self.tokens:
            raise ApiError("token_revoked" if token in (BOT_TOKEN, APP_TOKEN) else "invalid_auth")
        if (method == "apps.connections.open") != (token == APP_TOKEN):
            raise ApiError("not_allowed_token_type")

    def _channel(self, arguments: Json) -> Channel:
        channel = self.channels.get(arguments["channel"])
        if channel is None or (channel.kind != "channel" and BOT_USER not in channel.members):
            raise ApiError("channel_not_found")
        return channel

    def _joined(self, arguments: Json) -> Channel:
        channel = self._channel(arguments)
        if BOT_USER not in channel.members:
            raise ApiError("not_in_channel")
        return channel

    async def _auth_test(self, _: Json) -> Json:
        return {
            "url": "https://lamp.slack.example/",
            "team": "Lamp",
            "user": "lampkeeper",
            "team_id": self.team,
            "user_id": BOT_USER,
            "bot_id": BOT,
            "is_enterprise_install": False,
        }

    async def _connections_open(self, _: Json) -> Json:
        await self.open.wait()
        return {"url": f"{self.url.replace('http', 'ws')}/link?ticket={next(self.numbers)}"}

    async def _users_info(self, arguments: Json) -> Json:
        user = self.users.get(arguments["user"])
        if user is None:
            raise ApiError("user_not_found")
        profile = {"display_name": user["name"], "real_name": user["name"]}
        known: Json = {"id": arguments["user"], "team_id": self.team, "deleted": False, "profile": profile}
        return {"user": known | user}

    async def _users(self, arguments: Json) -> Json:
        accounts = [(await self._users_info({"user": user}))["user"] for user in self.users]
        return self._paged("members", accounts, arguments)

    async def _users_conversations(self, arguments: Json) -> Json:
        types = {"channel": "public_channel", "group": "private_channel", "im": "im", "mpim": "mpim"}
        wanted = arguments["types"].split(",")
        who = {arguments.get("user", BOT_USER)}
        channels = [
            channel
            for channel in self.channels.values()
            if types[channel.kind] in wanted
            and who <= channel.members
            and (channel.kind == "channel" or BOT_USER in channel.members)
        ]
        return self._paged("channels", [channel.describe() for channel in channels], arguments)

    async def _uninstall(self, arguments: Json) -> Json:
        if not (arguments.get("client_id") and arguments.get("client_secret")):
            raise ApiError("client_id_token_mismatch")
        self.tokens.clear()
        return {}

    async def _info(self, arguments: Json) -> Json:
        channel = self._channel(arguments)
        return {"channel": channel.describe() | {"is_general": channel.name in self.for_everybody}}

    async def _members(self, arguments: Json) -> Json:
        return self._paged("members", sorted(self._channel(arguments).members), arguments)

    async def _usergroup(self, arguments: Json) -> Json:
        group = arguments["usergroup"]
        if group not in self.usergroups:
            raise ApiError("no_such_subteam")
        return {"users": sorted(self.usergroups[group])}

    async def _team(self, arguments: Json) -> Json:
        team = arguments.get("team", TEAM)
        if team not in self.teams:
            raise ApiError("team_not_found")
        return {"team": {"id": team, "name": self.teams[team]}}

    async def _join(self, arguments: Json) -> Json:
        channel = self._channel(arguments)
        if channel.kind != "channel":
            raise ApiError("method_not_supported_for_channel_type")
        channel.members.add(BOT_USER)
        return {"channel": channel.describe()}

    async def _history(self, arguments: Json) -> Json:
        shown = [
            message
            for message in self._between(self._joined(arguments).messages, arguments)
            if message.get("thread_ts", message["ts"]) == message["ts"] or message.get("subtype") == "thread_broadcast"
        ]
        return self._paged("messages", shown[::-1], arguments)

    async def _replies(self, arguments: Json) -> Json:
        thread = arguments["ts"]
        messages = self._joined(arguments).messages
        if not any(message["ts"] == thread for message in messages):
            raise ApiError("thread_not_found")
        replies = [m for m in messages if m.get("thread_ts") == thread and m["ts"] != thread]
        paged = self._paged("messages", self._between(replies, arguments), arguments)
        return paged | {"messages": [m for m in messages if m["ts"] == thread] + paged["messages"]}

    def _between(self, messages: list[Json], arguments: Json) -> list[Json]:
        oldest, latest = float(arguments.get("oldest", 0)), float(arguments.get("latest", "inf"))
        also = arguments.get("inclusive") in (True, "1", "true")
        return [
            m for m in messages if oldest < float(m["ts"]) < latest or (also and float(m["ts"]) in (oldest, latest))
        ]

    def _paged(self, field: str, items: list[Any], arguments: Json) -> Json:
        start = int(arguments.get("cursor") or 0)
        end = start + min(int(arguments.get("limit", 100)), self.page)
        more = end < len(items)
        return {
            field: items[start:end],
            "has_more": more,
            "response_metadata": {"next_cursor": str(end) if more else ""},
        }

    def _check(self, blocks: list[Json]) -> None:
        check_blocks(blocks)
        pictures = {part.get("image_url") for block in blocks for part in block.get("elements", ())}
        if pictures & self.unreachable:
            raise ApiError("invalid_blocks")

    async def _post(self, arguments: Json) -> Json:
        channel = self._joined(arguments)
        self._check(arguments.get("blocks") or [])
        profile = {"id": BOT, "app_id": APP, "name": "Lampkeeper", "team_id": self.team, "deleted": False}
        message: Json = {
            "type": "message",
            "user": BOT_USER,
            "bot_id": BOT,
            "app_id": APP,
            "team": self.team,
            "bot_profile": profile,
            "ts": self.now(),
            **{field: arguments[field] for field in POSTED if field in arguments},
        }
        if message.get("thread_ts") and not any(m["ts"] == message["thread_ts"] for m in channel.messages):
            raise ApiError("thread_not_found")
        channel.messages.append(message)
        await self.announce(channel.name, message)
        return {"channel": channel.name, "ts": message["ts"], "message": message}

    async def _update(self, arguments: Json) -> Json:
        channel = self._joined(arguments)
        found = [message for message in channel.messages if message["ts"] == arguments["ts"]]
        if not found:
            raise ApiError("message_not_found")
        if arguments["ts"] in self.uneditable:
            raise ApiError("edit_window_closed")
        self._check(arguments.get("blocks") or [])
        before = dict(found[0])
        found[0] |= {field: arguments[field] for field in ("text", "blocks", "metadata") if field in arguments}
        await self.announce_change(channel.name, dict(found[0]), before, self.now())
        return {"channel": channel.name, "ts": arguments["ts"], "text": arguments.get("text", "")}

    async def _delete_post(self, arguments: Json) -> Json:
        channel = self._joined(arguments)
        found = [message for message in channel.messages if message["ts"] == arguments["ts"]]
        if not found:
            raise ApiError("message_not_found")
        channel.messages.remove(found[0])
        return {"channel": channel.name, "ts": arguments["ts"]}

    async def _ephemeral(self, arguments: Json) -> Json:
        channel = self._joined(arguments)
        if arguments["user"] not in channel.members:
            raise ApiError("user_not_in_channel")
        self._check(arguments.get("blocks") or [])
        self.answers.append({"press": "", "response_type": "ephemeral", **arguments})
        return {"message_ts": self.now()}

    async def _kick(self, arguments: Json) -> Json:
        channel = self._joined(arguments)
        if channel.name in self.for_everybody:
            raise ApiError("cant_kick_from_general")
        if arguments["user"] not in channel.members:
            raise ApiError("not_in_channel")
        channel.members.discard(arguments["user"])
        return {}

    async def _invite(self, arguments: Json) -> Json:
        channel = self._joined(arguments)
        if arguments["users"] in channel.members:
            raise ApiError("already_in_channel")
        channel.members.add(arguments["users"])
        return {"channel": channel.describe()}

    async def _open_direct(self, arguments: Json) -> Json:
        user = arguments["users"]
        if user not in self.users or self.users[user].get("deleted"):
            raise ApiError("user_disabled" if user in self.users else "user_not_found")
        found = [c for c in self.channels.values() if c.kind == "im" and c.members == {user, BOT_USER}]
        channel = found[0] if found else Channel(f"D0{user[2:]}", "im", {user, BOT_USER})
        self.channels[channel.name] = channel
        return {"channel": {"id": channel.name}}

    async def _open_view(self, arguments: Json) -> Json:
        trigger, view = arguments["trigger_id"], arguments["view"]
        check_view(view)
        if self.slow or trigger not in self.triggers:
            raise ApiError("expired_trigger_id")
        view_id = f"V{next(self.numbers)}"
        about = {"id": view_id, "trigger": trigger, "user": self.triggers.pop(trigger), "updated": False}
        self.views[view_id] = {**view, **about}
        return {"view": {**view, "id": view_id}}

    async def _push_view(self, arguments: Json) -> Json:
        if arguments["trigger_id"] not in self.in_window:
            raise ApiError("invalid_trigger_id")
        return await self._open_view(arguments)

    async def _update_view(self, arguments: Json) -> Json:
        view_id, view = arguments["view_id"], arguments["view"]
        check_view(view)
        if view_id not in self.views:
            raise ApiError("not_found")
        self.views[view_id] = self.views[view_id] | {**view, "updated": True}
        return {"view": {**view, "id": view_id}}

    async def _upload_url(self, arguments: Json) -> Json:
        file_id = f"F{next(self.numbers)}"
        self.files[file_id] = {"name": arguments["filename"], "length": int(arguments["length"])}
        return {"file_id": file_id, "upload_url": f"{self.url}/upload/{file_id}"}

    async def serve_upload(self, request: web.Request) -> web.Response:
        self.files[request.match_info["file"]]["content"] = await request.read()
        return web.Response(text="OK")

    async def _complete_upload(self, arguments: Json) -> Json:
        files = json.loads(arguments["files"])
        channel = self._joined({"channel": arguments["channel_id"]})
        for file in files:
            self.files[file["id"]] |= {"channel": channel.name}
        told = {"text": arguments.get("initial_comment", ""), "files": files, "ts": self.now()}
        channel.messages.append({"type": "message", "subtype": "file_share", "user": BOT_USER, "bot_id": BOT, **told})
        return {"files": files}

    async def _permalink(self, arguments: Json) -> Json:
        channel = self._channel(arguments)
        if not any(message["ts"] == arguments["message_ts"] for message in channel.messages):
            raise ApiError("message_not_found")
        place = f"archives/{channel.name}/p{arguments['message_ts'].replace('.', '')}"
        return {"channel": channel.name, "permalink": f"https://lamp.slack.example/{place}"}

    async def _usergroups(self, _: Json) -> Json:
        return {"usergroups": [{"id": group, "handle": group.lower(), "name": group} for group in self.usergroups]}

    async def _publish(self, arguments: Json) -> Json:
        check_blocks(arguments["view"]["blocks"], most=100)
        self.homes[arguments["user_id"]] = arguments["view"]
        return {"view": arguments["view"]}

    _METHODS: dict[str, Callable[[WebApi, Json], Awaitable[Json]]] = {  # noqa: RUF012
        "auth.test": _auth_test,
        "apps.connections.open": _connections_open,
        "users.info": _users_info,
        "users.conversations": _users_conversations,
        "apps.uninstall": _uninstall,
        "conversations.info": _info,
        "conversations.members": _members,
        "conversations.history": _history,
        "conversations.join": _join,
        "usergroups.users.list": _usergroup,
        "usergroups.list": _usergroups,
        "views.publish": _publish,
        "views.open": _open_view,
        "views.push": _push_view,
        "views.update": _update_view,
        "team.info": _team,
        "conversations.replies": _replies,
        "chat.postMessage": _post,
        "chat.update": _update,
        "chat.delete": _delete_post,
        "chat.getPermalink": _permalink,
        "chat.postEphemeral": _ephemeral,
        "conversations.kick": _kick,
        "conversations.invite": _invite,
        "conversations.open": _open_direct,
        "files.getUploadURLExternal": _upload_url,
        "files.completeUploadExternal": _complete_upload,
        "users.list": _users,
    }

    def now(self) -> str:
        self._ts = max(time.time() - self.behind, self._ts + 0.0001)
        return f"{self._ts:.6f}"


def check_blocks(blocks: list[Json], most: int = 50) -> None:
    """Refuse what Slack refuses: https://docs.slack.dev/reference/block-kit/blocks."""
    if len(blocks) > most or not all(CHECKS[block["type"]](block) for block in blocks):
        raise ApiError("invalid_blocks")


def check_view(view: Json) -> None:
    """Refuse what Slack refuses: https://docs.slack.dev/reference/views/modal-views."""
    check_blocks(view["blocks"], most=100)
    titles = [view[part] for part in ("title", "close", "submit") if part in view]
    has_input = any(block["type"] == "input" for block in view["blocks"])
    if not all(_text(title, 24, "plain_text") for title in titles) or (has_input and "submit" not in view):
        raise ApiError("invalid_arguments")
    if len(json.dumps(view)) > 250_000 or len(view.get("private_metadata", "")) > 3000:
        raise ApiError("view_too_large")


def _text(text: Json, most: int, *kinds: str) -> bool:
    return text["type"] in (kinds or ("plain_text", "mrkdwn")) and 0 < len(text["text"]) <= most


def _section(block: Json) -> bool:
    fields = block.get("fields", [])
    whole = "text" in block or bool(fields)
    return (
        whole
        and _text(block.get("text", {"type": "mrkdwn", "text": "-"}), 3000)
        and len(fields) <= 10
        and all(_text(field, 2000) for field in fields)
    )


def _in_context(part: Json) -> bool:
    if part["type"] == "image":
        return 0 < len(part["image_url"]) <= 3000 and 0 < len(part["alt_text"]) <= 2000
    return _text(part, 3000)


def _button(one: Json) -> bool:
    if one["type"] != "button":
        return 0 < len(one["action_id"]) <= 255
    return (
        _text(one["text"], 75, "plain_text")
        and len(one["value"]) <= 2000
        and 0 < len(one["action_id"]) <= 255
        and one.get("style") in (None, "primary", "danger")
    )


def _actions(block: Json) -> bool:
    names = [one["action_id"] for one in block["elements"]]
    return 0 < len(names) <= 25 and len(set(names)) == len(names) and all(map(_button, block["elements"]))


def _input(block: Json) -> bool:
    element = block["element"]
    options = element.get("options", [])
    return (
        _text(block["label"], 2000, "plain_text")
        and _text(element.get("placeholder", block["label"]), 150, "plain_text")
        and len(options) <= 100
        and all(_text(one["text"], 75, "plain_text") and 0 < len(one["value"]) <= 150 for one in options)
    )


CHECKS: dict[str, Callable[[Json], bool]] = {
    "header": lambda block: _text(block["text"], 150, "plain_text"),
    "section": _section,
    "context": lambda block: 0 < len(block["elements"]) <= 10 and all(map(_in_context, block["elements"])),
    "actions": _actions,
    "input": _input,
    "divider": lambda _block: True,
}
