"""Presses on Slack: the buttons of a card and of the answers to it, and the form that ends a dismissal.

Leans on Bolt; what a press does is in `bots.common.hand` and `actions`, a row of `BUTTONS` each. Every button carries
what it is about, so a press works after any restart. Decisions:

- Slack wants an answer within three seconds, so each press is acknowledged before anything is looked up, and answered
  by its response URL, which shows the answer to the presser alone. Where there is none (a form), the answer is posted
  to the presser alone in the channel that the form was opened from.
- Who may press is asked anew at every press.
- Texts are shown in a modal, to whoever pressed for them. Slack lets one be opened within three seconds of a press: it
  is opened first and filled then, and where Slack has waited too long, the presser is told to press again, and nothing
  was recorded.
- A file goes into the presser's direct messages with the app: nothing that only one person sees can hold one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncRespond

from bots.common import hand
from bots.common.answers import Answer
from bots.slack_app import actions, card
from bots.slack_app.answers import Press
from bots.slack_app.api import RefusalError, call
from bots.slack_app.delivery import hand_over
from bots.slack_app.markup import escape, words
from bots.slack_app.moderators import moderates
from bots.slack_app.workspace import Workspace, space_of
from core.cards import Person
from core.errors import PlatformError

if TYPE_CHECKING:
    from bots.slack_app import SlackAdapter

UNDO = "undo"
BUTTONS: dict[str, hand.Button[Press]] = hand.buttons(
    {name: hand.Deed(actions.ask(name), actions.do(name)) for name in actions.DEEDS}
)
LATE = frozenset(("expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"))

Raw = dict[str, Any]
log = structlog.get_logger(__name__)


def add(app: AsyncApp, adapter: SlackAdapter) -> None:
    """Have Bolt hand over our presses and our form."""

    async def press(ack: AsyncAck, body: Raw, context: AsyncBoltContext) -> None:
        await ack()
        await _safely(adapter, context, body, _pressed)

    async def submit(ack: AsyncAck, body: Raw, context: AsyncBoltContext) -> None:
        await ack()
        await _safely(adapter, context, body, _submitted)

    app.action(re.compile(f"^{card.ACTION}(?:{'|'.join([*BUTTONS, UNDO])})$"))(press)
    app.view(card.FORM)(submit)


async def _safely(
    adapter: SlackAdapter, context: AsyncBoltContext, body: Raw, handle: Callable[[Workspace, Raw], Awaitable[None]]
) -> None:
    """Handle a press; whatever goes wrong is told to whoever pressed, and logged by its kind: Bolt would log words."""
    space = space_of(str(context.team_id))
    try:
        workspace = adapter.of(space)
        said = words(workspace.language)
        try:
            await handle(workspace, body)
        except PlatformError as error:
            await _send(workspace, body, Answer(said.say("slack_hand.refused", why=escape(str(error)))))
        except Exception as error:  # noqa: BLE001  whatever it was, the presser must not be left waiting
            log.warning("slack.press_failed", space=space, error=type(error).__name__)
            await _send(workspace, body, Answer(said.say("hand.failed")))
    except Exception as error:  # noqa: BLE001
        log.warning("slack.answer_lost", space=space, error=type(error).__name__)


async def _pressed(workspace: Workspace, body: Raw) -> None:
    press = await _press(workspace, body)
    if press is None:
        return
    name, about = str(body["actions"][0]["action_id"]).removeprefix(card.ACTION), str(body["actions"][0]["value"])
    if name == hand.EXCERPT:
        await _show_excerpt(press, body, about)
    elif name == UNDO:
        await _send(workspace, body, await actions.undo(press, about))
    else:
        answer = await hand.pressed(press, name, about, BUTTONS)
        if answer.grounds is None:
            await _send(workspace, body, answer)
        else:
            await _ask_grounds(press, body, answer)


async def _press(workspace: Workspace, body: Raw) -> Press | None:
    """Return who pressed, or tell them that it is not for them to press and return None."""
    user = str(body["user"]["id"])
    if await moderates(user, workspace.settings, workspace.people, workspace.who.team):
        return Press(workspace, Person(user, (await workspace.people.known(user)).name))
    await _send(workspace, body, Answer(words(workspace.language).say("hand.refused")))
    return None


async def _show_excerpt(press: Press, body: Raw, alert: str) -> None:
    view = await _open(press, body, card.waiting(press.words))
    if view is None:
        return
    try:
        answer = await hand.pressed(press, hand.EXCERPT, alert, BUTTONS)
    except Exception as error:  # noqa: BLE001  what waits must not wait for ever
        log.warning("slack.press_failed", space=press.space, error=type(error).__name__)
        answer = Answer(press.words.say("hand.failed"))
    if answer.excerpt:
        shown = card.excerpt(answer.excerpt, press.words)
    else:
        shown = card.modal(press.words.say("card.excerpt"), card.answer(answer, press.words), press.words)
    await call(press.workspace.client.views_update, view_id=view, view=shown)


async def _ask_grounds(press: Press, body: Raw, answer: Answer) -> None:
    private = {"alert": answer.grounds, "channel": (body.get("channel") or {}).get("id")}
    await _open(press, body, card.form(answer, press.words, json.dumps(private)))


async def _open(press: Press, body: Raw, view: Raw) -> str | None:
    """Open a modal and return its id; where Slack has waited too long, say so and return None."""
    try:
        opened = await call(press.workspace.client.views_open, trigger_id=body["trigger_id"], view=view)
    except RefusalError as error:
        if error.code not in LATE:
            raise
        await _send(press.workspace, body, Answer(press.words.say("slack_hand.too_late")))
        return None
    return str(opened["view"]["id"])


async def _submitted(workspace: Workspace, body: Raw) -> None:
    press = await _press(workspace, body)
    if press is None:
        return
    values, about = body["view"]["state"]["values"], json.loads(body["view"]["private_metadata"])
    grounds = values[card.GROUNDS][card.GROUNDS]["selected_option"]["value"]
    remark = str(values[card.REMARK][card.REMARK].get("value") or "")
    await _send(workspace, body, await hand.submitted(press, about["alert"], grounds, remark))


async def _send(workspace: Workspace, body: Raw, answer: Answer) -> None:
    """Tell whoever pressed, and nobody else."""
    said, user = words(workspace.language), str(body["user"]["id"])
    if answer.file is not None:
        try:
            await hand_over(workspace.client, user, answer.file)
        except PlatformError as error:
            answer = Answer(said.say("slack_hand.no_file", why=escape(str(error))))
    blocks = card.answer(answer, said)
    if url := body.get("response_url"):
        told = await AsyncRespond(response_url=url)(
            answer.text, blocks, response_type="ephemeral", replace_original=False
        )
        if told.status_code != HTTPStatus.OK:
            log.warning("slack.answer_lost", space=workspace.space, status=told.status_code)
        return
    view = body.get("view") or {}
    metadata = view.get("private_metadata")
    channel = json.loads(metadata).get("channel") if metadata else None
    channel = channel or workspace.settings.alert_channel
    await call(workspace.client.chat_postEphemeral, channel=channel, user=user, text=answer.text, blocks=blocks)
