"""`/lampkeeper pause`, `resume`, `join` and `backscan`: what is read, and what is not.

Leans on `bots.common.pauses` and `bots.slack_app.backscan`. Decisions:

- Slack sends no time with a command, so a pause begins and ends by this machine's clock.
- How far a scan came stands in the alert channel, edited in place: an answer to a command can be changed five times
  (https://docs.slack.dev/interactivity/handling-user-interaction), and in half an hour.
"""

from __future__ import annotations

import time

from bots.common.backscan import Show
from bots.slack_app.api import call
from bots.slack_app.asked import Asked
from bots.slack_app.commands.typed import CHANNEL, named, rest
from bots.slack_app.events import join as joined
from bots.slack_app.kit import Shown, actions, button, section
from core.errors import PlatformError, TryLater
from core.messages import ConversationKey

CANCEL = "lampkeeper-scan"
"""Id of the button that cancels a scan."""
MOST_DAYS = 90
"""As long as text may be kept at most (`core.config.Storage.keep_text_days`)."""
DAYS = 7


async def pause(asked: Asked, _words: str) -> Shown:
    """Stop reading."""
    return await _turn(asked, pausing=True)


async def resume(asked: Asked, _words: str) -> Shown:
    """Read again."""
    return await _turn(asked, pausing=False)


async def _turn(asked: Asked, *, pausing: bool) -> Shown:
    workspace = asked.workspace
    if workspace.settings.paused == pausing:
        return Shown(asked.say("pause.already" if pausing else "pause.not_paused"))
    await asked.store({"pauses": workspace.settings.turned(time.time(), pausing=pausing)})
    if pausing:
        workspace.scans.stop(workspace.space)
    return Shown(asked.say("pause.paused" if pausing else "pause.resumed"))


async def join(asked: Asked, words: str) -> Shown:
    """Join a public channel."""
    channel = named(CHANNEL, words)
    if channel is None:
        return Shown(asked.say("home.which_channel"))
    return Shown(await joined(asked.workspace.client, channel, asked.workspace.language))


async def backscan(asked: Asked, words: str) -> Shown:
    """Begin to read a channel's history."""
    workspace, channel, days = asked.workspace, named(CHANNEL, words), rest(CHANNEL, words) or str(DAYS)
    if channel is None:
        return Shown(asked.say("home.which_channel"))
    if not days.isdecimal() or not 1 <= int(days) <= MOST_DAYS:
        return Shown(asked.say("home.which_days", most=MOST_DAYS))
    if refusal := await _refusal(asked, channel):
        return Shown(asked.say(refusal, channel=channel))
    alerts, scans = str(workspace.settings.alert_channel), workspace.scans
    with scans.asked(workspace.space):
        posted = await call(workspace.client.chat_postMessage, channel=alerts, text=asked.say("home.scanning"))
        key = ConversationKey(workspace.space, channel)
        scan = await workspace.guard.scans.begin(key, int(days), await asked.person())
        scans.start(scan, workspace.history, _show(asked, alerts, str(posted["ts"]), scan.number))
    return Shown(asked.say("home.scan_begun", alerts=asked.words.markup.channel(alerts)))


async def cancel(asked: Asked, number: str) -> Shown:
    """Cancel a scan."""
    workspace = asked.workspace
    stopped = workspace.scans.cancel(workspace.space, int(number))
    return Shown(asked.say("backscan.stopping" if stopped else "backscan.not_running"))


async def _refusal(asked: Asked, channel: str) -> str | None:
    """Return why a channel is not scanned now."""
    workspace = asked.workspace
    if workspace.settings.alert_channel is None:
        return "test.no_alert_channel"
    if workspace.scans.busy(workspace.space):
        return "backscan.busy"
    if workspace.settings.paused:
        return "backscan.paused"
    if channel in workspace.settings.left_out:
        return "backscan.ignored"
    try:
        told = (await call(workspace.client.conversations_info, channel=channel))["channel"]
    except TryLater:
        raise
    except PlatformError:
        return "backscan.closed"
    return None if told.get("is_member") else "backscan.closed"


def _show(asked: Asked, channel: str, ts: str, number: int) -> Show:
    client, label = asked.workspace.client, asked.say("backscan.cancel")

    async def show(text: str, stoppable: bool) -> bool:
        blocks = [section(text), *([actions([button(label, CANCEL, str(number))])] if stoppable else [])]
        try:
            await call(client.chat_update, channel=channel, ts=ts, text=text, blocks=blocks)
        except TryLater:
            return stoppable  # the next one will do; but an end that is not shown is told otherwise
        except PlatformError:
            return False
        return True

    return show
