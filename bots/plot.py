"""A bar chart: as a small PNG, for platforms that show no other pictures, or in signs of one width.

Leans on Pillow, which matplotlib brings along anyway: it is kept up (a release every quarter), needs nothing else, and
is loaded in a tenth of a second. matplotlib itself, which draws the report of `lampkeeper evaluate`, takes two seconds
and some 40 MB in a process that has messages to read. There are numbers in the picture and no words: Pillow's own font
has no more than Latin letters, and what the numbers mean is said beside the picture, in the reader's language. Nothing
rests on colour alone: the marked bar has a triangle, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

WIDTH, ROW, MARGIN = 640, 30, 16
LABELS, NUMBERS = 84, 72
"""Room left of the bars, and right of the longest."""
PAPER, INK, BAR, MARKED = "#ffffff", "#1f2328", "#0072b2", "#d55e00"
"""Blue and vermilion of Okabe & Ito's palette, which people with any kind of colour vision can tell apart."""
THIN = 2
SIGNS = 20


class Bar(NamedTuple):
    """One bar: its label, its length (at least 0), the number beside it."""

    label: str
    value: float
    number: str
    marked: bool = False


def drawn(rows: Sequence[Bar]) -> bytes:
    """Draw one bar under another; the longest fills the width. Return a PNG file.

    >>> drawn([Bar("0.9", 3.0, "3.0", marked=True), Bar("0.95", 1.0, "1.0")])[1:4]
    b'PNG'
    """
    picture = Image.new("RGB", (WIDTH, 2 * MARGIN + ROW * len(rows)), PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=16)
    left, longest = MARGIN + LABELS, max((row.value for row in rows), default=0.0)
    room = WIDTH - MARGIN - NUMBERS - left
    for place, row in enumerate(rows):
        top, colour = MARGIN + place * ROW, MARKED if row.marked else BAR
        middle = top + ROW / 2
        end = left + (room * row.value / longest if longest else 0.0)
        draw.text((left - 10, middle), row.label, INK, font, anchor="rm")
        draw.rectangle((left, top + 5, max(end, left + THIN), top + ROW - 5), colour)
        draw.text((max(end, left + THIN) + 8, middle), row.number, INK, font, anchor="lm")
        if row.marked:
            draw.polygon([(MARGIN, middle - 7), (MARGIN + 11, middle), (MARGIN, middle + 7)], colour)
    written = BytesIO()
    picture.save(written, "PNG", optimize=True)
    return written.getvalue()


def written(rows: Sequence[Bar]) -> str:
    r"""Write one bar under another; the longest fills the width.

    >>> written([Bar("0.9", 2.0, "2.0", marked=True), Bar("0.95", 1.0, "1.0")])
    '▸ 0.9  ████████████████████ 2.0\n  0.95 ██████████ 1.0'
    """
    widest, longest = max((len(row.label) for row in rows), default=0), max((row.value for row in rows), default=0.0)
    return "\n".join(
        f"{'▸' if row.marked else ' '} {row.label:<{widest}} "
        f"{'█' * round(SIGNS * row.value / longest) if longest else ''} {row.number}"
        for row in rows
    )
