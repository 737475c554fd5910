"""`lampkeeper purge`: what is due by the retention rules, or everything about a space or a person in it.

Leans on `core.retention.rules` for what is due and on `core.guard`, which does the removing; `core.retention.holdings`
says beforehand what there is. The database has one writer: while `lampkeeper run` goes on, this removes nothing and
says so. With `--dry-run` it only reads, beside it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from bots import composition
from bots.terminal import console, moment, show_summary
from core.casework import holds, withdrawals
from core.clock import doubted
from core.config import Config, load_config
from core.errors import ClockError, ConfigError, StoreInUseError
from core.observe import set_up_logging
from core.retention import requests, rules
from core.retention.holdings import InCase, holdings, in_cases, spaces
from core.retention.rules import Found, Held
from core.store import Store
from core.store.view import viewed


def purge(  # noqa: PLR0913 - its options
    *,
    config: Path | None = None,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    space: str | None = None,
    person: str | None = None,
    held: Annotated[bool, Parameter(negative=())] = False,
    undecided: Annotated[bool, Parameter(negative=())] = False,
    yes: Annotated[bool, Parameter(negative=())] = False,
    clock_is_right: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Remove what was kept long enough; with --space, remove that space, or one person in it, for good.

    `lampkeeper run` does the first by itself, about once an hour. docs/privacy.md lists how long everything is kept.

    While the clock of the machine is in doubt, as it says much more or less than messages and the last purge lead to
    expect, nothing is removed because its time is up.

    Exits with 1 if the clock is in doubt, if nothing is kept about that space or person, if somebody has to decide a
    case first, or if the question was not answered with yes.

    Parameters
    ----------
    config
        The configuration. Default: config.toml in the working directory.
    dry_run
        Only list what is due, by table and space, and what legal holds keep. Works while Lampkeeper runs.
    space
        The space to remove, with its platform before a colon, as in discord:SERVER_ID or slack:WORKSPACE_ID.
    person
        Remove only this person, by the platform's id, from the space.
    held
        With --space: cases under legal hold, too, for good. Else they stay.
    undecided
        With --person: cases that people have yet to decide, too. Else nothing is removed while there are any.
    yes
        Do not ask.
    clock_is_right
        You looked: this machine's date is right, whatever Lampkeeper takes it for. Remove what is due by it.
    """
    set_up_logging(logging.WARNING)
    loaded = load_config(config, os.environ)
    if space is not None:
        if dry_run:
            raise ConfigError("--dry-run lists what is due by itself, in every space.", "Leave out --space with it.")
        return asyncio.run(_forget(loaded, space, person, sure=yes, holds_too=held, undecided_too=undecided))
    if person is not None:
        raise ConfigError("A person is known within one space only.", "Name it with --space, too.")
    if dry_run:
        asyncio.run(_list(loaded))
        return 0
    try:
        purged = asyncio.run(_purge(loaded, sure=clock_is_right))
    except StoreInUseError as error:
        raise StoreInUseError(
            f"Lampkeeper is running on the database {loaded.storage.database}, and purges it by itself every hour.",
            "`lampkeeper purge --dry-run` lists what is due. To purge at once, stop it first.",
        ) from error
    days = loaded.storage.keep_text_days
    show_summary(console(), [("purged", f"{purged:,} messages received more than {days:g} days ago")])
    return 0


async def _list(config: Config) -> None:
    now = time.time()
    async with viewed(config.storage.database, composition.keys_of(config)) as store:
        found, kept = await _due(store, config, now)
        async with store.read() as tx:
            doubt = await doubted(tx, now)
    to = console()
    if doubt is not None:
        to.print(f"{doubt.what} {doubt.remedy}", soft_wrap=True)
    _show(to, found, "Due now, and removed by the next purge:", "Nothing is due.")
    if kept:
        to.print("Kept by legal holds:")
    for one in kept:
        to.print(f"  {one.space}  case {one.alert}: {_hold(one.until)}; evidence: {one.items:,}", soft_wrap=True)
    to.print("Nothing was changed.")


async def _purge(config: Config, *, sure: bool) -> int:
    async with composition.opened_store(config) as store:
        guard = composition.make_guard(config, composition.make_engine(config), store)
        if sure:
            await guard.believe_clock(time.time())
        elif (doubt := await guard.doubt()) is not None:
            raise ClockError(doubt.what, doubt.remedy)
        found, _ = await _due(store, config, guard.ledger.clock())
        purged = await guard.purge()
        await guard.forget_left()
        _show(console(), found, "Done:", "Nothing was due.")
        return purged


