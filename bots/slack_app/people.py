"""Who is who in the workspace: names, guests, other workspaces' people, programs; and who is in a channel or usergroup.

Leans on `bots.slack_app.api`; what is looked up is remembered for a while. Never fatal: a person whom Slack does not
tell about (a deleted account, a missing permission) has an id and no name, and is asked for again later. Who belongs
to a channel or a usergroup decides who may press, so there a refusal is an error, and nobody belongs to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from slack_sdk.web.async_client import AsyncWebClient

from bots.common.remembered import Remembered
from bots.slack_app.api import call, pages
from bots.texts import say
from core.casework.cards import Person
from core.errors import PlatformError, TryLater
from core.messages import AgeBand

NAMES_KEPT = 20_000
NAME_SECONDS = 6 * 3600.0
"""Names change, seldom."""
UNKNOWN_SECONDS = 60.0
"""After a failed look-up, so that a permission that is missing does not cost a call per message."""
MEMBERS_KEPT = 1_000
MEMBERS_SECONDS = 60.0
"""A moderator who leaves the alert channel can press for a minute more."""
GROUP_SECONDS = 600.0
"""Changes of a usergroup are told at once (`events`); this is for those told while nobody listened."""
TEAMS_KEPT = 100


class Known(NamedTuple):
    """What is known of an account: the name it shows, and whether it is a program, a guest, or deactivated.

    `teams` are the workspaces it belongs to, its own first; `band` what the workspace's usergroups tell of its age;
    `admin`: it owns or administers the workspace; `avatar` is its picture's address; `unknown`: Slack did not tell.
    """

    name: str = ""
    bot: bool = False
    guest: bool = False
    deleted: bool = False
    teams: tuple[str, ...] = ()
    band: AgeBand | None = None
    admin: bool = False
    avatar: str = ""
    unknown: bool = False

    def elsewhere(self, team: str) -> str | None:
        """Return the workspace it belongs to, if that is not `team`: Slack Connect shares channels between several.

        >>> Known(teams=("T2",)).elsewhere("T1"), Known(teams=("T1",)).elsewhere("T1"), Known().elsewhere("T1")
        ('T2', None, None)
        """
        return self.teams[0] if self.teams and team not in self.teams else None


UNKNOWN = Known(unknown=True)
"""An account of which Slack told nothing."""


def known_of(account: Mapping[str, Any]) -> Known:
    """Read Slack's user object (https://docs.slack.dev/reference/objects/user-object)."""
    profile = account.get("profile") or {}
    name = profile.get("display_name") or profile.get("real_name") or account.get("name") or ""
    within = (account.get("enterprise_user") or {}).get("teams") or ()
    return Known(
        name=str(name),
        bot=bool(account.get("is_bot") or account.get("is_workflow_bot")),
        guest=bool(account.get("is_restricted") or account.get("is_ultra_restricted")),
        deleted=bool(account.get("deleted")),
        admin=any(account.get(flag) for flag in ("is_admin", "is_owner", "is_primary_owner")),
        avatar=str(profile.get("image_72") or ""),
        teams=tuple(dict.fromkeys(str(team) for team in (account.get("team_id"), *within) if team)),
    )


