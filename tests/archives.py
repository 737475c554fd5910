"""Archives for tests: made, unpacked, and packed again by somebody who changes what is in them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from zipfile import ZIP_DEFLATED, ZipFile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.export import Reporter
from core.export.archive import (
    CONTENTS,
    DOMAIN,
    MANIFEST,
    SIGNATURE,
    SUMS,
    Listed,
    Manifest,
    archive,
    digest,
    sums_text,
    to_json,
)
from core.export.example import example
from core.export.record import CaseRecord, beginning, follow

COMMUNITY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
REPORTER = Reporter(organisation="Example server", given_name="Friend", email="friend@example.org", country="DE")


def saying(text: str | None, name: str = "actor") -> CaseRecord:
    """An example whose first message says something else."""
    record = example()
    first = record.items[0]
    assert first.content is not None
    content = first.content.model_copy(update={"text": text, "name": name})
    item = first.model_copy(update={"content": content, "sha256": content.digest()})
    return record.model_copy(update={"items": (item, *record.items[1:])})


def forgotten() -> CaseRecord:
    """An example whose first author asked to be forgotten."""
    record = example()
    items = tuple(
        item.model_copy(update={"content": None}) if item.content and item.content.author == "1001" else item
        for item in record.items
    )
    return record.model_copy(update={"items": items})


def merged(record: CaseRecord) -> CaseRecord:
    """A record that a case named "other" became part of."""
    other, chain, items = example(3), beginning("other"), []
    for item in other.items:
        chain = follow(chain, bytes.fromhex(item.sha256))
        items.append(item.model_copy(update={"chain": chain.hex()}))
    return record.model_copy(update={"merged": (other.model_copy(update={"case": "other", "items": tuple(items)}),)})


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def signed(record: CaseRecord, key: Ed25519PrivateKey = COMMUNITY) -> bytes:
    (made,) = archive(record, REPORTER, sign=key.sign, verify_key=public(key))
    return made.data


def unpacked(zipped: bytes) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(zipped)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed(contents: Iterable[tuple[str, bytes]]) -> bytes:
    written = io.BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED) as zipped:
        for name, data in contents:
            zipped.writestr(name, data)
    return written.getvalue()


def recomputed(contents: dict[str, bytes], key: Ed25519PrivateKey | None = None) -> dict[str, bytes]:
    """Return contents with manifest and sums made anew, as anybody can; and the signature, if there is a key."""
    before = Manifest.model_validate(json.loads(contents[MANIFEST]))
    case = json.loads(contents["case.json"])
    listed = tuple(Listed(name=name, size=len(contents[name]), sha256=digest(contents[name])) for name in CONTENTS)
    named = before.verify_key if key is None else public(key).hex()
    manifest = Manifest(case=case["case"], made=case["exported"], files=listed, verify_key=named)
    written = to_json(manifest)
    anew = {MANIFEST: written, SUMS: sums_text(manifest, written)}
    return contents | anew | ({} if key is None else {SIGNATURE: key.sign(DOMAIN + written)})
