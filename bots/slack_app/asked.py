"""What every question and every press begins with: who asks, in which workspace, whether they may; and the answer.

Leans on `bots.slack_app.workspace`, on `moderators` for who is one, and on `direct` for how they alone are answered.
Slack wants an answer within three seconds, so what is pressed is acknowledged before anything is looked up. Decisions:

- Who may is asked every time: whoever is a moderator no more gets no answer.
- What was filled in is answered in the form itself, which nobody else sees; where that takes longer than `IN_FORM`, in
  the direct message with the app.
- A press in the app's Home has no address to answer at: it is answered in a window. Slack lets one be opened within
  three seconds; where it has waited too long, whoever pressed is told in another way (`direct.answer`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import structlog
from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bots.common.here import Here
from bots.common.reporting import Aid
from bots.common.settings import all_in_words
from bots.common.words import Words
from bots.helplines import Helplines
from bots.slack_app import direct
from bots.slack_app.api import LATE, RefusalError, call
from bots.slack_app.forms import said
from bots.slack_app.kit import Block, Shown, modal
from bots.slack_app.moderators import administers, moderates
from bots.slack_app.workspace import Workspace, space_of
from core.casework.cards import Person
from core.errors import LampkeeperError
from core.messages import tidy

IN_FORM = 2.0
"""Seconds in which an answer must be there to stand in the form."""
Who = Literal["member", "staff", "moderator", "admin"]
"""Whose it is to ask: everybody's, the moderators' and admins', the moderators' alone, the admins' alone.

What shows cases is the moderators' alone; what shows counts, or reads, is the staff's: an admin must be able to see how
Lampkeeper does where nobody is in the alert channel, or there is none.
"""
REFUSED: Mapping[Who, str] = {
    "staff": "errors.not_moderator",
    "moderator": "errors.not_moderator",
    "admin": "errors.not_admin",
}
"""Whose it is to ask -> what the others are told (a text's key)."""

log = structlog.get_logger(__name__)


class Adapter(Protocol):
    """What answering needs of the adapter."""

    @property
    def helplines(self) -> Helplines:
        """Whom members can talk to."""

    def of(self, space: str) -> Workspace:
        """Return the workspace of a space."""


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

    @property
    def pressed(self) -> tuple[str, str]:
        """The id of the button that was pressed, and what it is about."""
        action = self.body["actions"][0]
        return str(action["action_id"]), str(action.get("value") or "")

    @property
    def in_window(self) -> bool:
        """Whether they pressed something in a window."""
        return (self.body.get("view") or {}).get("type") == "modal"

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

    def settings(self) -> list[str]:
        """Say every setting of the workspace."""
        return all_in_words(self.here, self.workspace.settings, self.workspace.source)

    async def may(self, who: Who) -> bool:
        """Tell whether they count as `who`; raises `PlatformError` where Slack does not tell."""
        user, people, team = self.user, self.workspace.people, self.workspace.who.team
        if who in ("admin", "staff") and await administers(user, people, team):
            return True
        if who in ("moderator", "staff"):
            return await moderates(user, self.workspace.settings, people, team)
        return who == "member"

    async def store(self, changes: dict[str, Any]) -> None:
        """Store what was chosen, audited."""
        if changes:
            await self.workspace.choose(changes, await self.person())

    async def opened(self, view: Block) -> str | None:
        """Open a window, over the one that was pressed in; return its id, or None where Slack waited too long.

        https://docs.slack.dev/reference/methods/views.open, https://docs.slack.dev/reference/methods/views.push
        """
        client = self.workspace.client
        method = client.views_push if self.in_window else client.views_open
        try:
            window = await call(method, trigger_id=str(self.body.get("trigger_id")), view=view)
        except RefusalError as error:
            if error.code not in LATE:
                raise
            return None
        return str(window["view"]["id"])

    async def open(self, view: Block) -> Shown | None:
        """Open a window; where Slack waited too long, return what to say."""
        return Shown(self.say("slack.too_late")) if await self.opened(view) is None else None

    async def tell(self, shown: Shown) -> None:
        """Tell whoever asked, and nobody else."""
        at_home = (self.body.get("view") or {}).get("type") == "home"
        if at_home and await self.opened(modal(self.say("home.title"), shown.drawn())) is not None:
            return
        client, alerts = self.workspace.client, self.workspace.settings.alert_channel
        await direct.answer(client, self.body, alerts, shown)


Answering = Callable[[Asked], Awaitable[Shown | None]]
"""What is done with a press, a choice or a command; None: there is nothing to say."""
Act = Callable[[Asked, str], Awaitable[Shown | None]]
"""The same, with the words of a command or the value of a button."""
Taking = Callable[[Asked], Awaitable[str]]
"""What is done with a form that was sent."""


def asks(adapter: Adapter, body: dict[str, Any], context: AsyncBoltContext) -> Asked:
    """Return who asks; raises `PlatformError` where the workspace is not served."""
    return Asked(adapter.of(space_of(str(context.team_id))), adapter.helplines, str(context.user_id), body)


def answering(adapter: Adapter, handle: Answering) -> Callable[..., Awaitable[None]]:
    """Return Bolt's listener for what is pressed, chosen or typed."""

    async def listen(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        try:
            asked = asks(adapter, body, context)
            shown = await answered(asked, handle)
            if shown is not None:
                await asked.tell(shown)
        except Exception as error:  # noqa: BLE001 - as below
            log.error("slack.answer_lost", error=type(error).__name__)

    return listen


def taking(adapter: Adapter, title: str, handle: Taking) -> Callable[..., Awaitable[None]]:
    """Return Bolt's listener for a form that was sent; `title` is the key of what stands over the answer."""

    async def listen(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        try:
            asked = asks(adapter, body, context)
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


async def answered(asked: Asked, handle: Answering) -> Shown | None:
    """Do what was asked for, and return the answer; whatever goes wrong is one, too."""
    try:
        return await handle(asked)
    except Exception as error:  # noqa: BLE001 - Bolt would log the traceback, and with it what errors carry
        return Shown(_failed(asked, error))


async def _taken(asked: Asked, handle: Taking) -> str:
    try:
        return await handle(asked)
    except Exception as error:  # noqa: BLE001 - as above
        return _failed(asked, error)


def _failed(asked: Asked, error: Exception) -> str:
    """Say what went wrong; log the kind of error, never its words."""
    log.warning("slack.command_failed", space=asked.workspace.space, error=type(error).__name__)
    return asked.words.markup.escaped(str(error)) if isinstance(error, LampkeeperError) else asked.say("errors.failed")
