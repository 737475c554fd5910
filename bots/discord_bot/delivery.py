"""Cards and notices onto Discord, and Discord's refusals into the core's errors.

Leans on `card` and `buttons`. A reference is ``<channel id>/<message id>``. A card is posted with a nonce made of its
alert's id and of when that opened, which Discord enforces for some minutes (API, "Create Message": enforce_nonce), so
that a post whose answer was lost is not doubled; after longer interruptions `find` looks. The id alone would not do:
the next alert of two people whose data was deleted has it again, and Discord would answer with the old, emptied card.
Nothing that is posted notifies the people it names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import blake2b
from typing import Any

import aiohttp
import discord
import structlog

from bots.common import calls, rotation
from bots.common.calls import Called
from bots.common.lines import clip
from bots.discord_bot.addresses import SITE
from bots.discord_bot.buttons import NOBODY, view
from bots.discord_bot.card import embed
from bots.discord_bot.connected import Connected
from bots.discord_bot.links import direct
from bots.discord_bot.markup import words
from bots.discord_bot.permissions import ALERT_CHANNEL, labels
from bots.discord_bot.permissions import missing as lacked
from bots.discord_bot.translate import server_id
from bots.texts import say
from core.casework.cards import Call, Card, Person
from core.config import DiscordServer
from core.errors import Limit, PlatformError, TryLater

log = structlog.get_logger(__name__)

LOOK_BACK = 200
MESSAGE = 2000


TOKEN_REFUSED = (
    "Discord does not accept the bot's token: it is wrong, or was reset.",
    "Reset it at https://discord.com/developers/applications (your application, Bot), then configure the new one.",
)


@contextmanager
def refusals(client: discord.Client, channel: int, limit: Limit | None = None) -> Iterator[None]:
    """Turn what Discord answers in `channel` into `TryLater`, or a `PlatformError` with a remedy.

    `limit` is what is asked of it: Discord limits each kind of request for itself (API, "Rate Limits").
    """
    try:
        yield
    except discord.RateLimited as error:
        raise TryLater("Discord asks to slow down.", seconds=error.retry_after, limit=limit) from None
    except discord.Forbidden as error:
        raise PlatformError(
            f"Discord does not let Lampkeeper post in the alert channel {channel} (code {error.code}).",
            f"Give its role {missing(client, channel)} in that channel.",
        ) from None
    except discord.NotFound:
        raise PlatformError(
            f"The alert channel {channel} does not exist.",
            "An admin of the server chooses another one with /lampkeeper setup.",
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
    return labels((held is not None and lacked(held, ALERT_CHANNEL)) or ALERT_CHANNEL)


async def show(client: Connected, channel: int, card: Card, reference: str | None) -> str:
    """Post the card in the channel, or edit the posted one; return its reference.

    One that somebody deleted from the channel is posted anew while its alert is open; once that is decided, people may
    clear it away.
    """
    server = server_id(card.space)
    language, guild = client.servers.of(server).language, client.get_guild(server)
    people = [int(who.id) for who in (card.actor, card.target) if who is not None and who.id]
    accounts = {str(who): await client.accounts.of(guild, who) for who in people}
    with refusals(client, channel, "post" if reference is None else "edit"):
        theirs = await direct(client, {ref.key.conversation for ref in card.messages})
        shown, buttons = embed(card, theirs, language, accounts, await _turn(client, card)), view(card, language)
        if reference is not None:
            where, _, message = reference.partition("/")
            posted = client.get_partial_messageable(int(where)).get_partial_message(int(message))
            try:
                await posted.edit(embed=shown, view=buttons, allowed_mentions=NOBODY)
            except discord.NotFound:
                if card.decided is not None:
                    return reference
            except discord.Forbidden:
                if int(where) == channel:
                    raise
                # An earlier alert channel, closed since: in the present one it is posted anew.
            else:
                return reference
        place, post = client.get_partial_messageable(channel), partial(nonce, _once(card))
        sent = await place.send(embed=shown, view=buttons, nonce=post(reference), allowed_mentions=NOBODY)
        if not sent.components:  # taken back, and the same talk was read again: so this is the old card
            sent = await place.send(embed=shown, view=buttons, nonce=post(str(sent.id)), allowed_mentions=NOBODY)
    return f"{channel}/{sent.id}"


def nonce(what: str, replaced: str | None) -> str:
    """Return at most 25 characters that are the same for the same post; one that replaces a deleted card differs."""
    return blake2b(f"{what}\0{replaced or ''}".encode(), digest_size=12).hexdigest()


def _once(card: Card) -> str:
    return f"{card.alert}\0{card.opened!r}"


async def find(client: discord.Client, channel: int, alert: str) -> str | None:
    """Look among the channel's latest messages for the bot's own card of an alert; a channel that is gone has none."""
    with refusals(client, channel, "look"), suppress(discord.NotFound):
        async for message in client.get_partial_messageable(channel).history(limit=LOOK_BACK):
            ids = [
                str(getattr(button, "custom_id", ""))
                for row in message.components
                if isinstance(row, discord.ActionRow)
                for button in row.children
            ]
            if message.author == client.user and any(name.endswith(f":{alert}") for name in ids):
                return f"{channel}/{message.id}"
    return None


async def withdraw(client: discord.Client, reference: str, server: DiscordServer) -> None:
    """Empty a posted card, and say that its alert's data was deleted.

    A card that is gone needs nothing. Nor does one in a server that the bot is in no more: nobody could.
    """
    channel, message = map(int, reference.split("/"))
    posted = client.get_partial_messageable(channel).get_partial_message(message)
    with refusals(client, channel, "edit"):
        try:
            await posted.edit(
                content=say(server.language, "card.withdrawn"), embed=None, view=None, allowed_mentions=NOBODY
            )
        except discord.NotFound:
            return
        except discord.Forbidden:
            if client.get_guild(server.id) is not None:
                raise


async def call(client: Connected, card: Card, reference: str, why: Call, *, tried: bool) -> None:
    """Call whom the server chose for it to a posted card: by an answer to it, for an edited card notifies nobody.

    Or in the second channel; if that is closed to the bot, by an answer. With `tried`, look first whether an earlier
    try did. Nobody else is notified, whatever the text names.
    """
    server = client.servers.of(server_id(card.space))
    whom = calls.called(server, why)
    if whom is not None and whom.channel is not None:
        try:
            await _call(client, card, reference, whom, tried=tried)
        except TryLater:
            raise
        except PlatformError as error:
            log.warning("discord.second_channel_closed", server=server.id, what=error.what, remedy=error.remedy)
            whom = calls.called(server, why, elsewhere=False)
        else:
            return
    if whom is not None:
        await _call(client, card, reference, whom, tried=tried)


async def _call(client: Connected, card: Card, reference: str, whom: Called, *, tried: bool) -> None:
    server = client.servers.of(server_id(card.space))
    channel, message = map(int, reference.split("/"))
    said, roles = words(server.language), [int(role) for role in whom.roles]
    mentions = " ".join(said.markup.role(role) for role in roles)
    text = calls.text(said, card, whom.said, mentions, f"{SITE}/channels/{server.id}/{reference}")
    if roles and _unheard(client, server.id, channel, roles):
        text += f"\n{said.say('card.call_blocked')}"
    under: dict[str, Any] = {}
    if whom.channel is None:
        under["reference"] = discord.MessageReference(
            message_id=message, channel_id=channel, guild_id=server.id, fail_if_not_exists=False
        )
    where = channel if whom.channel is None else int(whom.channel)
    place = client.get_partial_messageable(where, guild_id=server.id)
    with refusals(client, where, "post"):
        if tried:
            async for one in place.history(limit=LOOK_BACK, after=discord.Object(message)):
                answered = one.reference.message_id if one.reference else None
                here = answered == (message if under else None)
                if one.author == client.user and one.content.startswith(text) and here:  # whose turn it is may change
                    return
        await place.send(
            text + calls.turn(said, whom.said, await _turn(client, card)),
            nonce=nonce(_once(card), whom.said),
            allowed_mentions=discord.AllowedMentions(
                everyone=False, users=False, roles=[discord.Object(role) for role in roles], replied_user=False
            ),
            **under,
        )


async def _turn(client: Connected, card: Card) -> Person | None:
    """Return whose turn it could be to look into a case."""
    moderates = partial(client.moderates, client.servers.of(server_id(card.space)))
    return await rotation.turn(client.guard.desk, card, moderates)


def _unheard(client: discord.Client, server: int, channel: int, roles: Collection[int]) -> bool:
    """Tell whether Discord notifies one of the roles of nothing, as it is gone, or may not be mentioned."""
    place, guild = client.get_channel(channel), client.get_guild(server)
    if guild is None or not isinstance(place, discord.TextChannel):
        return False
    found = [guild.get_role(role) for role in roles]
    allowed = place.permissions_for(guild.me).mention_everyone
    return not allowed and any(role is None or not role.mentionable for role in found)


async def notify(client: discord.Client, channel: int, text: str) -> None:
    """Say something about Lampkeeper itself."""
    with refusals(client, channel, "post"):
        await client.get_partial_messageable(channel).send(clip(text, MESSAGE), allowed_mentions=NOBODY)
