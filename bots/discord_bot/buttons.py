"""The buttons on a card. Each carries the alert's id, so a press works after any number of restarts.

Leans on discord.py's `DynamicItem` and on `core.guard`. Who may press is asked anew at every press. Discord wants an
answer within three seconds (API, "Responding to an Interaction"), which a busy disk may not keep: a press that is
allowed is acknowledged first and answered after. Answers are ephemeral: only the presser sees them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

import discord
import structlog

from bots.discord_bot import card as drawn
from bots.discord_bot.translate import space
from core.cards import Card, Decision, Person
from core.config import DiscordServer

if TYPE_CHECKING:
    from bots.discord_bot.client import Watch

log = structlog.get_logger(__name__)

BUTTONS: dict[str, tuple[str, discord.ButtonStyle]] = {
    "confirm": ("Confirm", discord.ButtonStyle.danger),
    "dismiss": ("Dismiss", discord.ButtonStyle.secondary),
    "excerpt": ("Show excerpt", discord.ButtonStyle.primary),
}
DECISIONS: dict[str, Decision] = {"confirm": "confirmed", "dismiss": "dismissed"}
NOBODY = discord.AllowedMentions.none()

REFUSED = "Only this server's moderators can use this button."
UNKNOWN = "This alert is no longer kept."
PURGED = "The text of these messages is no longer kept."
FAILED = "That could not be done now, and nothing was recorded. Please press again in a minute."


def custom_id(action: str, alert: str) -> str:
    """Name a button of an alert's card (Discord allows 100 characters).

    >>> custom_id("confirm", "00c0ffee00c0ffee")
    'lampkeeper:confirm:00c0ffee00c0ffee'
    """
    return f"lampkeeper:{action}:{alert}"


class AlertButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=r"lampkeeper:(?P<action>confirm|dismiss|excerpt):(?P<alert>\w{1,64})",
):
    """One button of one alert's card."""

    def __init__(self, action: str, alert: str) -> None:
        label, style = BUTTONS[action]
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
        try:
            await _press(interaction, self.action, self.alert)
        except discord.HTTPException as error:
            log.warning("discord.answer_lost", status=error.status, code=error.code)
        except Exception as error:  # noqa: BLE001  discord.py would log the traceback, and with it what errors carry
            log.warning("discord.press_failed", error=type(error).__name__)


def view(card: Card) -> discord.ui.View:
    """Return the card's buttons; a decided card offers only the excerpt."""
    buttons = discord.ui.View(timeout=None)
    for action in BUTTONS:
        if card.decided is None or action not in DECISIONS:
            buttons.add_item(AlertButton(action, card.alert))
    return buttons


def may_press(member: discord.Member, server: DiscordServer, permissions: discord.Permissions) -> bool:
    """Tell whether the member moderates: by the configured roles, or, where none is, by the permissions held.

    `permissions` are those in the channel, which Discord sends along with every press.
    """
    if server.moderator_roles:
        return any(member.get_role(role) for role in server.moderator_roles)
    return permissions.moderate_members or permissions.manage_messages


async def _press(interaction: discord.Interaction[Watch], action: str, alert: str) -> None:
    member = interaction.user
    server = interaction.client.servers.of(interaction.guild_id) if interaction.guild_id else None
    allowed = server and isinstance(member, discord.Member) and may_press(member, server, interaction.permissions)
    if not server or not allowed:
        await interaction.response.send_message(REFUSED, ephemeral=True)
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    moderator = Person(str(member.id), member.display_name)
    try:
        text, excerpt = await _answer(interaction.client, space(server.id), action, alert, moderator)
    except Exception as error:  # noqa: BLE001  whatever it was, the presser must not be left waiting
        log.warning("discord.press_failed", error=type(error).__name__)
        text, excerpt = FAILED, None
    shown = [excerpt] if excerpt else []
    await interaction.followup.send(text, embeds=shown, ephemeral=True, allowed_mentions=NOBODY)


async def _answer(
    client: Watch, here: str, action: str, alert: str, moderator: Person
) -> tuple[str, discord.Embed | None]:
    card = await client.guard.desk.card(alert)
    if card is None or card.space != here:
        return UNKNOWN, None
    if action in DECISIONS:
        return await _decide(client, alert, DECISIONS[action], moderator), None
    lines = await client.guard.desk.excerpt(alert, moderator)
    return ("", drawn.excerpt(lines)) if lines else (PURGED, None)


async def _decide(client: Watch, alert: str, decision: Decision, moderator: Person) -> str:
    verdict = await client.guard.desk.decide(alert, decision, moderator)
    if verdict is None:
        return UNKNOWN
    status = discord.utils.escape_markdown(verdict.card.status)
    if verdict.accepted:
        return f"Recorded: {status}."
    when = f" on <t:{int(verdict.card.decided.time)}:f>" if verdict.card.decided else ""
    return f"Somebody decided before you: {status}{when}."
