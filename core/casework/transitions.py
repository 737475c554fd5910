"""The states of a case and the steps between them: one table, which the desk, the tests and the docs read.

Leans on SQLAlchemy and `parts` only to ask the same of the database. Decisions:

- A state is not stored: it is read off what is stored of a case, the first row of `READ` that fits. So a case never
  says one thing and is another, and a step that takes something back leads to where the case was before.
- A step is one conditional UPDATE: it happens only in a state that it starts from (`STEPS`), so of two people who press
  at once one does it.
- Nobody whom a case is about, or a part of it, takes any step on it, whoever they are; adapters ask
  (`cases.concerns`).
- No decision is for ever. Whoever decided takes it back within a day; later, or where it was somebody else, it is
  reconsidered, which everybody may and the record names as what it is.
- `on_hold` is a case put aside until somebody outside answers: nobody is reminded of it. A legal hold is another thing:
  it keeps evidence, whatever the state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, FromClause, case, literal

from core.casework.cards import State
from core.casework.parts import of_whole
from core.store import tables

Step = Literal[
    "claim",
    "take_over",
    "release",
    "escalate",
    "dismiss",
    "confirm",
    "undo",
    "reconsider",
    "put_aside",
    "resume",
    "report",
    "close",
    "merge",
    "reopen",
]
Who = Literal["moderator", "claimant", "decider", "two"]
"""`claimant`: who works on it. `decider`: who decided, within a day. `two`: a named human, two where it is asked."""
_T = tables.alerts
WORKED_ON: tuple[State, ...] = ("open", "claimed", "escalated")
"""States in which nothing is decided yet."""
UNCLAIMED: tuple[State, ...] = ("open", "escalated")
"""Those of them in which it may be that nobody works on it."""
PRESERVED: tuple[State, ...] = ("open", "claimed", "escalated", "concern_confirmed", "reported", "on_hold")
"""States in which what the two say to each other goes on being preserved."""

READ: tuple[tuple[State, Callable[[FromClause], ColumnElement[bool]]], ...] = (
    ("closed", lambda row: row.c.closed.is_not(None)),
    ("on_hold", lambda row: row.c.aside.is_not(None)),
    ("reported", lambda row: row.c.reported.is_not(None)),
    ("concern_confirmed", lambda row: row.c.decision == "confirmed"),
    ("dismissed", lambda row: row.c.decision == "dismissed"),
    ("escalated", lambda row: row.c.escalated.is_not(None)),
    ("claimed", lambda row: row.c.claimant.is_not(None)),
)
"""State -> what is stored of a case (a row of `alerts`) that is in it, if none above fits; "open" if none does."""


class Way(NamedTuple):
    """One step: from which states, to which (None: to where the case stood before), and who may take it."""

    step: Step
    start: tuple[State, ...]
    end: State | None
    who: Who = "moderator"


STEPS: tuple[Way, ...] = (
    Way("claim", ("open",), "claimed"),
    Way("claim", ("escalated",), "escalated"),
    Way("take_over", ("claimed",), "claimed"),
    Way("take_over", ("escalated",), "escalated"),
    Way("release", ("claimed",), "open", "claimant"),
    Way("release", ("escalated",), "escalated", "claimant"),
    Way("escalate", ("open", "claimed"), "escalated"),
    Way("dismiss", WORKED_ON, "dismissed"),
    Way("confirm", WORKED_ON, "concern_confirmed"),
    Way("undo", ("dismissed", "concern_confirmed"), None, "decider"),
    Way("reconsider", ("dismissed", "concern_confirmed"), None),
    Way("put_aside", (*WORKED_ON, "concern_confirmed", "reported"), "on_hold"),
    Way("resume", ("on_hold",), None),
    Way("report", ("concern_confirmed", "reported"), "reported", "two"),
    Way("close", ("dismissed", "concern_confirmed", "reported"), "closed"),
    Way("merge", (*WORKED_ON, "dismissed", "concern_confirmed", "reported", "on_hold"), "closed"),
    Way("reopen", ("closed",), None),
)


def state(row: FromClause = _T) -> ColumnElement[str]:
    """Return the state of a row of `alerts`, as SQL."""
    return case(*((fits(row), literal(name)) for name, fits in READ), else_=literal("open"))


def preserves() -> ColumnElement[bool]:
    """Return whether a row of `alerts`, or the case that it became part of, goes on preserving what is said, as SQL."""
    return of_whole(lambda row: state(row).in_(PRESERVED))


def may(step: Step) -> ColumnElement[bool]:
    """Return whether a step can be taken from where a row of `alerts` stands, as SQL."""
    return state().in_({name for way in STEPS if way.step == step for name in way.start})


def undecided(row: FromClause = _T) -> ColumnElement[bool]:
    """Return whether people have yet to decide about a row of `alerts`, as SQL."""
    return row.c.decision.is_(None) & row.c.closed.is_(None)


def awaited() -> ColumnElement[bool]:
    """Return whether people have yet to decide about a row of `alerts`, or the case that it became part of, as SQL."""
    return of_whole(undecided)


def steps_from(name: State) -> tuple[Step, ...]:
    """Name the steps that can be taken from a state.

    >>> steps_from("closed")
    ('reopen',)
    """
    return tuple(way.step for way in STEPS if name in way.start)
