"""The app's Home: for moderators how it is doing, for everybody what is kept and how to get help.

Leans on what the commands show. It is drawn anew whenever somebody opens it
(https://docs.slack.dev/reference/events/app_home_opened), and after they changed something.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from bots.common.privacy import kept
from bots.slack_app.api import call
from bots.slack_app.commands.asked import Asked, asks
from bots.slack_app.commands.cases import open_cases
from bots.slack_app.commands.looking import preview_lines, status_lines
from bots.slack_app.commands.setup import SETUP
from bots.slack_app.kit import VIEW, Block, actions, button, header, paragraphs, section
from bots.slack_app.workspace import Workspace
from core.errors import LampkeeperError

CASES = 10
"""Open cases that it lists."""

log = structlog.get_logger(__name__)


async def opened(event: dict[str, Any], of: Callable[[], Workspace]) -> None:
    """Draw the Home for whoever opened it; its tab of messages is nothing to draw."""
    if event.get("tab") != "home":
        return
    try:
        await _publish(await asks(of(), str(event["user"])))
    except LampkeeperError as error:
        log.warning("slack.home_not_drawn", what=error.what, remedy=error.remedy)
    except Exception as error:  # noqa: BLE001 - Bolt would log the traceback, and with it what errors carry
        log.error("slack.home_not_drawn", error=type(error).__name__)


async def draw(asked: Asked) -> None:
    """Draw the Home anew for whoever changed something; where that fails, it is when they open it next."""
    try:
        await _publish(asked)
    except LampkeeperError as error:
        log.warning("slack.home_not_drawn", what=error.what, remedy=error.remedy)


async def _publish(asked: Asked) -> None:
    """Draw somebody's Home (https://docs.slack.dev/reference/methods/views.publish)."""
    blocks = [*await _moderating(asked), *_everybody(asked)][:VIEW]
    view = {"type": "home", "blocks": blocks}
    await call(asked.workspace.client.views_publish, user_id=asked.person.id, view=view)


async def _moderating(asked: Asked) -> list[Block]:
    """Return what only moderators see."""
    try:
        if not await asked.may("moderator"):
            return []
    except LampkeeperError as error:
        return [section(asked.words.markup.escaped(str(error))), {"type": "divider"}]
    say = asked.say
    change = (
        [actions([button(say("setup.button"), SETUP, SETUP, "primary")])]
        if await asked.may("admin")
        else [section(say("home.admins_change"))]
    )
    return [
        *await open_cases(asked, CASES),
        {"type": "divider"},
        header(say("status.title")),
        *paragraphs(await status_lines(asked)),
        header(say("settings.title")),
        *paragraphs(asked.settings()),
        *change,
        header(say("preview.title")),
        *paragraphs(await preview_lines(asked)),
        {"type": "divider"},
    ]


def _everybody(asked: Asked) -> list[Block]:
    days = asked.workspace.guard.keep_text_days
    return [
        header(asked.say("home.about")),
        *paragraphs(kept(asked.words, days).split("\n")),
        header(asked.say("home.help_title")),
        section(asked.say("home.help")),
    ]
