"""From the states of a pair to a calibrated probability, or to the honest answer that there can be none.

Leans on `core.evidence` (what words add) and `core.kinds` (how it is weighed). Pure: `core.model` reads the numbers
from the artefact. Nothing of scikit-learn is needed to score.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import exp
from zlib import crc32

from core.effects import Outcome
from core.evidence import HEADS, Reader, fingerprint
from core.features import FEATURES, SHRINK
from core.kinds import Weights, context, log_odds
from core.pair import PairState, PersonState

ENOUGH_WORDS = 12
ENOUGH_MESSAGES = 3
FOREIGN_WORDS = 12
STEEPNESS = 4.0
"""Log-odds taken off for every unit by which the head "hard" speaks against the pattern."""
_HARD_LATELY, _WORDS_LATELY = len(HEADS) * 2, len(HEADS) * 2 + 1
"""Places in `PairState.sums`."""
COMMON_SHARE = 0.6
"""Of the words of English chat, those in `core.language.ENGLISH`; so foreign words have to be more than half of all."""


def enough(pair: PairState) -> bool:
    """Tell whether enough was said for a probability: a dozen words in three messages, or three dozen in fewer."""
    words = pair.sums[len(HEADS)]
    return words >= ENOUGH_WORDS and (pair.messages >= ENOUGH_MESSAGES or words >= ENOUGH_WORDS * ENOUGH_MESSAGES)


def outcome_of(pair: PairState) -> Outcome:
    """Tell whether the actor's last messages can be scored, and if not why.

    >>> outcome_of(PairState(messages=9, english=20, foreign=30))
    'insufficient'
    >>> outcome_of(PairState(messages=9, english=20, foreign=40))
    'unsupported_language'
    """
    if pair.foreign * COMMON_SHARE > pair.english:
        return "unsupported_language" if pair.foreign >= FOREIGN_WORDS else "insufficient"
    return "scored" if enough(pair) else "insufficient"


@dataclass(frozen=True)
class Scorer:
    """Learned numbers, ready to score."""

    reader: Reader
    weights: Weights

    @cached_property
    def identity(self) -> int:
        """A number of 32 bits that no model with other weights has: states made with one mean nothing to another."""
        of = self.weights
        by_kind = [[list(row) for row in zip(*rows, strict=True)] for rows in (of.own, of.context)]
        learned = (of.intercepts, *by_kind, of.signals, [row for _, row in of.computed], of.calibration)
        numbers = repr((*learned, FEATURES, fingerprint()))
        return crc32(numbers.encode(), crc32(self.reader.neighbours, crc32(self.reader.weights)))

    def probability(self, pair: PairState, other: PairState, actor: PersonState, target: PersonState) -> float | None:
        """Probability in 0..1 that the actor's way of talking to the target follows the pattern.

        None where `outcome_of` the pair is not "scored".

        `other` is the pair the other way round.
        """
        if outcome_of(pair) != "scored":
            return None
        leanings = context(self.weights, pair, other, actor, target)
        logit = log_odds(self.weights, leanings, pair.sums[len(HEADS)])
        return 1.0 / (1.0 + exp(-logit)) if logit > -700.0 else 0.0  # exp overflows past 709

    def agreement(self, pair: PairState) -> float:
        """Return by what the odds are multiplied before thresholds are held against them: 1, or less where in doubt.

        A decision takes two. The probability weighs everything, and stays as it is; but where the head learned against
        the closest ordinary talk alone has lately spoken against the pattern, more than it does in three of four looks
        at the pattern, an alert waits for more.
        """
        sums = pair.sums
        hard_lately = sums[_HARD_LATELY] / (sums[_WORDS_LATELY] + SHRINK)
        doubt = self.weights.doubt - hard_lately
        return exp(-STEEPNESS * doubt) if doubt > 0.0 else 1.0
