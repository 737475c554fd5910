"""Why a score is what it is: what every message of a pair added, in log-odds that add up to the score.

Leans on the engine, fed as in real life. The score's log-odds are a sum of three kinds of terms: a base (what silence
would score), what each of the actor's messages moved their own words by, and the context (what the other side of the
conversation, and who the two are, adds).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from core.effects import Scored
from core.engine import Engine, SpaceState
from core.features import context
from core.messages import Message, Pair


@dataclass(frozen=True, slots=True)
class Share:
    """What message number `index` of the conversation added, in log-odds, and the signals it showed."""

    index: int
    weight: float
    signals: tuple[str, ...]


@dataclass(slots=True)
class Explanation:
    """One pair's score, taken apart: `base` + all weights of `shares` + `context` are its log-odds."""

    pair: Pair
    probability: float | None = None
    base: float = 0.0
    context: float = 0.0
    shares: list[Share] = field(default_factory=list)

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
        explanation.base = engine.model.intercept
        explanation.context = context(engine.model.weights, *sides)
        explanation.probability = engine.model.probability(*sides)
    return sorted(found.values(), key=lambda explanation: -(explanation.probability or 0.0))
