"""The tests' own Slack as an app of many workspaces sees it: OAuth, tokens that end, and requests posted and signed.

`Slack` is what all workspaces share: the Web API, which tells by the token whose it is, and the hand that posts to the
app. Each `Team` is a workspace of `tests/slack_platform.py`; all have the same channels and people, under the same ids,
so that whatever crosses from one to another shows. `http_stage` puts Lampkeeper's real guard and adapter behind it.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
from aiohttp import web
from pydantic import SecretStr
from slack_sdk.signature import SignatureVerifier
from sqlalchemy import text as sql

from bots.slack_app import SlackAdapter
from bots.slack_app.manifest import EVENTS_PATH, INSTALL_PATH, REDIRECT_PATH, SCOPES
from core import config
from core.casework.cards import Person
from core.guard import Guard
from tests.slack_api import ALERTS, APP, APP_TOKEN, BOT_USER, PEOPLE, Json
from tests.slack_platform import SlackPlatform, pointed_at
from tests.support import Later, lampkeeper

CLIENT, SECRET, SIGNING = "123.456", "tests-client-secret", "0123456789abcdef0123456789abcdef"
PUBLIC = "https://lampkeeper.example"
ADMIN = Person(PEOPLE["moderator"], "moderator")


class Answer(NamedTuple):
    """What the app answered to a request."""

    status: int
    text: str
    headers: Json


class Slack:
    """Slack itself; `address` is where it posts to."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.url = ""
        self.tokens: dict[str, Team] = {}
        self.refreshing: dict[str, Team] = {}
        """Refresh token -> whose it is; each is taken once."""
        self.codes: dict[str, Team] = {}
        self.lifetime: int | None = None
        """Seconds that tokens are good for, where they end."""
        self.refuse: str = ""
        """What oauth.v2.access answers instead."""
        self.sent: list[tuple[bytes, dict[str, str]]] = []
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Slack]:
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._api)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _api(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["method"] == "oauth.v2.access":
            return web.json_response(await self._access(request))
        team = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return (
            web.json_response({"ok": False, "error": "invalid_auth"}) if team is None else await team.serve_api(request)
        )

    async def _access(self, request: web.Request) -> Json:
        """https://docs.slack.dev/reference/methods/oauth.v2.access."""
        asked: Json = dict(await request.post())
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {known}":
            return {"ok": False, "error": "bad_client_secret"}
        if self.refuse == "hang up":
            assert request.transport is not None
            request.transport.abort()
        if self.refuse:
            return {"ok": False, "error": self.refuse}
        renewing = asked.get("grant_type") == "refresh_token"
        team = (self.refreshing if renewing else self.codes).pop(asked["refresh_token" if renewing else "code"], None)
        if team is None:
            return {"ok": False, "error": "invalid_refresh_token" if renewing else "invalid_code"}
        return {
            "ok": True,
            "app_id": APP,
            "authed_user": {"id": PEOPLE["moderator"]},
            "scope": ",".join(SCOPES),
            "token_type": "bot",
            "bot_user_id": BOT_USER,
            "team": {"id": team.team, "name": "Lamp"},
            "enterprise": None,
            "is_enterprise_install": False,
            **self.grant(team),
        }

    def grant(self, team: Team) -> Json:
        """Give a token for a team, and take back what was given before."""
        number = next(self._numbers)
        token, refresh = f"xoxb-{team.team}-{number}", f"xoxe-{team.team}-{number}"
        team.tokens = {token} | (team.tokens & {APP_TOKEN})
        self.tokens[token] = team
        if self.lifetime is None:
            return {"access_token": token}
        self.refreshing[refresh] = team
        return {"access_token": token, "refresh_token": refresh, "expires_in": self.lifetime}

    def signed(self, body: str, content_type: str, *, age: float = 0.0, secret: str = SIGNING) -> dict[str, str]:
        """Return the headers that Slack sends along."""
        stamp = str(int(time.time() - age))
        signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body) or ""
        return {"Content-Type": content_type, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}

    async def send(self, envelope: Json, **how: Any) -> Answer:
        """Post what a Socket Mode envelope would hold; `how` are arguments of `signed`."""
        payload, attempt = envelope["payload"], envelope.get("retry_attempt", 0)
        if envelope["type"] == "events_api":
            body, content_type = json.dumps(payload), "application/json"
        elif envelope["type"] == "slash_commands":
            body, content_type = urlencode(payload), "application/x-www-form-urlencoded"
        else:
            body, content_type = urlencode({"payload": json.dumps(payload)}), "application/x-www-form-urlencoded"
        headers = self.signed(body, content_type, **how)
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": envelope["retry_reason"]}
        return await self.post(body.encode(), headers)

    async def post(self, body: bytes, headers: dict[str, str]) -> Answer:
        self.sent.append((body, headers))
        async with (
            aiohttp.ClientSession() as client,
            client.post(self.address + EVENTS_PATH, data=body, headers=headers) as r,
        ):
            return Answer(r.status, await r.text(), dict(r.headers))


