"""`lampkeeper cases export` and `report`: what leaves Lampkeeper, and the record that a person passed it on.

Leans on `core.export` for the formats. Files are for their owner alone, and none is ever written over: whoever exports
a case once more names another folder. Audited is what was made and could be written, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bots.commands.cases.common import As, Case, ConfigFile, found, one_line, person, room, run, standing, text_of, when
from bots.commands.cases.looking import kindly
from bots.common.exports import linked
from bots.composition import links_of
from bots.terminal import complain, console, safe
from core.casework.desk import Referred
from core.casework.referrals import Referral
from core.errors import ConfigError, ExportError
from core.export import FORMATS, exporter, facts, files, prefilled
from core.export.checks import adults, faults
from core.export.record import CaseRecord
from core.export.saving import laid_down

TO_LONGEST = 120
"""Characters of to whom a case is reported, and of its number there, as in the platforms' forms."""
NOT_RECORDED: dict[Referred, str] = {
    "not_typed": "Nothing was recorded: --confirm wants the number of the case, typed once more.",
    "state": "Nothing was recorded: only a case that was confirmed can be reported.",
    "second_needed": "This takes two people. You agreed; somebody else has to, within a week, by the same command.",
    "recorded_before": "Nothing was recorded: this was before, to the same authority with the same number.",
}
FILLED_IN = "This is filled in. To correct it, save it as a file, change it, and export again with --facts FILE:"
UNDECIDED = "Nobody has decided this case so far, and the files say so: what is in them is what a program noticed."


def export(  # noqa: PLR0913 - which case, how, where to
    case: Case,
    *,
    name: As,
    format: Annotated[str, Parameter(help=f"One of: {', '.join(FORMATS)}.")] = "json",  # noqa: A002 - the word people use
    facts: Path | None = None,
    out: Path = Path(),
    config: ConfigFile = None,
) -> int:
    """Write the file of a case, for an authority or another program. Audited, and counted as read.

    Exits with 1 where what is preserved is not as it was written; the files say so, too.

    Parameters
    ----------
    facts
        For the formats of authorities: a TOML file of what only you know, in place of what is filled in, and printed.
    out
        The folder to write into. Default: the working directory.
    """
    if not out.is_dir():
        raise ExportError(f"There is no folder {out}.", "Make it, or name another in --out.")
    exporter(format)  # whether there is such a format
    if facts is not None and not FORMATS[format].asks:
        asking = ", ".join(name for name, one in FORMATS.items() if one.asks)
        raise ConfigError(f"The format {format} takes no facts.", f"Leave out --facts, or choose one of: {asking}.")
    return run(_export(config, case, name, format, "" if facts is None else text_of(facts), out))


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
    whom, number = one_line(to, "--to", TO_LONGEST), one_line(reference, "--reference", TO_LONGEST)
    if not whom:
        raise ConfigError("--to wants whom the case is reported to.", 'As in: --to "NCMEC CyberTipline".')
    return run(_report(config, case, name, Referral(whom, confirm, number)))


async def _export(config: Path | None, case: str, name: str, wanted: str, corrections: str, folder: Path) -> int:  # noqa: PLR0913, PLR0917 - as the command is called
    who, told = person(name), ""
    with ExitStack() as parts:
        place: Callable[[], list[Path]] = list
        async with room(config) as (loaded, desk, ledger):
            card = await found(desk, case, who)

            async def make(record: CaseRecord) -> None:
                nonlocal place, told
                links = links_of(loaded, record.space)
                record = record if links is None else linked(record, links)
                said = prefilled(record, wanted)
                if said is not None:
                    said = facts.read(corrections, said)
                    told = f"{FILLED_IN}\n\n{facts.write(said)}\n"
                made = files(record, wanted, loaded.reporting.reporter(), ledger.vault, said)
                place = parts.enter_context(laid_down(folder, made))

            record = await desk.export(case, who, make)
            if record is None:
                raise ConfigError(f"Case {case} is gone: its data was deleted meanwhile.")
            for path in place():
                console().print(f"Written: {path}", soft_wrap=True)
            await kindly(desk, card, who)
    if told:
        console().print(told, soft_wrap=True)
    if record.decision is None:
        console().print(UNDECIDED, soft_wrap=True)
    for one in adults(record) if FORMATS[wanted].asks else ():
        complain(f"{safe(one.name)} ({safe(one.id)}) is an adult by what the community says, and named as a child.")
    broken = faults(record)
    for fault in broken:
        complain(fault)
    return 1 if broken else 0


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
