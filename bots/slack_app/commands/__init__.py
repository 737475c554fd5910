"""`/lampkeeper` on Slack: one command, whose first word says what is wanted; and what is pressed in its answers.

Leans on slack-bolt. Slack knows no commands under a command, so the words are ours: a row of `COMMANDS` each, and a
wrong one is answered with the nearest that there is. Every answer is for whoever asked alone. Acknowledged first, for
Slack waits three seconds; answered by the address that came along
(https://docs.slack.dev/interactivity/implementing-slash-commands). What is pressed is a row of `PRESSES`. What members
ask about themselves is another module's to do (`act` is None); it is listed here with the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, NamedTuple

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncRespond

from bots.slack_app import home
from bots.slack_app.api import call
from bots.slack_app.commands import cases, looking, reading, settings, setup
from bots.slack_app.commands.asked import Act, Asked, Shown, Who, asks
from bots.slack_app.commands.windows import window
from bots.slack_app.kit import Block, modal, section
from bots.slack_app.manifest import COMMAND
from bots.slack_app.trial import ACTION as TEST
from bots.slack_app.workspace import Workspace
from core.errors import LampkeeperError

NEAR = 0.5
WORD = 40
"""Characters shown of a word that is none of ours."""

log = structlog.get_logger(__name__)


class Command(NamedTuple):
    """A word: who may use it, what it does (a text's key), what may follow (a text's key, "": nothing)."""

    who: Who
    about: str
    follows: str
    act: Act | None


class Press(NamedTuple):
    """A button: who may press it, what it does with its value, and whether its answer takes the list's place."""

    who: Who
    act: Act
    turns: bool = False


async def helped(asked: Asked, _words: str) -> Shown:
    """List what whoever asks may use."""
    lines = [asked.say("home.commands")]
    for word, command in COMMANDS.items():
        if await asked.may(command.who):
            lines.append(asked.say("home.command", word=f"{COMMAND} {word}", about=asked.say(command.about)))
    return Shown.of(*lines)


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "help": Command("member", "home.help_description", "", helped),
        "setup": Command("admin", "setup.description", "", setup.setup),
        "settings": Command("admin", "settings.description", "home.settings_follows", settings.settings),
        "pause": Command("admin", "pause.description", "", reading.pause),
        "resume": Command("admin", "pause.description_resume", "", reading.resume),
        "status": Command("moderator", "status.description", "", looking.status),
        "preview": Command("moderator", "preview.description", "home.preview_follows", looking.preview),
        "cases": Command("moderator", "cases.description", "home.cases_follows", cases.cases),
        "case": Command("moderator", "cases.case_description", "home.case_follows", cases.case),
        "stats": Command("moderator", "digest.description", "", looking.stats),
        "join": Command("moderator", "home.join_description", "home.join_follows", reading.join),
        "backscan": Command("moderator", "backscan.description", "home.backscan_follows", reading.backscan),
        "test": Command("admin", "test.description", "", looking.test),
        "privacy": Command("member", "privacy.description", "", None),
        "requests": Command("admin", "requests.description", "", None),
    }
)
PRESSES: Mapping[str, Press] = MappingProxyType(
    {
        setup.SETUP: Press("admin", setup.setup),
        cases.OPEN: Press("moderator", cases.opened),
        f"{cases.TURN}-newer": Press("moderator", cases.turn, turns=True),
        f"{cases.TURN}-older": Press("moderator", cases.turn, turns=True),
        reading.CANCEL: Press("moderator", reading.cancel),
        f"{TEST}confirm": Press("moderator", looking.tested),
        f"{TEST}excerpt": Press("moderator", looking.tested),
    }
)
"""Id of a button -> what it does."""

Tell = Callable[[Shown], Coroutine[Any, Any, Any]]
Body = dict[str, Any]


