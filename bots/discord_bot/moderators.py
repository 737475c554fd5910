"""Who moderates a server: whoever has a configured role, or, where none is, the permissions for it.

Leans on discord.py. Whoever presses brings roles and permissions along; of somebody who is to be named, Discord is
asked, and the answer remembered for `FRESH` seconds: what they may do is looked at anew when they press.
"""

from __future__ import annotations

import aiohttp
import discord

from bots.common.remembered import Remembered
from core.config import DiscordServer

FRESH = 600.0
REMEMBERED = 1000


def may_press(member: discord.Member, server: DiscordServer, permissions: discord.Permissions) -> bool:
    """Tell whether the member moderates: by the configured roles, or, where none is, by the permissions held.

    `permissions` are those in the whole server, or in the alert channel: a permission in some other channel, as makers
    of a temporary one are given, makes nobody a moderator.
    """
    if server.moderator_roles:
        return any(member.get_role(role) for role in server.moderator_roles)
    return permissions.moderate_members or permissions.manage_messages


class Moderators:
    """Asks Discord who moderates, and remembers it."""

    def __init__(self) -> None:
        self._known = Remembered[tuple[int, int], bool](REMEMBERED)

    async def are(self, guild: discord.Guild | None, server: DiscordServer, who: int) -> bool:
        """Tell whether somebody moderates a server; False, too, where Discord does not tell."""
        if guild is None:
            return False
        known = self._known.get((guild.id, who))
        if known is None:
            known = self._known.put((guild.id, who), await _asked(guild, server, who), FRESH)
        return known


async def _asked(guild: discord.Guild, server: DiscordServer, who: int) -> bool:
    try:
        member = await guild.fetch_member(who)
    except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError):
        return False
    return may_press(member, server, member.guild_permissions)
