"""The console command as people call it: outputs, exit statuses, and one sentence for every mistake."""

import asyncio
import json
import lzma
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bots import composition
from bots.cli import COMMANDS, app
from bots.commands.service import _serve, _stop
from core.config import Config, Storage
from core.errors import PlatformError
from core.messages import Author, ConversationKey, Message
from core.model import load_model

PROGRAM = [sys.executable, "-m", "bots"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("LAMPKEEPER_")}
ENVIRONMENT["PYTHONIOENCODING"] = "utf-8"


def lampkeeper(*arguments, stdin=b"", env=None):
    """Run the command; whatever happens, nobody sees a traceback."""
    command = [*PROGRAM, *map(str, arguments)]
    done = subprocess.run(
        command, input=stdin, capture_output=True, env=ENVIRONMENT | (env or {}), timeout=120, check=False
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    return done


def started(*arguments, stdin=None):
    """Start the command and leave it running, with pipes to talk to it."""
    return subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )


def refused(*arguments, **more):
    """The sentence with which the command refuses."""
    done = lampkeeper(*arguments, **more)
    assert done.returncode == 1, done
    return done.stderr


def summary(done):
    return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in done.stdout.split("Summary\n")[1].splitlines())


def talk(id_, *texts, **more):
    messages = [{"author": ("actor", "target")[n % 2], "text": text} for n, text in enumerate(texts)]
    return json.dumps({"id": id_, "messages": messages, **more}) + "\n"


STEPS = (
    "hey how old are you?",
    "i am 13 why",
    "you seem so mature for your age, do you have a phone?",
    "yes but my mum looks at it sometimes",
    "are you alone right now? dont tell your mum about me ok, its our secret",
    "ok i wont tell her",
    "send me a pic of you, i wont show anyone, then we can meet up just us two",
    "maybe later i have homework",
)


@pytest.fixture
def history(tmp_path):
    """A file with two conversations."""
    path = tmp_path / "history.jsonl"
    path.write_text(talk("c1", *STEPS) + talk("c2", "hi", "hello \U0001f600"), encoding="utf-8")
    return path


# ---- help and usage -------------------------------------------------------------------------------------------------


def test_help_names_every_command_and_loads_none_of_them():
    program = (
        "import sys; sys.argv = ['lampkeeper', '--help']\n"
        "try: import bots.__main__; bots.__main__.main()\n"
        "finally: print([m for m in ('discord', 'slack_bolt', 'sklearn', 'matplotlib', 'sqlalchemy', 'numpy')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    for command, *_ in COMMANDS:
        assert re.search(rf"\b{command} ", done.stdout)
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize("command", [name for name, *_ in COMMANDS])
def test_every_command_explains_its_options(command, capsys):
    app([command, "--help"], result_action="return_value")
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: lampkeeper {command}")
    assert "─ Parameters ─" in text or "─ Arguments ─" in text


def test_the_version_is_told():
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", lampkeeper("--version").stdout)


@pytest.mark.parametrize(
    "arguments",
    [["replay"], ["replay", "a.jsonl", "--thrashold", "1"], ["replya"], ["replay", "a", "--threshold", "x"]],
)
def test_a_wrong_command_line_is_told_with_exit_status_2(arguments):
    done = lampkeeper(*arguments)
    assert done.returncode == 2
    assert "--help" in done.stderr


# ---- replay ---------------------------------------------------------------------------------------------------------


def test_replay_writes_scores_and_alerts_in_the_documented_form(history, tmp_path):
    scores, alerts = tmp_path / "scores.jsonl", tmp_path / "alerts.jsonl"
    done = lampkeeper("replay", history, "--scores", scores, "--alerts", alerts, "--threshold", 0.000001)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in scores.read_text().splitlines()]
    assert [(line["conversation"], line["index"], line["author"], line["target"]) for line in lines] == [
        *(("c1", n, *(("actor", "target") if n % 2 == 0 else ("target", "actor"))) for n in range(8)),
        ("c2", 0, "actor", "target"),
        ("c2", 1, "target", "actor"),
    ]
    for line in lines:
        assert list(line) == ["conversation", "index", "author", "target", "score", "level", "outcome"]
        assert (line["outcome"] == "scored") == (line["score"] is not None)
        assert line["score"] is None or 0 <= line["score"] <= 1
        assert line["level"] in ("none", "watch", "review", "urgent")
    assert lines[0]["outcome"] == "insufficient", "too little was said"
    assert lines[6]["score"] is not None

    told = [json.loads(line) for line in alerts.read_text().splitlines()]
    first = next(line for line in told if line["actor"] == "actor")
    assert list(first) == ["conversation", "index", "actor", "target", "score", "level", "signals", "reasons"]
    assert (first["conversation"], first["target"]) == ("c1", "target")
    assert first["score"] == lines[first["index"]]["score"]
    assert first["level"] in ("review", "urgent")
    assert first["reasons"]
    for reason in first["reasons"]:
        assert list(reason) == ["index", "text", "weight"]
        assert reason["text"] == STEPS[reason["index"]]
        assert reason["index"] <= first["index"]

    told_in_sum = summary(done)
    assert told_in_sum["messages"] == "10"
    assert told_in_sum["conversations"] == "2"
    assert told_in_sum["alerts"] == f"{len(told)} in 1 conversations"
    assert told_in_sum["insufficient"].startswith("1 ")


