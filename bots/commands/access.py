"""`lampkeeper access`: what is kept about one person in a space, as a file for them, and what only the operator sees.

Leans on `core.retention.requests.kept` for the file, which is the one that members get from admins, and on
`core.retention.holdings` for the rest. What is said about cases and legal holds goes to standard error, never into the
file: it would warn whoever a case is about. It only reads, beside a running Lampkeeper, and is on no record: who may
run it may read the database.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from pathlib import Path

from rich.console import Console

from bots import composition
from bots.commands.purge import known, show_holds, under_hold
from bots.terminal import console
from core.config import Config, load_config
from core.errors import ConfigError
from core.export import ExportFile
from core.export.saving import save
from core.observe import set_up_logging
from core.retention import requests
from core.retention.holdings import InCase, holdings, in_cases
from core.store.view import viewed


def access(*, space: str, person: str, config: Path | None = None, out: Path | None = None) -> int:
    """Write what is kept about a person in a space, as JSON for them; say to you what cases and legal holds keep.

    The file says nothing of cases, nor that there are none. Pass on the file, and not what is printed beside it.

    Parameters
    ----------
    space
        The space, with its platform before a colon, as in discord:SERVER_ID or slack:WORKSPACE_ID.
    person
        The person, by the platform's id.
    config
        The configuration. Default: config.toml in the working directory.
    out
        The file to write; it must not be there yet. Default: standard output.
    """
    set_up_logging(logging.WARNING)
    loaded = load_config(config, os.environ)
    kept, cases = asyncio.run(_gather(loaded, space, person))
    data = json.dumps(kept, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    else:
        save(out.parent, [ExportFile(out.name, "application/json", data)])
    _tell(console(stderr=True), person, cases)
    return 0


async def _gather(config: Config, space: str, person: str) -> tuple[dict[str, object], list[InCase]]:
    async with viewed(config.storage.database, composition.keys_of(config)) as store:
        await known(store, space)
        cases = await in_cases(store, space, person, time.time())
        if not any(await holdings(store, space, person)) and not cases:
            what = f"Nothing is kept about the person {person} in the space {space}."
            raise ConfigError(what, "Give the platform's id of the person, not a name.")
        guard = composition.make_guard(config, composition.make_engine(config), store)
        return await requests.kept(guard.ledger, space, person), cases


def _tell(to: Console, person: str, cases: list[InCase]) -> None:
    """Say what is kept besides, to whoever operates Lampkeeper."""
    items = sum(case.items for case in cases)
    to.print(
        f"For you, not for the file: cases that {person} has part in: {len(cases)}; preserved in them of what they "
        f"said: {items:,}. A deletion takes these along once they are decided; not those under legal hold"
        f"{':' if under_hold(cases) else ', of which there is none.'}",
        soft_wrap=True,
    )
    show_holds(to, under_hold(cases))
