"""The pages of `/lampkeeper setup`: what each asks, its menu, and what becomes of what was picked.

Leans on `choose` and `bots.common.settings` for looking at choices. A page is a row of `PAGES`. In servers
menus are Discord's own for channels and roles; those list nothing in a direct message with the bot, where a plain
list of the first 25 stands in (Discord's limit for a menu), and the page says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, TypeAlias, cast

import discord

from bots.common.settings import BUDGETS, COUNTRIES, Choice, budget, country_name
from bots.discord_bot.permissions import lacking
from bots.discord_bot.slash.asked import Asked
from bots.discord_bot.slash.choose import age_roles, alert_channel, people
from core.messages import AGE_BANDS, AgeBand

Menu: TypeAlias = "discord.ui.Item[discord.ui.View]"

MOST = 25
"""Options of one menu, and values that can be picked in it (API, "Component Reference")."""
NONE = "none"
LEFT_OUT = (
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
    discord.ChannelType.category,
)


class Page(NamedTuple):
    """One page: its name in the texts, the setting that it is about ("" for the last one), and its menu.

    `menu` gets who asked and the menu's custom id.
    """

    name: str
    setting: str
    menu: Callable[[Asked, str], Menu] | None = None


def _plain(custom_id: str, options: Iterable[tuple[str, str, bool]], *, several: bool) -> Menu:
    """Make a menu of (label, value, picked already); what is picked already comes first, so that none of it is lost."""
    first = sorted(options, key=lambda option: not option[2])[:MOST]
    shown = [discord.SelectOption(label=label[:100], value=value, default=picked) for label, value, picked in first]
    shown = shown or [discord.SelectOption(label="-", value=NONE)]
    least, most = (0, len(shown)) if several else (1, 1)
    return discord.ui.Select(custom_id=custom_id, options=shown, min_values=least, max_values=most)


def _defaults(ids: Iterable[int], kind: discord.SelectDefaultValueType) -> list[discord.SelectDefaultValue]:
    return [discord.SelectDefaultValue(id=number, type=kind) for number in ids][:MOST]


def _channels(
    asked: Asked, custom_id: str, kinds: Collection[discord.ChannelType], picked: Collection[int], *, several: bool
) -> Menu:
    guild = asked.member.guild
    there = [channel for channel in guild.channels if channel.type in kinds]
    if asked.afar:
        options = ((f"#{channel.name}", str(channel.id), channel.id in picked) for channel in there)
        return _plain(custom_id, options, several=several)
    known = [channel.id for channel in there if channel.id in picked]
    return discord.ui.ChannelSelect(
        custom_id=custom_id,
        channel_types=[*kinds],
        default_values=_defaults(known, discord.SelectDefaultValueType.channel),
        min_values=0 if several else 1,
        max_values=MOST if several else 1,
    )


def _roles(asked: Asked, custom_id: str, picked: Collection[int]) -> Menu:
    guild = asked.member.guild
    there = [role for role in reversed(guild.roles) if not role.is_default()]
    if asked.afar:
        options = ((f"@{role.name}", str(role.id), role.id in picked) for role in there)
        return _plain(custom_id, options, several=True)
    known = [role.id for role in there if role.id in picked]
    return discord.ui.RoleSelect(
        custom_id=custom_id,
        default_values=_defaults(known, discord.SelectDefaultValueType.role),
        min_values=0,
        max_values=MOST,
    )


def _alert_menu(asked: Asked, custom_id: str) -> Menu:
    picked = [asked.server.alert_channel] if asked.server.alert_channel else []
    return _channels(asked, custom_id, [discord.ChannelType.text], picked, several=False)


def _age_menu(band: AgeBand) -> Callable[[Asked, str], Menu]:
    def menu(asked: Asked, custom_id: str) -> Menu:
        return _roles(asked, custom_id, [int(role) for role, of in asked.server.age_roles.items() if of == band])

    return menu


def _budget_menu(asked: Asked, custom_id: str) -> Menu:
    budgets = ((asked.say("setup.budget_option", number=number), str(number), False) for number in BUDGETS)
    return _plain(custom_id, [*budgets, (asked.say("setup.budget_default"), NONE, False)], several=False)


def _country_menu(asked: Asked, custom_id: str) -> Menu:
    named = sorted((country_name(asked.words, code), code, code == asked.server.country) for code in COUNTRIES)
    return _plain(custom_id, [(asked.say("setup.country_none"), NONE, False), *named], several=False)


PAGES: tuple[Page, ...] = (
    Page("alerts", "alert_channel", _alert_menu),
    Page("moderators", "moderator_roles", lambda asked, name: _roles(asked, name, asked.server.moderator_roles)),
    *(Page(f"age_{band}", "age_roles", _age_menu(band)) for band in AGE_BANDS),
    Page(
        "ignored",
        "ignored_channels",
        lambda asked, name: _channels(asked, name, LEFT_OUT, asked.server.ignored_channels, several=True),
    ),
    Page("budget", "review", _budget_menu),
    Page("country", "country", _country_menu),
    Page("summary", ""),
)
NAMES = tuple(page.name for page in PAGES)


async def pick(asked: Asked, page: str, picked: Collection[str]) -> Choice:
    """Return what is to be stored of what was picked on a page, and what to say about it."""
    ids = [int(value) for value in picked if value.isdecimal()]
    if page.startswith("age_"):
        return age_roles(asked, cast("AgeBand", page.removeprefix("age_")), ids)
    if page == "budget":
        return await budget(asked.here, *ids) if ids else Choice({"review": None})
    if page == "country":
        return Choice({"country": next((code for code in picked if code != NONE), None)})
    if page == "alerts":
        return alert_channel(asked, ids[0]) if ids else Choice({})
    if page == "moderators":
        return people(asked, "moderator_roles", ids)
    unlisted = [channel for channel in asked.server.ignored_channels if asked.member.guild.get_channel(channel)][MOST:]
    return Choice({"ignored_channels": [*dict.fromkeys([*ids, *unlisted])]})


def body(asked: Asked, page: Page) -> list[str]:
    """Return what a page says, paragraph by paragraph."""
    lines = [asked.say(f"setup.page_{page.name}")]
    if not page.setting:
        lines.append("\n".join(asked.settings()))
        guild = asked.member.guild
        lacks = lacking(guild.me, guild.channels, asked.server.alert_channel)
        if lost := [f"• {asked.say(row.without)}" for row in lacks if row.without]:
            lines.append("\n".join([asked.say("setup.does_not_work"), *lost]))
    return lines
