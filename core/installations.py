"""Installations: what a platform gave Lampkeeper to enter a space with, sealed (tokens, and when they end).

Leans on `core.ledger`. What is in one, its platform's adapter knows; here it is a mapping that JSON holds. It belongs
to its space: where that is deleted, so is the installation.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from core.ledger import Ledger
from core.store import tables, upsert
from core.store.look import installations_of
from core.store.states import dump, parse
from core.vault import Vault

_T = tables.installations


def looked_up(database: Path, vault: Vault) -> dict[str, dict[str, Any]]:
    """Return every platform's installations from outside, also beside a running Lampkeeper.

    Raises StoreError and VaultError as `core.store.look.look` does.
    """
    return {space: parse(vault, sealed, _about(space)) for space, sealed in installations_of(database)}


class Installations:
    """Installations by space, on one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def every(self, platform: str) -> dict[str, dict[str, Any]]:
        """Return the installations on a platform."""
        async with self._ledger.store.read() as tx:
            query = select(_T).where(_T.c.space.startswith(f"{platform}:", autoescape=True)).order_by(_T.c.space)
            rows = (await tx.execute(query)).all()
        return {row.space: parse(self._ledger.vault, row.sealed, _about(row.space)) for row in rows}

    async def save(self, space: str, given: Mapping[str, Any]) -> None:
        """Keep what was given to enter `space`, in place of what was before."""
        async with self._ledger.transaction() as tx:
            sealed = dump(self._ledger.vault, dict(given), _about(space))
            await upsert(tx, _T, [{"space": space, "sealed": sealed}])

    async def remove(self, space: str) -> None:
        """Forget how to enter `space`."""
        async with self._ledger.transaction() as tx:
            await tx.execute(delete(_T).where(_T.c.space == space))


def _about(space: str) -> tuple[str, ...]:
    return ("installations", space, "sealed")
