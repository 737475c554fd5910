"""The excerpt that a moderator asks for, drawn page by page, every text hidden where the platform can hide it.

Leans on `core.cards.ExcerptLine` and on `words`. ▸ marks the messages that moved the score, bold the words in them that
weigh most. What a page holds, and how many there may be, is the platform's to say; what is still longer loses its
oldest lines, and the head says how many.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bots.common.words import Words
from core.cards import ATTACHED_WORDS, ExcerptLine
from core.reports import LONGEST

LINE = 400
"""Characters shown of one message; a report is shown whole."""


def pages(lines: Sequence[ExcerptLine], words: Words, room: int, most: int) -> list[str]:
    """Draw an excerpt on as few pages as hold it: of at most `room` characters each, at most `most`."""
    drawn: list[list[str]] = [[]]
    head, left_out = words.say("card.excerpt_head"), 0
    free = room - 2 * len(head)  # the first page has the head, and perhaps how much was left out
    for one in reversed([line(each, words) for each in lines]):
        if len(one) + 1 > free:
            if len(drawn) == most:
                left_out += 1
                continue
            drawn.append([])
            free = room - 2 * len(head)
        if left_out:
            left_out += 1
            continue
        drawn[-1].append(one)
        free -= len(one) + 1
    written = ["\n".join(reversed(page)) for page in reversed(drawn)]
    if left_out:
        head = f"{head} {words.say('card.excerpt_left_out', count=left_out)}"
    written[0] = f"{head}\n{written[0]}"
    return written


def line(one: ExcerptLine, words: Words) -> str:
    """Draw one line: who, when, what."""
    mark = "▸ " if one.reason else ""
    if one.report:
        mark = f"✎ {words.say('members.reports')} · "
    time = f" {words.markup.when(one.time, 'clock')}" if one.time is not None else ""
    gone = f" {words.say('card.excerpt_deleted')}" if one.deleted else ""
    text = _marked(one, words) or words.say("card.excerpt_no_text")
    along = f" ({attached(one, words)})" if one.attachments else ""
    return f"{mark}{words.markup.bold(words.named(one.author))}{time}{gone}: {words.markup.hidden(text)}{along}"


def attached(one: ExcerptLine, words: Words) -> str:
    """Say what was sent along."""
    return ", ".join(words.say(f"card.attached_{kind}") if kind in ATTACHED_WORDS else kind for kind in one.attachments)


def _marked(one: ExcerptLine, words: Words) -> str:
    """Write what somebody said, as it is, with the words that weigh most in bold; a report stays whole."""
    limit = LONGEST if one.report else LINE
    text, done, parts = one.text[:limit], 0, []
    for start, end in one.weighty:
        if end <= len(text):
            parts += [_plain(text[done:start], words), words.markup.bold(_plain(text[start:end], words))]
            done = end
    return "".join([*parts, _plain(text[done:], words)]).strip() + ("…" if len(one.text) > limit else "")


def _plain(text: str, words: Words) -> str:
    return words.markup.escaped(re.sub(r"\s+", " ", text))
