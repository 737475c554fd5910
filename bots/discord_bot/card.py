"""The alert card as Discord shows it: an embed; and the excerpt, which is shown to one moderator at a time.

Leans on `core.cards`; all words for people are in `bots.texts`, sections card. Discord's limits (API, "Embed Limits":
title 256, description 4096, field value 1024, all embeds of a message 6000 characters) are kept by leaving lines out
and saying so, never by an error at the moment of alert: `ROOM` gives every field its share of the 6000.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial

import discord

from bots.discord_bot.accounts import Account
from bots.discord_bot.translate import server_id
from bots.texts import ENGLISH, say
from core.cards import GONE_WORDS, NOTE, Background, Card, ExcerptLine, MessageRef, Person, Taken, percent, sparkline
from core.effects import Level
from core.reports import LONGEST

FIELD = 1024
DESCRIPTION = 4096
LINE = 400
NAME = 64
EXCERPT_MESSAGES = 3
"""Messages that one excerpt is spread over at most; what is still longer loses its oldest lines."""
ROOM = {"signals": 900, "welfare": 500, "messages": 800, "status": 700, "people": 700, "actions": 700, "remark": 600}
"""Characters a field may hold."""
COLOURS: dict[Level, int] = {"none": 0x95A5A6, "watch": 0xF1C40F, "review": 0xE67E22, "urgent": 0xE74C3C}
DECIDED = 0x95A5A6
_MARKUP = re.compile(r"[\\_*~|`>\[]")
Say = Callable[..., str]


def clip(text: str, limit: int) -> str:
    """Cut `text` to `limit` characters.

    >>> clip("lampkeeper", 5)
    'lamp…'
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


def fit(lines: Iterable[str], limit: int, left_out: str = "… and {count} more") -> str:
    r"""Join as many lines as `limit` characters hold, and say how many were left out.

    >>> fit(["one", "two", "three", "four"], 16)
    'one\n… and 3 more'
    """
    lines = list(lines)
    whole = "\n".join(lines)
    for kept in range(len(lines) - 1, -1, -1):
        if len(whole) <= limit:
            break
        whole = "\n".join([*lines[:kept], left_out.format(count=len(lines) - kept)])
    return clip(whole, limit)


def escaped(text: str, limit: int) -> str:
    r"""Write a person's words so that Discord shows them as they are: no markdown, no links, no end of a spoiler.

    >>> escaped("||**[look](https://a.example)", 40)
    '\\|\\|\\*\\*\\[look](https://a.example)'
    """
    return _MARKUP.sub(r"\\\g<0>", clip(" ".join(text.split()), limit))


def person(who: Person) -> str:
    """Show a person: the mention, which Discord makes clickable, and the name last seen."""
    if not who.id:
        return say(ENGLISH, "members.somebody")
    shown = f"<@{who.id}> ({escaped(who.name, NAME)})" if who.name else f"<@{who.id}>"
    return f"{shown}, {GONE_WORDS[who.gone]}" if who.gone else shown


def named(who: Person) -> str:
    """Name a moderator."""
    return escaped(who.name or who.id, NAME)


def when(time: float, style: str = "f") -> str:
    """Show a time, which Discord writes in each reader's own zone."""
    return f"<t:{int(time)}:{style}>"


def jump(server: int, ref: MessageRef, direct: Collection[str], say: Say) -> str:
    """Link to a message; one in a direct message with the bot cannot be opened by anyone else."""
    place = say("card.direct")
    if ref.key.conversation not in direct:
        place = f"https://discord.com/channels/{server}/{ref.key.conversation}/{ref.message_id}"
    return say("card.deleted", place=place) if ref.deleted else place


