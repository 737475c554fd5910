"""An invented case, for documents and tests: the pattern by its mild steps, between "actor" and "target".

Leans on `core.export.record`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from core.casework.cards import NOTE
from core.export.record import (
    SALT_BYTES,
    CaseRecord,
    Content,
    Decision,
    Deed,
    Item,
    Kind,
    Moderator,
    Note,
    Party,
    beginning,
    follow,
)

BEGIN = datetime(2026, 3, 2, 19, 4, 11, 250_000, tzinfo=UTC)
SAID = (
    ("actor", "hi, how old are you?", ()),
    ("target", "12, and you?", ()),
    ("actor", "a bit older. do your parents look at your phone?", ()),
    ("target", "no", ()),
    ("actor", "don't tell your mum that we talk, ok?", ()),
    ("actor", "can you send me a photo of you?", ()),
    ("target", "why", ("image",)),
    ("actor", "let's talk in another app, where nobody reads along", ()),
)
PEOPLE = {"actor": "1001", "target": "1002"}


def example(messages: int = len(SAID)) -> CaseRecord:
    """Return a confirmed case of so many messages, the last of which was edited, then deleted."""
    contents = [_said(number) for number in range(messages)]
    last = contents[-1]
    changes: tuple[tuple[Kind, str | None], ...] = (("edit", "let's talk somewhere else"), ("deletion", None))
    for version, (kind, text) in enumerate(changes, 1):
        received = last.received + timedelta(minutes=version)
        contents.append(last.model_copy(update={"kind": kind, "version": version, "text": text, "received": received}))
    moderator, end = Moderator(id="2001", name="moderator"), contents[-1].received
    return CaseRecord(
        note=NOTE,
        case="b7c1f2d3e4a5",
        space="discord:4001",
        community="Example server",
        exported=end + timedelta(hours=2),
        opened=BEGIN + timedelta(minutes=6),
        state="concern_confirmed",
        level="urgent",
        probability=0.997,
        actor=Party(id=PEOPLE["actor"], name="actor", stated_ages=(19,)),
        target=Party(id=PEOPLE["target"], name="target", stated_ages=(12,)),
        signals=("asks how old the other is", "asks to keep it secret", "wants to move to another app"),
        claimed_by=moderator,
        decision=Decision(decision="confirmed", by=moderator, time=end + timedelta(hours=1)),
        notes=(Note(by=moderator, time=end + timedelta(hours=1), text="Parents were told."),),
        items=_chained("b7c1f2d3e4a5", contents),
        audit=(Deed(time=BEGIN + timedelta(minutes=6), what="alert opened", detail={"level": "urgent"}),),
    )


def _said(number: int) -> Content:
    author, text, attachments = SAID[number % len(SAID)]
    time = BEGIN + timedelta(seconds=45 * number)
    return Content(
        kind="message",
        conversation="5001",
        id=str(6001 + number),
        version=0,
        author=PEOPLE[author],
        name=author,
        target=PEOPLE["target" if author == "actor" else "actor"],
        time=time,
        received=time + timedelta(milliseconds=180),
        text=text,
        attachments=attachments,
    )


def _chained(case: str, contents: list[Content]) -> tuple[Item, ...]:
    items, chain = [], beginning(case)
    for number, said in enumerate(contents, 1):
        salt = sha256(str(number).encode()).digest()[:SALT_BYTES]  # made up, but always the same
        content = said.model_copy(update={"salt": salt.hex()})
        digest = content.digest()
        chain = follow(chain, bytes.fromhex(digest))
        link = f"https://discord.com/channels/4001/{content.conversation}/{content.id}"
        reason = content.author == PEOPLE["actor"]
        items.append(
            Item(
                number=number,
                content=content,
                received=content.received,
                sha256=digest,
                chain=chain.hex(),
                link=link,
                moved_the_score=reason,
            )
        )
    return tuple(items)
