"""`/lampkeeper settings`: every setting in words and where it comes from, and each of them to change or to take back.

Leans on `bots.common.settings` and `choose`. One change at a time, as ``settings mode shadow``: the option's name, as
on Discord, and what it shall be. A change is a row of `CHANGES`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from bots.common import settings as common
from bots.common.settings import Choice
from bots.slack_app.asked import Asked
from bots.slack_app.commands import choose
from bots.slack_app.commands.typed import CHANNEL, GROUP, named, rest
from bots.slack_app.kit import Shown
from core.messages import AGE_BANDS

NEAR = 0.5
LEAST, MOST = 0.01, 0.9999
"""Thresholds that can be chosen."""
Change = Callable[[Asked, str], Awaitable[Choice]]


async def settings(asked: Asked, words: str) -> Shown:
    """Show every setting, after changing what was asked for."""
    option, _, value = words.partition(" ")
    choice = Choice({})
    if option:
        change = CHANGES.get(option.lower())
        if change is None:
            near = get_close_matches(option.lower(), CHANGES, n=1, cutoff=NEAR) or [next(iter(CHANGES))]
            told = {"near": near[0], "options": ", ".join(map(asked.words.markup.code, CHANGES))}
            return Shown(asked.say("home.no_option", option=asked.words.quote(option, 40), **told))
        choice = await change(asked, value.strip())
    await asked.store(dict(choice.changes))
    bold = asked.words.markup.bold
    stored = [asked.say("setup.stored")] if choice.changes else []
    lines = [*stored, *choice.notes, bold(asked.say("settings.title")), *asked.settings(), asked.say("settings.how")]
    return Shown.of(*lines)


async def _mode(asked: Asked, value: str) -> Choice:
    if value.lower() not in {"live", "shadow"}:
        return Choice({}, (asked.say("settings.option_mode"),))
    return common.mode(asked.words, value.lower())


async def _review(asked: Asked, value: str) -> Choice:
    try:
        review = float(value)
    except ValueError:
        review = 0.0
    return Choice({"review": review}) if LEAST <= review <= MOST else Choice({}, (asked.say("settings.option_review"),))


async def _alert_channel(asked: Asked, value: str) -> Choice:
    channel = named(CHANNEL, value)
    return await choose.alert_channel(asked, channel) if channel else Choice({}, (asked.say("home.which_channel"),))


async def _second_channel(asked: Asked, value: str) -> Choice:
    channel = named(CHANNEL, value)
    return await choose.second_channel(asked, channel) if channel else Choice({}, (asked.say("home.which_channel"),))


async def _ignored_channel(asked: Asked, value: str) -> Choice:
    channel = named(CHANNEL, value)
    if channel is None:
        return Choice({}, (asked.say("home.which_channel"),))
    return common.toggled("ignored_channels", asked.workspace.settings.ignored_channels, channel)


def _group(setting: str) -> Change:
    async def change(asked: Asked, value: str) -> Choice:
        group = named(GROUP, value)
        if group is None:
            return Choice({}, (asked.say("home.which_group"),))
        there = getattr(asked.workspace.settings, setting)
        refused = () if group in there else await choose.unseen(asked, group)
        return Choice({}, refused) if refused else common.toggled(setting, there, group)

    return change


async def _call_role(asked: Asked, value: str) -> Choice:
    group = named(GROUP, value)
    if group is None:
        return Choice({}, (asked.say("home.which_group"),))
    refused = await choose.unseen(asked, group)
    return Choice({}, refused) if refused else Choice({"call_role": group})


async def _age_role(asked: Asked, value: str) -> Choice:
    """Have a usergroup mean an age band; without a band it means none any more."""
    group, wanted = named(GROUP, value), rest(GROUP, value).lower()
    if group is None:
        return Choice({}, (asked.say("home.which_group"),))
    band = next((band for band in AGE_BANDS if band == wanted), None)
    if wanted and band is None:
        return Choice({}, (asked.say("home.which_band", bands=", ".join(map(asked.words.markup.code, AGE_BANDS))),))
    refused = await choose.unseen(asked, group) if band else ()
    return Choice({}, refused) if refused else common.age_role(asked.workspace.settings, group, band)


async def _language(asked: Asked, value: str) -> Choice:
    return common.language(asked.words, value.lower())


async def _country(asked: Asked, value: str) -> Choice:
    return common.country(asked.words, value)


async def _reset(asked: Asked, value: str) -> Choice:
    return common.reset(asked.words, value.lower())


CHANGES: Mapping[str, Change] = MappingProxyType(
    {
        "mode": _mode,
        "review": _review,
        "alert_channel": _alert_channel,
        "moderator_role": _group("moderator_roles"),
        "second_reviewer": _group("second_reviewers"),
        "call_role": _call_role,
        "second_channel": _second_channel,
        "ignored_channel": _ignored_channel,
        "age_role": _age_role,
        "language": _language,
        "country": _country,
        "reset": _reset,
    }
)
"""Option -> what it means for what is stored; its text is ``settings.option_<name>``."""
