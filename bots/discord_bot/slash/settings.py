"""`/lampkeeper settings`: every setting in words and where it comes from, and each of them to change or to take back.

Leans on `bots.common.settings` and `choose`. An option that names one role or channel of several puts it in, or takes
it out where it is in already: Discord's commands have no option for a list. What is taken back (`reset`) is again as
the operator's configuration says. A change is a row of `CHANGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import discord
from discord import app_commands

from bots.common import settings as common
from bots.common.lines import clip
from bots.common.settings import COUNTRIES, SETTINGS, Choice
from bots.discord_bot.card import DESCRIPTION
from bots.discord_bot.slash import choose
from bots.discord_bot.slash.asked import Asked, allowed, may
from bots.discord_bot.slash.setup import COLOUR
from bots.texts import languages, say
from core.messages import AGE_BANDS, AgeBand

Offered = app_commands.Choice[str]
OFFERED = 25
"""Choices that Discord shows while somebody types (API, "Autocomplete")."""
AnyChannel = (
    discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.ForumChannel | discord.CategoryChannel
)


class AgeRole(NamedTuple):
    """The options `age_role` and `age`, which say something only together."""

    role: discord.Role | None
    band: AgeBand | None


def _role(setting: str) -> Callable[[Asked, discord.Role], Choice]:
    def change(asked: Asked, role: discord.Role) -> Choice:
        if role.is_default():
            return Choice({}, (asked.say("setup.not_everyone"),))
        return common.toggled(setting, getattr(asked.server, setting), role.id)

    return change


def _age_role(asked: Asked, given: AgeRole) -> Choice:
    """Have a role mean an age band; a role without a band means none any more."""
    if given.role is None or given.role.is_default():
        return Choice({}, (asked.say("settings.age_alone" if given.role is None else "setup.not_everyone"),))
    return common.age_role(asked.server, given.role.id, given.band)


CHANGES: Mapping[str, Callable[[Asked, Any], Choice]] = MappingProxyType(
    {
        "mode": lambda asked, mode: common.mode(asked.words, mode),
        "review": lambda _asked, review: Choice({"review": review}),
        "alert_channel": lambda asked, channel: choose.alert_channel(asked, channel.id),
        "moderator_role": _role("moderator_roles"),
        "second_reviewer": _role("second_reviewers"),
        "call_role": choose.call_role,
        "second_channel": lambda asked, channel: choose.second_channel(asked, channel.id),
        "ignored_channel": lambda asked, channel: common.toggled(
            "ignored_channels", asked.server.ignored_channels, channel.id
        ),
        "age_role": _age_role,
        "language": lambda asked, language: common.language(asked.words, language),
        "country": lambda asked, country: common.country(asked.words, country),
        "reset": lambda asked, name: common.reset(asked.words, name),
    }
)
"""Option -> what it means for what is stored."""


async def _languages(_interaction: discord.Interaction[Any], typed: str) -> list[Offered]:
    return [app_commands.Choice(name=name, value=name) for name in languages() if name.startswith(typed.lower())]


async def _countries(_interaction: discord.Interaction[Any], typed: str) -> list[Offered]:
    named = sorted((say("en", f"settings.country_{code.lower()}"), code) for code in COUNTRIES)
    fits = [(name, code) for name, code in named if typed.lower() in f"{name} {code}".lower()]
    return [app_commands.Choice(name=name, value=code) for name, code in fits[:OFFERED]]


async def _chosen(interaction: discord.Interaction[Any], typed: str) -> list[Offered]:
    """Offer what can be taken back, to whoever may see the settings."""
    servers, member = interaction.client.servers, interaction.user
    if interaction.guild_id is None or not isinstance(member, discord.Member):
        return []
    server = servers.of(interaction.guild_id)
    if not may("admin", member, server, interaction.permissions):
        return []
    chosen = [name for name in SETTINGS if name in servers.chosen(server.id)]
    named = [
        (say(server.language, f"settings.{name}"), name) for name in [*chosen, *([common.EVERYTHING] if chosen else [])]
    ]
    return [app_commands.Choice(name=label, value=name) for label, name in named if typed.lower() in label.lower()]


def add(group: app_commands.Group) -> None:
    """Add the command."""
    group.command(name="settings", description=say("en", "settings.description"))(settings)


_OPTIONS = (*CHANGES, "age")


@app_commands.describe(**{name: say("en", f"settings.option_{name}") for name in _OPTIONS})
@app_commands.choices(
    age=[app_commands.Choice(name=say("en", f"settings.band_{band}"), value=band) for band in AGE_BANDS]
)
@app_commands.autocomplete(language=_languages, country=_countries, reset=_chosen)
async def settings(  # noqa: PLR0913, PLR0917 - discord.py makes the command's options of the parameters
    interaction: discord.Interaction[Any],
    mode: Literal["live", "shadow"] | None = None,
    review: app_commands.Range[float, 0.01, 0.9999] | None = None,
    alert_channel: discord.TextChannel | None = None,
    moderator_role: discord.Role | None = None,
    second_reviewer: discord.Role | None = None,
    call_role: discord.Role | None = None,
    second_channel: discord.TextChannel | None = None,
    ignored_channel: AnyChannel | None = None,
    age_role: discord.Role | None = None,
    age: str | None = None,
    language: str | None = None,
    country: str | None = None,
    reset: str | None = None,
) -> None:
    """Show every setting, after changing what was asked for."""
    if not (asked := await allowed(interaction, "admin")):
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    band = next((band for band in AGE_BANDS if band == age), None)
    given = {
        "reset": reset,  # first: what is named beside it wins
        "mode": mode,
        "review": review,
        "alert_channel": alert_channel,
        "moderator_role": moderator_role,
        "second_reviewer": second_reviewer,
        "call_role": call_role,
        "second_channel": second_channel,
        "ignored_channel": ignored_channel,
        "age_role": AgeRole(age_role, band) if age_role or age else None,
        "language": language,
        "country": country,
    }
    choices = [CHANGES[name](asked, value) for name, value in given.items() if value is not None]
    changes = {name: value for choice in choices for name, value in choice.changes.items()}
    asked = await choose.store(asked, changes)
    notes = [asked.say("setup.stored")] if changes else []
    notes += [note for choice in choices for note in choice.notes]
    paragraphs = [*notes, "\n".join(asked.settings()), asked.say("settings.how")]
    text = clip("\n\n".join(paragraphs), DESCRIPTION)
    embed = discord.Embed(title=asked.say("settings.title"), description=text, colour=COLOUR)
    await interaction.followup.send(embed=embed, ephemeral=True)
