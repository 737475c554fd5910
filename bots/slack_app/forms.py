"""Forms that members fill in, and menus under an answer (https://docs.slack.dev/reference/views). Pure.

Leans on `kit`. What a form is about travels in its ``private_metadata``, which Slack gives back with what was filled
in: nothing waits here, so a form that was opened before a restart can be sent after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bots.common.lines import clip
from bots.common.words import Words
from bots.slack_app.kit import OPTIONS, Block, modal, option, plain, section

HINT = 150
"""Characters of what stands in a field or a menu before anything is chosen."""


class Input(NamedTuple):
    """A line, or several (`long`), of at most `most` characters; or (`people`) a choice of somebody.

    Or a choice of one of `options`, each a value and its label.
    """

    name: str
    label: str
    most: int = 0
    long: bool = False
    optional: bool = False
    people: bool = False
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()


def menu(action: str, hint: str, options: Iterable[tuple[str, str]]) -> Block:
    """Return a menu of values, each with its label."""
    offered = [option(label, value) for value, label in options][:OPTIONS]
    return {"type": "static_select", "action_id": action, "placeholder": plain(clip(hint, HINT)), "options": offered}


def form(  # noqa: PLR0913 - all that stands in one
    words: Words,
    name: str,
    title: str,
    inputs: Iterable[Input],
    about: Mapping[str, Any] | None = None,
    *,
    above: str = "",
    submit: str = "slack_members.send",
) -> Block:
    """Return a form to fill in, under a text if there is one; `name` is the ``callback_id`` that it comes back with."""
    fields = [_input(one) for one in inputs]
    return modal(
        title,
        [section(above), *fields] if above else fields,
        callback_id=name,
        private_metadata=json.dumps(about or {}),
        submit=plain(words.say(submit)),
        close=plain(words.say("slack_members.cancel")),
    )


def said(words: Words, title: str, text: str) -> Block:
    """Return what stands in place of a form that was sent."""
    return modal(title, [section(text)], close=plain(words.say("slack_members.close")))


def filled(view: Mapping[str, Any]) -> dict[str, str]:
    """Return what was filled in, "" where nothing was.

    >>> filled({"state": {"values": {"what": {"what": {"type": "plain_text_input", "value": " odd "}}}}})
    {'what': 'odd'}
    """
    values = (field for block in view["state"]["values"].values() for field in block.items())
    return {name: _value(field).strip() for name, field in values}


def _value(field: Mapping[str, Any]) -> str:
    chosen = (field.get("selected_option") or {}).get("value")
    return str(field.get("value") or field.get("selected_user") or chosen or "")


def about(view: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form is about."""
    known: dict[str, Any] = json.loads(view["private_metadata"])
    return known


def _input(one: Input) -> Block:
    element: Block
    if one.options:
        element = menu(one.name, one.label, one.options)
    elif one.people:
        element = {"type": "users_select", "action_id": one.name}
    else:
        element = {"type": "plain_text_input", "action_id": one.name, "multiline": one.long, "max_length": one.most}
    if one.hint:
        element |= {"placeholder": plain(clip(one.hint, HINT))}
    return {
        "type": "input",
        "block_id": one.name,
        "label": plain(one.label),
        "element": element,
        "optional": one.optional,
    }
