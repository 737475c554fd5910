"""The connection to Discord: each event it brings goes to the feed, translated.

Leans on discord.py's `AutoShardedClient`. Only raw events are used for edits and deletions, so that they are followed
for messages sent before this process began, and discord.py keeps no copy of any text (`max_messages=None`), nor any
member. Decisions:

- Roles come with every live message, so a change of roles counts from the member's next message on. No member is kept
  to compare with: a server has hundreds of thousands.
- That people were banned is seen where the bot may ban or read the audit log (API, "Guild Ban Add"); that they left or
  joined, where the operator switched on the privileged Server Members intent, which Lampkeeper uses but does not need.
- A server that the bot is removed from is sealed, and deleted after a week (`core.retention.leaving`). So is one that
  it was removed from while it was not running, from when that is noticed.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any, NamedTuple

import discord
import structlog

from bots.discord_bot.accounts import Accounts
from bots.discord_bot.backscan import Backscans
from bots.discord_bot.buttons import DISMISSAL, FILLED, ITEMS
from bots.discord_bot.connected import Connected
from bots.discord_bot.connection import INTENT_REMEDY
from bots.discord_bot.content import Content
from bots.discord_bot.feed import Feed
from bots.discord_bot.forms import submitted
from bots.discord_bot.helpdesk import TOLD, Helpdesk, Menu, TellButton
from bots.discord_bot.history import DIRECT, FOR_NOW, Catchup
from bots.discord_bot.moderators import Moderators
from bots.discord_bot.servers import Served, Servers, readable
from bots.discord_bot.slash import add_commands, put_commands
from bots.discord_bot.slash.asked import answer_error
from bots.discord_bot.slash.backscan import CancelButton
from bots.discord_bot.slash.privacy import DELETION
from bots.discord_bot.slash.report import REPORT
from bots.discord_bot.slash.setup import SetupItem
from bots.discord_bot.slash.trial import TrialButton
from bots.discord_bot.translate import key, server_id, space, spoken, to_message
from bots.discord_bot.welcome import welcome
from bots.texts import say
from core.casework import presence
from core.casework.cards import Gone
from core.errors import LampkeeperError
from core.export import Reporter
from core.guard import Guard
from core.messages import ConversationKey, Deletion, Edit
from core.retention.leaving import GRACE

log = structlog.get_logger(__name__)

EDITED_LATELY = timedelta(days=1)
"""After which an update of an edited message is taken for a pin, a preview or the like: Discord sends the time
of the last edit along with every one of them, for ever. Within the day the guard sees that the text is the same."""
INTENTS = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True, moderation=True)
FORMS = (DISMISSAL, FILLED, TOLD, REPORT, DELETION)
"""Every form."""
PATIENCE = 30.0
"""Seconds that discord.py waits out a rate limit itself; a longer one goes back to the outbox."""


class Parts(NamedTuple):
    """What a connection is made with, and what outlives it."""

    servers: Servers
    guard: Guard
    feed: Feed
    catchup: Catchup
    scans: Backscans
    content: Content
    helpdesk: Helpdesk
    reporter: Reporter


class Watch(Connected):
    """One session with Discord."""

    def __init__(self, parts: Parts, intents: discord.Intents) -> None:
        super().__init__(
            intents=intents,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=PATIENCE,
        )
        self.servers, self.guard, self.scans, self.helpdesk = parts.servers, parts.guard, parts.scans, parts.helpdesk
        self._feed, self._catchup, self._content = parts.feed, parts.catchup, parts.content
        self.reporter = parts.reporter
        self.accounts, self.moderators = Accounts(), Moderators()
        self.tree = discord.app_commands.CommandTree(self)
        add_commands(self.tree)
        self.gaps, self.links = self._catchup.gaps, self._catchup.links
        self.helplines = self.helpdesk.helplines
        self._shards: set[int] = set()

    async def setup_hook(self) -> None:
        """Make the buttons of every card ever posted answer, and the commands (discord.py calls it to begin with)."""
        self.add_dynamic_items(*ITEMS, CancelButton, Menu, SetupItem, TellButton, TrialButton)
        await put_commands(self.tree)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Take in forms: those that were open while the bot restarted, too."""
        try:
            await submitted(interaction, FORMS)
        except Exception as error:  # noqa: BLE001  whatever it was, whoever filled it in must not be left waiting
            await answer_error(interaction, error)

    async def close(self) -> None:
        """End the session. What still comes in waits for the next one: nothing may overtake what is missed now."""
        for server in self.servers:
            self._catchup.lost(server)
        self._catchup.stop()
        await super().close()

    async def on_error(self, event: str, /, *_args: Any, **_kwargs: Any) -> None:
        """Log which event failed and how; never what it carried, as discord.py's own handler may."""
        log.warning("discord.event_failed", event_name=event, error=getattr(sys.exc_info()[0], "__name__", ""))

    # --- what people say ---------------------------------------------------------------------------------------------

    async def on_message(self, message: discord.Message) -> None:
        """Take a message, live."""
        if server := self._server(message):
            self._feed.put(to_message(message, server))
            if self._content.withheld(message):
                log.error("discord.no_content", server=server.id, remedy=INTENT_REMEDY)
                await self.guard.communities.tell(space(server.id), say(server.language, "safe.no_content"))
        if message.guild is None and spoken(message):
            await self.helpdesk.greet(self, message)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Take a message as it reads now. Discord also updates messages that are pinned or previewed: no edits."""
        edited = payload.message.edited_at
        if edited is None or discord.utils.utcnow() - edited > EDITED_LATELY:
            return
        if server := self._server(payload.message):
            self._feed.put(Edit(to_message(payload.message, server)))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Take note that a message is gone."""
        self._deleted(payload.guild_id, payload.channel_id, payload.message_id)

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Take note that messages are gone, by a moderator's sweep."""
        for message in sorted(payload.message_ids):
            self._deleted(payload.guild_id, payload.channel_id, message)

    def _server(self, message: discord.Message) -> Served | None:
        """Return the server whose rules hold for a message; None if it is not to be scored."""
        server = self.servers.of(message.guild.id) if message.guild is not None else self.servers.direct()
        if server is None or not readable(message, message.channel, server):
            return None
        part = message.guild.id if message.guild else DIRECT
        self._catchup.heard(server.id)
        self._catchup.read_first(message.channel, message.channel.id, server, part)
        return server

    def _deleted(self, guild: int | None, channel: int, message: int) -> None:
        server = self.servers.of(guild) if guild is not None else self.servers.direct()
        if server is not None:
            self._feed.put(Deletion(key(server, channel), str(message), time.time()))

    def read_again(self, here: ConversationKey) -> None:
        """Read a conversation of which events did not fit; one that is out of reach now is read when it is not."""
        server, channel = self.servers.of(server_id(here.space)), int(here.conversation)
        if not self.is_closed():
            found = self.get_channel(channel)
            reached = found if isinstance(found, discord.abc.Messageable) else self.get_partial_messageable(channel)
            self._catchup.read_again(reached, here, server)

    # --- people ------------------------------------------------------------------------------------------------------

    async def on_member_ban(self, guild: discord.Guild, user: discord.User | discord.Member) -> None:
        """Show on cards that somebody was banned."""
        await self._gone(guild.id, user.id, "banned")

    async def on_raw_member_remove(self, payload: discord.RawMemberRemoveEvent) -> None:
        """Show on cards that somebody left."""
        await self._gone(payload.guild_id, payload.user.id, "left")

    async def on_member_join(self, member: discord.Member) -> None:
        """Show on cards that somebody is back."""
        await self._gone(member.guild.id, member.id, None)

    async def _gone(self, server: int, person: int, gone: Gone | None) -> None:
        try:
            await presence.note(self.guard.ledger, space(server), str(person), gone)
        except LampkeeperError as error:
            log.warning("discord.not_noted", server=server, what=error.what, remedy=error.remedy)

    # --- the connection ----------------------------------------------------------------------------------------------

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Catch up with a server: at the start, after a new session, after an outage of Discord's, after joining it."""
        self.servers.gone(guild.id, gone=False)
        self._catchup.regained(guild, self.servers.of(guild.id), resumed=False)
        await self._arrived(guild)

    on_guild_join = on_guild_available

    async def on_guild_unavailable(self, guild: discord.Guild) -> None:
        """Hold a server's events: Discord has an outage there."""
        self._catchup.lost(guild.id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Seal a server that the bot was removed from; it is deleted later, as Discord's developer policy asks.

        An outage is no removal: discord.py tells it as `on_guild_unavailable`.
        """
        self._catchup.removed(guild.id)
        await self._left(guild.id)

    async def _arrived(self, guild: discord.Guild) -> None:
        """Take note that the bot is in a server; if it was removed lately, tell the admins that nothing is lost."""
        here = space(guild.id)
        try:
            arrival = await self.guard.communities.arrive(here)
            if arrival == "new":
                await self.servers.load_one(guild.id)
            if arrival == "back":
                await self.guard.communities.tell(here, say(self.servers.of(guild.id).language, "leaving.back"))
        except LampkeeperError as error:
            log.error("discord.not_noted", server=guild.id, what=error.what, remedy=error.remedy)
            return
        if arrival != "known":
            log.info("discord.joined", server=guild.id, back=arrival == "back")
        if arrival == "new":
            await welcome(self, guild)

    async def _left(self, server: int) -> None:
        """Seal a server that the bot is not in."""
        self.servers.gone(server, gone=True)
        self.scans.stop(server)
        try:
            sealed = await self.guard.communities.leave(space(server))
        except LampkeeperError as error:  # it is noticed again at the next connection
            log.error("discord.not_noted", server=server, what=error.what, remedy=error.remedy)
            return
        if sealed:
            log.warning(
                "discord.removed",
                server=server,
                what="The bot was removed from the server: nothing of it is shown or read any more.",
                remedy=f"What is kept is deleted in {GRACE / 86_400:g} days. Invite the bot again to keep it, or "
                f"delete it now: lampkeeper purge --space {space(server)}",
            )

    async def on_shard_disconnect(self, shard: int) -> None:
        """Hold what follows: the connection dropped. discord.py connects again by itself."""
        log.info("discord.disconnected", shard=shard)
        for server in self._on_shard(shard):
            self._catchup.lost(server)
        if shard == 0:
            self._catchup.direct_lost()

    async def on_shard_resumed(self, shard: int) -> None:
        """Catch up: the old session goes on."""
        log.info("discord.resumed", shard=shard)
        for server in self._on_shard(shard):
            if (guild := self.get_guild(server)) and not guild.unavailable:
                self._catchup.regained(guild, self.servers.of(server), resumed=True)
        self._direct_regained(shard)

    async def on_shard_connect(self, shard: int) -> None:
        """Catch up with DMs: a new session began. The servers follow one by one (`on_guild_available`).

        Until then their live events wait: those of servers that the configuration does not name, too.
        """
        for guild in self.guilds:
            if guild.shard_id == shard:
                self._feed.shut(space(guild.id))
        log.info("discord.connected", shard=shard)
        self._shards.add(shard)
        absent: list[int] = []
        if len(self._shards) == self.shard_count:
            self._catchup.expect(self._carried())
            known = list(self.servers)  # those that the bot joins while Discord is asked are not absent
            present = await self._present()
            absent = [server for server in known if server not in present]
        for server in absent:
            self.servers.gone(server, gone=True)
            self._catchup.removed(server)
        if absent:
            self._catchup.expect(self._carried())
        self._direct_regained(shard)
        for server in absent:
            await self._left(server)

    def _carried(self) -> set[int]:
        """Return the servers of the connection; discord.py keeps those that a new session does not name any more."""
        return {guild.id for guild in self.guilds if not self.servers.is_gone(guild.id)}

    async def _present(self) -> set[int]:
        """Ask which servers the bot is in; one in an outage counts, whether Discord lists it or not."""
        there = {guild.id for guild in self.guilds if guild.unavailable}
        try:
            return there | {guild.id async for guild in self.fetch_guilds(limit=None)}
        except (*FOR_NOW, discord.HTTPException, RuntimeError) as error:  # RuntimeError: the session is closed
            log.warning("discord.servers_unknown", error=type(error).__name__)
            return {guild.id for guild in self.guilds}

    def _direct_regained(self, shard: int) -> None:
        if shard == 0 and (direct := self.servers.direct()) is not None:
            self._catchup.direct_regained(self, direct)

    def _on_shard(self, shard: int) -> list[int]:
        """Return the servers that a shard carries (API, "Sharding": id >> 22 modulo the number of shards)."""
        return [server for server in self.servers if (server >> 22) % (self.shard_count or 1) == shard]
