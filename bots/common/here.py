"""A space, as what is said about it needs it."""

from __future__ import annotations

from typing import NamedTuple

from bots.common.words import Words
from core.ledger import Ledger


class Here(NamedTuple):
    """A space: what is said in it, and the ledger that knows of it."""

    space: str
    words: Words
    ledger: Ledger
