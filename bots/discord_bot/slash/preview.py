"""`/lampkeeper preview`: what a threshold would have meant here, in words and as a picture.

Leans on `core.preview` for the counts and `bots.plot` for the picture, which is described for those who cannot see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import discord
from discord import app_commands

from bots.discord_bot.buttons import NOBODY
from bots.discord_bot.card import clip
from bots.discord_bot.slash.asked import Asked, allowed, asks
from bots.plot import Bar, bars
from bots.texts import say
from core.peaks import FLOOR, day_of
from core.preview import WEEK, Past, offers, past, recommended, shown
from core.tune import HIGHEST, Step

PICTURE = "thresholds.png"
SPOKEN = 1024
"""Characters of an attachment's description (API, "Attachment Object")."""
Threshold = app_commands.Range[float, FLOOR, HIGHEST]


def add(group: app_commands.Group) -> None:
    """Add the command."""
    described = app_commands.describe(threshold=say("en", "preview.option"))(preview)
    offered = app_commands.autocomplete(threshold=_offered)(described)
    group.command(name="preview", description=say("en", "preview.description"))(offered)


async def preview(interaction: discord.Interaction[Any], threshold: Threshold | None = None) -> None:
    """Say what a threshold would have meant; the present one, and some to choose from, where none is named."""
    if asked := await allowed(interaction, "moderator"):
        await interaction.response.defer(ephemeral=True, thinking=True)
        seen = await past(asked.client.guard.ledger, asked.space)
        if not seen.days:
            await interaction.followup.send(asked.say("preview.nothing"), ephemeral=True)
            return
        now = _present(asked)
        steps = shown(seen, [now, *([threshold] if threshold else [])])
        drawn = await asyncio.to_thread(bars, [_bar(step, now) for step in steps])
        picture = discord.File(BytesIO(drawn), PICTURE, description=_spoken(asked, steps, now))
        text = "\n".join(_words(asked, seen, threshold, now))
        page = discord.Embed(title=asked.say("preview.title"), description=text)
        page.set_image(url=f"attachment://{PICTURE}")
        await interaction.followup.send(embed=page, file=picture, ephemeral=True, allowed_mentions=NOBODY)


def _present(asked: Asked) -> float:
    """Return the present threshold; nothing is noted below `FLOOR`."""
    return max(FLOOR, asked.client.guard.ledger.engine.rules_of(asked.space).thresholds.review)


def _words(asked: Asked, seen: Past, threshold: float | None, now: float) -> list[str]:
    ledger = asked.client.guard.ledger
    limits = recommended(ledger)
    named = {now: asked.say("preview.now")}
    if threshold is None:
        for offer in offers(seen, limits):
            named.setdefault(offer.threshold, asked.say("preview.budget", a_week=offer.a_week))
    else:
        named.setdefault(threshold, asked.say("preview.asked"))
    week = seen.last(WEEK, day_of(ledger.clock()))
    lines = [
        asked.say(
            "preview.line",
            threshold=f"{step.threshold:g}",
            what=named[step.threshold],
            week=week.alerts(step.threshold),
            month=step.alerts,
            a_week=f"{step.a_week:.1f}",
        )
        for step in seen.steps(sorted(named))
    ]
    lines.append(asked.say("preview.watched", watched=len(seen.days)))
    if seen.short:
        lines.append(asked.say("preview.short"))
    if threshold is not None and threshold < limits.watch:
        lines.append(asked.say("preview.low", watch=f"{limits.watch:g}"))
    return [*lines, asked.say("preview.picture"), asked.say("preview.note")]


def _bar(step: Step, now: float) -> Bar:
    return Bar(f"{step.threshold:g}", step.a_week, f"{step.a_week:.1f}", marked=step.threshold == now)


def _spoken(asked: Asked, steps: Sequence[Step], now: float) -> str:
    each = [asked.say("preview.bar", threshold=f"{s.threshold:g}", a_week=f"{s.a_week:.1f}") for s in steps]
    return clip(asked.say("preview.spoken", bars="; ".join(each), now=f"{now:g}"), SPOKEN)


async def _offered(interaction: discord.Interaction[Any], typed: str | float) -> list[app_commands.Choice[float]]:
    """Offer what was typed, if it is one, then the present threshold and those for some alerts a week."""
    asked = asks(interaction, "moderator")
    if asked is None:
        return []
    so_far = typed if isinstance(typed, str) else ""  # before anything is typed, discord.py says that it is no number
    seen, now = await past(asked.client.guard.ledger, asked.space), _present(asked)
    choices = {now: asked.say("preview.choice_now", threshold=f"{now:g}")}
    for offer in offers(seen, recommended(asked.client.guard.ledger)):
        words = asked.say("preview.choice", threshold=f"{offer.threshold:g}", a_week=offer.a_week)
        choices.setdefault(offer.threshold, words)
    found = [app_commands.Choice(name=name, value=value) for value, name in choices.items() if so_far in name]
    own = _threshold(so_far)
    if own is not None and own not in choices:
        found.insert(0, app_commands.Choice(name=asked.say("preview.choice_typed", threshold=f"{own:g}"), value=own))
    return found


def _threshold(typed: str) -> float | None:
    """Read what was typed; None if it is no threshold.

    >>> _threshold("0.9"), _threshold("95"), _threshold("")
    (0.9, None, None)
    """
    try:
        value = float(typed)
    except ValueError:
        return None
    return value if FLOOR <= value <= HIGHEST else None
