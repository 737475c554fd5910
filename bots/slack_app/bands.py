"""Age bands by usergroup: a school's @pupils and @staff tell what a profile does not.

Leans on `people`, which looks up and remembers who belongs to a usergroup. Which usergroup means which band, the
operator (``[slack.age_roles]``) or the workspace's admins say. Where Slack does not tell, nobody's age is known by that
group until it does, and the admins are told once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from core.errors import PlatformError, TryLater
from core.messages import AGE_BANDS, AgeBand

if TYPE_CHECKING:
    from bots.slack_app.people import People


class Bands:
    """The age bands of one workspace; `groups` returns band by usergroup, as chosen now.

    `tell` gets the usergroup that cannot be read, and why.
    """

    def __init__(
        self,
        people: People,
        groups: Callable[[], Mapping[str, AgeBand]],
        tell: Callable[[str, PlatformError], Awaitable[None]],
    ) -> None:
        self._people = people
        self._groups = groups
        self._tell = tell
        self._told: set[str] = set()

    async def of(self, user: str) -> AgeBand | None:
        """Return the age band of `user`; the youngest, where several usergroups tell one; never raises."""
        told = set()
        for group, band in self._groups().items():
            try:
                if await self._people.in_usergroup(user, group):
                    told.add(band)
                self._told.discard(group)
            except TryLater:
                continue
            except PlatformError as error:
                if group not in self._told:
                    self._told.add(group)
                    await self._tell(group, error)
        return next((band for band in AGE_BANDS if band in told), None)
