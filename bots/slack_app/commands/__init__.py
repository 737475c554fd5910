"""`/lampkeeper` on Slack: one command, whose first word says what is wanted; and what is pressed in its answers.

Leans on slack-bolt. Slack knows no commands under a command, so the words are ours: a row of `COMMANDS` each, and a
wrong one is answered with the nearest that there is. Every answer is for whoever asked alone. Acknowledged first, for
Slack waits three seconds; answered by the address that came along
(https://docs.slack.dev/interactivity/implementing-slash-commands). What is pressed is a row of `PRESSES`. What members
ask about themselves is another module's to do (`act` is None); it is listed here with the rest.

Where an act changed the settings, somebody may be a moderator no more: `home` looks again whose Home shows what.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, NamedTuple

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bots.slack_app import home
from bots.slack_app.api import call
from bots.slack_app.asked import REFUSED, Act, Adapter, Asked, Who, answered, answering, asks
from bots.slack_app.commands import cases, looking, reading, settings, setup
from bots.slack_app.kit import Shown, modal, section
from bots.slack_app.manifest import COMMAND
from bots.slack_app.trial import ACTION as TEST

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
    """A button: who may press it, and what it does with its value."""

    who: Who
    act: Act


async def helped(asked: Asked, _words: str) -> Shown:
    """List what whoever asks may use."""
    lines = [asked.say("home.commands")]
    # Each kind is asked for once: Slack is asked who is an admin, and help is everybody's to ask for.
    may = {who: await asked.may(who) for who in dict.fromkeys(command.who for command in COMMANDS.values())}
    for word, command in COMMANDS.items():
        if may[command.who]:
            lines.append(asked.say("home.command", word=f"{COMMAND} {word}", about=asked.say(command.about)))
    return Shown.of(*lines)


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "help": Command("member", "home.help_description", "", helped),
        "setup": Command("admin", "setup.description", "", setup.setup),
        "settings": Command("admin", "settings.description", "home.settings_follows", settings.settings),
        "pause": Command("admin", "pause.description", "", reading.pause),
        "resume": Command("admin", "pause.description_resume", "", reading.resume),
        "status": Command("staff", "status.description", "", looking.status),
        "preview": Command("staff", "preview.description", "home.preview_follows", looking.preview),
        "cases": Command("moderator", "cases.description", "home.cases_follows", cases.cases),
        "case": Command("moderator", "cases.case_description", "home.case_follows", cases.case),
        "stats": Command("staff", "digest.description", "", looking.stats),
        "join": Command("staff", "home.join_description", "home.join_follows", reading.join),
        "backscan": Command("staff", "backscan.description", "home.backscan_follows", reading.backscan),
        "test": Command("admin", "test.description", "", looking.test),
        "privacy": Command("member", "privacy.description", "", None),
        "requests": Command("admin", "requests.description", "", None),
    }
)
PRESSES: Mapping[str, Press] = MappingProxyType(
    {
        setup.SETUP: Press("admin", setup.setup),
        cases.OPEN: Press("moderator", cases.opened),
        f"{cases.TURN}-newer": Press("moderator", cases.turn),
        f"{cases.TURN}-older": Press("moderator", cases.turn),
        reading.CANCEL: Press("staff", reading.cancel),
        f"{TEST}confirm": Press("staff", looking.tested),
        f"{TEST}excerpt": Press("staff", looking.tested),
    }
)
"""Id of a button -> what it does."""

Body = dict[str, Any]


def add(app: AsyncApp, adapter: Adapter) -> None:
    """Listen."""

    async def submitted(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        # Closed by Slack if it is not answered at once; what became of it takes its place.
        view = body["view"]
        title = str(view["title"]["text"])
        await ack(response_action="update", view=modal(title, [section("…")]))
        try:
            asked = asks(adapter, body, context)
            shown = await answered(asked, _stored) or Shown("…")
            client = asked.workspace.client
            await call(client.views_update, view_id=view["id"], view=modal(title, shown.drawn()))
        except Exception as error:  # noqa: BLE001 - Bolt would log the traceback, and with it what errors carry
            log.error("slack.answer_lost", error=type(error).__name__)

    async def opened(event: Body, body: Body, context: AsyncBoltContext) -> None:
        await home.opened(adapter, event, body, context)

    app.event("app_home_opened")(opened)
    app.command(COMMAND, matchers=[_ours])(answering(adapter, _typed))
    app.action(re.compile("|".join(f"^{re.escape(name)}$" for name in PRESSES)))(answering(adapter, _pressed))
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


async def _typed(asked: Asked) -> Shown | None:
    """Do what a word means; say which is the nearest to one that means nothing."""
    word, words = typed(asked.body)
    command = COMMANDS.get(word)
    if command is not None and command.act is not None:
        return await _done(asked, command.who, command.act, words)
    code, near = asked.words.markup.code, get_close_matches(word, COMMANDS, n=1, cutoff=NEAR)
    if near:
        return Shown(asked.say("home.nearest", word=asked.words.quote(word, WORD), near=code(f"{COMMAND} {near[0]}")))
    listed = await helped(asked, "")
    return Shown.of(asked.say("home.no_word", word=asked.words.quote(word, WORD)), more=listed.blocks)


async def _pressed(asked: Asked) -> Shown | None:
    name, value = asked.pressed
    pressed = PRESSES[name]
    return await _done(asked, pressed.who, pressed.act, value)


async def _stored(asked: Asked) -> Shown | None:
    async def store(asked: Asked, _: str) -> Shown:
        shown = await setup.stored(asked, asked.body["view"])
        await home.draw(asked)
        return shown

    return await _done(asked, "admin", store, "")


async def _done(asked: Asked, who: Who, act: Act, words: str) -> Shown | None:
    """Do it for whoever may; tell the others that it is not theirs to ask."""
    if not await asked.may(who):
        return Shown(asked.say(REFUSED[who]))
    before = asked.workspace.settings
    shown = await act(asked, words)
    if asked.workspace.settings is not before:
        asked.workspace.handle(home.look_again(asked.helplines, asked.workspace))
    return shown
