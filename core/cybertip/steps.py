"""How a submission stands, and what is to be done next: a state machine over its log. Pure: no I/O, no clock.

::

    planned --confirm--> confirmed --submit--> submitted --upload (each file)--> uploaded
        --describe (each file)--> described --finish--> finished
    any of them --retract--> retracted            NCMEC finds it not valid --retract--> refused

Leans on `core.cybertip.log`. What makes sure that at most one report is ever finished:

- A request is in the log before it is sent. What was asked and never answered (a crash, a broken connection) counts as
  perhaps done.
- ``submit`` whose outcome is not known may have opened a report whose id never reached us. Such a report can never be
  finished by us, and NCMEC deletes it within `EXPIRES`; nothing is submitted before that, unless a human says so.
- ``upload`` whose outcome is not known may have left a file in the report that our log does not know. That report is
  taken back, and a new one submitted: what NCMEC has is what the log says.
- ``describe`` says the same thing however often it is asked, and so do ``finish`` (5102: it is finished) and
  ``retract`` (5101: it is taken back): they are asked again until their outcome is known.
- That a report is finished is believed where it was asked; otherwise a human has to look.
- A new report is submitted only once the one before is known to be gone: taken back, or not there any more. Where
  ``finish`` was asked, and its outcome is not known, "not there any more" is no proof: a human has to look.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from core.cybertip.answers import Outcome, meaning
from core.cybertip.log import Answered, Asked, Confirmed, Entry, GoneOn, Planned, Step, TakenBack

State = Literal[
    "planned", "confirmed", "submitted", "uploaded", "described", "finished", "retracted", "refused", "in_doubt"
]
"""`in_doubt`: confirmed, and a report may be open at NCMEC whose id is not known."""
FINAL: tuple[State, ...] = ("finished", "retracted")
IDLE: tuple[State, ...] = ("planned", "refused", "retracted")
"""In these no report is open at NCMEC that we know of, and none is being sent: it may be laid down anew."""
UNDER_WAY: tuple[State, ...] = ("confirmed", "in_doubt", "submitted", "uploaded", "described")
"""In these a report is being sent, or is open at NCMEC."""

HOUR = 3600.0
EXPIRES = 25 * HOUR
"""After this long, in seconds, a report that was opened and never touched is gone at NCMEC: 24 hours, and one for
clocks and for what was still on its way."""
MOST_TRIES = 10
"""So often in a row one request is tried before a human is asked."""
MOST_REPORTS = 3
"""So many reports may have been opened for one confirmation before a human is asked."""
FIRST_WAIT, LONGEST_WAIT = 30.0, 6 * HOUR


class Do(NamedTuple):
    """Ask NCMEC for this; `file` counts the report's files from 0, -1 where the step is about none."""

    step: Step
    file: int = -1


class Wait(NamedTuple):
    """Nothing before `until` (seconds since the epoch), and why, in a sentence."""

    until: float
    why: str


class Halt(NamedTuple):
    """A human must act: what happened, and what to do."""

    what: str
    remedy: str


