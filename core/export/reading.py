"""Reading a case record from a file, with a sentence for whatever is wrong with it.

Leans on pydantic and the record. What is wrong is named by its place, and never quoted.
"""

from __future__ import annotations

from itertools import takewhile

from pydantic import BaseModel, ValidationError

from core.errors import ExportError
from core.export import record
from core.export.record import CaseRecord

_TOLD = 3
"""So many mistakes are named, and the others counted."""
_REMEDY = "docs/case_record.md says what a record holds; export the case again."


def read_record(data: bytes | str) -> CaseRecord:
    """Read a record from JSON in UTF-8; raises `ExportError`.

    >>> read_record('{"format": "lampkeeper-case-2"}')
    Traceback (most recent call last):
        ...
    core.errors.ExportError: This is not the record of a case: note is missing; case is missing; space is missing; ...
    """
    try:
        return CaseRecord.model_validate_json(data)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        told = "; ".join(_told(one["loc"], one["type"], one["msg"]) for one in found[:_TOLD])
        more = f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
        raise ExportError(f"This is not the record of a case: {told}{more}.", _REMEDY) from None
    except (OverflowError, RecursionError, UnicodeError):
        raise ExportError("This is not the record of a case: something in it is out of bounds.", _REMEDY) from None


def _told(where: tuple[int | str, ...], kind: str, message: str) -> str:
    if not where:
        return "it is not JSON" if kind == "json_invalid" else "it is not an object"
    place = ".".join(str(part) for part in takewhile(_nameable, where))
    if kind == "extra_forbidden":
        return f"{place or 'it'} has a key that is not known"
    if kind == "missing":
        return f"{place} is missing"
    return f"{place}: {message[0].lower()}{message[1:]}"


def _nameable(part: int | str) -> bool:
    """Tell keys of a record from others, which may be anything, somebody's name as well."""
    return isinstance(part, int) or part in _KEYS


_KEYS = {
    key
    for kind in vars(record).values()
    if isinstance(kind, type) and issubclass(kind, BaseModel)
    for key in kind.model_fields
}
