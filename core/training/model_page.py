"""The model's card as a page for people: what it learned from, what it is for, where it ends, every figure.

Leans on the card alone, so the page of any model can be made from its folder. `docs/model.md` is this page of the
shipped model, and a test holds the two equal.
"""

from __future__ import annotations

from typing import Any

from core.policy import Thresholds
from core.training.document import Section, Table
from core.training.figures import figures_of
from core.training.sections import figure_sections, headlines, learning_sections, levels


def model_page(card: dict[str, Any]) -> tuple[str, list[Section]]:
    """Return the page's title and sections; what an older card does not hold is left out."""
    thresholds = Thresholds(**card["thresholds"])
    figures = figures_of(card)
    sections = [
        Section("use", "Intended use", _sentences(card.get("intended_use"))),
        Section("misuse", "What it must not be used for", points=tuple(card.get("forbidden_uses", ()))),
        Section("limits", "Limits", points=tuple(card.get("limits", ()))),
        levels(thresholds),
    ]
    if figures is not None:
        sections.append(
            Section("short", "In short", ("Measured on people and files held out.",), tuple(headlines(figures)))
        )
    sections += [
        Section(
            "data", "Data", points=tuple(card.get("data", ())), table=_corpora(card), reading=card.get("split", "")
        ),
        Section("terms", "Terms", _sentences(card.get("terms"))),
    ]
    if figures is not None:
        sections += figure_sections(figures)
    sections += learning_sections(card)
    sections += [Section("made", "How it was made", _made(card), table=_thresholds_tried(card))]
    kept = [s for s in sections if s.text or s.points or s.table is not None]
    return f"{card.get('name', 'A model')} ({card.get('language', 'language unknown')})", kept


def _sentences(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()


def _corpora(card: dict[str, Any]) -> Table | None:
    rows = [
        (
            str(row["file"]),
            f"{row['talks']:,}",
            f"{row['messages']:,}",
            f"{row['talks'] - row['held_out_talks']:,}",
            f"{row['held_out_talks']:,}",
        )
        for row in card.get("corpora", ())
    ]
    rows += [(f"{name} (all of it held out)", "", "", "0", "all") for name in card.get("validated_on", ())]
    head = ("file", "conversations", "messages", "learned from", "held out")
    return Table(head, tuple(rows)) if rows else None


def _made(card: dict[str, Any]) -> tuple[str, ...]:
    said = []
    if "made_by" in card:
        said.append(f"With {card['made_by']}, in the folder of the corpora:")
    if "command" in card:
        said.append(f"`{card['command']}`")
    if "ordinary_talks_alerting_in_training" in card:
        said.append(
            "The threshold was chosen on the part learned from, never on what is held out. Had it been another, so "
            "many ordinary conversations of that part would have alerted at the few lengths looked at, a source "
            "weighing as the root of its size; live, where every message is looked at, up to twice as many:"
        )
    return tuple(said)


def _thresholds_tried(card: dict[str, Any]) -> Table | None:
    rows = tuple(
        (str(step), f"{rate:.2%}") for step, rate in card.get("ordinary_talks_alerting_in_training", {}).items()
    )
    return Table(("threshold", "ordinary conversations that would alert"), rows) if rows else None
