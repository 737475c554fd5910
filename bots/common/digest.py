"""What a space's moderators are told unasked: advice after the first week, then a digest every week; and the counts.

Leans on `core.regular`, which knows when, `core.stats` and `core.preview`, which know the numbers. Done with the
guard's housekeeping.
"""

from __future__ import annotations

from collections.abc import Callable

from bots.common.here import Here
from bots.common.lines import duration
from bots.common.words import Words
from core import regular
from core.language import NAMES
from core.ledger import Ledger
from core.peaks import FLOOR, day_of
from core.preview import WEEK, offers, past, recommended
from core.stats import Stats, stats


async def tell_due(ledger: Ledger, platform: str, words_of: Callable[[str], Words | None]) -> None:
    """Tell every space of a platform what it is due to be told.

    `words_of` gives the words for a space, and None for one that is told later: it has no alert channel, or is paused.
    """
    for about in await regular.due(ledger, platform):
        if (words := words_of(about.space)) is not None:
            write = advice if about.kind == "advised" else digest
            await regular.tell(ledger, about, await write(Here(about.space, words, ledger)))


def lines(words: Words, seen: Stats) -> list[str]:
    """Write counts out, a line each."""
    levels = ", ".join(f"{words.say(f'cases.level_{level}')} {count}" for level, count in seen.alerts.items())
    found = [
        words.say("digest.conversations", count=seen.conversations),
        words.say("digest.alerts", count=seen.opened, levels=f" ({levels})" if levels else ""),
    ]
    if seen.share_dismissed is None:
        found.append(words.say("digest.nothing_decided"))
    else:
        counts = {"decided": seen.decided, "confirmed": seen.confirmed, "dismissed": seen.dismissed}
        found.append(words.say("digest.decided", **counts, share=f"{100 * seen.share_dismissed:.0f} %"))
    if seen.wait is not None:
        found.append(words.say("digest.wait", wait=duration(seen.wait)))
    if seen.unread:
        spoken = ", ".join(f"{NAMES.get(name, name)} {count}" for name, count in seen.unread.items())
        found.append(words.say("digest.unread", languages=spoken))
    found.append(words.say("digest.open", open=seen.open))
    return found


async def digest(here: Here) -> str:
    """Write the weekly digest; of a quiet week one line."""
    words, seen = here.words, await stats(here.ledger, here.space, WEEK)
    if seen.quiet:
        return words.say("digest.quiet", count=seen.conversations)
    return "\n".join([words.say("digest.digest"), *lines(words, seen), words.say("digest.more")])


async def advice(here: Here) -> str:
    """Write what is told once, after the first week: what was seen, and thresholds fitted to it."""
    space, words, ledger = here
    seen, noted = await stats(ledger, space, WEEK), await past(ledger, space)
    now = ledger.engine.rules_of(space).thresholds.review
    told = words.say(
        "digest.advice",
        count=seen.conversations,
        alerts=_cards(words, seen.opened),
        now=f"{now:g}",
        would=_cards(words, noted.last(WEEK, day_of(ledger.clock())).alerts(max(FLOOR, now))),
    )
    fitted = [
        words.say("digest.fit_line", a_week=offer.a_week, threshold=f"{offer.threshold:g}")
        for offer in offers(noted, recommended(ledger))
    ]
    offered = [words.say("digest.fit"), *fitted] if fitted else [words.say("digest.no_fit")]
    return "\n".join([told, *offered, words.say("digest.how")])


def _cards(words: Words, count: int) -> str:
    return words.say("digest.alerts_one") if count == 1 else words.say("digest.alerts_many", count=count)
