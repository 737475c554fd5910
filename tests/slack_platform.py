"""The tests' own Slack over 127.0.0.1, for slack-bolt's real client to talk to, and Lampkeeper's stage on it.

`SlackPlatform` is the platform alone: people who write, and Socket Mode, with payloads shaped as Slack documents them
(https://docs.slack.dev/reference/events). `slack_stage` puts Lampkeeper's real guard and adapter in front of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from pydantic import SecretStr
from sqlalchemy import text as sql

from bots.slack_app import SlackAdapter, api
from bots.slack_app.card import EVENT_TYPE, GROUNDS, REMARK
from bots.slack_app.manifest import COMMAND
from core.casework.desk import FourEyes
from core.config import Slack
from core.guard import Guard
from tests.slack_api import (
    ALERTS,
    APP,
    APP_TOKEN,
    BOT_TOKEN,
    BOT_USER,
    CHANNELS,
    GENERAL,
    PEOPLE,
    TEAM,
    Json,
    WebApi,
)
from tests.slack_replies import VERBS, Reply, Told, actions, replied
from tests.support import Later, lampkeeper, slow_talk


class SlackPlatform(WebApi):
    """One workspace: what people do in it, and how the app hears of it."""

    def __init__(self, team: str = TEAM) -> None:
        super().__init__(team)
        self.hellos = 0
        self.acks: list[str] = []
        self.returned: list[Json] = []
        """What acknowledgements held."""
        self._unacked: dict[str, Json] = {}
        self._sockets: list[web.WebSocketResponse] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[SlackPlatform]:
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self.serve_api)
        app.router.add_get("/link", self._socket)
        app.router.add_post("/response/{press}", self.serve_response_url)
        app.router.add_post("/upload/{file}", self.serve_upload)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await self.close_sockets()
            await runner.cleanup()

    # What people do in the workspace.

    async def say(self, author: str, text: str, channel: str = GENERAL, **more: Any) -> str:
        """Post a message as Slack's own client does; `more` are further fields of the event."""
        ts = self.now()
        message = {
            "user": PEOPLE.get(author, author),
            "type": "message",
            "ts": ts,
            "client_msg_id": f"00000000-0000-4000-8000-{next(self.numbers):012d}",
            "text": text,
            "team": self.team,
            "blocks": [
                {
                    "type": "rich_text",
                    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}],
                }
            ],
        } | more
        if thread := message.get("thread_ts"):
            parent = self.message(channel, thread)
            message["parent_user_id"] = parent["user"]
            parent |= {"thread_ts": thread, "reply_count": parent.get("reply_count", 0) + 1, "latest_reply": ts}
        self.channels[channel].messages.append({field: value for field, value in message.items() if value is not None})
        await self.announce(channel, self.channels[channel].messages[-1])
        return ts

    async def edit(self, channel: str, ts: str, text: str) -> None:
        message = self.message(channel, ts)
        before, now = dict(message), self.now()
        message |= {"text": text, "edited": {"user": message["user"], "ts": now}}
        await self.announce_change(channel, dict(message), before, now)

    async def unfurl(self, channel: str, ts: str) -> None:
        """Slack adds a link preview: a change that is not an edit."""
        message = self.message(channel, ts)
        before = dict(message)
        message["attachments"] = [{"from_url": "https://a.example/", "title": "An example", "id": 1}]
        await self.announce_change(channel, dict(message), before, self.now())

    async def announce_change(self, channel: str, message: Json, before: Json, now: str) -> None:
        event = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": now}
        await self.announce(channel, event | {"message": message, "previous_message": before})

    async def delete(self, channel: str, ts: str) -> None:
        """Delete a message as Slack does: one with replies leaves a tombstone, and a thread tells of one reply less."""
        message, now = self.message(channel, ts), self.now()
        if message.get("reply_count"):
            before = dict(message)
            del message["client_msg_id"], message["team"], message["blocks"]
            message |= {
                "subtype": "tombstone",
                "user": "USLACKBOT",
                "text": "This message was deleted.",
                "hidden": True,
            }
            await self.announce_change(channel, dict(message), before, now)
            return
        self.channels[channel].messages.remove(message)
        if thread := message.get("thread_ts"):
            root, said = self.message(channel, thread), self.channels[channel].messages
            replies = [one["ts"] for one in said if one.get("thread_ts") == thread and one["ts"] != thread]
            root |= {"reply_count": len(replies), "latest_reply": max(replies, default="")}
            if not replies:
                del root["thread_ts"], root["reply_count"], root["latest_reply"]
        event = {"type": "message", "subtype": "message_deleted", "hidden": True, "ts": now, "deleted_ts": ts}
        await self.announce(channel, event | {"previous_message": message})

    async def announce(self, channel: str, event: Json, **envelope: Any) -> str:
        """Send a message event of a channel; return its event id."""
        kind = self.channels[channel].kind
        stamp = {"channel": channel, "event_ts": event["ts"], "channel_type": kind}
        return await self.send_event({**event, **stamp}, **envelope)

    async def send_event(self, event: Json, event_id: str = "", **envelope: Any) -> str:
        event_id = event_id or f"Ev{next(self.numbers):09d}"
        payload: Json = {
            "token": "verification",
            "team_id": self.team,
            "context_team_id": self.team,
            "context_enterprise_id": None,
            "api_app_id": APP,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": self.team,
                    "user_id": BOT_USER,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{event_id}",
        }
        retry = {"retry_attempt": 0, "retry_reason": ""}
        await self._send(
            {"type": "events_api", "payload": payload, "accepts_response_payload": False} | retry | envelope
        )
        return event_id

    async def press(self, card: Json, action_id: str, moderator: str) -> Json:
        """Press a button of a posted card; return what the presser was shown."""
        message = self.message(card["channel"], card["ts"])
        alert = next(e["value"] for b in message["blocks"] if b["type"] == "actions" for e in b["elements"])
        return await self.push(action_id, alert, moderator, card["channel"])

    async def push(self, action_id: str, value: str, moderator: str, channel: str = ALERTS) -> Json:
        """Press a button; return what the presser was shown: what was sent to the response URL, or a modal."""
        press, user = str(next(self.numbers)), PEOPLE[moderator]
        trigger = f"{press}.0.lamp"
        self.triggers[trigger] = user
        action = {"action_id": action_id, "block_id": "b1", "value": value, "type": "button", "action_ts": self.now()}
        payload = self._pressed_by(moderator) | {
            "type": "block_actions",
            "container": {"type": "message", "channel_id": channel},
            "trigger_id": trigger,
            "channel": {"id": channel, "name": "privategroup"},
            "state": {"values": {}},
            "response_url": f"{self.url}/response/{press}",
            "actions": [action],
        }
        await self._send({"type": "interactive", "payload": payload, "accepts_response_payload": True})

        def shown() -> list[Json]:
            modals = [view for view in self.views.values() if view["trigger"] == trigger]
            told = [answer for answer in self.answers if answer["press"] == press]
            return told + [view for view in modals if view["updated"] or "callback_id" in view]

        await self.until(lambda: bool(shown()))
        return shown()[0]

    async def unfold(self, window: Json, moderator: str) -> Json:
        """Press the button of a window that shows in place of itself what it has folded; return it then."""
        view = next(view for view in self.views.values() if view["id"] == window["id"])
        ((action, value),) = (
            (part["action_id"], part["value"])
            for block in view["blocks"]
            if block["type"] == "actions"
            for part in block["elements"]
        )
        await self.act(moderator, action, value, view)
        await self.until(lambda: self.views[view["id"]] is not view)
        return self.views[view["id"]]

    async def submit(self, view: Json, values: Json, moderator: str) -> Json:
        """Send a modal's form off; return what the sender was shown then, and nobody else."""
        before, user = len(self.answers), PEOPLE[moderator]
        view = {key: part for key, part in view.items() if key not in ("trigger", "user", "updated")}
        payload = self._pressed_by(moderator) | {
            "type": "view_submission",
            "trigger_id": f"{next(self.numbers)}.0.lamp",
            "view": view | {"state": {"values": values}},
            "response_urls": [],
        }
        await self._send({"type": "interactive", "payload": payload, "accepts_response_payload": True})

        def told() -> list[Json]:
            return [answer for answer in self.answers[before:] if answer.get("user") == user]

        await self.until(lambda: bool(told()))
        return told()[0]

    def _pressed_by(self, moderator: str) -> Json:
        return {
            "user": {"id": PEOPLE[moderator], "username": moderator, "name": moderator, "team_id": self.team},
            "api_app_id": APP,
            "token": "verification",
            "team": {"id": self.team, "domain": "lamp"},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    async def command(self, text: str, who: str, channel: str = GENERAL) -> str:
        """Type /lampkeeper and some words; return the number that the answer comes under.

        https://docs.slack.dev/interactivity/implementing-slash-commands
        """
        number = str(next(self.numbers))
        payload = {
            "token": "verification",
            "team_id": self.team,
            "team_domain": "lamp",
            "channel_id": channel,
            "channel_name": "general",
            "user_id": PEOPLE[who],
            "user_name": who,
            "command": COMMAND,
            "text": text,
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": f"{self.url}/response/{number}",
            "trigger_id": f"{number}.0.lamp",
        }
        self.triggers[f"{number}.0.lamp"] = PEOPLE[who]
        await self._send({"type": "slash_commands", "payload": payload, "accepts_response_payload": True})
        return number

    async def answered(self, number: str, before: int = 0) -> Json:
        """Return what was answered under a number, after `before` earlier answers."""
        await self.until(lambda: sum(answer["press"] == number for answer in self.answers) > before)
        return [answer for answer in self.answers if answer["press"] == number][before]

    async def act(self, who: str, action: str, value: str, view: Json | None = None) -> str:
        """Press a button of an answer, or of a window or Home, which have no address to answer at; return its number.

        https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
        """
        number = str(next(self.numbers))
        if view is None:
            where: Json = {"response_url": f"{self.url}/response/{number}", "channel": {"id": GENERAL}}
        else:
            where = {"view": view}
        payload = {
            "type": "block_actions",
            **self._by(who, number),
            "container": {"type": "message" if view is None else "view"},
            "actions": [{"action_id": action, "block_id": "b1", "value": value, "type": "button"}],
            **where,
        }
        if view is not None and view["type"] == "modal":
            self.in_window.add(payload["trigger_id"])
        await self._send({"type": "interactive", "payload": payload, "accepts_response_payload": True})
        return number

    async def send_window(self, who: str, view: Json, picked: Json) -> None:
        """Send a window; `picked` is by block id what Slack tells of its menu.

        https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
        """
        await self.send_form(who, view, {name: {"pick": field} for name, field in picked.items()})

    async def send_form(self, who: str, view: Json, values: Json) -> None:
        """Send a window, or a form; `values` are as Slack tells them: by block id, by action id."""
        sent = {**view, "state": {"values": values}, "team_id": self.team, "type": "modal"}
        payload = {"type": "view_submission", **self._by(who, str(next(self.numbers))), "view": sent}
        await self._send({"type": "interactive", "payload": payload, "accepts_response_payload": True})

    def _by(self, who: str, number: str) -> Json:
        self.triggers[f"{number}.0.lamp"] = PEOPLE[who]
        return {
            "user": {"id": PEOPLE[who], "username": who, "name": who, "team_id": self.team},
            "api_app_id": APP,
            "token": "verification",
            "trigger_id": f"{number}.0.lamp",
            "team": {"id": self.team, "domain": "lamp"},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    # The connection.

    async def disconnect(self, reason: str) -> None:
        """Ask the client to make a new connection, as Slack does every few hours."""
        debug = {"host": "applink-1"}
        for socket in self._sockets:
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": debug})

    async def close_sockets(self) -> None:
        for socket in list(self._sockets):
            await socket.close()

    def abort_sockets(self) -> None:
        """Cut the line without a word."""
        for socket in list(self._sockets):
            transport = socket._req.transport if socket._req else None
            if transport is not None:
                transport.abort()

    async def heard(self, hellos: int) -> None:
        """Wait until the client has dealt with the greeting after `hellos` earlier ones: it takes frames in order."""
        await self.until(lambda: self.hellos > hellos)
        await self.send_event({"type": "team_rename", "name": "Lamp"})
        await self.acked()

    async def acked(self) -> None:
        """Wait until every envelope sent was acknowledged."""
        await self.until(lambda: not self._unacked)

    async def _send(self, envelope: Json) -> None:
        envelope = {"envelope_id": f"envelope-{next(self.numbers)}", **envelope}
        if self._sockets:
            self._unacked[envelope["envelope_id"]] = envelope
            await self._sockets[-1].send_json(envelope)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": 1,
                "connection_info": {"app_id": APP},
                "debug_info": {"host": "applink-1", "approximate_connection_time": 18060},
            }
        )
        for envelope in list(self._unacked.values()):
            await socket.send_json(envelope | {"retry_attempt": 1, "retry_reason": "timeout"})
        self._sockets.append(socket)
        await self.note(lambda: setattr(self, "hellos", self.hellos + 1))
        try:
            async for frame in socket:
                if frame.type == WSMsgType.TEXT:
                    ack = json.loads(frame.data)
                    envelope_id = ack["envelope_id"]
                    self.acks.append(envelope_id)
                    if ack.get("payload"):
                        self.returned.append(ack["payload"])
                    await self.note(lambda known=envelope_id: self._unacked.pop(known, None))  # type: ignore[misc]
        finally:
            self._sockets.remove(socket)
            await self.note(lambda: None)
        return socket


