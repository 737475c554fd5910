"""`lampkeeper run` and `check`: what an operator does with a configuration.

Leans on `bots.composition` for the parts. `run` gives every adapter a task of its own: one platform that refuses says
so and leaves the others running. A stop (Ctrl-C, SIGTERM) ends the adapters first and the guard last, so that all that
was received is committed. Reports to NCMEC that people confirmed are carried on meanwhile, in a task of their own.

Safe mode: where database or model cannot be opened, platforms that have a stand-in (`bots.composition.SAFE`) go online
with it, and opening is tried again until it can be; `run` then goes on as always. Without one, or where another
Lampkeeper has the database and so watches, it ends with the sentence. So it does once every stand-in had to give up.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.text import Text

from bots import composition
from bots.adapter import Adapter, Finding, SafeAdapter
from bots.commands import cybertip
from bots.terminal import complain, console
from core import installations
from core.clock import doubted
from core.communities import Choices, looked_up
from core.config import Config, load_config
from core.engine import Engine
from core.errors import ConfigError, LampkeeperError, ModelError, StoreError, StoreInUseError, VaultError
from core.guard import Guard
from core.model import SHIPPED, load_model
from core.observe import place_of, set_up_logging
from core.store import Store
from core.store.look import key_check_of, look
from core.store.view import viewed
from core.vault import Keys, look_vault

UNOPENED = (StoreError, VaultError, ModelError)
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds between tries to open what could not be opened."""
SHADOW = "shadow mode: scores are noted for `lampkeeper tune`, and no alert is shown to anybody"


def run(*, config: Path | None = None) -> int:
    """Start the adapters named in the configuration, and go on until Ctrl-C or SIGTERM.

    Exits with 1 if an adapter had to give up, even where others went on.

    Parameters
    ----------
    config
        The configuration. Default: config.toml in the working directory.
    """
    set_up_logging()
    return asyncio.run(_run(load_config(config, os.environ, serves=True)))


async def _run(config: Config) -> int:
    names = composition.configured(config)
    if not names:
        raise ConfigError("The configuration names no platform.", "Add a [discord] or a [slack] section to it.")
    for name in names:
        for missing in composition.missing_tokens(config, name):
            raise missing
    stop = _stop()
    opened = await _opened(config, names, stop)
    if opened is None:
        console().print("Stopped.")
        return 1
    engine, store = opened
    try:
        guard = composition.make_guard(config, engine, store)
        adapters = [composition.make_adapter(config, name, guard) for name in names]
        console().print(f"Lampkeeper is running: {', '.join(names)}. Ctrl-C stops it.")
        if engine.shadow:
            console().print(f"{SHADOW}.")
        composition.look_less_for_garbage()
        async with _carrying_reports(config, guard):
            return await _serve(guard, adapters, stop)
    finally:
        await store.close()


@asynccontextmanager
async def _carrying_reports(config: Config, guard: Guard) -> AsyncIterator[None]:
    """Meanwhile go on with reports to NCMEC that people confirmed, where the configuration has credentials for it."""
    if config.cybertipline is None:
        yield
        return
    try:
        submissions = composition.make_submissions(config, guard.ledger)
    except ConfigError as error:
        complain(f"No report to NCMEC is sent: {error}")
        yield
        return
    carrying = asyncio.create_task(submissions.keep_carrying(), name="reports")
    try:
        yield
    finally:
        await _cancelled(carrying)


async def _opened(config: Config, names: Sequence[str], stop: asyncio.Event) -> tuple[Engine, Store] | None:
    """Open model and database, however long it takes where there is a safe mode; None if a signal stopped that."""
    try:
        return await composition.opened(config)
    except StoreInUseError:
        raise
    except UNOPENED as error:
        safe = [composition.make_safe(config, name, error) for name in names if name in composition.SAFE]
        if not safe:
            raise
        complain(f"{error} Until then: safe mode, in which nothing is checked. It is tried again by itself.")
    telling = asyncio.gather(*(_listen(adapter, []) for adapter in safe))
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        return await _open_again(config, safe, (telling, stopping))
    finally:
        stopping.cancel()
        await _cancelled(telling)


