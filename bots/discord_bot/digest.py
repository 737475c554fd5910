"""What a server's moderators are told unasked: advice after the first week, then a digest every week.

Leans on `core.regular`, which knows when, `core.stats` and `core.preview`, which know the numbers. Done with the
guard's housekeeping. A server without an alert channel, or with reading paused, is told later.
"""

from __future__ import annotations

from bots.discord_bot.servers import Served, Servers
from bots.discord_bot.translate import server_id
from bots.discord_bot.units import duration
from bots.texts import say
from core import regular
from core.language import NAMES
from core.ledger import Ledger
from core.peaks import FLOOR, day_of
from core.preview import WEEK, offers, past, recommended
from core.stats import Stats, stats


async def tell_due(ledger: Ledger, servers: Servers) -> None:
    """Tell every server what it is due to be told."""
    for about in await regular.due(ledger, "discord"):
        server = servers.of(server_id(about.space))
        if server.alert_channel is None or server.paused:
            continue
        words = advice if about.kind == "advised" else digest
        await regular.tell(ledger, about, await words(ledger, about.space, server))


def lines(language: str, seen: Stats) -> list[str]:
    """Write counts out, a line each."""

    def told(key: str, **blanks: object) -> str:
        return say(language, f"digest.{key}", **blanks)

    levels = ", ".join(f"{say(language, f'cases.level_{level}')} {count}" for level, count in seen.alerts.items())
    found = [
        told("conversations", count=seen.conversations),
        told("alerts", count=seen.opened, levels=f" ({levels})" if levels else ""),
    ]
    if seen.share_dismissed is None:
        found.append(told("nothing_decided"))
    else:
        counts = {"decided": seen.decided, "confirmed": seen.confirmed, "dismissed": seen.dismissed}
        found.append(told("decided", **counts, share=f"{100 * seen.share_dismissed:.0f} %"))
    if seen.wait is not None:
        found.append(told("wait", wait=duration(seen.wait)))
    if seen.unread:
        spoken = ", ".join(f"{NAMES.get(name, name)} {count}" for name, count in seen.unread.items())
        found.append(told("unread", languages=spoken))
    found.append(told("open", open=seen.open))
    return found


async def digest(ledger: Ledger, space: str, server: Served) -> str:
    """Write the weekly digest; of a quiet week one line."""
    seen = await stats(ledger, space, WEEK)
    if seen.quiet:
        return say(server.language, "digest.quiet", count=seen.conversations)
    words = server.language
    return "\n".join([say(words, "digest.digest"), *lines(words, seen), say(words, "digest.more")])


async def advice(ledger: Ledger, space: str, server: Served) -> str:
    """Write what is told once, after the first week: what was seen, and thresholds fitted to it."""
    words, seen = server.language, await stats(ledger, space, WEEK)
    noted = await past(ledger, space)
    now = ledger.engine.rules_of(space).thresholds.review
    told = say(
        words,
        "digest.advice",
        count=seen.conversations,
        alerts=_cards(words, seen.opened),
        now=f"{now:g}",
        would=_cards(words, noted.last(WEEK, day_of(ledger.clock())).alerts(max(FLOOR, now))),
    )
    fitted = [
        say(words, "digest.fit_line", a_week=offer.a_week, threshold=f"{offer.threshold:g}")
        for offer in offers(noted, recommended(ledger))
    ]
    offered = [say(words, "digest.fit"), *fitted] if fitted else [say(words, "digest.no_fit")]
    return "\n".join([told, *offered, say(words, "digest.how")])


def _cards(language: str, count: int) -> str:
    return say(language, "digest.alerts_one") if count == 1 else say(language, "digest.alerts_many", count=count)
