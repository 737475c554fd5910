"""What a press on a card is, and what it is answered with. Every answer is for whoever pressed, and for nobody else.

Leans on `core.casework.desk`, where casework is done.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from bots.common.exports import Exports, File, Links
from bots.common.words import Words
from core.casework.cards import ExcerptLine, Person
from core.casework.desk import Desk
from core.export.record import CaseRecord


class Press(Protocol):
    """One press, by somebody whom the platform's module found to moderate the space."""

    @property
    def desk(self) -> Desk:
        """Where casework is done."""

    @property
    def space(self) -> str:
        """The space that it came from."""

    @property
    def moderator(self) -> Person:
        """Who pressed."""

    @property
    def words(self) -> Words:
        """What is said to them."""

    @property
    def second_reviewers(self) -> bool:
        """Whether the space has chosen whom to call for a second look."""

    @property
    def exports(self) -> Exports:
        """What makes files of cases."""

    async def moderates(self, who: Person) -> bool:
        """Tell whether somebody moderates the space now; False where the platform does not tell."""

    async def links(self, record: CaseRecord) -> Links:
        """Say where what a record tells of stands."""


class Answer(NamedTuple):
    """What whoever pressed is told: a text in the platform's markup, an excerpt to be drawn, files.

    `buttons` are names of buttons with what each is about (an alert, or an action's number), those of the same name
    numbered from 1 on where there are several; `grounds` is an alert for which the grounds of a dismissal are asked,
    and `form` names a form to fill in (`bots.common.hand.FORMS`) with the alert that it is about.
    """

    text: str = ""
    excerpt: tuple[ExcerptLine, ...] = ()
    buttons: tuple[tuple[str, str], ...] = ()
    grounds: str | None = None
    form: tuple[str, str] | None = None
    files: tuple[File, ...] = ()
