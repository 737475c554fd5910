"""`feed`: one message in, the state folded on, effects out. Pure: no I/O, no clock, no asyncio, no database.

Leans on everything above it in the message's way: conversation, evidence, pair, scorer, policy. Purity is meant as a
contract with the caller: a state handed to `feed` is consumed and returned changed, for copying it would cost more than
scoring. `now` stands in only for messages that carry no time, so that a replay equals what was seen live.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core import policy
from core.bulk import BulkReader
from core.conversation import ConversationState, address, listen
from core.effects import Effect, OpenAlert, Reason, Score, Scored, Unread, UpdateAlert
from core.evidence import HEADS, Evidence
from core.features import WELFARE, shown_signals, welfare_signals
from core.kinds import log_odds, own
from core.messages import Message, Pair
from core.pair import PairState, PersonState, fold_pair, fold_person, note
from core.policy import AlertState, Rules, Thresholds
from core.scorer import Scorer, outcome_of
from core.signals.computed import NEUTRAL
from core.signals.own import OwnSignals

PairKey = tuple[str, str | None]
"""Actor and target within a space."""
_QUIET = frozenset(("none", "watch"))
_NOBODY = PersonState()
_SILENCE = PairState()


@dataclass(slots=True)
class SpaceState:
    """What is remembered of one space, or the part of it that the messages at hand touch."""

    conversations: dict[str, ConversationState] = field(default_factory=dict)
    pairs: dict[PairKey, PairState] = field(default_factory=dict)
    people: dict[str, PersonState] = field(default_factory=dict)
    alerts: dict[PairKey, AlertState] = field(default_factory=dict)

    def hear(self, message: Message, evidence: Evidence) -> tuple[Pair, PairState]:
        """Fold a message into its conversation and its author; return the pair it belongs to, not folded yet."""
        space, room = message.key
        author = message.author
        me = author.id
        conversation = self.conversations.get(room)
        if conversation is None:
            conversation = self.conversations[room] = ConversationState()
        target = address(conversation, message)
        listen(conversation, message)
        person = self.people.get(me)
        if person is None:
            person = self.people[me] = PersonState()
        fold_person(person, evidence, target, author.age_band)
        key = (me, target)
        mine = self.pairs.get(key)
        if mine is None:
            mine = self.pairs[key] = PairState()
        return Pair(space, me, target), mine

    def sides(self, pair: Pair) -> tuple[PairState, PairState, PersonState, PersonState]:
        """Return `pair`, the pair the other way round, its actor and its target; who was never seen is blank."""
        actor, target = pair.actor, pair.target
        mine, person = self.pairs[actor, target], self.people[actor]
        if target is None:
            return mine, _SILENCE, person, _NOBODY
        return mine, self.pairs.get((target, actor), _SILENCE), person, self.people.get(target, _NOBODY)


class Engine:
    """A model, rules and the operator's own signals, ready to score.

    `thresholds` and `shadow` hold for every space that `rules` does not name.
    """

    def __init__(
        self, model: Scorer, thresholds: Thresholds, own_signals: OwnSignals | None = None, *, shadow: bool = False
    ) -> None:
        self.model = model
        self.thresholds = thresholds
        self.shadow = shadow
        self.rules: dict[str, Rules] = {}
        self._common = Rules(thresholds, shadow=shadow)
        self._bulk: BulkReader | None = None
        self.own_signals = own_signals or None  # none of them costs nothing

    def rules_of(self, space: str) -> Rules:
        """Return the rules that hold for a space."""
        return self.rules.get(space, self._common)

    @property
    def own_meanings(self) -> Mapping[str, str]:
        """Meanings of the community's own signals, by name."""
        return {} if self.own_signals is None else self.own_signals.meanings

    def read(self, text: str) -> Evidence:
        """Return what one message adds."""
        return self._with_own(text, self.model.reader.read(text))

    def _with_own(self, text: str, evidence: Evidence) -> Evidence:
        """Add the community's own signals."""
        if self.own_signals is not None and (shown := self.own_signals.shown(text)):
            return evidence._replace(signals=evidence.signals + shown)
        return evidence

    def read_all(self, texts: Sequence[str]) -> list[Evidence]:
        """Return what each of many messages adds, several times faster than one by one, and equal."""
        if self._bulk is None:  # most engines live on messages that come one by one
            self._bulk = BulkReader(self.model.reader)
        found = self._bulk.read(texts)
        return found if self.own_signals is None else list(map(self._with_own, texts, found))

    def feed(self, state: SpaceState, message: Message, now: float) -> list[Effect]:
        """Fold `message` into `state`; the first effect is what it made of its pair.

        `state` must hold what is known of: the conversation, its author A, whom it is `address`-ed to T, the pairs A-T
        and T-A, and the alerts of both. What is missing is taken as never seen.
        """
        return self.feed_read(state, message, self.read(message.text), now)

    def feed_read(self, state: SpaceState, message: Message, evidence: Evidence, now: float) -> list[Effect]:
        """Do as `feed` does, with `evidence` being what `read` or `read_all` made of the message's text."""
        pair, mine = state.hear(message, evidence)
        room, time = message.key.conversation, message.time or now
        self.fold(mine, evidence, room, message.id, message.time)
        effects = self.rescore(state, pair, room, message.id, time)
        if pair.target is not None and not WELFARE.isdisjoint(evidence.signals):
            effects += self._fares(state, Pair(pair.space, pair.target, pair.actor), room, message.id, time)
        return effects

    def fold(self, pair: PairState, evidence: Evidence, conversation: str, message_id: str, time: float | None) -> None:
        """Add one message to what is remembered of its pair; an edit is followed by folding again."""
        fold_pair(pair, evidence, time)
        weights = self.model.weights
        pair.leanings = own(weights, pair)
        logit = log_odds(weights, pair.leanings, pair.sums[len(HEADS)]) - weights.base
        note(pair, logit, evidence.signals, conversation, message_id)

    def rescore(self, state: SpaceState, pair: Pair, conversation: str, message_id: str, time: float) -> list[Effect]:
        """Score `pair` as it stands, `message_id` being what changed it."""
        mine, reverse, person, other = state.sides(pair)
        probability = self.model.probability(mine, reverse, person, other)
        if probability is None:
            outcome = outcome_of(mine)
            silent: list[Effect] = [Scored(pair, Score(None, "none", outcome), 0.0)]
            return silent + self._unread(state, pair) if outcome == "unsupported_language" else silent
        reached = policy.weighed(probability, policy.odds_of(person, other) * self.model.agreement(mine))
        rules = self.rules_of(pair.space)
        level = policy.level_of(reached, rules.thresholds)
        score = Score(probability, level, "scored")
        effects: list[Effect] = [Scored(pair, score, reached)]
        if rules.shadow or (level in _QUIET and (pair.actor, pair.target) not in state.alerts):
            return effects
        alert = state.alerts.setdefault((pair.actor, pair.target), AlertState())
        signals, welfare = shown_signals(mine, reverse, person, other), welfare_signals(reverse)
        # What the other person shows is news for the card too, also where the actor showed the same.
        news = (*signals, *(f"other {name}" for name in welfare))
        told = policy.step(alert, reached, level, news, time, rules.thresholds.review)
        if told != "nothing":
            reasons = tuple(Reason(m.conversation, m.message_id, m.weight, tuple(m.signals)) for m in mine.moments)
            name = policy.alert_name(pair, alert.count)
            shown = (name, pair, conversation, message_id, time, score, signals, reasons, welfare)
            effects.append(OpenAlert(*shown) if told == "open" else UpdateAlert(*shown, rose=told == "raise"))
        return effects

    def _fares(self, state: SpaceState, about: Pair, conversation: str, message_id: str, time: float) -> list[Effect]:
        """Bring an open alert about somebody up to date with how the person they talk to fares: it must not wait."""
        alert = state.alerts.get((about.actor, about.target))
        if alert is None or not alert.open:
            return []
        told = self.rescore(state, about, conversation, message_id, time)
        return [effect for effect in told if isinstance(effect, UpdateAlert)]

    def _unread(self, state: SpaceState, pair: Pair) -> list[Effect]:
        """Tell what is news about a pair whose language the model does not read."""
        sides = state.sides(pair)
        language = sides[0].language
        assert language is not None
        told = state.alerts.setdefault((pair.actor, pair.target), AlertState())
        turned, new = policy.step_unread(told, tuple(name for name in shown_signals(*sides) if name in NEUTRAL))
        answered = state.alerts.get((pair.target, pair.actor)) if pair.target is not None else None
        turned = turned and not (answered is not None and answered.unread)  # two people's talk is told of once
        return [Unread(pair, language, turned, new)] if turned or new else []
