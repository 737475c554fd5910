"""`feed`: one message in, the state folded on, effects out. Pure: no I/O, no clock, no asyncio, no database.

Leans on everything above it in the message's way: conversation, evidence, pair, scorer, policy. Purity is meant as a
contract with the caller: a state handed to `feed` is consumed and returned changed, for copying it would cost more than
scoring. `now` stands in only for messages that carry no time, so that a replay equals what was seen live.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core import policy
from core.conversation import ConversationState, address, listen
from core.effects import Effect, OpenAlert, Reason, Score, Scored, UpdateAlert
from core.evidence import Evidence
from core.features import own, shown_signals
from core.messages import Message, Pair
from core.pair import PairState, PersonState, fold_pair, fold_person, note
from core.policy import AlertState, Thresholds
from core.scorer import Scorer

PairKey = tuple[str, str | None]
"""Actor and target within a space."""
_NOBODY = PersonState()
_SILENCE = PairState()


@dataclass(slots=True)
class SpaceState:
    """What is remembered of one space, or the part of it that the messages at hand touch."""

    conversations: dict[str, ConversationState] = field(default_factory=dict)
    pairs: dict[PairKey, PairState] = field(default_factory=dict)
    people: dict[str, PersonState] = field(default_factory=dict)
    alerts: dict[PairKey, AlertState] = field(default_factory=dict)

    def sides(self, pair: Pair) -> tuple[PairState, PairState, PersonState, PersonState]:
        """Return `pair`, the pair the other way round, its actor and its target; who was never seen is blank."""
        actor, target = pair.actor, pair.target
        mine, person = self.pairs[actor, target], self.people[actor]
        if target is None:
            return mine, _SILENCE, person, _NOBODY
        return mine, self.pairs.get((target, actor), _SILENCE), person, self.people.get(target, _NOBODY)


class Engine:
    """A model and a community's thresholds, ready to score."""

    def __init__(self, model: Scorer, thresholds: Thresholds) -> None:
        self.model = model
        self.thresholds = thresholds

    def read(self, text: str) -> Evidence:
        """Return what one message adds."""
        return self.model.reader.read(text)

    def feed(self, state: SpaceState, message: Message, now: float) -> list[Effect]:
        """Fold `message` into `state`; the first effect is what it made of its pair.

        `state` must hold what is known of: the conversation, its author A, whom it is `address`-ed to T, the pairs A-T
        and T-A, and the alert of A-T. What is missing is taken as never seen.
        """
        key, author = message.key, message.author
        conversation = state.conversations.get(key.conversation)
        if conversation is None:
            conversation = state.conversations[key.conversation] = ConversationState()
        target = address(conversation, message)
        listen(conversation, message)
        evidence = self.model.reader.read(message.text)
        person = state.people.get(author.id)
        if person is None:
            person = state.people[author.id] = PersonState()
        fold_person(person, evidence, target, author.age_band)
        pair = state.pairs.get((author.id, target))
        if pair is None:
            pair = state.pairs[author.id, target] = PairState()
        self.fold(pair, evidence, key.conversation, message.id, message.time)
        return self.rescore(
            state, Pair(key.space, author.id, target), key.conversation, message.id, message.time or now
        )

    def fold(self, pair: PairState, evidence: Evidence, conversation: str, message_id: str, time: float | None) -> None:
        """Add one message to what is remembered of its pair; an edit is followed by folding again."""
        fold_pair(pair, evidence, time)
        note(pair, own(self.model.weights, pair), evidence.signals, conversation, message_id)

    def rescore(self, state: SpaceState, pair: Pair, conversation: str, message_id: str, time: float) -> list[Effect]:
        """Score `pair` as it stands, `message_id` being what changed it."""
        mine, reverse, person, other = state.sides(pair)
        probability = self.model.probability(mine, reverse, person, other)
        level = policy.level_of(probability, self.thresholds, known_adults=person.age_band == other.age_band == "adult")
        score = Score(probability, level)
        effects: list[Effect] = [Scored(pair, score)]
        alert = state.alerts.get((pair.actor, pair.target))
        if probability is None or (alert is None and level in ("none", "watch")):
            return effects
        if alert is None:
            alert = state.alerts[pair.actor, pair.target] = AlertState()
        signals = shown_signals(mine, reverse, person, other)
        told = policy.step(alert, probability, level, signals, time, self.thresholds.review)
        if told != "nothing":
            kind = OpenAlert if told == "open" else UpdateAlert
            reasons = tuple(Reason(m.conversation, m.message_id, m.weight, tuple(m.signals)) for m in mine.moments)
            name = policy.alert_id(pair, alert.count)
            effects.append(kind(name, pair, conversation, message_id, time, score, signals, reasons))
        return effects
