"""What tests of one kind begin with: the tests' own Discord, `there`, and Lampkeeper on it, `stage`; an audit to
tamper with, `folder`.

A file whose stage is another one makes its own, of this one or anew; so do Slack's tests.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from tests.audit_stage import make
from tests.discord_platform import Platform, platform
from tests.discord_stage import DiscordStage, discord_stage

settings.register_profile("unhurried", deadline=None)  # how long an example takes says what else the machine does
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Take back what a command did to the log: it writes to a stream that is closed after its test."""
    yield
    structlog.reset_defaults()
    for handler in [handler for handler in logging.root.handlers if type(handler) is logging.StreamHandler]:
        logging.root.removeHandler(handler)  # pytest's own are of other kinds


@pytest.fixture
async def there() -> AsyncIterator[Platform]:
    async with platform() as running:
        yield running


@pytest.fixture
def clock() -> Callable[[], float]:
    """The clock that Lampkeeper goes by."""
    return time.time


@pytest.fixture
async def stage(tmp_path: Path, clock: Callable[[], float]) -> AsyncIterator[DiscordStage]:
    async with discord_stage(tmp_path, clock) as running:
        yield running


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a database with `ROWS` rows of audit and two signed heads, once; tests tamper with copies."""
    folder = tmp_path_factory.mktemp("pattern")
    asyncio.run(make(folder))
    return folder


@pytest.fixture
def folder(pattern: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pattern, tmp_path / "copy"))
