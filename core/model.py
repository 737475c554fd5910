"""The artefact: learned weights, the calibrated model over them, recommended thresholds, and the model's card.

Leans on `core.scorer`, which does the scoring, and safetensors; a folder holds
``weights.safetensors`` and ``card.json``, nothing executable. An artefact made for other features or another format is
refused: scores from mismatched parts would look right and be wrong.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import ModelError
from core.evidence import BUCKETS, HEADS, Reader, fingerprint
from core.features import FEATURES
from core.kinds import weights
from core.policy import Thresholds
from core.scorer import Scorer

FORMAT = 2
SHIPPED = Path(__file__).parent / "data" / "model"
_RETRAIN = "Install the model that came with this version, or make a new one with `lampkeeper train`."


@dataclass(frozen=True, slots=True)
class Model(Scorer):
    """A scorer with what its maker recommends and says about it."""

    thresholds: Thresholds
    card: dict[str, Any]


def load_model(folder: Path | None = None) -> Model:
    """Read the artefact in `folder`, or the shipped one.

    Raises
    ------
    ModelError
        It is missing, damaged, or made for another version.
    """
    folder = folder or SHIPPED
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        arrays = load((folder / "weights.safetensors").read_bytes())
    except FileNotFoundError as error:
        raise ModelError(f"There is no model in {folder}.", _RETRAIN) from error
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(f"The model in {folder} cannot be read: it is damaged.", _RETRAIN) from error
    if (
        not isinstance(card, dict)
        or card.get("format") != FORMAT
        or card.get("features") != list(FEATURES)
        or card.get("reads") != fingerprint()
    ):
        raise ModelError(f"The model in {folder} was made for another version of Lampkeeper.", _RETRAIN)
    try:
        return _assemble(arrays, card)
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"The model in {folder} does not fit together.", _RETRAIN) from error


def _assemble(arrays: dict[str, NDArray[Any]], card: dict[str, Any]) -> Model:
    words, neighbours = (arrays[name].astype(np.float32) for name in ("words", "neighbours"))
    if words.shape != (BUCKETS, len(HEADS)) or neighbours.shape != (BUCKETS, len(HEADS)):
        raise ValueError("shape")
    coefficients, intercepts, calibration = (
        arrays[name].tolist() for name in ("coefficients", "intercepts", "calibration")
    )
    return Model(
        Reader(words, neighbours),
        weights(coefficients, intercepts, calibration, arrays["doubt"].item()),
        Thresholds(**card["thresholds"]),
        card,
    )


def save_model(folder: Path, arrays: dict[str, NDArray[Any]], card: dict[str, Any]) -> None:
    """Write an artefact that `load_model` reads; same arguments, same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    # safetensors writes memory as it lies: an array in another order would come back as other weights.
    (folder / "weights.safetensors").write_bytes(save({name: np.ascontiguousarray(a) for name, a in arrays.items()}))
    (folder / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
