"""The alert card as Discord shows it: an embed and three buttons.

Leans on `core.cards` for the wording. Discord's limits (API, "Embed Limits": title 256, description 4096, field value
1024 characters) are kept by leaving lines out, never by an error at the moment of alert.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

import discord
from discord.utils import escape_markdown

from bots.discord_bot.translate import server_id
from core.cards import NOTE, Card, ExcerptLine, MessageRef, Person, percent
from core.effects import Level

FIELD = 1024
DESCRIPTION = 4096
LINE = 400
COLOURS: dict[Level, int] = {"none": 0x95A5A6, "watch": 0xF1C40F, "review": 0xE67E22, "urgent": 0xE74C3C}
DECIDED = 0x95A5A6


def clip(text: str, limit: int) -> str:
    """Cut `text` to `limit` characters.

    >>> clip("lampkeeper", 5)
    'lamp…'
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


def fit(lines: Iterable[str], limit: int) -> str:
    r"""Join as many lines as `limit` characters hold, and say how many were left out.

    >>> fit(["one", "two", "three", "four"], 16)
    'one\n… and 3 more'
    """
    lines = list(lines)
    whole = "\n".join(lines)
    for kept in range(len(lines) - 1, -1, -1):
        if len(whole) <= limit:
            break
        whole = "\n".join([*lines[:kept], f"… and {len(lines) - kept} more"])
    return clip(whole, limit)


def escaped(text: str, limit: int) -> str:
    """Write a person's words so that Discord shows them as they are: no markdown, no links, no end of a spoiler."""
    return escape_markdown(clip(" ".join(text.split()), limit), ignore_links=False)


def person(who: Person) -> str:
    """Show a person: the mention, which Discord makes clickable, and the name last seen."""
    return f"<@{who.id}> ({escaped(who.name, 64)})" if who.name else f"<@{who.id}>"


def jump(server: int, ref: MessageRef, direct: Collection[str]) -> str:
    """Link to a message; one in a direct message with the bot cannot be opened by anyone else."""
    if ref.key.conversation in direct:
        place = "in a direct message with the bot: use Show excerpt"
    else:
        place = f"https://discord.com/channels/{server}/{ref.key.conversation}/{ref.message_id}"
    return f"{place} (deleted since)" if ref.deleted else place


def embed(card: Card, direct: Collection[str] = ()) -> discord.Embed:
    """Draw the card; `direct` are those of its conversations that are direct messages with the bot."""
    shown = discord.Embed(
        title=card.title,
        colour=COLOURS[card.level] if card.decided is None else DECIDED,
        timestamp=datetime.fromtimestamp(card.opened, UTC),
    )
    target = person(card.target) if card.target else "nobody in particular"
    links = fit((jump(server_id(card.space), ref, direct) for ref in card.messages), FIELD)
    shown.add_field(name="Probability", value=percent(card.probability))
    shown.add_field(name="Status", value=clip(escape_markdown(card.status), FIELD))
    shown.add_field(name="Who writes to whom", value=f"{person(card.actor)} → {target}", inline=False)
    shown.add_field(
        name="What was noticed", value=fit(card.signals, FIELD) or "The way of talking as a whole", inline=False
    )
    if card.welfare:
        shown.add_field(name="The other person", value=fit(card.welfare, FIELD), inline=False)
    shown.add_field(name="Messages", value=links or "None is kept any more", inline=False)
    shown.set_footer(text=NOTE)
    return shown


def excerpt(lines: list[ExcerptLine]) -> discord.Embed:
    """Draw an excerpt, every text behind a spoiler; ▸ marks the messages that moved the score."""
    return discord.Embed(description=fit(map(_line, lines), DESCRIPTION)).set_footer(text=NOTE)


def _line(line: ExcerptLine) -> str:
    mark = "▸ " if line.reason else ""
    time = f" <t:{int(line.time)}:t>" if line.time is not None else ""
    gone = " (deleted since)" if line.deleted else ""
    name, text = escaped(line.author.name or line.author.id, 64), escaped(line.text, LINE) or "(no text)"
    return f"{mark}**{name}**{time}{gone}: ||{text}||"