async def _open_again(
    config: Config, safe: Sequence[SafeAdapter], ends: tuple[asyncio.Future[Any], asyncio.Task[Any]]
) -> tuple[Engine, Store] | None:
    """Try until it can be opened, keeping `safe` up to date; None with a signal; the error if all of `safe` ended.

    `ends` are done when all stand-ins gave up, and when a signal came.
    """
    wait, (given_up, stopping) = FIRST_WAIT, ends
    while True:
        await asyncio.wait(ends, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            return None
        try:
            opened = await composition.opened(config)
        except StoreInUseError:
            raise
        except UNOPENED as error:
            if given_up.done():
                raise
            for adapter in safe:
                adapter.trouble = error
            wait = min(2 * wait, LONGEST_WAIT)
        else:
            await asyncio.gather(*(adapter.over() for adapter in safe))
            return opened


async def _serve(guard: Guard, adapters: Sequence[Adapter], stop: asyncio.Event) -> int:
    """Run guard and adapters until `stop`, until no adapter is left, or until the guard fails."""
    watching = asyncio.create_task(guard.run(adapters), name="guard")
    gave_up: list[str] = []
    listening = asyncio.gather(*(_listen(adapter, gave_up) for adapter in adapters))
    stopping = asyncio.create_task(stop.wait(), name="stop")
    parts: set[asyncio.Future[Any]] = {watching, listening, stopping}
    await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await _cancelled(listening)
    await _cancelled(watching)  # last: what the adapters received is committed
    console().print("Stopped." if stop.is_set() else "No adapter is left; stopped.")
    if gave_up:
        complain(f"Gave up before the end, for what was said above: {', '.join(gave_up)}.")
    return 0 if stop.is_set() and not gave_up else 1


def _stop() -> asyncio.Event:
    """Return what a signal to stop sets."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _cancelled(task: asyncio.Future[Any]) -> None:
    """End a task; an error that ended it before is raised."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _listen(adapter: Adapter | SafeAdapter, gave_up: list[str]) -> None:
    """Run one adapter; when it has to give up, say so, note it in `gave_up`, and leave the others alone."""
    try:
        await adapter.run()
    except LampkeeperError as error:
        gave_up.append(adapter.platform)
        complain(f"{adapter.platform}: {error}")
    except Exception as error:  # noqa: BLE001 - a bug in one adapter must not silence the others
        gave_up.append(adapter.platform)
        complain(f"{adapter.platform}: stopped by a fault in Lampkeeper ({place_of(error)}). Please report it.")


def check(*, config: Path | None = None) -> int:
    """Tell whether configuration, key file, database, model and platforms are in order, a line each.

    Changes nothing. Exits with 1 if anything is not in order.

    Parameters
    ----------
    config
        The configuration. Default: config.toml in the working directory.
    """
    findings = asyncio.run(_check(config))
    out = console()
    for finding in findings:
        mark, style = ("ok", "green") if finding.ok else ("✗ ", "red")
        remedy = f" — {finding.remedy}" if finding.remedy else ""
        out.print(Text.assemble((mark, style), f"  {finding.what}{remedy}"), soft_wrap=True)
    return 0 if all(finding.ok for finding in findings) else 1


async def _check(path: Path | None) -> list[Finding]:
    found = [_model()]
    try:
        config = load_config(path, os.environ, serves=True)
    except ConfigError as error:
        return [_wrong(error), *found]
    keys = composition.keys_of(config)
    found = [
        Finding("configuration", ok=True),
        *_storage(keys, config.storage.database),
        *await _clock(keys, config.storage.database),
        *found,
        *([Finding(SHADOW, ok=True)] if config.alerts.mode == "shadow" else []),
    ]
    try:
        own = composition.own_signals(config).meanings
    except LampkeeperError as error:
        return [*found, _wrong(error)]
    if own:
        found.append(Finding(f"own signals: {len(own)} ({', '.join(own)})", ok=True))
    names = composition.configured(config)
    if not names:
        found.append(Finding("platforms: none", ok=False, remedy="Add a [discord] or a [slack] section."))
    chosen, installed = _kept(keys, config.storage.database)
    for name in names:
        missing = [_wrong(error) for error in composition.missing_tokens(config, name)]
        found += missing or await _platform(config, name, chosen, installed)
    if config.cybertipline is not None:
        found.append(await cybertip.credentials(config))
    return found


def _wrong(error: LampkeeperError) -> Finding:
    return Finding(error.what, ok=False, remedy=error.remedy)


def _model() -> Finding:
    try:
        load_model()
    except LampkeeperError as error:
        return _wrong(error)
    return Finding(f"model {SHIPPED}", ok=True)


def _storage(keys: Keys, database: Path) -> list[Finding]:
    """Look at keys and database without opening them for writing: a running Lampkeeper may have them open."""
    folder = database.parent
    try:
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            remedy = "Make it, and give this account write access."
            return [Finding(f"database folder {folder} cannot be written", ok=False, remedy=remedy)]
        held = database.exists() and database.stat().st_size > 0
        keyed = held or not keys.missing()
    except OSError as error:
        remedy = "Give this account access, or correct [storage]."
        return [Finding(f"{error.filename} cannot be read ({error.strerror})", ok=False, remedy=remedy)]
    except VaultError as error:
        return [_wrong(error)]
    later = "(will be made at the first start)"
    if not held:
        unmade = Finding(f"key from {keys.source} {later}", ok=True)
        return [*(_keys(keys, None) if keyed else [unmade]), Finding(f"database {database} {later}", ok=True)]
    try:
        look(database)
        return [*_keys(keys, key_check_of(database)), Finding(f"database {database}", ok=True)]
    except StoreError as error:
        return [_wrong(error)]


async def _clock(keys: Keys, database: Path) -> list[Finding]:
    """Tell whether the machine's clock is in doubt; nothing where the database cannot be asked, as `_storage` says."""
    try:
        async with viewed(database, keys) as store, store.read() as tx:
            doubt = await doubted(tx, time.time())
    except (LampkeeperError, OSError):
        return []
    return [] if doubt is None else [Finding(doubt.what, ok=False, remedy=doubt.remedy)]


def _keys(keys: Keys, key_check: bytes | None) -> list[Finding]:
    """Tell whether master key and keyring fit each other, and the database."""
    try:
        made = keys.ring_made()
        if not made and key_check is None:
            keys.read()
        else:
            vault = look_vault(keys, key_check)
    except (VaultError, StoreError) as error:
        return [_wrong(error)]
    if not made:
        return [Finding(f"key from {keys.source}; the keyring {keys.keyring} is made at the next start", ok=True)]
    return [Finding(f"key from {keys.source}, keyring {keys.keyring} ({len(vault.scopes)} data keys)", ok=True)]


def _kept(keys: Keys, database: Path) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return what each space chose itself, and what platforms gave to enter them with.

    Nothing where that cannot be looked at, which `_storage` has said by then.
    """
    try:
        key_check = key_check_of(database) if database.exists() and database.stat().st_size > 0 else None
        if key_check is not None:
            vault = look_vault(keys, key_check)
            return looked_up(database, vault), installations.looked_up(database, vault)
    except (LampkeeperError, OSError):
        pass
    return {}, {}


async def _platform(
    config: Config, name: str, chosen: Mapping[str, Choices], installed: Mapping[str, Mapping[str, Any]]
) -> list[Finding]:
    """Ask one adapter. It is built on a store that is thrown away, so that checking touches no data.

    All that stands in that store is what each space chose itself, and what platforms gave to enter them with.
    """
    with TemporaryDirectory(prefix="lampkeeper-check-") as folder:
        own = {"database": Path(folder, "db"), "key_file": Path(folder, "key")}
        storage = config.storage.model_copy(update=own | dict.fromkeys(("keyring", "key_command", "master_key")))
        empty = config.model_copy(update={"storage": storage})
        async with composition.opened_store(empty) as store:
            guard = composition.make_guard(empty, composition.make_engine(empty), store)
            for space, choices in chosen.items():
                await guard.communities.note(space, choices)
            for space, given in installed.items():
                await installations.Installations(guard.ledger).save(space, given)
            await guard.communities.load()
            return await composition.make_adapter(empty, name, guard).check()
