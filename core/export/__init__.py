"""What leaves Lampkeeper: a case as one record (`record`), rendered by one file each into what authorities take.

Leans on nothing but the record; exports are bytes, and who writes them where is not decided here. A format is one row
of `FORMATS` and one module, imported when it is asked for: what one of them leans on, nobody else waits for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

from core.errors import ExportError

if TYPE_CHECKING:
    from core.export.cybertip_ca import Answers
    from core.export.ncmec import Facts
    from core.export.record import CaseRecord
    from core.vault import Vault


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who passes a case on, as far as they want to be named; "" where they do not.

    `country` is ISO 3166-1 alpha-2; `region` is a state, province or county; `service` is the name under which people
    know what they used, where that is not the platform's own.
    """

    organisation: str = ""
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    phone: str = ""
    country: str = ""
    website: str = ""
    street: str = ""
    city: str = ""
    postal_code: str = ""
    region: str = ""
    service: str = ""


class ExportFile(NamedTuple):
    """One file of an export: a name without any folder, its media type (RFC 6838), its bytes."""

    name: str
    media_type: str
    data: bytes


class Format(NamedTuple):
    """What a format is for, in words, and the function that makes it, as module:name.

    `signed`: it takes a signer. `asks`: it takes what only a person knows, and its module has `prefilled` for that.
    """

    meaning: str
    where: str
    signed: bool = False
    asks: bool = False


Exporter = Callable[["CaseRecord", Reporter], list[ExportFile]]
"""What every export is; raises `core.errors.ExportError`. The same record gives the same bytes on any day."""

FORMATS: dict[str, Format] = {
    "ncmec": Format(
        "what a registered provider submits to NCMEC's CyberTipline (US)", "core.export.ncmec:export", asks=True
    ),
    "cybertip_ca": Format(
        "what the form of Cybertip.ca asks for (Canada)", "core.export.cybertip_ca:export", asks=True
    ),
    "packet": Format(
        "a page for police or a public form, and a page that says where to go", "core.export.packet:packet"
    ),
    "pdf": Format("the same page as PDF (needs WeasyPrint)", "core.export.pdf:pdf"),
    "zip": Format("everything, as a signed archive that anybody can check", "core.export.archive:archive", signed=True),
    "json": Format("the record itself, for other programs", "core.export.plain:plain"),
}


def exporter(name: str) -> Exporter:
    """Return what makes a format; ExportError if there is none of that name.

    >>> exporter("json").__module__
    'core.export.plain'
    """
    if name not in FORMATS:
        raise ExportError(f"There is no export named {name!r}.", f"There are: {', '.join(FORMATS)}.")
    module, _, function = FORMATS[name].where.partition(":")
    return cast("Exporter", getattr(import_module(module), function))


def prefilled(record: CaseRecord, name: str) -> Facts | Answers | None:
    """Return what the record says of what only a person knows, for a format that asks for it; None for others."""
    if not FORMATS[name].asks:
        return None
    module = import_module(FORMATS[name].where.partition(":")[0])
    return cast("Facts | Answers", module.prefilled(record))


def files(
    record: CaseRecord, name: str, reporter: Reporter, vault: Vault, facts: Facts | Answers | None = None
) -> list[ExportFile]:
    """Make a case's files in a format, signed by the vault where the format takes that; raises `ExportError`.

    `facts` is what a person said, for a format that asks for it; None: as it is filled in.
    """
    make: Callable[..., list[ExportFile]] = exporter(name)
    more: dict[str, object] = {} if facts is None else {"facts": facts}
    if FORMATS[name].signed:
        more |= {"sign": vault.sign, "verify_key": vault.verify_key}
    return make(record, reporter, **more)


def file_name(case: str, rest: str) -> str:
    """Name a file after its case, with nothing in it that a file system or a mail program could mistake, and short.

    >>> file_name("../b7c1", ".zip")
    'lampkeeper-case-___b7c1.zip'
    """
    return "lampkeeper-case-" + "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in case[:64]) + rest
