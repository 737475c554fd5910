"""Who is who in the workspace: names, which accounts are programs, and who is in a channel; remembered for a while.

Leans on `bots.slack_app.api`. Never fatal: a person whom Slack does not tell about (a guest, a deleted account, a
missing permission) has an id and no name, and is asked for again later.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Generic, NamedTuple, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from bots.slack_app.api import call, pages
from core.errors import PlatformError

NAMES_KEPT = 20_000
NAME_SECONDS = 6 * 3600.0
"""Names change, seldom."""
UNKNOWN_SECONDS = 60.0
"""After a failed look-up, so that a permission that is missing does not cost a call per message."""
MEMBERS_KEPT = 1_000
MEMBERS_SECONDS = 60.0
"""A moderator who leaves the alert channel can press for a minute more."""

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """At most `most` values by key, the ones asked for last, each only until its time is over."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[str, tuple[float, Value]] = OrderedDict()

    def get(self, key: str) -> Value | None:
        """Return the value, or None when it is unknown or too old."""
        until, value = self._values.get(key, (0.0, None))
        if value is None or until < time.monotonic():
            return None
        self._values.move_to_end(key)
        return value

    def put(self, key: str, value: Value, seconds: float) -> Value:
        """Remember `value` for `seconds`, and return it."""
        self._values[key] = (time.monotonic() + seconds, value)
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return value


class Known(NamedTuple):
    """What is known of an account: the name it shows, and whether it is a program."""

    name: str = ""
    bot: bool = False


class People:
    """Looks people up; `client` is the Web API client."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: Remembered[Known] = Remembered(NAMES_KEPT)
        self._members: Remembered[frozenset[str]] = Remembered(MEMBERS_KEPT)

    async def known(self, user: str) -> Known:
        """Return what is known of `user` (https://docs.slack.dev/reference/methods/users.info); never raises."""
        known = self._known.get(user)
        if known is not None:
            return known
        try:
            account = (await call(self._client.users_info, user=user))["user"]
        except PlatformError:
            return self._known.put(user, Known(), UNKNOWN_SECONDS)
        profile = account.get("profile") or {}
        name = profile.get("display_name") or profile.get("real_name") or account.get("name") or ""
        return self._known.put(user, Known(str(name), bool(account.get("is_bot"))), NAME_SECONDS)

    async def members(self, channel: str) -> frozenset[str]:
        """Return the ids of everybody in `channel`; raises `PlatformError` where Slack does not tell."""
        members = self._members.get(channel)
        if members is None:
            found: set[str] = set()
            async for page in pages(self._client.conversations_members, "members", channel=channel):
                found.update(str(user) for user in page)
            members = self._members.put(channel, frozenset(found), MEMBERS_SECONDS)
        return members