def add(app: AsyncApp, of: Callable[[str], Workspace]) -> None:
    """Listen; `of` returns the workspace of a team, and raises `PlatformError` where it is not served."""

    async def command(ack: AsyncAck, body: Body, respond: AsyncRespond, context: AsyncBoltContext) -> None:
        await ack()
        word, words = typed(body)
        await _answer(_asking(of, context, body), lambda asked: _said(asked, word, words), _answering(respond))

    async def press(ack: AsyncAck, body: Body, respond: AsyncRespond, context: AsyncBoltContext) -> None:
        await ack()
        pressed, value = PRESSES[body["actions"][0]["action_id"]], str(body["actions"][0].get("value") or "")
        asking = _asking(of, context, body)
        tell = _answering(respond, replace=pressed.turns) if body.get("response_url") else _in_window(asking)
        await _answer(asking, lambda asked: _done(asked, pressed.who, pressed.act, value), tell)

    async def submitted(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        # Closed by Slack if it is not answered at once; what became of it takes its place.
        view, asking = body["view"], _asking(of, context, body)
        title = str(view["title"]["text"])
        await ack(response_action="update", view=modal(title, [section("…")]))

        async def show(shown: Shown) -> None:
            changed = modal(title, _drawn(shown))
            await call((await asking()).workspace.client.views_update, view_id=view["id"], view=changed)

        async def store(asked: Asked, _: str) -> Shown:
            shown = await setup.stored(asked, view["state"]["values"])
            await home.draw(asked)
            return shown

        await _answer(asking, lambda asked: _done(asked, "admin", store, ""), show)

    async def opened(event: Body, context: AsyncBoltContext) -> None:
        await home.opened(event, lambda: of(str(context.team_id)))

    app.event("app_home_opened")(opened)
    app.command(COMMAND, matchers=[_ours])(command)
    app.action(re.compile("|".join(f"^{re.escape(name)}$" for name in PRESSES)))(press)
    app.view(setup.SETUP)(submitted)


def typed(body: Body) -> tuple[str, str]:
    """Return the first word of a command, in small letters, and what follows; `help` where nothing was typed.

    >>> typed({"text": "Settings mode shadow"}), typed({})
    (('settings', 'mode shadow'), ('help', ''))
    """
    word, _, words = str(body.get("text") or "help").strip().partition(" ")
    return word.lower(), words.strip()


async def _ours(body: Body) -> bool:
    """Tell whether a command is answered here."""
    known = COMMANDS.get(typed(body)[0])
    return known is None or known.act is not None


async def _said(asked: Asked, word: str, words: str) -> Shown | None:
    """Do what a word means; say which is the nearest to one that means nothing."""
    command = COMMANDS.get(word)
    if command is not None and command.act is not None:
        return await _done(asked, command.who, command.act, words)
    code, near = asked.words.markup.code, get_close_matches(word, COMMANDS, n=1, cutoff=NEAR)
    if near:
        return Shown(asked.say("home.nearest", word=asked.words.quote(word, WORD), near=code(f"{COMMAND} {near[0]}")))
    listed = await helped(asked, "")
    return Shown.of(asked.say("home.no_word", word=asked.words.quote(word, WORD)), more=tuple(listed.blocks or ()))


async def _done(asked: Asked, who: Who, act: Act, words: str) -> Shown | None:
    """Do it for whoever may; tell the others that it is not theirs to ask."""
    return await act(asked, words) if await asked.may(who) else Shown(asked.say(f"errors.not_{who}"))


Asking = Callable[[], Coroutine[Any, Any, Asked]]


def _asking(of: Callable[[str], Workspace], context: AsyncBoltContext, body: Body) -> Asking:
    """Return what finds out who asks."""

    async def asking() -> Asked:
        return await asks(of(str(context.team_id)), str(context.user_id), str(body.get("trigger_id") or ""))

    return asking


async def _answer(asking: Asking, act: Callable[[Asked], Coroutine[Any, Any, Shown | None]], tell: Tell) -> None:
    """Do something, and tell what came of it; log the kind of an error, never its words."""
    try:
        asked = await asking()
        try:
            shown = await act(asked)
        except LampkeeperError as error:
            log.warning("slack.command_failed", error=type(error).__name__)
            shown = Shown(asked.words.markup.escaped(str(error)))
        except Exception as error:  # noqa: BLE001 - Bolt would log the traceback, and with it what errors carry
            log.error("slack.command_failed", error=type(error).__name__)
            shown = Shown(asked.say("errors.failed"))
        if shown is not None:
            await tell(shown)
    except Exception as error:  # noqa: BLE001 - as above
        log.error("slack.answer_lost", error=type(error).__name__)


def _answering(respond: AsyncRespond, *, replace: bool = False) -> Tell:
    """Return what answers whoever asked, alone; in place of what was pressed, where that is a list to turn."""

    async def tell(shown: Shown) -> None:
        answer = await respond(
            text=shown.text, blocks=_drawn(shown), response_type="ephemeral", replace_original=replace
        )
        if answer.status_code != 200:
            log.warning("slack.answer_lost", status=answer.status_code)

    return tell


def _in_window(asking: Asking) -> Tell:
    """Return what answers a press in Home, which has no address to answer at: in a window, if there is time."""

    async def tell(shown: Shown) -> None:
        asked = await asking()
        await window(asked, modal(asked.say("home.title"), _drawn(shown)))

    return tell


def _drawn(shown: Shown) -> list[Block]:
    """Return an answer as blocks."""
    return shown.blocks or [section(shown.text)]
