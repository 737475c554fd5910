"""The dry-run twin's stage for the contract suite: a platform that is a list, and cards that are printed.

What it shows that the contract is the core's and `bots.common`'s to keep, and no platform's: a press goes through
`bots.common.hand`, a gap is read from where `guard.cursor` says that the conversation was left.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from rich.console import Console

from bots.common import hand
from bots.common.answers import Answer
from bots.common.excerpt import pages
from bots.common.exports import Exports, Links
from bots.common.gaps import hand_deletions
from bots.common.words import Words
from bots.terminal import DryRun, card_text
from core.casework.cards import Person
from core.casework.desk import Desk, FourEyes
from core.export import Reporter
from core.export.record import CaseRecord
from core.guard import Guard
from core.messages import Author, ConversationKey, Deletion, Edit, Message
from tests.contract import Shown
from tests.plain import PLAIN
from tests.support import Ahead, lampkeeper

PLATFORM = "dry"
MODERATORS = ("moderator", "second")
NOTICE = re.compile(r"  (?:notice to the admins of \S+|card \S+ in \S+): (?!nobody is looking)(.*)")
CALL = re.compile(r"  card \S+ in \S+: (nobody is looking into it yet .*)")
BUTTON = re.compile(r"\[([^\]]+)\]")
ACTIONS = {"Confirm": "confirm", "Dismiss": "dismiss", "Show excerpt": "excerpt"}
"""Label on the printed card -> name of the button in `bots.common.hand`."""


@dataclass(frozen=True)
class DryPress:
    desk: Desk
    space: str
    moderator: Person
    words: Words = PLAIN
    second_reviewers: bool = False

    @property
    def exports(self) -> Exports:
        return Exports(Reporter(), self.desk._ledger.vault)

    async def moderates(self, who: Person) -> bool:
        return who.id in MODERATORS

    async def links(self, _record: CaseRecord) -> Links:
        return Links("a room", "#{} {}".format, "@{}".format)


BUTTONS: dict[str, hand.Button[DryPress]] = hand.buttons({})


class DryContract:
    space = f"{PLATFORM}:space"
    general = "#general"
    guard: Guard
    four_eyes: Sequence[FourEyes] = ()

    def __init__(self, folder: Path) -> None:
        self.clock = Ahead()
        self._folder = folder
        self._printed = StringIO()
        self._screen = DryRun(Console(file=self._printed, width=1000), PLATFORM)
        self._life = AsyncExitStack()
        self._said: dict[str, Message] = {}
        self._listening = False
        self._left_out = ""

    async def start(self) -> None:
        self.guard = await self._life.enter_async_context(
            lampkeeper(self._folder, clock=self.clock, deliverers=[self._screen], four_eyes=self.four_eyes)
        )
        await self.guard.communities.arrive(self.space)
        await self.settled()

    async def stop(self) -> None:
        self._listening = False
        await self._life.aclose()
        self._life = AsyncExitStack()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def settled(self) -> None:
        if not self._listening:
            await self._catch_up()
            self._listening = True
        await self.guard.settled()

    async def _catch_up(self) -> None:
        here = ConversationKey(self.space, "general")
        cursor = await self.guard.cursor(here)
        await hand_deletions(self.guard, here, 0.0, math.inf, frozenset(self._said))
        for number, message in self._said.items():
            await self.guard.receive(message if cursor is None or int(number) > int(cursor) else Edit(message))

    async def drop_connection(self) -> None:
        self._listening = False

    async def _hear(self, event: Message | Edit | Deletion) -> None:
        if self._listening and (isinstance(event, Deletion) or _channel(event) != self._left_out):
            await self.guard.receive(event)

    async def say(self, author: str, text: str, channel: str = "general", id: str | None = None) -> str:  # noqa: A002
        number = id or f"{len(self._said) + 1:04}"
        key = ConversationKey(self.space, channel)
        self._said[number] = Message(key, number, Author(author, f"The {author}"), text, time=time.time())
        await self._hear(self._said[number])
        return number

    async def edit(self, id: str, text: str) -> None:  # noqa: A002
        self._said[id] = self._said[id]._replace(text=text)
        await self._hear(Edit(self._said[id]))

    async def delete(self, id: str) -> None:  # noqa: A002
        await self._hear(Deletion(self._said.pop(id).key, id, time.time()))

    def shown(self) -> list[Shown]:
        drawn = {alert: card_text(card).plain for alert, card in self._screen.cards.items()}
        return [
            Shown(alert, "", alert, self._screen.cards[alert].title, text, BUTTON.findall(text))
            for alert, text in drawn.items()
        ]

    def notices(self) -> list[str]:
        return NOTICE.findall(self._printed.getvalue())

    def discard_cards(self) -> None:
        self._screen.cards.clear()

    async def press(self, alert: str, button: str, moderator: str = "moderator") -> tuple[str, bool]:
        if moderator not in (*MODERATORS, "stranger"):
            return PLAIN.say("hand.refused"), True
        press = self._press(moderator)
        answer = await hand.pressed(press, ACTIONS[button], alert, hand.BUTTONS)
        if answer.grounds is not None:
            answer = await hand.submitted(press, answer.grounds, "other", "")
        return _drawn(answer), True

    def _press(self, moderator: str) -> DryPress:
        space = f"{PLATFORM}:another" if moderator == "stranger" else self.space
        return DryPress(self.guard.desk, space, Person(moderator, moderator))

    async def offered(self, alert: str, moderator: str = "moderator") -> set[str]:
        return set(dict((await hand.pressed(self._press(moderator), hand.MORE, alert, BUTTONS)).buttons))

    async def act(self, alert: str, name: str, moderator: str = "moderator", **fields: str) -> tuple[str, bool]:
        assert name in await self.offered(alert, moderator)
        press = self._press(moderator)
        answer = await hand.pressed(press, name, alert, BUTTONS)
        if answer.form is not None:
            answer = await hand.filled(press, *answer.form, fields)
        return _drawn(answer), True

    async def merge(self, alert: str, into: str, moderator: str = "moderator") -> tuple[str, bool]:
        press = self._press(moderator)
        offered = (await hand.pressed(press, "merge", alert, BUTTONS)).buttons
        about = next(about for name, about in offered if about.endswith(into))
        return _drawn(await hand.pressed(press, "merge_into", about, BUTTONS)), True

    def calls(self) -> list[str]:
        return CALL.findall(self._printed.getvalue())

    async def leave_out(self) -> None:
        self._left_out = "general"

    def pass_time(self, seconds: float) -> None:
        self.clock.seconds += seconds

    async def remove(self) -> None:
        self._listening = False
        await self.guard.communities.leave(self.space)


def _channel(event: Message | Edit) -> str:
    return (event.message if isinstance(event, Edit) else event).key.conversation


def _drawn(answer: Answer) -> str:
    return "\n".join([answer.text, *(pages(answer.excerpt, PLAIN, 4000, 10) if answer.excerpt else ())])


@asynccontextmanager
async def dry_contract(folder: Path, four_eyes: Sequence[FourEyes] = ()) -> AsyncIterator[DryContract]:
    stage = DryContract(folder)
    stage.four_eyes = four_eyes
    await stage.start()
    try:
        yield stage
    finally:
        await stage.stop()
