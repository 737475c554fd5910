"""What the calibrated model looks at when it scores a pair: a few dozen numbers made from sums and counts.

Leans on `core.pair` for the states and `core.signals` for the signals' names. Heads enter as averages over words,
shrunk towards nothing by `SHRINK` words so that a few words claim little; a memory of half-life says whether it is
now or was once. The other person's stream enters beside the actor's: an offender and a child each sound like
themselves, and the difference names the right one.
"""

from __future__ import annotations

from math import log1p, sqrt

from core.evidence import HEADS
from core.pair import PairState, PersonState
from core.signals import PATTERN_SIGNALS
from core.signals.computed import COMPUTED_SIGNALS

SHRINK = 20.0
QUESTION_SHRINK = 10.0
SIGNAL_WINDOW = 40.0
"""Signals are counted per this many messages once there are as many."""
PATTERN_NAMES = tuple(signal.name for signal in PATTERN_SIGNALS if signal.weighed)
COMPUTED = tuple(signal for signal in COMPUTED_SIGNALS if signal.weighed)
WELFARE = frozenset(("target_discomfort", "self_harm_mention"))
"""Signals that say how the one who shows them fares."""

OWN = (
    *(f"{head}_whole" for head in HEADS),
    *(f"{head}_lately" for head in HEADS),
    "hard_sure",
    "log_words",
    "questions",
    "distinct_signals",
)
CONTEXT = (
    *(f"other_{head}" for head in HEADS),
    "other_known",
    "side_against_other",
    "pattern_against_other",
    "hard_against_other",
    "share_of_words",
    "questions_against_other",
)
FEATURES: tuple[str, ...] = (
    *OWN,
    *CONTEXT,
    *(f"signal_{name}" for name in PATTERN_NAMES),
    *(f"signal_{signal.name}" for signal in COMPUTED),
)


def features(pair: PairState, other: PairState, actor: PersonState, target: PersonState) -> list[float]:
    """Return the numbers named by `FEATURES` for `pair`, `other` being the pair the other way round."""
    scale = signal_scale(pair)
    signals = [min(1.0, pair.signals.get(name, 0) * scale) for name in PATTERN_NAMES]
    computed = [float(signal.function(pair, other, actor, target)) for signal in COMPUTED]
    return own_numbers(pair) + context_numbers(pair, other) + signals + computed


def signal_scale(pair: PairState) -> float:
    """Return what one message that shows a signal counts for."""
    return 1.0 / (1.0 + pair.messages / SIGNAL_WINDOW)


def own_numbers(pair: PairState) -> list[float]:
    """Return the numbers named by `OWN`; all are 0 for an actor who said nothing."""
    a, b, c, d, n, la, lb, lc, ld, ln = pair.sums
    whole, lately = n + SHRINK, ln + SHRINK
    return [
        a / whole, b / whole, c / whole, d / whole,
        la / lately, lb / lately, lc / lately, ld / lately,
        d / sqrt(whole),
        log1p(n),
        pair.questions / (pair.messages + QUESTION_SHRINK),
        float(len(pair.signals)),
    ]  # fmt: skip


def context_numbers(pair: PairState, other: PairState) -> list[float]:
    """Return the numbers named by `CONTEXT`; all are 0 where the other person said nothing."""
    a, b, _, d, n = pair.sums[:5]
    oa, ob, oc, od, on = other.sums[:5]
    whole, theirs = n + SHRINK, on + SHRINK
    known = on / theirs
    asked = pair.questions / (pair.messages + QUESTION_SHRINK)
    other_asked = other.questions / (other.messages + QUESTION_SHRINK)
    return [
        oa / theirs, ob / theirs, oc / theirs, od / theirs,
        known,
        known * (b / whole - ob / theirs),
        known * (a / whole - oa / theirs),
        known * (d / whole - od / theirs),
        known * n / (n + on + 1.0),
        known * (asked - other_asked),
    ]  # fmt: skip


def shown_signals(pair: PairState, other: PairState, actor: PersonState, target: PersonState) -> tuple[str, ...]:
    """Name the signals that `pair` shows, in the order they were first seen; then those not weighed, then computed."""
    seen = sorted(pair.signals, key=lambda name: pair.first_seen[name])
    return (*seen, *pair.unweighed, *(s.name for s in COMPUTED_SIGNALS if s.function(pair, other, actor, target)))


def welfare_signals(pair: PairState) -> tuple[str, ...]:
    """Name the signals in `pair` that say how its actor fares: of the one approached, they are what matters most."""
    return tuple(name for name in sorted(WELFARE) if name in pair.signals or name in pair.unweighed)
