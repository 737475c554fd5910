"""Forms (modals). One is answered by its id alone, and by nothing that was remembered when it was opened.

Leans on discord.py. Whoever fills a form in may need longer than the bot runs: so what it is about stands in its id
(API, "Modal": `custom_id`, at most 100 characters), and every interaction is looked at for one (`submitted`).
discord.py's own modal, which is forgotten with the process and after a time, only draws it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias, cast

import discord

REMEMBERED = 900.0
"""Seconds for which discord.py remembers what it drew; nothing hangs on it."""
Filled: TypeAlias = Mapping[str, str]
"""What was filled in, by the fields' ids."""


class Form(NamedTuple):
    """The ids of one kind of form, and what answers it."""

    id: re.Pattern[str]
    answer: Callable[[discord.Interaction[Any], re.Match[str], Filled], Awaitable[None]]


def drawn(title: str, form_id: str, *fields: discord.ui.TextInput[Any]) -> discord.ui.Modal:
    """Draw a form."""
    modal = discord.ui.Modal(title=title, custom_id=form_id, timeout=REMEMBERED)
    for field in fields:
        modal.add_item(field)
    return modal


async def submitted(interaction: discord.Interaction[Any], forms: Iterable[Form]) -> None:
    """Take in a form, if it is one of `forms`."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return
    data = cast("dict[str, Any]", interaction.data or {})
    for form in forms:
        if found := form.id.fullmatch(str(data.get("custom_id"))):
            fields = (field for row in data["components"] for field in row.get("components", ()))
            filled = {str(field.get("custom_id")): str(field.get("value") or "").strip() for field in fields}
            await form.answer(interaction, found, filled)
            return
