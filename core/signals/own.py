"""Operators' own signals: words and patterns that a community wants named on its cards.

Leans on `core.text` for words, pyahocorasick for literals (all of them in one pass) and google-re2 for patterns (a
search is linear in the text whatever the pattern, so no operator can slow a server down by accident). Both libraries
are imported only where there is something to look for. Decisions:

- Literals are looked for in canonical text, so that "d1sc0rd" is found as "discord", and only as whole words. Patterns
  are looked for in the text as typed, because they are often about what canonical text leaves out (an invite's
  address); case does not matter unless the pattern says ``(?-i)``.
- The model never learned them, so they are counted and shown, and never weighed; nor do they raise an alert.
- A negation or a quotation changes nothing: whoever writes a pattern knows better than we do what is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.errors import ConfigError
from core.signals.computed import MEANINGS
from core.text import tokens

_NAME = re.compile(r"[a-z]+(?:_[a-z]+)*")


@dataclass(frozen=True)
class OwnSignal:
    r"""One own signal: a name in snake_case, its meaning in words, and what it is seen by.

    >>> OwnSignal("mentions_invite", "posts an invitation", patterns=(r"discord\.gg/[a-z]+",)).name
    'mentions_invite'

    Raises
    ------
    ValueError
        Something in it cannot be used; the message is a clause that says what.
    """

    name: str
    meaning: str
    literals: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise ValueError('the name must be in small letters and underscores, such as "asks_for_invite"')
        if self.name in MEANINGS:
            raise ValueError("the name is one of Lampkeeper's own signals; choose another")
        if not self.meaning.strip():
            raise ValueError("the meaning must say in words what was said")
        if not self.literals and not self.patterns:
            raise ValueError("it needs at least one literal or pattern")
        _usable(self.literals, self.patterns)


def _usable(literals: tuple[str, ...], patterns: tuple[str, ...]) -> None:
    """Refuse what nothing could be seen by, or everything."""
    if isinstance(literals, str) or isinstance(patterns, str):
        raise ValueError("literals and patterns are lists of strings, not one string")  # noqa: TRY004 - as documented
    for number, literal in enumerate(literals, 1):
        if not tokens(literal):
            raise ValueError(f"literal {number} holds no word")
    for number, pattern in enumerate(patterns, 1):
        if not pattern:
            raise ValueError(f"pattern {number} is empty")
        if reason := _refused(pattern):
            raise ValueError(f"pattern {number} is no RE2 expression ({reason})")


class OwnSignals:
    """All own signals, ready to look for; `meanings` are theirs by name.

    Raises
    ------
    ConfigError
        Two have the same name.
    """

    def __init__(self, signals: Iterable[OwnSignal]) -> None:
        self.meanings: dict[str, str] = {}
        literals: list[tuple[str, str]] = []
        self._patterns: list[tuple[Any, str]] = []
        for signal in signals:
            if signal.name in self.meanings:
                raise ConfigError(f"Two own signals are named {signal.name}.", "Rename one of them.")
            self.meanings[signal.name] = signal.meaning
            literals += [(f" {' '.join(tokens(literal))} ", signal.name) for literal in signal.literals]
            self._patterns += [(_compiled(pattern), signal.name) for pattern in signal.patterns]
        self._literals = _automaton(literals) if literals else None

    def __len__(self) -> int:
        return len(self.meanings)

    def shown(self, text: str) -> tuple[str, ...]:
        """Name the signals that a message shows, in the order they were given.

        >>> own = OwnSignals([OwnSignal("says_lamp", "speaks of lamps", literals=("oil lamp",))])
        >>> own.shown("an 0il l@mp!"), own.shown("oil lamps")
        (('says_lamp',), ())
        """
        found: set[str] = set()
        if self._literals is not None:
            for _, names in self._literals.iter(f" {' '.join(tokens(text))} "):
                found |= names
        found.update(name for pattern, name in self._patterns if name not in found and pattern.search(text))
        return tuple([name for name in self.meanings if name in found])


def _automaton(literals: list[tuple[str, str]]) -> Any:
    import ahocorasick  # noqa: PLC0415 - costs nothing where there are no literals

    names: dict[str, set[str]] = {}
    for literal, name in literals:
        names.setdefault(literal, set()).add(name)
    automaton = ahocorasick.Automaton()
    for literal, its in names.items():
        automaton.add_word(literal, its)
    automaton.make_automaton()
    return automaton


def _compiled(pattern: str) -> Any:
    import re2  # noqa: PLC0415 - costs nothing where there are no patterns

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False  # it would print the pattern; what is wrong is told by whoever asked
    return re2.compile(pattern, options)


def _refused(pattern: str) -> str | None:
    """Say why RE2 cannot use `pattern`, without quoting it."""
    import re2  # noqa: PLC0415 - costs nothing where there are no patterns

    try:
        _compiled(pattern)
    except re2.error as error:
        reason = error.args[0]
        return (reason.decode() if isinstance(reason, bytes) else str(reason)).partition(":")[0]
    return None
