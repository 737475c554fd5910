"""Why a score is what it is: what every message of a pair added, in log-odds that add up to the score.

Leans on the engine, fed as in real life. The score's log-odds are a sum of three kinds of terms: a base (what silence
would score), what each of the actor's messages moved their own words by, and the context (what the other side of the
conversation, and who the two are, adds).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from core.effects import Outcome, Scored
from core.engine import Engine, SpaceState
from core.evidence import HEADS
from core.features import shown_signals
from core.kinds import context, log_odds
from core.messages import Message, Pair
from core.scorer import outcome_of
from core.signals.computed import NEUTRAL


@dataclass(frozen=True, slots=True)
class Share:
    """What message number `index` of the conversation added, in log-odds, and the signals it showed."""

    index: int
    weight: float
    signals: tuple[str, ...]


@dataclass(slots=True)
class Explanation:
    """One pair's score, taken apart: `base` + all weights of `shares` + `context` are its log-odds.

    Without a score `outcome` says why; of an unsupported language, `language` is its code and `neutral` the signals
    that need none.
    """

    pair: Pair
    probability: float | None = None
    base: float = 0.0
    context: float = 0.0
    shares: list[Share] = field(default_factory=list)
    outcome: Outcome = "insufficient"
    language: str | None = None
    neutral: tuple[str, ...] = ()

    @property
    def rise(self) -> int | None:
        """Index of the message with which the climb to the highest point began; None where nothing rose.

        >>> pair = Pair("space", "actor", "target")
        >>> Explanation(pair, shares=[Share(i, w, ()) for i, w in enumerate((1, -2, 3, 4, -1))]).rise
        2
        """
        heights = list(accumulate((share.weight for share in self.shares), initial=0.0))
        top = max(range(len(heights)), key=heights.__getitem__)
        low = min(range(top + 1), key=lambda place: (heights[place], -place))
        return self.shares[low].index if low < top else None


def explain(engine: Engine, messages: Sequence[Message]) -> list[Explanation]:
    """Take the final scores of a conversation's pairs apart, the highest first."""
    state = SpaceState()
    found: dict[Pair, Explanation] = {}
    reached: dict[Pair, float] = {}
    for index, message in enumerate(messages):
        scored = engine.feed(state, message, 0.0)[0]
        assert isinstance(scored, Scored)
        pair = scored.pair
        logit = state.pairs[pair.actor, pair.target].logit
        share = Share(index, logit - reached.get(pair, 0.0), engine.read(message.text).signals)
        found.setdefault(pair, Explanation(pair)).shares.append(share)
        reached[pair] = logit
    for pair, explanation in found.items():
        sides = state.sides(pair)
        mine, weights = sides[0], engine.model.weights
        explanation.base = weights.base
        whole = log_odds(weights, context(weights, *sides), mine.sums[len(HEADS)])
        explanation.context = whole - mine.logit - weights.base
        explanation.probability = engine.model.probability(*sides)
        explanation.outcome = outcome_of(sides[0])
        if explanation.outcome == "unsupported_language":
            explanation.language = sides[0].language
            explanation.neutral = tuple(name for name in shown_signals(*sides) if name in NEUTRAL)
    return sorted(found.values(), key=lambda explanation: -(explanation.probability or 0.0))
