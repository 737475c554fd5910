"""Speed, memory and figures, printed: ``make bench`` (CORPORA=FOLDER where the research corpora lie elsewhere).

Every command is measured as a user runs it: a process of its own, on one core, parsing included; the engine alone is
measured in this process. scikit-learn's own pipeline is measured beside it in the same run, for a number of messages a
second means little alone. Nothing is asserted: a clock is no test.
"""

from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path
from random import Random
from statistics import fmean, median

from core.engine import Engine, SpaceState
from core.export import FORMATS, Reporter, exporter
from core.export.example import example
from core.messages import Message
from core.model import load_model
from core.pair import REASONS_KEPT, Moment, PairState
from core.signals import PATTERN_SIGNALS
from core.store.pack import pack
from core.store.states import fields
from core.transcripts import Transcript, read

LAMPKEEPER = Path(sys.executable).with_name("lampkeeper")
RUNS = 5
PEER_MESSAGES = 2_000
PEER_BATCH = 20_000
FLAT_AT = (100, 1_000, 10_000)
"""Messages of one conversation around which feeding is timed..."""
FLAT_OVER = 50
"""... so many to either side."""
EXPORTED = 10_000
"""Messages of the case that each export is measured with..."""
ON_PAPER = 5_000
"""... but on paper, where more is refused (docs/exports.md)."""
HARD = ("benign_sms", "benign_rooms", "benign_parents", "pan12_segments_dev")


def timed(*arguments: str, given: bytes | None = None) -> tuple[float, float]:
    """Run lampkeeper on one core; return the least seconds and the peak memory in MB over `RUNS` runs.

    The least, as timeit does: what else a machine is doing only ever adds.
    """
    seconds, peak = [], 0.0
    for _ in range(RUNS):
        started = time.perf_counter()
        process = subprocess.Popen(
            [LAMPKEEPER, *arguments],
            stdin=subprocess.PIPE if given is not None else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if given is not None and process.stdin is not None:
            process.stdin.write(given)
            process.stdin.close()
        _, _, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - started)
        peak = max(peak, usage.ru_maxrss / 1024)
    return min(seconds), peak


def seconds_of(work: Callable[[], object]) -> list[float]:
    """Time something in this process, as often as the commands it is compared with."""
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return seconds


def texts(path: Path) -> list[str]:
    """Return all texts of a corpus file."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        return [message["text"] for line in lines for message in json.loads(line)["messages"]]


def row(what: str, value: str, reach: str = "") -> None:
    """Print one figure."""
    print(f"{what:<58} {value:>16}   {reach}")  # noqa: T201


def speed(corpora: Path) -> None:
    """Print the rates of replay and of its peer, memory, and start-up."""
    gaming = corpora / "benign_gaming.jsonl.xz"
    said = texts(gaming)
    seconds, peak = timed("replay", str(gaming))
    row("replay of benign_gaming, whole process, one core", f"{len(said) / seconds:,.0f} msg/s", "50,000 or more")
    row("peak memory of that replay", f"{peak:,.0f} MB", "under 300")

    from sklearn.feature_extraction.text import HashingVectorizer  # noqa: PLC0415 - a second to import, only the peer needs it
    from sklearn.linear_model import SGDClassifier  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    peer = make_pipeline(HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), n_features=1 << 17), SGDClassifier())
    peer.fit(said[:PEER_MESSAGES], [index % 2 for index in range(PEER_MESSAGES)])
    one_by_one = min(seconds_of(lambda: [peer.decision_function([text]) for text in said[:PEER_MESSAGES]]))
    row("  peer: scikit-learn's pipeline, message by message", f"{PEER_MESSAGES / one_by_one:,.0f} msg/s")
    at_once = min(seconds_of(lambda: peer.decision_function(said[:PEER_BATCH])))
    row(f"  peer: scikit-learn's pipeline, in batches of {PEER_BATCH:,}", f"{PEER_BATCH / at_once:,.0f} msg/s")

    row("lampkeeper --help", f"{timed('--help')[0]:.2f} s", "under 0.5")
    line = json.dumps({"id": "x", "messages": [{"author": "actor", "text": "hello there, good morning everyone"}]})
    first = timed("replay", "-", "--scores", os.devnull, given=line.encode() + b"\n")[0]
    row("start to first scored message", f"{first:.2f} s", "under 1.5")


def talks(path: Path) -> list[list[Message]]:
    """Return the messages of every conversation of a corpus file."""
    return [item.messages for item in read(path) if isinstance(item, Transcript)]


def fed(engine: Engine, conversations: Iterable[list[Message]]) -> Iterator[float]:
    """Feed every conversation as a space of its own; yield each message's microseconds."""
    clock = time.perf_counter_ns
    for messages in conversations:
        state = SpaceState()
        for message in messages:
            began = clock()
            engine.feed(state, message, 0.0)
            yield (clock() - began) / 1_000