async def _due(store: Store, config: Config, now: float) -> tuple[list[Found], list[Held]]:
    async with store.read() as tx:
        return await rules.due(tx, config.keep(), now), await rules.held(tx, now)


def _show(to: Console, found: Sequence[Found], head: str, nothing: str) -> None:
    to.print(head if found else nothing)
    for one in found:
        to.print(f"  {one.space}  {one.table}: {one.rows:,} {one.what}", soft_wrap=True)


async def _forget(  # noqa: PLR0913 - of whom, and what of it
    config: Config, space: str, person: str | None, *, sure: bool, holds_too: bool, undecided_too: bool
) -> int:
    to = console()
    who = f"the space {space}" if person is None else f"the person {person} in the space {space}"
    async with composition.opened_store(config) as store:
        await known(store, space)
        kept = await holdings(store, space, person)
        if person is not None and not any(kept):
            raise ConfigError(f"Nothing is kept about {who}.", "Give the platform's id of the person, not a name.")
        to.print(f"Of {who} there is kept: {kept}.", soft_wrap=True)
        waiting = [] if person is None else await _waiting(store, space, person, holds_too=holds_too)
        if waiting:
            to.print(f"Nobody decided yet about case {', '.join(waiting)}: evidence would go with it.", soft_wrap=True)
        if waiting and not undecided_too:
            to.print("Nothing was removed. Have them decided first, or add --undecided to remove them as well.")
            return 1
        if not sure and not _agreed():
            to.print("Nothing was removed.")
            return 1
        guard = composition.make_guard(config, composition.make_engine(config), store)
        if holds_too:
            await holds.end(guard.ledger, space, person)
        held = await (guard.forget_space(space) if person is None else guard.forget_person(space, person))
        stay = await _staying(store, space, person)
        async with store.read() as tx:
            cards = await withdrawals.waiting(tx, space)
    if cards:
        to.print(f"Cards posted about it: {cards}. `lampkeeper run` empties them, first of all.", soft_wrap=True)
    if held:
        cases = "1 case that is" if held == 1 else f"{held} cases that are"
        to.print(
            f"Everything about {who} was removed, but for {cases} under legal hold. With --held they go as well.",
            soft_wrap=True,
        )
    else:
        to.print(f"Everything about {who} was removed.", soft_wrap=True)
    show_holds(to, stay)
    return 0


async def _waiting(store: Store, space: str, person: str, *, holds_too: bool) -> list[str]:
    """Return the cases nobody decided that forgetting a person would take along, or the person's words from."""
    async with store.read() as tx:
        waiting = await requests.undecided_about(tx, store.vault, space, person)
        held = {} if holds_too else await holds.on(tx, waiting)
    return [alert for alert in waiting if alert not in held]


async def known(store: Store, space: str) -> None:
    """Make sure that anything is kept about a space; ConfigError names those that there are."""
    there = await spaces(store)
    if space not in there:
        what = f"Nothing is kept about the space {space}."
        raise ConfigError(what, f"Known: {', '.join(there) or 'no space at all'}.")


def show_holds(to: Console, cases: Iterable[tuple[str, float | None]]) -> None:
    """Say, a line each, which cases a legal hold keeps, and until when."""
    for alert, until in cases:
        to.print(f"  case {alert}: {_hold(until)}", soft_wrap=True)


def under_hold(found: Iterable[InCase]) -> list[tuple[str, float | None]]:
    """Return those that are under legal hold, each with when it ends."""
    return [(case.alert, case.until) for case in found if case.held]


async def _staying(store: Store, space: str, person: str | None) -> list[tuple[str, float | None]]:
    now = time.time()
    if person is not None:
        return under_hold(await in_cases(store, space, person, now))
    async with store.read() as tx:
        return [(one.alert, one.until) for one in await rules.held(tx, now) if one.space == space]


def _hold(until: float | None) -> str:
    return "under legal hold until somebody ends it" if until is None else f"under legal hold until {moment(until)}"


def _agreed() -> bool:
    """Ask, where somebody can answer."""
    if not sys.stdin.isatty():
        raise ConfigError("There is no terminal to ask on, and nothing was removed.", "Add --yes to remove it.")
    try:
        return input("Remove it for good? It cannot be brought back. [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False
