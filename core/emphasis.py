"""The words of a message that carry most of its learned weight, to be set in bold for whoever reads it.

Leans on `core.evidence`. Pure. A word is weighed alone, as `Reader.read` weighs a message of one word: what two
neighbours add is left out, for it belongs to neither. What stands in bold is where a reader's eye may begin, and no
finding: words that weigh much are ordinary words.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from core.evidence import HEADS, Evidence

WEIGHING = (HEADS.index("pattern"), HEADS.index("hard"))
"""The heads of the one who approaches."""
SHARE = 3
"""One word in so many at most is marked, and `MOST` in one message."""
MOST = 6
_WORD = re.compile(r"\w[\w'-]*")


def weighty(read: Callable[[str], Evidence], text: str) -> tuple[tuple[int, int], ...]:
    """Return the stretches (start, end) of `text` that carry most weight, in order; neighbouring words are one stretch.

    `read` is `core.engine.Engine.read`.

    >>> def read(word: str) -> Evidence:
    ...     weight = 1.0 if word in {"our", "secret"} else -1.0
    ...     return Evidence((weight, 0.0, 0.0, 0.0), 1, 0, (), None)
    >>> weighty(read, "it is our secret, you and me")
    ((6, 16),)
    """
    words = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    weighed = sorted(((weight(read(text[start:end])), -start, end) for start, end in words), reverse=True)
    chosen = [(-start, end) for weight, start, end in weighed[: min(len(words) // SHARE, MOST)] if weight > 0]
    joined: list[tuple[int, int]] = []
    for start, end in sorted(chosen):
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def weight(evidence: Evidence) -> float:
    """Return how much speaks for one who approaches: what the heads learned, no probability."""
    return sum(evidence.heads[head] for head in WEIGHING)
