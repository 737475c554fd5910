"""Who moderates a workspace: who is named, or in one of the moderators' usergroups, or else in the alert channel.

An admin is whom Slack calls admin or owner of this workspace, no other one's: Slack Connect brings those along. An
admin moderates, too, while in the alert channel, and only then: whom the moderators let in there may do what they may,
and whoever keeps a workspace's accounts does not for that alone read what children wrote.

Leans on `people`, which asks Slack. Asked anew at every press; Slack's answers hold for a while there.
"""

from __future__ import annotations

from bots.slack_app.people import People
from core.config import SlackWorkspace


async def moderates(user: str, settings: SlackWorkspace, people: People, team: str) -> bool:
    """Tell whether `user` moderates the workspace of `team`; raises `PlatformError` where Slack does not tell.

    People of another workspace never do: a shared channel brings them along.
    """
    known = await people.known(user)
    if known.deleted or known.elsewhere(team) is not None:
        return False
    if user in settings.moderators:
        return True
    for group in settings.moderator_roles:
        if await people.in_usergroup(user, group):
            return True
    if settings.alert_channel is None or user not in await people.members(settings.alert_channel):
        return False
    return not (settings.moderators or settings.moderator_roles) or await administers(user, people, team)


async def administers(user: str, people: People, team: str) -> bool:
    """Tell whether `user` is an admin or owner of the workspace of `team`; asks Slack, for this opens everything."""
    known = await people.anew(user)
    return known.admin and not known.deleted and known.elsewhere(team) is None
