"""How long it is waited before something is tried again."""

from __future__ import annotations

import pytest

from bots.common import patience
from core.errors import TryLater


async def test_waits_grow_up_to_a_bound_and_begin_anew_once_something_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(patience, "LONGEST_WAIT", 0.003)
    told: list[tuple[str, float]] = []
    waiting = patience.Patience(lambda error, seconds: told.append((error, seconds)))
    for _ in range(4):
        await waiting.after(OSError("words that nobody is told"))
    waiting.worked()
    await waiting.after(OSError())
    assert told == [("OSError", seconds) for seconds in (0.001, 0.002, 0.003, 0.003, 0.001)]


async def test_a_platform_that_says_how_long_is_waited_for_that_long() -> None:
    told: list[float] = []
    await patience.Patience(lambda _, seconds: told.append(seconds)).after(TryLater("Busy.", seconds=0.002))
    assert told == [0.002]