class People:
    """Looks people up; `client` is the Web API client."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known = Remembered[str, Known](NAMES_KEPT)
        self._members = Remembered[str, frozenset[str]](MEMBERS_KEPT)
        self._groups = Remembered[str, frozenset[str] | PlatformError](MEMBERS_KEPT)
        self._last: dict[str, frozenset[str]] = {}
        """Who was in a usergroup when Slack last told: what holds while Slack asks to wait."""
        self._teams = Remembered[str, str](TEAMS_KEPT)

    async def known(self, user: str) -> Known:
        """Return what is known of `user` (https://docs.slack.dev/reference/methods/users.info); never raises."""
        known = self._known.get(user)
        if known is not None:
            return known
        try:
            account = (await call(self._client.users_info, user=user))["user"]
        except PlatformError:
            return self._known.put(user, UNKNOWN, UNKNOWN_SECONDS)
        return self.learn(account)

    async def anew(self, user: str) -> Known:
        """Ask Slack anew before something is done to `user`; raises `PlatformError` where it does not tell."""
        return self.learn((await call(self._client.users_info, user=user))["user"])

    async def owner(self) -> Person | None:
        """Return the workspace's primary owner; raises `PlatformError` where Slack does not tell.

        https://docs.slack.dev/reference/methods/users.list
        """
        async for page in pages(self._client.users_list, "members"):
            for account in page:
                if account.get("is_primary_owner"):
                    return Person(str(account["id"]), known_of(account).name)
        return None

    def learn(self, account: Mapping[str, Any]) -> Known:
        """Remember what Slack says of an account, and return it."""
        return self._known.put(str(account["id"]), known_of(account), NAME_SECONDS)

    async def whose(self, user: str, team: str, language: str) -> str:
        """Say in a few words what is special about an account for the workspace `team`; "" if it is a plain member."""
        known = await self.known(user)
        home = known.elsewhere(team)
        if home is not None:
            name = await self.workspace(home)
            return say(language, "slack.elsewhere", name=name) if name else say(language, "slack.elsewhere_unnamed")
        return say(language, "slack.guest") if known.guest else ""

    async def introduced(self, person: Person, team: str, language: str) -> Person:
        """Return somebody on a card with what is special about their account beside the name."""
        special = await self.whose(person.id, team, language) if person.id else ""
        return replace(person, name=f"{person.name or person.id} ({special})") if special else person

    async def workspace(self, team: str) -> str:
        """Return a workspace's name (https://docs.slack.dev/reference/methods/team.info); "" if Slack does not tell."""
        name = self._teams.get(team)
        if name is not None:
            return name
        try:
            told = (await call(self._client.team_info, team=team))["team"]
        except PlatformError:
            return self._teams.put(team, "", UNKNOWN_SECONDS)
        return self._teams.put(team, str(told.get("name") or ""), NAME_SECONDS)

    async def members(self, channel: str) -> frozenset[str]:
        """Return the ids of everybody in `channel`; raises `PlatformError` where Slack does not tell."""
        members = self._members.get(channel)
        if members is None:
            found: set[str] = set()
            async for page in pages(self._client.conversations_members, "members", channel=channel):
                found.update(str(user) for user in page)
            members = self._members.put(channel, frozenset(found), MEMBERS_SECONDS)
        return members

    def moved(self, channel: str) -> None:
        """Somebody came into a channel or left it: ask anew who is there."""
        self._members.drop(channel)

    async def in_usergroup(self, user: str, group: str) -> bool:
        """Tell whether `user` belongs to a usergroup; raises `PlatformError` where Slack does not tell."""
        return user in await self.usergroup(group)

    async def usergroup(self, group: str) -> frozenset[str]:
        """Return who belongs to a usergroup; raises `PlatformError` where Slack does not tell, and asks again later.

        https://docs.slack.dev/reference/methods/usergroups.users.list
        """
        known = self._groups.get(group)
        if known is None:
            known = self._groups.put(group, *await self._asked(group))
        if isinstance(known, PlatformError):
            later = isinstance(known, TryLater)
            raise (TryLater if later else PlatformError)(known.what, known.remedy)
        return known

    async def _asked(self, group: str) -> tuple[frozenset[str] | PlatformError, float]:
        """Ask who belongs to a usergroup; return also for how many seconds the answer holds."""
        try:
            users = (await call(self._client.usergroups_users_list, usergroup=group))["users"]
        except TryLater as error:
            return self._last.get(group, error), UNKNOWN_SECONDS
        except PlatformError as error:
            return error, UNKNOWN_SECONDS
        self._last[group] = frozenset(map(str, users))
        return self._last[group], GROUP_SECONDS

    def regrouped(self, group: str) -> None:
        """Ask anew who belongs to a usergroup: that changed."""
        self._groups.drop(group)