def engine_speed(corpora: Path) -> None:
    """Print what one message costs the engine, met cold and warm, alone and among many, early and late."""
    model = load_model()
    engine = Engine(model, model.thresholds)
    gaming = talks(corpora / "benign_gaming.jsonl.xz")
    row("engine.feed, a message, median: words never met", f"{median(fed(engine, gaming)):.1f} us")
    warm = list(fed(engine, gaming))
    row("engine.feed, a message, median: words met before", f"{median(warm):.1f} us", "10 or less")
    row("  ... mean", f"{fmean(warm):.1f} us")
    texts = [message.text for messages in gaming for message in messages]
    at_once = min(seconds_of(lambda: engine.read_all(texts)))
    row("engine.read_all, a message: words met before", f"{at_once / len(texts) * 1e6:.1f} us")

    first = max(gaming, key=len)
    last = max(FLAT_AT) + FLAT_OVER
    runs = [
        list(fed(engine, [[m._replace(id=str(at)) for at, m in enumerate(islice(cycle(first), last))]]))
        for _ in range(RUNS)
    ]
    for at in FLAT_AT:
        around = min(median(run[at - FLAT_OVER : at + FLAT_OVER]) for run in runs)
        row(f"engine.feed, around message {at:,} of one conversation", f"{around:.1f} us", "flat")


def state_sizes(corpora: Path) -> None:
    """Print how large the states of pairs are, as stored but for the seal's 44 bytes."""
    model = load_model()
    engine = Engine(model, model.thresholds)
    sizes = []
    for messages in talks(corpora / "dialogues_dev.jsonl.xz"):
        state = SpaceState()
        for message in messages:
            engine.feed(state, message, 0.0)
        sizes += [len(pack(pair, fields)) for pair in state.pairs.values()]
    row("a pair's state in dialogues_dev, median", f"{median(sizes):,.0f} bytes")
    row("  ... the largest", f"{max(sizes):,} bytes", "1,024 or less")
    row("  ... made up: every signal seen, every moment kept", f"{len(pack(_full(), fields)):,} bytes", "1,024 or less")


def _full() -> PairState:
    """Make up a pair that showed every signal, with numbers that have nothing in common."""
    chance = Random(1)
    names = [signal.name for signal in PATTERN_SIGNALS]
    ids = [str(chance.randrange(10**18, 10**19)) for _ in range(2 * REASONS_KEPT)]
    return PairState(
        messages=chance.randrange(10_000, 99_999),
        questions=chance.randrange(9_999),
        first_time=chance.uniform(1e9, 2e9),
        last_time=chance.uniform(1e9, 2e9),
        sums=[chance.gauss(0, 1_000) for _ in PairState().sums],
        signals={name: chance.randrange(1, 9_999) for name in names},
        first_seen={name: chance.randrange(1, 9_999) for name in names},
        logit=chance.gauss(0, 3),
        moments=[
            Moment(room, message, chance.randrange(1, 9_999), chance.random(), chance.sample(names, 4))
            for room, message in zip(ids[::2], ids[1::2], strict=True)
        ],
    )


def figures(corpora: Path) -> None:
    """Print earliness on the dialogues, and for each ordinary set how much of its held-out part alerts."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        dialogues = [corpora / "dialogues_dev.jsonl.xz"]
        ordinary = [*sorted(corpora.glob("benign_*.xz")), corpora / "pan12_segments_dev.jsonl.xz"]
        for files, held_out in ((dialogues, []), (ordinary, ["--held-out"])):
            subprocess.run(
                [LAMPKEEPER, "evaluate", *files, *held_out, "--json", out], check=True, stdout=subprocess.DEVNULL
            )
            for found in json.loads(out.read_text())["sources"]:
                if found["kind"] == "pattern" and files is dialogues:
                    row(
                        "dialogues_dev: right person named within 150 messages",
                        f"{found['right']} of {found['talks']}",
                        "16 or more",
                    )
                    row("  ... the other person named as well", f"{found['wrong_too']} of {found['talks']}")
                    row("  ... message of the first alert, median", f"{found['at']:.0f}")
                elif found["kind"] == "ordinary":
                    share = f"{found['alerted']} of {found['talks']} ({found['alerted'] / found['talks']:.1%})"
                    row(
                        f"{found['source']}, held out: alerted", share, "" if found["source"] in HARD else "1 % or less"
                    )


_EXPORT = """
import resource, sys, time
from core.export import exporter
from core.export.example import example
from tests.exports_stage import REPORTER
record = example(int(sys.argv[2]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
size = sum(len(file.data) for file in exporter(sys.argv[1])(record, REPORTER))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(time.perf_counter() - started, peak / 1024, before / 1024, size / 1e6)
"""


def exports() -> None:
    """Print what each export of a large case takes, in a process of its own: the record is made before the clock."""
    for name in FORMATS:
        messages = ON_PAPER if name == "pdf" else EXPORTED
        done = subprocess.run(
            [sys.executable, "-c", _EXPORT, name, str(messages)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            row(f"export of {messages:,} messages, {name}", "cannot be made", done.stderr.strip().splitlines()[-1])
            continue
        seconds, peak, before, size = map(float, done.stdout.split())
        row(f"export of {messages:,} messages, {name} ({size:.1f} MB)", f"{seconds:.2f} s", "under 5")
        row(f"  ... peak memory, of which {before:,.0f} MB with the record alone", f"{peak:,.0f} MB", "under 200")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "case.zip"
        file.write_bytes(exporter("zip")(example(EXPORTED), Reporter())[0].data)
        seconds, peak = timed("verify", str(file))
        row(f"lampkeeper verify of {EXPORTED:,} messages", f"{seconds:.1f} s, {peak:,.0f} MB")


def main() -> None:
    """Print everything."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # inherited by every process measured, and by the peer
    corpora = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/corpora")
    row("figure", "here", "to reach")
    speed(corpora)
    engine_speed(corpora)
    state_sizes(corpora)
    exports()
    figures(corpora)


if __name__ == "__main__":
    main()
