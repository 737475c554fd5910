"""The connection as those see it who answer over it: the client, with what a server's settings and its case work are.

`bots.discord_bot.client` makes it, and knows all of them; they know this alone, so that no import goes round.
"""

from __future__ import annotations

import discord

from bots.common.status import Link
from bots.discord_bot.accounts import Accounts
from bots.discord_bot.backscan import Backscans
from bots.discord_bot.history import Gap
from bots.discord_bot.moderators import Moderators
from bots.discord_bot.servers import Servers
from bots.helplines import Helplines
from core.casework.cards import Person
from core.config import DiscordServer
from core.export import Reporter
from core.guard import Guard


class Connected(discord.AutoShardedClient):
    """One session with Discord. `gaps` and `links` are by server."""

    servers: Servers
    guard: Guard
    scans: Backscans
    accounts: Accounts
    moderators: Moderators
    helplines: Helplines
    reporter: Reporter
    gaps: dict[int, Gap]
    links: dict[int, Link]

    async def moderates(self, server: DiscordServer, who: Person) -> bool:
        """Tell whether somebody moderates a server."""
        return who.id.isdigit() and await self.moderators.are(self.get_guild(server.id), server, int(who.id))
