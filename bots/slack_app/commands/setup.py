"""`/lampkeeper setup`: one window with what has to be chosen, filled in with what holds now.

Leans on `choose` and `bots.common.settings`. Slack has no menu of usergroups, so they are asked for
(usergroups.list) and offered by name, the first `OPTIONS` of them; where Slack does not tell them, the window has none
of those menus, and leaves what was chosen as it is. What was stored stands in the same window afterwards.

Slack's menu of channels shows those that whoever opened the window can see: all public ones, and private ones that they
are in. A channel left out that is none of these would be gone from the menu, and so from the settings with the next
choice. So which of them the menu shows travels with the window; the others stay as they are, and are named above it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import structlog

from bots.common.settings import BUDGETS, Choice, budget
from bots.slack_app.api import call, pages
from bots.slack_app.asked import Asked
from bots.slack_app.commands.choose import alert_channel
from bots.slack_app.kit import OPTIONS, Block, Shown, modal, option, plain, section
from core.errors import PlatformError
from core.messages import AGE_BANDS, AgeBand

SETUP = "lampkeeper-setup"
"""The window's `callback_id`, and the id of the button that opens it."""
NONE = "none"
PICK = "pick"
"""The `action_id` of every input."""
SHOWN, SHOWN_MOST = "shown", 200
"""Under which name a window carries which channels left out its menu shows, and how many of them: 3,000 characters are
all that it can carry (https://docs.slack.dev/reference/views)."""
GROUPS = ("moderator_roles", "second_reviewers")

log = structlog.get_logger(__name__)


async def setup(asked: Asked, _words: str) -> Shown | None:
    """Open the window."""
    groups, shown = await asyncio.gather(_groups(asked), _shown(asked))
    parts = [*_blocks(asked, groups, shown)]
    about = json.dumps({SHOWN: shown})
    send = {"submit": plain(asked.say("home.store")), "callback_id": SETUP, "private_metadata": about}
    return await asked.open(modal(asked.say("setup.button"), parts, **send))


async def stored(asked: Asked, view: Mapping[str, Any]) -> Shown:
    """Store what was chosen in the window; say so.

    `view` is what Slack sends: https://docs.slack.dev/reference/views#view-submission-payloads
    """
    picked = {name: _picked(field[PICK]) for name, field in view["state"]["values"].items()}
    shown = json.loads(view.get("private_metadata") or "{}").get(SHOWN, ())
    choices = [choice async for choice in _choices(asked, picked, shown)]
    changes = {name: value for choice in choices for name, value in choice.changes.items()}
    held = asked.workspace.settings.model_dump()
    changes = {name: value for name, value in changes.items() if value is None or _plain(held[name]) != _plain(value)}
    await asked.store(changes)
    lines = [asked.say("setup.stored")] if changes else [asked.say("home.nothing_changed")]
    lines += [note for choice in choices for note in choice.notes]
    return Shown.of(*lines, asked.say("setup.page_summary"), *asked.settings())


async def _choices(asked: Asked, picked: Mapping[str, Any], shown: Sequence[str]) -> AsyncIterator[Choice]:
    if (channel := picked.get("alert_channel")) and channel != asked.workspace.settings.alert_channel:
        yield await alert_channel(asked, channel)
    yield Choice({name: picked[name] for name in GROUPS if name in picked})
    if any(f"age_{band}" in picked for band in AGE_BANDS):
        yield _ages(asked, {band: picked.get(f"age_{band}") or () for band in AGE_BANDS})
    if "ignored_channels" in picked:
        yield _left_out(asked.workspace.settings.ignored_channels, picked["ignored_channels"] or (), shown)
    wanted = picked.get("budget")
    if wanted == NONE:
        yield Choice({"review": None})
    elif wanted:
        yield await budget(asked.here, int(wanted))


def _left_out(held: Sequence[str], picked: Sequence[str], shown: Sequence[str]) -> Choice:
    """Leave out what was picked, and what was left out already and not `shown` in the menu."""
    kept = [channel for channel in held if channel in picked or channel not in shown]
    return Choice({"ignored_channels": [*kept, *(channel for channel in picked if channel not in kept)]})


