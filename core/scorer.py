"""From the states of a pair to a calibrated probability, or to the honest answer that too little was said.

Leans on `core.evidence` (what words add) and `core.features` (what is weighed). Pure: `core.model` reads the numbers
from the artefact. Nothing of scikit-learn is needed to score.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from core.evidence import Reader
from core.features import Weights, context
from core.pair import PairState, PersonState

ENOUGH_WORDS = 12
ENOUGH_MESSAGES = 3


def enough(pair: PairState) -> bool:
    """Tell whether enough was said for a probability: a dozen words in three messages, or three dozen in fewer."""
    words = pair.sums[3]
    return words >= ENOUGH_WORDS and (pair.messages >= ENOUGH_MESSAGES or words >= ENOUGH_WORDS * ENOUGH_MESSAGES)


@dataclass(frozen=True, slots=True)
class Scorer:
    """Learned numbers, ready to score."""

    reader: Reader
    weights: Weights
    intercept: float

    def probability(self, pair: PairState, other: PairState, actor: PersonState, target: PersonState) -> float | None:
        """Probability in 0..1 that the actor's way of talking to the target follows the pattern; None: insufficient.

        `other` is the pair the other way round.
        """
        if not enough(pair):
            return None
        logit = self.intercept + pair.logit + context(self.weights, pair, other, actor, target)
        return 1.0 / (1.0 + exp(-logit)) if logit > -700.0 else 0.0  # exp overflows past 709
