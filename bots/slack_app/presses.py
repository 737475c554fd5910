"""Presses on Slack: the buttons of a card, of a case's window and of the answers to both, and the forms that some open.

Leans on Bolt; what a press does is in `bots.common.hand` and `actions`, a row of `BUTTONS` each. Every button carries
what it is about, so a press works after any restart. Decisions:

- Slack wants an answer within three seconds, so each press is acknowledged before anything is looked up, and answered
  to the presser alone: in the case's window, where it was pressed there, with the case as it stands then; else as
  `direct` says.
- Who may press is asked anew at every press. Of whoever may not, a case's window is emptied.
- Texts are shown in a modal, to whoever pressed for them. Slack lets one be opened within three seconds of a press: it
  is opened first and filled then, and where Slack has waited too long, the presser is told to press again, and nothing
  was recorded.
- A file goes into the presser's direct messages with the app: nothing that only one person sees can hold one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bots.common import hand
from bots.common.answers import Answer
from bots.slack_app import actions, card, case, direct, forms
from bots.slack_app.answers import Press
from bots.slack_app.api import RefusalError, call
from bots.slack_app.asked import Adapter, Asked, asks
from bots.slack_app.forms import Input
from bots.slack_app.kit import Block, Shown
from bots.slack_app.markup import escape
from bots.slack_app.moderators import moderates
from core.errors import PlatformError

UNDO = "undo"
FILLED = "lampkeeper_filled_"
"""What the `callback_id` of the other forms begins with."""
BUTTONS: dict[str, hand.Button[Press]] = hand.buttons(
    {name: hand.Deed(actions.ask(name), actions.do(name)) for name in actions.DEEDS}
)

log = structlog.get_logger(__name__)


def add(app: AsyncApp, adapter: Adapter) -> None:
    """Have Bolt hand over our presses and our form."""

    async def press(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        await _safely(adapter, context, body, _pressed)

    async def submit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        await _safely(adapter, context, body, _submitted)

    async def fill(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        await _safely(adapter, context, body, _filled)

    app.action(re.compile(f"^{card.ACTION}(?:{'|'.join([*BUTTONS, UNDO])})$"))(press)
    app.view(card.FORM)(submit)
    app.view(re.compile(f"^{FILLED}(?:{'|'.join(hand.FORMS)})$"))(fill)


Handling = Callable[[Asked, Press], Awaitable[None]]
"""What is done with a press, or with a form that was sent."""


async def _safely(adapter: Adapter, context: AsyncBoltContext, body: dict[str, Any], handle: Handling) -> None:
    """Handle a press; whatever goes wrong is told to whoever pressed, and logged by its kind: Bolt would log words."""
    space = str(context.team_id)
    try:
        asked = asks(adapter, body, context)
        try:
            press = await _press(asked)
            if press is None:
                await _send(asked, Answer(asked.say("hand.refused")), standing=False)
            else:
                await handle(asked, press)
        except PlatformError as error:
            await _send(asked, Answer(asked.say("slack_hand.refused", why=escape(str(error)))), standing=False)
        except Exception as error:  # noqa: BLE001  whatever it was, the presser must not be left waiting
            log.warning("slack.press_failed", space=space, error=type(error).__name__)
            await _send(asked, Answer(asked.say("hand.failed")), standing=False)
    except Exception as error:  # noqa: BLE001
        log.warning("slack.answer_lost", space=space, error=type(error).__name__)


async def _press(asked: Asked) -> Press | None:
    """Return the press of a moderator; None where it is not for them to press."""
    workspace = asked.workspace
    if await moderates(asked.user, workspace.settings, workspace.people, workspace.who.team):
        return Press(workspace, await asked.person())
    return None


async def _pressed(asked: Asked, press: Press) -> None:
    action, about = asked.pressed
    name = action.removeprefix(card.ACTION)
    if name == hand.EXCERPT:
        await _show_excerpt(asked, press, about)
    elif name == UNDO:
        await _send(asked, await actions.undo(press, about))
    else:
        answer = await hand.pressed(press, name, about, BUTTONS)
        if answer.grounds is not None:
            await _ask(asked, lambda private: card.form(answer, asked.words, json.dumps(private)), answer.grounds)
        elif answer.form is not None:
            form, alert = answer.form
            await _ask(asked, lambda private: _form(asked, form, private), alert)
        else:
            await _send(asked, answer)


async def _show_excerpt(asked: Asked, press: Press, alert: str) -> None:
    words = press.words
    view = await asked.opened(card.waiting(words))
    if view is None:
        await _send(asked, Answer(words.say("slack.too_late")))
        return
    try:
        answer = await hand.pressed(press, hand.EXCERPT, alert, BUTTONS)
    except Exception as error:  # noqa: BLE001  what waits must not wait for ever
        log.warning("slack.press_failed", space=press.space, error=type(error).__name__)
        answer = Answer(words.say("hand.failed"))
    if answer.excerpt:
        shown = card.excerpt(answer.excerpt, words)
    else:
        shown = card.modal(words.say("card.excerpt"), card.answer(answer, words), words)
    try:
        await call(press.workspace.client.views_update, view_id=view, view=shown)
    except RefusalError as error:
        if error.code != case.CLOSED:  # whoever closed it wants to see it no more
            raise


def _form(asked: Asked, name: str, private: dict[str, Any]) -> Block:
    """Return one of the forms that cards share."""
    shared, say = hand.FORMS[name], asked.say
    inputs = [Input(one.name, say(one.label), one.most, one.long, one.optional) for one in shared.inputs]
    return forms.form(asked.words, FILLED + name, say(shared.title), inputs, private)


async def _ask(asked: Asked, draw: Callable[[dict[str, Any]], Block], alert: str) -> None:
    """Open a form about an alert; it brings back where its answer is to stand."""
    under = case.pressed_in(asked.body.get("view") or {})
    private = {
        "alert": alert,
        "channel": (asked.body.get("channel") or {}).get("id"),
        "window": None if under is None else under.id,
    }
    if await asked.opened(draw(private)) is None:
        await _send(asked, Answer(asked.say("slack.too_late")))


async def _submitted(asked: Asked, press: Press) -> None:
    values, about = asked.body["view"]["state"]["values"], json.loads(asked.body["view"]["private_metadata"])
    grounds = values[card.GROUNDS][card.GROUNDS]["selected_option"]["value"]
    remark = str(values[card.REMARK][card.REMARK].get("value") or "")
    await _send(asked, await hand.submitted(press, about["alert"], grounds, remark))


async def _filled(asked: Asked, press: Press) -> None:
    view = asked.body["view"]
    name = str(view["callback_id"]).removeprefix(FILLED)
    await _send(asked, await hand.filled(press, name, forms.about(view)["alert"], forms.filled(view)))


async def _send(asked: Asked, answer: Answer, *, standing: bool = True) -> None:
    """Tell whoever pressed, and nobody else; where they pressed in a case's window, it is to be `standing` there."""
    workspace, client = asked.workspace, asked.workspace.client
    if answer.file is not None:
        try:
            if not await direct.write(client, asked.user, "", answer.file):
                answer = Answer(asked.say("slack_hand.no_file", why=""))
        except PlatformError as error:
            answer = Answer(asked.say("slack_hand.no_file", why=escape(str(error))))
    blocks, view = card.answer(answer, asked.words), asked.body.get("view") or {}
    window = case.pressed_in(view)
    if window is not None and await case.show(workspace, window, blocks, standing=standing):
        return
    opened_from = json.loads(view.get("private_metadata") or "{}").get("channel")
    await direct.answer(
        client, asked.body, opened_from or workspace.settings.alert_channel, Shown(answer.text, tuple(blocks))
    )
