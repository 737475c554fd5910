"""What the tests' Discord refuses: forms that are too long or make no sense, and calls that are too many."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.discord_objects import Json

EMBED_PARTS = {"title": 256, "description": 4096}
EMBED_TOTAL, EMBEDS, FIELDS, FIELD_NAME, FIELD_VALUE, FOOTER, AUTHOR = 6000, 10, 25, 256, 1024, 2048, 256
CONTENT, ROWS, BUTTONS, OPTIONS, CUSTOM_ID, LABEL = 2000, 5, 5, 25, 100, 80
CHOICES, CHOICE_NAME, INPUTS, TITLE = 25, 100, 5, 45
BUTTON, STRING_MENU, INPUT = 2, 3, 4
COMMAND_NAME = re.compile(r"[-_\w]{1,32}")


def faults_of(message: Json) -> Iterator[str]:
    """Name what Discord would refuse in a message. API, "Create Message", "Embed Limits", "Component Reference"."""
    if len(message.get("content") or "") > CONTENT:
        yield "content"
    embeds = message.get("embeds") or []
    if len(embeds) > EMBEDS or sum(map(_length, embeds)) > EMBED_TOTAL:
        yield "embeds"
    for embed in embeds:
        yield from (part for part, most in EMBED_PARTS.items() if len(embed.get(part) or "") > most)
        fields = embed.get("fields", [])
        if len(fields) > FIELDS or any(
            not 0 < len(f["name"]) <= FIELD_NAME or not 0 < len(f["value"]) <= FIELD_VALUE for f in fields
        ):
            yield "fields"
        for part, key, most in (("footer", "text", FOOTER), ("author", "name", AUTHOR)):
            if len((embed.get(part) or {}).get(key) or "") > most:
                yield part
    yield from _faults_of_rows(message.get("components") or [])


def _length(embed: Json) -> int:
    texts = [embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text")]
    texts += [(embed.get("author") or {}).get("name")]
    texts += [text for field in embed.get("fields", []) for text in (field["name"], field["value"])]
    return sum(len(text or "") for text in texts)


def _faults_of_rows(rows: list[Json]) -> Iterator[str]:
    if len(rows) > ROWS:
        yield "components"
    ids = [part["custom_id"] for row in rows for part in row.get("components", []) if "custom_id" in part]
    if len(set(ids)) != len(ids) or any(not 0 < len(name) <= CUSTOM_ID for name in ids):
        yield "custom_id"
    for row in rows:
        parts = row.get("components", [])
        menus = [part for part in parts if part["type"] not in (BUTTON, INPUT)]
        if len(parts) > (1 if menus else BUTTONS) or not parts:
            yield "row"
        if any(len(part.get("label") or "") > LABEL for part in parts if part["type"] == BUTTON):
            yield "label"
        for menu in menus:
            options = menu.get("options", [])
            if menu["type"] == STRING_MENU and not 0 < len(options) <= OPTIONS:
                yield "options"
            if any(not 0 < len(o["label"]) <= 100 or len(o.get("description") or "") > 100 for o in options):
                yield "option"


def faults_of_form(form: Json) -> Iterator[str]:
    """Name what Discord would refuse in a modal. API, "Modal"."""
    if not 0 < len(form["title"]) <= TITLE or not 0 < len(form["custom_id"]) <= CUSTOM_ID:
        yield "title"
    if not 0 < len(form["components"]) <= INPUTS:
        yield "components"


def faults_of_choices(choices: list[Json]) -> Iterator[str]:
    """Name what Discord would refuse among what is offered while typing. API, "Application Command Option Choice"."""
    if len(choices) > CHOICES or any(
        not 0 < len(c["name"]) <= CHOICE_NAME or len(str(c["value"])) > CHOICE_NAME for c in choices
    ):
        yield "choices"


def faults_of_command(command: Json) -> Iterator[str]:
    """Name what Discord would refuse in a command. API, "Application Command Structure"."""
    slash = command.get("type", 1) == 1
    if slash and (not COMMAND_NAME.fullmatch(command["name"]) or command["name"] != command["name"].lower()):
        yield "name"
    if slash and not 0 < len(command["description"]) <= 100:
        yield "description"
    options = command.get("options", [])
    if len(options) > OPTIONS:
        yield "options"
    for option in options:
        yield from faults_of_command(option | {"type": 1})


@dataclass
class Limit:
    """So many `calls` in so many `seconds` of what `route` (a pattern of ``METHOD /path``) names; 0: none at all.

    API, "Rate Limits". `announced`: answers carry X-RateLimit-*, by which a client can stay within the limit. The
    `everywhere` of a limit is what Discord calls global.
    """

    route: str
    calls: int
    seconds: float
    announced: bool = True
    everywhere: bool = False
    refused: int = 0
    """How often somebody was told to come later."""
    _spent: dict[str, tuple[float, int]] = field(default_factory=dict)

    def holds_for(self, call: str) -> bool:
        return re.fullmatch(self.route, call) is not None

    def spend(self, call: str) -> tuple[float | None, dict[str, str]]:
        """Take a call; returns the seconds to wait, where there are too many, and the headers of the answer."""
        major = "" if self.everywhere else next(iter(re.findall(r"/(?:channels|guilds)/\d+", call)), "")
        now = time.monotonic()
        ends, spent = self._spent.get(major, (0.0, 0))
        if ends <= now:
            ends, spent = now + self.seconds, 0
        wait = ends - now if spent >= self.calls else None
        self._spent[major] = (ends, spent + (wait is None))
        self.refused += wait is not None
        headers = {"X-RateLimit-Scope": "global" if self.everywhere else "user"} if wait is not None else {}
        if wait is not None:
            headers |= {"Retry-After": str(wait), "Via": "1.1 google"}
            headers |= {"X-RateLimit-Global": "true"} if self.everywhere else {}
        if self.announced and not self.everywhere:
            left = max(self.calls - spent - 1, 0)
            headers |= {"X-RateLimit-Limit": str(self.calls), "X-RateLimit-Remaining": str(left)}
            headers |= {"X-RateLimit-Reset": str(time.time() + ends - now)}
            headers |= {
                "X-RateLimit-Reset-After": str(ends - now),
                "X-RateLimit-Bucket": f"bucket{abs(hash(self.route))}",
            }
        return wait, headers
