"""What every command about cases needs: the store beside a running Lampkeeper, the case, and who acts.

Leans on `bots.composition`. Who acts at a terminal is whoever they say they are (`--as`): the account that can read the
key file could do anything anyway. The name goes into the audit and on the card.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from time import gmtime, strftime
from typing import Annotated, Any, NamedTuple, TypeAlias
from unicodedata import category

from cyclopts import Parameter

from bots import composition
from bots.terminal import complain, console, safe
from core.casework.cards import Card, Person, State
from core.casework.cases import TERMINAL, concerns
from core.casework.desk import Desk, Verdict
from core.casework.transitions import Step, steps_from
from core.config import Config, load_config
from core.errors import ConfigError
from core.ledger import Ledger
from core.observe import set_up_logging

LONGEST_NAME = 80
SPACE_LONGEST = 200
"""Characters of a space's name, or of a person's id."""
ID_LONGEST = 64
"""Characters of a case's id, with room for those of other versions."""


def one_line(typed: str, option: str, longest: int) -> str:
    """Return what was typed without spaces around it; ConfigError unless it is one line of so many characters."""
    words = typed.strip()
    if len(words) > longest or not words.isprintable():
        raise ConfigError(f"{option} wants one line of at most {longest} characters.", "Shorten or correct it.")
    return words


def some_lines(typed: str, option: str, longest: int) -> str:
    """Return the same, of several lines."""
    words = typed.strip()
    if len(words) > longest:
        raise ConfigError(f"{option} is longer than {longest:,} characters.", "Shorten it.")
    if any(category(sign) in {"Cc", "Cs"} and sign not in "\n\t" for sign in words):
        raise ConfigError(f"{option} holds characters that no text has.", "Write it anew, as UTF-8.")
    return words


def _an_id(_type: object, typed: str) -> None:
    """Refuse what is no id of a case; it is not quoted, for it may be no text at all."""
    if not (typed.isascii() and typed.isprintable() and len(typed) <= ID_LONGEST):
        raise ConfigError("What was typed is no id of a case.", "`lampkeeper cases list` lists those that there are.")


def _a_name(_type: object, typed: str | None) -> None:
    if typed is not None:
        one_line(typed, "The name of a space or a person", SPACE_LONGEST)


Case: TypeAlias = Annotated[str, Parameter(help="The case, by the id on its card.", validator=_an_id)]
OtherCase: TypeAlias = Annotated[str, Parameter(validator=_an_id)]
Named: TypeAlias = Annotated[str | None, Parameter(validator=_a_name)]
"""A space, or a person by the platform's id."""
As: TypeAlias = Annotated[str, Parameter(name="--as", help="Your name, as the audit and the card will tell it.")]
ConfigFile: TypeAlias = Annotated[
    Path | None, Parameter(name="--config", help="The configuration. Default: config.toml in the working directory.")
]
STANDS: dict[State, str] = {
    "open": "open: nobody looks into it",
    "claimed": "looked into",
    "escalated": "escalated: a second reviewer was called",
    "dismissed": "dismissed",
    "concern_confirmed": "confirmed as a concern",
    "reported": "reported to an authority",
    "on_hold": "put aside until somebody answers",
    "closed": "closed",
}
COMMAND: dict[Step, str] = {
    "claim": "claim",
    "take_over": "claim --over",
    "release": "release",
    "escalate": "escalate",
    "dismiss": "decide dismiss",
    "confirm": "decide confirm",
    "undo": "decide undo",
    "reconsider": "decide anew",
    "put_aside": "aside",
    "resume": "resume",
    "report": "report",
    "close": "close",
    "merge": "merge",
    "reopen": "reopen",
}
"""Step -> the command that takes it."""


class Room(NamedTuple):
    """Where casework is done: the configuration, the desk and the ledger it stands on."""

    config: Config
    desk: Desk
    ledger: Ledger


