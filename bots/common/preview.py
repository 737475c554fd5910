"""What a threshold would have meant in a space: in lines, and as a picture described for those who cannot see it.

Leans on `core.preview` for the counts and on `bots.plot` for the picture, drawn or written.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from bots.common.here import Here
from bots.plot import Bar, drawn
from core.peaks import FLOOR, day_of
from core.preview import WEEK, Past, offers, past, recommended, shown
from core.tune import HIGHEST, Step

PICTURE = "thresholds.png"


class Preview(NamedTuple):
    """Lines of text, the bars of a picture, and what is spoken of it."""

    lines: tuple[str, ...]
    bars: tuple[Bar, ...]
    spoken: str

    async def picture(self) -> bytes:
        """Draw the picture (PNG)."""
        return await asyncio.to_thread(drawn, self.bars)


async def preview(here: Here, threshold: float | None = None) -> Preview | None:
    """Say what a threshold would have meant; the present one, and some to choose from, where none is named.

    None if nothing was scored in the space lately.
    """
    words, seen, now = here.words, await past(here.ledger, here.space), present(here)
    if not seen.days:
        return None
    steps = shown(seen, [now, *([threshold] if threshold else [])])
    each = [words.say("preview.bar", threshold=f"{s.threshold:g}", a_week=f"{s.a_week:.1f}") for s in steps]
    spoken = words.say("preview.spoken", bars="; ".join(each), now=f"{now:g}")
    bars = tuple(_bar(step, now) for step in steps)
    return Preview(tuple(_lines(here, seen, threshold, now)), bars, spoken)


async def choices(here: Here, typed: str) -> dict[float, str]:
    """Offer thresholds: what was typed, if it is one, then the present one and those for some alerts a week."""
    words, seen, now = here.words, await past(here.ledger, here.space), present(here)
    known = {now: words.say("preview.choice_now", threshold=f"{now:g}")}
    for offer in offers(seen, recommended(here.ledger)):
        label = words.say("preview.choice", threshold=f"{offer.threshold:g}", a_week=offer.a_week)
        known.setdefault(offer.threshold, label)
    found = {value: label for value, label in known.items() if typed in label}
    own = read(typed)
    if own is None or own in known:
        return found
    return {own: words.say("preview.choice_typed", threshold=f"{own:g}")} | found


def present(here: Here) -> float:
    """Return the present threshold; nothing is noted below `FLOOR`."""
    return max(FLOOR, here.ledger.engine.rules_of(here.space).thresholds.review)


def read(typed: str) -> float | None:
    """Read what was typed; None if it is no threshold.

    >>> read("0.9"), read("95"), read("")
    (0.9, None, None)
    """
    try:
        value = float(typed)
    except ValueError:
        return None
    return value if FLOOR <= value <= HIGHEST else None


def _lines(here: Here, seen: Past, threshold: float | None, now: float) -> list[str]:
    words, limits = here.words, recommended(here.ledger)
    named = {now: words.say("preview.now")}
    if threshold is None:
        for offer in offers(seen, limits):
            named.setdefault(offer.threshold, words.say("preview.budget", a_week=offer.a_week))
    else:
        named.setdefault(threshold, words.say("preview.asked"))
    week = seen.last(WEEK, day_of(here.ledger.clock()))
    lines = [
        words.say(
            "preview.line",
            threshold=f"{step.threshold:g}",
            what=named[step.threshold],
            week=week.alerts(step.threshold),
            month=step.alerts,
            a_week=f"{step.a_week:.1f}",
        )
        for step in seen.steps(sorted(named))
    ]
    lines.append(words.say("preview.watched", watched=len(seen.days)))
    if seen.short:
        lines.append(words.say("preview.short"))
    if threshold is not None and threshold < limits.watch:
        lines.append(words.say("preview.low", watch=f"{limits.watch:g}"))
    return [*lines, words.say("preview.picture"), words.say("preview.note")]


def _bar(step: Step, now: float) -> Bar:
    return Bar(f"{step.threshold:g}", step.a_week, f"{step.a_week:.1f}", marked=step.threshold == now)
