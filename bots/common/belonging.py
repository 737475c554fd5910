"""What belongs to a case, as its view shows it: others of the same people, reports to authorities, notes, its remark.

Leans on `core.casework.listing`. Notes and remarks may quote what was said: they are hidden where a platform can hide a
text, and elsewhere stand in the answer to whoever pressed for them, alone (`bots.common.hand.WRITTEN`). Whom a case is
about is told neither who wrote what of it, nor which authority knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bots.common.face import status
from bots.common.lines import clip
from bots.common.words import Words
from core.casework.cards import Card, Person
from core.casework.cases import concerns
from core.casework.listing import Belonging, Noted
from core.casework.notes import LONGEST

RELATED = 10
"""Related cases named, the newest."""


def lines(words: Words, card: Card, belongs: Belonging, asks: Person, room: int) -> list[str]:
    """Say what belongs to a case, for whoever `asks`: none longer than `room` characters.

    Its notes are among it, hidden, where the platform can hide them; elsewhere only how many there are.
    """
    theirs = not concerns(card, asks)
    return [
        *_headed(words, "related", _related(words, belongs)),
        *(_headed(words, "referrals", _referrals(words, belongs)) if theirs else ()),
        *(_headed(words, "notes", _notes(words, belongs, room)) if theirs else ()),
    ]


def written(words: Words, card: Card, belongs: Belonging) -> list[str]:
    """Say what moderators wrote about a case, its remark first; [] if nothing."""
    remark = [] if card.decided is None else [words.quote(card.decided.remark, LONGEST)]
    notes = [_note(words, noted, words.quote(noted.text, LONGEST)) for noted in reversed(belongs.notes)]
    return [*_headed(words, "remark", filter(None, remark)), *_headed(words, "notes", notes)]


def pages(drawn: Iterable[str], words: Words, room: int, most: int) -> list[str]:
    r"""Put lines on as few pages of `room` characters as hold them, at most `most`, and say how many are left out.

    >>> from bots.discord_bot.markup import words
    >>> pages(["one", "two", "three", "four"], words("en"), 8, 2)
    ['one\ntwo', 'three\n… and 1 more']
    """
    packed: list[list[str]] = []
    for line in drawn:
        if not packed or len("\n".join([*packed[-1], line])) > room:
            packed.append([])
        packed[-1].append(clip(line, room))
    full = ["\n".join(page) for page in packed[:most]]
    if left_out := sum(map(len, packed[most:])):
        full[-1] += "\n" + words.say("card.left_out", count=left_out)
    return full


def _headed(words: Words, name: str, told: Iterable[str]) -> Iterator[str]:
    told = list(told)
    if told:
        yield words.markup.bold(words.say(f"cases.{name}"))
        yield from told


def _related(words: Words, belongs: Belonging) -> Iterator[str]:
    for other in belongs.related[:RELATED]:
        target = words.person(other.target) if other.target else words.say("cases.nobody")
        yield words.say(
            "cases.related_line",
            case=words.markup.code(other.alert),
            level=words.say(f"cases.level_{other.level}"),
            when=words.markup.when(other.opened, "ago"),
            who=f"{words.person(other.actor)} → {target}",
            status=status(other, words),
        )
    if more := len(belongs.related[RELATED:]):
        yield words.say("card.left_out", count=more)


def _referrals(words: Words, belongs: Belonging) -> Iterator[str]:
    for one in belongs.referrals:
        yield words.say(
            "cases.referral_number" if one.reference else "cases.referral",
            when=words.markup.when(one.time),
            to=words.quote(one.to, LONGEST),
            reference=words.quote(one.reference, LONGEST),
            who=", ".join(map(words.named, one.who)),
        )


def _notes(words: Words, belongs: Belonging, room: int) -> Iterator[str]:
    if not belongs.notes:
        return
    if not words.markup.hides:
        yield words.say("cases.notes_behind", count=len(belongs.notes))
        return
    for noted in reversed(belongs.notes):
        longest, drawn = LONGEST, ""
        while not drawn or len(drawn) > room:  # what escapes signs may double a text
            drawn = _note(words, noted, words.markup.hidden(words.quote(noted.text, longest)))
            longest //= 2
        yield drawn


def _note(words: Words, noted: Noted, text: str) -> str:
    return words.say("cases.note", when=words.markup.when(noted.time), who=words.named(noted.who), text=text)
