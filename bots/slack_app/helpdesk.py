"""Who writes to the app itself: a plain answer with helplines, once a conversation and day, and a form to report with.

Leans on `bots.common.helpdesk`. Decisions:
- After a restart the conversation itself tells whether it was answered today. Where Slack does not let it be read, it
  is answered: twice is better than not at all.
- A direct message with the app belongs to its workspace, so nobody is asked to which moderators a report goes.
- Who is meant can be chosen from the members; a name that somebody types is looked for, too.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import structlog

from bots.common.helpdesk import NAME_MOST, WHAT_MOST, Answered, Told, countries, flag, greeting, named, take
from bots.helplines import Helplines
from bots.slack_app.api import call
from bots.slack_app.asked import Asked
from bots.slack_app.forms import Input, filled, form, menu
from bots.slack_app.kit import OPTIONS, Block, Shown, actions, button, section
from bots.slack_app.markup import words
from bots.slack_app.translate import Raw, is_typed
from bots.slack_app.workspace import Workspace
from core.casework import reports
from core.casework.cards import Person
from core.errors import PlatformError, TryLater
from core.messages import tidy
from core.retention.rules import DAY

TELL = "lampkeeper:tell"
KEPT = "lampkeeper:kept"
COUNTRY = "lampkeeper:country"
LOOK_BACK = 50
"""Messages of a conversation looked through for today's answer, after a restart."""
TRIES = 3
_MEMBER = re.compile(r"<?@?([UW][A-Z0-9]{2,})(?:\|[^>]*)?>?")

log = structlog.get_logger(__name__)


class Helpdesk:
    """Answers who writes to the app, in any workspace."""

    def __init__(self, helplines: Helplines) -> None:
        self._helplines = helplines
        self._answered = Answered()

    async def greet(self, workspace: Workspace, event: Raw) -> None:
        """Answer somebody who wrote to the app (`event`, of a direct message), unless that was done within a day."""
        if not is_typed(event, workspace.who):
            return
        channel, now = str(event["channel"]), time.time()
        conversation = f"{workspace.space}/{channel}"
        # Noted before anything is waited for: the next line may be here already.
        if not self._answered.begin(conversation, now):
            return
        try:
            if not await _answered(workspace, channel, now):
                await self._send(workspace, channel)
        except PlatformError as error:
            self._answered.failed(conversation)
            log.warning("slack.help_not_sent", what=error.what, remedy="the next line is answered")

    async def _send(self, workspace: Workspace, channel: str) -> None:
        text, below = self._text(workspace), self._below(workspace)
        for left in reversed(range(TRIES)):
            try:
                await call(
                    workspace.client.chat_postMessage,
                    channel=channel,
                    text=text,
                    blocks=[section(text), *below],
                    unfurl_links=False,
                    unfurl_media=False,
                )
            except TryLater as error:
                if not left:
                    raise
                await asyncio.sleep(error.seconds or 1.0)
            else:
                return

    def _text(self, workspace: Workspace) -> str:
        readers = ""  # what they are called in a workspace, the text says itself
        return greeting(words(workspace.language), self._helplines, workspace.settings.country, readers)

    def _below(self, workspace: Workspace) -> list[Block]:
        """Return what stands under the answer: the form's button, what is kept, and the countries."""
        say = words(workspace.language).say
        buttons = (button(say("members.tell"), TELL, TELL, "primary"), button(say("slack_members.kept"), KEPT, KEPT))
        known = [(at, f"{flag(at)} {label}") for at, label in countries(self._helplines)]
        pages = [known[start : start + OPTIONS] for start in range(0, len(known), OPTIONS)]
        return [actions(buttons), *(actions([menu(COUNTRY, say("members.elsewhere"), page)]) for page in pages)]


async def _answered(workspace: Workspace, channel: str, now: float) -> bool:
    """Tell whether the conversation itself shows an answer within the last day."""
    try:
        asking = {"channel": channel, "oldest": f"{now - DAY:.6f}", "limit": LOOK_BACK}
        said = (await call(workspace.client.conversations_history, **asking))["messages"]
    except PlatformError:
        return False
    return any(one.get("bot_id") == workspace.who.bot and TELL in _actions(one) for one in said)


def _actions(message: dict[str, Any]) -> set[str]:
    blocks = message.get("blocks") or ()
    return {str(element.get("action_id")) for block in blocks for element in block.get("elements") or ()}


async def show_country(asked: Asked) -> Shown:
    """Name the helplines of the country chosen."""
    chosen = asked.body["actions"][0]["selected_option"]["value"]
    return Shown(named(asked.words, asked.helplines, str(chosen)))


async def begin(asked: Asked) -> Shown | None:
    """Open the form."""
    say = asked.say
    inputs = [
        Input("what", say("members.tell_what"), WHAT_MOST, long=True),
        Input("member", say("slack_members.tell_member"), people=True, optional=True),
        Input("who", say("slack_members.tell_who"), NAME_MOST, optional=True),
        Input("where", say("members.tell_where"), NAME_MOST, optional=True),
    ]
    return await asked.open(form(asked.words, TELL, say("members.tell_title"), inputs))


async def submit(asked: Asked) -> str:
    """Open a case."""
    given = filled(asked.body["view"])
    chosen = await _member(asked, given["member"]) if given["member"] else None
    who = ", ".join(name for name in (chosen.name if chosen else given["member"], given["who"]) if name)
    about = chosen or (await _meant(asked, given["who"]) if given["who"] else None)
    return await take(asked.here, Told(await asked.person(), given["what"], who, given["where"]), about, asked.aid)


async def _member(asked: Asked, user: str) -> Person | None:
    """Return a member by the id; None if there is none, or it is a program."""
    known = await asked.workspace.people.known(user)
    return Person(user, tidy(known.name)) if known.name and not known.bot else None


async def _meant(asked: Asked, who: str) -> Person | None:
    """Return who is meant by an id, a mention or a name; None if nobody, or more than one, can be."""
    if (member := _MEMBER.fullmatch(who)) is not None and (found := await _member(asked, member[1])) is not None:
        return found
    return await reports.named(asked.here.ledger, asked.here.space, who.removeprefix("@"))
