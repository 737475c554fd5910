"""`lampkeeper replay`: score a history from files, in memory, with the engine that also runs live.

Leans on `core.transcripts` and `core.engine` alone: no database, no guard, no clock. Each conversation is a space of
its own, so authors of different files never meet. Only counts are printed; texts go to the file that was asked for.
"""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Annotated, TextIO

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from bots.terminal import console, show_summary
from core.effects import OpenAlert, Scored, Unread
from core.engine import Engine, SpaceState
from core.errors import ConfigError, LampkeeperError, TranscriptError
from core.evidence import Evidence
from core.language import by_language
from core.messages import Message
from core.model import Model, load_model
from core.policy import Thresholds
from core.transcripts import STDIN, BadLine, Transcript, opened, read_stream, source_of

READ_TOGETHER = 4_096
"""Messages."""
GARBAGE_LOOKED_FOR_EVERY = 500_000
"""Objects made and not yet gone."""
BAD_LINES_SHOWN = 100
"""Further ones are only counted: a million of them means that the file is of another kind."""


def _files(_type: object, files: list[Path] | None) -> None:
    """Allow "-" and nothing else that looks like an option, and say so as cyclopts would."""
    for file in files or ():
        if str(file).startswith("-") and file != STDIN:
            raise ValueError(f"unknown option {file}.")


Files = Annotated[list[Path], Parameter(allow_leading_hyphen=True, negative=(), validator=_files)]


@dataclass(slots=True)
class Tally:
    """What was seen so far.

    `insufficient`: conversations in which nobody said enough for a probability; `languages`: those in which somebody
    wrote mostly in a language that the model does not read, by language.
    """

    messages: int = 0
    conversations: int = 0
    alerts: int = 0
    alerted: int = 0
    insufficient: int = 0
    unclear: int = 0
    bad: int = 0
    unread: int = 0
    languages: Counter[str] = field(default_factory=Counter)


def replay(
    files: Files,
    /,
    *,
    scores: Path | None = None,
    alerts: Path | None = None,
    threshold: float | None = None,
) -> int:
    """Score your own history and count the alerts it would have raised.

    Exits with 1 if a line or a file could not be read; everything else was scored all the same.

    Parameters
    ----------
    files
        Transcripts: JSON lines or PAN-2012 XML, plain, .gz or .xz; "-" is standard input.
    scores
        Write one JSON line a message to this file.
    alerts
        Write one JSON line an alert to this file; it quotes the messages that are its reasons.
    threshold
        Probability, between 0 and 1, from which an alert is raised. Default: what the model's card recommends.
    """
    refuse_overwriting(files, scores, alerts)
    model = load_model()
    engine = Engine(model, thresholds_of(threshold, model))
    # Nothing here makes cycles, and looking for them again and again among all that is remembered costs a tenth.
    gc.set_threshold(GARBAGE_LOOKED_FOR_EVERY)
    tally = Tally()
    began = perf_counter()
    try:
        with closing(transcripts(files, tally)) as read, written(scores) as lines, written(alerts) as told:
            for together in _groups(read, 1 if Path(STDIN) in files else READ_TOGETHER):
                evidence = _evidence(engine, together)
                for transcript in together:
                    _play(engine, transcript, evidence, tally, lines, told)
    finally:  # after Ctrl-C too: what was scored until then was written and is reported; a group read ahead is not
        _report(tally, perf_counter() - began)
    return 1 if tally.bad or tally.unread else 0


def thresholds_of(review: float | None, model: Model) -> Thresholds:
    """Thresholds for a review level chosen on the command line; None: what the model's card recommends."""
    if review is None:
        return model.thresholds
    if not 0 < review < 1:
        raise ConfigError("The threshold must lie between 0 and 1.", f"Try --threshold {model.thresholds.review:g}.")
    return Thresholds.around(review)


def _groups(read: Iterable[Transcript], most: int) -> Iterator[list[Transcript]]:
    """Gather conversations until there are `most` messages, or as many conversations: many are read faster than one.

    What comes through a pipe may come live, and is scored conversation by conversation.
    """
    group: list[Transcript] = []
    messages = 0
    for transcript in read:
        group.append(transcript)
        messages += len(transcript.messages)
        if messages >= most or len(group) >= most:
            yield group
            group, messages = [], 0
    yield group


def _evidence(engine: Engine, transcripts: list[Transcript]) -> Iterator[Evidence]:
    """Read all messages of `transcripts` in order, so many at a time that the longest conversation costs no memory."""
    texts = [message.text for transcript in transcripts for message in transcript.messages]
    for start in range(0, len(texts), READ_TOGETHER):
        yield from engine.read_all(texts[start : start + READ_TOGETHER])


def _play(  # noqa: PLR0913, PLR0917 - two ends, and what lies between
    engine: Engine,
    transcript: Transcript,
    evidence: Iterator[Evidence],
    tally: Tally,
    scores: TextIO | None,
    alerts: TextIO | None,
) -> None:
    """Feed one conversation; `evidence` yields what each of its messages was read as."""
    feed, state = engine.feed_read, SpaceState()
    quoted = cache(json.dumps)  # the same few names again and again
    conversation = json.dumps(transcript.id)
    scored = False
    languages: set[str] = set()
    alerted = tally.alerts
    for index, message in enumerate(transcript.messages):
        effects = feed(state, message, next(evidence), 0.0)
        first = effects[0]
        assert isinstance(first, Scored)
        probability, level, outcome = first.score
        if outcome == "scored":
            scored = True
        if scores is not None:
            pair = first.pair
            score = "null" if probability is None else repr(probability)
            scores.write(
                f'{{"conversation": {conversation}, "index": {index}, "author": {quoted(pair.actor)}, '
                f'"target": {quoted(pair.target)}, "score": {score}, "level": "{level}", "outcome": "{outcome}"}}\n'
            )
        for effect in effects[1:]:
            if isinstance(effect, OpenAlert):
                tally.alerts += 1
                if alerts is not None:
                    alerts.write(_alert_line(effect, index, transcript.messages))
            elif isinstance(effect, Unread):
                languages.add(effect.language)
    tally.messages += len(transcript.messages)
    tally.conversations += 1
    tally.languages.update(languages)
    tally.insufficient += not scored and not languages
    tally.alerted += tally.alerts > alerted
    tally.unclear += transcript.unclear


