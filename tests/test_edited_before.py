"""What was edited before Lampkeeper saw it: evidence says so, and when, instead of passing for what was first said."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from bots.common.excerpt import line
from core.export.archive import archive
from core.export.packet import packet_page
from core.export.reading import read_record
from core.export.record import CaseRecord, Content, broken
from core.export.record_page import CHECK
from core.export.transcript import transcript
from core.guard import Guard
from core.messages import Deletion, Edit, Message
from tests.discord_stage import DiscordStage
from tests.exports_stage import REPORTER
from tests.plain import PLAIN
from tests.support import KEY, MODERATOR, NOW, Board, Clock, in_memory, lampkeeper, opened, talk
from tests.test_discord_backscan import ask, ended, past, past_talk

WHEN = NOW + 30.5


def read_back() -> list[Message]:
    """Return talk whose first message was edited before anybody read it."""
    first, *rest = talk()
    return [first._replace(edited=WHEN), *rest]


async def record(guard: Guard, alert: str) -> CaseRecord:
    found = await guard.desk.export(alert, MODERATOR)
    assert found is not None
    assert broken(found) == []
    return found


def versions(record: CaseRecord, message: str) -> list[tuple[str, int, datetime | None]]:
    found = [item.content for item in record.items if item.content is not None and item.content.id == message]
    return [(one.kind, one.version, one.edited) for one in found]


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def test_it_is_preserved_as_an_edit_at_the_platforms_time_and_later_versions_have_their_own(
    tmp_path: Path,
) -> None:
    board, clock = Board(), Clock()
    async with lampkeeper(tmp_path, clock=clock, deliverers=[board]) as guard:
        alert = await opened(guard, board, read_back())
        await guard.receive(Edit(read_back()[0]._replace(text="something else", edited=WHEN + 60)))
        await guard.receive(Deletion(KEY, "m0"))
        await guard.settled()
        kept = await record(guard, alert)
    assert versions(kept, "m0") == [("edit", 0, at(WHEN)), ("edit", 1, at(WHEN + 60)), ("deletion", 2, None)]
    assert versions(kept, "m1") == [("message", 0, None)]


async def test_the_excerpt_says_so_where_it_is_known(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        alert = await opened(guard, board, read_back())
        first, second, *_ = await guard.desk.excerpt(alert, MODERATOR, more=20)
    assert (first.edited, second.edited) == (WHEN, None)
    assert "before it was seen here" in line(first, PLAIN)
    assert "before it was seen here" not in line(second, PLAIN)


async def test_every_export_tells_it_and_the_record_can_be_checked_without_lampkeeper(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=Clock(), deliverers=[board]) as guard:
        kept = await record(guard, await opened(guard, board, read_back()))
    kept = kept.model_copy(update={"items": kept.items[:12]})
    assert "edited 1970-01-12T13:47:10.500000Z, before it was seen" in transcript(kept).decode()
    assert "edited before it was seen" in packet_page(kept, REPORTER)
    (zipped,) = archive(kept, REPORTER)
    with ZipFile(BytesIO(zipped.data)) as files:
        first, *_ = csv.DictReader(files.read("messages.csv").decode("utf-8-sig").splitlines())
    assert first["edited (UTC)"] == "1970-01-12T13:47:10.500000Z"
    written = kept.model_dump_json()
    assert read_record(written) == kept
    assert broken(read_record(written)) == []
    (tmp_path / "case.json").write_text(json.dumps(json.loads(written)), "utf-8")
    (tmp_path / "check.py").write_text(CHECK)
    checking = await asyncio.create_subprocess_exec(sys.executable, "-I", "check.py", "case.json", cwd=tmp_path)
    assert await checking.wait() == 0


def test_a_record_written_before_edits_had_times_has_the_digests_that_it_had() -> None:
    said = Content(
        kind="edit",
        conversation="c",
        id="1",
        version=1,
        author="2",
        name="",
        target=None,
        time=None,
        received=at(0),
        text="",
    )
    assert b"edited" not in said.canonical()
    assert "edited" not in said.model_dump_json()
    assert said.model_copy(update={"edited": at(WHEN)}).digest() != said.digest()


def test_when_something_was_edited_weighs_nothing() -> None:
    assert in_memory(read_back()) == in_memory(talk())


async def test_what_a_backscan_reads_is_an_edit_only_where_discord_says_that_it_was_edited(stage: DiscordStage) -> None:
    past_talk(stage, days=3)
    edited = past(stage, "actor", "and once more", 3, edited_timestamp="2026-03-02T19:04:11.250000+00:00")
    await ended(stage, await ask(stage))
    (card,) = stage.cards()
    kept = await record(stage.guard, card["alert"])
    kinds = {item.content.id: (item.content.kind, item.content.edited) for item in kept.items if item.content}
    assert kinds.pop(edited["id"]) == ("edit", datetime(2026, 3, 2, 19, 4, 11, 250_000, UTC))
    assert set(kinds.values()) == {("message", None)}
