"""Pauses of a space: from one's begin to its end nothing is read, and what is said meanwhile never is.

Every pause counts, not only the last one. Times are the platform's own, as those of messages are: so no clock of ours
decides which message came before a pause. Moderators are told in the alert channel (`bots.common.changes`), for a
pause that nobody knows of would look like quiet.
"""

from __future__ import annotations

from pydantic import BaseModel

Pauses = tuple[tuple[float, float | None], ...]
"""From when to when, in seconds since the epoch, in order; None while the last one goes on. None is forgotten: a quiet
channel's history is read from its last stored message on, however old that is."""


class Pausing(BaseModel):
    """What holds for a space, so far as pauses go. What was said, or edited, during one of them is never read."""

    pauses: Pauses = ()

    @property
    def paused(self) -> bool:
        """Whether nothing is read now."""
        return bool(self.pauses) and self.pauses[-1][1] is None

    @property
    def paused_at(self) -> float | None:
        """When the last pause began."""
        return self.pauses[-1][0] if self.pauses else None

    def turned(self, now: float, *, pausing: bool) -> Pauses:
        """Return the pauses as they are once one begins, or the one that goes on ends.

        >>> Pausing(pauses=((10.0, None),)).turned(20.0, pausing=False)
        ((10.0, 20.0),)
        """
        if pausing:
            return (*self.pauses, (now, None))
        return (*self.pauses[:-1], (self.pauses[-1][0], now))

    def skips(self, time: float) -> bool:
        """Tell whether something was said during a pause, both ends included: platforms' clocks tick coarsely.

        >>> paused = Pausing(pauses=((10.0, 20.0), (30.0, None)))
        >>> [paused.skips(time) for time in (5.0, 10.0, 20.0, 31.0)]
        [False, True, True, True]
        """
        return any(begin <= time and (end is None or time <= end) for begin, end in self.pauses)
