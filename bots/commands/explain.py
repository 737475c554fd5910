"""`lampkeeper explain`: why the pairs of a conversation score as they do, message by message.

Leans on `core.explain`. The texts it quotes are the user's own file's, shown to the user who asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from rich.console import Console
from rich.text import Text

from bots.commands.replay import Files, Tally, transcripts
from bots.terminal import console
from core.casework.cards import percent
from core.engine import Engine
from core.explain import Explanation
from core.explain import explain as take_apart
from core.language import NAMES, OTHER
from core.messages import Message
from core.model import load_model
from core.signals.computed import MEANINGS

PAIRS = 2
"""Pairs of a conversation that are shown, the highest first."""


def explain(files: Files, /, *, most: int = 8) -> int:
    """Show why the pairs of each conversation score as they do.

    A score's log-odds are a base, what each of the actor's messages added, and what the other side and the two people's
    ages add. Exits with 1 if a line or a file could not be read.

    Parameters
    ----------
    files
        Transcripts: JSON lines or PAN-2012 XML, plain, .gz or .xz; "-" is standard input.
    most
        Messages shown of a pair: those that moved it most, up or down.
    """
    model = load_model()
    engine = Engine(model, model.thresholds)
    tally = Tally()
    to = console()
    for transcript in transcripts(files, tally):
        to.print(Text(transcript.id, style="bold"), soft_wrap=True)
        taken_apart = take_apart(engine, transcript.messages)
        scored = [found for found in taken_apart if found.probability is not None]
        unread = [found for found in taken_apart if found.language is not None]
        for explanation in islice(scored, PAIRS):
            _show(to, explanation, transcript.messages, most)
        for explanation in unread:
            _show_unread(to, explanation)
        if not scored and not unread:
            to.print("  insufficient: nobody said enough for a score")
    return 1 if tally.bad or tally.unread else 0


def _show(to: Console, explanation: Explanation, messages: Sequence[Message], most: int) -> None:
    """Print one pair: the score, its terms, and the messages that moved it most, in their order."""
    pair, shares = explanation.pair, explanation.shares
    assert explanation.probability is not None
    said = sum(share.weight for share in shares)
    to.print(f"  {pair.actor} -> {pair.target or 'nobody in particular'}: {percent(explanation.probability)}")
    to.print(f"    log-odds: base {explanation.base:+.2f}, messages {said:+.2f}, context {explanation.context:+.2f}")
    if explanation.rise is not None:
        to.print(f"    the rise began with message {explanation.rise}")
    strongest = sorted(shares, key=lambda share: -abs(share.weight))[:most]
    for share in sorted(strongest, key=lambda share: share.index):
        shown = "; ".join(MEANINGS[name] for name in share.signals)
        text = messages[share.index].text
        to.print(
            f"    {share.index:>6} {share.weight:+.2f}  {text}" + (f"  [{shown}]" if shown else ""), soft_wrap=True
        )


def _show_unread(to: Console, explanation: Explanation) -> None:
    """Print that one pair's language is not read, and what shows all the same."""
    pair = explanation.pair
    shown = "; ".join(MEANINGS[name] for name in explanation.neutral)
    to.print(
        f"  {pair.actor} -> {pair.target or 'nobody in particular'}: unsupported_language: mostly "
        f"{NAMES[explanation.language or OTHER]}, which the model does not read; not scored"
    )
    to.print(f"    signals that need no language: {shown or 'none'}")
