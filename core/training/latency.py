"""How early is early enough: F-latency and ERDE, the two measures of early detection that others report.

Leans on nothing. A talk is a delay: the number, from 1, of the message at which it first alerted, None if it never did.

Sources: F-latency is Sadeque, Xu & Bethard (2018), "Measuring the Latency of Depression Detection in Social Media":
F1 times the median, over the rightly alerted, of 1 - penalty, where penalty(k) = -1 + 2 / (1 + exp(-p (k - 1))) is
nothing at the first message and nears 1. Vogt, Leser & Akbik (2021), "Early Detection of Sexual Predators in Chats",
choose p so that the penalty is one half at message 90. ERDE is Losada & Crestani (2016), "A Test Collection for
Research on Depression and Language Use": a miss costs 1, a false alert the share of positives, and a right alert at
message k costs 1 - 1 / (1 + exp(k - o)), almost nothing before message o and almost a miss after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, tanh
from statistics import median

from core.training.figures import Latency

HALF_AT = 90
"""The message at which the penalty is one half."""

Delays = Sequence[int | None]


def penalty(message: float) -> float:
    """Return what an alert at this message (from 1) has lost, in 0..1.

    >>> penalty(1), round(penalty(90), 9), round(penalty(15), 3)
    (0.0, 0.5, 0.086)
    """
    steepness = log(3) / (HALF_AT - 1)
    return tanh(steepness * (message - 1) / 2)  # -1 + 2 / (1 + exp(-x)), which overflows nowhere


def erde(pattern: Delays, ordinary: Delays, o: int) -> float:
    """Return the early risk detection error with deadline `o`, averaged over all talks; in 0..1, less is better.

    >>> erde([50, None], [None, None], 50)  # half lost, all lost, two rightly left alone
    0.375
    >>> erde([1], [3], 50)  # one false alert: the share of positives, a half, over two talks
    0.25
    """
    talks = len(pattern) + len(ordinary)
    late = sum(1.0 if delay is None else (1 + tanh((delay - o) / 2)) / 2 for delay in pattern)
    false = sum(delay is not None for delay in ordinary)
    return (late + false * len(pattern) / talks) / talks


def latency(names: tuple[str, str], pattern: Delays, ordinary: Delays) -> Latency:
    """Measure how well and how early `pattern` is told from `ordinary`; neither may be empty.

    >>> found = latency(("approaches", "chat"), [1, 90, None], [None, 7])
    >>> round(found.f1, 3), found.delay, round(found.speed, 3), round(found.f_latency, 3)
    (0.667, 45.5, 0.75, 0.5)
    """
    delays = [delay for delay in pattern if delay is not None]
    false = sum(delay is not None for delay in ordinary)
    recall = len(delays) / len(pattern)
    precision = len(delays) / (len(delays) + false) if delays else 0.0
    f1 = 2 * precision * recall / (precision + recall) if delays else 0.0
    speed = 1 - median(map(penalty, delays)) if delays else 0.0
    return Latency(
        *names,
        talks=len(pattern),
        ordinary_talks=len(ordinary),
        precision=precision,
        recall=recall,
        f1=f1,
        delay=float(median(delays)) if delays else None,
        speed=speed,
        f_latency=f1 * speed,
        erde_5=erde(pattern, ordinary, 5),
        erde_50=erde(pattern, ordinary, 50),
    )
