"""The page that says what is kept, docs/privacy.md, made from the rules themselves: `python -m core.retention.page`.

Leans on `rules`. A test holds the page and the rules equal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from core.retention.keeping import KEPT, Keep
from core.retention.rules import DAY, RULES, Rule

HEAD = f"""# What is kept, for how long, and how it goes

Made by `make docs/privacy.md` from the rules in `core/retention/rules.py`, which the program goes by. Periods are the
defaults; `[storage]` and `[cases]` in the configuration change them. `lampkeeper purge --dry-run` lists what is due, by
table and space, and what legal holds keep; `lampkeeper run` removes it about once an hour.

- **The clock** decides what is due. While this machine's clock says something else than the platforms' messages and the
  last housekeeping lead to expect, nothing goes by it; `lampkeeper check` says so, and what to do. It goes on by itself
  with the first message of these days, or with `lampkeeper purge --clock-is-right`.
- **Text** of messages rolls: it goes after `keep_text_days`. What belongs to a case is preserved from its alert on, and
  is kept as long as `[cases]` says. A case that became part of another is kept as long as that one.
- **A legal hold** keeps a case and all that belongs to it against every period, and against the deletion of a person or
  a space, until it ends; what became part of the case is kept with it. One that somebody set lasts until somebody ends
  it, on the card or by `lampkeeper cases lift`; a report to an authority sets one for {KEPT / DAY:g} days, in which
  nobody ends it. `lampkeeper purge --space S --held` removes the whole space with what holds keep there, and with
  `--person P` all about that person; what was part of a case about others is taken out of that.
- **A person** sees what is kept of them by `/lampkeeper privacy`, or you make the file with `lampkeeper access --space
  S --person P --out FILE`. It holds what they said, edited messages with every earlier version, what was noted of
  themselves, and of a moderator all they did, noted and read; never whether there is a case about them, nor text that
  only a case still keeps: the answer must not warn whoever a case is about. What cases and holds keep, the command
  tells you alone. Whether the law gives the person a right to more is for you to judge.
- **A person goes** by `/lampkeeper requests`, or `lampkeeper purge --space S --person P`, which says what holds keep.
  What was said in the space before that, and arrives only after it, is not stored, whoever said it. Items of cases that
  are emptied are on record by their numbers (`items erased`), so that `lampkeeper cases verify` tells them from what
  somebody emptied by hand. The audit forgets the person's cases, those that are gone already among them.
  Neither deletes while people have yet to decide a case that the person is part of, or reported; the command names
  those cases, and with `--undecided` takes them along.
- **What is not sealed tells nobody.** People stand in the database as pseudonyms, and a case's id, which cards, links
  and files bear too, is made of whom it is about: both under a key in the keyring, so that nobody without it finds out
  with a list of members who is who. Cases that an earlier version opened keep their ids, which were not keyed.
- **A digest of what is erased stays** in a case's evidence, or its chain would not hold. It is over a random salt, too,
  which goes with the content: trying what may have been said finds nothing. What was preserved before there were salts
  has a bare digest until the evidence of its case goes, or its space.
"""


def page() -> str:
    """Return the page."""
    columns = ("table", "holds", "kept", "when a person is removed", "when a space is removed", "under legal hold")
    lines = [HEAD, *_table(columns, (_cells(rule) for rule in RULES.values()))]
    return "\n".join(lines) + "\n"


def _cells(rule: Rule) -> tuple[str, ...]:
    forgets = (rule.forgets.__doc__ or "").partition("\n")[0].rstrip(".")
    goes = "goes" if rule.of_a_space else "stays"
    kept = rule.kept.format(**Keep()._asdict())
    return (f"`{rule.table.name}`", rule.holds, kept, forgets, goes, "stays with its case" if rule.held_by else "")


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
