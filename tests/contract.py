"""What the contract suite asks of a platform's stage: the verbs by which people act on it, and what they see.

A stage is Lampkeeper with its real guard, model, database and adapter, on the tests' own platform. Three play:
`tests/contract_discord.py`, `tests/contract_slack.py` and `tests/contract_dry.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from bots.adapter import Finding
from core.casework.desk import FourEyes
from core.guard import Guard

BUTTONS = ("Confirm", "Dismiss", "Show excerpt")
"""What the buttons that every platform's card has are for, whatever their labels."""
Right = Literal["post", "read"]
"""What can be taken from Lampkeeper: to post in the alert channel, to read the history of the channel general."""


class Shown(NamedTuple):
    """A card as it stands in the alert channel; `place` is its message, `buttons` those of `BUTTONS` that it has.

    `channel` is where it stands, "" on a platform that has no channels.
    """

    alert: str
    channel: str
    place: str
    title: str
    text: str
    buttons: list[str]


class Stage(Protocol):
    """Lampkeeper on one platform. People are called as in `tests.support.PEOPLE`; "moderator" and "second" moderate.

    A "stranger" moderates another space of the platform, not this one.
    """

    guard: Guard
    four_eyes: Sequence[FourEyes]
    """What takes two people; set before it starts."""
    space: str
    general: str
    """How a notice names the channel in which people talk."""

    async def start(self) -> None:
        """Start Lampkeeper; return when it listens and has read what it missed."""

    async def stop(self) -> None:
        """Stop Lampkeeper; people go on talking."""

    async def restart(self) -> None:
        """Stop, and start again."""

    async def settled(self) -> None:
        """Return when all that was said is stored, and what is due shown; a lost connection comes back."""

    async def say(self, author: str, text: str, channel: str = "general", id: str | None = None) -> str:  # noqa: A002
        """Let somebody write, and return the message's id; the same `id` again is the same message once more."""

    async def edit(self, id: str, text: str) -> None:  # noqa: A002
        """Let its author change a message."""

    async def delete(self, id: str) -> None:  # noqa: A002
        """Let its author delete a message."""

    async def drop_connection(self) -> None:
        """Cut the connection; what is said until `settled` is missed."""

    def shown(self) -> list[Shown]:
        """Return the cards in the alert channel, oldest first."""

    def notices(self) -> list[str]:
        """Return what else Lampkeeper wrote there."""

    def discard_cards(self) -> None:
        """Let somebody delete the posted cards."""

    async def press(self, alert: str, button: str, moderator: str = "moderator") -> tuple[str, bool]:
        """Let somebody press a button, and whatever else it asks for; return what they are told, and if nobody else."""

    async def act(self, alert: str, name: str, moderator: str = "moderator", **fields: str) -> tuple[str, bool]:
        """Let somebody press a button behind More…, by its name in `bots.common.hand`, and fill `fields` in.

        Returns as `press` does; AssertionError where it is not offered.
        """

    async def offered(self, alert: str, moderator: str = "moderator") -> set[str]:
        """Return the names of the buttons behind More…."""

    async def merge(self, alert: str, into: str, moderator: str = "moderator") -> tuple[str, bool]:
        """Let somebody press Merge… behind More…, and choose the case `into`; returns as `press` does.

        AssertionError where it is not offered.
        """

    def calls(self) -> list[str]:
        """Return what was said to call people to cards, oldest first."""

    async def leave_out(self) -> None:
        """Let an admin have the channel general left out; return when that holds."""

    def pass_time(self, seconds: float) -> None:
        """Let time pass for Lampkeeper."""

    async def remove(self) -> None:
        """Let an admin remove Lampkeeper; return when it took note."""


class Permitted(Stage, Protocol):
    """A platform on which Lampkeeper can lack a permission."""

    async def forbid(self, right: Right) -> None:
        """Take a right from Lampkeeper."""

    async def permit(self, right: Right) -> None:
        """Give it back."""

    async def change_alert_channel(self) -> None:
        """Let an admin choose another alert channel; `shown` are the cards of both."""

    def notices_elsewhere(self) -> list[str]:
        """Return what Lampkeeper wrote, besides cards, in the channel that was chosen last."""

    async def choose_second_channel(self) -> None:
        """Let an admin choose a second channel."""

    def second_calls(self) -> list[str]:
        """Return what was said in the second channel."""

    async def check(self) -> list[Finding]:
        """Run `lampkeeper check`."""
