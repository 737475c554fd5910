"""The step log of a submission: what was confirmed, asked and answered, in order. Entries are only ever added.

Leans on `core.cybertip.answers`. The log is the truth that everything else is folded from (`core.cybertip.steps`); it
is stored sealed, as JSON, in the submission's row. An entry is added before a request is sent, and another when its
outcome is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from core.cybertip.answers import Outcome, Then

Step = Literal["submit", "upload", "describe", "finish", "retract"]


@dataclass(frozen=True, slots=True)
class Planned:
    """The report was laid down as it is to be sent.

    `digest` is the SHA-256 of all of it (`core.cybertip.stored.Content.digest`), `files` are names and SHA-256 of each.
    `live` is False for NCMEC's test host. `eyes` is how many people have to confirm it, `who` the pseudonym of whoever
    laid it down.
    """

    time: float
    who: str
    live: bool
    eyes: int
    digest: str
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A human confirmed it: pseudonym, and the name that they typed."""

    time: float
    who: str
    name: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request is about to be sent; `file` counts the report's files from 0, -1 where the step is about none."""

    time: float
    step: Step
    file: int = -1


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of the request before it; `then` and `perhaps` are what that meant, kept beside it.

    So a log reads the same whatever a later version thinks of a code.
    """

    time: float
    outcome: Outcome
    then: Then
    perhaps: bool


@dataclass(frozen=True, slots=True)
class GoneOn:
    """A human looked at what stood in the way, and let it go on."""

    time: float
    who: str
    name: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A human took the report back."""

    time: float
    who: str


Entry = Planned | Confirmed | Asked | Answered | GoneOn | TakenBack
_KINDS: dict[str, type[Entry]] = {
    "planned": Planned,
    "confirmed": Confirmed,
    "asked": Asked,
    "answered": Answered,
    "gone on": GoneOn,
    "taken back": TakenBack,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def plain(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return a log as JSON holds it.

    >>> plain([Asked(5.0, "finish")])
    [{'what': 'asked', 'time': 5.0, 'step': 'finish', 'file': -1}]
    """
    return [{"what": _NAMES[type(entry)], **asdict(entry)} for entry in entries]


def entries(log: Iterable[dict[str, Any]]) -> list[Entry]:
    """Return what `plain` made, after JSON held it."""
    return [_entry(**values) for values in log]


def _entry(what: str, **values: Any) -> Entry:
    if what == "answered":
        outcome = values.pop("outcome")
        return Answered(outcome=Outcome(**outcome | {"files": tuple(outcome["files"])}), **values)
    if what == "planned":
        values["files"] = tuple((name, digest) for name, digest in values["files"])
    return _KINDS[what](**values)
