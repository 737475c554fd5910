"""How a pair's state is written small: JSON, squeezed by zlib that knows the words of it beforehand.

Leans on msgspec, which writes JSON several times faster than the standard library does. A pair that showed every signal
comes to less than 1 KB instead of 3. JSON stays inside, with its names: it keeps every float exactly, a field added
later finds its default in an older row, and rows written before there was this packing are read as they are.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
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
"""First byte of what zlib writes; no JSON begins with it."""


def as_json(value: object, fields: Callable[[Any], Any]) -> bytes:
    """Write JSON; `fields` makes JSON of what is none yet.

    Half a character, and numbers that are none, only the standard library writes (msgspec makes null of the latter).

    >>> as_json({"text": "hello", "sums": [0.1]}, repr)
    b'{"text":"hello","sums":[0.1]}'
    >>> as_json([None, float("inf")], repr)
    b'[null,Infinity]'
    """
    try:
        written = msgspec.json.encode(value, enc_hook=fields)
    except UnicodeEncodeError:
        written = b"null"
    if b"null" not in written:
        return written
    return json.dumps(value, default=fields, separators=(",", ":")).encode()


def pack(value: object, fields: Callable[[Any], Any]) -> bytes:
    """Write a value small; `fields` makes JSON of what is none yet.

    >>> unpack(pack({"messages": 3, "sums": [0.1]}, repr))
    {'messages': 3, 'sums': [0.1]}
    """
    squeeze = zlib.compressobj(zdict=_KNOWN)
    return squeeze.compress(as_json(value, fields)) + squeeze.flush()


def unpack(written: bytes) -> Any:
    """Read what `pack` wrote, or plain JSON.

    >>> unpack(b'{"messages": 3}')
    {'messages': 3}
    """
    if written.startswith(_PACKED):
        written = zlib.decompressobj(zdict=_KNOWN).decompress(written)
    return json.loads(written)
