"""Whether the text of messages arrives at all: Discord may withhold it though the connection was allowed.

Without the Message Content intent a message's text, files, embeds, components and poll are empty (API, "Message Content
Intent"), but in direct messages and where the bot is mentioned. A bot that grew past 100 servers without Discord's
approval may find itself so. Nobody can write a message that shows nothing, so a number of them in a row is proof.
"""

from __future__ import annotations

import discord

ENOUGH = 20
"""Messages in a row that show nothing."""


class Content:
    """Counts such messages, server by server."""

    def __init__(self) -> None:
        self._empty: dict[int, int] = {}

    def withheld(self, message: discord.Message) -> bool:
        """Count a message; True with the one that proves it, once a server."""
        guild = message.guild
        if guild is None or message.content:
            if guild is not None and not (guild.me and guild.me in message.mentions):
                self._empty.pop(guild.id, None)
            return False
        shown = (message.embeds, message.stickers, message.message_snapshots, message.attachments, message.components)
        if message.poll is not None or any(shown):
            return False
        self._empty[guild.id] = self._empty.get(guild.id, 0) + 1
        return self._empty[guild.id] == ENOUGH
