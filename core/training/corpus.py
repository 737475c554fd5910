"""Labelled talks for learning and measuring, and which of them are held out.

Leans on `core.transcripts` for the files. Besides the stable surface, three optional keys of a JSONL line are
understood here: ``"side": "decoy"`` (a one-sided stream of the person approached), a message's ``"role"``
(``"predator"`` or ``"decoy"``) and ``"group"`` (the person or file a line belongs to, which is never split).

The split is a function of the line's group or id alone, so that train, evaluate and the card can never disagree:
neighbouring ids (often one family, one day, one chat) share a block of `BLOCK`, and block or group chooses one of
`FOLDS` folds. Fold `HELD_OUT` never trains anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

from core.errors import TranscriptError
from core.messages import Message, tidy
from core.transcripts import BadLine, decompressed, explained, jsonl, opened, source_of
from core.transcripts.transcript import Malformed

Role = Literal["pattern", "approached", "ordinary"]
BLOCK = 5
FOLDS = 5
HELD_OUT = 0
SLICE = 8
_ID = re.compile(r"^(.*?)(\d{1,40})\D*$")
_ROLES: dict[str, Role] = {"predator": "pattern", "decoy": "approached"}


@dataclass(frozen=True, slots=True)
class Talk:
    """One labelled conversation. `roles` leaves out authors whose role in it is not known."""

    id: str
    source: str
    label: int
    fold: int
    messages: list[Message]
    roles: dict[str, Role]


def refuse(line: BadLine) -> None:
    """Stop at a line that is no labelled talk: what is learned from must be whole."""
    raise TranscriptError(f"{line}.", "Mend or remove the line.")


def talks(path: Path, bad: Callable[[BadLine], None] = refuse) -> Iterator[Talk]:
    """Read labelled JSON lines; a file's name without its endings is its source. Blank lines are skipped.

    `bad` is told every line that is no labelled talk; where it returns, that line is skipped. Raises `TranscriptError`
    where the file cannot be read.
    """
    source = path.name.split(".")[0]
    with opened(path) as raw, explained(source_of(path)):
        for number, line in enumerate(decompressed(raw), 1):
            if line.isspace():
                continue
            try:
                talk = _talk(source, jsonl.parse(line))
            except Malformed as problem:
                bad(BadLine(source_of(path), number, str(problem)))
            else:
                yield talk


def _talk(source: str, record: Any) -> Talk:
    """Make a talk of one line's JSON value; raises `Malformed`."""
    transcript = jsonl.transcript(record)
    if transcript.label is None:
        raise Malformed('it lacks "label" (1: pattern, 0: ordinary)')
    group = record.get("group")
    fold = fold_of(transcript.id, None if group is None else str(group))
    return Talk(transcript.id, source, transcript.label, fold, sliced(transcript.messages), roles_of(record))


def require_both_labels(learned: Collection[Talk]) -> None:
    """Refuse talks that cannot teach: whichever fold is left out beside the held-out one, both labels must remain."""
    for fold in range(FOLDS):
        left = {talk.label for talk in learned if talk.roles and talk.messages and talk.fold not in {HELD_OUT, fold}}
        if left != {0, 1}:
            raise TranscriptError(
                "There is too little to learn from: every fold needs talks labelled 1 (pattern) and 0 (ordinary).",
                "Give transcripts with both labels, of several people each.",
            )


def fold_of(id_: str, group: str | None = None) -> int:
    """Return the fold of a line.

    >>> fold_of("sms-00010") == fold_of("sms-00014")
    True
    """
    if group is None:
        found = _ID.match(id_)
        group = f"{found[1]}{int(found[2]) // BLOCK}" if found else id_
    return crc32(group.encode("utf-8", "replace")) % FOLDS


def roles_of(line: dict[str, Any]) -> dict[str, Role]:
    """Tell each author's role in a labelled line."""
    authors = list(dict.fromkeys(tidy(message["author"]) for message in line["messages"]))
    if line.get("side") == "decoy":
        return dict.fromkeys(authors, "approached")
    if not line.get("label"):
        return dict.fromkeys(authors, "ordinary")
    roles: dict[str, Role] = {}
    for message in line["messages"]:
        said = message.get("role")
        if isinstance(said, str) and said in _ROLES:
            roles[tidy(message["author"])] = _ROLES[said]
    if not roles and len(authors) == 1:
        roles[authors[0]] = "pattern"
    return roles


def sliced(messages: list[Message]) -> list[Message]:
    """Cut the one message of a talk that was joined into it into slices of `SLICE` words, to be heard one by one."""
    if len(messages) != 1 or len(words := messages[0].text.split()) <= SLICE * 3:
        return messages
    cuts = range(0, len(words), SLICE)
    return [messages[0]._replace(id=str(i), text=" ".join(words[cut : cut + SLICE])) for i, cut in enumerate(cuts)]
