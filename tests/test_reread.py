"""A database made with one model is opened with another: pairs are read anew, and nothing else is lost."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from core.engine import Engine
from core.guard import Guard
from core.kinds import Weights
from core.policy import Thresholds
from core.store import open_store, tables
from core.store.states import Known, load_pairs
from tests import support
from tests.support import NOW, SPACE, engine, lampkeeper, shipped_model, talk


def other_engine() -> Engine:
    """Return an engine whose model has other weights."""
    model = shipped_model()
    weights: Weights = model.weights._replace(own=[[2 * number for number in row] for row in model.weights.own])
    return Engine(replace(model, weights=weights), Thresholds(1e-10, 1e-9, 0.999))


async def pair_in(folder: Path) -> object:
    store = await open_store(folder / "lampkeeper.db", folder / "lampkeeper.key")
    try:
        known = Known(SPACE)
        async with store.read() as tx:
            await load_pairs(tx, store.vault, known, [("actor", "target")])
        return known.state.pairs["actor", "target"]
    finally:
        await store.close()


async def test_states_made_by_another_model_are_what_this_one_would_have_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = talk()
    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        for message in said[:-1]:
            await guard.receive(message)
        await guard.settled()
    before = await pair_in(tmp_path)

    monkeypatch.setattr(support, "engine", lambda *_review: other_engine())
    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        await guard.receive(said[-1])
        await guard.settled()
    after = await pair_in(tmp_path)

    fresh = tmp_path / "fresh"
    fresh.mkdir()
    async with lampkeeper(fresh, clock=lambda: NOW) as guard:
        for message in said:
            await guard.receive(message)
        await guard.settled()
    assert after == await pair_in(fresh)
    assert after != before


async def test_a_new_model_keeps_alerts_and_tells_the_moderators_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def alerts() -> list[tuple[str, str]]:
        store = await open_store(tmp_path / "lampkeeper.db", tmp_path / "lampkeeper.key")
        try:
            async with store.read() as tx:
                return [(row.alert, row.level) for row in await tx.execute(select(tables.alerts))]
        finally:
            await store.close()

    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        for message in talk():
            await guard.receive(message)
        await guard.settled()
    before = await alerts()
    monkeypatch.setattr(support, "engine", lambda *_review: other_engine())
    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        await guard.settled()
        assert isinstance(guard, Guard)
    assert before
    assert await alerts() == before


def test_models_with_other_weights_have_another_identity() -> None:
    assert engine().model.identity == shipped_model().identity != other_engine().model.identity
