"""`lampkeeper cases export` and `report`: what leaves Lampkeeper, and the record that a person passed it on.

Leans on `core.export` for the formats. Files are for their owner alone, and none is ever written over: a case that was
exported twice is two files.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bots.commands.cases.common import As, Case, ConfigFile, found, person, room, run, standing, when
from bots.terminal import complain, console
from core.casework.desk import Referred
from core.casework.referrals import Referral
from core.errors import ConfigError, ExportError
from core.export import FORMATS, exporter
from core.export.archive import archive
from core.export.saving import save

NOT_RECORDED: dict[Referred, str] = {
    "not_typed": "Nothing was recorded: --confirm wants the number of the case, typed once more.",
    "state": "Nothing was recorded: only a case that was confirmed can be reported.",
    "second_needed": "This takes two people. You agreed; somebody else has to, within a week, by the same command.",
}


def export(
    case: Case,
    *,
    name: As,
    format: Annotated[str, Parameter(help=f"One of: {', '.join(FORMATS)}.")] = "json",  # noqa: A002 - the word people use
    out: Path = Path(),
    config: ConfigFile = None,
) -> int:
    """Write the file of a case, for an authority or another program. Audited, and counted as read.

    Parameters
    ----------
    out
        The folder to write into. Default: the working directory.
    """
    if not out.is_dir():
        raise ExportError(f"There is no folder {out}.", "Make it, or name another in --out.")
    exporter(format)  # whether there is such a format
    return run(_export(config, case, name, format, out))


def report(  # noqa: PLR0913 - what was reported, to whom, confirmed by whom
    case: Case, *, to: str, confirm: str, name: As, reference: str = "", config: ConfigFile = None
) -> int:
    """Record that a confirmed case is reported to an authority; its evidence is then kept for a year. Sends nothing.

    Parameters
    ----------
    to
        To whom, as in "NCMEC CyberTipline".
    confirm
        The number of the case, typed once more.
    reference
        Its number there, if they gave one.
    """
    if not to.strip():
        raise ConfigError("--to wants whom the case is reported to.", 'As in: --to "NCMEC CyberTipline".')
    return run(_report(config, case, name, Referral(to.strip(), confirm, reference.strip())))


async def _export(config: Path | None, case: str, name: str, wanted: str, folder: Path) -> int:
    who = person(name)
    async with room(config) as (loaded, desk, ledger):
        await found(desk, case, who)
        record = await desk.export(case, who)
        make = exporter(wanted)
        if wanted == "zip":
            make = partial(archive, sign=ledger.vault.sign, verify_key=ledger.vault.verify_key)
    if record is None:
        raise ConfigError(f"Case {case} is gone: its data was deleted meanwhile.")
    for path in save(folder, make(record, loaded.reporting.reporter())):
        console().print(f"Written: {path}", soft_wrap=True)
    return 0


async def _report(config: Path | None, case: str, name: str, referral: Referral) -> int:
    who = person(name)
    async with room(config) as (_, desk, _ledger):
        await found(desk, case, who)
        outcome = await desk.refer(case, referral, who)
        card = await found(desk, case)
    if outcome == "second_needed":
        console().print(NOT_RECORDED[outcome], soft_wrap=True)
        return 0
    if outcome != "recorded":
        complain(f"{NOT_RECORDED[outcome or 'state']} {standing(card)}")
        return 1
    until = "" if card.fixed_until is None else f" Its evidence is kept until {when(card.fixed_until)} at least."
    console().print(f"Recorded; nothing was sent.{until} {standing(card)}", soft_wrap=True)
    return 0
