"""How Lampkeeper is doing in a space, in lines: what was seen, how far behind it is, what was missed, what is missing.

Leans on `core.stats` and `core.tally` for the counts. Whether it is connected, an adapter notes in a `Link`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from bots.common.here import Here
from bots.common.lines import duration
from bots.common.markup import Id
from bots.common.words import Words
from core import stats
from core.model import Model

WEEK = 7
AT_ONCE = 20
"""Channels named in one line."""


@dataclass
class Link:
    """Whether a space is connected, since when that is so, and when the last event came (seconds since the epoch)."""

    connected: bool = False
    since: float | None = None
    last: float | None = None

    def up(self) -> None:
        """Events come from now on."""
        self.connected, self.since = True, time.time()

    def lost(self) -> None:
        """No events come any more."""
        if self.connected:
            self.connected, self.since = False, time.time()

    def heard(self) -> None:
        """Take note that an event came."""
        self.last = time.time()


class Gap(Protocol):
    """What was read from history last: from when to when (seconds since the epoch), and the channels that were not."""

    @property
    def since(self) -> float:
        """When the connection was lost."""

    @property
    def until(self) -> float:
        """When everything else was read."""

    @property
    def unread(self) -> Sequence[Id]:
        """Channels that could not be read."""


class Access(NamedTuple):
    """What the platform lets Lampkeeper do: whether the alert channel is there, and what is missing.

    `lacks` are permissions by channel, in the platform's own words; what is in `closed` cannot be read at all.
    """

    alert_channel: bool
    lacks: Mapping[Id, Sequence[str]]
    closed: Sequence[Id]


async def counts(here: Here) -> list[str]:
    """Tell of messages, alerts, and what waits to be shown; what was received is known for as long as text is kept."""
    space, words, ledger = here
    days = min(WEEK, ledger.keep.text)
    tally = ledger.tallies.of(space)
    outcomes = {name: tally.outcomes[name] for name in ("scored", "insufficient", "unsupported_language")}
    received = await stats.received(ledger, space, days)
    started = words.markup.when(tally.started, "ago")
    seen = {"started": started, "seen": tally.outcomes.total(), "days": f"{days:g}", "received": received}
    week = await stats.stats(ledger, space, WEEK)
    lines = [
        words.say("status.seen", **seen, **outcomes),
        words.say("status.alerts", opened=week.opened, open=week.open),
    ]
    if (waits := await stats.undelivered(ledger, space)).waiting:
        answer = waits.error or words.say("status.not_tried")
        lines.append(words.say("status.waiting", count=waits.waiting, answer=answer))
    return lines


def connection(words: Words, link: Link) -> Iterator[str]:
    """Say whether it is connected, since when, and when the last event came."""
    if link.since is None:
        yield words.say("status.never_connected")
        return
    when = words.markup.when
    yield words.say("status.connected" if link.connected else "status.disconnected", since=when(link.since))
    if link.last is None:
        yield words.say("status.no_event")
    else:
        yield words.say("status.last_event", last=when(link.last, "ago"))


def work(here: Here, gap: Gap | None, skipped: int) -> Iterator[str]:
    """Say how far behind, what was missed (`gap`; None while history is being read), how much was `skipped`."""
    space, words, ledger = here
    tally, when = ledger.tallies.of(space), words.markup.when
    if (lag := tally.lag) is None:
        yield words.say("status.lag_none", started=when(tally.started, "ago"))
    else:
        yield words.say("status.lag", middle=duration(lag.middle), longest=duration(lag.longest))
    if gap is None:
        yield words.say("status.gap_none")
    elif gap.unread:
        times = {"since": when(gap.since), "until": when(gap.until)}
        yield words.say("status.gap_unread", **times, channels=channels(words, gap.unread))
    else:
        yield words.say("status.gap", since=when(gap.since), until=when(gap.until))
    if skipped:
        yield words.say("status.skipped", count=skipped)


def rules(here: Here, paused: float | None) -> Iterator[str]:
    """Name model, thresholds and mode; `paused` is since when nothing is read, None if it is."""
    space, words, ledger = here
    engine = ledger.engine
    if isinstance(engine.model, Model):
        card = engine.model.card
        yield words.say("status.model", **{name: card.get(name, "?") for name in ("name", "made_by", "language")})
    held = engine.rules_of(space)
    limits = {name: f"{getattr(held.thresholds, name):g}" for name in ("watch", "review", "urgent")}
    yield words.say("status.shadow" if held.shadow else "status.live", **limits)
    if paused is not None:
        yield words.say("status.paused", since=words.markup.when(paused))


def access(words: Words, there: Access | None) -> Iterator[str]:
    """Say what is missing, channel by channel; None where the platform does not tell now."""
    if there is None:
        yield words.say("status.unavailable")
        return
    if not there.alert_channel:
        yield words.say("status.no_alert_channel")
    elif not there.lacks:
        yield words.say("status.complete")
    for channel, names in there.lacks.items():
        yield words.say("status.lacks", channel=words.markup.channel(channel), permissions=", ".join(names))
    if there.closed:
        yield words.say("status.closed", channels=channels(words, there.closed))


def channels(words: Words, ids: Iterable[Id]) -> str:
    """Name channels, and how many more there are."""
    named = [words.markup.channel(channel) for channel in ids]
    return ", ".join(named[:AT_ONCE]) + (f" (+{len(named) - AT_ONCE})" if len(named) > AT_ONCE else "")