def embed(
    card: Card,
    direct: Collection[str] = (),
    language: str = ENGLISH,
    accounts: Mapping[str, Account] | None = None,
) -> discord.Embed:
    """Draw the card.

    `direct` are those of its conversations that are direct messages with the bot; `accounts` what Discord says of the
    two people, by their ids.
    """
    words, accounts = partial(say, language), accounts or {}
    fitting = partial(fit, left_out=say(language, "card.left_out", count="{count}"))
    shown = discord.Embed(
        title=card.title,
        colour=COLOURS[card.level] if card.decided is None else DECIDED,
        timestamp=datetime.fromtimestamp(card.opened, UTC),
    )

    def add(name: str, value: str, *, inline: bool = False) -> None:
        shown.add_field(name=words(f"card.{name}"), value=value, inline=inline)

    people = [(card.actor, card.about_actor)] + ([(card.target, card.about_target)] if card.target else [])
    links = fitting((jump(server_id(card.space), ref, direct, words) for ref in card.messages), ROOM["messages"])
    add("probability", percent(card.probability), inline=True)
    add("status", fitting(_standing(card, words), ROOM["status"]), inline=True)
    add("pair", f"{person(card.actor)} → {person(card.target) if card.target else words('card.nobody')}")
    add("noticed", fitting(card.signals, ROOM["signals"]) or words("card.noticed_whole"))
    if card.reported:
        times = words("members.reported_times", times=", ".join(when(time, "R") for time in card.reported[-5:]))
        shown.add_field(name=words("members.reported"), value=times, inline=False)
    if card.welfare:
        add("other_person", fitting(card.welfare, ROOM["welfare"]))
    if card.course:
        add("course", f"`{sparkline(card.course)}`")
    add("messages", links or words("card.messages_none"))
    if known := [_known(who, about, accounts.get(who.id), words) for who, about in people if who.id]:
        add("people", fitting(known, ROOM["people"]))
    if card.actions:
        add("actions", fitting((_done(taken, words) for taken in reversed(card.actions)), ROOM["actions"]))
    if card.decided is not None and card.decided.remark:
        add("remark", escaped(card.decided.remark, ROOM["remark"] // 2))
    for who, draw in ((card.actor, _author), (card.target, _thumbnail)):
        account = None if who is None else accounts.get(who.id)
        if who is not None and account is not None and account.avatar is not None:
            draw(shown, who, account.avatar)
    shown.set_footer(text=NOTE)
    return shown


def status(card: Card, say: Say) -> str:
    """Say in a line whether an alert is open, or who decided what."""
    decided = card.decided
    if decided is None:
        return say("card.open")
    blanks = {"who": named(decided.moderator), "when": when(decided.time)}
    if decided.grounds is None:
        return say(f"card.{decided.decision}", **blanks)
    return say("card.dismissed_as", grounds=say(f"card.grounds_{decided.grounds}"), **blanks)


def _standing(card: Card, say: Say) -> list[str]:
    """Say how an alert stands: decided or open, with whom, under hold."""
    lines = [status(card, say)]
    if card.claimed is not None and card.decided is None:
        lines.append(say("card.claimed", who=named(card.claimed.moderator), when=when(card.claimed.time)))
    lines += [
        say(f"card.{name}", when=when(time))
        for name, time in (("escalated", card.escalated), ("held", card.held))
        if time is not None
    ]
    return lines


def _known(who: Person, about: Background, account: Account | None, say: Say) -> str:
    """Say what is known of one of the two: account, age, other cases."""
    facts = []
    if account is not None:
        facts.append(say("card.created", when=when(account.created, "D")))
        if account.joined is not None:
            facts.append(say("card.joined", when=when(account.joined, "D")))
        elif account.here is False:
            facts.append(say("card.gone"))
    if about.band is not None:
        facts.append(say(f"card.band_{about.band_by}", band=say(f"card.{about.band}")))
    if about.stated:
        facts.append(say("card.stated", ages=", ".join(map(str, about.stated))))
    elif about.band is None:
        facts.append(say("card.age_unknown"))
    counts = {"open": about.open, "confirmed": about.confirmed, "dismissed": about.dismissed}
    facts.append(say("card.others", **counts) if any(counts.values()) else say("card.no_others"))
    return f"<@{who.id}>: {'; '.join(facts)}"


def _done(taken: Taken, say: Say) -> str:
    """Say what a moderator did, and whether it was undone."""
    action = taken.action
    what = say(
        f"card.took_{action.what}",
        who=named(taken.moderator),
        when=when(taken.time),
        until=when(action.until or 0),
        place=action.place,
    )
    return what if taken.undone is None else say("card.undone", what=what, when=when(taken.undone))


def _author(shown: discord.Embed, who: Person, avatar: str) -> None:
    shown.set_author(name=clip(who.name or who.id, NAME), icon_url=avatar)


def _thumbnail(shown: discord.Embed, _who: Person, avatar: str) -> None:
    shown.set_thumbnail(url=avatar)


def excerpt(lines: list[ExcerptLine], language: str = ENGLISH) -> list[discord.Embed]:
    """Draw an excerpt, every text behind a spoiler, as few embeds as hold it; each goes into a message of its own.

    ▸ marks the messages that moved the score, bold the words in them that weigh most.
    """
    words = partial(say, language)
    pages: list[list[str]] = [[]]
    head, room, left_out = words("card.excerpt_head"), DESCRIPTION, 0
    room -= 2 * len(head)  # the first page has the head, and perhaps how much was left out
    for drawn in reversed([_line(line, words) for line in lines]):
        if len(drawn) + 1 > room:
            if len(pages) == EXCERPT_MESSAGES:
                left_out += 1
                continue
            pages.append([])
            room = DESCRIPTION - 2 * len(head)
        if left_out:
            left_out += 1
            continue
        pages[-1].append(drawn)
        room -= len(drawn) + 1
    drawn_pages = ["\n".join(reversed(page)) for page in reversed(pages)]
    if left_out:
        head = f"{head} {words('card.excerpt_left_out', count=left_out)}"
    drawn_pages[0] = f"{head}\n{drawn_pages[0]}"
    shown = [discord.Embed(description=page) for page in drawn_pages]
    shown[-1].set_footer(text=NOTE)
    return shown


def _line(line: ExcerptLine, say: Say) -> str:
    mark = "▸ " if line.reason else ""
    if line.report:
        mark = f"✎ {say('members.reports')} · "
    time = f" {when(line.time, 't')}" if line.time is not None else ""
    gone = f" {say('card.excerpt_deleted')}" if line.deleted else ""
    name, text = escaped(line.author.name or line.author.id, NAME), _marked(line) or say("card.excerpt_no_text")
    along = f" ({line.attached})" if line.attachments else ""
    return f"{mark}**{name}**{time}{gone}: ||{text}||{along}"


def _marked(line: ExcerptLine) -> str:
    """Write what somebody said, as it is, with the words that weigh most in bold; a report stays whole."""
    limit = LONGEST if line.report else LINE
    text, done, parts = line.text[:limit], 0, []
    for start, end in line.weighty:
        if end <= len(text):
            parts += [_plain(text[done:start]), f"**{_plain(text[start:end])}**"]
            done = end
    return "".join([*parts, _plain(text[done:])]).strip() + ("…" if len(line.text) > limit else "")


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", re.sub(r"\s+", " ", text))
