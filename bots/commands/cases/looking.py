"""`lampkeeper cases list`, `show`, `related` and `verify`: what there is, and whether it is as it was preserved.

Leans on `core.casework.listing`. Nobody is shown what people wrote to each other unless they ask for it by --text,
under their name: that is audited, and counted (`core.casework.exposure`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators
from rich.console import Console

from bots.commands.cases.common import Case, ConfigFile, Named, Room, found, person, room, run, standing, when
from bots.common.rotation import NAMED
from bots.terminal import complain, console, safe, show_card, show_excerpt, show_summary, show_table
from core.casework import checking, listing
from core.casework.cards import Card, Person, percent
from core.casework.checking import Checked
from core.casework.desk import Desk
from core.casework.exposure import Exposure
from core.casework.listing import Belonging, Wanted, Which
from core.errors import ConfigError
from core.retention.holdings import spaces

MOST = 10_000
"""Cases, or messages, that are listed at once."""
Positive = Annotated[int, Parameter(validator=validators.Number(gt=0, lte=MOST))]
HEAD = ("case", "opened", "level", "probability", "state", "about", "looked into by")


def list_cases(
    which: Which = "open",
    *,
    space: Named = None,
    about: Named = None,
    limit: Positive = 50,
    config: ConfigFile = None,
) -> int:
    """List cases, newest first.

    Parameters
    ----------
    which
        "open" (nobody decided), "decided", or "all".
    space
        Only those of this space, with its platform before a colon, as in discord:SERVER_ID.
    about
        Only those that this person is one of, by the platform's id.
    limit
        How many of each space.
    """
    return run(_list(config, space, Wanted(which, about), limit))


def show(
    case: Case,
    *,
    text: Annotated[bool, Parameter(negative=())] = False,
    more: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=MOST))] = 0,
    name: Annotated[str | None, Parameter(name="--as", help="Your name; needed for --text.")] = None,
    config: ConfigFile = None,
) -> int:
    """Show a case: its card, where it stands, what can be done from there, notes, and related cases.

    Parameters
    ----------
    text
        With --as: also what was said around the messages that moved the score. Audited, and counted.
    more
        With --text: that many messages more before and after each.
    """
    if text and name is None:
        raise ConfigError("Who reads what people wrote is audited.", "Add your name, as in --as Kim.")
    if more and not text:
        raise ConfigError("--more says how much text to show.", "Add --text, too.")
    return run(_show(config, case, more if text else None, None if name is None else person(name)))


def related(case: Case, *, config: ConfigFile = None) -> int:
    """List the other cases of the same person or the same two people."""
    return run(_related(config, case))


def verify(case: Case, *, config: ConfigFile = None) -> int:
    """Check that what is preserved of a case is as it was written: digests, chain, and what the audit noted of them.

    What somebody wrote who was forgotten is not there any more, and the audit tells so: that is counted apart. Exits
    with 1 if anything is not as it was. `lampkeeper audit verify` does so for the audit itself.
    """
    return run(_verify(config, case))


async def _list(config: Path | None, space: str | None, wanted: Wanted, limit: int) -> int:
    out = console()
    async with room(config) as (_, _desk, ledger):
        known = await spaces(ledger.store)
        if space is not None and space not in known:
            raise ConfigError(
                f"Nothing is kept about the space {space}.", f"Known: {', '.join(known) or 'no space at all'}."
            )
        shown = 0
        for name in known if space is None else [space]:
            rows, total = await listing.listed(ledger, name, wanted, most=limit)
            if rows:
                count = f"{total:,}" if total == len(rows) else f"the newest {len(rows):,} of {total:,}"
                out.print(f"{name}: {count}", style="bold", soft_wrap=True)
                _table(out, [row.card for row in rows])
            shown += len(rows)
    if not shown:
        out.print("There are no such cases." if wanted.which != "open" else "No case waits for a decision.")
    return 0


async def _show(config: Path | None, case: str, more: int | None, who: Person | None) -> int:
    out = console()
    async with room(config) as here:
        card = await found(here.desk, case, who)
        belongs = await listing.belonging(here.ledger, card.space, case)
        show_card(out, card)
        show_summary(out, _facts(card, belongs))
        if more is None or who is None:
            out.print("Texts are not shown; --text --as NAME shows those that moved the score.")
        else:
            await _excerpt(out, here, card, more, who)
    return 0


async def _related(config: Path | None, case: str) -> int:
    async with room(config) as (_, desk, ledger):
        card = await found(desk, case)
        others = (await listing.belonging(ledger, card.space, case)).related
    if others:
        _table(console(), others)
    else:
        console().print("There is no other case of the same people.")
    return 0


async def _verify(config: Path | None, case: str) -> int:
    async with room(config) as (_, desk, ledger):
        await found(desk, case)
        checked = await checking.check(ledger, case)
    if checked is None:
        raise ConfigError(f"Case {case} is gone: its data was deleted meanwhile.")
    for fault in checked.faults:
        complain(fault)
    if not checked.faults:
        console().print(_as_preserved(case, checked), soft_wrap=True)
    return 1 if checked.faults else 0


def _as_preserved(case: str, checked: Checked) -> str:
    """Say that all is in order, and of how much only a digest is left.

    >>> _as_preserved("0f3a", Checked(12, 3, []))
    'All 12 items of case 0f3a are as they were preserved, 3 of them without content: whoever wrote it was forgotten.'
    """
    words = f"All {checked.items:,} items of case {case} are as they were preserved"
    if not checked.empty:
        return f"{words}."
    return f"{words}, {checked.empty:,} of them without content: whoever wrote it was forgotten."


async def _excerpt(out: Console, here: Room, card: Card, more: int, who: Person) -> None:
    lines = await here.desk.excerpt(card.alert, who, more)
    if not lines:
        out.print("Nothing of what was said is kept any more.")
        return
    show_excerpt(out, lines, dated=True)
    await kindly(here.desk, card, who)


async def kindly(desk: Desk, card: Card, who: Person) -> None:
    """Say to somebody who read much, once a day, that it is enough, and who could go on."""
    if enough := await desk.enough(card.space, who):
        console().print(kind_words(enough, (await desk.reviewers(card))[:NAMED]), soft_wrap=True)


def kind_words(today: Exposure, others: Sequence[Person]) -> str:
    """Say to somebody who read much that it is enough for a day.

    >>> kind_words(Exposure(210, 3, 200, over=True), [Person("1", "Kim"), Person("2", "Sam")])
    'You read 210 lines of 3 cases today. That is a lot; a break is part of the work. Kim or Sam could go on.'
    """
    cases = "1 case" if today.cases == 1 else f"{today.cases:,} cases"
    words = f"You read {today.lines:,} lines of {cases} today. That is a lot; a break is part of the work."
    names = " or ".join(safe(other.name) for other in others)
    return f"{words} {names} could go on." if names else words


def _table(out: Console, cards: Iterable[Card]) -> None:
    show_table(
        out,
        HEAD,
        [
            (
                card.alert,
                when(card.opened),
                card.level,
                percent(card.probability) if card.probability is not None else "-",
                card.state + (", held" if card.held is not None else ""),
                f"{_name(card.actor)} -> {_name(card.target)}",
                _name(card.claimed.moderator) if card.claimed is not None else "nobody",
            )
            for card in cards
        ],
    )


def _facts(card: Card, belongs: Belonging) -> Iterable[tuple[str, str]]:
    yield "space", card.space
    yield "opened", when(card.opened)
    yield "state", standing(card)
    if card.claimed is not None:
        yield "looked into", f"by {_name(card.claimed.moderator)} since {when(card.claimed.time)}"
    if card.decided is not None and card.decided.remark:
        yield "remark", safe(card.decided.remark)
    if card.held is not None:
        until = "until it is lifted" if card.held_until is None else f"until {when(card.held_until)} at least"
        yield "legal hold", f"since {when(card.held)}, {until}"
    for referred in belongs.referrals:
        number = f", number {safe(referred.reference)}" if referred.reference else ""
        by = " and ".join(map(_name, referred.who))
        yield "reported", f"to {safe(referred.to)}{number}, by {by} at {when(referred.time)}"
    for noted in belongs.notes:
        yield "note", f"{safe(noted.text)} ({_name(noted.who)}, {when(noted.time)})"
    for other in belongs.related:
        yield "related", f"{other.alert}: {other.state}, {_name(other.actor)} -> {_name(other.target)}"


def _name(who: Person | None) -> str:
    return "nobody in particular" if who is None else safe(who.name) or who.id or "somebody unknown"
