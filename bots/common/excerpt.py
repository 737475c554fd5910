"""The excerpt that a moderator asks for, drawn page by page, every text hidden where the platform can hide it.

Leans on `core.casework.cards.ExcerptLine` and on `words`. ▸ marks the messages that moved the score, bold the words in
them that weigh most. What a page holds, and how many there may be, is the platform's to say. Decisions:
- Nobody can push out of sight what moved the score. What is too long loses first the lines that did not, the oldest
  first; of a long message what stands around its weightiest words is shown. Where something is missing, a sign says so.
- A person is shown so that two of one name are told apart.
- What was edited since shows what it said first, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bots.common.lines import clip, straight
from bots.common.markup import Style
from bots.common.words import Words
from core.casework.cards import ATTACHED_WORDS, ExcerptLine
from core.casework.reports import LONGEST
from core.retention.rules import DAY

LINE = 400
"""Characters shown of one message; a report is shown whole."""
EARLIER = 800
"""Characters shown of what a message said before it was edited."""
GAP = "⋯"
"""Stands before a line where others are left out, so that nobody reads it as an answer to the one above."""


def pages(lines: Sequence[ExcerptLine], words: Words, room: int, most: int) -> list[str]:
    """Draw an excerpt on as few pages as hold it: of at most `room` characters each, at most `most`."""
    style, head = _style(lines), words.say("card.excerpt_head")
    drawn = [line(each, words, style) for each in lines]
    free = room - 2 * len(head)  # the first page has the head, and perhaps how much was left out
    kept = set(range(len(lines)))
    packed = _packed(drawn, kept, free)
    for given_up in sorted(kept, key=lambda number: (lines[number].reason or lines[number].report, number)):
        if len(packed) <= most:
            break
        kept.discard(given_up)
        packed = _packed(drawn, kept, free)
    if left_out := len(lines) - len(kept):
        head = f"{head} {words.say('card.excerpt_left_out', count=left_out)}"
    packed[0] = f"{head}\n{packed[0]}"
    return packed


def line(one: ExcerptLine, words: Words, style: Style = "clock") -> str:
    """Draw one line: who, when (in this style), what."""
    before, after = (f"{GAP} {words.say('card.excerpt_not_shown', count=n)}" for n in (one.left_out, one.more_after))
    gaps = (f"{before}\n" if one.left_out else "", f"\n{after}" if one.more_after else "")
    return _line(one, words, style).join(gaps)


def _line(one: ExcerptLine, words: Words, style: Style) -> str:
    mark = "▸ " if one.reason else ""
    if one.report:
        mark = f"✎ {words.say('members.reports')} · "
    time = f" {words.markup.when(one.time, style)}" if one.time is not None else ""
    gone = f" {words.say('card.excerpt_deleted')}" if one.deleted else ""
    if one.edited is not None:
        gone += f" {words.say('card.excerpt_edited_before', when=words.markup.when(one.edited, 'moment'))}"
    text = _marked(one, words) or words.say("card.excerpt_no_text")
    along = f" ({attached(one, words)})" if one.attachments else ""
    shown = f"{mark}{words.markup.bold(words.person(one.author))}{time}{gone}: {words.markup.hidden(text)}{along}"
    if not one.earlier:
        return shown
    earlier = words.markup.hidden(_plain(clip(one.earlier, EARLIER), words))
    return f"{shown} {words.say('card.excerpt_edited')}\n↳ {earlier}"


def attached(one: ExcerptLine, words: Words) -> str:
    """Say what was sent along."""
    return ", ".join(words.say(f"card.attached_{kind}") if kind in ATTACHED_WORDS else kind for kind in one.attachments)


def _style(lines: Iterable[ExcerptLine]) -> Style:
    """Return how times are shown: with the day, where it is not one and the same."""
    days = {one.time // DAY for one in lines if one.time is not None}
    return "moment" if len(days) > 1 else "clock"


def _packed(drawn: Sequence[str], kept: set[int], free: int) -> list[str]:
    """Write those lines that are kept on pages of so many characters, the last page full."""
    packed: list[list[str]] = [[]]
    left = free
    for number in sorted(kept, reverse=True):
        gap = number > 0 and number - 1 not in kept
        one = f"{GAP}\n{drawn[number]}" if gap else drawn[number]
        if len(one) + 1 > left and packed[-1]:
            packed.append([])
            left = free
        packed[-1].append(one)
        left -= len(one) + 1
    return ["\n".join(reversed(page)) for page in reversed(packed)]


def _marked(one: ExcerptLine, words: Words) -> str:
    """Write what somebody said, as it is, with the words that weigh most in bold; a report stays whole."""
    parts: list[str] = []
    shown = _shown(one, LONGEST if one.report else LINE)
    for begin, stop in shown:
        done = begin
        parts.append("… " if begin > 0 else "")
        for start, end in one.weighty:
            if begin <= start and end <= stop:
                parts += [_plain(one.text[done:start], words), words.markup.bold(_plain(one.text[start:end], words))]
                done = end
        parts.append(_plain(one.text[done:stop], words))
    return "".join(parts).strip() + ("…" if shown[-1][1] < len(one.text) else "")


def _shown(one: ExcerptLine, limit: int) -> list[tuple[int, int]]:
    """Return what is shown of a text, as stretches (start, end) of about `limit` characters in all.

    All of it, or its beginning; where a word that weighs most comes later, what stands around each of them.
    """
    text, weighty = one.text, one.weighty
    if len(text) <= limit or not weighty or weighty[-1][1] <= limit:
        return [(0, min(len(text), limit))]
    share = limit // len(weighty)
    shown: list[tuple[int, int]] = []
    for start, end in weighty:
        around = max(0, share - (end - start)) // 2
        begin = max(0, start - around)
        stop = min(len(text), begin + share)
        if shown and begin <= shown[-1][1]:
            shown[-1] = (shown[-1][0], max(stop, shown[-1][1]))
        else:
            shown.append((begin, stop))
    return shown


def _plain(text: str, words: Words) -> str:
    return words.markup.escaped(re.sub(r"\s+", " ", straight(text)))
