"""A press on Slack (`bots.common.answers.Press`): who pressed, in which workspace.

Nothing about a card is kept here: a button carries what it is about.
"""

from __future__ import annotations

from dataclasses import dataclass

from bots.common.words import Words
from bots.slack_app.workspace import Workspace
from core.cards import Person
from core.desk import Desk


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
