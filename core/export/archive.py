"""The archive: a case as one zip that anybody can check, without Lampkeeper and without asking whoever made it.

Leans on `core.export.record`, the packet, and a signer that is handed in. What is in it: case.json (the record, the one
that counts), messages.csv and audit.csv (the same as tables), packet.html (for reading), README.txt (how to check it),
manifest.json (each file's size and SHA-256), manifest.sig (Ed25519, RFC 8032), SHA256SUMS (for ``sha256sum -c``).
Decisions:

- The signature is over `DOMAIN` and the bytes of the manifest, so that a signature made for something else never fits.
  The manifest holds a digest of every file that says something; SHA256SUMS and manifest.sig follow from it.
- A key that lies in the archive proves nothing by itself: whoever checks compares it with the community's own
  (`lampkeeper verify --key`). An archive that is not signed says so in its README.txt.
- The same record gives the same bytes: no clock, no chance; times in the zip are those of the record. (Compressed bytes
  may differ between versions of zlib; the files in it do not.)
- JSON is written in ASCII: texts may hold halves of characters (lone surrogates), which UTF-8 cannot.
- It is not encrypted: whoever passes it on does so by a channel that is.
"""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Annotated, Final, Literal
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pydantic import BaseModel, ConfigDict, Field

from core.errors import ExportError
from core.export import ExportFile, Reporter, file_name
from core.export.checks import faults
from core.export.packet import PACKET, packet_page
from core.export.record import CaseRecord, Moderator, Sha256, Time, stamp
from core.export.sheet import sheet
from core.export.visible import visible

FORMAT: Final = "lampkeeper-archive-1"
DOMAIN = b"lampkeeper archive 1\n"
"""What is signed is this, then the manifest's bytes."""
CASE, MESSAGES, AUDIT, README = "case.json", "messages.csv", "audit.csv", "README.txt"
MANIFEST, SIGNATURE, SUMS = "manifest.json", "manifest.sig", "SHA256SUMS"
CONTENTS = (CASE, MESSAGES, AUDIT, PACKET, README)
"""The files that the manifest lists, in its order."""
ZIP = "application/zip"
MOST_BYTES = 256 * 1024 * 1024
"""Of all files in an archive, unpacked: ten times a case of 10,000 messages. `core.export.verify` reads no more."""
EARLIEST_YEAR, LATEST_YEAR = 1980, 2107  # of a time in a zip
KEY_PREFIX = bytes.fromhex("302a300506032b6570032100")
"""Before the 32 bytes of an Ed25519 key it makes the key's DER form (RFC 8410)."""
MESSAGE_COLUMNS = (
    "number",
    "case",
    "kind",
    "version",
    "conversation",
    "message",
    "stated (UTC)",
    "received (UTC)",
    "edited (UTC)",
    "author id",
    "author name",
    "aimed at id",
    "text",
    "sent along",
    "moved the score",
    "link",
    "sha256",
    "chain",
)
REMOVED = "removed at its author's request"
"""Instead of a kind, where the content had to go and its digest stays."""
_DECIDED = {
    None: "Nobody has decided about this case yet: what is in here is what\na program noticed, and it proves nothing.",
    "confirmed": "A person read this case and confirmed the concern.",
    "dismissed": "A person read this case and dismissed it.",
}
"""What README.txt says of the decision; its lines are short."""
AUDIT_COLUMNS = ("case", "time (UTC)", "what", "by id", "by name", "details")


