"""One Slack workspace: its client, people, history and settings, and the queue that its events are taken from in order.

Leans on `history`, `people`, `translate` and `alerts`, which tells its moderators; `presses` leans on it. A `Workspace`
knows one space, and nothing leads from it to another one's: what the adapter hands it came with its team's id, and what
it posts goes out with its team's token.

- Events are acknowledged before they are looked at, and then taken in order. Where more come than the queue holds, the
  rest is read from history instead.
- What holds for a workspace is what the operator set up for it and, over that, what it chose itself
  (`core.communities`). Without an alert channel its cards wait in the outbox until there is one.
- Over HTTP (`drops`) Slack may drop events and never say so: the channels are looked at anew in turn (`sweep`), and
  where none come at all any more, that is told (`silence`).
- In a direct message with the app there is no partner: the other side is a program, so nobody is addressed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import structlog
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bots.common.changes import notices
from bots.common.gaps import hand_deletions
from bots.common.here import Here
from bots.common.lines import duration
from bots.common.remembered import Remembered
from bots.common.running import together
from bots.common.settings import Source
from bots.common.status import Link, channels
from bots.common.words import Words
from bots.slack_app import alerts
from bots.slack_app.api import Me
from bots.slack_app.backscan import Backscans
from bots.slack_app.bands import Bands
from bots.slack_app.events import EVENTS
from bots.slack_app.history import MARGIN, History
from bots.slack_app.markup import UNHEARD, words
from bots.slack_app.moderators import moderates
from bots.slack_app.people import Known, People
from bots.slack_app.served import NOTED, Former, Rank, Served, named
from bots.slack_app.silence import Silence
from bots.slack_app.sweep import Sweep
from bots.slack_app.translate import SLACKBOT, Raw, by_app, people_in, subject, translate
from bots.texts import say
from core import outbox
from core.casework.cards import Person
from core.config import SlackWorkspace
from core.errors import LampkeeperError, PlatformError
from core.export import Reporter
from core.guard import Guard
from core.messages import ConversationKey

PLATFORM = "slack"
QUEUE_MOST = 10_000
AGAIN = 5.0
"""Seconds after a fault before events are taken again."""
LINKS_KEPT = 2_000
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)
"""What translating raises for an event of a shape that Slack does not document."""

log = structlog.get_logger(__name__)


class Memory:
    """What a workspace's history asks the guard and tells it (`bots.slack_app.reading.Memory`).

    The guard keeps one sign of life for Slack as a whole; it moves on only while `heard` says that no workspace misses
    anything. `joined` is since when this one is served (seconds since the epoch): nothing older is read. `former` tells
    the IDs that channels had before (`bots.slack_app.served.Served.former`): what was begun then is known by those.
    """

    former: Callable[[], Former] = staticmethod(dict)

    def __init__(self, guard: Guard, space: str, joined: float | None, heard: Callable[[str, bool], None]) -> None:
        self._guard, self._space, self._joined, self._heard = guard, space, joined, heard

    @property
    def joined(self) -> float:
        """Since when the workspace is served."""
        return self._joined or 0.0

    async def last_forgotten(self) -> float | None:
        """When somebody's data was deleted last; None if it never was."""
        return await self._guard.last_forgotten(self._space)

    async def kept(self, conversations: Collection[str]) -> dict[str, set[str]]:
        """Ids of the messages that are kept and not known to be deleted, by conversation."""
        names = {named(self.former(), conversation): conversation for conversation in conversations}
        found = await self._guard.standing(self._space, names)
        return {names[name]: ids for name, ids in found.items()}

    async def compare(
        self, key: ConversationKey, since: float, until: float, shown: AbstractSet[str]
    ) -> AbstractSet[str]:
        """Take note that what is kept of a stretch and not `shown` was deleted; return what is kept and shown."""
        here = key._replace(conversation=named(self.former(), key.conversation))
        found = await hand_deletions(self._guard, here, since, until, shown)
        for old, left in self.former().get(key.conversation, ()):
            found |= await hand_deletions(self._guard, key._replace(conversation=old), since, min(until, left), shown)
        return found

    async def cursor(self, key: ConversationKey) -> str | None:
        """Id of the newest committed message of a conversation."""
        former = [old for old, _ in reversed(self.former().get(key.conversation, ()))]
        for name in (named(self.former(), key.conversation), *former):
            newest = await self._guard.cursor(key._replace(conversation=name))
            if newest is not None:
                return newest
        return None

    async def last_alive(self, platform: str) -> float | None:
        """Until when everything that the workspace showed is known to be stored; None if it never was."""
        alive = await self._guard.last_alive(platform)
        if alive is None or self._joined is None or alive >= self._joined:
            return None if self._joined is None else alive
        return self._joined + MARGIN  # which history takes off: before it came nothing is read

    def listening(self, _platform: str, is_listening: bool) -> None:
        """Take note whether nothing is left to read."""
        self._heard(self._space, is_listening)


