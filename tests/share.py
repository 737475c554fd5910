"""How much of the two adapters stands once: ``make share``.

What Discord and Slack both need lives in `core`, in `bots/common` and in the modules beside it; the platforms' own
folders only translate. Prints how many lines of code there are of each (blank ones, comments and docstrings left out),
and what stands in both folders: runs of statements of functions that are the same whatever names they use. A run
of `LEAST` nodes or more that stands in both is an error, and belongs into `bots/common`; shorter ones are alike by
chance. `tests/test_share.py` keeps it so.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
ADAPTERS = {"Discord": ROOT / "bots/discord_bot", "Slack": ROOT / "bots/slack_app"}
NOT_RUN = ("training", "transcripts", "migrations")
"""Parts of the core that no bot runs."""
SHARED = {
    "core": [file for file in sorted((ROOT / "core").rglob("*.py")) if not {*NOT_RUN} & {*file.parts}],
    "bots/common": sorted((ROOT / "bots/common").rglob("*.py")),
    "bots/*.py and bots/texts": sorted([*(ROOT / "bots").glob("*.py"), *(ROOT / "bots/texts").glob("*.py")]),
}
LEAST = 18
"""Nodes of a tree (loads and stores not counted) from which on statements are not alike by chance: two or three lines
that do something."""
LONGEST = 6
"""Statements of one run that are compared; a longer run holds shorter ones."""

_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


class Twin(NamedTuple):
    """Statements that stand in both: where, and how many nodes they have."""

    one: str
    other: str
    nodes: int


def lines(source: str) -> int:
    r"""Count the lines that hold code.

    >>> lines('"A module."\n\n# why\nx = (1,\n     2)\n')
    2
    """
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _LAYOUT:
            held.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and _only_says(node):
            held.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(held)


def count(files: Iterable[Path]) -> int:
    """Count the lines of code of some files."""
    return sum(lines(file.read_text()) for file in files)


def same(one: str, other: str) -> bool:
    """Tell whether two pieces of code are taken for the same.

    >>> same("for x in xs: self._take(x)", "for event in events: workspace.take(event)")
    True
    >>> same("for x in xs: self._take(x)", "for x in xs: self._drop(x)")
    False
    """
    return _shape(ast.parse(one).body) == _shape(ast.parse(other).body)


def runs(source: str) -> Iterator[tuple[str, int, int]]:
    """Yield the runs of statements of every function: their shape, number of nodes, and line."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                for part in ("body", "orelse", "finalbody"):
                    yield from _runs_of(getattr(node, part, None))


def _runs_of(block: object) -> Iterator[tuple[str, int, int]]:
    statements = [node for node in block if not _only_says(node)] if isinstance(block, list) else []
    for begin in range(len(statements)):
        for end in range(begin + 1, min(begin + LONGEST, len(statements)) + 1):
            run = statements[begin:end]
            if (nodes := sum(map(_nodes, run))) >= LEAST:
                yield _shape(run), nodes, run[0].lineno


def _only_says(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _nodes(tree: ast.AST) -> int:
    return sum(not isinstance(node, ast.expr_context) for node in ast.walk(tree))


def _shape(statements: Sequence[ast.stmt]) -> str:
    names = _Numbered()
    return "\n".join(ast.dump(names.visit(ast.parse(ast.unparse(statement)))) for statement in statements)


class _Numbered(ast.NodeTransformer):
    """Names give way to numbers, annotations to nothing; attributes lose the sign of being private."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def _numbered(self, name: str) -> str:
        return self._names.setdefault(name, f"n{len(self._names)}")

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._numbered(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(self._numbered(node.arg))

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        return ast.Attribute(self.visit(node.value), node.attr.lstrip("_"), node.ctx)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        self.generic_visit(node)
        return node if node.value is None else ast.Assign([node.target], node.value)


def twins(one: Iterable[Path], other: Iterable[Path]) -> list[Twin]:
    """Find what stands in both, longest first."""
    found: list[dict[str, tuple[str, int]]] = []
    for files in (one, other):
        there: dict[str, tuple[str, int]] = {}
        for file in files:
            for shape, nodes, line in runs(file.read_text()):
                there.setdefault(shape, (f"{file}:{line}", nodes))
        found.append(there)
    both = found[0].keys() & found[1].keys()
    pairs = [Twin(found[0][shape][0], found[1][shape][0], found[0][shape][1]) for shape in both]
    return sorted(pairs, key=lambda twin: -twin.nodes)


def main() -> int:
    """Print the share, and what stands in both; return how much that is."""
    own = {name: sorted(folder.rglob("*.py")) for name, folder in ADAPTERS.items()}
    shared, sizes = {name: count(files) for name, files in SHARED.items()}, {n: count(f) for n, f in own.items()}
    both = twins(*own.values())
    for name, number in {**shared, **{f"{name} alone": number for name, number in sizes.items()}}.items():
        print(f"{name:<32}{number:>7,} lines of code")  # noqa: T201
    common = sum(shared.values())
    for name, number in sizes.items():
        what = f"shared, of all that {name} runs"
        print(f"{what:<32}{common / (common + number):>7.0%}")  # noqa: T201
    around = common - shared["core"]
    print(f"{'shared, of all under bots':<32}{around / (around + sum(sizes.values())):>7.0%}")  # noqa: T201
    print(f"{'stands in both':<32}{len(both):>7}")  # noqa: T201
    for twin in both:
        print(f"  {twin.nodes} nodes: {twin.one} and {twin.other}")  # noqa: T201
    return len(both)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
