"""What an alert keeps of members' reports: part of what its row seals, beside whom it is about.

Leans on `core.store`. `reports` takes reports, `cases` shows them, `core.retention.rules` forgets who made them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.store import tables
from core.store.states import alert_about, dump, parse
from core.vault import Vault

_T = tables.alerts


class Report(NamedTuple):
    """One report: who asked when, what they wrote, and which message it was about; where none was, its place is "".

    `person` and `name` go when that member is forgotten, and `words` with the evidence of the case.
    """

    person: str
    name: str
    time: float
    words: str
    conversation: str = ""
    message_id: str = ""


def reports(about: Mapping[str, Any]) -> list[Report]:
    """Return the reports in what an alert's row seals, oldest first."""
    return [Report(*report) for report in about.get("reports", ())]


def places(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return where the messages of an alert stand: conversation and id of those reported, then of its reasons."""
    told = [(report.conversation, report.message_id) for report in reports(about) if report.message_id]
    moved = [(conversation, message_id) for conversation, message_id, *_ in about["reasons"]]
    return list(dict.fromkeys([*told, *moved]))


async def kept(tx: AsyncConnection, vault: Vault, alerts: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return, of those `alerts` that were reported, what must stay sealed with them when their row is written anew."""
    found = {}
    if alerts:
        for alert, sealed in await tx.execute(select(_T.c.alert, _T.c.sealed).where(_T.c.alert.in_(alerts))):
            about = parse(vault, sealed, alert_about(alert))
            if "reports" in about:
                found[alert] = {name: about[name] for name in ("reports", "asked")}
    return found


async def add(tx: AsyncConnection, vault: Vault, alert: str, report: Report, *, opened: bool) -> None:
    """Put a report to an alert, which it `opened` or found open."""
    sealed = await tx.scalar(select(_T.c.sealed).where(_T.c.alert == alert))
    assert sealed is not None, "the alert was written before"
    about = parse(vault, sealed, alert_about(alert))
    about |= {"reports": [*reports(about), report], "asked": opened or about.get("asked", False)}
    await _write(tx, vault, alert, about)


async def among(tx: AsyncConnection, vault: Vault, which: ColumnElement[bool]) -> list[Report]:
    """Return the reports of the alerts `which`."""
    rows = await tx.execute(select(_T.c.alert, _T.c.sealed).where(which))
    return [report for alert, sealed in rows for report in reports(parse(vault, sealed, alert_about(alert)))]


async def reported_by(tx: AsyncConnection, vault: Vault, which: ColumnElement[bool], person: str) -> list[str]:
    """Return those of the alerts `which` that hold a report by a person."""
    rows = await tx.execute(select(_T.c.alert, _T.c.sealed).where(which))
    return [
        alert
        for alert, sealed in rows
        if any(report.person == person for report in reports(parse(vault, sealed, alert_about(alert))))
    ]


async def change(
    tx: AsyncConnection, vault: Vault, which: ColumnElement[bool], changed: Callable[[Report], Report]
) -> int:
    """Change the reports of the alerts `which`; return how many alerts that touched."""
    touched = 0
    for alert, sealed in (await tx.execute(select(_T.c.alert, _T.c.sealed).where(which))).all():
        about = parse(vault, sealed, alert_about(alert))
        before = reports(about)
        after = list(map(changed, before))
        if after != before:
            touched += 1
            await _write(tx, vault, alert, about | {"reports": after})
    return touched


async def _write(tx: AsyncConnection, vault: Vault, alert: str, about: Mapping[str, Any]) -> None:
    await tx.execute(update(_T).where(_T.c.alert == alert).values(sealed=dump(vault, about, alert_about(alert))))
