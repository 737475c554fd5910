"""What was measured, as plain values: `dataclasses.asdict` makes them JSON, and `figures_of` reads them back.

Leans on nothing that measures, so that whoever only shows a model card (`core.training.sections`) loads no engine.
Shares are in 0..1; messages of a conversation are counted from 1. A field that a set of talks cannot tell is None, or
empty: a zero would be a claim. Every field has a default, so that an older card can still be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from core.errors import ModelError
from core.policy import Thresholds
from core.training.corpus import Role

EARLY = 150
"""Messages of a dialogue within which an alert counts as in time."""


@dataclass(slots=True)
class SourceFigures:
    """One source's row; `kind` tells pattern, ordinary, or the approached side of one.

    The last five are only for talks that follow the pattern: alerted early (within `EARLY` messages), and of
    these with the right person named; the wrong person named as well, ever; the median message of the first alert, and
    the message of each first alert, sorted.
    """

    source: str
    kind: Role
    talks: int
    messages: int
    alerted: int
    early: int = 0
    right: int = 0
    wrong_too: int = 0
    at: float | None = None
    first_alerts: list[int] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Share of talks that alerted."""
        return self.alerted / self.talks if self.talks else 0.0


@dataclass(slots=True)
class FalseAlerts:
    """Alerts in 10,000 ordinary conversations of `source` (None: of all), with Wilson's bounds (`metrics.wilson`)."""

    source: str | None
    talks: int
    alerted: int
    per_10000: float
    low: float
    high: float


@dataclass(slots=True)
class CurvePoint:
    """Precision where `recall` is reached, and the `probability` from which one would have to alert for it."""

    recall: float
    precision: float
    probability: float


@dataclass(slots=True)
class BaseRate:
    """Share of alerts that are about the pattern where one conversation in `one_in` follows it; and its lower bound."""

    one_in: int
    precision: float
    at_least: float


@dataclass(slots=True)
class Bin:
    """Probabilities from `low` to the next bin: how many, their `share` of all weight, mean, and share of patterns."""

    low: float
    looks: int
    share: float
    probability: float
    pattern: float


@dataclass(slots=True)
class Reliability:
    """The bins of one reliability table; `length` is the longest prefix in it (messages), None: all together."""

    length: int | None
    bins: list[Bin]


@dataclass(slots=True)
class Latency:
    """How well and how early the talks of one source (`pattern`) are told from the ordinary ones (`ordinary`).

    Precision and recall count talks: alerted or not, whoever was named. `delay` is the median message of the first
    alert, `speed` what is left of 1 after the median penalty; `f_latency` is `f1` x `speed`; ERDE is in 0..1, and less
    is better. See `core.training.latency` for the formulas and their sources.
    """

    pattern: str
    ordinary: str
    talks: int
    ordinary_talks: int
    precision: float
    recall: float
    f1: float
    delay: float | None
    speed: float
    f_latency: float
    erde_5: float
    erde_50: float


@dataclass(slots=True)
class Addressing:
    """Whom the messages of one source mean in talks of many, and whether its scores are smeared over the crowd.

    Of the messages, `told` tell by themselves whom they mean (in `inferred` of them by a name whose bearer was
    inferred), and in `fallback` of these the last other speaker of the episode was that person. `pairs` is the median
    number of pairs that a speaker's messages fall into; `scored` the share of messages in a pair that in the end holds
    enough for a score; `largest` the share of words that the speakers said in the largest of their pairs, None where
    nobody said a word. See `core.training.addressing` for the rules.
    """

    source: str
    talks: int
    messages: int
    told: int
    inferred: int
    fallback: int
    speakers: int
    pairs: float
    scored: float
    largest: float | None


@dataclass(slots=True)
class Figures:
    """Everything measured.

    `precision_recall` ranks talks by their highest probability. `perturbations` is one row a way of writing, each with
    the same columns. `messages_per_second` is left to who holds the clock: it differs from run to run, and so it is
    never in a card.
    """

    thresholds: Thresholds
    sources: list[SourceFigures] = field(default_factory=list)
    false_alerts: list[FalseAlerts] = field(default_factory=list)
    calibration_error: float | None = None
    calibration_by_length: dict[int, float] = field(default_factory=dict)
    reliability: list[Reliability] = field(default_factory=list)
    average_precision: float | None = None
    word_list_average_precision: float | None = None
    precision_recall: list[CurvePoint] = field(default_factory=list)
    base_rates: list[BaseRate] = field(default_factory=list)
    latency: list[Latency] = field(default_factory=list)
    perturbations: dict[str, dict[str, float | None]] = field(default_factory=dict)
    addressing: list[Addressing] = field(default_factory=list)
    messages_per_second: float | None = None

    @property
    def messages(self) -> int:
        """Messages heard."""
        return sum(row.messages for row in self.sources)

    def of(self, kind: Role) -> list[SourceFigures]:
        """Rows of one kind."""
        return [row for row in self.sources if row.kind == kind]


def figures_of(card: dict[str, Any]) -> Figures | None:
    """Read the figures out of a model card; None where it has none.

    Raises
    ------
    ModelError
        They are not what `train` writes.
    """
    if "figures" not in card:
        return None
    try:
        return TypeAdapter(Figures).validate_python(card["figures"])
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise ModelError(
            f"The figures in the model's card cannot be read (at {place}).",
            "Make the model anew with `lampkeeper train`.",
        ) from None
