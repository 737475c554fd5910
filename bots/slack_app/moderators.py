"""Who moderates a workspace: who is named, or in one of the moderators' usergroups, or else in the alert channel.

An admin is whom Slack calls admin or owner of this workspace, no other one's: Slack Connect brings those along. An
admin moderates, too, while in the alert channel, and only then: whom the moderators let in there may do what they may,
and whoever keeps a workspace's accounts does not for that alone read what children wrote.

Leans on `people`, which asks Slack. Asked anew at every press; Slack's answers hold for a while there.
"""

from __future__ import annotations

from bots.slack_app.people import People
from core.config import SlackWorkspace
from core.errors import PlatformError


async def moderates(user: str, settings: SlackWorkspace, people: People, team: str) -> bool:
    """Tell whether `user` moderates the workspace of `team`; raises `PlatformError` where Slack does not tell.

    People of another workspace never do: a shared channel brings them along.
    """
    known = await people.known(user)
    if not known.teams:  # nothing is known, of another workspace's people neither
        known = await people.anew(user)
    if known.deleted or known.elsewhere(team) is not None:
        return False
    if user in settings.moderators:
        return True
    untold: PlatformError | None = None
    for group in settings.moderator_roles:
        try:
            if await people.in_usergroup(user, group):
                return True
        except PlatformError as error:
            untold = error  # one that is gone keeps nobody out whom another one, or the channel, lets in
    if settings.alert_channel is not None and user in await people.members(settings.alert_channel):
        chosen = settings.moderators or settings.moderator_roles
        if not chosen or await administers(user, people, team):
            return True
    if untold is not None:
        raise untold
    return False


async def administers(user: str, people: People, team: str) -> bool:
    """Tell whether `user` is an admin or owner of the workspace of `team`; asks Slack, for this opens everything."""
    known = await people.anew(user)
    return known.admin and not known.deleted and known.elsewhere(team) is None