Next = Do | Wait | Halt | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a submission stands.

    `report` is the id of the one that is open at NCMEC, or that was finished; `uploaded` are the ids of its files, in
    order, and `described` how many of them are described. `asked` was sent and is not answered, since `asked_at`.
    """

    state: State = "planned"
    live: bool = False
    eyes: int = 1
    files: int = 0
    confirmed: tuple[Confirmed, ...] = ()
    report: str | None = None
    uploaded: tuple[str, ...] = ()
    described: int = 0
    asked: Do | None = None
    asked_at: float = 0.0
    opened: int = 0  # reports that may have been opened since it was confirmed
    doubt: float | None = None  # until then a report may be open whose id is not known
    elsewhere: float | None = None  # the same at the other of NCMEC's two hosts
    finish_doubt: bool = False  # finish was asked, and its outcome is not known
    leaving: State | None = None  # the open report is to be taken back; then it stands so
    because: Halt | None = None  # why it is refused, until it stands so
    halt: Halt | None = None
    until: float = 0.0
    why: str = ""
    tries: int = 0


def standing(log: Iterable[Entry]) -> Standing:
    """Fold a log."""
    now = Standing()
    for entry in log:
        now = _after(now, entry)
    return now


def following(now: Standing, time: float) -> Next:
    """Say what is to be done at `time` (seconds since the epoch); None: nothing, ever. Nothing may be asked already."""
    assert now.asked is None, "its outcome comes first"
    if now.state in FINAL:
        return None
    if now.halt is not None:
        return now.halt
    if now.state == "planned":
        return Halt(
            f"Of {now.eyes} confirmations that it needs, {len(now.confirmed)} were given.",
            "Whoever answers for it types their name and the case's id.",
        )
    if now.doubt is not None and time < now.doubt:
        return Wait(now.doubt, _IN_DOUBT)
    if time < now.until:
        return Wait(now.until, now.why)
    return _step(now)


def _step(now: Standing) -> Next:
    if now.leaving is not None:
        return Do("retract")
    if now.report is None:
        return _TOO_MANY if now.opened >= MOST_REPORTS else Do("submit")
    if len(now.uploaded) < now.files:
        return Do("upload", len(now.uploaded))
    if now.described < now.files:
        return Do("describe", now.described)
    return Do("finish")


_IN_DOUBT = (
    "NCMEC's answer to the report is not known: it may have been opened there. It is sent anew once NCMEC has deleted "
    "it unfinished, or at once if you let it go on."
)
_TOO_MANY = Halt(
    f"{MOST_REPORTS} reports had to be begun, and none could be finished.",
    "Look at what the log says went wrong; then let it go on, or take it back.",
)
_LOST = Halt(
    "NCMEC was asked to finish the report, its answer did not arrive, and now it knows no such open report.",
    "Ask NCMEC's ESP team (espteam@ncmec.org) by the report's id whether it was finished. If it was not, let it go on.",
)
_UNASKED = Halt(
    "NCMEC says that the report is finished, and it was never asked to finish it.",
    "Ask NCMEC's ESP team (espteam@ncmec.org) by the report's id. If it is finished there, let it go on, and it is "
    "recorded as finished. If it is not, take it back.",
)


def _after(now: Standing, entry: Entry) -> Standing:
    match entry:
        case Planned():
            here, elsewhere = _doubt(now), now.elsewhere
            if entry.live != now.live:  # neither host knows of the other's reports
                here, elsewhere = elsewhere, here
            return Standing(live=entry.live, eyes=entry.eyes, files=len(entry.files), doubt=here, elsewhere=elsewhere)
        case Confirmed():
            confirmed = (*now.confirmed, entry)
            enough = now.state == "planned" and len(confirmed) >= now.eyes
            return _settled(replace(now, confirmed=confirmed, state="confirmed" if enough else now.state))
        case Asked():
            return replace(now, asked=Do(entry.step, entry.file), asked_at=entry.time)
        case Answered():
            return _settled(_answered(now, entry))
        case GoneOn():
            return _settled(_gone_on(now))
        case TakenBack():
            return _settled(_taken_back(now))


def _doubt(now: Standing) -> float | None:
    """Say until when a report may be open whose id is not known, also by a request that was never answered."""
    if now.asked is not None and now.asked.step == "submit":
        return now.asked_at + EXPIRES
    return now.doubt


def _settled(now: Standing) -> Standing:
    """Name the state after what is there."""
    if now.state in ("planned", "refused", *FINAL):
        return now
    if now.report is None:
        return replace(now, state="confirmed" if now.doubt is None else "in_doubt")
    if len(now.uploaded) < now.files:
        return replace(now, state="submitted")
    return replace(now, state="described" if now.described >= now.files else "uploaded")


def _gone_on(now: Standing) -> Standing:
    """Take away what a human looked at: what halted it, or else the doubt whether a report is open."""
    if now.halt is None:
        now = replace(now, doubt=None)
    elif now.state == "refused":
        now = replace(now, state="confirmed")
    elif now.halt == _LOST:
        now = _left(now)
    elif now.halt == _UNASKED:
        now = _finished(now)
    return replace(now, halt=None, tries=0, until=0.0, opened=0)


def _taken_back(now: Standing) -> Standing:
    if now.report is None:
        return replace(now, state="retracted", halt=None, leaving=None)
    return replace(now, leaving="retracted", halt=None, tries=0, until=0.0)


def _finished(now: Standing) -> Standing:
    return replace(now, state="finished", halt=None, leaving=None, finish_doubt=False)


def _left(now: Standing) -> Standing:
    """Go where it was to lead that the report is no longer open at NCMEC: to a new one, if nobody said otherwise."""
    state = now.leaving or "confirmed"
    halt = now.because if state == "refused" else None
    gone = replace(now, report=None, uploaded=(), described=0, finish_doubt=False, leaving=None, because=None)
    return replace(gone, state=state, halt=halt, tries=0, until=0.0)


def _answered(now: Standing, entry: Answered) -> Standing:
    """Fold the outcome of what was asked."""
    assert now.asked is not None, "an answer follows what was asked"
    step, now = now.asked.step, replace(now, asked=None)
    if step == "submit":
        perhaps = entry.perhaps or entry.then == "done"
        doubt = now.asked_at + EXPIRES if entry.perhaps else None
        now = replace(now, doubt=doubt, opened=now.opened + perhaps)
    elif entry.then == "finished":
        believed = step == "finish" or now.finish_doubt
        return _finished(now) if believed else replace(now, halt=_UNASKED)
    if entry.then == "done":
        return replace(_done(now, step, entry.outcome), tries=0, until=0.0)
    if step == "upload" and entry.perhaps:
        now = replace(now, leaving=now.leaving or "confirmed")
    if step == "finish" and entry.perhaps:
        now = replace(now, finish_doubt=True)
    return _not_done(now, step, entry)


def _done(now: Standing, step: Step, outcome: Outcome) -> Standing:
    match step:
        case "submit":
            return replace(now, report=outcome.report)
        case "upload":
            return replace(now, uploaded=(*now.uploaded, outcome.file or ""))
        case "describe":
            return replace(now, described=now.described + 1)
        case "finish":
            return _finished(now)
        case "retract":
            return _left(now)


def _not_done(now: Standing, step: Step, entry: Answered) -> Standing:
    """Fold an outcome that was not what was asked for."""
    says = meaning(entry.outcome)
    halt = Halt(says.what, says.remedy)
    leave = step in ("upload", "describe", "finish")
    match entry.then:
        case "later":
            return _tried(now, halt, entry)
        case "gone" if step != "submit":
            return replace(now, halt=_LOST) if now.finish_doubt else _left(now)
        case "anew" if leave:
            return replace(now, leaving="confirmed")
        case "mend" if leave:
            return replace(now, leaving="refused", because=halt)
        case "mend" if step == "submit":
            return replace(now, state="refused", halt=halt)
    return replace(now, halt=halt)


def _tried(now: Standing, halt: Halt, entry: Answered) -> Standing:
    """Try again, each time after waiting twice as long, or as long as the server said."""
    tries = now.tries + 1
    if tries >= MOST_TRIES:
        return replace(now, halt=halt._replace(remedy=f"It was tried {tries} times. Let it go on when that is mended."))
    wait = max(entry.outcome.after or 0.0, FIRST_WAIT * 2 ** (tries - 1))
    return replace(now, tries=tries, until=entry.time + min(wait, LONGEST_WAIT), why=halt.what)
