"""Which permissions the bot asks for, why, and what does not work without them: the one table of them.

Leans on discord.py's `Permissions`. The invite link, `lampkeeper check`, `/lampkeeper setup` and docs/discord.md (held
by a test) all say what stands here. Labels are those that people read in a channel's *Permissions* (Discord's help
pages, and the app in English), which name two of them otherwise than the API does: MODERATE_MEMBERS, MENTION_EVERYONE.
For a role, *Server Settings* writes View Channels, Send Messages and Create Posts, and Manage Roles.
Decisions, by least privilege:

- What only some buttons need is optional: whoever invites the bot may take its tick away on Discord's own page.
- *Manage Permissions* (Discord's MANAGE_ROLES) is not in the link. "Remove from channel" denies one member one channel,
  for which Discord wants it and nothing less (API, "Edit Channel Permissions"); but held for a whole server it hands
  out every role under the bot's own. Given in a channel or a category, it reaches no further than that.
- Nor is *Mention @everyone, @here, and All Roles*: a role that is to be called can be made mentionable instead.
- Manage Channels, Manage Messages and Kick Members are asked for nowhere: nothing that the bot does needs them.
- Nor is Send Messages in Threads: cards and notices stand in text channels, and answers to commands need no permission.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import discord

Where = Literal["channels", "alert channel", "server"]


class Permission(NamedTuple):
    """One permission: discord.py's name for it, Discord's own, where it is looked for, and what for it is wanted.

    `without` is the key of the text (`bots.texts`) that says what does not work without it; None: nothing works.
    `invited`: the invite link asks for it.
    """

    flag: str
    label: str
    where: Where
    why: str
    without: str | None = None
    invited: bool = True

    @property
    def value(self) -> int:
        """The bit that stands for it (API, "Permissions")."""
        return discord.Permissions(**{self.flag: True}).value


PERMISSIONS = (
    Permission("view_channel", "View Channel", "channels", "to see the channels that are watched"),
    Permission("send_messages", "Send Messages", "alert channel", "to post alert cards"),
    Permission("embed_links", "Embed Links", "alert channel", "to show a card as a card"),
    Permission(
        "read_message_history",
        "Read Message History",
        "channels",
        "to read what was written while Lampkeeper was away, and to find its own cards again",
    ),
    Permission(
        "attach_files",
        "Attach Files",
        "alert channel",
        "to attach pictures and exported cases",
        "setup.without_attach_files",
    ),
    Permission(
        "moderate_members", "Timeout Members", "server", "for the Timeout button", "setup.without_moderate_members"
    ),
    Permission("ban_members", "Ban Members", "server", "for the Ban button", "setup.without_ban_members"),
    Permission(
        "view_audit_log",
        "View Audit Log",
        "server",
        "to learn who invited it, and write to them alone; it can be taken away afterwards",
        "setup.without_view_audit_log",
    ),
    Permission(
        "manage_roles",
        "Manage Permissions",
        "channels",
        "for Remove from channel; give it in the channels where you want that, never for the whole server",
        "setup.without_manage_roles",
        invited=False,
    ),
    Permission(
        "mention_everyone",
        "Mention @everyone, @here, and All Roles",
        "alert channel",
        "to call a role that not everybody can mention; give it in the alert channel, never for the whole server",
        "setup.without_mention_everyone",
        invited=False,
    ),
)
ALERT_CHANNEL = tuple(row for row in PERMISSIONS if row.without is None)
"""What the bot needs in an alert channel."""
SECOND_CHANNEL = tuple(row for row in ALERT_CHANNEL if row.flag != "embed_links")
"""What it needs where it tells of cards that nobody claims: no card stands there."""
ASIDE = frozenset(("view_audit_log", "mention_everyone"))
"""Wanted only once, or only for a setting that few choose: said there, and not among what does not work."""


def invite(application: int) -> str:
    """Return the link that invites the bot with the permissions that it asks for, and no other.

    >>> invite(1).rpartition("&")[0]
    'https://discord.com/oauth2/authorize?client_id=1&scope=bot+applications.commands'
    """
    asked = sum(row.value for row in PERMISSIONS if row.invited)
    return (
        f"https://discord.com/oauth2/authorize?client_id={application}&scope=bot+applications.commands"
        f"&permissions={asked}"
    )


def missing(held: discord.Permissions, wanted: Iterable[Permission]) -> list[Permission]:
    """Return those of `wanted` that are not held.

    >>> [row.label for row in missing(discord.Permissions(view_channel=True, send_messages=True), ALERT_CHANNEL)]
    ['Embed Links', 'Read Message History']
    """
    return [row for row in wanted if not getattr(held, row.flag)]


def labels(rows: Iterable[Permission]) -> str:
    """Name permissions as Discord does."""
    return ", ".join(row.label for row in rows)


def lacking(
    me: discord.Member, channels: Iterable[discord.abc.GuildChannel], alert_channel: int | None
) -> list[Permission]:
    """Return the optional permissions that the bot has not got where they count; for channels: in none of them."""
    held = {channel.id: channel.permissions_for(me) for channel in channels}
    somewhere = discord.Permissions.none()
    for permissions in held.values():
        somewhere |= permissions
    place = {
        "server": me.guild_permissions,
        "alert channel": held.get(alert_channel or 0, me.guild_permissions),
        "channels": somewhere,
    }
    optional = [row for row in PERMISSIONS if row.without is not None and row.flag not in ASIDE]
    return [row for row in optional if not getattr(place[row.where], row.flag)]
