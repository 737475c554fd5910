"""A press on Slack (`bots.common.answers.Press`): who pressed, in which workspace.

Nothing about a card is kept here: a button carries what it is about.
"""

from __future__ import annotations

from dataclasses import dataclass

from bots.common.exports import Exports, Links
from bots.common.words import Words
from bots.slack_app.workspace import Workspace
from core.casework.cards import Person
from core.casework.desk import Desk
from core.export.record import CaseRecord


@dataclass(frozen=True, slots=True)
class Press:
    """One press by a moderator."""

    workspace: Workspace
    moderator: Person

    @property
    def space(self) -> str:
        """The workspace's space."""
        return self.workspace.space

    @property
    def desk(self) -> Desk:
        """Where casework is done."""
        return self.workspace.guard.desk

    @property
    def words(self) -> Words:
        """What is said to them, in the workspace's language."""
        return self.workspace.words

    @property
    def second_reviewers(self) -> bool:
        """Whether usergroups are chosen to be called for a second look."""
        return bool(self.workspace.settings.second_reviewers)

    @property
    def exports(self) -> Exports:
        """What makes files of cases."""
        return Exports(self.workspace.reporter, self.workspace.guard.ledger.vault)

    async def moderates(self, who: Person) -> bool:
        """Tell whether somebody moderates the workspace."""
        return await self.workspace.moderates(who)

    async def links(self, _record: CaseRecord) -> Links:
        """Say where what a record tells of stands."""
        who = self.workspace.who
        return Links(await self.workspace.people.workspace(who.team), who.said_at, who.account)
