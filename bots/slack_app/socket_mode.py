"""Socket Mode: Slack's events over a connection that Lampkeeper opens itself, so that no address of it is public.

Leans on slack-bolt's handler. slack_sdk reconnects by itself, but tries one address for ever if that has expired, and a
revoked app token likewise. So a connection that stays away is thrown away, and made anew by whoever calls `listen`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient

from bots.slack_app.api import connection, quiet, web_client
from core.errors import TryLater

PING = 5.0
"""Seconds between looks at the connection; slack_sdk gives a pong half of it."""
LOST_AFTER = 6
"""Looks in a row that find no connection, after which a new one is made from the start."""
CONNECT_SECONDS = 30.0

log = structlog.get_logger(__name__)


async def listen(app: AsyncApp, app_token: str, behind: Callable[[], None]) -> None:
    """Keep one connection that feeds `app`; call `behind` whenever there may be a gap before what comes next.

    Raises `TryLater` when it was lost for good, and `PlatformError` where a person must act. Frames:
    https://docs.slack.dev/apis/events-api/using-socket-mode
    """

    async def frame(_client: AsyncBaseSocketModeClient, seen: dict[str, Any], _raw: str | None) -> None:
        # Every frame, before Bolt sees it: a greeting means a new connection, so a gap before it.
        if seen.get("type") == "hello":
            log.info("slack.connected")
            behind()
        elif (seen.get("payload") or {}).get("type") == "app_rate_limited":
            # https://docs.slack.dev/apis/events-api/#rate-limiting: more than 30,000 events an hour are dropped.
            log.warning("slack.events_dropped", remedy="what Slack dropped is read from history")
            behind()

    client = web_client(None)
    address = await connection(client, app_token)
    handler = AsyncSocketModeHandler(app, app_token, quiet(), client, ping_interval=PING)
    handler.client.wss_uri = address
    handler.client.message_listeners.append(frame)
    try:
        await _stay_connected(handler)
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


async def _stay_connected(handler: AsyncSocketModeHandler) -> None:
    """Connect; raise `TryLater` when the connection has been away for too long for slack_sdk to mend it."""
    try:
        await asyncio.wait_for(handler.connect_async(), CONNECT_SECONDS)  # type: ignore[no-untyped-call]
    except TimeoutError:
        raise TryLater("Slack's Socket Mode could not be reached.") from None
    away = 0
    while away < LOST_AFTER:
        await asyncio.sleep(PING)
        away = 0 if await handler.client.is_connected() else away + 1
    raise TryLater("The connection to Slack was lost.")
