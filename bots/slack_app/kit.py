"""Pieces of Block Kit, within its limits (https://docs.slack.dev/reference/block-kit/blocks). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from bots.common.hand import Style
from bots.common.lines import clip

Block = dict[str, Any]
TITLE, SECTION, LABEL, MODAL_TITLE = 150, 3000, 75, 24
"""Characters of a header, of a section, of a button, of a modal's title."""
VIEW = 100
"""Blocks of a window, or of a Home (https://docs.slack.dev/reference/views)."""
OPTIONS = 100
"""Options of a menu."""


def header(text: str) -> Block:
    """Return a headline."""
    return {"type": "header", "text": plain(clip(text, TITLE))}


def section(text: str, accessory: Block | None = None) -> Block:
    """Return a paragraph, with a button beside it."""
    beside = {} if accessory is None else {"accessory": accessory}
    return {"type": "section", "text": written(text), **beside}


def context(text: str) -> Block:
    """Return a paragraph in small."""
    return {"type": "context", "elements": [written(text)]}


def button(text: str, action: str, value: str, style: Style = "plain") -> Block:
    """Return a button."""
    look = {} if style == "plain" else {"style": style}
    return {"type": "button", "action_id": action, "value": value, "text": plain(clip(text, LABEL)), **look}


def actions(elements: Iterable[Block]) -> Block:
    """Return a row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def plain(text: str) -> Block:
    """Return a text without markup."""
    return {"type": "plain_text", "text": text}


def written(text: str, most: int = SECTION) -> Block:
    """Return a text in Slack's markup, of which nothing else becomes a link or a mention."""
    return {"type": "mrkdwn", "text": clip(text, most), "verbatim": True}


def option(text: str, value: str) -> Block:
    """Return an option of a menu."""
    return {"text": plain(clip(text, LABEL)), "value": value}


def paragraphs(lines: Iterable[str], room: int = SECTION) -> Iterator[Block]:
    r"""Put lines into as few sections as hold them.

    >>> [block["text"]["text"] for block in paragraphs(["one", "two", "three"], 8)]
    ['one\ntwo', 'three']
    """
    held = ""
    for line in lines:
        if held and len(held) + 1 + len(line) > room:
            yield section(held)
            held = ""
        held = f"{held}\n{clip(line, room)}" if held else clip(line, room)
    if held:
        yield section(held)


def modal(title: str, blocks: Sequence[Block], **more: Any) -> Block:
    """Return a window."""
    return {"type": "modal", "title": plain(clip(title, MODAL_TITLE)), "blocks": list(blocks)[:VIEW], **more}


class Shown(NamedTuple):
    """An answer for whoever asked: a text, and what is drawn where a text alone does not do.

    `instead` of what was pressed: a list that was turned.
    """

    text: str
    blocks: tuple[Block, ...] = ()
    instead: bool = False

    @classmethod
    def of(cls, *lines: str, more: tuple[Block, ...] = ()) -> Shown:
        """Show lines, and what stands under them."""
        return cls(lines[0], (*paragraphs(lines), *more))

    def drawn(self) -> list[Block]:
        """Return it as blocks."""
        return list(self.blocks) or [section(self.text)]
