"""What moderators are told when somebody changes their space's settings: who did, and what, from what to what.

Leans on `bots.common.settings` for values in words. The notices are committed together with the change
(`core.communities.Communities.choose`), so neither is without the other. Where the alert channel itself changes, the
former one is told, too: whoever moves the cards elsewhere must not be able to do so unseen. For that a notice begins
with where it goes (`addressed`); the core knows nothing of it. A former channel that is closed to Lampkeeper, or gone,
is told nothing, and the log says so: nobody is left there to mend it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import structlog

from bots.common.here import Here
from bots.common.markup import Id
from bots.common.settings import SETTINGS, Settings, threshold, valued
from core.casework.cards import Person
from core.errors import PlatformError, TryLater

_AT = "lampkeeper-at:"
"""How a notice begins that goes elsewhere than to the alert channel."""
_EXACT: Mapping[str, Callable[[Here, Settings], str]] = MappingProxyType(
    {"review": lambda here, held: f"{threshold(here, held):g}"}
)
"""What is rounded where settings are shown, and must not be where a change of it is."""

log = structlog.get_logger(__name__)


class Notice(NamedTuple):
    """What is told, and in which channel; None: the alert channel."""

    channel: str | None
    text: str


def notices(here: Here, who: Person, before: Settings, after: Settings) -> list[str]:
    """Return the notices about what `who` changed, to be put into the outbox; none where nothing is different now.

    `here` says them in the language that the space has after the change.
    """
    changes = [*_changes(here, before, after)]
    told = [_settings(here, who, changes)] if changes else []
    if before.paused != after.paused:
        key = "pause.told" if after.paused else "pause.told_resumed"
        told.append(here.words.say(key, who=here.words.markup.mention(who)))
    former = before.alert_channel
    if former is None or former == after.alert_channel:
        return told
    to_former = [addressed(former, text) for text in told]
    return to_former if after.alert_channel is None else [*to_former, *told]


def _settings(here: Here, who: Person, changes: list[str]) -> str:
    said = here.words.say("settings.changed", who=here.words.markup.mention(who))
    return "\n".join([said, *changes])


def _changes(here: Here, before: Settings, after: Settings) -> Iterator[str]:
    for name in SETTINGS:
        was, now = (_said(here, held, name) for held in (before, after))
        if was != now:
            yield here.words.say("settings.change", setting=here.words.say(f"settings.{name}"), was=was, now=now)


def _said(here: Here, held: Settings, name: str) -> str:
    exact = _EXACT.get(name)
    return valued(here, held, name) if exact is None else exact(here, held)


def addressed(channel: Id, text: str) -> str:
    """Write a notice that goes to another channel than the alert channel.

    >>> read(addressed("C0FORMER", "It is another one now.")), read("Lampkeeper is behind.")
    (Notice(channel='C0FORMER', text='It is another one now.'), Notice(channel=None, text='Lampkeeper is behind.'))
    """
    return f"{_AT}{channel} {text}"


def read(notice: str) -> Notice:
    """Return where a notice goes, and what it says."""
    if not notice.startswith(_AT):
        return Notice(None, notice)
    channel, _, text = notice.removeprefix(_AT).partition(" ")
    return Notice(channel, text)


async def tell_former(space: str, telling: Awaitable[None]) -> None:
    """Await what tells a former alert channel; where that is closed, leave it at a line in the log."""
    try:
        await telling
    except TryLater:
        raise
    except PlatformError as error:
        log.warning("notice.former_channel_closed", space=space, what=error.what, remedy="Nobody can be told there.")
