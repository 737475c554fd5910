"""Killed at random moments, Lampkeeper loses and doubles nothing, and all verifies; `make kill` does it longer."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest

from core.errors import ExportError
from core.export import ExportFile
from core.export.saving import PART, save
from tests.kill import Run, kills, table
from tests.kill_checks import Findings, check, trouble

FILES = [ExportFile(name, "text/plain", name.encode()) for name in ("one.txt", "two.txt")]
BY_HAND = """
DELETE FROM messages WHERE seq = (SELECT max(seq) FROM messages);
UPDATE messages SET body = zeroblob(60) WHERE seq = (SELECT max(seq) FROM messages);
DELETE FROM audit WHERE who <> '' AND id = (SELECT max(id) FROM audit WHERE what = 'case exported');
UPDATE alerts SET probability = 0 WHERE alert = (SELECT min(alert) FROM alerts);
UPDATE items SET chain = sha256 WHERE number = 1 AND alert = (SELECT min(alert) FROM items);
"""


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Findings]:
    return asyncio.run(kills(tmp_path_factory.mktemp("killed"), 8, 1))


def test_killed_at_random_moments_nothing_is_lost_doubled_or_unverifiable(after: tuple[Run, Findings]) -> None:
    run, findings = after
    assert findings.faults == {"lost": set(), "doubled": set(), "unverifiable": set()}, table(run, findings)
    assert list(trouble(run.known.folder / "log")) == []
    done = ("messages stored", "alerts", "cards", "presses recorded", "exports verified", "signed heads")
    assert all(findings.counts[what] for what in done), findings.counts
    assert run.hit.keys() - {"idle"}


async def test_what_is_lost_doubled_or_changed_by_hand_is_found(after: tuple[Run, Findings]) -> None:
    """The measure measures: it runs last, on what the other test found whole."""
    run, _ = after
    folder, platform = run.known.folder, run.known.platform
    with closing(sqlite3.connect(folder / "lampkeeper.db")) as database:
        database.executescript(BY_HAND)
    export = next(iter(run.known.examined))
    export.write_bytes(export.read_bytes()[:-30])
    run.known.examined.clear()
    platform.cards["again"] = next(iter(platform.cards.values()))
    found = {
        kind: {what.split(" ")[0] for what in some}
        for kind, some in (await check(run.known, ended=True)).faults.items()
    }
    assert found["lost"] >= {"message", "press", "alert"}
    assert found["doubled"] >= {"card"}
    assert found["unverifiable"] >= {"messages", "case", "audit:", "export"}


def test_an_export_is_written_whole_for_its_owner_alone_and_never_over_another(tmp_path: Path) -> None:
    (tmp_path / f"one.txt{PART}").write_text("cut off by a crash")
    paths = save(tmp_path, FILES)
    assert [path.read_text() for path in paths] == ["one.txt", "two.txt"]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    left = tmp_path / f"one.txt{PART}"
    assert sorted(tmp_path.iterdir()) == sorted([*paths, left]), "what a crash cut off says by its name that it is"
    paths[0].unlink()
    with pytest.raises(ExportError, match="not written over"):
        save(tmp_path, FILES)
    assert sorted(tmp_path.iterdir()) == sorted([paths[1], left])


def test_of_an_export_that_cannot_be_written_nothing_stays(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot be written"):
        save(tmp_path, [*FILES, ExportFile("no-such-folder/three.txt", "text/plain", b"three")])
    assert list(tmp_path.iterdir()) == []


def test_of_two_who_write_the_same_export_at_once_one_has_all_of_it_and_the_other_is_told(tmp_path: Path) -> None:
    for number in range(30):
        folder = tmp_path / str(number)
        folder.mkdir()
        together = Barrier(2)
        outcomes: list[str] = []

        def write(sign: str, folder: Path = folder, together: Barrier = together, into: list[str] = outcomes) -> None:
            files = [ExportFile(name, "text/plain", sign.encode() * 100_000) for name in ("one.txt", "two.txt")]
            together.wait()
            try:
                save(folder, files)
            except ExportError as error:
                assert "is there already" in error.what  # noqa: PT017
            else:
                into.append(sign)

        threads = [Thread(target=write, args=(sign,)) for sign in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (winner,) = outcomes
        written = {path.name: path.read_text() for path in folder.iterdir()}
        assert written == dict.fromkeys(("one.txt", "two.txt"), winner * 100_000)
