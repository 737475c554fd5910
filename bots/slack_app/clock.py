"""Slack's clock, as its answers tell it: the times of messages are by that one, and this machine's may be far off.

Leans on nothing. An answer's ``Date`` (RFC 9110, 6.6.1) is when Slack gave it, in whole seconds; from then on a clock
runs that nobody sets. So what is told here is a little behind Slack's time and never ahead of it: what was said after
that may not have been shown yet, whatever this machine's own clock says, and however it is set meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime


class Clock:
    """The time by Slack's clock, once one of its answers was heard."""

    def __init__(self) -> None:
        self._told: tuple[float, float] | None = None
        """What time it was at Slack, and what our own seconds counted then."""

    def heard(self, headers: Mapping[str, str]) -> None:
        """Take note of an answer's headers; one without a readable ``Date`` tells nothing."""
        try:
            date = parsedate_to_datetime(str(headers.get("Date", ""))).timestamp()
        except ValueError:
            return
        self._told = (date, time.monotonic())

    def now(self) -> float | None:
        """Return the time at Slack (seconds since the epoch), or a little before it; None while nothing was heard."""
        if self._told is None:
            return None
        date, counted = self._told
        return date + time.monotonic() - counted
