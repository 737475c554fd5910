"""Addresses of messages and people on Discord, made of ids alone: so whoever is not connected has them, too.

Leans on nothing of Discord's. Addresses are those of Discord's own "Copy Message Link" and of a profile.
"""

from __future__ import annotations

from collections.abc import Collection

from bots.common.exports import Links

SITE = "https://discord.com"


def message(server: int | str, conversation: str, number: str, direct: Collection[str] = ()) -> str | None:
    """Return the address of a message; None for one in a direct message with the bot, which nobody else can open.

    >>> message(1, "2", "3"), message(1, "2", "3", {"2"})
    ('https://discord.com/channels/1/2/3', None)
    """
    return None if conversation in direct else f"{SITE}/channels/{server}/{conversation}/{number}"


def person(number: str) -> str:
    """Return the address of an account.

    >>> person("4")
    'https://discord.com/users/4'
    """
    return f"{SITE}/users/{number}"


def unconnected(server: str, *, direct: bool) -> Links:
    """Return where a server's things stand, without its name; no messages, where some may be `direct`.

    >>> unconnected("1", direct=False).message("2", "3"), unconnected("1", direct=True).message("2", "3")
    ('https://discord.com/channels/1/2/3', None)
    """
    return Links("", lambda conversation, number: None if direct else message(server, conversation, number), person)
