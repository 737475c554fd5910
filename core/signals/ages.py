"""The age that the author of a message states as their own.

Leans on `core.signals.words` and `core.signals.pattern`. Reads canonical text (see `core.text`). Times, lengths, prices
and scores are no ages, nor are wishes and other people's words ("when I'm 18", "she says I'm 12").
"""

from __future__ import annotations

import re

from core.signals.pattern import bounded, counting
from core.signals.words import AGES, DIGITS, IM, NUMBER_WORDS, age_cues, cues, one, own_age, some

_CLASS = (
    rf"(?:{one('5th 6th 7th 8th 9th 10th 11th 12th fifth sixth seventh eighth ninth tenth eleventh twelfth')} "
    rf"(?:grade|grader)|(?:grade|year|yr) (?:[5-9]|1[0-3]))"
)
_BACK = rf"(?: {one('u you wbu hbu hby and how_about what_about lol haha')}(?!\S)|\Z)"
SCHOOL_YEARS = (
    rf"(?:{IM} {some('in going into starting the a an only just still now', 3)}{_CLASS}"
    rf"|\A{one('in im its')} {_CLASS}(?={_BACK})|\A{_CLASS}(?= {one('u you wbu hbu hby')} ?\??\Z)"
    rf"|{IM} {some('a still only just', 2)}{one('freshman sophomore')} (?:in|at) {some('my a the')}(?:high school|hs))"
)
"""US grades (the 8th is at 13 years, a freshman in high school is in the 9th) and UK years (the 9th is at 13)."""
SPELLED_AGE = rf"{IM} {some('only just like')}1 [0-7](?={_BACK}| (?:f|m|yo|years|\?)(?!\S))"
"""Two digits apart ("im 1 5")."""
_GRADE_AGE, _YEAR_AGE = 5, 4

AGE_CUES = age_cues(8, 79) | cues("grade grader year yr freshman sophomore 1")
"""Canonical tokens of which one is in every stated age."""
_SOON = re.compile(rf"{IM} {one('almost nearly turning bout gonna going')} {some('to be turn turning about', 2)}{AGES}")
_OWN = bounded((_SOON.pattern, SPELLED_AGE, *own_age(AGES, DIGITS), SCHOOL_YEARS))
_ORDINALS = dict(
    zip(("fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"), range(5, 13), strict=True)
)
_HIGH_SCHOOL = {"freshman": 14, "sophomore": 15}
_NUMBER = re.compile("1 [0-9]|[0-9]{1,2}|" + "|".join(sorted(NUMBER_WORDS, key=len, reverse=True)))
_NOT_OWN = cues(
    "when wen till til until if once after before since like think thinks thought say says said wish pretend were"
)


def stated_age(text: str) -> int | None:
    """Return the age in years, 8 to 79, that canonical `text` states as its author's own, or None.

    >>> [stated_age(said) for said in ("im 15", "15 f uk", "im turning 14 next week", "im in 8th grade")]
    [15, 15, 13, 13]
    >>> [stated_age(said) for said in ("im 15 minutes away", "im 5 foot 4", "when im 18", "shes 15")]
    [None, None, None, None]
    """
    for match in counting(_OWN, text):
        if text[max(0, match.start() - 50) : match.start()].rstrip().rpartition(" ")[2] in _NOT_OWN:
            continue
        said = match[0]
        for words, add in ((_ORDINALS, _GRADE_AGE), (_HIGH_SCHOOL, 0)):
            for word in said.split():
                if word in words:
                    return words[word] + add
        number = _NUMBER.search(said)
        if number is None:
            continue
        age = NUMBER_WORDS.get(number[0]) or int(number[0].replace(" ", ""))
        if "grade" in said:
            return age + _GRADE_AGE
        if re.search(r"(?:year|yr) [0-9]", said):
            return age + _YEAR_AGE
        return age - 1 if _SOON.match(said) else age
    return None
