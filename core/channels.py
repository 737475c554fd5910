"""Where each space's admins are told, in a small file beside the database: for when the database cannot be opened.

Leans on nothing. It holds the alert channels that spaces chose themselves, by space: places, and nobody. A space that
is forgotten is taken out of it. Nothing else reads it: a lost or damaged file costs no more than safe mode's reach.
"""

from __future__ import annotations

import json
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


def recall(database: Path) -> dict[str, int | str]:
    """Return the alert channels by space; {} where the file is missing or damaged."""
    try:
        known = json.loads(_file(database).read_bytes())
    except (OSError, ValueError):
        return {}
    channels = known.items() if isinstance(known, dict) else ()
    return {space: channel for space, channel in channels if isinstance(channel, int | str)}


def note(database: Path, space: str, channel: int | str | None) -> None:
    """Take note of a space's alert channel, or that it has none."""
    known = recall(database)
    if known.get(space) == channel:
        return
    changed = {name: where for name, where in {**known, space: channel}.items() if where is not None}
    file = _file(database)
    new = file.with_name(file.name + ".new")
    try:
        new.write_text(json.dumps(changed))
        new.replace(file)
    except OSError as error:
        log.warning("channels.not_noted", file=str(file), error=error.strerror, remedy="Let this account write there.")


def _file(database: Path) -> Path:
    return database.with_name(database.name + ".channels")
