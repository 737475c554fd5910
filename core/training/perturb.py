"""Ways in which people disguise or mangle what they type, and by how much each of them delays an alert.

Leans on the engine, fed as in real life. Every perturbation changes a realistic share of the words and leaves the rest,
for a text that is disguised throughout is hard to read for the one it is meant for, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from math import isinf
from random import Random
from statistics import median
from typing import NamedTuple

from core.effects import OpenAlert
from core.engine import Engine, SpaceState
from core.policy import Thresholds
from core.scorer import Scorer
from core.training.corpus import Talk

Perturbation = Callable[[str, Random], str]

_WORD = re.compile(r"[A-Za-z]+")
_LEET = str.maketrans("aeiost", "431057")
_LOOKALIKES = str.maketrans("aceiopxy", "асеіорху")  # noqa: RUF001 - Cyrillic is what it is about
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_KEYCAP = "\ufe0f\u20e3"
_PICTURES = {
    "pic": "📷", "photo": "📷", "picture": "📷", "home": "🏠", "house": "🏠", "bed": "🛏️", "kiss": "💋", "secret": "🤫",
    "phone": "📱", "gift": "🎁", "present": "🎁", "money": "💰", "love": "❤️", "school": "🏫", "you": "🫵", "ring": "💍",
    "camera": "📹", "cam": "📹", "call": "📞", "eyes": "👀", "sleep": "😴",
}  # fmt: skip


def _some_words(share: float, change: Perturbation, shortest: int = 3) -> Perturbation:
    """Make a perturbation that changes `share` of the words of at least `shortest` letters."""

    def perturbed(text: str, random: Random) -> str:
        def word(found: re.Match[str]) -> str:
            long_enough = len(found[0]) >= shortest
            return change(found[0], random) if long_enough and random.random() < share else found[0]

        return _WORD.sub(word, text)

    return perturbed


def _leet(word: str, random: Random) -> str:
    del random
    return word.lower().translate(_LEET)


def _spaced(word: str, random: Random) -> str:
    return random.choice(" .-").join(word)


def _stretched(word: str, random: Random) -> str:
    at = random.choice([place for place, letter in enumerate(word) if letter in "aeiouy"] or [len(word) - 1])
    return word[:at] + word[at] * random.randint(3, 5) + word[at + 1 :]


def _zero_width(word: str, random: Random) -> str:
    at = random.randrange(1, len(word))
    return word[:at] + random.choice("\u200b\u200c\u200d\u2060\ufeff") + word[at:]


def _lookalikes(word: str, random: Random) -> str:
    at = random.randrange(len(word))
    return word[:at].translate(_LOOKALIKES) + word[at] + word[at + 1 :].translate(_LOOKALIKES)


def _without_vowels(word: str, random: Random) -> str:
    del random
    return word[0] + re.sub("[aeiou]", "", word[1:])


def _slip(word: str, random: Random) -> str:
    at = random.randrange(1, len(word) - 1)
    kind = random.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at] + word[at:]
    row = next(row for row in _KEYS if word[at].lower() in row)
    place = row.index(word[at].lower())
    return word[:at] + row[place - 1 if place else 1] + word[at + 1 :]


def _emoji(text: str, random: Random) -> str:
    """Write numbers, and half of the words that have a picture, as emoji."""
    text = re.sub(r"[0-9]", lambda digit: digit[0] + _KEYCAP, text)
    return _WORD.sub(lambda word: _PICTURES.get(word[0].lower(), word[0]) if random.random() < 0.5 else word[0], text)


def _upper_case(text: str, random: Random) -> str:
    del random
    return text.upper()


PERTURBATIONS: dict[str, Perturbation] = {
    "leet": _some_words(0.4, _leet),
    "spaced letters": _some_words(0.2, _spaced),
    "stretched letters": _some_words(0.3, _stretched),
    "zero-width characters": _some_words(0.5, _zero_width),
    "look-alike letters": _some_words(0.5, _lookalikes),
    "emoji": _emoji,
    "missing vowels": _some_words(0.3, _without_vowels, shortest=4),
    "keyboard slips": _some_words(0.2, _slip, shortest=5),
    "upper case": _upper_case,
}
"""Name -> a pure function of a text and of what draws the places."""


class Delay(NamedTuple):
    """What a perturbation does to talks that alert on the right person as they were written.

    `later` is the median number of messages by which the first such alert of the `talks` comes later, a talk that no
    longer alerts being infinitely late; None: most of them are. `lost` counts those.
    """

    talks: int
    later: float | None
    lost: int


def delays(talks: Iterable[Talk], model: Scorer, thresholds: Thresholds) -> dict[str, Delay]:
    """Measure every one of `PERTURBATIONS` on all messages of `talks`; the same talks give the same figures.

    Talks that do not alert as they were written say nothing and are left out; where none is left, the answer is {}.
    """
    engine = Engine(model, thresholds)
    plain = [(talk, at) for talk in talks if (at := first_alert(engine, talk)) is not None]
    found: dict[str, Delay] = {}
    for name, perturbation in PERTURBATIONS.items() if plain else ():
        later = []
        for talk, before in plain:
            after = first_alert(engine, talk, perturbation, Random(f"{name} {talk.id}"))  # noqa: S311 - no secret
            later.append(float("inf") if after is None else float(after - before))
        middle = median(later)
        found[name] = Delay(len(later), None if isinf(middle) else middle, later.count(float("inf")))
    return found


def measured(both_sided: Iterable[Talk], model: Scorer, thresholds: Thresholds) -> dict[str, dict[str, float | None]]:
    """Give `delays` as rows for `Figures.perturbations`."""
    return {name: delay._asdict() for name, delay in delays(both_sided, model, thresholds).items()}


def keeping(both_sided: list[Talk], talks: Iterable[Talk]) -> Iterator[Talk]:
    """Pass `talks` on, and keep those that hold both sides: all of them together may be too many to keep."""
    for talk in talks:
        if {"pattern", "approached"} <= set(talk.roles.values()):
            both_sided.append(talk)
        yield talk


def first_alert(
    engine: Engine, talk: Talk, perturbation: Perturbation | None = None, random: Random | None = None
) -> int | None:
    """Return the index of the first message at which the one who approaches is alerted; None: never.

    Where it is not known who approaches, anybody counts.
    """
    state = SpaceState()
    for index, message in enumerate(talk.messages):
        if perturbation is not None and random is not None:
            message = message._replace(text=perturbation(message.text, random))  # noqa: PLW2901
        for effect in engine.feed(state, message, 0.0):
            if isinstance(effect, OpenAlert) and talk.roles.get(effect.pair.actor, "pattern") == "pattern":
                return index
    return None
