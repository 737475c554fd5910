"""Plots as SVG that stands inside a page: no file, no network, no script, in the page's own light or dark colours.

Leans on matplotlib, without pyplot and its global state: it is the field's standard, well kept, draws axes nobody has
to think about, and writes SVG with real text. The colours drawn with are placeholders that become the page's CSS
variables: Okabe & Ito's palette, which people with any kind of colour vision can tell apart; and no plot rests on
colour alone, for lines differ in mark or dash, too. The same figures give the same bytes.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from io import StringIO
from itertools import cycle
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, NullLocator, PercentFormatter
from matplotlib.typing import RcKeyType

from core.training.figures import EARLY, Figures

INK, FAINT, PAPER = "#010101", "#020202", "#030303"
SERIES = ("#040404", "#050505", "#060606", "#070707", "#080808", "#090909")
_VARIABLES = {INK: "ink", FAINT: "faint", PAPER: "paper"} | {colour: f"c{n}" for n, colour in enumerate(SERIES, 1)}
MARKS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
STYLE: dict[RcKeyType, Any] = {
    "svg.hashsalt": "lampkeeper",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that every machine reckons with the same widths
    "font.size": 11,
    "text.color": INK,
    "text.parse_math": False,  # a file's name may hold any sign
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "grid.color": FAINT,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.facecolor": PAPER,
    "legend.edgecolor": FAINT,
    "legend.fontsize": 9,
    "lines.linewidth": 2,
}
WIDE, HIGH = 5.2, 3.6
"""Inches; narrow, so that the letters can still be read where a phone shrinks the plot to its width."""
LINE = 0.32
"""Inches a source takes in a plot with a line for each."""
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))

Draw = Callable[[Axes, Figures], None]


def plots(figures: Figures) -> dict[str, str]:
    """Draw what there is to draw: name of a section -> SVG element."""
    drawn = {}
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the reader's own fonts will have it
        for name, (wanted, high, draw) in PLOTS.items():
            if not wanted(figures):
                continue
            canvas = Canvas(figsize=(WIDE, high(figures)), layout="constrained")
            draw(canvas.add_subplot(), figures)
            written = StringIO()
            canvas.savefig(written, format="svg", metadata=_NO_METADATA)
            drawn[name] = _for_a_page(name, written.getvalue())
    return drawn


def _for_a_page(name: str, svg: str) -> str:
    """Make an SVG document an element: no header, ids of its own, the page's colours and width."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r'\1 width="100%"', svg)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg)
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg.replace("'DejaVu Sans'", "inherit").strip()


def _precision_recall(axes: Axes, figures: Figures) -> None:
    axes.plot(
        [point.recall for point in figures.precision_recall],
        [point.precision for point in figures.precision_recall],
        color=SERIES[0],
        marker=".",
    )
    axes.set(xlabel="recall (share of patterns alerted)", ylabel="precision (share of alerts right)")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.04))
    _percent(axes, "xy")


def _reliability(axes: Axes, figures: Figures) -> None:
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=":")
    for table, colour, mark in zip(figures.reliability, cycle(SERIES), cycle(MARKS)):
        axes.plot(
            [b.probability for b in table.bins],
            [b.pattern for b in table.bins],
            color=colour,
            marker=mark,
            markersize=4,
            linewidth=2.5 if table.length is None else 1,
            label="all" if table.length is None else f"to message {table.length}",
        )
    axes.set(xlabel="probability given", ylabel="share that follows the pattern", xlim=(0, 1.02), ylim=(0, 1.04))
    _percent(axes, "xy")
    axes.legend()


def _to_alert(axes: Axes, figures: Figures) -> None:
    longest = max([EARLY, *(row.first_alerts[-1] for row in figures.of("pattern") if row.first_alerts)])
    for row, colour, dash in zip(figures.of("pattern"), cycle(SERIES), cycle(DASHES)):
        heights = [number / row.talks for number in range(len(row.first_alerts) + 1)]
        axes.step(
            [1, *row.first_alerts, longest],
            [*heights, heights[-1]],
            where="post",
            color=colour,
            linestyle=dash,
            label=row.source,
        )
    axes.axvline(EARLY, color=INK, linewidth=1, linestyle=":")
    axes.set(xscale="log", xlabel="messages (logarithmic)", ylabel="share alerted by then", ylim=(0, 1.04))
    axes.set_xticks([step for step in (1, 2, 5, 10, 20, 50, EARLY, 500, 2000) if step <= longest])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    _percent(axes, "y")
    axes.legend()


def _false_alerts(axes: Axes, figures: Figures) -> None:
    rows = figures.false_alerts
    places = range(len(rows))
    values = [row.per_10000 for row in rows]
    spread = ([max(0.0, row.per_10000 - row.low) for row in rows], [max(0.0, row.high - row.per_10000) for row in rows])
    axes.errorbar(values, places, xerr=spread, fmt="o", color=SERIES[1], ecolor=SERIES[0], capsize=3, linewidth=1.5)
    axes.set_yticks(places, [row.source or "all together" for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xscale("symlog", linthresh=10)
    axes.set_xlim(0, 10_000)
    axes.set_xticks([0, 10, 100, 1000, 10_000])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("alerts per 10,000 conversations (log. from 10)")


def _base_rates(axes: Axes, figures: Figures) -> None:
    rows = figures.base_rates
    rates = [row.one_in for row in rows]
    axes.plot(rates, [row.precision for row in rows], color=SERIES[0], marker="o", label="as measured")
    axes.plot(rates, [row.at_least for row in rows], color=SERIES[1], marker="s", linestyle="--", label="at least")
    axes.set(xscale="log", xlabel="one conversation in ... follows the pattern", ylabel="share of alerts right")
    axes.set_xticks(rates, [f"{rate:,}" for rate in rates])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(0, 1.04)
    _percent(axes, "y")
    axes.legend()


def _latency(axes: Axes, figures: Figures) -> None:
    rows = figures.latency
    places = range(len(rows))
    axes.plot([row.f1 for row in rows], places, "s", color=SERIES[1], label="F1", markerfacecolor="none")
    axes.plot([row.f_latency for row in rows], places, "o", color=SERIES[0], label="F-latency")
    axes.set_yticks(places, [f"{row.pattern}\nagainst {row.ordinary}" for row in rows], fontsize=9)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.03), xlabel="F1 and F-latency (0 to 1)")
    axes.margins(y=0.25)
    axes.legend(loc="lower left")


def _percent(axes: Axes, which: str) -> None:
    for name in which:
        axis = axes.xaxis if name == "x" else axes.yaxis
        axis.set_major_formatter(PercentFormatter(1, decimals=0))


PLOTS: dict[str, tuple[Callable[[Figures], object], Callable[[Figures], float], Draw]] = {
    "to_alert": (lambda f: any(row.first_alerts for row in f.of("pattern")), lambda _: HIGH, _to_alert),
    "false_alerts": (lambda f: f.false_alerts, lambda f: 1 + LINE * len(f.false_alerts), _false_alerts),
    "base_rates": (lambda f: f.base_rates, lambda _: HIGH, _base_rates),
    "latency": (lambda f: f.latency, lambda f: 1.2 + 1.7 * LINE * len(f.latency), _latency),
    "precision_recall": (lambda f: f.precision_recall, lambda _: HIGH, _precision_recall),
    "reliability": (lambda f: f.reliability, lambda _: WIDE * 0.9, _reliability),
}
"""Section -> (what there must be to draw it, its height in inches, how)."""