class Workspace:
    """One team. `operator` is what the operator set up for it; `memory` stands between its history and the guard.

    `drops`: Slack may drop events and not say so. `reporter` is who passes its cases on.
    """

    def __init__(  # noqa: PLR0913 - all that one workspace is made of
        self,
        client: AsyncWebClient,
        who: Me,
        operator: SlackWorkspace,
        *,
        guard: Guard,
        memory: Memory,
        scans: Backscans,
        drops: bool,
        reporter: Reporter = Reporter(),  # noqa: B008 - a value
    ) -> None:
        self.client, self.who, self.guard, self.scans, self.reporter = client, who, guard, scans, reporter
        self.space = space_of(who.team)
        self.people = People(client)
        self._bands = Bands(self.people, lambda: self.settings.age_roles, self._tell_band)
        self._operator = {name: getattr(operator, name) for name in SlackWorkspace.model_fields}
        self.settings = Served(**self._operator)
        memory.former = lambda: self.settings.former
        self._chosen: frozenset[str] = frozenset()
        self.history = History(
            client=client,
            memory=memory,
            space=self.space,
            user=who.user,
            ignored=self.settings.left_out,
            deliver=self._deliver,
            tell=self.tell,
            drops=drops,
        )
        self.silence = Silence(self)
        self.history.found = self.silence.found
        self.sweep = Sweep(self.history, self.silence.judge) if drops else None
        self.link = Link()
        self.links = Remembered[tuple[str, str], str](LINKS_KEPT)
        self._events: asyncio.Queue[Raw] = asyncio.Queue(QUEUE_MOST)
        self._overflown = False
        self._handling: set[asyncio.Task[None]] = set()
        self.looked = 0.0
        """When it was looked last whether Homes show too much; seconds since the epoch, by the guard's clock."""
        self.forgotten: set[str] = set()
        """Alerts that no Home shows any more, and whose cards wait to be taken back."""
        self.drawing = asyncio.Lock()
        """Held while somebody's Home is drawn, so that the last look at who moderates is what stands there."""

    @property
    def language(self) -> str:
        """What its people are told in."""
        return self.settings.language

    @property
    def words(self) -> Words:
        """What is said to its people, in Slack's manner of writing."""
        return words(self.language)

    @property
    def here(self) -> Here:
        """Its space."""
        return Here(self.space, self.words, self.guard.ledger)

    async def moderates(self, who: Person) -> bool:
        """Tell whether somebody moderates it; False, too, where Slack does not tell."""
        try:
            return await moderates(who.id, self.settings, self.people, self.who.team)
        except PlatformError:
            return False

    def swept(self) -> Iterator[str]:
        """Say how often channels are looked at for what Slack dropped, and in which of them that does not show all.

        And first, where that is so, that Slack sends no events.
        """
        if self.settings.silent:
            yield self.words.say("slack.silent_status")
        if self.sweep is not None and self.sweep.every is not None:
            yield self.words.say("slack.swept", every=duration(self.sweep.every))
            if self.sweep.short:
                yield self.words.say("slack.swept_short", channels=channels(self.words, sorted(self.sweep.short)))

    def source(self, name: str) -> Source:
        """Tell where a setting comes from."""
        if name in self._chosen:
            return "here"
        return "default" if self._operator[name] == getattr(SlackWorkspace(), name) else "operator"

    async def load(self) -> None:
        """Read what the workspace chose; before anything of it is read."""
        communities = self.guard.communities
        self._take_over((await communities.every(PLATFORM)).get(self.space, {}))
        if noted := self.settings.noted(frozenset(self.settings.left_out_seen or ())):
            self._take_over(await communities.note(self.space, noted))

    async def choose(self, changes: dict[str, Any], who: Person) -> Served:
        """Change what the workspace chose, and have its moderators told; None takes a choice back.

        pydantic.ValidationError where one is wrong.
        """
        wanted = {name: self._operator.get(name) if value is None else value for name, value in changes.items()}
        after, before = Served(**(self.settings.model_dump() | wanted)), self.settings.left_out
        noted = after.noted(before) if after.left_out != before else {}
        here = self.here._replace(words=Words(after.language, UNHEARD))
        told = notices(here, who, self.settings, after)
        self._take_over(await self.guard.communities.choose(self.space, changes, who, noted, notices=told))
        return self.settings

    async def drawn_for(self, user: str, rank: Rank | None) -> None:
        """Take note of what somebody's Home shows beyond everybody's."""
        if self.settings.homes.get(user) != rank:
            homes = {**self.settings.homes, user: rank}
            noted = {one: shown for one, shown in homes.items() if shown is not None}
            self._take_over(await self.guard.communities.note(self.space, {"homes": noted or None}))

    async def renamed(self, old: str, new: str, when: float) -> None:
        """Carry over what holds for a channel that has another ID since `when`, and what is known of it."""
        if old in {known for known, _ in self.settings.former.get(new, ())}:
            return
        self._take_over(await self.guard.communities.note(self.space, self.settings.formerly(old, new, when)))
        if changes := self.settings.renamed(old, new):
            await self.choose(changes, Person(SLACKBOT, "Slack"))
        async with self.guard.ledger.transaction() as tx:
            await outbox.moved(tx, self.space, f"{old}/", f"{new}/")

    async def fell_silent(self, *, silent: bool) -> None:
        """Take note that its moderators were told that Slack sends no events, or that it does again."""
        self._take_over(await self.guard.communities.note(self.space, {"silent": silent or None}))

    def _take_over(self, choices: Mapping[str, Any]) -> None:
        self.settings = Served(**(self._operator | dict(choices)))
        self._chosen = frozenset(choices) - NOTED
        self.history.ignored, self.history.language = self.settings.left_out, self.language

    async def run(self) -> None:
        """Take events and read what was missed, until cancelled; whatever goes wrong, it goes on."""
        while True:
            try:
                await together(self._take(), self.history.run(), *([self.sweep.run()] if self.sweep else []))
            except LampkeeperError as error:
                log.error("slack.taking_again", space=self.space, what=error.what, seconds=AGAIN)
            except Exception as error:  # noqa: BLE001 - whatever it is, listening must go on
                # Only the kind: its words may quote what people wrote.
                log.error("slack.taking_again", space=self.space, what=type(error).__name__, seconds=AGAIN)
            finally:
                self.history.lost()
            await asyncio.sleep(AGAIN)
            self.history.behind()

    def authorized(self) -> AuthorizeResult:
        """Return what Bolt wants to know before it passes something of this team on."""
        return AuthorizeResult(
            enterprise_id=None,
            team_id=self.who.team,
            bot_user_id=self.who.user,
            bot_id=self.who.bot,
            bot_token=self.client.token,
        )

    async def settled(self) -> None:
        """Return when everything that Slack sent so far was handed to the guard."""
        await self._events.join()
        await asyncio.gather(*self._handling, return_exceptions=True)
        await self.history.settled()

    def hear(self, event: Raw) -> None:
        """Take an event, acknowledged already; a message behind those that came before."""
        self.link.heard()
        self.silence.heard(event)
        if handle := EVENTS.get(event["type"]):
            self.handle(handle(self, event))
        elif event["type"] == "message" and event.get("channel"):
            self._overflown = self._overflown or self._events.full()
            if not self._overflown:
                self._events.put_nowait(event)

    def handle(self, what: Coroutine[Any, Any, None]) -> None:
        """Do something that an event asks for, beside what else comes."""
        handling = asyncio.create_task(what)
        self._handling.add(handling)
        handling.add_done_callback(self._handling.discard)

    async def tell(self, text: str) -> None:
        """Tell the moderators, in Slack's own markup; where that cannot be, the log says so."""
        try:
            await alerts.post(self, text)
        except PlatformError as error:
            log.warning("slack.notice_lost", space=self.space, what=error.what, remedy=error.remedy)

    async def _take(self) -> None:
        """Hand events on in their order. Where too many came, the rest is read from history instead."""
        while True:
            event = await self._events.get()
            try:
                await self.history.take(event)
            finally:
                self._events.task_done()
            if self._overflown and self._events.empty():
                self._overflown = False
                log.warning("slack.queue_full", space=self.space, remedy="what did not fit is read from history")
                self.history.behind()

    async def _deliver(self, raw: Raw) -> bool:
        try:
            if not self.settings.reads(raw):
                return False
            people = {user: await self.people.known(user) for user in people_in(raw, self.who)}
            author = str(subject(raw).get("user"))
            if author in people:
                people[author] = people[author]._replace(band=await self._bands.of(author))
            partner = await self._partner(raw) if raw.get("channel_type") == "mpim" else None
            event = translate(self.settings.named(raw), self.space, people, self.who, partner)
        except UNREADABLE as error:
            # Only the kinds: the event's own words are people's.
            log.warning("slack.unreadable_event", subtype=raw.get("subtype"), error=type(error).__name__)
            return False
        if event is not None:
            await self.guard.receive(event)
        elif people.get(author, Known()).unknown and by_app(subject(raw)):
            log.warning("slack.account_unknown", space=self.space, what="An app's message was left out.")
        return event is not None

    async def _tell_band(self, group: str, why: PlatformError) -> None:
        await self.tell(say(self.language, "slack.band_unknown", group=group, why=why))

    async def _partner(self, raw: Raw) -> str | None:
        """In a group direct message of two people and the app, return the other one."""
        try:
            members = await self.people.members(str(raw["channel"])) - {self.who.user}
        except PlatformError:
            return None
        others = members - {raw.get("user")}
        return next(iter(others)) if len(members) == 2 and len(others) == 1 else None


def space_of(team: str) -> str:
    """Return the name of a team's space."""
    return f"{PLATFORM}:{team}"


def team_of(space: str) -> str:
    """Return the team whose space has this name."""
    return space.removeprefix(f"{PLATFORM}:")
