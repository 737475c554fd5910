"""The registry of pattern signals: named, explainable patterns, looked for in one message at a time.

Leans on the data in `core.signals.patterns` and its siblings. A pattern signal is looked for only where its cues stand
in the message: `CUES` maps a canonical token to a bit mask of the signals it can start, so a message without cues costs
nothing more. Signals that compare two people are in `core.signals.computed`, further down the message's way, with the
meanings of all.
"""

from __future__ import annotations

from core.signals.patterns import PATTERNS
from core.signals.patterns_closer import PATTERNS_CLOSER
from core.signals.patterns_pressure import PATTERNS_PRESSURE

__all__ = ["APPROACHING", "CUES", "PATTERN_SIGNALS", "WEIGHED", "matching"]

PATTERN_SIGNALS = (*PATTERNS, *PATTERNS_CLOSER, *PATTERNS_PRESSURE)
WEIGHED = frozenset(signal.name for signal in PATTERN_SIGNALS if signal.weighed)
"""Names of those that the model looks at; the others are counted and shown."""
APPROACHING = frozenset(signal.name for signal in PATTERN_SIGNALS if signal.weighed and signal.stage != "response")
"""Names of those that approach somebody: what the one approached answers is none of them."""
SHIFT = 60
CUES: dict[str, int] = {}
"""Canonical token -> bit mask: bit i is set if the token is a cue of `PATTERN_SIGNALS[i]`, bit `SHIFT` + i if it is one
of its `also`. A signal that needs no second cue has both bits set by its first."""
for _index, _signal in enumerate(PATTERN_SIGNALS):
    for _cue in _signal.cues:
        CUES[_cue] = CUES.get(_cue, 0) | 1 << _index
    for _cue in _signal.also or _signal.cues:
        CUES[_cue] = CUES.get(_cue, 0) | 1 << _index + SHIFT


def matching(mask: int, text: str) -> tuple[str, ...]:
    """Name the signals whose cues are all in `mask` and that canonical `text` shows, in the registry's order.

    `mask` is the union of the tokens' `CUES`.

    >>> matching(CUES["old"], "how old are you ?"), matching(CUES["old"], "i wont ask how old you are")
    (('asks_age',), ())
    """
    names = []
    asked = mask & mask >> SHIFT
    while asked:
        signal = PATTERN_SIGNALS[(asked & -asked).bit_length() - 1]
        if signal.search(text) is not None:
            names.append(signal.name)
        asked &= asked - 1
    return tuple(names)
