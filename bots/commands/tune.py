"""`lampkeeper tune`: which threshold would have meant so many alerts a week, from a space's own scores.

Leans on `core.tune` for the choosing; on the daily peaks in the database, read without disturbing a running Lampkeeper,
or on transcripts with dates, scored in memory. Prints counts and thresholds, no names.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from bots.commands.replay import Files, Tally, transcripts
from bots.terminal import console, show_table
from core.config import load_config
from core.effects import Scored
from core.engine import Engine, SpaceState
from core.errors import ConfigError
from core.model import Model, load_model
from core.peaks import FLOOR, day_of
from core.store.look import peaks_of
from core.tune import DAYS_NEEDED, Reached, Tuning
from core.tune import tune as choose

FIRST_DATE = 631_152_000.0
"""1990: an earlier time is a clock's, on no particular day."""


class _History:
    """Days and peaks of one space, or of all transcripts together."""

    def __init__(self) -> None:
        self.days: set[int] = set()
        self.reached: list[Reached] = []


def tune(
    files: Files | None = None,
    /,
    *,
    alerts_per_week: Annotated[float, Parameter(negative=())],
    space: str | None = None,
    config: Path | None = None,
) -> int:
    """Show how many alerts a week each threshold would have meant, and the one that keeps to what you can read.

    Without files, reads what Lampkeeper noted of each day in its database, live or in shadow mode. Exits with 1 if no
    threshold could be chosen, or a line or a file could not be read.

    Parameters
    ----------
    files
        Transcripts with dates, instead of the database: JSON lines or PAN-2012 XML, plain, .gz or .xz.
    alerts_per_week
        How many alerts a week the moderators of a space can read with care.
    space
        Only this space, with its platform before a colon, as in discord:SERVER_ID. Default: all.
    config
        The configuration. Default: config.toml in the working directory.
    """
    if not 0 < alerts_per_week < float("inf"):
        raise ConfigError("The alerts a week must be more than 0.", "Try --alerts-per-week 5.")
    model, to, tally = load_model(), console(), Tally()
    if files:
        if space is not None or config is not None:
            raise ConfigError("Transcripts have neither a space nor a configuration.", "Leave these options out.")
        histories = {"these transcripts": _heard(files, model, tally)}
    else:
        histories = _noted(load_config(config, os.environ).storage.database, space)
    chosen = [_show(to, name, history, model, alerts_per_week) for name, history in histories.items()]
    found = [threshold for threshold in chosen if threshold is not None]
    if found:
        where = "" if len(found) == 1 else ", the highest of the above"
        to.print(f"For config.toml{where}:\n\n[alerts]\nreview = {max(found):g}\n", soft_wrap=True)
    return 0 if found and not (tally.bad or tally.unread) else 1


def _noted(database: Path, only: str | None) -> dict[str, _History]:
    """Read the daily peaks of each space."""
    histories: defaultdict[str, _History] = defaultdict(_History)
    for space, day, actor, target, probability in peaks_of(database):
        histories[space].days.add(day)
        if actor:
            histories[space].reached.append(Reached(day, (actor, target), probability))
    if only is not None and only not in histories:
        raise ConfigError(f"No scores were noted of the space {only}.", f"Known: {', '.join(histories) or 'none'}.")
    if not histories:
        raise ConfigError(
            "No scores were noted yet.",
            'Let `lampkeeper run` watch for a week ([alerts] mode = "shadow" shows no alert), or name transcripts.',
        )
    return {space: history for space, history in sorted(histories.items()) if only in (None, space)}


def _heard(files: list[Path], model: Model, tally: Tally) -> _History:
    """Score transcripts; each is a space of its own, and all are weighed together."""
    history, engine = _History(), Engine(model, model.thresholds, shadow=True)
    for number, transcript in enumerate(transcripts(files, tally)):
        state = SpaceState()
        for message in transcript.messages:
            scored = engine.feed(state, message, 0.0)[0]
            assert isinstance(scored, Scored)
            if message.time is None or message.time < FIRST_DATE or scored.score.outcome != "scored":
                continue
            day = day_of(message.time)
            history.days.add(day)
            if scored.reached >= FLOOR:
                history.reached.append(Reached(day, (number, scored.pair), scored.reached))
    if not history.days:
        raise ConfigError(
            "No message with a date has a score.",
            'Give transcripts whose messages have a "time" with a date, as in "2026-11-21T18:00:00Z".',
        )
    return history


def _show(to: Console, name: str, history: _History, model: Model, asked: float) -> float | None:
    """Print what one history says; return the threshold it comes to."""
    limits = model.thresholds
    tuning = choose(history.days, history.reached, asked, limits.watch, limits.review)
    to.print(f"{name}: {tuning.days} days, {tuning.watched} of them with scores", style="bold", soft_wrap=True)
    mark = {limits.watch: "  (watch of the model)", limits.review: "  (review of the model)"}
    rows = [(f"{s.threshold:g}{mark.get(s.threshold, '')}", f"{s.alerts:,}", f"{s.a_week:.1f}") for s in tuning.steps]
    show_table(to, ("review at", "alerts", "a week"), rows)
    to.print(_advice(tuning, asked, model) + "\n", soft_wrap=True)
    return None if tuning.threshold is None else tuning.threshold.threshold


def _advice(tuning: Tuning, asked: float, model: Model) -> str:
    if tuning.short:
        return f"Too little to choose by: at least {DAYS_NEEDED} days are needed. Let it watch on."
    if tuning.threshold is None:
        least = tuning.steps[-1]
        return (
            f"No threshold keeps to {asked:g} a week: even {least.threshold:g} would have meant {least.a_week:.1f}. "
            "Ask for more, or leave out the channels (ignored_channels) whose talk makes most of the cards."
        )
    at, limits = tuning.threshold, model.thresholds
    words = f"At most {asked:g} a week: review at {at.threshold:g} would have meant {at.a_week:.1f}."
    if at.threshold <= limits.watch:
        return f"{words} Lower is not advised: below the model's watch a score says nothing yet."
    if at.threshold < limits.review:
        return f"{words} That is below the model's own {limits.review:g}: more cards will be about ordinary talk."
    if at.threshold > limits.review:
        return f"{words} That is above the model's own {limits.review:g}: alerts come later, and some not at all."
    return words