class Team(SlackPlatform):
    """One workspace of several."""

    def __init__(self, slack: Slack, team: str) -> None:
        super().__init__(team)
        self.slack = slack
        self.tokens = set()
        self.told: list[Answer] = []
        self.away = False
        """Whether Slack cannot reach the app."""

    async def _send(self, envelope: Json) -> None:
        if self._sockets:
            await super()._send(envelope)
        elif not self.away:
            self.told.append(await self.slack.send(envelope))

    def cards(self) -> list[str]:
        return [json.dumps(message) for message in self.channels[ALERTS].messages if message.get("metadata")]


class Browser:
    """Whoever installs the app: keeps the cookie, and goes to Slack and back."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self.cookie = ""

    async def open(self, path: str) -> Answer:
        headers = {"Cookie": self.cookie} if self.cookie else {}
        async with aiohttp.ClientSession() as client, client.get(self._slack.address + path, headers=headers) as r:
            if "Set-Cookie" in r.headers:
                self.cookie = r.headers["Set-Cookie"].split(";")[0]
            return Answer(r.status, await r.text(), dict(r.headers))

    async def begin(self) -> dict[str, str]:
        """Open the install page; return what its link asks Slack for."""
        page = (await self.open(INSTALL_PATH)).text
        link = page.split('href="')[1].split('"')[0].replace("&amp;", "&")
        assert link.startswith("https://slack.com/oauth/v2/authorize?")
        return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}

    async def back(self, **query: str) -> Answer:
        return await self.open(f"{REDIRECT_PATH}?{urlencode(query)}")

    async def install(self, team: Team) -> Answer:
        """Go the whole way."""
        asked = await self.begin()
        code = f"code-{team.team}-{len(self._slack.tokens)}"
        self._slack.codes[code] = team
        return await self.back(code=code, state=asked["state"])


class HttpStage:
    """Lampkeeper behind the tests' Slack of many workspaces."""

    def __init__(self, folder: Path, slack: Slack, settings: config.Slack) -> None:
        self.folder, self.slack, self.config = folder, slack, settings
        self.later = 0.0
        self.browser = Browser(slack)
        self.guard: Guard
        self.adapter: SlackAdapter
        self.running: asyncio.Task[None]
        self.teams = AsyncExitStack()
        self._stack = AsyncExitStack()

    async def team(self, name: str, *, installed: bool = True) -> Team:
        """Return a new workspace: with the app installed and its alert channel chosen, or without the app."""
        team = await self.teams.enter_async_context(Team(self.slack, name).serving())
        assert isinstance(team, Team)
        if installed:
            assert (await self.browser.install(team)).status == 200
            await self.adapter.of(f"slack:{name}").choose({"alert_channel": ALERTS}, ADMIN)
            await self.settled()
        return team

    async def start(self) -> None:
        forward = Later("slack")
        self.guard = await self._stack.enter_async_context(
            lampkeeper(self.folder, clock=lambda: time.time() + self.later, deliverers=(forward,))
        )
        forward.adapter = self.adapter = SlackAdapter(self.config, self.guard)
        self.running = asyncio.create_task(self.adapter.run())
        self._stack.push_async_callback(self._stop_adapter)
        async with asyncio.timeout(30):
            while not self.running.done():
                try:
                    _, writer = await asyncio.open_connection(self.config.host, self.config.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    return

    async def _stop_adapter(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)

    async def stop(self) -> None:
        await self._stack.aclose()
        self._stack = AsyncExitStack()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def settled(self) -> None:
        async with asyncio.timeout(60):
            await self.adapter.settled()
            await self.guard.settled()

    async def stored(self) -> list[tuple[str, str]]:
        """Space and id of every message that was counted, in order of arrival."""
        async with self.guard.ledger.store.read() as tx:
            rows = await tx.execute(sql("SELECT space, id FROM messages WHERE version = 0 ORDER BY seq"))
            return [(row.space, row.id) for row in rows]


def http_config(port: int, **more: Any) -> config.Slack:
    secrets = {"signing_secret": SecretStr(SIGNING), "client_secret": SecretStr(SECRET)}
    return config.Slack(
        **{"connection": "http", "port": port, "public_url": PUBLIC, "client_id": CLIENT, **secrets, **more}
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def http_stage(folder: Path, **settings: Any) -> AsyncIterator[HttpStage]:
    """A running Lampkeeper to which Slack posts; `settings` are keys of the section [slack]."""
    port = free_port()
    async with Slack(f"http://127.0.0.1:{port}").serving() as slack:
        stage = HttpStage(folder, slack, http_config(port, **settings))
        with pointed_at(slack.url):
            try:
                await stage.start()
                yield stage
            finally:
                await stage.stop()
                await stage.teams.aclose()
