"""The report of `evaluate`: one page that needs nothing else, readable without network or script, on a phone, at night.

Leans on Jinja2, which escapes whatever a file's name may hold, on `core.training.plots` and `core.training.sections`.
The same figures give the same bytes; only the speed differs from run to run, and stands alone in an element of its own.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from core.casework.cards import NOTE
from core.training.document import Section
from core.training.figures import EARLY, Figures
from core.training.plots import plots
from core.training.sections import figure_sections, headlines, learning_sections, levels

CAPTIONS = {
    "to_alert": (
        "The higher and the further left a line, the more conversations alert and the earlier. The dotted upright "
        f"stands at message {EARLY}."
    ),
    "false_alerts": (
        "A point is what was measured, its bar what it may be in truth; further left is quieter. Long bars come from "
        "few conversations."
    ),
    "base_rates": (
        "The rarer the pattern, the more of the alerts are about ordinary talk. The dashed line is what one may rely "
        "on."
    ),
    "latency": "Further right is better. The gap between the two marks is what late alerts cost.",
    "precision_recall": "Further up and right is better: how many alerts are right when so many patterns are to alert.",
    "reliability": (
        "On the dotted diagonal a probability means what it says; below it the model is too sure, above it not sure "
        "enough."
    ),
}


def report(figures: Figures, card: dict[str, Any]) -> str:
    """Write the page for `figures`, with what the `card` of the measured model tells of its learning."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["code"] = code
    sections: list[Section] = [levels(figures.thresholds), *figure_sections(figures), *learning_sections(card)]
    speed = figures.messages_per_second
    return environment.get_template("report.html.jinja").render(
        title="What this model does on these conversations",
        headlines=headlines(figures),
        about=(
            f"Measured on {figures.messages:,} messages with the model {card.get('name', 'of no name')}. Nobody may be "
            "judged by these figures: they tell how a program does on average, not what a person does."
        ),
        sections=sections,
        plots=plots(figures),
        captions=CAPTIONS,
        speed="" if speed is None else f"Speed of this measuring, reading included: {speed:,.0f} messages a second.",
        note=NOTE,
    )


def code(text: str) -> Markup:
    """Escape a sentence, and set what stands between backticks as code.

    >>> code("`a` < b")
    Markup('<code>a</code> &lt; b')
    """
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before
