"""`lampkeeper audit` as people call it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from bots.__main__ import _run
from core import audit
from tests.audit_stage import (
    MODERATOR,
    ROWS,
    SPACE,
    by_hand,
    casework,
    deed,
    heads_file,
    lines_of,
    opened,
    verdict,
)
from tests.support import NOW, lampkeeper


class Done(NamedTuple):
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `lampkeeper audit` on a folder, as the console command does."""

    def command(folder: Path, *arguments: str) -> Done:
        (folder / "config.toml").touch()
        capsys.readouterr()
        status = _run(["audit", *arguments, "--config", str(folder / "config.toml")])
        return Done(status, *capsys.readouterr())

    return command


def test_verify_says_in_a_sentence_that_all_is_in_order(run: Run, folder: Path) -> None:
    done = run(folder, "verify")
    assert (done.status, done.err) == (0, "")
    assert f"The audit is as it was recorded: {ROWS} rows. Signed up to the last one" in done.out


@pytest.mark.parametrize("there", [True, False], ids=["an empty file", "no file"])
def test_an_untouched_audit_that_no_head_was_signed_for_is_not_called_changed(
    there: bool, run: Run, folder: Path
) -> None:
    if there:
        heads_file(folder).write_text("")
    else:
        heads_file(folder).unlink()
    done = run(folder, "verify")
    assert done.status == 1
    assert f"Every row follows from the one before it: {ROWS} rows. No signed head vouches for them." in done.out
    assert "NOT" not in done.out + done.err
    assert "head" in done.err
    run(folder, "head")
    assert run(folder, "verify").status == 0


def test_verify_names_a_changed_row_and_exits_with_1(run: Run, folder: Path) -> None:
    with by_hand(folder) as connection:
        connection.execute("UPDATE audit SET who = 'somebody' WHERE id = 5")
    done = run(folder, "verify")
    assert done.status == 1
    assert done.err == "Row 5 was changed: who is not what was recorded.\n"
    assert "NOT as it was recorded" in done.out


async def test_verify_looks_on_while_lampkeeper_has_the_database_open(run: Run, folder: Path) -> None:
    store = await opened(folder)
    async with store.write() as tx:
        await audit.record(tx, [deed(13)])
        assert run(folder, "verify").status == 0
    await store.close()


def test_whoever_has_no_key_file_verifies_with_the_public_key_and_a_copy_of_the_heads(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    key = run(folder, "key").out.strip()
    copy = Path(heads_file(folder).rename(tmp_path / "copy.jsonl"))
    (folder / "lampkeeper.key").unlink()
    assert run(folder, "verify", "--heads", str(copy), "--key", key.upper()).status == 0
    assert "key file" in run(folder, "verify", "--heads", str(copy)).err
    assert "64 hexadecimal digits" in run(folder, "verify", "--key", "xyz").err
    lacking = run(folder, "verify", "--key", key)
    assert lacking.status == 1
    assert "There is no file of signed heads" in lacking.err


def test_head_signs_at_once(run: Run, folder: Path) -> None:
    done = run(folder, "head")
    assert done.status == 0
    assert f"Head 3 signed, over {ROWS} rows" in done.out
    assert len(lines_of(folder)) == 3
    assert verdict(folder).problems == []


@pytest.mark.parametrize("name", ["verify", "show", "head", "key"])
def test_without_a_database_every_command_says_so_and_makes_nothing(run: Run, tmp_path: Path, name: str) -> None:
    done = run(tmp_path, name)
    assert done.status == 1
    assert "There is no database at" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


async def test_show_lists_what_was_done_and_names_who_where_that_may_be_told(run: Run, tmp_path: Path) -> None:
    alert = await casework(tmp_path)
    async with lampkeeper(tmp_path) as guard:
        who = guard.ledger.vault.blind(SPACE, MODERATOR.id)
        async with guard.ledger.transaction() as tx:
            await audit.record(tx, [audit.row(NOW, SPACE, "report received", who=who, about=alert)])
            await audit.record(tx, [audit.row(NOW, "test:two", "settings changed", who="nobody known")])
    out = run(tmp_path, "show").out.splitlines()
    (decided,) = [line for line in out if "alert decided" in line]
    assert "by The moderator" in decided
    assert f"case {alert}" in decided
    (reported,) = [line for line in out if "report received" in line]
    assert "by not told" in reported
    assert any("alert opened  by Lampkeeper" in line for line in out)
    of_case = run(tmp_path, "show", "--case", alert).out.splitlines()
    assert [line for line in out if alert in line] == of_case
    (elsewhere,) = run(tmp_path, "show", "--space", "test:two").out.splitlines()
    assert "by somebody not known here" in elsewhere
    assert run(tmp_path, "show", "--limit", "1").out.splitlines() == out[-1:]
    assert "No row" in run(tmp_path, "show", "--space", "test:none").out
