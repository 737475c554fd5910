"""Cards and notices onto Discord, and Discord's refusals into the core's errors.

Leans on `card` and `buttons`. A reference is ``<channel id>/<message id>``. A card is posted with a nonce made of its
alert's id, which Discord enforces for some minutes (API, "Create Message": enforce_nonce), so that a post whose answer
was lost is not doubled; after longer interruptions `find` looks. Nothing that is posted notifies the people it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import aiohttp
import discord

from bots.discord_bot.buttons import BUTTONS, NOBODY, custom_id, view
from bots.discord_bot.card import clip, embed
from core.cards import Card
from core.errors import PlatformError, TryLater

NEEDED = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "embed_links": "Embed Links",
    "read_message_history": "Read Message History",
}
"""What the bot needs in an alert channel: discord.py's name, and the portal's."""
LOOK_BACK = 200
MESSAGE = 2000


TOKEN_REFUSED = (
    "Discord does not accept the bot's token: it is wrong, or was reset.",
    "Reset it at https://discord.com/developers/applications (your application, Bot), then configure the new one.",
)


@contextmanager
def refusals(client: discord.Client, channel: int) -> Iterator[None]:
    """Turn what Discord answers in `channel` into `TryLater`, or a `PlatformError` with a remedy."""
    try:
        yield
    except discord.RateLimited as error:
        raise TryLater("Discord asks to slow down.", seconds=error.retry_after) from None
    except discord.Forbidden as error:
        raise PlatformError(
            f"Discord does not let Lampkeeper post in the alert channel {channel} (code {error.code}).",
            f"Give its role {missing(client, channel)} in that channel.",
        ) from None
    except discord.NotFound:
        raise PlatformError(
            f"The alert channel {channel} does not exist.", "Correct alert_channel of this server in the configuration."
        ) from None
    except discord.HTTPException as error:
        if error.status == 429 or error.status >= 500:
            raise TryLater(f"Discord cannot answer now (HTTP {error.status}).") from None
        if error.status == 401:
            raise PlatformError(*TOKEN_REFUSED) from None
        raise PlatformError(
            f"Discord refused a message in channel {channel} (HTTP {error.status}, code {error.code}).",
            "Run `lampkeeper check`; if it finds nothing, please report this.",
        ) from None
    except (aiohttp.ClientError, OSError, TimeoutError):
        raise TryLater("Discord cannot be reached.") from None


def missing(client: discord.Client, channel: int) -> str:
    """Name the permissions that the bot lacks in a channel, as the portal does; all it needs, if that is not known."""
    place = client.get_channel(channel)
    held = place.permissions_for(place.guild.me) if isinstance(place, discord.TextChannel) else None
    names = [name for permission, name in NEEDED.items() if held is None or not getattr(held, permission)]
    return ", ".join(names or NEEDED.values())


async def show(client: discord.Client, channel: int, card: Card, reference: str | None) -> str:
    """Post the card in the channel, or edit the posted one; return its reference."""
    with refusals(client, channel):
        shown, buttons = embed(card, await direct(client, card)), view(card)
        if reference is not None:
            where, _, message = reference.partition("/")
            posted = client.get_partial_messageable(int(where)).get_partial_message(int(message))
            try:
                await posted.edit(embed=shown, view=buttons, allowed_mentions=NOBODY)
            except discord.NotFound:
                pass  # somebody deleted it: the alert still stands, so it is posted anew
            else:
                return reference
        sent = await client.get_partial_messageable(channel).send(
            embed=shown, view=buttons, nonce=nonce(card.alert, reference), allowed_mentions=NOBODY
        )
    return f"{channel}/{sent.id}"


def nonce(alert: str, replaced: str | None) -> str:
    """Return at most 25 characters that are the same for the same post; one that replaces a deleted card differs."""
    return blake2b(f"{alert}\0{replaced or ''}".encode(), digest_size=12).hexdigest()


async def find(client: discord.Client, channel: int, alert: str) -> str | None:
    """Look among the channel's latest messages for the bot's own card of an alert."""
    wanted = {custom_id(action, alert) for action in BUTTONS}
    with refusals(client, channel):
        async for message in client.get_partial_messageable(channel).history(limit=LOOK_BACK):
            ids = {
                getattr(button, "custom_id", None)
                for row in message.components
                if isinstance(row, discord.ActionRow)
                for button in row.children
            }
            if message.author == client.user and not wanted.isdisjoint(ids):
                return f"{channel}/{message.id}"
    return None


async def notify(client: discord.Client, channel: int, text: str) -> None:
    """Say something about Lampkeeper itself."""
    with refusals(client, channel):
        await client.get_partial_messageable(channel).send(clip(text, MESSAGE), allowed_mentions=NOBODY)


async def direct(client: discord.Client, card: Card) -> frozenset[str]:
    """Return those of the card's conversations that are DMs with the bot.

    Channels and active threads are known; about others (an earlier process's DMs, archived threads) Discord is asked.
    """
    found = set()
    for conversation in {ref.key.conversation for ref in card.messages}:
        channel = client.get_channel(int(conversation))
        if channel is None:
            try:
                channel = await client.fetch_channel(int(conversation))
            except (discord.Forbidden, discord.NotFound, discord.InvalidData):
                continue
        if isinstance(channel, discord.DMChannel):
            found.add(conversation)
    return frozenset(found)
