"""The app's Home: for moderators how it is doing, for everybody what is kept and how to get help.

Leans on what the commands show. It is drawn anew whenever somebody opens it
(https://docs.slack.dev/reference/events/app_home_opened), and after they changed something.

What was drawn stands in Slack until something else is, and moderators' Homes name people. So who has more in theirs
than everybody is noted with the workspace's choices, for as long as it stands there and no longer. Whenever somebody
may have ceased to moderate (`concerns`; a change of the settings; a connection before which something may have
happened), and with the housekeeping, those Homes are looked at: who may see less now gets theirs drawn anew. So does
everybody noted when a person's data was deleted. Where Slack does not tell who moderates, no Home names anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncBoltContext

from bots.common.privacy import kept
from bots.helplines import Helplines
from bots.slack_app.api import call
from bots.slack_app.asked import Adapter, Asked, asks
from bots.slack_app.commands.cases import open_cases
from bots.slack_app.commands.looking import preview_lines, status_lines
from bots.slack_app.commands.setup import SETUP
from bots.slack_app.kit import VIEW, Block, actions, button, header, paragraphs, section
from bots.slack_app.served import Rank
from bots.slack_app.workspace import Workspace
from core.casework import withdrawals
from core.errors import LampkeeperError

CASES = 10
"""Open cases that it lists."""
REGROUPED = frozenset(("subteam_updated", "subteam_members_changed"))

log = structlog.get_logger(__name__)


async def opened(adapter: Adapter, event: dict[str, Any], body: dict[str, Any], context: AsyncBoltContext) -> None:
    """Draw the Home for whoever opened it; its tab of messages is nothing to draw."""
    if event.get("tab") != "home":
        return
    try:
        await draw(asks(adapter, body, context))
    except LampkeeperError as error:
        log.warning("slack.home_not_drawn", what=error.what, remedy=error.remedy)


async def draw(asked: Asked) -> None:
    """Draw somebody's Home; where that fails, it is when they open it next, or with the next look at who moderates."""
    try:
        async with asked.workspace.drawing:
            await _publish(asked)
    except LampkeeperError as error:
        log.warning("slack.home_not_drawn", what=error.what, remedy=error.remedy)
    except Exception as error:  # noqa: BLE001 - Bolt would log the traceback, and with it what errors carry
        log.error("slack.home_not_drawn", error=type(error).__name__)


def concerns(workspace: Workspace, event: Mapping[str, Any]) -> bool:
    """Tell whether an event may be about somebody who moderates no more."""
    held, kind, user = workspace.settings, event.get("type"), event.get("user")
    if kind == "message":
        return False
    if kind in REGROUPED:
        group = event.get("subteam_id") or (event.get("subteam") or {}).get("id")
        return group in held.moderator_roles
    if kind == "user_change":
        return isinstance(user, dict) and user.get("id") in held.homes
    return held.alert_channel is not None and event.get("channel") == held.alert_channel


async def look_again(helplines: Helplines, workspace: Workspace) -> None:
    """Take off people's Homes what they may see no more; Slack is asked anew who they are."""
    for group in workspace.settings.moderator_roles:
        workspace.people.regrouped(group)
    if workspace.settings.alert_channel is not None:
        workspace.people.moved(workspace.settings.alert_channel)
    # A card that was never posted is not withdrawn, and yet its case stood in Homes.
    forgotten = await workspace.guard.last_forgotten(workspace.space)
    anew = forgotten is not None and forgotten >= workspace.looked
    workspace.looked = workspace.guard.ledger.clock()
    for user, rank in list(workspace.settings.homes.items()):
        asked = Asked(workspace, helplines, user, {})
        if anew or await _known_rank(asked) != rank:
            await draw(asked)


async def forget(helplines: Helplines, workspace: Workspace, alert: str) -> None:
    """Have all Homes drawn anew that name people: an alert's data was deleted, and its card is to be taken back.

    Once for all whose cards wait to be: their data is gone by then, so no Home that is drawn now shows any of them.
    """
    if alert in workspace.forgotten:
        return
    async with workspace.guard.ledger.store.read() as tx:
        waiting = await withdrawals.ordered(tx, workspace.space)
    workspace.forgotten = {alert, *(order.alert for order in waiting)}
    workspace.handle(_draw_all(helplines, workspace))


async def _draw_all(helplines: Helplines, workspace: Workspace) -> None:
    for user in list(workspace.settings.homes):
        await draw(Asked(workspace, helplines, user, {}))


async def _publish(asked: Asked) -> None:
    """Draw somebody's Home (https://docs.slack.dev/reference/methods/views.publish)."""
    workspace = asked.workspace
    try:
        rank = await _rank(asked)
        more = [] if rank is None else await _moderating(asked, rank)
    except LampkeeperError as error:
        rank, more = None, [section(asked.words.markup.escaped(str(error))), {"type": "divider"}]
    if rank is not None:
        await workspace.drawn_for(asked.user, rank)  # first: what stands there and is not noted would stay
    view = {"type": "home", "blocks": [*more, *_everybody(asked)][:VIEW]}
    await call(workspace.client.views_publish, user_id=asked.user, view=view)
    if rank is None:
        await workspace.drawn_for(asked.user, None)


async def _rank(asked: Asked) -> Rank | None:
    """Tell what somebody's Home may show; raises `PlatformError` where Slack does not tell.

    Where only who moderates cannot be told, as in a closed alert channel, an admin sees what is wrong all the same.
    """
    try:
        if await asked.may("moderator"):
            return "moderator"
    except LampkeeperError:
        if not await asked.may("admin"):
            raise
        return "staff"
    return "staff" if await asked.may("admin") else None


async def _known_rank(asked: Asked) -> Rank | None:
    try:
        return await _rank(asked)
    except LampkeeperError:
        return None


async def _moderating(asked: Asked, rank: Rank) -> list[Block]:
    """Return what not everybody sees: cases only moderators."""
    say = asked.say
    cases = [*await open_cases(asked, CASES), {"type": "divider"}] if rank == "moderator" else []
    change = (
        [actions([button(say("setup.button"), SETUP, SETUP, "primary")])]
        if await asked.may("admin")
        else [section(say("home.admins_change"))]
    )
    return [
        *cases,
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
    keep = asked.workspace.guard.ledger.keep
    return [
        header(asked.say("home.about")),
        *paragraphs(kept(asked.words, keep).split("\n")),
        header(asked.say("home.help_title")),
        section(asked.say("home.help")),
    ]
