"""What a pattern signal is, and how one matches.

Leans on nothing. A pattern is a regular expression over canonical text (`core.text.tokens` joined by single spaces),
bounded by token borders on both sides. A match does not count where the author says the opposite or somebody else's
words: with a negation among the two tokens before it, or between a pair of quotation marks. The rule is deliberately
that small; what it misses, the learned weights see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Stage = Literal["access", "trust", "isolation", "intimacy", "approach", "pressure", "response"]
"""Where in the course of such conversations a signal belongs: the stages of O'Connell (2003) and the phases of luring
communication theory (Olson et al. 2007), in plain words. `response` is what the one approached says."""

NEGATIONS = frozenset(
    (
        "not",
        "never",
        "wont",
        "dont",
        "didnt",
        "doesnt",
        "cant",
        "cannot",
        "wouldnt",
        "shouldnt",
        "isnt",
        "without",
        "nor",
    )
)
_ASKED = frozenset(("you", "u", "ya", "we"))
"""After a negation these make it a question or an invitation: "why don't you", "can't we"."""


@dataclass(frozen=True)
class PatternSignal:
    """One named pattern, as data.

    `meaning` tells a moderator what was said and accuses nobody. `cues` are canonical tokens, at least one of which is
    in every match: a message without any is never searched. Where those are everyday words, `also` is a second such
    set; empty means none is needed. `patterns` are regular expressions without unbounded repeats. The examples fire and
    the counter-examples do not, as typed. One that is not `weighed` is shown and counted, and the model never sees it.
    """

    name: str
    stage: Stage
    meaning: str
    cues: frozenset[str]
    patterns: tuple[str, ...]
    examples: tuple[str, ...]
    counter_examples: tuple[str, ...]
    also: frozenset[str] = frozenset()
    weighed: bool = True

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        # Compiled at first use: all of them at once would be a third of the start-up time.
        return bounded(self.patterns)

    def search(self, text: str) -> re.Match[str] | None:
        """Return the first match in canonical `text` that counts."""
        if self._compiled.search(text) is None:  # nearly always; the generator below costs more than this
            return None
        return next(counting(self._compiled, text), None)


def bounded(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Compile alternatives that begin and end at token borders."""
    return re.compile(rf"(?<!\S)(?:{'|'.join(patterns)})(?!\S)")


def counting(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield the matches that are neither negated nor quoted."""
    quotes = counted = 0
    last_quote = text.rfind('"')
    for match in pattern.finditer(text):
        start = match.start()
        quotes += text.count('"', counted, start)
        counted = start
        quoted = quotes % 2 == 1 and last_quote >= match.end()
        # Two tokens of at most 40 characters lie within 82.
        if not quoted and not _negated(text[max(0, start - 82) : start].split()[-2:], match[0]):
            yield match


def _negated(before: list[str], match: str) -> bool:
    following = [*before[1:], match.split(" ", 1)[0]] if before else []
    return any(word in NEGATIONS and after not in _ASKED for word, after in zip(before, following, strict=True))
