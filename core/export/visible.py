r"""What people wrote, so that a reader sees all of it: signs that cannot be seen are written out, as ``[U+202E]``.

Leans on nothing. Those are control characters, marks that turn the direction of writing, signs without width, and
halves of characters (lone surrogates). Tabs, line ends and the two joiners that scripts and emoji need stay. What was
written, sign by sign, is in the record (case.json).
"""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    r"""Write out every sign that cannot be seen.

    >>> visible("abc\u202efdp.exe\x1b[2J")
    'abc[U+202E]fdp.exe[U+001B][2J'
    """
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
