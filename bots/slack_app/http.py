"""HTTP: Slack posts events, presses and commands to one address, and people install the app at another.

Leans on aiohttp and on slack-bolt's helpers for it. Bolt checks each request's signature, and that it is no older than
five minutes (https://docs.slack.dev/authentication/verifying-requests-from-slack); `replays` refuses what was seen
before. A web server in front of it has to bring TLS: Slack posts to https only.

- The same signature twice is a replay: Slack signs every retry anew, with its own time. Only signatures that Bolt found
  right are remembered, so nobody can fill that memory but Slack. What was signed before this process began is refused,
  for another one may have taken it; Slack sends events again.
- Where a port cannot be had, a person must act; it is said and not tried again.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bots.slack_app.manifest import EVENTS_PATH, INSTALL_PATH, REDIRECT_PATH
from core.errors import PlatformError

LARGEST = 4 * 1024 * 1024
"""Bytes of a request; Slack's stay far below."""
WINDOW = 2 * 5 * 60.0
"""Seconds for which a signature is remembered: Bolt lets a request's time be five minutes off, either way."""
STOP_SECONDS = 2.0
"""What requests that are being answered get when Lampkeeper stops."""

log = structlog.get_logger(__name__)


class Once:
    """Tells whether something is seen for the first time within `seconds`; at most `most` are remembered."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds, self._most = seconds, most
        self._seen: OrderedDict[str, float] = OrderedDict()

    def first(self, what: str) -> bool:
        """Take note of `what`, and tell whether it is new.

        >>> once = Once(60, most=100)
        >>> once.first("Ev1"), once.first("Ev1"), once.first("Ev2")
        (True, False, True)
        """
        now = time.monotonic()
        while self._seen and (len(self._seen) >= self._most or next(iter(self._seen.values())) < now - self._seconds):
            self._seen.popitem(last=False)
        if what in self._seen:
            return False
        self._seen[what] = now
        return True


def replays(dropped: Callable[[str], None]) -> Callable[..., Awaitable[BoltResponse]]:
    """Return the middleware that refuses signed requests seen before; Bolt runs it right after its own check.

    `dropped` is called with the team of which Slack dropped events: Bolt has no listener for that
    (https://docs.slack.dev/apis/events-api/#rate-limiting).
    """
    seen, began = Once(WINDOW, most=1_000_000), int(time.time())

    async def refuse(req: AsyncBoltRequest, resp: BoltResponse, next_: Callable[[], Awaitable[None]]) -> BoltResponse:
        if int(header(req, "x-slack-request-timestamp")) < began or not seen.first(header(req, "x-slack-signature")):
            return BoltResponse(status=401, body="")
        if req.body.get("type") == "app_rate_limited":
            dropped(str(req.body.get("team_id")))
            return BoltResponse(status=200, body="")
        await next_()
        return resp

    return refuse


def header(request: AsyncBoltRequest, name: str) -> str:
    """Return the first value of a header, its name in small letters; or ""."""
    return next(iter(request.headers.get(name, ())), "")


async def serve(
    host: str, port: int, *, app: AsyncApp | None, flow: AsyncOAuthFlow | None, ready: Callable[[], None]
) -> None:
    """Serve at `host` and `port`, until cancelled: events for `app`, installing by `flow`; call `ready` once it does.

    Raises `PlatformError` if it cannot listen there.
    """
    site = web.Application(client_max_size=LARGEST)
    if app is not None:
        site.router.add_post(EVENTS_PATH, _events(app))
    if flow is not None:
        site.router.add_get(INSTALL_PATH, _page(flow.handle_installation))
        site.router.add_get(REDIRECT_PATH, _page(flow.handle_callback))
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise busy(host, port, error) from None
        log.info("slack.serving", host=host, port=port)
        ready()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def busy(host: str, port: int, error: OSError) -> PlatformError:
    """Say that nothing can be served at `host` and `port`."""
    return PlatformError(
        f"Lampkeeper cannot listen on {host}, port {port} ({error.strerror or type(error).__name__}).",
        "Stop the program that listens there, or name another port or host under [slack].",
    )


def _events(app: AsyncApp) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        if not _TIME.fullmatch(request.headers.get("X-Slack-Request-Timestamp", "0")):
            return _refused(401, "its time is none")
        try:
            asked = await to_bolt_request(request)
        except web.HTTPException as error:  # aiohttp's own, as of a request that is too large
            return _refused(error.status, "aiohttp does not take it")
        except Exception:  # noqa: BLE001 - anybody may post anything here, and nothing of it is checked yet
            return _refused(400, "it cannot be read")
        try:
            response = await app.async_dispatch(asked)
        except Exception as error:  # noqa: BLE001 - aiohttp would log the traceback, and with it what errors carry
            log.error("slack.request_failed", error=type(error).__name__, remedy="Slack sends it again.")
            return web.Response(status=500)
        if response.status == 401:
            return _refused(401, "signature or time is not right, or it came before")
        return await to_aiohttp_response(response)

    return answer


def _refused(status: int, why: str) -> web.Response:
    log.warning("slack.request_refused", why=why, remedy=_UNSIGNED)
    return web.Response(status=status)


_TIME = re.compile("[0-9]{1,12}")
_UNSIGNED = "If Slack sent it, compare signing_secret with Basic Information in the app's settings, and the clock."


def _page(
    handle: Callable[[AsyncBoltRequest], Awaitable[BoltResponse]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await handle(await to_bolt_request(request)))

    return answer