@asynccontextmanager
async def room(config: Path | None) -> AsyncIterator[Room]:
    """Open the store beside whoever is watching."""
    loaded = load_config(config, os.environ)
    async with composition.opened_store(loaded, beside=True) as store:
        guard = composition.make_guard(loaded, composition.make_engine(loaded), store)
        yield Room(loaded, guard.desk, guard.ledger)


def run(work: Coroutine[Any, Any, int]) -> int:
    """Carry out a command; warnings of the log go to standard error."""
    set_up_logging(logging.WARNING)
    return asyncio.run(work)


def person(name: str) -> Person:
    """Return who acts; ConfigError if that is no name."""
    words = " ".join(name.split())
    if not 0 < len(words) <= LONGEST_NAME or safe(words) != words:
        raise ConfigError(
            "--as wants your name.", f"Write it on one line, in at most {LONGEST_NAME} characters, as in --as Kim."
        )
    return Person(f"{TERMINAL}{words}", words)


async def found(desk: Desk, alert: str, who: Person | None = None) -> Card:
    """Return a case's card; ConfigError if there is none, or if it is about who asks."""
    card = await desk.case(alert)
    if card is None:
        raise ConfigError(f"There is no case {alert!r}.", "`lampkeeper cases list` lists those that there are.")
    if who is not None and concerns(card, who):
        raise ConfigError(
            "Nobody works on a case about themselves.",
            "Somebody else has to. If only the names are alike, write yours in full.",
        )
    return card


Change: TypeAlias = Callable[[Desk, Card, Person], Awaitable[Verdict | None]]


def changed(  # noqa: PLR0913 - a change, and what to say where it is none
    config: Path | None, case: str, name: str, change: Change, *, otherwise: str = "", step: Step | None = None
) -> int:
    """Change a case, and say where it stands then; exits with 1 if nothing was changed, and says why.

    `otherwise` is what to say where the case stands right, as `step` can be taken from there, and yet nothing was
    changed; where it does not, where it stands says enough. Without a `step` it is said wherever the case stands.
    """
    return run(_changed(config, case, name, change, (otherwise, step)))


async def _changed(
    config: Path | None, case: str, name: str, change: Change, otherwise: tuple[str, Step | None]
) -> int:
    who = person(name)
    async with room(config) as (_, desk, _ledger):
        card = await found(desk, case, who)
        verdict = await change(desk, card, who)
    if verdict is None:
        raise ConfigError(f"Case {case} is gone: its data was deleted meanwhile.")
    if verdict.accepted:
        console().print(f"Done. {standing(verdict.card)}", soft_wrap=True)
        return 0
    words, step = otherwise
    why = words if step is None or step in steps_from(verdict.card.state) else ""
    complain(" ".join(filter(None, ("Nothing was changed.", why, standing(verdict.card)))))
    return 1


def standing(card: Card) -> str:
    """Say where a case stands, and what can be done from there."""
    by = ""
    if card.state == "claimed" and card.claimed is not None:
        by = f" by {safe(card.claimed.moderator.name)} since {when(card.claimed.time)}"
    elif card.state in {"dismissed", "concern_confirmed"} and card.decided is not None:
        by = f" by {safe(card.decided.moderator.name)} at {when(card.decided.time)}"
    elif card.merged is not None:
        by = f", as part of case {card.merged}"
    commands = ", ".join(COMMAND[step] for step in dict.fromkeys(steps_from(card.state)))
    return f"Case {card.alert} is {STANDS[card.state]}{by}. From there: {commands}."


def when(time: float) -> str:
    """Write a time, to the minute.

    >>> when(0.0)
    '1970-01-01 00:00 UTC'
    """
    return strftime("%Y-%m-%d %H:%M UTC", gmtime(time))


def text_of(path: Path) -> str:
    """Return what stands in a file that a person wrote; ConfigError if it cannot be read."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}).", "Check the name and the permissions.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8.", "Save the file as UTF-8.") from None
