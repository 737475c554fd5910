"""What Discord's tests begin with: the tests' own Discord, `there`, and Lampkeeper on it, `stage`.

A file whose stage is another one makes its own, of this one or anew; so do Slack's tests.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.discord_platform import Platform, platform
from tests.discord_stage import DiscordStage, discord_stage


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
