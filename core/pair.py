"""What is remembered of a pair and of a person: sums and counts, never text.

Leans on `core.evidence` for what one message adds. Both states are pure folds over one author's messages, so the same
messages always give the same state, and an edit is followed by folding again. Everything that compares two people
(ages, who asks whom, fan-out) is computed from these states when a score is made, never folded in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.evidence import Evidence
from core.messages import AgeBand

HALF_LIVES = (12.0, 60.0)
"""Memories of a pair besides the whole: in messages of the actor, the mood of now and of this sitting."""
SHORT, LONG = (0.5 ** (1 / half_life) for half_life in HALF_LIVES)
MEMORIES = 1 + len(HALF_LIVES)
REASONS_KEPT = 5
TARGETS_KEPT = 32
AGES_KEPT = 8


@dataclass(slots=True)
class Moment:
    """A message that moved the score: where it stands, its number in the pair, its share in log-odds, its signals."""

    conversation: str
    message_id: str
    number: int
    weight: float
    signals: list[str]


@dataclass(slots=True)
class PairState:
    """Actor to target.

    `sums` holds, for the whole and for each of `HALF_LIVES`, the three heads' sums and the number of words: 4 numbers
    a memory, in this order. `first_seen` tells for each signal which of the actor's messages, counted from 1, showed it
    first. `logit` is what the actor's own words come to by now (`core.features.own`); each message moved it by its
    weight, so that weights add up to it, and `moments` are the messages with the greatest, greatest first.
    """

    messages: int = 0
    questions: int = 0
    first_time: float | None = None
    last_time: float | None = None
    sums: list[float] = field(default_factory=lambda: [0.0] * 4 * MEMORIES)
    signals: dict[str, int] = field(default_factory=dict)
    first_seen: dict[str, int] = field(default_factory=dict)
    logit: float = 0.0
    moments: list[Moment] = field(default_factory=list)


@dataclass(slots=True)
class PersonState:
    """One person in a space: self-stated ages, the band a role or API gave, and whom they showed how many signals."""

    messages: int = 0
    ages: list[int] = field(default_factory=list)
    age_band: AgeBand | None = None
    targets: dict[str, int] = field(default_factory=dict)


def fold_pair(state: PairState, evidence: Evidence, time: float | None) -> None:
    """Add one message of the actor; `note` then says what it came to."""
    (pattern, side, young), words = evidence.heads, evidence.words
    state.messages += 1
    state.questions += evidence.question
    if time is not None:
        if state.first_time is None or time < state.first_time:
            state.first_time = time
        if state.last_time is None or time > state.last_time:
            state.last_time = time
    # Written out, not looped: this is the hottest line of the house, and a loop doubles its cost.
    a, b, c, n, sa, sb, sc, sn, la, lb, lc, ln = state.sums
    state.sums = [
        a + pattern, b + side, c + young, n + words,
        sa * SHORT + pattern, sb * SHORT + side, sc * SHORT + young, sn * SHORT + words,
        la * LONG + pattern, lb * LONG + side, lc * LONG + young, ln * LONG + words,
    ]  # fmt: skip
    for name in evidence.signals:
        state.signals[name] = state.signals.get(name, 0) + 1
        state.first_seen.setdefault(name, state.messages)


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
    if evidence.signals and target is not None and (target in state.targets or len(state.targets) < TARGETS_KEPT):
        state.targets[target] = state.targets.get(target, 0) + len(evidence.signals)
