"""The transcript of a case as a text file: every version of every message, with times, ids and digests.

Leans on the record. Each entry is a line of facts, a line of proof, and the text behind "| ", so that no text can look
like an entry. Times are UTC with microseconds, as digests are over them. What was said near two cases that became one
is preserved in each of them: where both say the same of it, it is told once, with the number that it has in either.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from core.casework.cards import ATTACHED_WORDS
from core.export.checks import cases
from core.export.places import platform_name
from core.export.record import CaseRecord, Item, Party, stamp
from core.export.writing import one_line, visible

NAME = 100
LINK = 2083
"""How much of a name, and of a link, stands in a line."""
FORGOTTEN = "removed at its author's request; the digest stays"
_KINDS = {"message": "message", "edit": "edited, version {version},", "deletion": "deletion of"}


class Entry(NamedTuple):
    """A preserved version: the case that it belongs to, and its item there; `also` are the same in other cases.

    The item's `moved_the_score` is whether any of their scores rests on it.
    """

    case: CaseRecord
    item: Item
    also: tuple[tuple[CaseRecord, Item], ...] = ()


def entries(record: CaseRecord) -> list[Entry]:
    """Return each preserved version once, in the order they were received.

    >>> from core.export.example import example
    >>> both = example().model_copy(update={"merged": (example().model_copy(update={"case": "0a"}),)})
    >>> len(entries(both)) == len(example().items), entries(both)[0].also[0][0].case
    (True, '0a')
    """
    found: dict[Hashable, Entry] = {}
    for case in cases(record):
        for item in case.items:
            what = _told(item) or (case.case, item.number)
            before = found.get(what)
            if before is None:
                found[what] = Entry(case, item)
            else:
                moved = before.item.moved_the_score or item.moved_the_score
                one = before.item.model_copy(update={"moved_the_score": moved})
                found[what] = Entry(before.case, one, (*before.also, (case, item)))
    return sorted(found.values(), key=lambda entry: entry.item.received)


def _told(item: Item) -> Hashable:
    """Return all that an item tells of its message; None where that had to go."""
    said = item.content
    if said is None:
        return None
    what = (said.kind, said.text, said.author, said.name, said.target, said.time, said.attachments)
    return (said.conversation, said.id, said.version, *what)


def transcript(record: CaseRecord) -> bytes:
    """Write the file, in UTF-8.

    >>> from core.export.example import example
    >>> for line in transcript(example()).decode().splitlines()[13:17]:
    ...     print(line[:74])
    1  2026-03-02T19:04:11.250000Z  actor (1001) to 1002: message 6001 in 5001
       received 2026-03-02T19:04:11.430000Z, sha256 6a84adad58487c43020d2df45a
       https://discord.com/channels/4001/5001/6001
       | hi, how old are you?
    """
    lines = [*_head(record)]
    for entry in entries(record):
        case = "" if entry.case is record else f" (case {one_line(entry.case.case, NAME)})"
        lines += ["", *_entry(entry.item, case, entry.also)]
    return ("\n".join(lines) + "\n").encode()


def when(item: Item) -> datetime:
    """Return when it was sent, as the platform says, or when it was received where the platform says nothing."""
    return (item.content and item.content.time) or item.received


def who(party: Party) -> str:
    """Write a person's name and id.

    >>> who(Party(id="1001", name="actor")), who(Party(id="", name="actor"))
    ('actor (id 1001)', 'actor (id not known)')
    """
    return f"{one_line(party.name, NAME) or 'no name'} (id {one_line(party.id, NAME) or 'not known'})"


def _head(record: CaseRecord) -> Iterator[str]:
    yield f"Transcript of case {one_line(record.case, NAME)}"
    yield ""
    where, name = f"{platform_name(record.platform)}, {one_line(record.space, NAME)}", one_line(record.community, NAME)
    yield f"Community: {name} ({where})" if name else f"Community: {where}"
    yield f"The person reported: {who(record.actor)}"
    yield f"Whom the messages were aimed at: {who(record.target) if record.target else 'nobody in particular'}"
    yield f"Written: {stamp(record.exported)}"
    yield ""
    yield from _EXPLAINED


_EXPLAINED = """\
An entry is a message as it was seen, an edit of it, or its deletion. Times are UTC: first the platform's own, or in
brackets when it was received, where the platform gave none. A number counts within its case; what two cases hold is
told once. The SHA-256 is over what was preserved, as the record of the case holds it. * stands behind messages that
moved the score. Pictures, sounds and files that were sent along are named, and were never looked at. [U+0007] stands
for a character that cannot be written.""".splitlines()


def _entry(item: Item, case: str, also: Iterable[tuple[CaseRecord, Item]]) -> Iterator[str]:
    proof = [f"   received {stamp(item.received)}, sha256 {item.sha256}"]
    for other, same in also:
        number = f"no. {same.number} of case {one_line(other.case, NAME)}"
        proof.append(f"   also {number}, received {stamp(same.received)}, sha256 {same.sha256}")
    sign = "  *" if item.moved_the_score else ""
    content = item.content
    if content is None:
        yield f"{item.number}{case}  [{stamp(item.received)}]  {FORGOTTEN}{sign}"
        yield from proof
        return
    time = stamp(content.time) or f"[{stamp(item.received)}]"
    target = f" to {one_line(content.target, NAME)}" if content.target else ""
    kind = _KINDS[content.kind].format(version=content.version)
    place = f"{one_line(content.id, NAME)} in {one_line(content.conversation, NAME)}"
    author = f"{one_line(content.name, NAME)} ({one_line(content.author, NAME)})"
    yield f"{item.number}{case}  {time}  {author}{target}: {kind} {place}{sign}"
    yield from proof
    if content.edited is not None:
        unseen = ", before it was seen: what it said at first is not known" if content.version == 0 else ""
        yield f"   edited {stamp(content.edited)}{unseen}"
    if item.link:
        yield f"   {one_line(item.link, LINK)}"
    for attachment in content.attachments:
        yield f"   sent along: {ATTACHED_WORDS.get(attachment, one_line(attachment, NAME))}"
    if content.text is not None:
        yield from (f"   | {line}" for line in visible(content.text).split("\n"))
