"""The slash commands, all under `/lampkeeper`: a module each, or a few that belong together.

Leans on discord.py's `app_commands`. Discord's permission defaults hold for a whole command and not for its parts
(API, "Application Command Permissions"), and `/lampkeeper privacy` is for every member: so the command is open to all,
and each part asks who is using it, every time (`allowed`). A module has one function `add`, a row of `MODULES`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import discord
import structlog
from discord import app_commands

from bots.discord_bot.slash import (
    backscan,
    cases,
    pause,
    preview,
    privacy,
    report,
    requests,
    settings,
    setup,
    stats,
    status,
    trial,
)
from bots.discord_bot.slash.asked import answer_error

log = structlog.get_logger(__name__)

MODULES: tuple[Callable[[app_commands.Group], None], ...] = (
    setup.add,
    settings.add,
    pause.add,
    status.add,
    preview.add,
    cases.add,
    stats.add,
    backscan.add,
    trial.add,
    privacy.add,
    requests.add,
)


def add_commands(tree: app_commands.CommandTree[Any]) -> None:
    """Put every command on the tree."""
    group = app_commands.Group(name="lampkeeper", description="Watches over conversations", guild_only=True)
    for add in MODULES:
        add(group)
    tree.add_command(group)
    report.add_menus(tree)
    tree.error(answer_error)


async def put_commands(tree: app_commands.CommandTree[Any]) -> None:
    """Tell Discord which commands there are; where it refuses, the cards work all the same."""
    try:
        await tree.sync()
    except discord.HTTPException as error:
        log.warning("discord.commands_not_put", status=error.status, code=error.code)
