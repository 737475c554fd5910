"""What a person says beyond the record, as a file: written as it was filled in, read back as it was corrected.

Leans on pydantic, and on the formats that take such a file and judge what is in it (`core.export.ncmec.Facts`,
`core.export.cybertip_ca.Answers`). It is TOML, as the configuration is. A mistake is named by its place, and never
quoted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from core.errors import ExportError
from core.export.cybertip_ca import Answers
from core.export.ncmec import Facts, Known

_REMEDY = "The same command without --facts prints what the file may hold; docs/exports.md explains it."
_NAMES = {field.name for of in (Facts, Known, Answers) for field in fields(of)}
Said = TypeVar("Said", bound=Facts | Answers)


def read(text: str, filled_in: Said) -> Said:
    """Return `filled_in` with whatever the file names in its place; a person in it as a whole. Raises `ExportError`.

    >>> read('people.1002.age = 13', Facts(agency="Police", people={"1002": Known(age=12), "1001": Known()})).people
    {'1002': Known(age=13, email='', country='', region=''), '1001': Known(age=None, email='', country='', region='')}
    """
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise ExportError("The file of facts is not valid TOML.", _REMEDY) from None
    try:
        said = TypeAdapter(type(filled_in)).validate_python(tree)
    except ValidationError as error:
        places = [_place(one["loc"], one["type"]) for one in error.errors(include_input=False, include_url=False)]
        raise ExportError(f"The file of facts is not right: {'; '.join(places)}.", _REMEDY) from None
    given = {name: getattr(said, name) for name in tree}
    if isinstance(filled_in, Facts) and isinstance(said, Facts):
        given["people"] = {**filled_in.people, **said.people}
    return replace(filled_in, **given)


def write(facts: Facts | Answers) -> str:
    r"""Write all of it, as it stands; what is not known as a comment.

    >>> print(write(Facts(annotations=("spam",), remarks='say "hi"', people={"1002": Known(age=12)})))
    incident_type = "Online Enticement of Children for Sexual Acts"
    annotations = ["spam"]
    high_priority = ""
    agency = ""
    agency_case = ""
    prior_reports = []
    transcript_read = false
    remarks = "say \"hi\""
    <BLANKLINE>
    [people."1002"]
    age = 12
    email = ""
    country = ""
    region = ""
    """
    return "\n".join(_lines(facts))


def _lines(facts: Facts | Answers) -> Iterator[str]:
    yield from _keys(facts)
    for person, known in facts.people.items() if isinstance(facts, Facts) else ():
        yield from ("", f"[people.{_value(person)}]", *_keys(known))


def _keys(of: Facts | Answers | Known) -> Iterator[str]:
    for field in fields(of):
        value = getattr(of, field.name)
        if value is None:
            yield f"# {field.name} is not known"
        elif field.name != "people":
            yield f"{field.name} = {_value(value)}"


def _value(value: Any) -> str:
    r"""Write a value; a character that is not seen by its number.

    >>> _value("a\nb\u202e"), _value((True, 7))
    ('"a\\U0000000Ab\\U0000202E"', '[true, 7]')
    """
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        seen = (sign if sign.isprintable() else f"\\U{ord(sign):08X}" for sign in escaped)
        return f'"{"".join(seen)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    return str(value).lower()


def _place(where: tuple[int | str, ...], kind: str) -> str:
    """Name a place by what it is a part of: keys of the file may be names."""
    place = ".".join(str(part) for part in where if part in _NAMES)
    if kind in {"unexpected_keyword_argument", "extra_forbidden"}:
        return f"{place or 'it'} has a key that is not known"
    return f"{place} is not what it should be"
