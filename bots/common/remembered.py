"""What a platform was asked, kept for a while, so that it is not asked with every message. Leans on nothing."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """At most `most` values by key, the ones asked for last, each only until its time is over."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return the value, or None when it is unknown or too old."""
        until, value = self._values.get(key, (0.0, None))
        if value is None or until < time.monotonic():
            return None
        self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: Value, seconds: float) -> Value:
        """Remember `value` for `seconds`, and return it."""
        self._values[key] = (time.monotonic() + seconds, value)
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return value

    def drop(self, key: Key) -> None:
        """Forget a value."""
        self._values.pop(key, None)