def test_replay_reads_standard_input_and_compressed_files_alike(history, tmp_path):
    (tmp_path / "history.jsonl.xz").write_bytes(lzma.compress(history.read_bytes()))
    outputs: list[str] = []
    for arguments, stdin in (([history], b""), (["-"], history.read_bytes()), ([tmp_path / "history.jsonl.xz"], b"")):
        out = tmp_path / f"out{len(outputs)}.jsonl"
        done = lampkeeper("replay", *arguments, "--scores", out, stdin=stdin)
        assert done.returncode == 0
        outputs.append(out.read_text())
    assert outputs[0].count("\n") == 10
    assert outputs[0] == outputs[1] == outputs[2]


def test_a_higher_threshold_never_alerts_more(history):
    told = [lampkeeper("replay", history, "--threshold", threshold) for threshold in (0.000001, 0.5, 0.999999)]
    counts = [int(summary(done)["alerts"].split()[0]) for done in told]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 0


def test_replay_skips_and_counts_bad_lines_and_says_so_in_its_exit_status(history):
    text = history.read_bytes()
    bad = b'not json\n{"id": "c3"}\n{"id": "c4", "messages": [{"author": "actor"}]}\n{"id": "\x00"}\n\xff\n'
    done = lampkeeper("replay", "-", stdin=bad + text)
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if "skipped" in line]
    assert told[0] == "standard input, line 1: it is not JSON (Expecting value, column 1); skipped."
    assert told[1] == 'standard input, line 2: it lacks "messages"; skipped.'
    assert told[2] == 'standard input, line 3: message 0 lacks "text"; skipped.'
    assert len(told) == 5
    assert summary(done)["messages"] == "10"
    assert summary(done)["bad lines"] == "5 skipped"


