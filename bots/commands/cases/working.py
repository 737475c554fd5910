"""`lampkeeper cases claim`, `release`, `decide` and the other steps of a case: a line each to `core.casework.desk`.

Leans on `bots.commands.cases.common`. A command exits with 1 where it changed nothing, and says why.
"""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from bots.commands.cases.common import As, Case, ConfigFile, OtherCase, changed, found, some_lines
from core.casework.cards import Decision, Grounds, Person
from core.casework.desk import Desk, Verdict
from core.casework.notes import LONGEST
from core.errors import ConfigError

REMARK_LONGEST = 300
"""Characters of a remark, as in the platforms' forms."""
Deed = Literal["confirm", "dismiss", "undo", "anew"]
DECISIONS: dict[str, Decision] = {"confirm": "confirmed", "dismiss": "dismissed"}
Flag = Annotated[bool, Parameter(negative=())]


def claim(case: Case, *, name: As, over: Flag = False, config: ConfigFile = None) -> int:
    """Look into a case, so that others see that somebody does.

    Parameters
    ----------
    over
        Take it over from whoever looks into it so far.
    """
    return changed(
        config,
        case,
        name,
        lambda desk, card, who: desk.claim(
            case, who, card.claimed.moderator if over and card.claimed is not None else None
        ),
        otherwise="Somebody looks into it; --over takes it over from them." if not over else "",
        step="take_over",
    )


def release(case: Case, *, name: As, config: ConfigFile = None) -> int:
    """Look into a case no more, so that others can."""
    change = "Only whoever looks into it can let go of it."
    return changed(config, case, name, lambda desk, _, who: desk.release(case, who), otherwise=change, step="release")


def decide(  # noqa: PLR0913 - a decision and why
    case: Case,
    decision: Deed,
    *,
    name: As,
    grounds: Grounds | None = None,
    remark: str = "",
    config: ConfigFile = None,
) -> int:
    """Confirm the concern, dismiss the case, take back your own decision of the last day, or have it decided anew.

    Parameters
    ----------
    decision
        What you decided: "confirm" or "dismiss"; "undo" takes it back within a day. "anew" takes back whoever's it was.
    grounds
        Why you dismiss it.
    remark
        What others should know about it, in at most 300 characters; shown on the card.
    """
    if decision != "dismiss" and grounds is not None:
        raise ConfigError("Only a dismissal has grounds.", "Leave out --grounds, or use --remark.")
    if decision == "undo":
        mine = "Only whoever decided can take it back, and only within a day."
        return changed(config, case, name, lambda desk, _, who: desk.undecide(case, who), otherwise=mine, step="undo")
    if decision == "anew":
        return changed(config, case, name, lambda desk, _, who: desk.reconsider(case, who))
    decided, words = DECISIONS[decision], some_lines(remark, "The remark", REMARK_LONGEST)
    return changed(config, case, name, lambda desk, _, who: desk.decide(case, decided, who, grounds, words))


def escalate(case: Case, *, name: As, config: ConfigFile = None) -> int:
    """Have a second reviewer called, once."""
    return changed(config, case, name, lambda desk, _, who: desk.escalate(case, who))


def note(case: Case, text: str = "-", *, name: As, config: ConfigFile = None) -> int:
    """Note something on a case, for those who work on it after you.

    Parameters
    ----------
    text
        What to note, in at most 2,000 characters. "-" reads it from standard input, so that no shell keeps it.
    """
    words = some_lines(sys.stdin.read() if text == "-" else text, "The note", LONGEST)
    if not words:
        raise ConfigError("There is nothing to note.", "Write a text after the case, or on standard input.")
    too_late = "Its evidence was kept long enough, and a note would go with it: reopen it, or put it under hold, first."
    return changed(config, case, name, lambda desk, _, who: desk.note(case, words, who), otherwise=too_late)


def hold(case: Case, *, name: As, config: ConfigFile = None) -> int:
    """Put a case under legal hold: whatever is preserved of it stays until the hold is lifted."""
    words = "It is under legal hold already."
    return changed(config, case, name, lambda desk, _, who: desk.hold(case, who), otherwise=words)


def lift(case: Case, *, name: As, config: ConfigFile = None) -> int:
    """Lift the legal hold: what is older than the retention rule allows goes with it.

    Of a reported case the hold ends by itself then, once its year is over.
    """
    words = (
        "There is no legal hold of its own, or its time is fixed and not up (the case was reported), or a report about "
        "it is on its way to NCMEC."
    )
    return changed(config, case, name, lambda desk, _, who: desk.lift(case, who), otherwise=words)


def aside(case: Case, *, name: As, config: ConfigFile = None) -> int:
    """Put a case aside until somebody outside answers: nobody is reminded of it meanwhile."""
    return changed(config, case, name, lambda desk, _, who: desk.put_aside(case, who))


def resume(case: Case, *, name: As, config: ConfigFile = None) -> int:
    """Go on with a case that was put aside, from where it stood."""
    return changed(config, case, name, lambda desk, _, who: desk.resume(case, who))


def close(case: Case, *, name: As, config: ConfigFile = None) -> int:
    """Close a case that was decided: nothing more is preserved, and retention begins to count."""
    return changed(config, case, name, lambda desk, _, who: desk.close(case, who))


def reopen(case: Case, *, name: As, config: ConfigFile = None) -> int:
    """Open a closed case again, where it stood; one that was merged stands by itself then."""
    return changed(config, case, name, lambda desk, _, who: desk.reopen(case, who))


def merge(case: Case, into: OtherCase, *, name: As, config: ConfigFile = None) -> int:
    """Make a case part of another about the same people, and close it.

    Parameters
    ----------
    into
        The case that it becomes part of.
    """
    words = f"It can only become part of an open case about the same person or the same two people, and {into} is none."
    return changed(config, case, name, lambda desk, _, who: _merged(desk, case, into, who), otherwise=words)


async def _merged(desk: Desk, case: str, into: str, who: Person) -> Verdict | None:
    if await desk.case(into) is not None:
        await found(desk, into, who)  # that one is not about whoever acts either
    return await desk.merge(case, into, who)
