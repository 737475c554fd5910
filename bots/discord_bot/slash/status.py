"""`/lampkeeper status`: what was seen, how far behind it is, what was missed, and what is missing.

Leans on `core.stats` and `core.tally` for the counts, on the connection for the rest. Of the permissions only what is
missing is said, channel by channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any

import discord
from discord import app_commands

from bots.discord_bot.buttons import NOBODY
from bots.discord_bot.card import DESCRIPTION, fit
from bots.discord_bot.permissions import ALERT_CHANNEL, PERMISSIONS, missing
from bots.discord_bot.servers import Served
from bots.discord_bot.slash.asked import Asked, allowed
from bots.discord_bot.translate import watched
from bots.discord_bot.units import duration
from bots.texts import say
from core import stats
from core.model import Model

WEEK = 7
AT_ONCE = 20
"""Channels named in one line."""
READ = tuple(row for row in PERMISSIONS if row.flag in {"view_channel", "read_message_history"})
CLOSED = READ[0].label
"""What it needs in a channel that is watched."""


def add(group: app_commands.Group) -> None:
    """Add the command."""
    group.command(name="status", description=say("en", "status.description"))(status)


async def status(interaction: discord.Interaction[Any]) -> None:
    """Say how it is doing."""
    if asked := await allowed(interaction, "moderator"):
        await interaction.response.defer(ephemeral=True, thinking=True)
        lines = [*await _counts(asked), *_work(asked), *_connections(asked), *_rules(asked), *_permissions(asked)]
        shown = discord.Embed(title=asked.say("status.title"), description=fit(lines, DESCRIPTION))
        await interaction.followup.send(embed=shown, ephemeral=True, allowed_mentions=NOBODY)


async def _counts(asked: Asked) -> list[str]:
    """Messages, alerts, and what waits to be shown."""
    guard = asked.client.guard
    ledger, days = guard.ledger, min(WEEK, guard.keep_text_days)
    tally = ledger.tallies.of(asked.space)
    outcomes = {name: tally.outcomes[name] for name in ("scored", "insufficient", "unsupported_language")}
    received = await stats.received(ledger, asked.space, days)
    seen = {"started": int(tally.started), "seen": tally.outcomes.total(), "days": f"{days:g}", "received": received}
    week = await stats.stats(ledger, asked.space, WEEK)
    lines = [
        asked.say("status.seen", **seen, **outcomes),
        asked.say("status.alerts", opened=week.opened, open=week.open),
    ]
    if (waits := await stats.undelivered(ledger, asked.space)).waiting:
        answer = waits.error or asked.say("status.not_tried")
        lines.append(asked.say("status.waiting", count=waits.waiting, answer=answer))
    return lines


def _work(asked: Asked) -> Iterator[str]:
    """Say how far behind, what was missed, what was left out."""
    guard = asked.client.guard
    tally = guard.ledger.tallies.of(asked.space)
    if (lag := tally.lag) is None:
        yield asked.say("status.lag_none", started=int(tally.started))
    else:
        yield asked.say("status.lag", middle=duration(lag.middle), longest=duration(lag.longest))
    gap = asked.client.gaps.get(asked.server.id)
    if gap is None:
        yield asked.say("status.gap_none")
    elif gap.unread:
        times = {"since": int(gap.since), "until": int(gap.until)}
        yield asked.say("status.gap_unread", **times, channels=_channels(gap.unread))
    else:
        yield asked.say("status.gap", since=int(gap.since), until=int(gap.until))
    if guard.skipped:
        yield asked.say("status.skipped", count=guard.skipped)


def _connections(asked: Asked) -> Iterator[str]:
    """Say how each shard is doing; people count from 1."""
    client = asked.client
    guild = client.get_guild(asked.server.id)
    mine = guild.shard_id if guild else None
    for number, shard in sorted(client.shards.items()):
        here = f" {asked.say('status.here')}" if number == mine and len(client.shards) > 1 else ""
        which = {"number": number + 1, "count": len(client.shards), "here": here}
        if shard.is_closed():
            yield asked.say("status.shard_lost", **which)
        elif not isfinite(shard.latency):
            yield asked.say("status.shard_slow", **which)
        else:
            yield asked.say("status.shard", **which, latency=f"{shard.latency * 1000:.0f} ms")


def _rules(asked: Asked) -> Iterator[str]:
    """Name model, thresholds and mode."""
    engine = asked.client.guard.ledger.engine
    if isinstance(engine.model, Model):
        card = engine.model.card
        yield asked.say("status.model", **{name: card.get(name, "?") for name in ("name", "made_by", "language")})
    rules = engine.rules_of(asked.space)
    limits = {name: f"{getattr(rules.thresholds, name):g}" for name in ("watch", "review", "urgent")}
    yield asked.say("status.shadow" if rules.shadow else "status.live", **limits)
    if asked.server.paused:
        yield asked.say("status.paused", since=int(asked.server.paused_at or 0))


def _permissions(asked: Asked) -> Iterator[str]:
    """Say what is missing, channel by channel."""
    guild, server = asked.client.get_guild(asked.server.id), asked.server
    if guild is None or guild.unavailable:
        yield asked.say("status.unavailable")
        return
    lacks = {channel.id: _missing(channel, guild.me, server) for channel in guild.channels}
    closed = [channel for channel, names in lacks.items() if CLOSED in names and channel != server.alert_channel]
    faults = {channel: names for channel, names in lacks.items() if names and channel not in closed}
    if server.alert_channel not in lacks:
        yield asked.say("status.no_alert_channel")
    elif not faults:
        yield asked.say("status.complete")
    for channel, names in faults.items():
        yield asked.say("status.lacks", channel=channel, permissions=", ".join(names))
    if closed:
        yield asked.say("status.closed", channels=_channels(closed))


def _missing(channel: discord.abc.GuildChannel, me: discord.Member, server: Served) -> list[str]:
    """Name the permissions that the bot lacks in a channel, as Discord does; none, where it has nothing to do."""
    if channel.id == server.alert_channel:
        needed = ALERT_CHANNEL
    elif isinstance(channel, discord.CategoryChannel) or not watched(channel, server):
        return []
    else:
        needed = READ
    return [lacked.label for lacked in missing(channel.permissions_for(me), needed)]


def _channels(ids: Iterable[int]) -> str:
    named = [f"<#{channel}>" for channel in ids]
    return ", ".join(named[:AT_ONCE]) + (f" (+{len(named) - AT_ONCE})" if len(named) > AT_ONCE else "")