def test_replay_goes_on_after_a_file_that_cannot_be_read(history, tmp_path):
    packed = lzma.compress(history.read_bytes() * 50)
    (tmp_path / "cut.xz").write_bytes(packed[: len(packed) // 2])
    done = lampkeeper("replay", tmp_path / "none.jsonl", tmp_path / "cut.xz", history)
    assert done.returncode == 1
    assert "none.jsonl cannot be opened (No such file or directory)" in done.stderr
    assert "cut.xz is a damaged or cut-off archive" in done.stderr
    assert int(summary(done)["messages"]) >= 10


def test_a_name_too_long_for_a_file_is_told(history, tmp_path):
    long = tmp_path / ("x" * 300)
    done = lampkeeper("replay", long, history)
    assert done.returncode == 1
    assert "cannot be opened (File name too long)" in done.stderr
    assert summary(done)["messages"] == "10"
    for option in ("--scores", "--alerts"):
        assert "cannot be written (File name too long)" in refused("replay", history, option, long)


def test_replay_survives_every_kind_of_strange_text(tmp_path):
    strange = [
        "\x00",
        "\ud800",
        "x" * 1_000_000,
        "\u202eabc\u200b\u200d",
        "\u0000" * 3,
        "",
        "\U0001f600" * 5000,
        "a\nb",
    ]
    texts = [text for text in strange for _ in range(2)]
    record = json.loads(talk("c", *texts))
    for index, message in enumerate(record["messages"]):
        message["time"] = ("2024-01-02T00:00:00", "2023-01-01T00:00:00", "99:99", None)[index % 4]
    scores = tmp_path / "scores.jsonl"
    done = lampkeeper("replay", "-", "--scores", scores, stdin=(json.dumps(record) + "\n").encode())
    assert done.returncode == 0
    assert len(scores.read_text().splitlines()) == 16
    assert summary(done)["unclear values"].startswith("4 ")


def test_no_text_reaches_the_terminal_in_a_replay(history):
    done = lampkeeper("replay", history, "--threshold", 0.000001)
    assert not any(text in done.stdout + done.stderr for text in STEPS)


@pytest.mark.parametrize("threshold", ["0", "1", "nan"])
def test_a_threshold_outside_of_0_to_1_is_refused(history, threshold):
    told = refused("replay", history, f"--threshold={threshold}")
    assert "between 0 and 1" in told
    assert f"Try --threshold {load_model().thresholds.review:g}." in told


def test_an_output_never_overwrites_a_transcript(history):
    before = history.read_bytes()
    assert "would overwrite" in refused("replay", history, "--scores", history)
    assert history.read_bytes() == before


def test_an_output_that_cannot_be_written_is_told(history):
    assert "No space left on device" in refused("replay", history, "--scores", "/dev/full")
    assert "No such file or directory" in refused("replay", history, "--alerts", "/nowhere/alerts.jsonl")


def test_ctrl_c_in_a_replay_keeps_what_was_scored(tmp_path):
    scores = tmp_path / "scores.jsonl"
    process = started("replay", "-", "--scores", scores, stdin=subprocess.PIPE)
    for number in range(1000):  # more than pipe and buffers hold, so replay has begun when all of it is written
        process.stdin.write(talk(f"c{number}", *STEPS).encode())
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Stopped by Ctrl-C" in errors
    assert b"Traceback" not in output + errors
    lines = [json.loads(line) for line in scores.read_text().splitlines()]
    assert lines
    (number,) = re.findall(r"messages +([\d,]+)\n", output.decode())
    counted = int(number.replace(",", ""))
    assert counted <= len(lines) <= counted + 2 * len(STEPS), (
        "only a conversation that was stopped half way is not counted"
    )


def test_a_reader_that_leaves_early_ends_the_command_quietly():
    process = started("demo", "--speed", 0)
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) in (0, 1)
    assert errors == b""


def test_ctrl_c_in_the_demo_ends_it_with_a_sentence():
    process = started("demo", "--speed", 20)
    for _ in range(5):
        assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.decode() == "Stopped by Ctrl-C; what was done until then is kept.\n"
    assert b"Traceback" not in output


@pytest.mark.parametrize("speed", ["-1", "nan"])
def test_a_speed_that_makes_no_sense_is_refused(speed):
    assert "The speed must be" in refused("demo", f"--speed={speed}")


# ---- the model ------------------------------------------------------------------------------------------------------


def test_a_model_of_another_version_is_refused(tmp_path, history):
    shipped = Path(composition.__file__).parents[1] / "core" / "data" / "model"
    model = tmp_path / "model"
    model.mkdir()
    card = json.loads((shipped / "card.json").read_text())
    (model / "weights.safetensors").write_bytes((shipped / "weights.safetensors").read_bytes())
    (model / "card.json").write_text(json.dumps(card | {"format": 999}))
    assert "another version" in refused("evaluate", history, "--model", model)
    (model / "card.json").write_text(json.dumps(card))
    (model / "weights.safetensors").write_bytes(b"\x00" * 100)
    assert "damaged" in refused("evaluate", history, "--model", model)
    assert "no model in" in refused("evaluate", history, "--model", tmp_path / "none")


def test_a_line_without_a_label_cannot_be_learned_from(history, tmp_path):
    assert 'line 1: it lacks "label"' in refused("train", history, "--out", tmp_path / "model")


def test_evaluate_skips_and_counts_bad_lines_and_says_so_in_its_exit_status(tmp_path):
    path = tmp_path / "labelled.jsonl"
    good = talk("c1", *STEPS, label=1), talk("c2", "hi", "hello", label=0)
    path.write_text(f"not json\n{good[0]}\n   \n{talk('c3', 'hi')}{good[1]}")
    done = lampkeeper("evaluate", path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"{path}, line 1: it is not JSON (Expecting value, column 1); skipped.",
        f'{path}, line 5: it lacks "label" (1: pattern, 0: ordinary); skipped.',
    ]
    assert summary(done)["bad lines"] == "2 skipped"
    assert [line.split()[2] for line in done.stdout.splitlines() if line.startswith("labelled")] == ["1", "1"]


def test_evaluate_writes_its_figures_or_says_why_not(tmp_path):
    path, figures = tmp_path / "labelled.jsonl", tmp_path / "figures.json"
    path.write_text(talk("c1", *STEPS, label=1) + talk("c2", "hi", "hello", label=0))
    assert lampkeeper("evaluate", path, "--json", figures).returncode == 0
    assert len(json.loads(figures.read_text())["sources"]) == 2
    assert "/nonexistent/x.json cannot be written" in refused("evaluate", path, "--json", "/nonexistent/x.json")
    before = path.read_bytes()
    assert "would overwrite" in refused("evaluate", path, "--json", path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("labels", [(1,), (0,), (0, 1)])
def test_too_few_talks_of_either_label_cannot_be_learned_from(tmp_path, labels):
    path = tmp_path / "labelled.jsonl"
    path.write_text("".join(talk(f"c{label}", *STEPS, label=label) for label in labels))
    assert "too little to learn from" in refused("train", path, "--out", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_evaluate_prints_figures_for_a_labelled_file(tmp_path):
    path = tmp_path / "labelled.jsonl"
    path.write_text(talk("c1", *STEPS, label=1) + talk("c2", "hi", "hello", label=0))
    done = lampkeeper("evaluate", path, "--threshold", 0.000001)
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("labelled")]
    assert [row[:5] for row in rows] == [
        ["labelled", "ordinary", "1", "0", "0.0%"],
        ["labelled", "pattern", "1", "1", "100.0%"],
    ]


def test_signals_are_counted_per_thousand_messages(history):
    done = lampkeeper("signals", history)
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("asks_age")]
    assert rows == [["asks_age", "100.00", "-"]]


# ---- configuration and service --------------------------------------------------------------------------------------

DISCORD = "[discord]\n[[discord.servers]]\nid = 1\nalert_channel = 2\n"


@pytest.fixture
def configured(tmp_path):
    """Write a configuration and give its path."""

    def write(text):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("command", ["run", "check", "purge"])
def test_a_malformed_key_is_named_with_its_line_and_the_nearest_known_one(configured, command):
    done = lampkeeper(command, "--config", configured("[storage]\nkeep_text_day = 3\n"))
    assert done.returncode == 1
    sentence = "line 2: the key 'storage.keep_text_day' is not known (did you mean 'keep_text_days'?)."
    assert sentence in (done.stdout if command == "check" else done.stderr)


def test_a_missing_configuration_says_what_to_copy(tmp_path):
    assert "Copy config.example.toml" in refused("run", "--config", tmp_path / "config.toml")


def test_run_without_a_platform_or_a_token_says_what_to_write(configured):
    assert "[discord] or a [slack] section" in refused("run", "--config", configured(""))
    assert "LAMPKEEPER_DISCORD_TOKEN" in refused("run", "--config", configured(DISCORD))
    slack = configured('[slack]\nalert_channel = "C1"\n')
    sentence = refused("run", "--config", slack, env={"LAMPKEEPER_SLACK_BOT_TOKEN": "xoxb-1"})
    assert "slack.app_token" in sentence


def test_a_damaged_database_is_told_and_left_alone(configured, tmp_path):
    config = configured(DISCORD)
    assert lampkeeper("purge", "--config", config).returncode == 0
    database = tmp_path / "lampkeeper.db"
    database.write_bytes(b"this is no database " * 1000)
    assert "lampkeeper.db is damaged" in refused("purge", "--config", config)
    tokens = {"LAMPKEEPER_SLACK_BOT_TOKEN": "xoxb-1", "LAMPKEEPER_SLACK_APP_TOKEN": "xapp-1"}
    slack = configured('[slack]\nalert_channel = "C1"\n')  # where there is no safe mode
    assert "lampkeeper.db is damaged" in refused("run", "--config", slack, env=tokens)
    config = configured(DISCORD)
    assert "lampkeeper.db is damaged or not a database" in lampkeeper("check", "--config", config).stdout
    assert database.read_bytes() == b"this is no database " * 1000


def found(config):
    """What `check` finds: the words of each line, by its mark."""
    lines = lampkeeper("check", "--config", config).stdout.splitlines()
    return {mark: [line[4:] for line in lines if line.startswith(mark)] for mark in ("ok", "✗")}


def test_check_tells_a_database_that_another_program_holds_and_never_to_move_it_away(configured, tmp_path):
    config = configured(DISCORD)
    assert lampkeeper("purge", "--config", config).returncode == 0
    with closing(sqlite3.connect(tmp_path / "lampkeeper.db")) as browser:
        browser.execute("PRAGMA locking_mode = EXCLUSIVE")
        browser.execute("BEGIN EXCLUSIVE")
        (told,) = [line for line in found(config)["✗"] if "database" in line]
    assert "lampkeeper.db is locked by another program" in told
    assert "Close the program" in told
    assert "move it away" not in told


def test_check_tells_a_key_file_that_belongs_to_another_database(configured, tmp_path):
    config = configured(DISCORD)
    assert lampkeeper("purge", "--config", config).returncode == 0
    assert any("key file" in line for line in found(config)["ok"])
    (tmp_path / "lampkeeper.key").write_bytes(bytes(32))
    assert any(line.startswith("The master key is not the one") for line in found(config)["✗"])


def test_check_tells_a_database_of_a_newer_version_or_of_another_program(configured, tmp_path):
    config = configured(DISCORD)
    assert lampkeeper("purge", "--config", config).returncode == 0
    with closing(sqlite3.connect(tmp_path / "lampkeeper.db")) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    assert any("written by a newer version" in line for line in found(config)["✗"])
    with closing(sqlite3.connect(tmp_path / "lampkeeper.db")) as other, other:
        other.execute("DROP TABLE alembic_version")
        other.execute("DROP TABLE meta")
        other.execute("CREATE TABLE meta (something)")
    assert any("is not a database of Lampkeeper's" in line for line in found(config)["✗"])


def test_check_survives_a_storage_that_cannot_be_looked_at(configured):
    config = configured(f'{DISCORD}[storage]\nkey_file = "{"x" * 300}"\n')
    assert any("(File name too long)" in line for line in found(config)["✗"])


def test_a_lost_key_file_is_told(configured, tmp_path):
    config = configured("")
    assert lampkeeper("purge", "--config", config).returncode == 0
    (tmp_path / "lampkeeper.key").unlink()
    assert "key file" in refused("purge", "--config", config)
    assert not (tmp_path / "lampkeeper.key").exists()


def test_check_says_line_by_line_what_is_in_order_and_changes_nothing(configured, tmp_path):
    done = lampkeeper("check", "--config", configured(DISCORD))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:4]] == [
        ["ok", "configuration"],
        ["ok", "key"],
        ["ok", "database"],
        ["ok", "model"],
    ]
    assert lines[4].startswith(
        "✗   The key discord.token is missing: it is needed to log in. — Set LAMPKEEPER_DISCORD_TOKEN"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_purge_reports_how_many_messages_it_purged(configured):
    done = lampkeeper("purge", "--config", configured(""))
    assert summary(done)["purged"] == "0 messages received more than 7 days ago"


@pytest.fixture
def kept(configured, tmp_path):
    """A configuration with a database in which two spaces and three people are known."""
    config = configured("")

    async def talk_in_two_spaces():
        config = Config(storage=Storage(database=tmp_path / "lampkeeper.db", key_file=tmp_path / "lampkeeper.key"))
        async with composition.opened_store(config) as store:
            guard = composition.make_guard(config, composition.make_engine(config), store)
            watching = asyncio.create_task(guard.run([]))
            for space, author in (("one:1", "actor"), ("one:1", "target"), ("two:2", "friend")):
                key = ConversationKey(space, "channel")
                await guard.receive(Message(key, f"of {author}", Author(author, author), "hello there", 1.0))
            await guard.settled()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(talk_in_two_spaces())
    return config


def rows(tmp_path, table):
    with closing(sqlite3.connect(tmp_path / "lampkeeper.db")) as database:
        return [space for (space,) in database.execute(f"SELECT space FROM {table} ORDER BY space")]


def test_purge_removes_a_space_for_good_and_no_other(kept, tmp_path):
    done = lampkeeper("purge", "--config", kept, "--space", "one:1", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Of the space one:1 there is kept: people: 2, messages: 2," in done.stdout
    assert "Everything about the space one:1 was removed." in done.stdout
    for table in ("spaces", "messages", "people", "conversations"):
        assert set(rows(tmp_path, table)) == {"two:2"}
    assert "Known: two:2." in refused("purge", "--config", kept, "--space", "one:1", "--yes")


def test_purge_removes_one_person_and_nobody_else(kept, tmp_path):
    one = ("purge", "--config", kept, "--space", "one:1", "--person", "target", "--yes")
    done = lampkeeper(*one)
    assert done.returncode == 0
    assert "Everything about the person target in the space one:1 was removed." in done.stdout
    assert rows(tmp_path, "people") == ["one:1", "two:2"]
    assert "Nothing is kept about the person target" in refused(*one)


def test_purge_removes_nothing_unasked(kept, tmp_path):
    assert "Add --yes" in refused("purge", "--config", kept, "--space", "one:1")
    assert "Name it with --space" in refused("purge", "--config", kept, "--person", "actor")
    assert rows(tmp_path, "people") == ["one:1", "one:1", "two:2"]


@pytest.mark.parametrize(("answer", "left"), [(b"\n", 3), (b"no\n", 3), (b"y\n", 1)])
def test_purge_asks_on_a_terminal(kept, tmp_path, answer, left):
    ours, theirs = pty.openpty()
    process = started("purge", "--config", kept, "--space", "one:1", stdin=theirs)
    os.close(theirs)
    os.write(ours, answer)
    output, _ = process.communicate(timeout=60)
    os.close(ours)
    assert b"[y/N]" in output
    assert len(rows(tmp_path, "people")) == left
    assert process.returncode == (left == 3)


# ---- run: adapters come and go --------------------------------------------------------------------------------------


class Platform:
    """An adapter that listens until it is stopped; `first` is what it does before."""

    def __init__(self, name, first=lambda: None):
        self.platform = name
        self.first = first
        self.stopped = False

    async def run(self):
        self.first()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped = True


def fails(error):
    def raise_it():
        raise error

    return raise_it


@asynccontextmanager
async def guarded(folder):
    config = Config(storage=Storage(database=folder / "db", key_file=folder / "key"))
    async with composition.opened_store(config) as store:
        yield composition.make_guard(config, composition.make_engine(config), store)


async def served(guard, *adapters):
    return await _serve(guard, adapters, _stop())


async def test_run_stops_cleanly_on_sigterm_and_commits_what_was_received(tmp_path):
    key = ConversationKey("one:1", "channel")
    async with guarded(tmp_path) as guard:

        async def receive_then_stop():
            await guard.receive(Message(key, "message-1", Author("actor"), "hello"))
            os.kill(os.getpid(), signal.SIGTERM)

        tasks = []
        adapter = Platform("one", lambda: tasks.append(asyncio.create_task(receive_then_stop())))
        assert await served(guard, adapter) == 0
        assert adapter.stopped
        assert await guard.cursor(key) == "message-1"


async def test_an_adapter_that_gives_up_says_so_and_leaves_the_others_running(tmp_path, capsys):
    stop = lambda: asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)  # noqa: E731
    other = Platform("two", stop)
    async with guarded(tmp_path) as guard:
        refused_one = Platform("one", fails(PlatformError("The token was revoked.", "Make a new one.")))
        broken_one = Platform("three", fails(KeyError("what somebody wrote")))
        assert await served(guard, refused_one, broken_one, other) == 1
    assert other.stopped
    told = capsys.readouterr().err
    assert "one: The token was revoked. Make a new one." in told
    assert "three: stopped by a fault in Lampkeeper (KeyError at" in told
    assert told.splitlines()[-1].endswith("one, three.")
    assert "somebody" not in told


async def test_run_ends_with_status_1_when_no_adapter_is_left(tmp_path, capsys):
    async with guarded(tmp_path) as guard:
        assert await served(guard, Platform("one", fails(PlatformError("Refused.")))) == 1
    assert "No adapter is left" in capsys.readouterr().out
