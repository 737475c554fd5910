"""`lampkeeper train`, `evaluate` and `signals`: make a model, measure it, and see what the signals rest on.

Leans on `core.training`. Prints counts, scores and figures only, never a text.
"""

from __future__ import annotations

from dataclasses import asdict
from json import dumps
from pathlib import Path
from time import perf_counter
from typing import Annotated

from cyclopts import Parameter

from bots.commands.replay import make_folder, refuse_overwriting, tell_skipped, thresholds_of, written
from bots.terminal import console, show_sections, show_summary, show_table
from core.errors import LampkeeperError
from core.model import load_model
from core.training.corpus import HELD_OUT, Talk, talks
from core.training.figures import EARLY, Figures
from core.training.measure import measure
from core.training.perturb import keeping, measured
from core.training.rates import rates
from core.training.sections import addressing, perturbations
from core.transcripts import BadLine

Corpora = Annotated[list[Path], Parameter(negative=())]


def train(
    corpora: Corpora,
    /,
    *,
    out: Path,
    validate: Annotated[list[Path], Parameter(negative=(), consume_multiple=True)] | None = None,
) -> int:
    """Learn a model from labelled transcripts, and measure it on what it did not learn from.

    Parameters
    ----------
    corpora
        Labelled JSON lines, plain, .gz or .xz. A fifth of them, by person or file, is held out.
    out
        Folder for the artefact: weights.safetensors and card.json.
    validate
        More labelled files, only to measure on.
    """
    from core.training.fit import train as fit  # noqa: PLC0415 - scikit-learn takes seconds, and measuring needs none

    to = console()
    try:
        _model, figures = fit(corpora, out, validate or [], to.print)
    except OSError as error:
        raise LampkeeperError(
            f"{error.filename or out} cannot be read or written ({error.strerror}).", "Check the folder and its space."
        ) from None
    _show(figures)
    to.print(f"The model is in {out}.")
    return 0


def evaluate(  # noqa: PLR0913 - options of a command
    files: Corpora,
    /,
    *,
    model: Path | None = None,
    threshold: float | None = None,
    held_out: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[Path | None, Parameter(name="--json")] = None,
    report: Path | None = None,
) -> int:
    """Measure a model on labelled transcripts: alerts by kind of talk, how early, whether the right person is named.

    Exits with 1 if a line could not be read; everything else was measured all the same.

    Parameters
    ----------
    files
        Labelled JSON lines, plain, .gz or .xz.
    model
        Folder of the model. Default: the one that came with this version.
    threshold
        Probability from which an alert is raised. Default: what the model's card recommends.
    held_out
        Only the fifth of the talks that `train` holds out of these files.
    json
        Write the figures to this file as JSON, too.
    report
        Write report.html, one page with plots, and report.json to this folder, too.
    """
    page, page_json = (report / "report.html", report / "report.json") if report is not None else (None, None)
    refuse_overwriting(files, json, page, page_json)
    loaded = load_model(model)
    thresholds = thresholds_of(threshold, loaded)
    errors = console(stderr=True)
    skipped = 0

    def skip(line: BadLine) -> None:
        nonlocal skipped
        skipped += 1
        tell_skipped(errors, line, skipped)

    if report is not None:
        make_folder(report)
    with written(json) as output, written(page) as html, written(page_json) as page_output:
        both_sided: list[Talk] = []
        heard = (talk for file in files for talk in talks(file, skip) if not held_out or talk.fold == HELD_OUT)
        began = perf_counter()
        figures = measure(keeping(both_sided, heard), loaded, thresholds)
        figures.messages_per_second = figures.messages / (perf_counter() - began)
        figures.perturbations = measured(both_sided, loaded, thresholds)
        for stream in (output, page_output):
            if stream is not None:
                stream.write(dumps(asdict(figures), indent=1) + "\n")
        if html is not None:
            from core.training.report import report as page_of  # noqa: PLC0415 - plots cost a second, most runs draw none

            html.write(page_of(figures, loaded.card))
    _show(figures, ("bad lines", f"{skipped:,} skipped"))
    return 1 if skipped else 0


def signals(files: Corpora, /) -> int:
    """Count how often each signal shows, file by file; a signal that shows everywhere is useless.

    Pattern signals are given in messages per 1,000, computed ones in conversations per 1,000. The last column says,
    where the conversations are labelled, how many times as frequent a signal is in talk that follows the pattern as in
    the ordinary source where it is most frequent. Leave out streams of those who were approached: they are neither.

    Parameters
    ----------
    files
        Transcripts: JSON lines or PAN-2012 XML, plain, .gz or .xz.
    """
    found = rates(files)
    sources = list(found.messages)
    rows = [
        (name, *(f"{by.get(source, 0.0):.2f}" for source in sources), _times(found.times[name]))
        for name, by in found.per_thousand.items()
    ]
    show_table(console(), ("signal", *sources, "times ordinary"), rows)
    skipped = sum(found.skipped.values())
    show_summary(console(), [("messages", f"{sum(found.messages.values()):,}"), ("bad lines", f"{skipped:,} skipped")])
    return 1 if skipped else 0


def _show(figures: Figures, *besides: tuple[str, str]) -> None:
    """Print what was measured, source by source and in sum."""
    to = console()
    head = ("talks of", "kind", "talks", "alerted", "rate", f"in {EARLY}", "right person", "other too", "median at")
    rows = [
        (
            row.source,
            row.kind,
            f"{row.talks:,}",
            f"{row.alerted:,}",
            f"{row.rate:.1%}",
            *((f"{row.early:,}", f"{row.right:,}", f"{row.wrong_too:,}") if row.kind == "pattern" else ("", "", "")),
            "" if row.at is None else f"{row.at:g}",
        )
        for row in figures.sources
    ]
    show_table(to, head, rows)
    show_sections(to, [table for make in (perturbations, addressing) if (table := make(figures)) is not None])
    limits = figures.thresholds
    more = [
        ("thresholds", f"watch {limits.watch:g}, review {limits.review:g}, urgent {limits.urgent:g}"),
        ("average precision", _number(figures.average_precision)),
        ("... of a word list", _number(figures.word_list_average_precision)),
    ]
    more += [
        (f"precision at 1 in {rate.one_in:,}", f"{rate.precision:.3f}, at least {rate.at_least:.3f}")
        for rate in figures.base_rates
    ]
    more += [
        (
            f"F-latency, {row.pattern} against {row.ordinary}",
            f"{row.f_latency:.3f} (F1 {row.f1:.3f}, speed {row.speed:.3f}), ERDE50 {row.erde_50:.3f}",
        )
        for row in figures.latency
    ]
    more.append(("calibration error", _number(figures.calibration_error)))
    more += [(f"... to message {length}", _number(error)) for length, error in figures.calibration_by_length.items()]
    if figures.messages_per_second is not None:
        more.append(("speed, reading included", f"{figures.messages_per_second:,.0f} messages/s"))
    show_summary(to, [*more, *besides])


def _times(value: float | None) -> str:
    return "-" if value is None else "none there" if value == float("inf") else f"{value:.1f}"


def _number(value: float | None) -> str:
    return "not measurable on these files" if value is None else f"{value:.3f}"