class SlackStage:
    """Lampkeeper on the tests' Slack; the contract suite plays on it and on Discord's alike."""

    four_eyes: Sequence[FourEyes] = ()

    def __init__(self, folder: Path, platform: SlackPlatform, config: Slack) -> None:
        self.folder, self.platform, self.config = folder, platform, config
        self.later = 0.0
        """Seconds by which the guard's clock is ahead."""
        self.guard: Guard
        self.adapter: SlackAdapter
        self.running: asyncio.Task[None]
        self._stack = AsyncExitStack()
        self._where: dict[str, str] = {}

    async def start(self) -> None:
        forward = Later("slack")
        self.guard = await self._stack.enter_async_context(
            lampkeeper(
                self.folder,
                clock=lambda: time.time() + self.later,
                deliverers=(forward,),
                four_eyes=self.four_eyes,
            )
        )
        forward.adapter = self.adapter = SlackAdapter(self.config, self.guard)
        hellos = self.platform.hellos
        self.running = asyncio.create_task(self.adapter.run())
        self._stack.push_async_callback(self._stop_adapter)
        connected = asyncio.create_task(self.platform.until(lambda: self.platform.hellos > hellos))
        await asyncio.wait((self.running, connected), return_when=asyncio.FIRST_COMPLETED)
        connected.cancel()
        if not self.running.done():
            await self.settled()

    async def _stop_adapter(self) -> None:
        self.running.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self.running

    async def ended(self) -> None:
        """Wait until the adapter gives up, and raise what it raises."""
        async with asyncio.timeout(60):
            await self.running

    async def stop(self) -> None:
        await self._stack.aclose()
        self._stack = AsyncExitStack()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def say(self, author: str, text: str, channel: str = "general", id: str | None = None, **more: Any) -> str:  # noqa: A002
        """Say something; with the `id` of an earlier message, Slack delivers that one once more."""
        if id is not None and id in self._where:
            await self.platform.announce(self._where[id], self.platform.message(self._where[id], id))
            return id
        where = CHANNELS.get(channel, channel)
        ts = await self.platform.say(author, text, where, **more)
        self._where[ts] = where
        return ts

    async def edit(self, id: str, text: str) -> None:  # noqa: A002
        await self.platform.edit(self._where[id], id, text)

    async def delete(self, id: str) -> None:  # noqa: A002
        await self.platform.delete(self._where[id], id)

    def cards(self, channel: str = ALERTS) -> list[Json]:
        """The alert cards as they stand in the moderators' channel now."""
        return [
            {
                "title": message["blocks"][0]["text"]["text"],
                "text": json.dumps(message["blocks"], ensure_ascii=False),
                "buttons": [VERBS[action] for action in actions(message["blocks"]) if action in VERBS],
                "actions": actions(message["blocks"]),
                "alert": message["metadata"]["event_payload"]["alert"],
                "channel": channel,
                "ts": message["ts"],
            }
            for message in self.platform.channels[channel].messages
            if (message.get("metadata") or {}).get("event_type") == EVENT_TYPE
        ]

    def discard_cards(self) -> None:
        """Let somebody delete the posted cards."""
        there, cards = self.platform.channels[ALERTS], {card["ts"] for card in self.cards()}
        there.messages[:] = [message for message in there.messages if message["ts"] not in cards]

    def card(self) -> Json:
        """The one card about the actor."""
        (card,) = (card for card in self.cards() if PEOPLE["actor"] in card["text"])
        return card

    async def stored(self) -> list[tuple[str, str]]:
        """Conversation and id of every message that was counted, in order of arrival."""
        async with self.guard.ledger.store.read() as tx:
            rows = await tx.execute(sql("SELECT conversation, id FROM messages WHERE version = 0 ORDER BY seq"))
            return [(row.conversation, row.id) for row in rows]

    async def deleted(self) -> list[str]:
        """Id of every message that is known to be deleted, in order of arrival."""
        async with self.guard.ledger.store.read() as tx:
            return list(await tx.scalars(sql("SELECT id FROM messages WHERE deleted AND version = 0 ORDER BY seq")))

    async def ids(self) -> list[str]:
        return [message_id for _, message_id in await self.stored()]

    async def talk(self, channel: str = "general") -> None:
        """Let the actor write to the target, in the way that opens an alert."""
        await self.say("target", "hello there", channel)
        for line in slow_talk():
            await self.say("actor", line, channel)
        await self.settled()

    async def alert(self) -> str:
        """Let the two talk; return the alert that opens."""
        await self.talk()
        return str(self.card()["alert"])

    def notices(self) -> list[str]:
        """What else Lampkeeper wrote in the moderators' channel."""
        messages = self.platform.channels[ALERTS].messages
        return [message["text"] for message in messages if message.get("bot_id") and not message.get("metadata")]

    async def press(self, alert: str, button: str, moderator: str = "moderator") -> Told:
        """Let somebody press "Confirm", "Dismiss" or "Show excerpt"; returns what they were shown in the end."""
        action = next(action for action, verb in VERBS.items() if verb == button)
        if action == "excerpt":
            reply = await self.texts(alert, moderator=moderator)
            return Told(reply.text, reply.ephemeral)
        reply = await self.push(alert, action, moderator)
        if reply.form is not None:
            reply = await self.dismiss(reply.form, moderator=moderator)
        return Told(reply.text, reply.ephemeral)

    async def push(self, about: str, action: str, moderator: str = "moderator") -> Reply:
        """Let somebody press any button about an alert, or about the number of what was done, by its action."""
        return replied(await self.platform.push(f"lampkeeper_{action}", about, moderator))

    async def texts(self, alert: str, name: str = "excerpt", moderator: str = "moderator") -> Reply:
        """Let somebody press for an excerpt, and for the texts that are folded in it; return what they are shown."""
        answer = await self.platform.push(f"lampkeeper_{name}", alert, moderator)
        folded = replied(answer)
        return replied(await self.platform.unfold(answer, moderator)) if name in folded.buttons else folded

    async def offered(self, alert: str, moderator: str = "moderator") -> set[str]:
        """What stands behind More…."""
        return {*(await self.push(alert, "more", moderator)).buttons}

    async def act(self, alert: str, name: str, moderator: str = "moderator", **fields: str) -> Told:
        """Let somebody press a button behind More…, and fill in what it asks for."""
        assert name in await self.offered(alert, moderator)
        reply = await self.push(alert, name, moderator)
        if reply.form is not None:
            reply = await self.fill(reply.form, moderator, **fields)
        return Told(reply.text, reply.ephemeral)

    async def merge(self, alert: str, into: str, moderator: str = "moderator") -> Told:
        """Let somebody merge a case into another that is offered."""
        offered = await self.platform.push("lampkeeper_merge", alert, moderator)
        buttons = [one for block in offered["blocks"] if block["type"] == "actions" for one in block["elements"]]
        (about,) = [button["value"] for button in buttons if button["value"].endswith(into)]
        reply = await self.push(about, "merge_into", moderator)
        return Told(reply.text, reply.ephemeral)

    async def fill(self, form: Json, moderator: str = "moderator", **fields: str) -> Reply:
        """Let somebody send a form off; what they leave empty is null."""
        blocks = [block for block in form["blocks"] if block["type"] == "input"]
        assert {*fields} <= {block["block_id"] for block in blocks}
        for block in blocks:
            written = fields.get(block["block_id"], "")
            assert block["optional"] or written
            assert len(written) <= block["element"]["max_length"]
        values = {
            name: {name: {"type": "plain_text_input", "value": fields.get(name) or None}}
            for name in (block["block_id"] for block in blocks)
        }
        return replied(await self.platform.submit(form, values, moderator))

    async def dismiss(
        self, form: Json, grounds: str = "other", remark: str | None = None, moderator: str = "moderator"
    ) -> Reply:
        """Let somebody fill in the form that ends a dismissal, and send it off."""
        chosen = {GROUNDS: {GROUNDS: {"type": "static_select", "selected_option": {"value": grounds}}}}
        written = {REMARK: {REMARK: {"type": "plain_text_input", "value": remark}}}
        return replied(await self.platform.submit(form, chosen | written, moderator))

    async def drop_connection(self) -> None:
        """Cut the connection; what is said until `settled` is missed."""
        self.platform.open.clear()
        await self.platform.close_sockets()

    async def reconnected(self) -> None:
        hellos = self.platform.hellos
        self.platform.open.set()
        await self.platform.heard(hellos)

    async def settled(self) -> None:
        """Return when all that was said is counted and shown."""
        async with asyncio.timeout(60):
            if not self.platform.open.is_set():
                await self.reconnected()
            await self.platform.acked()
            await self.adapter.settled()
            await self.guard.settled()


def slack_config(**more: Any) -> Slack:
    tokens = {"bot_token": SecretStr(BOT_TOKEN), "app_token": SecretStr(APP_TOKEN)}
    return Slack(**{**tokens, "alert_channel": ALERTS, **more})


@contextmanager
def pointed_at(url: str) -> Iterator[None]:
    """Point slack_sdk's address at the tests' Slack."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "BASE_URL", f"{url}/api/")
        for proxy in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
            patch.delenv(proxy, raising=False)
        yield


@asynccontextmanager
async def slack_stage(
    folder: Path, kind: type[SlackStage] = SlackStage, four_eyes: Sequence[FourEyes] = (), **config: Any
) -> AsyncIterator[SlackStage]:
    """A running Lampkeeper on the tests' Slack; `config` are keys of the section [slack]."""
    async with SlackPlatform().serving() as platform:
        stage = kind(folder, platform, slack_config(**config))
        stage.four_eyes = four_eyes
        with pointed_at(platform.url):
            try:
                await stage.start()
                yield stage
            finally:
                await stage.stop()
