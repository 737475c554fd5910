"""`train`: corpora in, artefact out, in one reproducible command.

Leans on everything in this folder. The order: windows -> heads for each fold (never learned from that fold) ->
snapshots through them -> the second stage and the thresholds -> final heads -> the artefact -> figures on what was
held out. Same corpora, same bytes: seeds are fixed, and nothing in the artefact tells the time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evidence import Reader, fingerprint
from core.features import FEATURES
from core.model import FORMAT, Model, load_model, save_model
from core.policy import Thresholds
from core.training.card import CARD
from core.training.corpus import FOLDS, HELD_OUT, Talk, require_both_labels, talks
from core.training.heads import SEED, Weights, design, fit_heads, windows
from core.training.measure import Figures, measure
from core.training.second_stage import choose_review, fit_second_stage, ordinary_rates
from core.training.snapshots import snapshots, weave

HEAD_STRENGTH = 0.5
"""scikit-learn's C of the heads."""


def train(
    corpora: Sequence[Path], out: Path, validate: Sequence[Path], say: Callable[[str], None]
) -> tuple[Model, Figures]:
    """Learn from `corpora`, write the artefact to `out`, measure it on their held-out part and on all of `validate`.

    Parameters
    ----------
    corpora, validate
        Labelled JSON lines; nothing of `validate`, and nothing of the corpora's held-out fold, is learned from.
    say
        Told what is going on, a line at a time.
    """
    learned = [talk for path in corpora for talk in talks(path)]
    require_both_labels(learned)
    say(f"read {len(learned):,} talks")
    heads = _heads(learned, say)
    readers = {fold: Reader(*weights) for fold, weights in heads.items()}
    seen = snapshots(list(weave(learned)), readers)
    ours = seen.folds != HELD_OUT
    say(f"second stage: {int(ours.sum()):,} looks at pairs")
    stage = fit_second_stage(seen, ours)
    rates = ordinary_rates(seen, ours, stage)
    thresholds = Thresholds.around(choose_review(rates))
    for step, rate in rates.items():
        say(f"at {step}, {rate:.2%} of ordinary talks would alert")
    words, neighbours = heads[HELD_OUT]
    arrays: dict[str, NDArray[Any]] = {
        # Half precision loses nothing that could be measured, and halves the download.
        "words": words.astype(np.float16),
        "neighbours": neighbours.astype(np.float16),
        "coefficients": stage.coefficients,
        "intercept": np.array([stage.intercept]),
    }
    card: dict[str, Any] = {
        "format": FORMAT,
        "made_by": f"lampkeeper {version('lampkeeper')}, scikit-learn {version('scikit-learn')}",
        "command": _command(corpora, validate),
        **CARD,
        "corpora": [_described(path, learned) for path in corpora],
        "thresholds": asdict(thresholds),
        "ordinary_talks_alerting_in_training": {str(step): round(rate, 5) for step, rate in rates.items()},
        "features": list(FEATURES),
        "reads": fingerprint(),
    }
    save_model(out, arrays, card)
    model = load_model(out)
    say("measuring on held-out people and files")
    held_out = [talk for talk in learned if talk.fold == HELD_OUT]
    figures = measure(held_out + [talk for path in validate for talk in talks(path)], model, thresholds)
    card["figures"] = asdict(figures)
    card["validated_on"] = [path.name for path in validate]
    save_model(out, arrays, card)
    return load_model(out), figures


def _heads(learned: Sequence[Talk], say: Callable[[str], None]) -> dict[int, Weights]:
    """Heads by fold; those of the held-out fold learned from all others and are the ones to ship."""
    rng = np.random.default_rng(SEED)
    made = design([window for talk in learned for window in windows(talk, rng)])
    say(f"{made.matrix.shape[0]:,} windows")
    heads = {}
    for fold in range(FOLDS):
        say(f"heads without fold {fold}")
        heads[fold] = fit_heads(made, (made.folds != HELD_OUT) & (made.folds != fold), HEAD_STRENGTH)
    return heads


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
