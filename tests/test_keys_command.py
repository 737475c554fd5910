"""`lampkeeper keys` as people call it, beside a running Lampkeeper too, and with every source of the master key."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import secrets
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from core.vault.master import fingerprint
from tests.support import ROOT, lampkeeper, said, vault_of
from tests.test_dropped_keys import opens, sealed_values

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("LAMPKEEPER_")}
RUNNING = """
import asyncio, sys
from pathlib import Path
from core.messages import ConversationKey
from tests.support import lampkeeper, said, slow_talk

async def main():
    async with lampkeeper(Path(sys.argv[1])) as guard:
        loop, number = asyncio.get_running_loop(), 0
        print("running", flush=True)
        while await loop.run_in_executor(None, sys.stdin.readline):
            number += 1
            key = ConversationKey(f"test:space {number}", "general")
            for n, text in enumerate(slow_talk()):
                await guard.receive(said(n, text, partner="target")._replace(key=key))
            await guard.settled()
            print("settled", flush=True)

asyncio.run(main())
"""


def called(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command; whatever happens, nobody sees a traceback."""
    config = folder / "config.toml"
    if not config.exists():
        config.write_text("")
    command = [sys.executable, "-m", "bots", *words, "--config", str(config)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=ENVIRONMENT | environment, timeout=120, check=False, cwd=ROOT
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def status(folder: Path, **environment: str) -> dict[str, str]:
    done = called(folder, "keys", "status", **environment)
    assert done.returncode == 0, done
    lines = done.stdout.split("Summary\n")[1].splitlines()
    return dict(re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in lines)


async def talked(folder: Path) -> None:
    async with lampkeeper(folder) as guard:
        await guard.receive(said(1, "hello there"))
        await guard.settled()


async def test_status_tells_how_many_keys_there_are_and_no_key(tmp_path: Path) -> None:
    await talked(tmp_path)
    key = (tmp_path / "lampkeeper.key").read_bytes()
    told = status(tmp_path)
    assert told["fingerprint"] == fingerprint(key)
    assert told["data keys"] == "1 of spaces, 0 of cases"
    assert str(tmp_path / "lampkeeper.keyring") in told["keyring"]
    everything = str(told)
    for held in vault_of(tmp_path)._keys.values():
        assert held[0].key.hex() not in everything
    assert key.hex() not in everything


def test_keys_before_the_first_start_are_told_to_come_and_not_made(tmp_path: Path) -> None:
    for command in ("status", "rotate"):
        done = called(tmp_path, "keys", command)
        assert done.returncode == 1
        assert "There is no keyring" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


async def test_rotate_puts_a_new_key_file_in_place_and_says_what_to_back_up(tmp_path: Path) -> None:
    await talked(tmp_path)
    before = (tmp_path / "lampkeeper.key").read_bytes()
    done = called(tmp_path, "keys", "rotate")
    after = (tmp_path / "lampkeeper.key").read_bytes()
    assert done.returncode == 0, done
    assert "Back up" in done.stdout
    assert fingerprint(after) in done.stdout
    assert fingerprint(before) in done.stdout
    assert before != after
    assert status(tmp_path)["fingerprint"] == fingerprint(after)
    await talked(tmp_path)


async def test_rotating_beside_a_running_lampkeeper_costs_it_nothing(tmp_path: Path) -> None:
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUNNING, str(tmp_path), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert running.stdin is not None
    assert running.stdout is not None
    assert await running.stdout.readline() == b"running\n"
    for turn in range(3):
        running.stdin.write(b"talk\n")
        done = await asyncio.to_thread(called, tmp_path, "keys", "rotate")  # while it stores what was said
        assert done.returncode == 0, (turn, done)
        while (told := await running.stdout.readline()) != b"settled\n":  # before it, the log may tell of a purge
            assert told, "it ended"
    running.stdin.close()
    assert await running.wait() == 0
    vault = vault_of(tmp_path)
    values = sealed_values(tmp_path / "lampkeeper.db")
    assert {f"test:space {number}" for number in (1, 2, 3)} <= {sealed.about[1] for sealed in values}
    assert any(sealed.about[0] == "alerts" for sealed in values)
    assert all(opens(vault, sealed) for sealed in values)


@pytest.mark.parametrize("source", ["environment", "command"])
def test_the_master_key_comes_from_environment_or_command_and_is_changed_there(tmp_path: Path, source: str) -> None:
    first, second = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    store = tmp_path / "secret"

    def put(key: str) -> dict[str, str]:
        if source == "environment":
            return {"LAMPKEEPER_MASTER_KEY": key}
        store.write_text(key)
        return {}

    if source == "command":
        words = [sys.executable, "-c", f"print(open({str(store)!r}).read())"]
        (tmp_path / "config.toml").write_text(f"[storage]\nkey_command = {words}\n")
    environment = put(first)
    assert called(tmp_path, "purge", **environment).returncode == 0
    assert not (tmp_path / "lampkeeper.key").exists()
    refused = called(tmp_path, "keys", "rotate", **environment)
    assert refused.returncode == 1
    assert "--new-from" in refused.stderr
    new = tmp_path / "new"
    new.touch(mode=0o600)
    new.write_text(second)
    announced = called(tmp_path, "keys", "rotate", "--new-from", str(new), **environment)
    assert "is announced" in announced.stdout
    assert "which takes over" in status(tmp_path, **environment)["announced"]
    assert called(tmp_path, "purge", **environment).returncode == 0  # the former still works
    changed = put(second)
    assert called(tmp_path, "purge", **changed).returncode == 0
    assert "announced" not in status(tmp_path, **changed)
    former = called(tmp_path, "purge", **put(first))
    assert former.returncode == 1
    assert "master key is not the one" in former.stderr
    for done in (refused, announced, former):
        assert first not in done.stdout + done.stderr
        assert second not in done.stdout + done.stderr


def test_check_tells_of_keyring_and_master_key_and_changes_nothing(tmp_path: Path) -> None:
    def line() -> str:
        return next(line for line in called(tmp_path, "check").stdout.splitlines() if "key" in line)

    assert "will be made" in line()
    assert called(tmp_path, "purge").returncode == 0
    assert re.search(r"^ok .*lampkeeper\.key.*lampkeeper\.keyring \(0 data keys\)", line())
    (tmp_path / "lampkeeper.keyring").rename(tmp_path / "elsewhere")
    assert re.search(r"^✗ .*keyring .* is missing", line())
    assert not (tmp_path / "lampkeeper.keyring").exists()
    (tmp_path / "elsewhere").rename(tmp_path / "lampkeeper.keyring")
    with closing(sqlite3.connect(tmp_path / "lampkeeper.keyring")) as keyring, keyring:
        keyring.execute("UPDATE masters SET fingerprint = 'other'")
    assert re.search(r"^✗ .*master key is not the one", line())
