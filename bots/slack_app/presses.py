"""Presses on Slack: the buttons of a card, of a case's window and of the answers to both, and the forms they ask for.

Leans on Bolt; what a press does is in `bots.common.hand` and `actions`, a row of `BUTTONS` each. Every button carries
what it is about, so a press works after any restart. Decisions:

- Slack wants an answer within three seconds, so each press is acknowledged before anything is looked up, and answered
  to the presser alone: in the case's window, where it was pressed there, with the case as it stands then; else as
  `direct` says.
- Who may press is asked anew at every press. Of whoever may not, a case's window is emptied.
- Texts are shown in a modal, to whoever pressed for them. It opens folded, with what was noticed: nothing is looked up,
  recorded or counted before **Show texts** is pressed in it. Slack lets one be opened within three seconds of a press:
  it is opened first and filled then, and where Slack has waited too long, the presser is told to press again, and
  nothing was recorded.
- Forms are opened the same way. What was filled in is answered where the press was.
- A file goes into the presser's direct messages with the app: nothing that only one person sees can hold one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bots.common import hand
from bots.common.answers import Answer
from bots.common.words import Words
from bots.slack_app import actions, card, case, direct, forms
from bots.slack_app.answers import Press
from bots.slack_app.api import RefusalError, call
from bots.slack_app.asked import Adapter, Asked, asks
from bots.slack_app.kit import Shown
from bots.slack_app.markup import escape
from bots.slack_app.moderators import moderates
from core.casework.cards import Card, Grounds
from core.errors import PlatformError

UNDO, DISMISSAL = "undo", "dismissal"
BUTTONS: dict[str, hand.Button[Press]] = hand.buttons(
    {name: hand.Deed(actions.ask(name), actions.do(name)) for name in actions.DEEDS}
)

log = structlog.get_logger(__name__)


def add(app: AsyncApp, adapter: Adapter) -> None:
    """Have Bolt hand over our presses and our forms."""

    async def press(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        await _safely(adapter, context, body, _pressed)

    async def submit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        await _safely(adapter, context, body, _submitted)

    app.action(re.compile(f"^{card.ACTION}(?:{'|'.join([*BUTTONS, UNDO])})$"))(press)
    app.view(card.FORM)(submit)


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
    if name in hand.REACHES:
        await _show_excerpt(asked, press, name, about)
    elif name == UNDO:
        await _send(asked, await actions.undo(press, about))
    else:
        answer = await hand.pressed(press, name, about, BUTTONS)
        if answer.grounds is None and answer.form is None:
            await _send(asked, answer)
        else:
            await _ask(asked, answer)


async def _show_excerpt(asked: Asked, press: Press, name: str, alert: str) -> None:
    """Open a window in which an excerpt is folded; pressed in it, show texts, or more of them, in its place."""
    words, here = press.words, asked.body.get("view") or {}
    again = here.get("callback_id") == card.EXCERPT_WINDOW
    view = str(here["id"]) if again else await asked.opened(card.waiting(words))
    if view is None:
        await _send(asked, Answer(words.say("slack.too_late")))
        return
    try:
        if again:
            answer = await hand.pressed(press, name, alert, BUTTONS)
        else:
            answer = await hand.about(press, alert, partial(_folded, words, name), looking=True)
    except Exception as error:  # noqa: BLE001  what waits must not wait for ever
        log.warning("slack.press_failed", space=press.space, error=type(error).__name__)
        answer = Answer(words.say("hand.failed"))
    if answer.excerpt:
        shown = card.excerpt(answer, words)
    elif answer.buttons:
        shown = card.folded(answer, words)
    else:
        shown = card.modal(words.say("card.excerpt"), card.answer(answer, words), words)
    try:
        await call(press.workspace.client.views_update, view_id=view, view=shown)
    except RefusalError as error:
        if error.code != case.CLOSED:  # whoever closed it wants to see it no more
            raise


async def _folded(words: Words, name: str, about: Card) -> Answer:
    return card.fold(about, name, words)


async def _ask(asked: Asked, answer: Answer) -> None:
    """Open a form; it brings back what it is about, and where its answer is to stand."""
    under = case.pressed_in(asked.body.get("view") or {})
    name, alert = answer.form or (DISMISSAL, answer.grounds)
    about = {
        "form": name,
        "alert": alert,
        "channel": (asked.body.get("channel") or {}).get("id"),
        "window": None if under is None else under.id,
    }
    if await asked.opened(card.form(answer, asked.words, about)) is None:
        await _send(asked, Answer(asked.say("slack.too_late")))


async def _submitted(asked: Asked, press: Press) -> None:
    view = asked.body["view"]
    values, about = forms.filled(view), forms.about(view)
    if about["form"] == DISMISSAL:
        grounds = cast("Grounds", values[card.GROUNDS])
        answer = await hand.submitted(press, about["alert"], grounds, values[card.REMARK])
    else:
        answer = await hand.filled(press, about["form"], about["alert"], values)
    await _send(asked, answer)


async def _send(asked: Asked, answer: Answer, *, standing: bool = True) -> None:
    """Tell whoever pressed, and nobody else; where they pressed in a case's window, it is to be `standing` there."""
    workspace, client = asked.workspace, asked.workspace.client
    if answer.files:
        try:
            if not await direct.write(client, asked.user, "", answer.files):
                answer = Answer(asked.say("slack_hand.no_file", why=""))
        except PlatformError as error:
            answer = Answer(asked.say("slack_hand.no_file", why=escape(str(error))))
    blocks, view = card.answer(answer, asked.words), asked.body.get("view") or {}
    window = case.pressed_in(view)
    if window is not None and await case.show(workspace, window, blocks, await asked.person() if standing else None):
        return
    opened_from = json.loads(view.get("private_metadata") or "{}").get("channel")
    await direct.answer(
        client, asked.body, opened_from or workspace.settings.alert_channel, Shown(answer.text, tuple(blocks))
    )
