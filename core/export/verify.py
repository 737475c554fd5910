"""Checking an archive that comes from anywhere: what holds and what does not, each in a sentence.

Leans on `core.export.archive`, `core.export.record` and `cryptography`; needs no database, configuration or key. The
file may have been made to do harm: nothing is unpacked to disk, no name in it is used as a path, names that do not
belong are never opened, sizes are held against limits before and while reading, JSON is read by readers that give up on
depth, and names are shown with everything unseen written out.

What it can say ends where the file does: with a signature that fits, the archive is as the holder of that key made it.
Whether that key is the community's, only the community can say (`key`).
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core.errors import ExportError
from core.export.archive import (
    CASE,
    CONTENTS,
    DOMAIN,
    MANIFEST,
    MOST_BYTES,
    SIGNATURE,
    SUMS,
    Manifest,
    digest,
    sums_text,
)
from core.export.record import CaseRecord, Item, broken, missed
from core.export.visible import visible

MOST_ENTRIES = 100
SHOWN = 20
"""So many faults of one kind are told one by one."""
NAME_SHOWN = 60
SENTENCE_SHOWN = 300
ENCRYPTED = 0x1
BELONG = frozenset((*CONTENTS, MANIFEST, SIGNATURE, SUMS))
UNSAFE = "Do not unpack it; ask whoever sent it for another copy."


class Finding(NamedTuple):
    """One thing that was looked at: whether it holds, in a sentence."""

    holds: bool
    sentence: str


def examine(path: Path, key: bytes | None = None) -> list[Finding]:
    """Look at an archive; ExportError if it cannot be opened at all.

    Parameters
    ----------
    path
        The zip.
    key
        The community's public key (32 bytes), as it told by another way; None: the one in the archive is taken.
    """
    try:
        with path.open("rb") as file:
            return list(_examine(file, key))
    except OSError as error:
        raise ExportError(
            f"The file cannot be read ({error.strerror}).", "Name a file that this account can read."
        ) from error


def _examine(file: BinaryIO, key: bytes | None) -> Iterator[Finding]:
    found = _contents(file)
    if isinstance(found, Finding):
        yield found
        return
    contents, names = found
    yield from _names(names)
    manifest = _manifest(contents.get(MANIFEST))
    if manifest is None:
        yield Finding(False, f"{MANIFEST} is missing, or no manifest that this version of Lampkeeper reads.")
    else:
        yield _signature(contents, manifest, key)
        yield from _digests(contents, manifest)
    yield from _record(contents.get(CASE), manifest)


# --- the zip ---------------------------------------------------------------------------------------------------------


def _contents(file: BinaryIO) -> tuple[dict[str, bytes], list[str]] | Finding:
    """Return the files that belong to an archive, and the names of all entries; a finding if it is not safe to read."""
    try:
        with ZipFile(file) as zipped:
            entries = zipped.infolist()
            trouble = _trouble(entries)
            if trouble:
                return Finding(False, f"{trouble} {UNSAFE}")
            wanted = {entry.filename: entry for entry in entries if entry.filename in BELONG}
            return {name: _read(zipped, entry) for name, entry in wanted.items()}, [entry.filename for entry in entries]
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error, OverflowError):
        return Finding(False, f"The file is no zip archive, or a damaged one. {UNSAFE}")


def _trouble(entries: list[ZipInfo]) -> str:
    """Say why entries are not to be read; "" if they may be."""
    if len(entries) > MOST_ENTRIES:
        return f"It holds {len(entries):,} entries, which no archive of a case does."
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        return f"Unpacked it would be larger than {MOST_BYTES // 1024**2} MB, which no archive of a case is."
    if any(entry.flag_bits & ENCRYPTED for entry in entries):
        return "Parts of it are encrypted, which no archive of a case is."
    if any(entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for entry in entries):
        return "Parts of it are packed in a way that no archive of a case is."
    return ""


def _read(zipped: ZipFile, entry: ZipInfo) -> bytes:
    """Read one entry, never more than it said it would be."""
    with zipped.open(entry) as opened:
        data = opened.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise BadZipFile
    return data


def _names(names: list[str]) -> Iterator[Finding]:
    """Tell which files are missing, there twice, or do not belong."""
    counts = Counter(names)
    faults = [f"{name} is missing." for name in (*CONTENTS, MANIFEST, SUMS) if name not in counts]
    faults += [f"{_shown(name)} is there {count} times." for name, count in counts.items() if count > 1]
    faults += [f"{_shown(name)} does not belong to it." for name in counts if name not in BELONG]
    yield from _told(faults, "Every file is there, each once, and none that does not belong.")


def _shown(name: str) -> str:
    return ascii(visible(name)[:NAME_SHOWN])


# --- what is in it ---------------------------------------------------------------------------------------------------


def _manifest(written: bytes | None) -> Manifest | None:
    if written is None:
        return None
    try:
        manifest = Manifest.model_validate(json.loads(written))
    except (ValueError, RecursionError):  # pydantic's error is a ValueError, as json's is
        return None
    return manifest if tuple(one.name for one in manifest.files) == CONTENTS else None


def _signature(contents: dict[str, bytes], manifest: Manifest, key: bytes | None) -> Finding:
    """Tell whether the manifest is signed, and by whom."""
    signature, named = contents.get(SIGNATURE), manifest.verify_key
    if signature is None or named is None:
        return Finding(False, "It is not signed: whether it is as the community made it cannot be told from it.")
    if key is not None and key.hex() != named:
        return Finding(False, f"It is signed with another key than the one you gave: it names {named}.")
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(named)).verify(signature, DOMAIN + contents[MANIFEST])
    except (InvalidSignature, ValueError):
        return Finding(False, f"The signature does not fit: this is not what the holder of the key {named} signed.")
    whose = (
        "which is the one you gave"
        if key is not None
        else "Ask the community, by another way than the one this file came, whether that is its key (--key)"
    )
    return Finding(True, f"The signature fits the public key {named}{', ' if key is not None else '. '}{whose}.")


def _digests(contents: dict[str, bytes], manifest: Manifest) -> Iterator[Finding]:
    """Tell which files are not those that the manifest lists."""
    faults = []
    for one in manifest.files:
        data = contents.get(one.name)
        if data is not None and (len(data) != one.size or digest(data) != one.sha256):
            faults.append(
                f"{one.name} was changed: its SHA-256 is {digest(data)}, and the manifest lists {one.sha256}."
            )
    sums = contents.get(SUMS)
    if sums is not None and sums != sums_text(manifest, contents[MANIFEST]):
        faults.append(f"{SUMS} was changed: it does not list the files as the manifest does.")
    yield from _told(faults, "Every file has the size and SHA-256 digest that the manifest lists.")


def _record(written: bytes | None, manifest: Manifest | None) -> Iterator[Finding]:
    """Tell whether the record can be read, is the manifest's, and whether its digests and chain hold."""
    if written is None:
        return
    try:
        record = CaseRecord.model_validate(json.loads(written))
    except (ValueError, RecursionError):
        yield Finding(False, f"{CASE} is no record of a case that this version of Lampkeeper reads.")
        return
    if manifest is not None and (manifest.case, manifest.made) != (record.case, record.exported):
        yield Finding(False, f"{CASE} is of another case, or of another time, than the manifest says.")
    items = record.all_items
    fine = (
        f"Each of the {len(items):,} preserved versions has its digest, and the chain holds from the first to the last."
    )
    faults = [visible(fault)[:SENTENCE_SHOWN] for fault in (*broken(record), *missed(record))]
    faults += [f"Item {item.number} was received at another time than it says." for item in items if _misdated(item)]
    yield from _told(faults, fine)
    gone = sum(item.content is None for item in items)
    if gone:
        yield Finding(
            True, f"Of {gone:,} of them only the digest is there: they were removed at their author's request."
        )


def _misdated(item: Item) -> bool:
    return item.content is not None and item.content.received != item.received


def _told(faults: list[str], fine: str) -> Iterator[Finding]:
    """Tell faults one by one, up to `SHOWN`; without any, what is fine."""
    if not faults:
        yield Finding(True, fine)
    for fault in faults[:SHOWN]:
        yield Finding(False, fault)
    if len(faults) > SHOWN:
        yield Finding(False, f"... and {len(faults) - SHOWN:,} more of this kind.")