class Listed(BaseModel):
    """One file in a manifest: its name, bytes, digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256


class Manifest(BaseModel):
    """What is signed: which case, made when (the record's `exported`), its files, the public key as 64 hex digits."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal["lampkeeper-archive-1"] = FORMAT
    case: str
    made: Time
    files: tuple[Listed, ...]
    verify_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None


def archive(
    record: CaseRecord,
    reporter: Reporter,
    *,
    sign: Callable[[bytes], bytes] | None = None,
    verify_key: bytes | None = None,
) -> list[ExportFile]:
    """Return the archive of a case.

    Parameters
    ----------
    record, reporter
        The case, and who passes it on.
    sign
        Returns the Ed25519 signature (64 bytes) of what it is given; None: the archive is not signed, and says so.
    verify_key
        The public key (32 bytes) that the signature can be checked with.

    Raises
    ------
    ExportError
        It would be larger than anybody could check (`MOST_BYTES`).
    """
    if (sign is None) != (verify_key is None):
        raise TypeError("A signature and its public key come together, or not at all.")
    contents = {
        CASE: record_json(record),
        MESSAGES: sheet(MESSAGE_COLUMNS, _messages(record)),
        AUDIT: sheet(AUDIT_COLUMNS, _audit(record)),
        PACKET: packet_page(record, reporter).encode(),
        README: _readme(record, verify_key),
    }
    if sum(map(len, contents.values())) > MOST_BYTES:
        what = f"The archive of this case would be larger than {MOST_BYTES // 1024**2} MB, which nothing could check."
        raise ExportError(what, "Take the packet instead.")
    listed = tuple(Listed(name=name, size=len(contents[name]), sha256=digest(contents[name])) for name in CONTENTS)
    key = None if verify_key is None else verify_key.hex()
    manifest = Manifest(case=record.case, made=record.exported, files=listed, verify_key=key)
    written = to_json(manifest)
    signature = {} if sign is None else {SIGNATURE: sign(DOMAIN + written)}
    sums = {SUMS: sums_text(manifest, written)}
    return [
        ExportFile(file_name(record.case, ".zip"), ZIP, _zip(record, contents | {MANIFEST: written} | signature | sums))
    ]


def record_json(record: CaseRecord) -> bytes:
    """Write a record as case.json holds it: JSON in ASCII, indented by one space, with a line end.

    `core.export.record.CaseRecord.model_validate` of what `json.loads` makes of it is the same record.
    """
    return to_json(record)


def to_json(value: BaseModel) -> bytes:
    """Write a value as JSON in ASCII."""
    return json.dumps(value.model_dump(mode="json"), indent=1).encode("ascii") + b"\n"


def digest(data: bytes) -> str:
    """Return the SHA-256 of data, as hex digits."""
    return sha256(data).hexdigest()


def sums_text(manifest: Manifest, written: bytes) -> bytes:
    """Return SHA256SUMS: a line for each listed file and one for the manifest, as ``sha256sum`` writes them."""
    lines = [f"{one.sha256}  {one.name}\n" for one in manifest.files]
    return "".join([*lines, f"{digest(written)}  {MANIFEST}\n"]).encode()


def _zip(record: CaseRecord, contents: dict[str, bytes]) -> bytes:
    made = record.exported.timetuple()[:6]
    if not EARLIEST_YEAR <= made[0] <= LATEST_YEAR:
        made = (EARLIEST_YEAR, 1, 1, 0, 0, 0)
    written = io.BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED) as zipped:
        for name, data in contents.items():
            entry = ZipInfo(name, made)
            entry.create_system = 3  # Unix, whatever this runs on: else the bytes would differ
            entry.external_attr = 0o100600 << 16
            entry.compress_type = ZIP_DEFLATED
            zipped.writestr(entry, data)
    return written.getvalue()


def _messages(record: CaseRecord) -> Iterator[tuple[str, ...]]:
    for item in record.items:
        place, evidence = (str(item.number), record.case), (item.link or "", item.sha256, item.chain)
        received, moved, said = stamp(item.received) or "", "yes" if item.moved_the_score else "", item.content
        if said is None:
            nothing = ("",) * 4
            yield (*place, REMOVED, *nothing, received, "", *nothing, "", moved, *evidence)
            continue
        yield (
            *place,
            said.kind,
            str(said.version),
            said.conversation,
            said.id,
            stamp(said.time) or "",
            received,
            stamp(said.edited) or "",
            said.author,
            said.name,
            said.target or "",
            said.text or "",
            ", ".join(said.attachments),
            moved,
            *evidence,
        )
    for case in record.merged:
        yield from _messages(case)


def _audit(record: CaseRecord) -> Iterator[tuple[str, ...]]:
    for deed in record.audit:
        by = deed.by or Moderator(id="", name="")
        detail = json.dumps(deed.model_dump(mode="json")["detail"], sort_keys=True)
        yield (record.case, stamp(deed.time) or "", deed.what, by.id, by.name, detail)
    for case in record.merged:
        yield from _audit(case)


def _readme(record: CaseRecord, verify_key: bytes | None) -> bytes:
    """Tell in plain words what is in the archive and how to check it, with line ends that every editor shows."""
    parts = {"case": visible(record.case), "made": stamp(record.exported) or "", "files": _named(CONTENTS)}
    parts["decided"] = _DECIDED[None if record.decision is None else record.decision.decision]
    if found := faults(record):
        parts["decided"] += "\n\nWhat is preserved of this case is not as Lampkeeper wrote it:\n\n"
        parts["decided"] += "\n".join(f"  {visible(fault)}" for fault in found)
    name = "unsigned" if verify_key is None else "signed"
    if verify_key is not None:
        parts |= {"key": verify_key.hex(), "pem": _pem(verify_key)}
    signed = _template(f"README.{name}.txt").format(**parts)
    return _template("README.txt").format(**parts, signed=signed).replace("\n", "\r\n").encode()


def _named(names: Iterable[str]) -> str:
    return ", ".join(names)


def _pem(verify_key: bytes) -> str:
    """Write a public key as programs such as OpenSSL read it."""
    return f"-----BEGIN PUBLIC KEY-----\n{b64encode(KEY_PREFIX + verify_key).decode()}\n-----END PUBLIC KEY-----"


@cache
def _template(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text("utf-8")
