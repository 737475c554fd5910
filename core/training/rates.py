"""How often each signal shows in transcripts: the figures by which a signal is kept, sharpened or dropped.

Leans on the engine's own folds, with a reader that learned nothing, for signals need no weights. A good signal is many
times more frequent in talk that follows the pattern than in any kind of ordinary talk, and rare there. Numbers only: no
text leaves this module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.engine import SpaceState
from core.evidence import BUCKETS, HEADS, Reader
from core.messages import Message
from core.pair import fold_pair
from core.signals import CUES, PATTERN_SIGNALS, matching
from core.signals.computed import COMPUTED_SIGNALS
from core.text import tokens
from core.transcripts import BadLine, read

ENOUGH = 500
"""Messages, or conversations, of a source that tell how frequent a signal is in it; fewer tell nothing of rare ones."""


@dataclass(slots=True)
class Rates:
    """What was counted, by source (a file's name up to its first dot).

    `per_thousand` holds, for a pattern signal, the messages per 1,000 that show it, and for a computed one the
    conversations per 1,000 in which some pair shows it at the end. `times` tells how many times as frequent it is in
    conversations labelled 1 as in the source of ordinary ones (labelled 0) where it is most frequent: infinite where
    it never shows in those, None where it shows nowhere or the labels are missing.
    """

    messages: dict[str, int] = field(default_factory=dict)
    conversations: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    per_thousand: dict[str, dict[str, float]] = field(default_factory=dict)
    times: dict[str, float | None] = field(default_factory=dict)


def shown(text: str) -> tuple[str, ...]:
    """Name the pattern signals that a message shows.

    >>> shown("How old r u?")
    ('asks_age',)
    """
    found = tokens(text)
    mask = 0
    for token in found:
        mask |= CUES.get(token, 0)
    return matching(mask, " ".join(found)) if mask else ()


def rates(paths: Iterable[Path]) -> Rates:
    """Count the signals of every conversation in `paths`.

    Raises
    ------
    TranscriptError
        A file cannot be read at all.
    """
    nothing = np.zeros((BUCKETS, len(HEADS)), np.float32)
    reader = Reader(nothing, nothing)
    talked: Counter[tuple[str, int | None]] = Counter()
    said: Counter[tuple[str, int | None]] = Counter()
    skipped: Counter[str] = Counter()
    counts: Counter[tuple[str, str, int | None]] = Counter()
    for path in paths:
        source = path.name.split(".")[0]
        for transcript in read(path):
            if isinstance(transcript, BadLine):
                skipped[source] += 1
                continue
            of = (source, transcript.label)
            talked[of] += 1
            said[of] += len(transcript.messages)
            for name, count in _signals(transcript.messages, reader).items():
                counts[name, *of] += count
    found = Rates(_by_source(said), _by_source(talked), dict(skipped))
    for signals, totals in ((PATTERN_SIGNALS, said), (COMPUTED_SIGNALS, talked)):
        for name in [signal.name for signal in signals]:
            found.per_thousand[name] = {
                source: 1000 * sum(counts[name, source, label] for label in (0, 1, None)) / total
                for source, total in _by_source(totals).items()
                if total
            }
            found.times[name] = _times(name, counts, totals)
    return found


def _signals(messages: Sequence[Message], reader: Reader) -> Counter[str]:
    """Count the messages that show each pattern signal; a computed one that some pair shows at the end counts 1."""
    counts: Counter[str] = Counter()
    state, pairs = SpaceState(), set()
    for message in messages:
        evidence = reader.read(message.text)
        counts.update(evidence.signals)
        pair, mine = state.hear(message, evidence)
        fold_pair(mine, evidence, message.time)
        pairs.add(pair)
    for signal in COMPUTED_SIGNALS:
        counts[signal.name] = any(signal.function(*state.sides(pair)) for pair in pairs)
    return counts


def _by_source(totals: Counter[tuple[str, int | None]]) -> dict[str, int]:
    sources: Counter[str] = Counter()
    for (source, _), total in totals.items():
        sources[source] += total
    return dict(sources)


def _times(
    name: str, counts: Counter[tuple[str, str, int | None]], totals: Counter[tuple[str, int | None]]
) -> float | None:
    ordinary = [counts[name, source, 0] / n for (source, label), n in totals.items() if label == 0 and n >= ENOUGH]
    pattern = sum(n for (_, label), n in totals.items() if label == 1)
    if not ordinary or not pattern:
        return None
    rate = sum(counts[name, source, 1] for source, label in totals if label == 1) / pattern
    if not max(ordinary):
        return float("inf") if rate else None
    return rate / max(ordinary)
