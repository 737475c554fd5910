"""What Discord says of the people on a card: since when there is the account, since when it is here, its picture.

Leans on discord.py. The bot does not ask for the privileged Server Members intent, so members are looked up one by one,
when a card is drawn, and remembered for `FRESH` seconds: a card is edited often. What Discord does not tell is left
out; a card never waits for it, nor fails by it.
"""

from __future__ import annotations

import aiohttp
import discord

from bots.common.face import Account
from bots.common.remembered import Remembered

FRESH = 6 * 3600.0
REMEMBERED = 1000


class Accounts:
    """Looks accounts up, and remembers them."""

    def __init__(self) -> None:
        self._known = Remembered[tuple[int, int], Account](REMEMBERED)

    async def of(self, guild: discord.Guild | None, who: int) -> Account:
        """Return what is known of an account in a server."""
        created = discord.utils.snowflake_time(who).timestamp()
        if guild is None:
            return Account(created)
        if (known := self._known.get((guild.id, who))) is not None:
            return known
        found = await _looked_up(guild, who, created)
        return found if found.here is None else self._known.put((guild.id, who), found, FRESH)


async def _looked_up(guild: discord.Guild, who: int, created: float) -> Account:
    try:
        member = await guild.fetch_member(who)
    except discord.NotFound:
        return Account(created, here=False)
    except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError):
        return Account(created)
    joined = None if member.joined_at is None else member.joined_at.timestamp()
    return Account(created, joined, here=True, avatar=member.display_avatar.url)
