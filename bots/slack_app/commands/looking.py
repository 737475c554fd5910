"""`/lampkeeper status`, `preview`, `stats` and `test`: what moderators look at.

Leans on `bots.common`. The plot of a preview is written in signs of one width: a picture in a message or in Home needs
an address that everybody can open, or a file that stays in the workspace; and a screen reader reads signs.
"""

from __future__ import annotations

from collections.abc import Iterator

from bots.common import preview as previewing
from bots.common.digest import lines as counted
from bots.common.status import Access, access, connection, counts, rules, work
from bots.common.trial import ask
from bots.plot import written
from bots.slack_app.api import call
from bots.slack_app.asked import Asked
from bots.slack_app.kit import Shown
from bots.slack_app.manifest import SCOPES
from core.errors import PlatformError, TryLater
from core.stats import stats as count

DAYS = (7, 30)


async def status(asked: Asked, _words: str) -> Shown:
    """Say how it is doing."""
    return Shown.of(asked.words.markup.bold(asked.say("status.title")), *await status_lines(asked))


async def status_lines(asked: Asked) -> list[str]:
    """Say how it is doing, in lines."""
    workspace, guard = asked.workspace, asked.workspace.guard
    held = workspace.settings
    return [
        *await counts(asked.here),
        *connection(asked.words, workspace.link),
        *work(asked.here, workspace.history.gap, guard.skipped),
        *workspace.swept(),
        asked.say("home.watched", count=workspace.history.watched),
        *rules(asked.here, held.paused_at if held.paused else None),
        *access(asked.words, await _access(asked)),
        *_scopes(asked),
    ]


async def _access(asked: Asked) -> Access | None:
    """Look whether the alert channel can be posted in; None where Slack does not tell now."""
    workspace = asked.workspace
    channel = workspace.settings.alert_channel
    if channel is None:
        return Access(False, {}, ())
    try:
        told = (await call(workspace.client.conversations_info, channel=channel))["channel"]
        lacks = () if told.get("is_member") else (asked.say("home.not_in"),)
    except TryLater:
        return None
    except PlatformError as error:
        lacks = (str(error),)
    return Access(True, {channel: lacks} if lacks else {}, ())


def _scopes(asked: Asked) -> Iterator[str]:
    """Name what the workspace's admins left out of what the app asks for, by its name in Slack."""
    if missing := [name for name in SCOPES if name not in asked.workspace.who.scopes]:
        yield asked.say("home.scopes", scopes=", ".join(map(asked.words.markup.code, missing)))


async def stats(asked: Asked, _words: str) -> Shown:
    """Show the counts."""
    bold, lines = asked.words.markup.bold, [asked.words.markup.bold(asked.say("digest.title"))]
    for days in DAYS:
        seen = await count(asked.here.ledger, asked.here.space, days)
        lines += ["", bold(asked.say("digest.days", days=days)), *counted(asked.words, seen)]
    return Shown.of(*lines)


async def preview(asked: Asked, words: str) -> Shown:
    """Say what a threshold would have meant; the present one, and some to choose from, where none is named."""
    threshold = previewing.read(words)
    if words and threshold is None:
        return Shown(asked.say("home.no_threshold"))
    return Shown.of(asked.words.markup.bold(asked.say("preview.title")), *await preview_lines(asked, threshold))


async def preview_lines(asked: Asked, threshold: float | None = None) -> list[str]:
    """Say what a threshold would have meant, in lines, with a plot."""
    seen = await previewing.preview(asked.here, threshold)
    if seen is None:
        return [asked.say("preview.nothing")]
    return [*seen.lines, f"```{written(seen.bars)}```"]


async def test(asked: Asked, _words: str) -> Shown:
    """Have a test card shown."""
    channel = asked.workspace.settings.alert_channel
    if channel is None:
        return Shown(asked.say("test.no_alert_channel"))
    return Shown(await ask(asked.here, asked.workspace.guard, channel))


async def tested(asked: Asked, _value: str) -> Shown:
    """Say that a test card's button answers."""
    return Shown(asked.say("test.pressed"))
