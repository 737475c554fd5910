"""What every command, button and window begins with: who asks, in which workspace, and whether they may.

Leans on `bots.slack_app.people`, which remembers what Slack said of an account. Asked every time: whoever is a
moderator no more gets no answer. Decisions:

- An admin counts as a moderator, as on Discord.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from bots.common.here import Here
from bots.common.settings import all_in_words
from bots.common.words import Words
from bots.slack_app.kit import Block, paragraphs
from bots.slack_app.moderators import administers, moderates
from bots.slack_app.workspace import Workspace
from core.cards import Person

Who = Literal["member", "moderator", "admin"]


class Shown(NamedTuple):
    """An answer for whoever asked: a text, and blocks where a text alone does not do."""

    text: str
    blocks: list[Block] | None = None

    @classmethod
    def of(cls, *lines: str, more: tuple[Block, ...] = ()) -> Shown:
        """Show lines, and what stands under them."""
        return cls(lines[0], [*paragraphs(lines), *more])


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and where; `trigger` lets a window be opened within three seconds."""

    workspace: Workspace
    person: Person
    trigger: str = ""

    @property
    def words(self) -> Words:
        """What is said to them, in the workspace's language."""
        return self.workspace.words

    @property
    def here(self) -> Here:
        """The workspace's space."""
        return self.workspace.here

    def say(self, key: str, /, **blanks: object) -> str:
        """Say a text in the workspace's language."""
        return self.words.say(key, **blanks)

    def settings(self) -> list[str]:
        """Say every setting of the workspace."""
        return all_in_words(self.here, self.workspace.settings, self.workspace.source)

    async def may(self, who: Who) -> bool:
        """Tell whether they count as `who`."""
        if who == "member":
            return True
        user, people, team = self.person.id, self.workspace.people, self.workspace.who.team
        return await administers(user, people, team) or (
            who == "moderator" and await moderates(user, self.workspace.settings, people, team)
        )

    async def store(self, changes: dict[str, Any]) -> None:
        """Store what was chosen, audited."""
        if changes:
            await self.workspace.choose(changes, self.person)


Act = Callable[[Asked, str], Awaitable[Shown | None]]
"""What is done for whoever asked, with the words of a command or the value of a button; None: nothing is to be said."""


async def asks(workspace: Workspace, user: str, trigger: str = "") -> Asked:
    """Return who asks."""
    return Asked(workspace, Person(user, (await workspace.people.known(user)).name), trigger)