def _ages(asked: Asked, picked: Mapping[AgeBand, Sequence[str]]) -> Choice:
    """Have usergroups mean ages; one picked for several means the youngest, for nobody may be taken for older."""
    means: dict[str, AgeBand] = {}
    for band in AGE_BANDS:  # the youngest first
        for group in picked[band]:
            means.setdefault(group, band)
    twice = [group for group in means if sum(group in groups for groups in picked.values()) > 1]
    blanks = [{"group": asked.words.markup.role(group), "band": asked.say(f"card.{means[group]}")} for group in twice]
    return Choice({"age_roles": means}, tuple(asked.say("home.group_twice", **blank) for blank in blanks))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _picked(field: Mapping[str, Any]) -> Any:
    """Return what was picked in a menu, whatever kind it is."""
    if "selected_options" in field:
        return [one["value"] for one in field["selected_options"] or ()]
    if "selected_option" in field:
        return (field["selected_option"] or {}).get("value")
    return field.get("selected_conversations", field.get("selected_conversation"))


async def _groups(asked: Asked) -> list[tuple[str, str]] | None:
    """Return the usergroups, id and name; None where Slack does not tell.

    https://docs.slack.dev/reference/methods/usergroups.list
    """
    try:
        found = (await call(asked.workspace.client.usergroups_list))["usergroups"]
    except PlatformError as error:
        log.warning("slack.usergroups_untold", what=error.what, remedy=error.remedy)
        return None
    return [(str(group["id"]), f"@{group['handle']}: {group['name']}") for group in found]


async def _shown(asked: Asked) -> list[str]:
    """Return the channels left out that Slack's menu can show to whoever asked; none where Slack does not tell.

    https://docs.slack.dev/reference/methods/users.conversations
    """
    held = asked.workspace.settings.ignored_channels
    if not held:
        return []
    listing, both = asked.workspace.client.users_conversations, "public_channel,private_channel"
    seen: set[str] = set()
    try:
        for types, user in (("public_channel", None), (both, asked.user)):
            async for page in pages(listing, "channels", exclude_archived=True, types=types, user=user):
                seen.update(str(channel["id"]) for channel in page)
    except PlatformError as error:
        log.warning("slack.channels_untold", what=error.what, remedy=error.remedy)
        return []
    return [channel for channel in held if channel in seen][:SHOWN_MOST]


def _blocks(asked: Asked, groups: Sequence[tuple[str, str]] | None, shown: Sequence[str]) -> Iterator[Block]:
    held = asked.workspace.settings
    only = {"include": ["public", "private"], "exclude_bot_users": True}
    alerts: Block = {"type": "conversations_select", "filter": only}
    if held.alert_channel is not None:
        alerts["initial_conversation"] = held.alert_channel
    yield from _input(asked, "alert_channel", "alerts", alerts)
    if groups:
        yield from _input(asked, "moderator_roles", "moderators", _menu(groups, held.moderator_roles))
        yield from _input(asked, "second_reviewers", "second", _menu(groups, held.second_reviewers))
        for band in AGE_BANDS:
            means = [group for group, of in held.age_roles.items() if of == band]
            yield from _input(asked, f"age_{band}", f"age_{band}", _menu(groups, means))
    else:
        yield section(asked.say("home.no_groups" if groups is None else "home.without_groups"))
    left_out: Block = {"type": "multi_conversations_select", "filter": only}
    if shown:
        left_out["initial_conversations"] = list(shown)
    if unseen := [channel for channel in held.ignored_channels if channel not in shown]:
        yield section(asked.say("home.left_out_unseen", channels=", ".join(map(asked.words.markup.channel, unseen))))
    yield from _input(asked, "ignored_channels", "ignored", left_out)
    budgets = [option(asked.say("setup.budget_option", number=number), str(number)) for number in BUDGETS]
    budgets.append(option(asked.say("setup.budget_default"), NONE))
    yield from _input(asked, "budget", "budget", {"type": "static_select", "options": budgets})


def _menu(groups: Sequence[tuple[str, str]], picked: Sequence[str]) -> Block:
    """Return a menu of usergroups, those picked already first, so that none of them is lost."""
    first = sorted(groups, key=lambda group: group[0] not in picked)[:OPTIONS]
    options = [option(name, group) for group, name in first]
    chosen = [one for one in options if one["value"] in picked]
    return {"type": "multi_static_select", "options": options, **({"initial_options": chosen} if chosen else {})}


def _input(asked: Asked, name: str, page: str, menu: Block) -> Iterator[Block]:
    """Return a question and its menu, which may be left empty."""
    yield section(asked.say(f"setup.page_{page}"))
    label = plain(asked.say(f"home.label_{name}"))
    yield {"type": "input", "block_id": name, "optional": True, "label": label, "element": {**menu, "action_id": PICK}}
