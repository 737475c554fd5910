r"""Text that anybody wrote, made fit to be written into XML, or line by line into a text file, without hiding anything.

Leans on nothing. Decisions:

- XML 1.0 (https://www.w3.org/TR/xml/#charsets) cannot hold most control characters, nor half a surrogate pair; other
  signs turn the order of a line around, or end a line where no reader expects it. All of them are shown by their
  number, "[U+0007]", and never dropped: what was sent can be told from it.
- A name is cut where it is too long for its place, and says so by "…". Names are never refused: whoever is reported
  chose theirs, and must not be able to stop a report by it. An id tells who it is.
"""

from __future__ import annotations

from typing import Final

_HIDDEN: Final = (
    *range(0x09),
    *range(0x0B, 0x20),
    *range(0x7F, 0xA0),
    0x061C,
    0x200E,
    0x200F,
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),
    0xFEFF,
    0xFFFE,
    0xFFFF,
)
_SHOWN: Final = {code: f"[U+{code:04X}]" for code in _HIDDEN}


def visible(text: str) -> str:
    r"""Show what XML cannot hold, what turns a line around and what ends one by surprise; newlines and tabs stay.

    >>> visible("a\x07b\r\n\u202ec\ud800")
    'a[U+0007]b\n[U+202E]c[U+D800]'
    """
    if text.isascii() and text.isprintable():
        return text
    return text.replace("\r\n", "\n").translate(_SHOWN)


def shortened(text: str, limit: int) -> str:
    """Cut a text to so many characters, the last of which says so.

    >>> shortened("abcd", 4), shortened("abcde", 4)
    ('abcd', 'abc…')
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(name: str, limit: int) -> str:
    r"""Write a name in one line of at most so many characters.

    >>> one_line(" a\n\tb ", 9), one_line("\x00", 9)
    ('a b', '[U+0000]')
    """
    return shortened(" ".join(visible(name[: limit + 1].strip()).split()), limit)
