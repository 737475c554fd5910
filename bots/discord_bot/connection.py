"""One connection after the other, for as long as a person need not act first.

Leans on discord.py, which connects again by itself after most losses; but one frame that it cannot parse ends the whole
client, so the client is replaced then.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import discord
import structlog

from bots.discord_bot import delivery
from core.errors import PlatformError

log = structlog.get_logger(__name__)

LONGEST_WAIT = 60.0
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
    wait = 1.0
    while True:
        began = time.monotonic()
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
            log.warning("discord.closed", code=error.code)
        except Exception as error:  # noqa: BLE001  a frame that discord.py cannot parse raises just anything
            # Only the type: the exception's own words may quote the frame.
            log.warning("discord.broken", error=type(error).__name__)
        wait = 1.0 if time.monotonic() - began > LONGEST_WAIT else min(wait * 2, LONGEST_WAIT)
        log.info("discord.connecting_again", seconds=wait)
        await asyncio.sleep(wait)
