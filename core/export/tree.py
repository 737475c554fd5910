"""XML from plain tuples: what is not known is left out, so that no document says "" where it should say nothing.

Leans on the standard library's ElementTree, which escapes; it only writes here, and reads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

Tree = str | tuple[tuple[str, "Tree"], ...]
"""Text, or elements by name in their order. Left out is "", and an element of which everything is left out.

``()`` is an element that is empty on purpose: that it is there says something.
"""
Attributes = Mapping[str, Mapping[str, str]]
"""Attributes by the name of their element."""


def document(name: str, tree: Tree, attributes: Attributes) -> bytes:
    """Write a document in UTF-8, indented.

    >>> print(document("a", (("b", "<"), ("c", ""), ("d", (("e", ""),)), ("f", ())), {}).decode(), end="")
    <?xml version='1.0' encoding='UTF-8'?>
    <a>
      <b>&lt;</b>
      <f />
    </a>
    """
    root = ET.Element(name, dict(attributes.get(name, {})))
    _fill(root, tree, attributes)
    ET.indent(root)
    head = b"<?xml version='1.0' encoding='UTF-8'?>\n"
    return head + ET.tostring(root, encoding="unicode").encode() + b"\n"


def _fill(parent: ET.Element, tree: Tree, attributes: Attributes) -> None:
    if isinstance(tree, str):
        parent.text = tree
        return
    for name, inner in tree:
        if _says_something(inner):
            _fill(ET.SubElement(parent, name, dict(attributes.get(name, {}))), inner, attributes)


def _says_something(tree: Tree) -> bool:
    return bool(tree) if isinstance(tree, str) else not tree or any(_says_something(inner) for _, inner in tree)
