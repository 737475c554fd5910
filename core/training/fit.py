"""`train`: corpora in, artefact out, in one reproducible command.

Leans on everything in this folder. The order: windows -> heads for each fold (never learned from that fold) and for
each kind of ordinary talk (never learned from that kind) -> snapshots through them -> the second stage and the
thresholds -> the artefact -> figures on what was held out, and on every kind that a model never learned from. Same
corpora, same bytes: seeds are fixed, and nothing in the artefact tells the time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from core.bulk import BulkReader
from core.evidence import Reader, fingerprint
from core.features import FEATURES
from core.kinds import weights
from core.model import FORMAT, Model, load_model, save_model
from core.policy import Thresholds
from core.training.card import CARD
from core.training.corpus import FOLDS, HELD_OUT, Talk, require_both_labels, talks
from core.training.figures import Figures
from core.training.heads import SEED, Design, Heads, closest, design, draw, fit_heads
from core.training.measure import measure
from core.training.perturb import measured
from core.training.second_stage import SecondStage, choose_review, fit_second_stage, ordinary_rates
from core.training.snapshots import Snapshots, snapshots
from core.training.views import join, kind_of, kinds_of, weave

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AllHeads:
    """Heads by what they never learned from besides the held-out fold: a fold (the held-out one's ship), or a kind.

    `close` is the source of ordinary talk that is most easily taken for the pattern.
    """

    folds: dict[int, Heads]
    kinds: dict[str, Heads]
    close: str


def train(corpora: Sequence[Path], out: Path, validate: Sequence[Path], say: Say) -> tuple[Model, Figures]:
    """Learn from `corpora`, write the artefact to `out`, measure it on their held-out part and on all of `validate`.

    Parameters
    ----------
    corpora, validate
        Labelled JSON lines; nothing of `validate`, and nothing of the corpora's held-out fold, is learned from.
    say
        Told what is going on, a line at a time.
    """
    with threadpool_limits(1):  # sums taken by several threads come out in another order, and so as other bytes
        return _train(corpora, out, validate, say)


def _train(corpora: Sequence[Path], out: Path, validate: Sequence[Path], say: Say) -> tuple[Model, Figures]:
    learned = [talk for path in corpora for talk in talks(path)]
    require_both_labels(learned)
    woven = list(weave(learned))
    joined = list(join(learned + woven, np.random.default_rng(SEED)))
    say(f"read {len(learned):,} talks")
    heads = _heads(design(draw(learned + joined)), say)
    seen = snapshots(_looked_at(learned + woven + joined, heads))
    say(f"second stage: {len(seen.folds):,} looks at pairs")
    taught = [talk for talk in learned if talk.fold != HELD_OUT]
    stage, thresholds, rates = _second_stage(seen, np.ones(len(seen.folds), bool), heads.close, taught)
    for step, rate in rates.items():
        say(f"at {step}, {rate:.2%} of ordinary talks would alert")
    card: dict[str, Any] = {
        "format": FORMAT,
        "made_by": f"lampkeeper {version('lampkeeper')}, scikit-learn {version('scikit-learn')}",
        "command": _command(corpora, validate),
        **CARD,
        "corpora": [_described(path, learned) for path in corpora],
        "closest_ordinary_talk": heads.close,
        "thresholds": asdict(thresholds),
        "ordinary_talks_alerting_in_training": {str(step): round(rate, 5) for step, rate in rates.items()},
        "features": list(FEATURES),
        "reads": fingerprint(),
    }
    arrays = _arrays(heads.folds[HELD_OUT], stage)
    save_model(out, arrays, card)
    model = load_model(out)
    say("measuring on held-out people and files")
    checked = [talk for path in validate for talk in talks(path)]
    figures = measure([talk for talk in learned if talk.fold == HELD_OUT] + checked, model, thresholds)
    dialogues = [talk for talk in checked if {"pattern", "approached"} <= set(talk.roles.values())]
    figures.perturbations = measured(dialogues, model, thresholds)
    card["figures"] = asdict(figures)
    card["validated_on"] = [path.name for path in validate]
    card["leave_one_kind_out"] = list(_left_out(learned, dialogues, heads, seen, say))
    five_fold = _five_fold(learned, heads, seen, say)
    if five_fold is not None:
        card["pan12_five_fold"] = five_fold
    save_model(out, arrays, card)
    return load_model(out), figures


def _heads(made: Design, say: Say) -> AllHeads:
    """Learn heads for the held-out fold, then for every other and for every kind of ordinary talk."""
    say(f"{made.matrix.shape[0]:,} windows")
    ours = made.folds != HELD_OUT
    by_kind = kinds_of(made.sources)
    ordinary = made.roles == "ordinary"
    # What is closest is not known before there is a head to take talk for the pattern.
    first = fit_heads(made, ours, None)
    close = closest(made, ours & ordinary, first)
    say(f"heads; the ordinary talk most easily taken for the pattern is {close}")
    shipped = fit_heads(made, ours, close, first, kept=("pattern", "side", "young"))
    folds = {HELD_OUT: shipped}
    for fold in range(FOLDS):
        if fold != HELD_OUT:
            say(f"heads without fold {fold}")
            folds[fold] = fit_heads(made, ours & (made.folds != fold), close)
    found = {}
    every = sorted(set(by_kind[ordinary].tolist()))
    for kind in every if len(every) > 1 else ():  # without its only kind of ordinary talk nothing can be learned
        say(f"heads without {kind}")
        rows = ours & ~(ordinary & (by_kind == kind))
        if kind == kind_of(close):
            found[kind] = fit_heads(made, rows, closest(made, rows & ordinary, shipped), shipped, kept=("side",))
        else:
            found[kind] = fit_heads(made, rows, close, shipped, kept=("side", "hard"))
    return AllHeads(folds, found, close)


def _looked_at(views: Sequence[Talk], heads: AllHeads) -> Iterator[tuple[Talk, BulkReader, bool]]:
    """Give each talk its readers, one reader after the other: each remembers much."""
    for fold, learned in heads.folds.items():
        if fold == HELD_OUT:
            continue  # measured, never learned from
        reader = BulkReader(Reader(*learned.weights))
        yield from ((talk, reader, False) for talk in views if talk.fold == fold)
    for kind, learned in heads.kinds.items():
        if kind == kind_of(heads.close):
            continue  # heads that never saw their hardest case know too little to teach anything
        reader = BulkReader(Reader(*learned.weights))
        for talk in views:
            if talk.fold != HELD_OUT and kind_of(talk.source) == kind and not talk.label:
                yield talk, reader, True


def _second_stage(
    seen: Snapshots, rows: NDArray[np.bool_], close: str, taught: Sequence[Talk]
) -> tuple[SecondStage, Thresholds, dict[float, float]]:
    """Learn a second stage from the chosen rows, and choose thresholds on the ordinary ones of the talks `taught`."""
    stage = fit_second_stage(seen, rows, close)
    ordinary = [(talk.source, talk.id) for talk in taught if set(talk.roles.values()) == {"ordinary"}]
    rates = ordinary_rates(seen, rows & ~seen.unseen, stage, ordinary)
    return stage, Thresholds.around(choose_review(rates)), rates


def _left_out(
    learned: Sequence[Talk], dialogues: Sequence[Talk], heads: AllHeads, seen: Snapshots, say: Say
) -> Iterator[dict[str, Any]]:
    """Measure for each kind of ordinary talk a model that never learned from it, at a threshold chosen without it.

    The looks that its second stage has at other kinds went through heads that did learn from it.
    """
    by_kind = kinds_of(seen.sources)
    for kind, found in heads.kinds.items():
        say(f"measuring {kind} without having learned from it")
        rows = (by_kind != kind) | seen.pattern
        taught = [talk for talk in learned if talk.fold != HELD_OUT and kind_of(talk.source) != kind]
        stage, thresholds, _ = _second_stage(seen, rows, heads.close, taught)
        model = _model(found, stage, thresholds)
        left_out = [talk for talk in learned if kind_of(talk.source) == kind and not talk.label]
        ordinary = measure(left_out, model, thresholds).of("ordinary")
        right = measure(dialogues, model, thresholds).of("pattern") if dialogues else []
        yield {
            "kind": kind,
            "talks": sum(row.talks for row in ordinary),
            "alerted": sum(row.alerted for row in ordinary),
            "threshold": thresholds.review,
            "dialogues_recall": sum(row.right for row in right) / max(1, sum(row.talks for row in right)),
        }


def _five_fold(learned: Sequence[Talk], heads: AllHeads, seen: Snapshots, say: Say) -> dict[str, Any] | None:
    """Measure the closest source in five folds by person, each with a model and a threshold that never saw that fold.

    None where it holds no pattern. The looks that a second stage has at other folds went through heads that did see it.
    """
    close = [talk for talk in learned if talk.source == heads.close]
    positives = sum(talk.label for talk in close)
    if not positives:
        return None
    hits = false = 0
    for fold, found in heads.folds.items():
        say(f"measuring fold {fold} of {heads.close}")
        rows = seen.folds != fold
        taught = [talk for talk in learned if talk.fold not in {HELD_OUT, fold}]
        stage, thresholds, _ = _second_stage(seen, rows, heads.close, taught)
        figures = measure([t for t in close if t.fold == fold], _model(found, stage, thresholds), thresholds)
        hits += sum(row.alerted for row in figures.of("pattern"))
        false += sum(row.alerted for row in figures.of("ordinary"))
    return {
        "precision": hits / max(1, hits + false),
        "recall": hits / positives,
        "f1": 2 * hits / (hits + false + positives),
        "false_alert_rate": false / (len(close) - positives),
        "talks": len(close),
        "positives": positives,
    }


def _arrays(heads: Heads, stage: SecondStage) -> dict[str, NDArray[Any]]:
    words, neighbours = heads.weights
    return {
        "words": words.astype(np.float16),
        "neighbours": neighbours.astype(np.float16),
        "coefficients": stage.coefficients,
        "intercepts": stage.intercepts,
        "calibration": stage.calibration,
        "doubt": np.array([stage.doubt]),
    }


def _model(heads: Heads, stage: SecondStage, thresholds: Thresholds) -> Model:
    """Put a model together that is measured and not kept."""
    laid_out = weights(stage.coefficients.tolist(), stage.intercepts.tolist(), stage.calibration.tolist(), stage.doubt)
    return Model(Reader(*heads.weights), laid_out, thresholds, {})


def _command(corpora: Sequence[Path], validate: Sequence[Path]) -> str:
    """How to repeat this, in the folder of the corpora: the card tells no one's paths."""
    options = [f"--validate {path.name}" for path in validate]
    return " ".join(["lampkeeper train", *(path.name for path in corpora), *options, "--out DIR"])


def _described(path: Path, learned: Sequence[Talk]) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    ours = [talk for talk in learned if path.name.startswith(talk.source + ".")]
    return {
        "file": path.name,
        "sha256": digest,
        "talks": len(ours),
        "messages": sum(len(talk.messages) for talk in ours),
        "held_out_talks": sum(talk.fold == HELD_OUT for talk in ours),
    }
