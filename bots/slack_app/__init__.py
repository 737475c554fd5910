"""The Slack adapter: Bolt over Socket Mode or HTTP, one workspace or many, translating in both directions.

Leans on slack-bolt. `workspace` is one team with its `people`, `history`, `alerts` and `presses`, `workspaces` all of
them; `socket_mode` and `http` are the two ways in which Slack reaches one Bolt app, `install` how a workspace lets it
in, `leave` what happens when it is removed. `translate` makes events into messages, `card` shows alerts, `check` looks
at the set-up, `api` turns Slack's refusals into words. Here they are put together, and here connections are kept.

- Every event goes to the workspace of the team that it came for, and to no other. Slack delivers some twice: each is
  taken once by its id, and the guard counts each message once by its id within the conversation.
- Messages are nearly all that comes. They are taken before Bolt asks each of its listeners whether the event is for
  it, which costs twice as much as everything else that Bolt does with one.
- Over HTTP, an event that Slack had to send again and that is new means that it could not reach us: others may be lost,
  so history is read. After a longer outage no such event may come: every channel is looked at anew in turn (`sweep`).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bots.adapter import Finding
from bots.common.digest import tell_due
from bots.common.running import again_and_again, together
from bots.common.words import Words
from bots.helplines import Helplines, known
from bots.slack_app import alerts, commands, home, members, presses, socket_mode
from bots.slack_app.api import quiet, web_client
from bots.slack_app.backscan import Backscans
from bots.slack_app.check import check
from bots.slack_app.helpdesk import Helpdesk
from bots.slack_app.http import Once, header, replays, serve
from bots.slack_app.install import make_flow
from bots.slack_app.workspace import PLATFORM, Workspace, team_of
from bots.slack_app.workspaces import Workspaces
from core.casework.cards import Call, Card
from core.config import Slack
from core.errors import LampkeeperError, PlatformError
from core.export import Reporter
from core.guard import Guard

EVENTS_KNOWN = 100_000
EVENT_SECONDS = 3600.0
"""For how long an event is known again; Slack tries for about six minutes."""
OLD = 30.0
"""Seconds after which an event may be about what is no longer so."""
OUTAGE_EVERY = 600.0
"""Seconds between two readings of history for events that came late."""

log = structlog.get_logger(__name__)


def _told(ended: Exception | None, seconds: float) -> None:
    # Of others' errors only the kind: their words may quote what people wrote.
    why = "The connection ended." if ended is None else type(ended).__name__
    log.warning(
        "slack.connecting_again", what=str(ended) if isinstance(ended, LampkeeperError) else why, seconds=seconds
    )


def _is_old(body: dict[str, Any]) -> bool:
    """Tell whether an event comes late (https://docs.slack.dev/apis/events-api/#callback-field)."""
    return time.time() - float(body.get("event_time") or 0.0) > OLD


class _MessagesFirst(AsyncMiddleware):
    """Takes events of messages; Bolt has checked, by then, where they come from and that they are not the app's own."""

    def __init__(self, take: Callable[..., Awaitable[None]]) -> None:
        self._take = take

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002
    ) -> BoltResponse:
        event = req.body.get("event")
        if isinstance(event, dict) and event.get("type") == "message":
            await self._take(event, req.body, req.context, req)
            return BoltResponse(status=200, body="")
        return await next()


