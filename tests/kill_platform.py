"""The platform that outlives the guard: who said what, which cards stand, what became of moderators' presses.

It is one end of a socket. What is said goes to whoever listens; whoever was away asks for all that was said since its
cursors and gets it in its order, some of it twice. A card is posted some milliseconds after it was asked for, and the
answer takes some more, so that a kill falls between the two. As with a real platform, what was on its way when the
other end died still arrives.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from core.messages import Author, ConversationKey, Deletion, Edit, Event, Message
from tests.kill_guard import framed, read_frame
from tests.support import slow_talk

ROOMS_AT_ONCE = 8
GROUP = 4
"""Rooms that share people: the last two have the same actor."""
SPACES = ("test:one", "test:two", "test:three")
ANSWERS = (
    "lol same",
    "what did you get in maths?",
    "i only play on weekends, my brother has the better mouse",
    "we lost again today, the keeper was ill",
    "ok",
    "brb, dinner",
    "the second level is much harder than the first one",
    "did you see the match yesterday? it went on for hours",
    "my teacher gave us so much homework this week",
    "no idea, ask my friend",
)
OVERLAP = 6
"""Up to so many messages before a cursor are told again."""


@dataclass
class Room:
    """A conversation as it is going to be: who says what to whom; `said` are the messages so far that still stand."""

    key: ConversationKey
    group: int
    lines: list[tuple[str, str, str]]
    said: list[Message] = field(default_factory=list)
    edited: set[str] = field(default_factory=set)


def room(number: int, chance: Random) -> Room:
    """Write a room: the slow talk of an actor, with a target's answers and a friend's lines amid it."""
    group = number // GROUP
    actor = f"actor-{min(number, group * GROUP + GROUP - 2)}"
    target, friend = f"target-{number}", f"friend-{number}"
    lines: list[tuple[str, str, str]] = []
    for line in slow_talk():
        lines.append((actor, line, target))
        if chance.random() < 0.6:
            lines.append((target, chance.choice(ANSWERS), actor))
        if chance.random() < 0.3:
            lines.append((friend, chance.choice(ANSWERS), target))
    key = ConversationKey(SPACES[group % len(SPACES)], f"room-{number}")
    return Room(key, group, lines)


class Said(NamedTuple):
    """What happened, and when (seconds since the epoch)."""

    time: float
    event: Event


class Talk:
    """What people say, edit and delete, room after room: the same events for the same `seed`."""

    def __init__(self, seed: int, clock: Callable[[], float]) -> None:
        self.log: list[Said] = []
        self._chance = Random(seed)
        self._clock = clock
        self._rooms: list[Room] = []
        self._begun = 0
        self._ended: Counter[int] = Counter()
        self._of: dict[ConversationKey, list[int]] = defaultdict(list)
        self._place: dict[tuple[ConversationKey, str], int] = {}

    def say(self) -> Event:
        """Let the next thing happen."""
        while len(self._rooms) < ROOMS_AT_ONCE:
            self._rooms.append(room(self._begun, self._chance))
            self._begun += 1
        here = self._chance.choice(self._rooms)
        now = self._clock()
        event = (here.said and self._change(here, now)) or self._next(here, now)
        self._of[here.key].append(len(self.log))
        self.log.append(Said(now, event))
        return event

    def ended(self) -> set[int]:
        """Return the groups in which nothing more is going to be said."""
        return {group for group, rooms in self._ended.items() if rooms == GROUP}

    def alive(self, since: float) -> list[ConversationKey]:
        """Name the conversations in which anything happened at or after a time."""
        return [key for key, places in self._of.items() if self.log[places[-1]].time >= since]

    def missed(self, cursors: dict[ConversationKey, str | None], since: float, overlap: int) -> list[Event]:
        """Return what happened after the cursors, in its order, and some of it before.

        Since a time, where there is no cursor, or none was known of when they were looked up.
        """
        found: list[int] = []
        for key, cursor in (dict.fromkeys(self.alive(since)) | cursors).items():
            places = self._of[key]
            if cursor is None:
                found += [place for place in places if self.log[place].time >= since]
            else:
                found += places[max(places.index(self._place[key, cursor]) - overlap, 0) :]
        return [self.log[place].event for place in sorted(found)]

    def _change(self, here: Room, now: float) -> Event | None:
        """Perhaps edit or delete what was said lately; nobody edits the same twice."""
        message = self._chance.choice(here.said[-5:])
        what = self._chance.random()
        if what < 0.05 and message.id not in here.edited:
            here.edited.add(message.id)
            return Edit(message._replace(text=f"{message.text} i mean {self._chance.choice(ANSWERS)}"))
        if what > 0.97:
            here.said.remove(message)
            return Deletion(here.key, message.id, now)
        return None

    def _next(self, here: Room, now: float) -> Message:
        who, line, to = here.lines.pop(0)
        name = f"m{len(self.log)}"
        message = Message(here.key, name, Author(who, f"The {who}"), line, now, mentions=(to,))
        here.said.append(message)
        self._place[here.key, name] = len(self.log)
        if not here.lines:
            self._rooms.remove(here)
            self._ended[here.group] += 1
        return message


class Shown(NamedTuple):
    """What a card shows."""

    alert: str
    actor: str
    level: str
    state: str
    decided: str | None


class Platform:
    """What stands there; `listening` is set once whoever is there has stored all that it missed."""

    def __init__(self, talk: Talk, chance: Random) -> None:
        self.talk = talk
        self.cards: dict[str, Shown] = {}
        self.called: Counter[tuple[str, str]] = Counter()
        self.notices: Counter[str] = Counter()
        self.taken_back: list[str] = []
        self.given = 0
        """Messages, edits and deletions given to whoever listens, some of them again and again."""
        self.done: dict[int, list[int]] = defaultdict(list)
        """What came of presses by their number: true if it counted; of a head, its number."""
        self.answered = 0
        self.listening = asyncio.Event()
        self.wires = 0
        self.port = 0
        self._chance = chance
        self._writer: asyncio.StreamWriter | None = None
        self._hears = False
        self._read: set[int] = set()
        self._over: set[int] = set()

    def over(self, person: str) -> bool:
        """Tell whether all that is ever said where this person talks is stored."""
        return int(person.partition("-")[2]) // GROUP in self._over

    def say(self) -> None:
        """Let something happen, and whoever is there hear of it."""
        event = self.talk.say()
        if self._hears:
            self.send("event", event)
            self.given += 1

    def send(self, *frame: object) -> None:
        """Tell whoever is there; nobody, if nobody is."""
        if self._writer is not None:
            self._writer.write(framed(frame))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Do what one guard asks for until its end of the wire is gone, and all that was on its way has arrived."""
        self._writer = writer
        self.wires += 1
        doing: set[asyncio.Task[None]] = set()
        while frame := await read_frame(reader):
            match frame:
                case ("listening",):
                    self._over = self._read
                    self.listening.set()
                case ("done", number, result):
                    self.done[number].append(result)
                    self.answered += 1
                case ("ask", -1, "history", cursors, since):
                    for event in self.talk.missed(cursors, since, self._chance.randint(0, OVERLAP)):
                        self.send("event", event)
                        self.given += 1
                    self.send("caught up")
                    self._hears, self._read = True, self.talk.ended()
                case ("ask", number, what, *details):
                    task = asyncio.create_task(self._answer(number, what, details))
                    doing.add(task)
                    task.add_done_callback(doing.discard)
        await asyncio.gather(*doing)
        self._writer, self._hears = None, False
        self.listening.clear()
        writer.close()
        self.wires -= 1

    async def gone(self) -> None:
        """Return when all that whoever was killed had sent has arrived."""
        await asyncio.sleep(0.02)  # one that had just come is seen to come first
        while self.wires:  # noqa: ASYNC110 it ends by itself
            await asyncio.sleep(0.01)

    async def _answer(self, number: int, what: str, details: list[object]) -> None:
        await asyncio.sleep(self._chance.uniform(0.0, 0.02))
        answer = getattr(self, f"_{what}")(*details)
        await asyncio.sleep(self._chance.uniform(0.0, 0.02))
        self.send("answer", number, answer)

    def _conversations(self, since: float) -> list[ConversationKey]:
        return self.talk.alive(since)

    def _show(self, alert: str, reference: str | None, actor: str, *shown: str) -> str:
        reference = reference or f"card-{len(self.cards)}"
        self.cards[reference] = Shown(alert, actor, *shown)
        return reference

    def _find(self, alert: str) -> str | None:
        return next((reference for reference, card in self.cards.items() if card.alert == alert), None)

    def _call(self, alert: str, why: str, tried: bool) -> None:
        if not (tried and self.called[alert, why]):
            self.called[alert, why] += 1

    def _withdraw(self, alert: str) -> None:
        self.taken_back.append(alert)

    def _notify(self, text: str) -> None:
        self.notices[text] += 1


@asynccontextmanager
async def platform(talk: Talk, chance: Random) -> AsyncIterator[Platform]:
    """Open the platform, on a port of its own."""
    there = Platform(talk, chance)
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    there.port = server.sockets[0].getsockname()[1]
    try:
        yield there
    finally:
        server.close()
