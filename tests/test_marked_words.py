"""A day's traffic with marked words, names, ids and tokens: none of them stands in any file, log or figure.

Everything that people write, choose or are called carries a mark; then every byte on the disk is searched, while
Lampkeeper runs and after it, and so is all that was logged.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from core.casework.cards import Person
from core.installations import Installations
from core.messages import Author, ConversationKey, Edit, Message
from core.observe import set_up_logging
from core.retention import requests
from tests.discord_objects import (
    BAN_MEMBERS,
    BOT_ROLE,
    GENERAL,
    MANAGE_ROLES,
    MODERATE_MEMBERS,
    MODERATORS,
    PEOPLE,
    SERVER,
    TOKEN,
    Json,
    World,
    button_ids,
)
from tests.discord_stage import DiscordStage, discord_stage
from tests.support import slow_talk
from tests.test_discord_hand import act, go_on, role
from tests.test_discord_members import MENU

IDS = {name: 710_000_000_000_000_003 + number * 1_000_000_007 for number, name in enumerate(PEOPLE)}
WORD, EDITED, DELETED, REMARK, REPORT, SECRET, NAME, BROKEN = (
    f"qx{kind}mark" for kind in ("word", "edit", "deletion", "remark", "report", "token", "name", "broken")
)
SPACE, WORKSPACE = f"discord:{SERVER}", "slack:T0001"
EVERYTHING = MODERATE_MEMBERS | BAN_MEMBERS | MANAGE_ROLES


def traces() -> dict[str, list[bytes]]:
    """Every mark as it might stand somewhere, by what it is."""
    marks: dict[str, list[bytes]] = {}
    for mark in (WORD, EDITED, DELETED, REMARK, REPORT, SECRET, NAME, BROKEN, TOKEN, *slow_talk()):
        marks[mark] = [mark.encode(), mark.encode("utf-16-le"), mark.encode("utf-16-be"), mark.encode().hex().encode()]
    for name, number in IDS.items():
        packed = [number.to_bytes(8, "big"), number.to_bytes(8, "little")]
        marks[f"id of {name}"] = [str(number).encode(), f"{number:x}".encode(), *packed]
    return marks


def found_in(raw: bytes) -> list[str]:
    raw = raw.lower()
    return [mark for mark, forms in traces().items() if any(form.lower() in raw for form in forms)]


def on_disk(folder: Path) -> dict[str, list[str]]:
    """What of it can be read in each file."""
    return {path.name: found_in(path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """Log as the program does, all that it could log."""
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    written = StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    set_up_logging(logging.DEBUG)
    yield written
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _marked_people(monkeypatch: pytest.MonkeyPatch) -> None:
    user = World.user

    def named(world: World, who: int) -> Json:
        shown = user(world, who)
        return shown | {"global_name": f"{NAME} {shown['username']}", "username": f"{NAME}{shown['username']}"}

    for name, number in IDS.items():
        monkeypatch.setitem(PEOPLE, name, number)
    monkeypatch.setattr(World, "user", named)


async def a_day(stage: DiscordStage) -> None:
    """Let people do everything that leaves something behind."""
    guard, there, moderator = stage.guard, stage.there, Person(str(IDS["moderator"]), f"{NAME} moderator")
    await role(stage, BOT_ROLE, EVERYTHING, 10)
    await role(stage, MODERATORS, EVERYTHING, 5)
    said = [await stage.say("target", f"hello there {WORD}")]
    said += [await stage.say("actor", f"{line} {WORD}") for line in slow_talk()]
    said += [await stage.say("friend", f"{line} {WORD} <@{IDS['target']}>", "dm") for line in slow_talk()[:3]]
    await stage.settled()
    await stage.edit(said[3], f"send me a photo of you {EDITED}")
    deleted = await stage.say("actor", f"this goes {DELETED}")
    await stage.settled()
    await stage.delete(deleted)
    await stage.settled()
    alert = stage.cards()[0]["alert"]
    await stage.push(alert, "excerpt")
    await stage.push(alert, "claim")
    await act(stage, "timeout_1h")
    await guard.desk.hold(alert, moderator)
    opened = await there.menu(MENU, int(said[2]), IDS["friend"])
    assert opened.modal is not None
    await there.submit(opened.modal, {"words": f"this feels wrong {REPORT}"}, IDS["friend"])
    await stage.settled()
    asked = await stage.push(alert, "dismiss")
    assert asked.message is not None
    await stage.dismiss(asked.message, alert, remark=f"they rehearse {REMARK}")
    panel = await stage.push(alert, "more")
    exports = [name.split(":")[1] for name in button_ids(panel.message or {}) if "export" in name]
    await go_on(stage, panel, exports[0])
    await guard.communities.choose(WORKSPACE, {"moderators": [moderator.id], "review": 0.9}, moderator)
    await Installations(guard.ledger).save(WORKSPACE, {"token": f"xoxb-{SECRET}", "refresh": SECRET})
    await requests.ask(guard.ledger, SPACE, "deletion", Person(str(IDS["friend"]), f"{NAME} friend"), "Somebody asks.")
    await there.command("lampkeeper privacy", IDS["target"])
    await stage.settled()


async def go_wrong(stage: DiscordStage) -> None:
    """Let what people wrote meet every fault that a log tells of."""
    key = ConversationKey(SPACE, str(GENERAL))
    author = Author(str(IDS["actor"]), f"{NAME} actor")
    await stage.guard.receive(Message(key, "\ud800", author, f"hello {BROKEN}"))
    await stage.guard.receive(Edit(Message(key, "\ud800", author, f"hello {BROKEN}")))
    await stage.settled()
    assert stage.guard.skipped


async def test_a_days_traffic_leaves_no_marked_word_in_any_file_log_or_figure(tmp_path: Path, logged: StringIO) -> None:
    figures: list[Any] = []
    async with discord_stage(tmp_path) as stage:
        await a_day(stage)
        await go_wrong(stage)
        files = on_disk(tmp_path)
        assert {"lampkeeper.db", "lampkeeper.db-wal", "lampkeeper.key", "lampkeeper.keyring"} <= files.keys()
        assert not any(files.values()), files
        (card, *_) = [await stage.guard.desk.card(card["alert"]) for card in stage.cards()]
        assert card is not None
        assert WORD in str(await stage.guard.desk.excerpt(card.alert, Person("m", "m")))  # it is kept, and sealed
        await stage.restart()
        await stage.guard.purge()
        await stage.guard.keep_house()
        tallies = stage.guard.ledger.tallies
        figures += [getattr(tallies, name) for name in dir(tallies) if not name.startswith("__")]
        await stage.guard.forget_person(SPACE, str(IDS["friend"]))
        await stage.guard.forget_space(SPACE)
    files = on_disk(tmp_path)
    assert not any(files.values()), files
    assert not found_in(repr(figures).encode())
    log = logged.getvalue()
    assert "guard.event_skipped" in log  # what is logged is found this way
    assert not found_in(log.encode("utf-8", "surrogatepass"))


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"..." + IDS["actor"].to_bytes(8, "big") + b"...")
    (tmp_path / "two").write_text(f"... {WORD.upper()} {IDS['target']} ...")
    assert on_disk(tmp_path) == {"one": ["id of actor"], "two": [WORD, "id of target"]}