class SlackAdapter:
    """Slack, as the core sees it: the workspaces that the app is in."""

    platform = PLATFORM

    def __init__(
        self,
        config: Slack,
        guard: Guard,
        helplines: Helplines | None = None,
        reporter: Reporter = Reporter(),  # noqa: B008 - a value
    ) -> None:
        self._config = config
        self.helplines = known() if helplines is None else helplines
        self._helpdesk = Helpdesk(self.helplines)
        self._guard = guard
        self._scans = Backscans(guard, lambda space: self.of(space).language)
        self._workspaces = Workspaces(config, guard, self._scans, self._end, reporter)
        self._known_events = Once(EVENT_SECONDS, EVENTS_KNOWN)
        self._outages = Once(OUTAGE_EVERY, EVENTS_KNOWN)
        self._replays = replays(self._dropped)
        self._over: asyncio.Future[None] | None = None
        guard.chores.append(lambda: tell_due(guard.ledger, self.platform, self._words_of))
        guard.chores.append(self._look_at_homes)

    async def run(self) -> None:
        """Connect, catch up on what was missed, listen; return only when cancelled.

        Raises `PlatformError` with a remedy where a person must act (a token revoked, Socket Mode off).
        """
        self._over = asyncio.get_running_loop().create_future()
        try:
            await together(self._over, *(again_and_again(listen, _told) for listen in self._sources()))
        finally:
            await self._scans.close()
            await self._workspaces.end()

    def _end(self, error: PlatformError) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_exception(error)

    async def settled(self) -> None:
        """Return when everything that Slack sent so far was handed to the guard."""
        await self._workspaces.settled()

    def of(self, space: str) -> Workspace:
        """Return the workspace of a space; raises `PlatformError` where it is not served."""
        return self._workspaces.of(space)

    async def check(self) -> list[Finding]:
        """Look at tokens, scopes, alert channel and conversations without changing anything; never raises."""
        return await check(self._workspaces.own, self._config, self._workspaces.held, self._workspaces.given)

    async def show(self, card: Card, reference: str | None) -> str:
        """Post `card` in the alert channel, or edit the posted one; return the reference to edit it by."""
        return await alerts.show(self.of(card.space), card, reference)

    async def find(self, card: Card) -> str | None:
        """Return the reference of a card for the same alert that an interrupted try did post; else None."""
        return await alerts.find(self.of(card.space), card)

    async def withdraw(self, space: str, alert: str, reference: str | None) -> None:
        """Say in place of a posted card that the data of its alert was deleted."""
        workspace = self.of(space)
        await home.forget(self.helplines, workspace, alert)
        await alerts.withdraw(workspace, alert, reference)
        workspace.forgotten.discard(alert)

    async def call(self, card: Card, reference: str, why: Call, *, tried: bool) -> None:
        """Call those whom the space has chosen to a posted card; with `tried`, look first whether they were."""
        await alerts.call(self.of(card.space), card, reference, why, tried=tried)

    async def notify(self, space: str, text: str) -> None:
        """Tell the moderators, in the alert channel, something about Lampkeeper itself."""
        await alerts.notify(self.of(space), text)

    def _words_of(self, space: str) -> Words | None:
        """Return the words for what a workspace is told unasked; None where that has to wait."""
        workspace = self._workspaces.served.get(team_of(space))
        if workspace is None or workspace.settings.alert_channel is None or workspace.settings.paused:
            return None
        return workspace.words

    def _gap(self) -> None:
        """Events come from now on; what was not told before may be messages, or that somebody moderates no more."""
        self._workspaces.gap()
        for workspace in self._workspaces.served.values():
            workspace.handle(home.look_again(self.helplines, workspace))

    async def _look_at_homes(self) -> None:
        for workspace in list(self._workspaces.served.values()):
            await home.look_again(self.helplines, workspace)

    # Where events come from.

    def _sources(self) -> list[Callable[[], Awaitable[None]]]:
        many = self._config.client_id is not None
        if self._config.connection == "http":
            return [self._over_http, *([self._workspaces.look_after] if many else [])]
        return [self._over_socket, *([self._pages, self._workspaces.look_after] if many else [])]

    async def _over_socket(self) -> None:
        assert self._config.app_token is not None, "bots.composition asks for missing keys first"
        await self._workspaces.meet()
        try:
            await socket_mode.listen(self._app(), self._config.app_token.get_secret_value(), self._gap)
        finally:
            self._workspaces.lost()

    async def _over_http(self) -> None:
        await self._workspaces.meet()
        try:
            await self._serve(self._app(), self._gap)
        finally:
            self._workspaces.lost()

    async def _pages(self) -> None:
        await self._serve(None, lambda: None)

    async def _serve(self, app: AsyncApp | None, ready: Callable[[], None]) -> None:
        config, ledger = self._config, self._guard.ledger
        keep = self._workspaces.installed
        flow = None if config.client_id is None else make_flow(config, ledger.vault, ledger.clock, keep)
        await serve(config.host, config.port, app=app, flow=flow, ready=ready)

    # What Slack sends.

    def _app(self) -> AsyncApp:
        async def authorize(team_id: str | None) -> AuthorizeResult | None:
            # Known already; Bolt would ask again, and let events overtake each other meanwhile.
            workspace = self._workspaces.served.get(team_id or "")
            return None if workspace is None else workspace.authorized()

        signed, over_http = self._config.signing_secret, self._config.connection == "http"
        app = AsyncApp(
            name="lampkeeper",
            logger=quiet(),
            client=web_client(None),
            signing_secret=signed.get_secret_value() if signed is not None else None,
            request_verification_enabled=over_http,
            before_authorize=self._replays if over_http else None,
            authorize=authorize,  # type: ignore[arg-type]  # None: not one of ours
        )
        members.add(app, self)  # before the commands, of which it takes two
        commands.add(app, self)
        presses.add(app, self)
        app.event(re.compile(""))(self._event)
        app.use(_MessagesFirst(self._event))
        return app

    def _dropped(self, team: str) -> None:
        """Read from history what Slack dropped: more than 30,000 events an hour."""
        if (workspace := self._workspaces.served.get(team)) is not None:
            log.warning("slack.events_dropped", space=workspace.space, remedy="what Slack dropped is read from history")
            workspace.history.behind()

    async def _event(
        self, event: dict[str, Any], body: dict[str, Any], context: AsyncBoltContext, request: AsyncBoltRequest
    ) -> None:
        """Take any event, acknowledged already, once."""
        kind, team = event["type"], str(context.team_id)
        if not self._known_events.first(f"{team}/{body.get('event_id')}"):
            return
        if kind == "app_uninstalled" or (kind == "tokens_revoked" and (event.get("tokens") or {}).get("bot")):
            self._workspaces.removed(team, sure=kind == "app_uninstalled" and not _is_old(body))
        elif (workspace := self._workspaces.served.get(team)) is not None:
            late = request.mode == "http" and header(request, "x-slack-retry-num")
            if late and self._outages.first(team):
                log.warning(
                    "slack.events_late", space=workspace.space, remedy="what Slack dropped is read from history"
                )
                workspace.history.behind()
            workspace.hear(event)
            if home.concerns(workspace, event):
                workspace.handle(home.look_again(self.helplines, workspace))
            if kind == "message" and event.get("channel_type") == "im":
                workspace.handle(self._helpdesk.greet(workspace, event))
