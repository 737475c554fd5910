"""What is remembered of a pair and of a person: sums and counts, never text.

Leans on `core.evidence` for what one message adds. Both states are pure folds over one author's messages, so the same
messages always give the same state, and an edit is followed by folding again. Everything that compares two people
(ages, who asks whom, fan-out) is computed from these states when a score is made, never folded in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from core.evidence import Evidence
from core.messages import AgeBand
from core.signals import APPROACHING, WEIGHED

HALF_LIFE = 60.0
"""Of a pair's memory besides the whole, in messages of the actor: an old friendship must not hide what is new."""
FADE = 0.5 ** (1 / HALF_LIFE)
REASONS_KEPT = 5
TARGETS_KEPT = 32
AGES_KEPT = 8
DAY, NIGHT_BEGINS, NIGHT_ENDS = 86_400, 23 * 3_600, 5 * 3_600
"""Seconds. No platform tells where a person lives, so night is read off the time as it came: UTC on the platforms, the
clock that was written in a transcript."""


class Moment(NamedTuple):
    """A message that moved the score: where it stands, its number in the pair, its share in log-odds, its signals."""

    conversation: str
    message_id: str
    number: int
    weight: float
    signals: list[str]


@dataclass(slots=True)
class PairState:
    """Actor to target. It is stored field by field in this order, so a new field goes to the end.

    `sums` holds, for the whole and then with `HALF_LIFE`, the four heads' sums and the number of words. `signals`
    counts those that the model weighs, `unweighed` the others (those that `core.signals.WEIGHED` lacks, and operators'
    own). `night` counts messages written between 23:00 and 05:00. `first_seen` tells for each weighed signal which of
    the actor's messages, counted from 1, showed it first. `leanings` are what the actor's own words come to for each of
    `core.kinds.KINDS`, and `logit` the log-odds of that over silence's; each message moved it by its weight, so that
    weights add up to it, and `moments` are the messages with the greatest, greatest first. `english` and `foreign`
    count words (`core.evidence.Evidence`) with `HALF_LIFE`: the window in which a language is told; `languages` counts
    all foreign words by language, for a name.
    """

    messages: int = 0
    questions: int = 0
    first_time: float | None = None
    last_time: float | None = None
    sums: list[float] = field(default_factory=lambda: [0.0] * 10)
    signals: dict[str, int] = field(default_factory=dict)
    unweighed: dict[str, int] = field(default_factory=dict)
    night: int = 0
    first_seen: dict[str, int] = field(default_factory=dict)
    leanings: list[float] = field(default_factory=list)
    logit: float = 0.0
    moments: list[Moment] = field(default_factory=list)
    english: float = 0.0
    foreign: float = 0.0
    languages: dict[str, int] = field(default_factory=dict)

    @property
    def language(self) -> str | None:
        """The language (`core.language.NAMES`) of most foreign words; None where there were none."""
        return max(self.languages, key=self.languages.__getitem__, default=None)


@dataclass(slots=True)
class PersonState:
    """One person in a space: self-stated ages, the band a role or API gave, and whom they showed how many signals."""

    messages: int = 0
    ages: list[int] = field(default_factory=list)
    age_band: AgeBand | None = None
    targets: dict[str, int] = field(default_factory=dict)


def fold_pair(state: PairState, evidence: Evidence, time: float | None) -> None:
    """Add one message of the actor; `note` then says what it came to."""
    (pattern, side, young, hard), words = evidence.heads, evidence.words
    state.messages += 1
    state.questions += evidence.question
    if time is not None:
        if state.first_time is None or time < state.first_time:
            state.first_time = time
        if state.last_time is None or time > state.last_time:
            state.last_time = time
        state.night += time % DAY < NIGHT_ENDS or time % DAY >= NIGHT_BEGINS
    # Written out, not looped: this is the hottest line of the house, and a loop doubles its cost.
    a, b, c, d, n, la, lb, lc, ld, ln = state.sums
    state.sums = [
        a + pattern, b + side, c + young, d + hard, n + words,
        la * FADE + pattern, lb * FADE + side, lc * FADE + young, ld * FADE + hard, ln * FADE + words,
    ]  # fmt: skip
    state.english = state.english * FADE + evidence.english
    state.foreign = state.foreign * FADE + evidence.foreign
    if evidence.foreign:
        state.languages[evidence.language] = state.languages.get(evidence.language, 0) + evidence.foreign
    for name in evidence.signals:
        if name in WEIGHED:
            state.signals[name] = state.signals.get(name, 0) + 1
            state.first_seen.setdefault(name, state.messages)
        else:
            state.unweighed[name] = state.unweighed.get(name, 0) + 1


def note(state: PairState, logit: float, signals: tuple[str, ...], conversation: str, message_id: str) -> None:
    """Remember that the message just folded moved the actor's own log-odds to `logit`."""
    weight = logit - state.logit
    state.logit = logit
    moments = state.moments
    if weight > 0.0 and (len(moments) < REASONS_KEPT or weight > moments[-1].weight):
        moments.append(Moment(conversation, message_id, state.messages, weight, list(signals)))
        moments.sort(key=lambda moment: (-moment.weight, moment.number))
        del moments[REASONS_KEPT:]


def fold_person(state: PersonState, evidence: Evidence, target: str | None, age_band: AgeBand | None) -> None:
    """Add one message of the person."""
    state.messages += 1
    if age_band is not None:
        state.age_band = age_band
    if evidence.age is not None and evidence.age not in state.ages and len(state.ages) < AGES_KEPT:
        state.ages.append(evidence.age)
    shown = sum(name in APPROACHING for name in evidence.signals) if evidence.signals else 0
    if shown and target is not None and (target in state.targets or len(state.targets) < TARGETS_KEPT):
        state.targets[target] = state.targets.get(target, 0) + shown
