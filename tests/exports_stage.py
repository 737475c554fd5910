"""Records of cases as they should not be, and what makes a file of an export a valid one; for the tests of exports."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import pytest
import xmlschema

from core.export import ExportFile, Reporter
from core.export.example import example
from core.export.record import CaseRecord, Item, beginning, follow

SCHEMA = Path(__file__).parent / "ncmec" / "ispws.xsd"
REPORTER = Reporter(
    organisation="Example Community",
    given_name="Ada",
    family_name="Byron",
    email="ada@community.example",
    phone="+1 555 0100",
    country="US",
    website="https://community.example",
    street="1 Main Street",
    city="Springfield",
    postal_code="12345",
    region="CA",
)
MARKED = "Marked"
"""Stands in what is put into records, so that a refusal that quotes it is found."""
WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    1.5,
    "",
    [],
    {},
    [None],
    {MARKED: MARKED},
    MARKED,
    f"{MARKED}\x00\x07\x1b[2J",
    f"{MARKED}\ud800",
    f"\u202e{MARKED}\u2066\u2028\ufeff\uffff",
    f"{MARKED}\r\n\n| \t1  2026",
    f"]]><![CDATA[{MARKED}<script>&x;",
    MARKED * 20_000,
    "\U0001f600" * 3_000,
    "2999-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1970-01-01T00:00:00Z",
    "2026-03-02T19:04:11",
    "2026-03-02T23:59:60Z",
    "0" * 64,
    f"javascript:{MARKED}",
)


@cache
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(SCHEMA)


def rechained(record: CaseRecord, case: str = "") -> CaseRecord:
    """Give every item the number, digest and chain that fit it, as if it had been preserved like that."""
    items: list[Item] = []
    chain = beginning(case or record.case)
    for number, item in enumerate(record.items, 1):
        digest = item.sha256 if item.content is None else item.content.digest()
        received = item.received if item.content is None else item.content.received
        chain = follow(chain, bytes.fromhex(digest))
        change = {"number": number, "sha256": digest, "chain": chain.hex(), "received": received}
        items.append(item.model_copy(update=change))
    return record.model_copy(update={"items": tuple(items), "merged": tuple(map(rechained, record.merged))})


def changed(record: CaseRecord, number: int, **change: Any) -> CaseRecord:
    """Return the record with another content of one item, chained anew."""
    items = list(record.items)
    content = items[number - 1].content
    assert content
    items[number - 1] = items[number - 1].model_copy(update={"content": content.model_copy(update=change)})
    return rechained(record.model_copy(update={"items": tuple(items)}))


def malformed(count: int, seed: int) -> Iterator[str]:
    """Yield so many records as JSON, each with one or two places changed for the worse."""
    chance = Random(seed)
    sound = example(3)
    whole = sound.model_copy(update={"merged": (rechained(example(1).model_copy(update={"case": "a0"})),)})
    for _ in range(count):
        tree = json.loads(whole.model_dump_json())
        for _ in range(chance.randint(1, 2)):
            _spoil(tree, chance)
        yield json.dumps(tree)


def _spoil(tree: Any, chance: Random) -> None:
    places = list(_places(tree))
    parent, key = chance.choice(places)
    action = chance.randrange(20)
    if action == 0:
        del parent[key]
    elif action == 1 and isinstance(parent, dict):
        parent[MARKED] = parent[key]
    elif action == 2 and isinstance(parent, list):
        parent.append(parent[key])
    elif action < 5:
        parent[key] = chance.choice(WRONG)
    else:  # wrong in what it says only: what any check of types lets through
        parent[key] = chance.choice([wrong for wrong in WRONG if type(wrong) is type(parent[key])] or WRONG)


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)


def valid(file: ExportFile) -> None:
    """Fail unless a file is what its media type says, and has a plain name."""
    assert file.name.isascii()
    assert file.name.replace("-", "").replace("_", "").replace(".", "").isalnum(), file.name
    assert len(file.name) <= 120, file.name
    assert file.media_type in _VALID, f"say in {__name__} what makes a valid {file.media_type}"
    _VALID[file.media_type](file.data)


def _xml(data: bytes) -> None:
    schema().validate(io.BytesIO(data))


def _text(data: bytes) -> None:
    hidden = {sign for sign in data.decode() if not (sign.isprintable() or sign in "\n\t") and ord(sign) < 0x2100}
    assert not hidden & set(map(chr, (*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), 0xFEFF)))


def _html(data: bytes) -> None:
    HTMLParser().feed(data.decode())


def _zip(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None


def _pdf(data: bytes) -> None:
    assert data.startswith(b"%PDF-")


def _json(data: bytes) -> None:
    json.loads(data)


_VALID: dict[str, Callable[[bytes], None]] = {
    "application/xml": _xml,
    "text/plain; charset=utf-8": _text,
    "application/json": _json,
    "text/html; charset=utf-8": _html,
    "application/zip": _zip,
    "application/pdf": _pdf,
}


def no_pdf() -> str:
    """Say why no PDF can be made on this machine; "" if it can."""
    try:
        import_module("weasyprint")
    except ImportError:
        return "WeasyPrint is not installed"
    except OSError:
        return "the Pango library, which WeasyPrint needs, is not installed"
    return ""


NEEDS_PDF = pytest.mark.skipif(bool(no_pdf()), reason=no_pdf())
