"""The page of every command in docs: ``python -m bots.discord_bot.commands_page > docs/discord_commands.md``.

Leans on discord.py's command tree, which is what Discord is told. Who may use a command is read off its code: the first
thing that each does is to ask `allowed(interaction, "moderator")` or the like. A test holds page and commands equal.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

import discord
from discord import AppCommandType, app_commands

from bots.discord_bot.slash import add_commands

WHO = {
    "member": "every member",
    "moderator": "moderators",
    "admin": "members who may manage the server",
}
_ASKED = re.compile(r"\b(?:allowed|asks)\(\s*\w+,\s*\"(\w+)\"")
_HEAD = """# Lampkeeper's commands on Discord

Written by `make docs/discord_commands.md` from the commands themselves; please do not edit.

*Moderators* are members with one of the moderator roles, or, where none is set, members with *Timeout Members* or
*Manage Messages*; members who may manage the server count as moderators, too. Answers are shown only to whoever asked.
"""
_MENUS = (("On a message", AppCommandType.message), ("On a member", AppCommandType.user))


def page() -> str:
    """Write the page, in Markdown."""
    tree = app_commands.CommandTree(discord.Client(intents=discord.Intents.none()))
    add_commands(tree)
    commands = {c.qualified_name: c for c in tree.walk_commands() if isinstance(c, app_commands.Command)}
    parts = [_HEAD, *("\n".join(_command(commands[name])) for name in sorted(commands))]
    for where, kind in _MENUS:
        menus = {c.name: c for c in tree.walk_commands(type=kind) if isinstance(c, app_commands.ContextMenu)}
        parts += [f"## {where}: **{name}**\n\n*For {who(menus[name].callback)}.*\n" for name in sorted(menus)]
    return "\n".join(parts)


def who(callback: Any) -> str:
    """Say who may use a command, by what its function asks first; else by what its whole module asks."""
    for source in (callback, sys.modules[callback.__module__]):
        found = list(dict.fromkeys(_ASKED.findall(inspect.getsource(source))))
        if len(found) == 1:
            return WHO[found[0]]
    raise LookupError(f"Who may use {callback.__qualname__}? Let it ask allowed(interaction, ...) itself.")


def _command(command: app_commands.Command[Any, ..., Any]) -> Iterator[str]:
    yield f"## `/{command.qualified_name}`\n\n{command.description}\n\n*For {who(command.callback)}.*\n"
    if command.parameters:
        yield "| option | | what it is |\n|---|---|---|"
        yield from map(_option, command.parameters)
        yield ""


def _option(option: app_commands.Parameter) -> str:
    about = [str(option.description)]
    if option.choices:
        about.append("One of: " + ", ".join(choice.name for choice in option.choices))
    if option.min_value is not None and option.max_value is not None:
        about.append(f"From {option.min_value:g} to {option.max_value:g}")
    return f"| `{option.display_name}` | {'' if option.required else 'may be left out'} | {'. '.join(about)} |"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  it is a command
