"""`/lampkeeper requests`: what members asked for about themselves, for the workspace's owners and admins to answer.

Leans on `bots.common.requests`. Who may is looked at again with each press.
"""

from __future__ import annotations

import structlog

from bots.common import requests as answers
from bots.common.exports import File
from bots.common.requests import Write
from bots.slack_app import direct, home
from bots.slack_app.asked import Asked
from bots.slack_app.forms import menu
from bots.slack_app.kit import OPTIONS, SECTION, Shown, actions, button
from core.casework.cards import Person
from core.errors import PlatformError
from core.retention import requests
from core.retention.requests import Request

CHOOSE, FORGET = "lampkeeper:request", "lampkeeper:forget"

log = structlog.get_logger(__name__)


async def show(asked: Asked) -> Shown:
    """Show the open requests."""
    if not await asked.may("admin"):
        return _refused(asked)
    words, found = asked.words, (await requests.waiting(asked.here.ledger, asked.here.space))[:OPTIONS]
    if not found:
        return Shown(asked.say("requests.none"))
    options = [
        (str(one.number), f"{one.number}: {answers.wants(words, one)}, {one.person.name or one.person.id}")
        for one in found
    ]
    chosen = menu(CHOOSE, asked.say("requests.choose"), options)
    return Shown.of(words.fit(answers.lines(words, found), SECTION), more=(actions([chosen]),))


async def choose(asked: Asked) -> Shown:
    """Answer the request chosen; before a deletion, ask once more."""
    if not await asked.may("admin"):
        return _refused(asked)
    request = await _request(asked, str(asked.body["actions"][0]["selected_option"]["value"]))
    if request is None:
        return Shown(asked.say("requests.gone"))
    admin = await asked.person()
    if refused := answers.own(asked.words, request, admin):
        return Shown(refused)
    if request.kind == "access":
        return Shown(await answers.show(asked.here, request, admin, await asked.place(), _write(asked)))
    sure = button(asked.say("requests.confirm_button"), FORGET, str(request.number), "danger")
    return Shown.of(await answers.sure(asked.here, request), more=(actions([sure]),))


async def forget(asked: Asked) -> Shown:
    """Delete what is kept about a member."""
    if not await asked.may("admin"):
        return _refused(asked)
    request = await _request(asked, str(asked.body["actions"][0]["value"]))
    if request is None:
        return Shown(asked.say("requests.gone"))
    admin, place = await asked.person(), await asked.place()
    told = await answers.delete(asked.here, request, admin, place, _tell(asked))
    asked.workspace.handle(home.look_again(asked.helplines, asked.workspace))
    return Shown(told)


def _refused(asked: Asked) -> Shown:
    return Shown(asked.say("errors.not_admin"))


async def _request(asked: Asked, number: str) -> Request | None:
    waiting = await requests.waiting(asked.here.ledger, asked.here.space)
    return next((request for request in waiting if str(request.number) == number), None)


def _write(asked: Asked) -> Write:
    """Return what writes to a member."""

    async def write(person: Person, text: str, file: File | None) -> bool:
        return await direct.write(asked.workspace.client, person.id, text, [file] if file else ())

    return write


def _tell(asked: Asked) -> Write:
    """Return what writes to a member where nothing hangs on it: what was done is done, told or not."""

    async def tell(person: Person, text: str, file: File | None) -> bool:
        try:
            return await direct.write(asked.workspace.client, person.id, text, [file] if file else ())
        except PlatformError as error:
            log.warning("slack.answer_lost", what=error.what)
            return False

    return tell
