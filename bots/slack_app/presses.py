"""Buttons on a card: who may press, what a press does, and what the presser is told.

Leans on the guard, which records; and on `bots.slack_app.people` for who is a moderator. Nothing about a card is kept
here: a button carries its alert's id, so a press after a restart is like any other. Every answer is ephemeral, that
is, shown to the presser alone (https://docs.slack.dev/interactivity/handling-user-interaction).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from bots.slack_app.card import CONFIRM, DISMISS, Block, escape, excerpt
from core.cards import Decision, Person
from core.errors import LampkeeperError, PlatformError

if TYPE_CHECKING:
    from bots.slack_app.people import People
    from core.config import SlackWorkspace
    from core.guard import Guard

log = structlog.get_logger(__name__)

DECISIONS: dict[str, Decision] = {CONFIRM: "confirmed", DISMISS: "dismissed"}


class Reply(NamedTuple):
    """What the presser is told; `blocks` where plain text does not do."""

    text: str
    blocks: list[Block] | None = None


GONE = Reply("Lampkeeper no longer knows this alert: its data was deleted.")
PURGED = Reply("The text of these messages is no longer kept. The links on the card lead to them in Slack.")
FAILED = Reply("That could not be done now, and nothing was recorded. Please press again in a minute.")


async def press(body: dict[str, Any], space: str, config: SlackWorkspace, guard: Guard, people: People) -> Reply:
    """Carry out one press (a ``block_actions`` payload) in `space` and return the answer for the presser.

    Payload: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    """
    action, user = body["actions"][0], str(body["user"]["id"])
    try:
        refused = await _refusal(user, config, people)
    except PlatformError as error:
        return Reply(f"Lampkeeper could not look up whether you may decide here. {error}")
    if refused:
        return Reply(refused)
    try:
        return await _answer(action, Person(user, (await people.known(user)).name), space, guard)
    except LampkeeperError as error:
        log.error("slack.press_failed", what=error.what, remedy=error.remedy)
        return FAILED


async def _refusal(user: str, config: SlackWorkspace, people: People) -> str:
    if config.moderators:
        allowed, who = user in config.moderators, "those named in Lampkeeper's configuration"
    else:
        channel, who = config.alert_channel, "members of the alert channel"
        allowed = channel is not None and user in await people.members(channel)
    return "" if allowed else f"Only moderators ({who}) can do this. Nothing was changed."


async def _answer(action: dict[str, Any], moderator: Person, space: str, guard: Guard) -> Reply:
    alert = str(action["value"])
    card = await guard.desk.case(alert)
    if card is None or card.space != space:
        return GONE
    decision = DECISIONS.get(action["action_id"])
    if decision is None:
        lines = await guard.desk.excerpt(alert, moderator)
        return Reply("What was said around this alert", excerpt(lines)) if lines else PURGED
    verdict = await guard.desk.decide(alert, decision, moderator)
    if verdict is None:
        return GONE
    status = escape(verdict.card.status)
    return Reply(f"Recorded: {status}." if verdict.accepted else f"Somebody decided before you: {status}.")
