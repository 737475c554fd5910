"""What the bots say: every language has the same keys and blanks; what is said exists, and what exists is said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from string import Formatter
from typing import get_args

import pytest

from bots.texts import ENGLISH, languages, texts
from core.audit import Deed
from tests.support import ROOT

NOT_ABOUT_A_CASE = ("space ", "settings ", "text ", "person ", "request ", "languages ", "history ", "parts ")


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def strings() -> Iterator[tuple[str, bool]]:
    """Each string of the bots' code as a pattern of keys, and whether it is what a call of `say` says."""
    for file in sorted((ROOT / "bots").rglob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        said, pieces = set(), set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "say":
                said |= {id(part) for argument in node.args for part in ast.walk(argument)}
            elif isinstance(node, ast.JoinedStr):
                pieces |= {id(part) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces:
                yield re.escape(node.value), id(node) in said
            elif isinstance(node, ast.JoinedStr):
                parts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".*" for p in node.values]
                yield "".join(parts), id(node) in said


KEY = re.compile(r"(?:[a-z_]+)\\\.[a-z_.*\\]+")


def test_every_text_is_said_somewhere() -> None:
    patterns = {pattern for pattern, _ in strings() if KEY.fullmatch(pattern)}
    keys = {key: ".".join(key.split(".")[-2:]) for key in texts(ENGLISH)}  # a platform's own wording stands under it
    unsaid = [key for key, said in keys.items() if not any(re.fullmatch(pattern, said) for pattern in patterns)]
    assert unsaid == []


def test_every_text_that_is_said_exists() -> None:
    keys = texts(ENGLISH)
    said = {pattern for pattern, is_said in strings() if is_said and KEY.fullmatch(pattern)}
    assert said
    assert [pattern for pattern in sorted(said) if not any(re.fullmatch(pattern, key) for key in keys)] == []


@pytest.mark.parametrize("language", languages())
def test_every_language_has_the_same_keys_and_blanks(language: str) -> None:
    assert {key: blanks(text) for key, text in texts(language).items()} == {
        key: blanks(text) for key, text in texts(ENGLISH).items()
    }


def test_whatever_the_audit_notes_of_a_case_can_be_told() -> None:
    about_cases = [deed for deed in get_args(Deed) if not deed.startswith(NOT_ABOUT_A_CASE)]
    assert [deed for deed in about_cases if f"cases.deed_{deed.replace(' ', '_')}" not in texts(ENGLISH)] == []
