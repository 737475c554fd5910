"""`lampkeeper purge`: the retention rule at once, or everything about a space or a person in it.

Leans on `core.guard`, which does the removing, and `core.holdings`, which says beforehand what there is. The database
has one writer: while `lampkeeper run` goes on, this says so and removes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bots import composition
from bots.terminal import console, show_summary
from core import holds, withdrawals
from core.config import Config, load_config
from core.errors import ConfigError
from core.holdings import holdings, spaces
from core.observe import set_up_logging


def purge(
    *,
    config: Path | None = None,
    space: str | None = None,
    person: str | None = None,
    held: Annotated[bool, Parameter(negative=())] = False,
    yes: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Purge text older than [storage] keep_text_days; with --space, remove that space, or one person in it, for good.

    Exits with 1 if nothing is kept about that space or person, or if the question was not answered with yes.

    Parameters
    ----------
    config
        The configuration. Default: config.toml in the working directory.
    space
        The space to remove, with its platform before a colon, as in discord:SERVER_ID or slack:WORKSPACE_ID.
    person
        Remove only this person, by the platform's id, from the space.
    held
        With --space: cases under legal hold, too, for good. Else they stay.
    yes
        Do not ask.
    """
    set_up_logging(logging.WARNING)
    loaded = load_config(config, os.environ)
    if space is not None:
        return asyncio.run(_forget(loaded, space, person, sure=yes, holds_too=held))
    if person is not None:
        raise ConfigError("A person is known within one space only.", "Name it with --space, too.")
    purged = asyncio.run(_purge(loaded))
    days = loaded.storage.keep_text_days
    show_summary(console(), [("purged", f"{purged:,} messages received more than {days:g} days ago")])
    return 0


async def _purge(config: Config) -> int:
    async with composition.opened_store(config) as store:
        return await composition.make_guard(config, composition.make_engine(config), store).purge()


async def _forget(config: Config, space: str, person: str | None, *, sure: bool, holds_too: bool) -> int:
    to = console()
    who = f"the space {space}" if person is None else f"the person {person} in the space {space}"
    async with composition.opened_store(config) as store:
        known = await spaces(store)
        if space not in known:
            raise ConfigError(
                f"Nothing is kept about the space {space}.", f"Known: {', '.join(known) or 'no space at all'}."
            )
        kept = await holdings(store, space, person)
        if person is not None and not any(kept):
            raise ConfigError(f"Nothing is kept about {who}.", "Give the platform's id of the person, not a name.")
        to.print(f"Of {who} there is kept: {kept}.", soft_wrap=True)
        if not sure and not _agreed():
            to.print("Nothing was removed.")
            return 1
        guard = composition.make_guard(config, composition.make_engine(config), store)
        if holds_too:
            await holds.end(guard.ledger, space, person)
        held = await (guard.forget_space(space) if person is None else guard.forget_person(space, person))
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
        return 0
    to.print(f"Everything about {who} was removed.", soft_wrap=True)
    return 0


def _agreed() -> bool:
    """Ask, where somebody can answer."""
    if not sys.stdin.isatty():
        raise ConfigError("There is no terminal to ask on, and nothing was removed.", "Add --yes to remove it.")
    try:
        return input("Remove it for good? It cannot be brought back. [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False
