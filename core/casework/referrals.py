"""Referrals: that a case was reported to an authority, by whom, in which words confirmed.

Leans on `holds`, `preserved` and `core.store`. A referral needs a named person, who types the case's number:
nobody reports by one press. What is sent, and how, is not decided here: a packet that somebody took to the police
counts as much as a CyberTip, and both are written down by `record`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.casework import holds, preserved
from core.retention.keeping import KEPT
from core.store import tables
from core.store.states import dump, parse
from core.vault import Vault

_T = tables.referrals


class Referral(NamedTuple):
    """To whom a case is reported, what was typed to confirm it, and its number there, if there is one."""

    to: str
    typed: str
    reference: str = ""


def confirms(typed: str, alert: str) -> bool:
    """Tell whether somebody typed the number of this case.

    >>> confirms(" 0F3A ", "0f3a"), confirms("yes", "0f3a")
    (True, False)
    """
    return typed.strip().casefold() == alert.casefold()


async def record(  # noqa: PLR0913, PLR0917 - who agreed to what, when
    tx: AsyncConnection, vault: Vault, space: str, alert: str, referral: Referral, who: str, second: str, now: float
) -> None:
    """Write down that a case is reported: its state, its evidence kept for `keeping.KEPT`, and the referral (`put`).

    Whether it may be reported its callers asked before; once it is, that stands wherever the case went meanwhile.
    """
    await tx.execute(update(tables.alerts).where(tables.alerts.c.alert == alert).values(reported=now))
    await holds.keep_until(tx, alert, now, now + KEPT)
    await preserved.window(tx, vault, alert, now)
    await put(tx, vault, space, alert, referral, who, second, now)


async def put(  # noqa: PLR0913, PLR0917 - who agreed to what, when
    tx: AsyncConnection, vault: Vault, space: str, alert: str, referral: Referral, who: str, second: str, now: float
) -> None:
    """Record a referral by pseudonym `who`, and by `second` ("": nobody) where two had to agree."""
    row = {"space": space, "alert": alert, "time": now, "who": who, "second": second, "sealed": b""}
    (number,) = (await tx.execute(insert(_T).values(row))).inserted_primary_key or (0,)
    sealed = dump(vault, referral._asdict(), _about(alert, number))
    await tx.execute(update(_T).where(_T.c.id == number).values(sealed=sealed))


async def known(tx: AsyncConnection, vault: Vault, alert: str, referral: Referral) -> bool:
    """Tell whether it is recorded that a case was reported there, under the same number."""
    same = (referral.to.casefold(), referral.reference)
    return any((one.to.casefold(), one.reference) == same for _, one in await of_case(tx, vault, alert))


async def of_case(tx: AsyncConnection, vault: Vault, alert: str) -> list[tuple[Row[Any], Referral]]:
    """Return a case's referrals, oldest first, each with its row."""
    rows = (await tx.execute(select(_T).where(_T.c.alert == alert).order_by(_T.c.id))).all()
    return [(row, Referral(**parse(vault, row.sealed, _about(alert, row.id)))) for row in rows]


def _about(alert: str, number: int) -> tuple[str, ...]:
    return ("referrals", alert, str(number), "sealed")
