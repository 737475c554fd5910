"""`/lampkeeper setup`, and the **Set up** button: one message that walks through the settings, step by step.

Leans on `pages` for what each step asks. Decisions:

- What is picked is stored at once, so there is nothing to lose: whoever stops half way has half of it set up.
- Every button and menu carries the server and the page (`DynamicItem`), and nothing is remembered between two presses:
  the walk goes on after a restart, and never times out before Discord's own limit.
- Whether somebody may manage the server is asked at every press. In a server Discord tells it along with the press; for
  a press in a direct message Discord is asked for the member, as roles and permissions are now.
"""

from __future__ import annotations

import re
from typing import Any, Self

import discord
from discord import app_commands

from bots.common.lines import clip
from bots.discord_bot.card import DESCRIPTION
from bots.discord_bot.connected import Connected
from bots.discord_bot.slash.asked import Asked, allowed, answer_error, asked_by, may
from bots.discord_bot.slash.choose import store
from bots.discord_bot.slash.pages import NAMES, PAGES, Page, body, pick
from bots.texts import say

COLOUR = 0x3498DB
FIRST, LAST = NAMES[0], NAMES[-1]


class SetupItem(
    discord.ui.DynamicItem[discord.ui.Item[discord.ui.View]],
    template=r"lampkeeper:(?P<action>setup|turn|pick):(?P<server>[0-9]{1,20})(?::(?P<page>\w{1,20}))?",
):
    """A button or menu: `setup` begins the walk, `turn` goes to a page, `pick` stores what was picked on one."""

    def __init__(self, item: discord.ui.Item[Any], action: str, server: int, page: str) -> None:
        super().__init__(item)
        self.action = action
        self.server = server
        self.page = page if page in NAMES else FIRST

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make what was pressed out of its id (called by discord.py)."""
        return cls(item, match["action"], int(match["server"]), match["page"] or FIRST)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Answer the press (called by discord.py)."""
        try:
            await self._answer(interaction)
        except Exception as error:  # noqa: BLE001  discord.py would log the traceback, and with it what errors carry
            await answer_error(interaction, error)

    async def _answer(self, interaction: discord.Interaction[Connected]) -> None:
        begin = self.action == "setup"
        asked = await _asked(interaction, self.server, begin=begin)
        if asked is None:
            return
        notes: tuple[str, ...] = ()
        if self.action == "pick":
            choice = await pick(asked, self.page, _picked(self.item))
            asked = await store(asked, choice.changes)
            notes = choice.notes or ((asked.say("setup.stored"),) if choice.changes else ())
        embed, view = drawn(asked, self.page, notes)
        if begin:
            await interaction.followup.send(embed=embed, view=view, ephemeral=True)
        else:
            await interaction.edit_original_response(embed=embed, view=view)


def _picked(item: discord.ui.Item[Any]) -> list[str]:
    """Return the ids or values picked in a menu, of whatever kind it is."""
    values = getattr(item, "values", ())
    return [value if isinstance(value, str) else str(value.id) for value in values]


async def _asked(interaction: discord.Interaction[Connected], server: int, *, begin: bool) -> Asked | None:
    """Return who pressed, once Discord was promised an answer; None if they were told that it is not theirs."""
    if interaction.guild_id is not None:
        asked = await allowed(interaction, "admin")
        if asked is not None:
            await _promise(interaction, begin=begin)
        return asked
    await _promise(interaction, begin=begin)
    client = interaction.client
    guild, served = client.get_guild(server), client.servers.of(server)
    if guild is None:
        await interaction.followup.send(say(served.language, "setup.gone"), ephemeral=True)
        return None
    try:
        member: discord.Member | None = await guild.fetch_member(interaction.user.id)
    except discord.NotFound:
        member = None
    if member is None or not may("admin", member, served, member.guild_permissions):
        await interaction.followup.send(say(served.language, "errors.not_admin"), ephemeral=True)
        return None
    return asked_by(client, served, member, afar=True)


async def _promise(interaction: discord.Interaction[Any], *, begin: bool) -> None:
    if begin:
        await interaction.response.defer(ephemeral=True, thinking=True)
    else:
        await interaction.response.defer()


def set_up_button(server: int, language: str) -> discord.ui.View:
    """Return the one button of a welcome."""
    name = f"lampkeeper:setup:{server}"
    button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
        label=say(language, "setup.button"), style=discord.ButtonStyle.primary, custom_id=name
    )
    return discord.ui.View(timeout=None).add_item(SetupItem(button, "setup", server, FIRST))


def drawn(asked: Asked, name: str, notes: tuple[str, ...] = ()) -> tuple[discord.Embed, discord.ui.View]:
    """Draw a page, with `notes` on what was picked on it just now."""
    at = NAMES.index(name)
    page = PAGES[at]
    title = asked.say("setup.title", step=at + 1, steps=len(PAGES))
    lines = body(asked, page) + list(notes)
    if asked.afar and page.menu is not None:
        lines.append(asked.say("setup.afar"))
    embed = discord.Embed(title=title, description=clip("\n\n".join(lines), DESCRIPTION), colour=COLOUR)
    return embed, _view(asked, page, at)


def _view(asked: Asked, page: Page, at: int) -> discord.ui.View:
    view, server = discord.ui.View(timeout=None), asked.server.id
    if page.menu is not None:
        menu = page.menu(asked, f"lampkeeper:pick:{server}:{page.name}")
        view.add_item(SetupItem(menu, "pick", server, page.name))
    chosen = page.setting in asked.client.servers.chosen(server)
    turns = {
        "back": NAMES[at - 1] if at else None,
        "next" if chosen else "skip": NAMES[at + 1] if page.name != LAST else None,
        "finish": LAST if at < len(NAMES) - 2 else None,
    }
    for label, to in turns.items():
        if to is not None:
            button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
                label=asked.say(f"setup.{label}"),
                style=discord.ButtonStyle.primary if label == "next" else discord.ButtonStyle.secondary,
                custom_id=f"lampkeeper:turn:{server}:{to}",
                row=1,
            )
            view.add_item(SetupItem(button, "turn", server, to))
    return view


def add(group: app_commands.Group) -> None:
    """Add the command."""
    group.command(name="setup", description=say("en", "setup.description"))(setup)


async def setup(interaction: discord.Interaction[Any]) -> None:
    """Begin the walk."""
    if asked := await allowed(interaction, "admin"):
        await interaction.response.defer(ephemeral=True, thinking=True)
        embed, view = drawn(asked, FIRST)
        await interaction.followup.send(embed=embed, view=view, ephemeral=True)
