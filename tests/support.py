"""What several tests need: a running guard on a real database with the shipped model, and mild invented talk."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from core.casework.cards import Call, Card, Person
from core.casework.desk import FourEyes
from core.effects import OpenAlert, UpdateAlert
from core.engine import Engine, SpaceState
from core.guard import Guard
from core.messages import Author, ConversationKey, Message
from core.model import Model, load_model
from core.outbox import Deliverer
from core.policy import Thresholds
from core.signals.own import OwnSignals
from core.store import open_store
from core.vault import Keys, Vault, look_vault

ROOT = Path(__file__).parents[1]
SPACE = "test:space"
KEY = ConversationKey(SPACE, "general")
PEOPLE = ("actor", "target", "friend", "teacher")
NOW = 1_000_000.0
MODERATOR = Person("moderator", "The moderator")


def said(number: int, text: str, author: str = "actor", **more: Any) -> Message:
    return Message(KEY, f"m{number}", Author(author, f"The {author}"), text, **({"time": NOW + number} | more))


def talk(partner: str = "target") -> list[Message]:
    return [said(number, text, partner=partner) for number, text in enumerate(slow_talk())]


def vault_of(folder: Path) -> Vault:
    """Look into the vault beside the database in `folder`."""
    return look_vault(Keys.beside(folder / "lampkeeper.key"), None)


def share_keys(folder: Path, other: Path) -> None:
    """Give another folder, without a database so far, the keys of this one: ids and pseudonyms are then the same."""
    for name in ("lampkeeper.key", "lampkeeper.keyring"):
        shutil.copy(folder / name, other / name)


@cache
def shipped_model() -> Model:
    """Load the shipped model once."""
    return load_model()


def engine(review: float = 1e-9, own_signals: OwnSignals | None = None) -> Engine:
    """Return an engine whose thresholds are so low that any pair with a score opens an alert."""
    return Engine(shipped_model(), Thresholds(review / 2, review, 0.999), own_signals)


def in_memory(messages: Sequence[Message]) -> tuple[SpaceState, dict[str, tuple[str, float, str]]]:
    """Feed the bare engine: what the guard must come to as well. Alerts go by the engine's names for them."""
    state, scoring = SpaceState(), engine()
    alerts: dict[str, tuple[str, float, str]] = {}
    for message in messages:
        for effect in scoring.feed(state, message, NOW):
            if isinstance(effect, OpenAlert | UpdateAlert):
                probability, signals = effect.score.probability or 0.0, ",".join(effect.signals)
                level = state.alerts[effect.pair.actor, effect.pair.target].level
                alerts[effect.alert] = (level, probability, signals)
    return state, alerts


@asynccontextmanager
async def lampkeeper(
    folder: Path,
    *,
    review: float = 1e-9,
    clock: Callable[[], float] = time.time,
    deliverers: Sequence[Deliverer] = (),
    own_signals: OwnSignals | None = None,
    four_eyes: Sequence[FourEyes] = (),
    **more: Any,
) -> AsyncIterator[Guard]:
    """Run a guard on the database in `folder`; leaving stops it cleanly, entering again is a restart.

    What is said in `more` is for the guard.
    """
    store = await open_store(folder / "lampkeeper.db", folder / "lampkeeper.key")
    try:
        guard = Guard(engine(review, own_signals), store, clock=clock, four_eyes=four_eyes, **more)
        running = asyncio.create_task(guard.run(deliverers))
        await asyncio.sleep(0)  # a task that was never begun could not commit what is queued when it is cancelled
        try:
            yield guard
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
    finally:
        await store.close()


class Clock:
    """A clock that stands at `now` until a test sets it."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Ahead:
    """The real clock, which a test may set forward by `seconds`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return time.time() + self.seconds


class Later:
    """Delivers to an adapter that is made only after the guard it is made with."""

    adapter: Deliverer

    def __init__(self, platform: str) -> None:
        self.platform = platform

    async def show(self, card: Card, reference: str | None) -> str:
        return await self.adapter.show(card, reference)

    async def find(self, card: Card) -> str | None:
        return await self.adapter.find(card)

    async def withdraw(self, space: str, alert: str, reference: str | None) -> None:
        await self.adapter.withdraw(space, alert, reference)

    async def call(self, card: Card, reference: str, why: Call, *, tried: bool) -> None:
        await self.adapter.call(card, reference, why, tried=tried)

    async def notify(self, space: str, text: str) -> None:
        await self.adapter.notify(space, text)


class Board:
    """A platform that is a list: what was posted, edited and told, and errors to raise instead, in order.

    `lose` makes it post and then fail, as when the connection breaks before the answer is there.
    """

    def __init__(self, platform: str = "test") -> None:
        self.platform = platform
        self.cards: dict[str, Card] = {}
        self.notices: list[tuple[str, str]] = []
        self.calls: list[str] = []
        self.withdrawn: list[tuple[str, str]] = []
        self.called: list[tuple[str, Call, bool]] = []
        self.refusals: list[Exception] = []
        self.lose: list[Exception] = []

    async def show(self, card: Card, reference: str | None) -> str:
        self.calls.append("post" if reference is None else "edit")
        if self.refusals:
            raise self.refusals.pop(0)
        reference = reference or f"card-{len(self.cards)}"
        self.cards[reference] = card
        if self.lose:
            raise self.lose.pop(0)
        return reference

    async def find(self, card: Card) -> str | None:
        self.calls.append("find")
        return next((reference for reference, posted in self.cards.items() if posted.alert == card.alert), None)

    async def withdraw(self, space: str, alert: str, reference: str | None) -> None:
        self.calls.append("withdraw")
        if self.refusals:
            raise self.refusals.pop(0)
        known = [place for place, card in self.cards.items() if card.alert == alert]
        for place in known if reference is None else [reference]:
            self.cards.pop(place, None)
        self.withdrawn.append((space, alert))

    async def call(self, card: Card, reference: str, why: Call, *, tried: bool) -> None:
        self.called.append((reference, why, tried))
        if self.refusals:
            raise self.refusals.pop(0)

    async def notify(self, space: str, text: str) -> None:
        self.calls.append("notify")
        if self.refusals:
            raise self.refusals.pop(0)
        self.notices.append((space, text))


def slow_talk() -> list[str]:
    """Return a dozen mild lines by an actor, enough words for a score."""
    return [
        "hey, you play really well, how old are you by the way?",
        "cool, most people here are much older than you then",
        "i can send you a gift card so you can buy that skin",
        "so mature for your age, i enjoy our talks",
        "better not tell your parents about the gift, it is our secret",
        "do you have another app? we could talk there, just us two",
        "are you home alone after school?",
        "send me a photo of you, i want to know who i talk to",
        "you can trust me, nobody else understands you like i do",
        "delete our chat afterwards so nobody asks questions",
        "we could meet at the park on saturday, only you and me",
        "do not bring your friends, and do not tell your mum",
    ]


async def opened(guard: Guard, board: Board, messages: Sequence[Message] | None = None) -> str:
    """Let the actor talk to the target; return the alert."""
    for message in talk() if messages is None else messages:
        await guard.receive(message)
    await guard.settled()
    return next(iter(board.cards.values())).alert
