"""A server's settings in words, each with where it comes from: for `/lampkeeper setup` and `/lampkeeper settings`.

Leans on `bots.texts`. A setting is a row of `SETTINGS`, in the order in which they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from discord.utils import format_dt

from bots.discord_bot.slash.asked import Asked
from core.cards import percent
from core.messages import AGE_BANDS

COUNTRIES = (
    *("AR", "AT", "AU", "BE", "BR", "CA", "CH", "DE", "DK", "ES", "FI", "FR"),
    *("GB", "IE", "IN", "IT", "MX", "NL", "NO", "NZ", "PL", "PT", "SE", "US"),
)
"""Countries that are offered by name (ISO 3166-1); any other can be typed. Discord's menus hold 25, "none" is one."""


def roles(ids: Iterable[int]) -> str:
    """Name roles so that Discord shows them as such.

    >>> roles([1, 2])
    '<@&1>, <@&2>'
    """
    return ", ".join(f"<@&{role}>" for role in ids)


def channels(ids: Iterable[int]) -> str:
    """Name channels so that Discord shows them as such.

    >>> channels([1])
    '<#1>'
    """
    return ", ".join(f"<#{channel}>" for channel in ids)


def country(asked: Asked, code: str) -> str:
    """Name a country, if its name is known."""
    return asked.say(f"settings.country_{code.lower()}") if code in COUNTRIES else code


def _ages(asked: Asked) -> str:
    bands = {band: [int(role) for role, of in asked.server.age_roles.items() if of == band] for band in AGE_BANDS}
    return "; ".join(f"{asked.say(f'settings.band_{band}')}: {roles(held)}" for band, held in bands.items() if held)


def _mode(asked: Asked) -> str:
    return asked.say("settings.shadow" if asked.client.guard.communities.rules(asked.space).shadow else "settings.live")


def _review(asked: Asked) -> str:
    return percent(asked.client.guard.communities.rules(asked.space).thresholds.review)


SETTINGS: Mapping[str, Callable[[Asked], str]] = MappingProxyType(
    {
        "alert_channel": lambda asked: channels(filter(None, [asked.server.alert_channel])),
        "moderator_roles": lambda asked: roles(asked.server.moderator_roles),
        "second_reviewers": lambda asked: roles(asked.server.second_reviewers),
        "call_role": lambda asked: roles(filter(None, [asked.server.call_role])),
        "ignored_channels": lambda asked: channels(asked.server.ignored_channels),
        "age_roles": _ages,
        "mode": _mode,
        "review": _review,
        "language": lambda asked: asked.server.language,
        "country": lambda asked: country(asked, asked.server.country) if asked.server.country else "",
    }
)
"""Key of `core.config.DiscordServer` -> its value in words; "" where there is none."""


def in_words(asked: Asked, name: str) -> str:
    """Say one setting: its name, its value."""
    value = SETTINGS[name](asked) or asked.say(f"settings.no_{name}")
    return f"**{asked.say(f'settings.{name}')}**: {value}"


def all_in_words(asked: Asked) -> list[str]:
    """Say every setting with where it comes from, and whether nothing is read now."""
    served, servers = asked.server, asked.client.servers
    lines = [f"{in_words(asked, n)} _({asked.say(f'settings.from_{servers.source(served.id, n)}')})_" for n in SETTINGS]
    if served.paused and served.paused_at is not None:
        lines.append(asked.say("settings.paused", since=format_dt(datetime.fromtimestamp(served.paused_at, UTC))))
    return lines


def without(asked: Asked, texts: Iterable[str | None]) -> list[str]:
    """Say what does not work (keys of `Permission.without`)."""
    return [f"• {asked.say(key)}" for key in texts if key]
