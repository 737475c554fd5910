"""How a state is written: JSON, and the states of pairs, which are many and large, smaller.

Leans on msgspec, which writes several times faster than the standard library does. Most pairs showed little: their
fields go one after the other into MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), a third of the
work of squeezing. Where much was shown, JSON is squeezed by zlib that knows the words of it beforehand: a pair that
showed every signal comes to less than 1 KB instead of 3. Either keeps every float exactly, a field added later finds
its default in an older row, and rows written before there was this packing are read as they are.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

_NAMES = """
age_claim age_minimising asks_age asks_alone asks_appearance asks_experience asks_liking asks_location
asks_parents asks_photo claims_adult claims_minor come_over contact_exchange dependency flattery gifts guilt
isolation love_declared meet_up move_off_platform names_age photo_trade reassurance risk_check romance
schedule_probe secrecy_request self_harm_mention sexual_talk target_discomfort threat threat_to_share
trust_appeal trust_test video_call age_gap fan_out lied_about_age night_hours one_sided_questions rapid_escalation
"""
_FIELDS = (
    '{"messages":,"questions":,"first_time":,"last_time":,"sums":[],"signals":{"","unweighed":{},"night":0,'
    '"first_seen":{"","leanings":[],"logit":,"english":,"foreign":0.0,"languages":{},'
    '"moments":[{"conversation":"","message_id":"","number":,"weight":0.,"signals":[""]}]}'
)
_KNOWN = ("".join(f',"{name}":' for name in _NAMES.split()) + _FIELDS).encode()
"""Never to be changed, for rows are read with what they were written with: a signal that is not in it is written out,
and only that. What stands at its end is reached with the fewest bits."""
_PACKED = b"\x78"
"""First byte of what zlib writes; no JSON begins with it, and nothing of MessagePack but a number."""
_NO_JSON = 0x80
"""From here on lie the first bytes of MessagePack's maps and lists, which are no ASCII."""
LITTLE = 512
"""Bytes that are not squeezed."""


def as_json(value: Any, fields: Callable[[Any], Any]) -> bytes:
    """Write JSON; `fields` makes JSON of what is none yet.

    Half a character, and numbers that are none, only the standard library writes (msgspec makes null of the latter).

    >>> as_json({"text": "hello", "sums": [0.1]}, repr)
    b'{"text":"hello","sums":[0.1]}'
    >>> as_json([None, float("inf")], repr)
    b'[null,Infinity]'
    >>> as_json(None, repr), as_json((None, "null"), repr), as_json("null", repr), as_json(float("inf"), repr)
    (b'null', b'[null,"null"]', b'"null"', b'Infinity')
    """
    try:
        written = msgspec.json.encode(value, enc_hook=fields)
    except UnicodeEncodeError:
        return _slowly(value, fields)
    nulls = written.count(b"null")
    return written if not nulls or nulls == _nothings(value, fields) else _slowly(value, fields)


def _nothings(value: Any, fields: Callable[[Any], Any]) -> int:
    """Count what is None in a list, a dict or a state, or is it: so many nulls stand for no number."""
    if value is None or isinstance(value, str | int | float):
        return int(value is None)
    parts = value if isinstance(value, list | tuple) else (value if isinstance(value, dict) else fields(value)).values()
    return sum([part is None for part in parts])


def _slowly(value: object, fields: Callable[[Any], Any]) -> bytes:
    return json.dumps(value, default=fields, separators=(",", ":")).encode()


def pack(value: object, fields: Callable[[Any], Any]) -> bytes:
    """Write a state small: the values of its `fields` in order, or the names with them where that is squeezed.

    >>> unpack(pack(None, lambda state: {"messages": 3, "sums": [0.1]}))
    [3, [0.1]]
    """
    with suppress(UnicodeEncodeError):
        written = msgspec.msgpack.encode([*fields(value).values()])
        if len(written) <= LITTLE:
            return written
    squeeze = zlib.compressobj(zdict=_KNOWN)
    return squeeze.compress(as_json(value, fields)) + squeeze.flush()


def unpack(written: bytes) -> Any:
    """Read what `pack` wrote, or plain JSON.

    >>> unpack(b'{"messages": 3}')
    {'messages': 3}
    """
    if written.startswith(_PACKED):
        written = zlib.decompressobj(zdict=_KNOWN).decompress(written)
    return json.loads(written) if written[0] < _NO_JSON else msgspec.msgpack.decode(written)
