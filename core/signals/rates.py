"""How often each pattern signal shows in transcripts: the figures by which a signal is kept, sharpened or dropped.

Leans on `core.transcripts` for the files and on the registry. A good signal is many times more frequent in talk that
follows the pattern than in any kind of ordinary talk, and rare there. Numbers only: no text leaves this module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from core.signals import CUES, PATTERN_SIGNALS, matching
from core.text import tokens
from core.transcripts import BadLine, read


class Rates(NamedTuple):
    """Source -> messages read, source -> lines skipped as unreadable, and signal -> source -> messages per 1,000."""

    messages: dict[str, int]
    skipped: dict[str, int]
    per_thousand: dict[str, dict[str, float]]


def shown(text: str) -> tuple[str, ...]:
    """Name the signals that a message shows.

    >>> shown("How old r u?")
    ('asks_age',)
    """
    found = tokens(text)
    mask = 0
    for token in found:
        mask |= CUES.get(token, 0)
    return matching(mask, " ".join(found)) if mask else ()


def rates(paths: Iterable[Path]) -> Rates:
    """Count the signals of every message in `paths`, the source being a file's name up to its first dot.

    Raises
    ------
    TranscriptError
        A file cannot be read at all.
    """
    messages: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    counts: dict[str, Counter[str]] = {signal.name: Counter() for signal in PATTERN_SIGNALS}
    for path in paths:
        source = path.name.split(".")[0]
        for transcript in read(path):
            if isinstance(transcript, BadLine):
                skipped[source] += 1
                continue
            messages[source] += len(transcript.messages)
            for message in transcript.messages:
                for name in shown(message.text):
                    counts[name][source] += 1
    per_thousand = {
        name: {source: 1000 * by_source[source] / total for source, total in messages.items() if total}
        for name, by_source in counts.items()
    }
    return Rates(dict(messages), dict(skipped), per_thousand)
