"""Where the parts are put together: the only module that knows them all, and knows which adapters there are.

Leans on everything. `run`, `check`, `purge` and `demo` get what they need here; an adapter is one row of `ADAPTERS`,
imported only where the configuration names it, for each brings a platform's whole library along.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, cast

from bots import helplines
from bots.adapter import Adapter, SafeAdapter
from core import channels
from core.audit import heads
from core.config import ENVIRONMENT, Config
from core.cybertip import LIVE_HOST, TEST_HOST
from core.engine import Engine
from core.errors import ConfigError, LampkeeperError
from core.guard import Guard
from core.ledger import Ledger
from core.model import load_model
from core.signals.own import OwnSignals
from core.signals.plugins import plugged_in
from core.store import Store, open_store
from core.vault import Keys

if TYPE_CHECKING:
    from bots.common.exports import Links
    from core.cybertip.client import Client
    from core.cybertip.submissions import Submissions

ADAPTERS = {
    "discord": ("bots.discord_bot", "DiscordAdapter"),
    "slack": ("bots.slack_app", "SlackAdapter"),
}
"""Section of the configuration -> module and class; the class is made from its section and the guard."""
SAFE = {"discord": ("bots.discord_bot.safe", "DiscordSafe")}
"""The same of what stands in for an adapter while Lampkeeper cannot run; not every platform has one."""
LINKS = {"discord": ("bots.discord_bot.addresses", "unconnected")}
"""Platform -> module and function of the addresses that follow from ids alone; not every platform has such."""

GARBAGE_LOOKED_FOR_EVERY = 50_000
"""Objects made and not yet gone: a few MB."""


def make_engine(config: Config) -> Engine:
    """Load the shipped model, with the community's own thresholds over those that its card recommends."""
    model = load_model()
    return Engine(
        model, config.alerts.thresholds(model.thresholds), own_signals(config), shadow=config.alerts.mode == "shadow"
    )


def own_signals(config: Config) -> OwnSignals:
    """Gather the operator's own signals, from the configuration and from installed plug-ins."""
    return OwnSignals([*(signal.own() for signal in config.signals), *plugged_in()])


def keys_of(config: Config) -> Keys:
    """Say where the keys are."""
    storage = config.storage
    keyring = storage.keyring or Keys.beside(storage.key_file).keyring
    secret = storage.master_key.get_secret_value() if storage.master_key else None
    return Keys(storage.key_file, keyring, secret, storage.key_command or ())


@asynccontextmanager
async def opened_store(config: Config, *, beside: bool = False) -> AsyncIterator[Store]:
    """Open the database, and close it at the end; `beside` a Lampkeeper that may be running."""
    store = await open_store(config.storage.database, keys_of(config), beside=beside)
    try:
        yield store
    finally:
        await store.close()


async def opened(config: Config) -> tuple[Engine, Store]:
    """Open the database, and load the model; close the database again if that fails."""
    store = await open_store(config.storage.database, keys_of(config))
    try:
        return await asyncio.to_thread(make_engine, config), store
    except BaseException:
        await store.close()
        raise


def make_guard(config: Config, engine: Engine, store: Store) -> Guard:
    """Put the guard around the engine; it signs where the audit ends, once a day and when it stops."""
    servers = config.discord.servers if config.discord else ()
    guard = Guard(
        engine,
        store,
        keep=config.keep(),
        age_bands=config.age_bands,
        four_eyes=config.cases.four_eyes,
        ladder=config.cases.ladder(),
        excerpt_lines=config.cases.excerpt_lines_a_day,
        rotate=config.cases.rotate_claims,
        defaults={f"discord:{server.id}": {"mode": server.mode, "review": server.review} for server in servers},
    )
    guard.chores.append(partial(_sign_head, config, guard.ledger, "daily"))
    guard.last_chores.append(partial(_sign_head, config, guard.ledger, "stopping"))
    return guard


async def _sign_head(config: Config, ledger: Ledger, when: heads.When) -> None:
    heads.write(config.storage.heads, ledger.store.database, ledger.vault, ledger.clock(), when)


def make_client(config: Config, *, asks: bool = True) -> Client:
    """Make what asks NCMEC: at its test host, unless the configuration says live.

    ConfigError if the section is missing; where anything is to be asked (`asks`), also if credentials are.
    """
    from core.cybertip.client import Client  # noqa: PLC0415 - it brings aiohttp, which few commands need

    section = config.cybertipline
    if section is None:
        raise ConfigError(
            "The configuration has no section [cybertipline].",
            "docs/cybertipline.md tells who can use it; everybody else files the form at https://report.cybertip.org.",
        )
    for missing in missing_tokens(config, "cybertipline") if asks else ():
        raise missing
    given = (section.username, section.password)
    username, password = (secret.get_secret_value() if secret else "" for secret in given)
    return Client(username, password, LIVE_HOST if section.live else TEST_HOST)


def make_submissions(config: Config, ledger: Ledger, *, asks: bool = True) -> Submissions:
    """Make what carries reports to NCMEC (`make_client`)."""
    from core.cybertip.submissions import Submissions  # noqa: PLC0415 - as above

    return Submissions(ledger, make_client(config, asks=asks))


def look_less_for_garbage() -> None:
    """Have Python look for cycles less often, and no more among what is loaded by now and stays.

    What comes in with each message makes none, and looking took a sixth of the time under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_LOOKED_FOR_EVERY)


def configured(config: Config) -> list[str]:
    """Name the adapters that the configuration has a section for."""
    return [name for name in ADAPTERS if getattr(config, name) is not None]


def missing_tokens(config: Config, name: str) -> list[ConfigError]:
    """Say which tokens, and other keys that it cannot do without, the adapter `name` lacks."""
    section, variables = getattr(config, name), {place: variable for variable, place in ENVIRONMENT.items()}
    missing = []
    for key, why in section.needed():
        if getattr(section, key) is None:
            variable = variables.get((name, key))
            remedy = f"Set {variable}, or write it" if variable else "Write it"
            what = f"The key {name}.{key} is missing: it is needed {why}."
            missing.append(ConfigError(what, f"{remedy} into the configuration."))
    return missing


def make_adapter(config: Config, name: str, guard: Guard) -> Adapter:
    """Make one adapter; its members are told of helplines, and its moderators pass cases on as the reporter."""
    module, kind = ADAPTERS[name]
    known, reporter = helplines.known(config.helplines), config.reporting.reporter()
    return cast("Adapter", getattr(import_module(module), kind)(getattr(config, name), guard, known, reporter))


def make_safe(config: Config, name: str, trouble: LampkeeperError) -> SafeAdapter:
    """Make what stands in for one adapter while Lampkeeper cannot run, for what `trouble` says."""
    module, kind = SAFE[name]
    known = channels.recall(config.storage.database)
    return cast("SafeAdapter", getattr(import_module(module), kind)(getattr(config, name), trouble, known))


def links_of(config: Config, space: str) -> Links | None:
    """Return the addresses that follow from ids alone, for whoever is not connected; None where none do.

    Which messages were said to the bot alone only the platform could tell: where that may be, no message has one.
    """
    platform, _, server = space.partition(":")
    if platform not in LINKS:
        return None
    module, function = LINKS[platform]
    direct = None if config.discord is None else config.discord.direct_messages
    return cast("Links", getattr(import_module(module), function)(server, direct=str(direct) == server))
