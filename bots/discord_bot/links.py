"""Where a server's things stand on Discord (`addresses`), and which conversations nobody else can open.

Leans on discord.py only to ask what a conversation is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import discord

from bots.common.exports import Links
from bots.discord_bot.addresses import message, person
from core.export.record import CaseRecord


def links(guild: discord.Guild, direct: Collection[str]) -> Links:
    """Return where a server's things stand."""
    return Links(guild.name, lambda conversation, number: message(guild.id, conversation, number, direct), person)


def conversations(record: CaseRecord) -> set[str]:
    """Return the conversations that a case's messages were said in."""
    return {item.content.conversation for item in record.all_items if item.content is not None}


async def direct(client: discord.Client, among: Iterable[str]) -> frozenset[str]:
    """Return those conversations that are DMs with the bot.

    Channels and active threads are known; about others (an earlier process's DMs, archived threads) Discord is asked.
    """
    found = set()
    for conversation in set(among):
        channel = client.get_channel(int(conversation))
        if channel is None:
            try:
                channel = await client.fetch_channel(int(conversation))
            except (discord.Forbidden, discord.NotFound, discord.InvalidData):
                continue
        if isinstance(channel, discord.DMChannel):
            found.add(conversation)
    return frozenset(found)
