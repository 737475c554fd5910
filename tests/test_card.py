"""The shipped artefact gives the figures of its card: measured again wherever the corpora lie beside the checkout.

They lie where CORPORA says (`make test` sets it), else in ``../shared/corpora``; without them there is nothing to
measure on, and the test says so. Half a minute of one core.
"""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from core.model import SHIPPED, load_model
from core.training.corpus import HELD_OUT, talks
from core.training.measure import measure
from tests.support import ROOT

CORPORA = ROOT / (os.environ.get("CORPORA") or Path("..", "shared", "corpora"))
NOT_REPEATED = {"messages_per_second", "perturbations"}
"""A clock is no test; and other ways of writing are measured by `core.training.perturb`, not by `measure`."""


def same(told, found, place="figures"):
    """Compare two JSON values; the place of the first difference is named."""
    if isinstance(told, dict) and isinstance(found, dict):
        assert told.keys() - NOT_REPEATED == found.keys() - NOT_REPEATED, place
        for key in told.keys() - NOT_REPEATED:
            same(told[key], found[key], f"{place}.{key}")
    elif isinstance(told, list) and isinstance(found, list):
        assert len(told) == len(found), place
        for number, (one, other) in enumerate(zip(told, found, strict=True)):
            same(one, other, f"{place}.{number}")
    elif isinstance(told, float) or isinstance(found, float):
        assert told == pytest.approx(found, abs=1e-6), place
    else:
        assert told == found, place


def test_the_shipped_artefact_gives_the_figures_of_its_card() -> None:
    card = json.loads((SHIPPED / "card.json").read_text(encoding="utf-8"))
    learned = {CORPORA / row["file"]: row["sha256"] for row in card["corpora"]}
    validated = [CORPORA / name for name in card["validated_on"]]
    missing = [path.name for path in (*learned, *validated) if not path.is_file()]
    if missing:
        pytest.skip(f"the research corpora are not in {CORPORA}: no {missing[0]}")
    for path, told in learned.items():
        with path.open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == told, (
                f"the card was made from another {path.name}"
            )
    model = load_model()
    held_out = (talk for path in learned for talk in talks(path) if talk.fold == HELD_OUT)
    figures = measure((*held_out, *(talk for path in validated for talk in talks(path))), model, model.thresholds)
    found = json.loads(json.dumps(asdict(figures)))
    same(card["figures"], {name: found[name] for name in found if name in card["figures"]})  # it may be an older card


@pytest.mark.parametrize(
    ("found", "place"),
    [
        ({"recall": 0.91, "rows": [{"talks": 3}]}, "figures.recall"),
        ({"recall": 0.9, "rows": [{"talks": 4}]}, "figures.rows.0.talks"),
        ({"recall": 0.9, "rows": []}, "figures.rows"),
        ({"recall": 0.9}, "figures"),
        ({"recall": None, "rows": [{"talks": 3}]}, "figures.recall"),
    ],
)
def test_a_figure_that_differs_is_named(found, place) -> None:
    told = {"recall": 0.9, "rows": [{"talks": 3}], "messages_per_second": None}
    same(told, told | {"recall": 0.9 + 1e-9, "messages_per_second": 5.0})
    with pytest.raises(AssertionError, match=f"^{place}\n"):
        same(told, found)
