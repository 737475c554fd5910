"""The Slack adapter: Bolt over Socket Mode, one workspace, translating in both directions.

Leans on slack-bolt. `translate` makes events into messages, `history` sees to it that none is missed, `delivery` and
`card` show alerts, `presses` answers buttons, `check` looks at the set-up, `api` turns Slack's refusals into words.
`events` is what else Slack tells: who came, who left; `bands` knows ages by usergroup; `backscan` reads history that
moderators ask for. Here they are put together, and here the connection is kept.

- Events are acknowledged by Bolt before they are looked at, and then taken in order from one queue. Slack delivers some
  twice; the guard counts each once, by its id within the conversation.
- slack_sdk reconnects by itself, but tries one address for ever if that has expired, and a revoked app token likewise.
  So a connection that stays away is thrown away, and made anew with tokens asked for first: then a person is told.
- In a direct message with the app there is no partner: the other side is a program, so nobody is addressed.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient

from bots.adapter import Finding
from bots.slack_app import delivery
from bots.slack_app.api import Me, connection, me, quiet, web_client
from bots.slack_app.backscan import Backscans
from bots.slack_app.bands import Bands
from bots.slack_app.check import check
from bots.slack_app.events import EVENTS, Here, Seen
from bots.slack_app.history import History
from bots.slack_app.people import People
from bots.slack_app.presses import press
from bots.slack_app.translate import Raw, notice, people_in, subject, translate
from bots.texts import ENGLISH, say
from core.cards import Call, Card
from core.config import Slack
from core.errors import LampkeeperError, PlatformError, TryLater
from core.guard import Guard

PING = 5.0
"""Seconds between looks at the connection; slack_sdk gives a pong half of it."""
LOST_AFTER = 6
"""Looks in a row that find no connection, after which a new one is made from the start."""
CONNECT_SECONDS = 30.0
LONGEST_WAIT = 60.0
QUEUE_MOST = 10_000
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)
"""What translating raises for an event of a shape that Slack does not document."""

log = structlog.get_logger(__name__)


class SlackAdapter:
    """One Slack workspace, as the core sees it."""

    platform = "slack"

    def __init__(self, config: Slack, guard: Guard) -> None:
        self._config = config
        self._guard = guard
        assert config.bot_token is not None, "bots.composition asks for missing tokens first"
        self._client = web_client(config.bot_token.get_secret_value())
        self._people = People(self._client)
        self._bands = Bands(self._people, lambda: self._config.age_bands, self._tell_band)
        self._seen = Seen()
        self._handling: set[asyncio.Task[None]] = set()
        self.scans = Backscans(guard, lambda _space: ENGLISH)
        self._ignored = frozenset((config.alert_channel, *config.ignored_channels))
        """The alert channel is left out too: moderators quote there what they decide about."""
        self._events: asyncio.Queue[Raw] = asyncio.Queue(QUEUE_MOST)
        self._overflown = False
        self._me: Me | None = None
        self._history: History | None = None
        self._removed = asyncio.Event()

    async def run(self) -> None:
        """Connect, catch up on what was missed, listen; return only when cancelled.

        Raises `PlatformError` with a remedy where a person must act (a token revoked, Socket Mode off).
        """
        assert self._config.app_token is not None, "bots.composition asks for missing tokens first"
        await self.scans.tell_cut_off()
        try:
            await self._keep_listening(self._config.app_token.get_secret_value())
        finally:
            await self.scans.close()
            for handling in self._handling:
                handling.cancel()

    async def _keep_listening(self, app_token: str) -> None:
        wait = 1.0
        while True:
            began = time.monotonic()
            try:
                await self._listen(app_token)
                await self._forget()
            except TryLater as error:
                what, asked = error.what, error.seconds
            except PlatformError:
                raise
            except LampkeeperError as error:
                what, asked = str(error), None
            except Exception as error:  # noqa: BLE001 - whatever it is, listening must go on
                # Only the kind: its words may quote what people wrote.
                what, asked = type(error).__name__, None
            wait = 1.0 if time.monotonic() - began > LONGEST_WAIT else min(2 * wait, LONGEST_WAIT)
            log.warning("slack.connecting_again", what=what, seconds=asked or wait)
            await asyncio.sleep(asked or wait)

    async def settled(self) -> None:
        """Return when everything that Slack sent so far was handed to the guard."""
        await self._events.join()
        await asyncio.gather(*self._handling, return_exceptions=True)
        if self._history is not None:
            await self._history.settled()

    async def check(self) -> list[Finding]:
        """Look at tokens, scopes, alert channel and conversations without changing anything; never raises."""
        return await check(self._client, self._config)

    async def show(self, card: Card, reference: str | None) -> str:
        """Post `card` in the alert channel, or edit the posted one; return the reference to edit it by."""
        who = await self._workspace(card.space)
        actor = await self._people.introduced(card.actor, who.team, ENGLISH)
        target = card.target and await self._people.introduced(card.target, who.team, ENGLISH)
        card = replace(card, actor=actor, target=target)
        return await delivery.show(self._client, self._config.alert_channel, card, reference, who)

    async def find(self, card: Card) -> str | None:
        """Return the reference of a card for the same alert that an interrupted try did post; else None."""
        await self._workspace(card.space)
        return await delivery.find(self._client, self._config.alert_channel, card.alert)

    async def withdraw(self, space: str, alert: str, reference: str | None) -> None:
        """Say in place of a posted card that the data of its alert was deleted."""
        await self._workspace(space)
        found = reference or await delivery.find(self._client, self._config.alert_channel, alert)
        if found is not None:
            await delivery.withdraw(self._client, found)

    async def call(self, card: Card, reference: str, why: Call, *, tried: bool) -> None:
        """Call nobody: on Slack nobody can be chosen for it yet."""

    async def notify(self, space: str, text: str) -> None:
        """Tell the moderators, in the alert channel, something about Lampkeeper itself."""
        await self._workspace(space)
        await delivery.notify(self._client, self._config.alert_channel, notice(text))

    async def _who(self) -> Me:
        if self._me is None:
            self._me = await me(self._client)
        return self._me

    async def _workspace(self, space: str) -> Me:
        """Nothing crosses spaces: what belongs to one workspace is not shown in another."""
        who = await self._who()
        if space != _space(who):
            raise PlatformError(
                "This belongs to a Slack workspace other than the one the bot token is for.",
                "Run Lampkeeper with that workspace's tokens, or with a database of its own for each.",
            )
        return who

    async def _listen(self, app_token: str) -> None:
        """Keep one connection; return when the app was removed from the workspace."""
        self._me = who = await me(self._client)
        if self._history is None:
            self._history = History(
                client=self._client,
                memory=self._guard,
                space=_space(who),
                user=who.user,
                ignored=self._ignored,
                deliver=self._deliver,
                tell=self._tell,
            )
        self._history.lost()
        address = await connection(self._client, app_token)
        handler = self._handler(who, app_token)
        handler.client.wss_uri = address
        parts: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._removed.wait()),
            asyncio.create_task(self._take(self._history)),
            asyncio.create_task(self._history.run()),
            asyncio.create_task(_stay_connected(handler)),
        ]
        try:
            over, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in over:
                part.result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            self._history.lost()
            await handler.close_async()  # type: ignore[no-untyped-call]

    def _handler(self, who: Me, app_token: str) -> AsyncSocketModeHandler:
        async def authorize() -> AuthorizeResult:
            # Known already; Bolt would ask again, and let events overtake each other meanwhile.
            return AuthorizeResult(
                enterprise_id=None,
                team_id=who.team,
                bot_user_id=who.user,
                bot_id=who.bot,
                bot_token=self._client.token,
            )

        logger = quiet()
        app = AsyncApp(name="lampkeeper", logger=logger, client=web_client(None), authorize=authorize)
        app.event(re.compile(""))(self._event)
        app.action(re.compile("^lampkeeper_"))(self._press)
        handler = AsyncSocketModeHandler(app, app_token, logger, self._client, ping_interval=PING)
        handler.client.message_listeners.append(self._frame)
        return handler

    async def _here(self) -> Here:
        assert self._history is not None, "events come over the connection that it was made for"
        who = await self._who()
        return Here(who, _space(who), self._people, self._history, self._guard, self.scans, ENGLISH)

    async def _frame(self, _client: AsyncBaseSocketModeClient, frame: dict[str, Any], _raw: str | None) -> None:
        """See every frame before Bolt does: a greeting means a new connection, so a gap before it."""
        assert self._history is not None
        if frame.get("type") == "hello":
            log.info("slack.connected")
            self._history.behind()
        elif (frame.get("payload") or {}).get("type") == "app_rate_limited":
            # https://docs.slack.dev/apis/events-api/#rate-limiting: more than 30,000 events an hour are dropped.
            log.warning("slack.events_dropped", remedy="what Slack dropped is read from history")
            self._history.behind()

    async def _event(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Take any event, acknowledged already."""
        kind = event["type"]
        if not self._seen.new(body.get("event_id")):
            return
        if handle := EVENTS.get(kind):
            handling = asyncio.create_task(handle(await self._here(), event))
            self._handling.add(handling)
            handling.add_done_callback(self._handling.discard)
        elif kind == "app_uninstalled" or (kind == "tokens_revoked" and (event.get("tokens") or {}).get("bot")):
            self._removed.set()
        elif kind == "message" and event.get("channel"):
            self._overflown = self._overflown or self._events.full()
            if not self._overflown:
                self._events.put_nowait(event)

    async def _take(self, history: History) -> None:
        """Hand events on in their order. Where too many came, the rest is read from history instead."""
        while True:
            event = await self._events.get()
            try:
                await history.take(event)
            finally:
                self._events.task_done()
            if self._overflown and self._events.empty():
                self._overflown = False
                log.warning("slack.queue_full", remedy="what did not fit is read from history")
                history.behind()

    async def _deliver(self, raw: Raw) -> bool:
        if raw["channel"] in self._ignored:
            return False
        who = await self._who()
        try:
            people = {user: await self._people.known(user) for user in people_in(raw, who)}
            author = subject(raw).get("user")
            if author in people:
                people[author] = people[author]._replace(band=await self._bands.of(author))
            partner = await self._partner(raw, who) if raw.get("channel_type") == "mpim" else None
            event = translate(raw, _space(who), people, who, partner)
        except UNREADABLE as error:
            # Only the kinds: the event's own words are people's.
            log.warning("slack.unreadable_event", subtype=raw.get("subtype"), error=type(error).__name__)
            return False
        if event is not None:
            await self._guard.receive(event)
        return event is not None

    async def _partner(self, raw: Raw, who: Me) -> str | None:
        """In a group direct message of two people and the app, return the other one."""
        try:
            members = await self._people.members(str(raw["channel"])) - {who.user}
        except PlatformError:
            return None
        others = members - {raw.get("user")}
        return next(iter(others)) if len(members) == 2 and len(others) == 1 else None

    async def _press(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        try:
            reply = await press(body, _space(await self._who()), self._config, self._guard, self._people)
            answer = await respond(
                text=reply.text, blocks=reply.blocks, response_type="ephemeral", replace_original=False
            )
        except Exception as error:  # noqa: BLE001 - Bolt would log the traceback, and with it what errors carry
            log.error("slack.press_failed", error=type(error).__name__)
            return
        if answer.status_code != 200:
            log.warning("slack.answer_lost", status=answer.status_code)

    async def _forget(self) -> None:
        """Delete all that is known of the workspace, as Slack asks of apps that were removed, and say so."""
        await self._guard.settled()
        await self._guard.forget_space(_space(await self._who()), gone=True)
        raise PlatformError(
            "The Slack app was removed from the workspace, and what Lampkeeper kept of the workspace was deleted.",
            "If that was not meant, install the app again, put the new token into the configuration and restart.",
        )

    async def _tell_band(self, group: str, why: PlatformError) -> None:
        await self._tell(say(ENGLISH, "slack.band_unknown", group=group, why=why))

    async def _tell(self, text: str) -> None:
        try:
            await delivery.notify(self._client, self._config.alert_channel, text)
        except PlatformError as error:
            log.warning("slack.notice_lost", what=error.what, remedy=error.remedy)


def _space(who: Me) -> str:
    return f"slack:{who.team}"


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
