"""The page of the case record in docs: ``python -m core.export.record_page > docs/case_record.md``.

Leans on the record, whose JSON schema it shows. A test holds the page equal to the code, and runs the check in it.
"""

from __future__ import annotations

import json

from core.export.example import example
from core.export.record import FORMAT, CaseRecord

CHECK = """\
import hashlib, json, re, sys


def with_decimals(time):
    return time and re.sub(r"(\\.\\d+)?Z$", lambda found: (found[1] or ".").ljust(7, "0") + "Z", time)


def canonical(content):
    times = {key: with_decimals(content[key]) for key in ("time", "received")}
    return json.dumps(content | times, sort_keys=True, separators=(",", ":")).encode()


def check(case):
    chain = hashlib.sha256(b"lampkeeper case\\n" + case["case"].encode()).digest()
    for number, item in enumerate(case["items"], 1):
        content, digest = item["content"], bytes.fromhex(item["sha256"])
        if content is not None:
            digest = hashlib.sha256(canonical(content)).digest()
        chain = hashlib.sha256(chain + digest).digest()
        if (item["number"], item["sha256"], item["chain"]) != (number, digest.hex(), chain.hex()):
            sys.exit(f"case {case['case']}: item {number} is not as it was preserved")
    for merged in case["merged"]:
        check(merged)


check(json.load(open(sys.argv[1], encoding="utf-8")))
print("every item is as it was preserved")
"""


def page() -> str:
    """Write the page, in Markdown."""
    schema = json.dumps(CaseRecord.model_json_schema(), indent=1, ensure_ascii=False)
    item = example().items[0].model_dump_json(indent=1)
    return f"""\
# The record of a case

Written by `make docs/case_record.md` from the code; please do not edit.

A case leaves Lampkeeper as one record, `{FORMAT}`, from which every export is made (docs/exports.md). As a file it is
JSON in UTF-8. Keys may be added at any time; the format's number grows when one changes its meaning.

- Times are UTC (ISO 8601). Of a message there are two: as the platform gave it (`time`, null where it gave none), and
  when Lampkeeper received it (`received`).
- Ids and links are the platform's, so that what is here can be asked for there.
- `items` are messages as they were seen: each edit is a version of its own, a deletion is one without a text. What was
  sent along is named by its kind; what it showed was never looked at or kept.
- `edited` stands in an edit whose time the platform tells. An edit of version 0 was edited before Lampkeeper saw the
  message: what it said at first is not known.

## How to check that nothing was changed

Each item has the SHA-256 of its `content`: of that object as JSON in UTF-8 with keys in alphabetical order, without
spaces, every character beyond ASCII as `\\uXXXX`, and times with six decimals (`2026-03-02T19:04:11.250000Z`). The
`chain` of an item is the SHA-256 of 64 bytes: the chain value of the item before it, then its own digest, as bytes. The
chain value before the first item is the SHA-256 of `lampkeeper case`, a newline and the case's id. So an item that was
changed, removed, added or moved shows, here and in every chain value after it. Cases in `merged` have chains of their
own. Where `content` is null, it had to go because its author asked to be forgotten; digest and chain stay, and a row
`items erased` in `audit` has the numbers of such items.

Each content holds a random `salt` of 16 bytes, in hexadecimal, which the digest is over like all else in it. It goes
with the content: so nobody can find out from a digest that stays what was said, not even by trying what it may have
been. What was preserved before there were salts has no such key, and is checked in the same way.

That finds changes by whoever cannot compute the rest anew. Against the others stands the signature over the archive of
which the record is part, and the audit's signed heads.

The whole check needs nothing of Lampkeeper. Save it as `check.py` and run `python3 check.py case.json`:

```python
{CHECK}```

## An item

```json
{item}
```

## JSON schema

```json
{schema}
```
"""


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - it is what it is for
