"""The files of a case, as a press on Export hands them out.

Leans on `core.export`, which makes them, in a thread: a long case takes seconds, and events go on coming. The core
knows no platform, so its record has no links: the platform tells where things stand (`Links`), and they are put in
here. No digest is over them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from core.export import Reporter, files
from core.export.record import CaseRecord, Item, Party
from core.vault import Vault

OFFERED = ("zip", "packet", "json")
"""Formats (`core.export.FORMATS`) that a press offers; a provider's own are for whoever runs Lampkeeper."""


class File(NamedTuple):
    """A file to hand out."""

    name: str
    content: bytes


class Links(NamedTuple):
    """The community's name, and addresses on its platform: of a message by conversation and id, of a person by id.

    A message that nobody but its two people can open has none.
    """

    community: str
    message: Callable[[str, str], str | None]
    person: Callable[[str], str]


class TooLargeError(Exception):
    """Files are larger than the platform takes."""


class Exports(NamedTuple):
    """Makes files of cases: who passes them on, what signs them, and how many bytes the platform takes at `most`."""

    reporter: Reporter
    vault: Vault
    most: int | None = None

    async def made(self, record: CaseRecord, name: str) -> tuple[File, ...]:
        """Make a case's files in a format; raises `core.errors.ExportError` and `TooLargeError`."""
        made = await asyncio.to_thread(files, record, name, self.reporter, self.vault)
        if self.most is not None and sum(len(file.data) for file in made) > self.most:
            raise TooLargeError
        return tuple(File(file.name, file.data) for file in made)


def linked(record: CaseRecord, links: Links) -> CaseRecord:
    """Return the record, and the cases that became part of it, with links.

    >>> from core.export.example import example
    >>> links = Links("a club", "https://a.example/{}/{}".format, "https://a.example/{}".format)
    >>> linked(example(), links).community
    'a club'
    """
    return record.model_copy(
        update={
            "community": links.community,
            "actor": _profile(record.actor, links),
            "target": None if record.target is None else _profile(record.target, links),
            "items": tuple(_placed(item, links) for item in record.items),
            "merged": tuple(linked(part, links) for part in record.merged),
        }
    )


def _profile(who: Party, links: Links) -> Party:
    return who.model_copy(update={"profile": links.person(who.id) if who.id else None})


def _placed(item: Item, links: Links) -> Item:
    said = item.content
    return item.model_copy(update={"link": None if said is None else links.message(said.conversation, said.id)})
