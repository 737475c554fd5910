"""The alert card as Discord shows it: an embed; and the excerpt, which is shown to one moderator at a time.

Leans on `bots.common.face` and `bots.common.excerpt` for what they say. Discord's limits (API, "Embed Limits": title
256, description 4096, field value 1024, all embeds of a message 6000 characters) are kept there, by leaving lines out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import discord

from bots.common.excerpt import pages
from bots.common.face import Account, face
from bots.common.lines import clip
from bots.common.markup import NAME
from bots.discord_bot.addresses import message
from bots.discord_bot.markup import words
from bots.discord_bot.translate import server_id
from bots.texts import ENGLISH
from core.casework.cards import Card, ExcerptLine, Person
from core.effects import Level

FIELD = 1024
DESCRIPTION = 4096
EXCERPT_MESSAGES = 3
"""Messages that one excerpt is spread over at most."""
COLOURS: dict[Level, int] = {"none": 0x95A5A6, "watch": 0xF1C40F, "review": 0xE67E22, "urgent": 0xE74C3C}
DECIDED = 0x95A5A6


def embed(
    card: Card,
    direct: Collection[str] = (),
    language: str = ENGLISH,
    accounts: Mapping[str, Account] | None = None,
    turn: Person | None = None,
) -> discord.Embed:
    """Draw the card.

    `direct` are those of its conversations that are direct messages with the bot; `accounts` what Discord says of the
    two people, by their ids; `turn` is whose turn it could be to look into it.
    """
    server = server_id(card.space)
    places = [message(server, ref.key.conversation, ref.message_id, direct) for ref in card.messages]
    drawn = face(card, words(language), places, accounts or {}, turn)
    shown = discord.Embed(
        title=drawn.title,
        colour=DECIDED if drawn.decided else COLOURS[drawn.level],
        timestamp=datetime.fromtimestamp(drawn.opened, UTC),
    )
    for field in drawn.fields:
        shown.add_field(name=field.name, value=field.text, inline=field.short)
    if drawn.actor is not None:
        shown.set_author(name=clip(drawn.actor.name, NAME), icon_url=drawn.actor.url)
    if drawn.target is not None:
        shown.set_thumbnail(url=drawn.target.url)
    return shown.set_footer(text=drawn.note)


def excerpt(lines: Sequence[ExcerptLine], language: str = ENGLISH) -> list[discord.Embed]:
    """Draw an excerpt, every text behind a spoiler, as few embeds as hold it; each goes into a message of its own."""
    said = words(language)
    shown = [discord.Embed(description=page) for page in pages(lines, said, DESCRIPTION, EXCERPT_MESSAGES)]
    shown[-1].set_footer(text=said.say("card.note"))
    return shown
