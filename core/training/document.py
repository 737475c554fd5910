"""A page of words and tables as a value, so that terminal, Markdown and HTML show the same and none can drift.

Leans on nothing. `markdown` writes it for `docs/`; `bots.terminal` prints it; `core.training.report` makes the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of words; the first column names the row, the others stand to the right if `numbers`."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands below it: sentences, points of a list, a table, and how to read the table.

    `name` is the anchor, and tells which plot belongs here.
    """

    name: str
    title: str
    text: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    table: Table | None = None
    reading: str = ""


def markdown(title: str, sections: Iterable[Section]) -> str:
    r"""Write a document as Markdown.

    >>> print(markdown("A", [Section("b", "B", ("One.",), table=Table(("x", "y"), (("a|b", "2"),)))]))
    # A
    <BLANKLINE>
    ## B
    <BLANKLINE>
    One.
    <BLANKLINE>
    | x | y |
    |---|---:|
    | a\|b | 2 |
    <BLANKLINE>
    """
    blocks = [f"# {title}"]
    for section in sections:
        blocks += [f"## {section.title}", *section.text]
        if section.points:
            blocks.append("\n".join(f"- {point}" for point in section.points))
        if section.table is not None:
            blocks.append(_markdown_table(section.table))
        if section.reading:
            blocks.append(section.reading)
    return "\n\n".join(blocks) + "\n"


def _markdown_table(table: Table) -> str:
    rule = "|---|" + ("---:|" if table.numbers else "---|") * (len(table.head) - 1)
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (table.head, *table.rows)]
    return "\n".join([rows[0], rule, *rows[1:]])
