"""From Discord's messages to the core's: who said what, to whom, where.

Leans on discord.py's parsed objects and `core.messages`. A space is a server; a conversation is a channel, a thread or
a direct message with the bot. A DM with the bot belongs to the server that the configuration names for it, and has no
`partner`: the other side is a program, so nobody is addressed. Discord's markup carries long numbers
(``<@123456789012345678>``); they are written out in words, so that no signal takes an id for a telephone number.
A forwarded message holds somebody's words, and Discord does not say whose: they count as an attachment, a fact without
text, and are evidence against nobody.
"""

from __future__ import annotations

import re

import discord

from core.config import DiscordServer
from core.messages import AGE_BANDS, AgeBand, Author, ConversationKey, Message, tidy

SAID = frozenset({discord.MessageType.default, discord.MessageType.reply})
"""The kinds of message that a person typed; joins, pins, boosts and the like are the system's."""

_MARKUP = re.compile(
    r"<(?:(?P<person>@[!&]?)|(?P<channel>#)|a?:(?P<emoji>\w+):|/(?P<command>[^:>]+):|t:)-?\d+(?::\w)?>(?(person) ?)"
)


def space(server: int) -> str:
    """Name the space of a server.

    >>> space(42)
    'discord:42'
    """
    return f"discord:{server}"


def server_id(name: str) -> int:
    """Return the server of a space.

    >>> server_id("discord:42")
    42
    """
    return int(name.removeprefix("discord:"))


def plain(content: str) -> str:
    """Write Discord's markup of channels, emoji, commands and times in words, and leave people out.

    Whom a message mentions is in `Message.mentions`. In the text it would count as a word that the model knows from
    ordinary servers only, and who mentions somebody in every line would hardly ever alert.

    >>> plain("<@!80351110224678912> see <#41771983423143937> <:wave:41771983429993937> <t:1618953630:R>")
    'see #channel :wave: (time)'
    """
    return tidy(_MARKUP.sub(_word, content))


def _word(markup: re.Match[str]) -> str:
    if markup["person"]:
        return ""
    if markup["channel"]:
        return "#channel"
    if markup["emoji"]:
        return f":{markup['emoji']}:"
    return f"/{markup['command']}" if markup["command"] else "(time)"


def spoken(message: discord.Message) -> bool:
    """Tell whether a person said it: no bot, webhook or system message, and not Lampkeeper's own."""
    author = message.author
    return message.type in SAID and message.webhook_id is None and not (author.bot or author.system)


def places(channel: object) -> frozenset[int]:
    """Return the ids of a channel, of the channel that it belongs to, if it is a thread, and of their category."""
    parent = getattr(channel, "parent", None)
    around = (channel, parent, getattr(parent or channel, "category", None))
    return frozenset(place.id for place in around if hasattr(place, "id"))


def watched(channel: object, server: DiscordServer) -> bool:
    """Tell whether a channel is read: not the moderators' own, not an ignored one, nor in an ignored category.

    A thread goes with the channel it belongs to.
    """
    return places(channel).isdisjoint({server.alert_channel, *server.ignored_channels})


def age_band(member: discord.Member, server: DiscordServer) -> AgeBand | None:
    """Return the age band that the member's roles tell; the youngest, where they tell several."""
    told = {band for role, band in server.age_roles.items() if member.get_role(int(role))}
    return next((band for band in AGE_BANDS if band in told), None)


def attachments(message: discord.Message) -> tuple[str, ...]:
    """Return the kinds of what is attached: ``image``, ``video``, ``audio``, ``file``, ``sticker``, ``poll``.

    ``forward`` is a forwarded message, followed by the kinds of what is attached to that one.
    """
    forwarded = [("forward", *_files(snapshot)) for snapshot in message.message_snapshots]
    polls = ("poll",) if message.poll else ()
    return (*_files(message), *polls, *(kind for kinds in forwarded for kind in kinds))


def _files(message: discord.Message | discord.MessageSnapshot) -> tuple[str, ...]:
    kinds = [(attachment.content_type or "").partition("/")[0] for attachment in message.attachments]
    named = [kind if kind in {"image", "video", "audio"} else "file" for kind in kinds]
    return (*named, *("sticker" for _ in message.stickers))


def mentions(message: discord.Message) -> tuple[str, ...]:
    """Return the people mentioned, in the order of the text; Discord's own list has none."""
    if not message.mentions:
        return ()
    people = [person.id for person in message.mentions if not person.bot]
    order = {person: place for place, person in reversed(list(enumerate(message.raw_mentions)))}
    return tuple(map(str, sorted(people, key=lambda person: (order.get(person, len(order)), person))))


def replied_to(message: discord.Message) -> str | None:
    """Return the person whose message this one answers; None where that was a bot's, or is gone."""
    answered = message.reference.resolved if message.type is discord.MessageType.reply and message.reference else None
    if not isinstance(answered, discord.Message) or not spoken(answered):
        return None
    return str(answered.author.id)


def key(server: DiscordServer, channel: int) -> ConversationKey:
    """Name the conversation in a channel, thread or DM."""
    return ConversationKey(space(server.id), str(channel))


def to_message(message: discord.Message, server: DiscordServer, band: AgeBand | None = None) -> Message:
    """Translate a message that a person said in `server` (or in a DM that belongs to it).

    `band` is the author's age band where Discord sent no roles along: the gateway sends them with every message, the
    channel's history does not. The time is the one inside the message's id (Discord API, "Snowflakes").
    """
    author = message.author
    if isinstance(author, discord.Member):
        band = age_band(author, server) or band
    return Message(
        key=key(server, message.channel.id),
        id=str(message.id),
        author=Author(str(author.id), tidy(author.display_name), band),
        text=plain(message.content),
        time=message.created_at.timestamp(),
        reply_to=replied_to(message),
        mentions=mentions(message),
        attachments=attachments(message),
        edited=None if message.edited_at is None else message.edited_at.timestamp(),
    )
