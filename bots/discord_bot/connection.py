"""One connection after the other, for as long as a person need not act first.

Leans on `bots.common.running` and on discord.py, which connects again by itself after most losses; but one frame that
it cannot parse ends the whole client, so the client is replaced then.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import discord
import structlog

from bots.common.running import again_and_again
from bots.discord_bot import delivery
from core.errors import PlatformError

log = structlog.get_logger(__name__)

TOKEN_CLOSED = 4004
INTENTS_CLOSED = frozenset({4013, 4014})
"""Close codes of the gateway (API, "Gateway Close Event Codes") that connecting again would only repeat."""
INTENT_REMEDY = (
    "Switch on Message Content Intent at https://discord.com/developers/applications (your application, Bot, "
    "Privileged Gateway Intents)."
)


def quiet() -> None:
    """Have discord.py log no frame, and so no message, at DEBUG, whatever the operator sets; nor what voice lacks."""
    logging.getLogger("discord").setLevel(logging.WARNING)
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


async def stay_connected(connect: Callable[[], Awaitable[None]]) -> None:
    """Have `connect` make a client and run it, again and again; return only when cancelled.

    Raises `PlatformError` with a remedy where a person must act (token refused, intent missing).
    """

    async def once() -> None:
        try:
            await connect()
        except discord.LoginFailure:
            raise PlatformError(*delivery.TOKEN_REFUSED) from None
        except discord.PrivilegedIntentsRequired:
            raise PlatformError("Discord does not let the bot read messages.", INTENT_REMEDY) from None
        except discord.ConnectionClosed as error:
            if error.code == TOKEN_CLOSED:
                raise PlatformError(*delivery.TOKEN_REFUSED) from None
            if error.code in INTENTS_CLOSED:
                raise PlatformError("Discord does not let the bot read messages.", INTENT_REMEDY) from None
            raise

    await again_and_again(once, _told)


def _told(ended: Exception | None, seconds: float) -> None:
    if isinstance(ended, discord.ConnectionClosed):
        log.warning("discord.closed", code=ended.code)
    elif ended is not None:
        # Only the type: a frame that discord.py cannot parse raises just anything, and its words may quote the frame.
        log.warning("discord.broken", error=type(ended).__name__)
    log.info("discord.connecting_again", seconds=seconds)
