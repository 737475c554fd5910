"""Lengths of time with the unit symbols that every language reads (SI: s, min, h, d)."""

from __future__ import annotations

UNITS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))


def duration(seconds: float) -> str:
    """Write a length of time in the largest unit that it fills twice, or in seconds.

    >>> duration(0.25), duration(90), duration(150), duration(3 * 3600)
    ('0.2 s', '90 s', '2 min', '3 h')
    """
    for size, unit in UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
