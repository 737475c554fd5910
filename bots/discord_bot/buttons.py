"""The buttons of a card and of the answers to it. Each carries what it is about, so a press works after any restart.

Leans on discord.py's `DynamicItem`; what a press does is in `bots.common.hand` and `actions`, a row of `BUTTONS` each.
Who may press is asked anew at every press. Discord wants an answer within three seconds (API, "Responding to an
Interaction"), which a busy disk may not keep: a press that is allowed is acknowledged first and answered after. Where
the answer can no longer be given, what was done stands, and the card shows it.

The forms are rows of `bots.discord_bot.client.FORMS`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Self, cast

import discord
import structlog

from bots.common import hand
from bots.common.answers import Answer
from bots.common.face import offered
from bots.discord_bot import actions
from bots.discord_bot.answers import NOBODY, Press, attached, pressed
from bots.discord_bot.card import excerpt
from bots.discord_bot.forms import Filled, Form, drawn
from bots.discord_bot.markup import words
from bots.texts import ENGLISH, say
from core.casework.cards import GROUNDS, Card, Grounds

__all__ = ["BUTTONS", "DISMISSAL", "FILLED", "ITEMS", "NOBODY", "AlertButton", "custom_id", "view"]

log = structlog.get_logger(__name__)

BUTTONS = hand.buttons({name: hand.Deed(actions.ask(name), actions.do(name)) for name in actions.DEEDS})
STYLES: dict[hand.Style, discord.ButtonStyle] = {
    "danger": discord.ButtonStyle.danger,
    "primary": discord.ButtonStyle.primary,
    "plain": discord.ButtonStyle.secondary,
}


def custom_id(action: str, about: str) -> str:
    """Name a button of an alert's card (Discord allows 100 characters).

    >>> custom_id("confirm", "00c0ffee00c0ffee")
    'lampkeeper:confirm:00c0ffee00c0ffee'
    """
    return f"lampkeeper:{action}:{about}"


class AlertButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=rf"lampkeeper:(?P<action>{'|'.join(BUTTONS)}):(?P<alert>\w{{1,64}})",
):
    """One button about one alert."""

    def __init__(self, action: str, alert: str, language: str = ENGLISH) -> None:
        label, style = words(language).say(BUTTONS[action].text), STYLES[BUTTONS[action].style]
        super().__init__(discord.ui.Button(label=label, style=style, custom_id=custom_id(action, alert)))
        self.action = action
        self.alert = alert

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button that was pressed out of its id (called by discord.py)."""
        return cls(match["action"], match["alert"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Answer the press (called by discord.py)."""
        if self.action in hand.FORMS:
            await _ask(interaction, lambda press: _drawn(press, self.action, self.alert))
        else:
            await _answer(interaction, lambda press: hand.pressed(press, self.action, self.alert, BUTTONS))


class UndoButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"lampkeeper:undo:(?P<number>\d{1,18})"
):
    """Takes back one action."""

    def __init__(self, number: str, label: str) -> None:
        super().__init__(discord.ui.Button(label=label, custom_id=custom_id("undo", number)))
        self.number = number

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button that was pressed out of its id (called by discord.py)."""
        return cls(match["number"], say(ENGLISH, "hand.undo"))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Answer the press (called by discord.py)."""
        await _answer(interaction, lambda press: actions.undo(press, self.number))


class GroundsMenu(
    discord.ui.DynamicItem[discord.ui.Select[discord.ui.View]], template=r"lampkeeper:grounds:(?P<alert>\w{1,64})"
):
    """Asks on which grounds an alert is dismissed; what is chosen opens a form for a remark."""

    def __init__(self, alert: str, language: str = ENGLISH) -> None:
        said = words(language)
        options = [discord.SelectOption(label=label, value=value) for value, label in hand.grounds_offered(said)]
        placeholder = said.say("hand.choose_grounds")
        super().__init__(
            discord.ui.Select(custom_id=custom_id("grounds", alert), placeholder=placeholder, options=options)
        )
        self.alert = alert

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the menu that was used out of its id (called by discord.py)."""
        return cls(match["alert"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Open the form (called by discord.py)."""
        chosen = cast("dict[str, list[str]]", interaction.data)["values"][0]
        await _ask(interaction, lambda press: _form(press, self.alert, chosen))


ITEMS = (AlertButton, UndoButton, GroundsMenu)
"""What has to be registered with every client (`add_dynamic_items`)."""


async def _dismissed(interaction: discord.Interaction[Any], form: re.Match[str], filled: Filled) -> None:
    """Take in the form that ends a dismissal."""
    alert, grounds, remark = form["alert"], cast("Grounds", form["grounds"]), filled.get("remark", "")
    await _answer(interaction, lambda press: hand.submitted(press, alert, grounds, remark))


DISMISSAL = Form(
    re.compile(rf"lampkeeper:dismissed:(?P<alert>\w{{1,64}}):(?P<grounds>{'|'.join(GROUNDS)})"), _dismissed
)


async def _filled(interaction: discord.Interaction[Any], form: re.Match[str], filled: Filled) -> None:
    """Take in any other form."""
    name, alert = form["name"], form["alert"]
    values = {field.name: filled.get(field.name, "") for field in hand.FORMS[name].inputs}
    await _answer(interaction, lambda press: hand.filled(press, name, alert, values))


FILLED = Form(re.compile(rf"lampkeeper:(?P<name>{'|'.join(hand.FORMS)}):(?P<alert>\w{{1,64}})"), _filled)


def view(card: Card, language: str = ENGLISH) -> discord.ui.View:
    """Return the card's buttons."""
    return _view(tuple((name, card.alert) for name in offered(card)), None, language)


def _view(buttons: tuple[tuple[str, str], ...], grounds: str | None, language: str) -> discord.ui.View:
    shown = discord.ui.View(timeout=None)
    for name, about, label in hand.labelled(buttons, words(language)):
        shown.add_item(UndoButton(about, label) if name == "undo" else AlertButton(name, about, language))
    if grounds is not None:
        shown.add_item(GroundsMenu(grounds, language))
    return shown


def _form(press: Press, alert: str, grounds: str) -> discord.ui.Modal:
    """Return the form for a remark."""
    remark: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label=press.say("hand.remark_label"),
        custom_id="remark",
        style=discord.TextStyle.paragraph,
        required=False,
        max_length=hand.REMARK_LONGEST,
    )
    return drawn(press.say("hand.remark_title"), f"lampkeeper:dismissed:{alert}:{grounds}", remark)


def _drawn(press: Press, name: str, alert: str) -> discord.ui.Modal:
    """Return one of the forms that every platform has."""
    form = hand.FORMS[name]
    fields: list[discord.ui.TextInput[Any]] = [
        discord.ui.TextInput(
            label=press.say(field.label),
            custom_id=field.name,
            style=discord.TextStyle.paragraph if field.long else discord.TextStyle.short,
            required=not field.optional,
            max_length=field.most,
        )
        for field in form.inputs
    ]
    return drawn(press.say(form.title), custom_id(name, alert), *fields)


async def _ask(interaction: discord.Interaction[Any], form: Callable[[Press], discord.ui.Modal]) -> None:
    """Open a form for whoever may press; it has to be the first answer, so nothing is looked up before."""
    try:
        if press := await pressed(interaction):
            await interaction.response.send_modal(form(press))
    except discord.HTTPException as error:
        log.warning("discord.answer_lost", status=error.status, code=error.code)


async def _answer(interaction: discord.Interaction[Any], act: Callable[[Press], Awaitable[Answer]]) -> None:
    """Answer a press by whoever may press."""
    try:
        press = await pressed(interaction)
        if press is None:
            return
        with suppress(discord.NotFound):  # too late for an answer (10062), not for what was asked: the card shows it
            await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            answer = await act(press)
        except Exception as error:  # noqa: BLE001  whatever it was, the presser must not be left waiting
            log.warning("discord.press_failed", error=type(error).__name__)
            answer = Answer(press.say("hand.failed"))
        await _send(interaction, answer, press.server.language)
    except discord.HTTPException as error:
        log.warning("discord.answer_lost", status=error.status, code=error.code)
    except Exception as error:  # noqa: BLE001  discord.py would log the traceback, and with it what errors carry
        log.warning("discord.press_failed", error=type(error).__name__)


async def _send(interaction: discord.Interaction[Any], answer: Answer, language: str) -> None:
    more: dict[str, Any] = {"files": [attached(file) for file in answer.files]} if answer.files else {}
    if answer.buttons or answer.grounds is not None:
        more["view"] = _view(answer.buttons, answer.grounds, language)
    embeds = excerpt(answer.excerpt, language) if answer.excerpt else []
    send = interaction.followup.send
    await send(answer.text, embeds=embeds[:1], ephemeral=True, allowed_mentions=NOBODY, **more)
    for embed in embeds[1:]:
        await send(embed=embed, ephemeral=True, allowed_mentions=NOBODY)