def _alert_line(alert: OpenAlert, index: int, messages: list[Message]) -> str:
    """One alert as it was when it opened, at message `index`."""
    line = {
        "conversation": alert.conversation,
        "index": index,
        "actor": alert.pair.actor,
        "target": alert.pair.target,
        "score": alert.score.probability,
        "level": alert.score.level,
        "signals": alert.signals,
        "reasons": [
            {"index": int(reason.message_id), "text": messages[int(reason.message_id)].text, "weight": reason.weight}
            for reason in alert.reasons
        ],
    }
    return json.dumps(line) + "\n"


def transcripts(files: list[Path], tally: Tally) -> Generator[Transcript]:
    """Read all files, with a progress bar on a terminal; what cannot be read is told, counted, and passed over."""
    errors = console(stderr=True)
    sizes = [_size_of(file) for file in files]
    total = sum(size or 0 for size in sizes) if all(size is not None for size in sizes) else None
    with _bar(errors, total) as show:
        done = 0
        for file, size in zip(files, sizes, strict=True):
            try:
                with opened(file) as stream:
                    for item in read_stream(stream, source_of(file)):
                        if isinstance(item, BadLine):
                            tally.bad += 1
                            tell_skipped(errors, item, tally.bad)
                        else:
                            yield item
                            if total is not None:
                                show(done + stream.tell())
            except TranscriptError as error:
                tally.unread += 1
                errors.print(Text(str(error), style="red"), soft_wrap=True)
            done += size or 0


@contextmanager
def _bar(errors: Console, total: int | None) -> Iterator[Callable[[int], None]]:
    """Draw a progress bar on a terminal; what is yielded moves it."""
    if not errors.is_terminal:
        yield lambda _done: None
        return
    from rich.progress import Progress  # noqa: PLC0415 - costs start-up time, and pipes show no bar

    with Progress(console=errors, transient=True) as progress:
        task = progress.add_task("replay", total=total)
        yield lambda done: progress.update(task, completed=done)


def _size_of(file: Path) -> int | None:
    """Bytes in a file, None where nobody knows; whether it can be read shows when it is opened."""
    try:
        return file.stat().st_size if file != STDIN and file.is_file() else None
    except OSError:
        return None


def tell_skipped(errors: Console, line: BadLine, count: int) -> None:
    """Say which line was skipped; `count` of them so far, this one among them."""
    if count <= BAD_LINES_SHOWN:
        errors.print(Text(f"{line}; skipped.", style="red"), soft_wrap=True)


def refuse_overwriting(files: list[Path], *outputs_asked: Path | None) -> None:
    """Let outputs be new files or old outputs: never an input, never one file for two."""
    outputs = [path.resolve() for path in outputs_asked if path is not None and not _is_device(path)]
    if set(outputs) & {file.resolve() for file in files if file != STDIN}:
        raise ConfigError("An output would overwrite one of the transcripts.", "Give it another name.")
    if len(outputs) != len(set(outputs)):
        raise ConfigError("Two outputs name the same file.", "Give them two names.")


def _is_device(path: Path) -> bool:
    try:
        return path.is_char_device()
    except OSError:  # said when it is opened
        return False


@contextmanager
def written(path: Path | None) -> Iterator[TextIO | None]:
    """Open an output, if one was asked for; a full disk is told as one sentence, whenever it shows."""
    if path is None:
        yield None
        return
    try:
        with path.open("w", encoding="utf-8", buffering=1 << 16) as stream:
            yield stream
    except OSError as error:
        raise LampkeeperError(
            f"{path} cannot be written ({error.strerror}).", "Check the folder, its permissions and the space left."
        ) from None


def make_folder(folder: Path) -> None:
    """Make a folder for outputs, if it is not there; that it cannot be is told as one sentence."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LampkeeperError(
            f"The folder {folder} cannot be made ({error.strerror}).", "Give a folder that can be written to."
        ) from None


def _report(tally: Tally, seconds: float) -> None:
    rows = [
        ("messages", f"{tally.messages:,}"),
        ("conversations", f"{tally.conversations:,}"),
        ("alerts", f"{tally.alerts:,} in {tally.alerted:,} conversations"),
        ("insufficient", f"{tally.insufficient:,} conversations too short for a score"),
        ("not read", _not_read(tally)),
        ("bad lines", f"{tally.bad:,} skipped"),
        ("time", f"{seconds:.2f} s, {tally.messages / max(seconds, 1e-9):,.0f} messages/s"),
    ]
    if tally.unread:
        rows.append(("files not read to the end", f"{tally.unread:,}"))
    if tally.unclear:
        rows.append(("unclear values", f"{tally.unclear:,} times, ages or references counted as unknown"))
    show_summary(console(), rows)


def _not_read(tally: Tally) -> str:
    which = f": {by_language(tally.languages)}" if tally.languages else ""
    return f"{tally.languages.total():,} conversations in a language that the model does not read{which}"
