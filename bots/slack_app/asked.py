"""What every member's question begins with: who asks, in which workspace; and how they alone are answered.

Leans on `bots.slack_app.workspace`. Slack wants an answer within three seconds, so what is pressed is acknowledged
before anything is looked up. What was filled in is answered in the form itself, which nobody else sees; where that
takes longer than `IN_FORM`, in the direct message with the app.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import structlog
from slack_bolt.async_app import AsyncAck, AsyncBoltContext, AsyncRespond

from bots.common.here import Here
from bots.common.reporting import Aid
from bots.common.words import Words
from bots.helplines import Helplines
from bots.slack_app import direct
from bots.slack_app.api import RefusalError, call
from bots.slack_app.forms import said
from bots.slack_app.kit import Block, section
from bots.slack_app.workspace import Workspace, space_of
from core.cards import Person
from core.errors import LampkeeperError
from core.messages import tidy

IN_FORM = 2.0
"""Seconds in which an answer must be there to stand in the form."""
EXPIRED = frozenset(("expired_trigger_id", "invalid_trigger_id", "trigger_exchanged"))
"""Refusals to open a form because it was pressed more than three seconds ago, or the press had its form already."""

log = structlog.get_logger(__name__)


class Adapter(Protocol):
    """What answering needs of the adapter."""

    @property
    def helplines(self) -> Helplines:
        """Whom members can talk to."""

    def of(self, space: str) -> Workspace:
        """Return the workspace of a space."""


class Shown(NamedTuple):
    """An answer for whoever asked: a text, and the buttons and menus below it."""

    text: str
    below: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked (`user`), where, and what Slack sent with it."""

    workspace: Workspace
    helplines: Helplines
    user: str
    body: dict[str, Any]

    @property
    def words(self) -> Words:
        """What is said to them, in the workspace's language."""
        return self.workspace.words

    @property
    def here(self) -> Here:
        """The workspace's space."""
        return self.workspace.here

    @property
    def aid(self) -> Aid:
        """What a member is told beside."""
        settings = self.workspace.settings
        return Aid(self.helplines, settings.country, settings.alert_channel is not None)

    async def person(self, user: str = "") -> Person:
        """Return who asked, or another `user`, by the name they go by."""
        user = user or self.user
        return Person(user, tidy((await self.workspace.people.known(user)).name))

    async def place(self) -> str:
        """Return the workspace's name, as it is to be shown."""
        name = await self.workspace.people.workspace(self.workspace.who.team)
        return self.words.quote(name, 100) if name else self.say("slack_members.here")

    def say(self, key: str, /, **blanks: object) -> str:
        """Say a text in the workspace's language."""
        return self.words.say(key, **blanks)

    async def open(self, form: Block) -> Shown | None:
        """Open a form; where it was pressed too long ago for that, return what to say.

        https://docs.slack.dev/reference/methods/views.open
        """
        try:
            await call(self.workspace.client.views_open, trigger_id=self.body["trigger_id"], view=form)
        except RefusalError as error:
            if error.code not in EXPIRED:
                raise
            return Shown(self.say("slack_members.too_late"))
        return None


Answering = Callable[[Asked], Awaitable[Shown | None]]
"""What is done with a press, a choice or a command; None: there is nothing to say."""
Taking = Callable[[Asked], Awaitable[str]]
"""What is done with a form that was sent."""


def answering(adapter: Adapter, handle: Answering) -> Callable[..., Awaitable[None]]:
    """Return Bolt's listener for what is pressed, chosen or typed."""

    async def listen(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, respond: AsyncRespond) -> None:
        await ack()
        try:
            shown = await _answered(_asked(adapter, body, context), handle)
            if shown is not None:
                blocks = [section(shown.text), *shown.below]
                answer = await respond(
                    text=shown.text, blocks=blocks, response_type="ephemeral", replace_original=False
                )
                if answer.status_code != 200:
                    log.warning("slack.answer_lost", status=answer.status_code)
        except Exception as error:  # noqa: BLE001 - as below
            log.error("slack.answer_lost", error=type(error).__name__)

    return listen


def taking(adapter: Adapter, title: str, handle: Taking) -> Callable[..., Awaitable[None]]:
    """Return Bolt's listener for a form that was sent; `title` is the key of what stands over the answer."""

    async def listen(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        try:
            asked = _asked(adapter, body, context)
            answer = asyncio.create_task(_taken(asked, handle))
            done, _ = await asyncio.wait({answer}, timeout=IN_FORM)
            if done:
                await ack(response_action="update", view=said(asked.words, asked.say(title), answer.result()))
                return
            await ack()
            if not await direct.write(asked.workspace.client, asked.user, await answer):
                log.warning("slack.answer_lost", why="the person cannot be written to")
        except Exception as error:  # noqa: BLE001 - as below
            log.error("slack.answer_lost", error=type(error).__name__)

    return listen


async def _answered(asked: Asked, handle: Answering) -> Shown | None:
    try:
        return await handle(asked)
    except Exception as error:  # noqa: BLE001 - Bolt would log the traceback, and with it what errors carry
        return Shown(_failed(asked, error))


async def _taken(asked: Asked, handle: Taking) -> str:
    try:
        return await handle(asked)
    except Exception as error:  # noqa: BLE001 - as above
        return _failed(asked, error)


def _asked(adapter: Adapter, body: dict[str, Any], context: AsyncBoltContext) -> Asked:
    workspace = adapter.of(space_of(str(context.team_id)))
    return Asked(workspace, adapter.helplines, str(context.user_id), body)


def _failed(asked: Asked, error: Exception) -> str:
    """Say what went wrong; log the kind of error, never its words."""
    log.warning("slack.command_failed", space=asked.workspace.space, error=type(error).__name__)
    return asked.words.markup.escaped(str(error)) if isinstance(error, LampkeeperError) else asked.say("errors.failed")
