"""The values that every part of Lampkeeper exchanges: who said what, to whom, where and when.

Leans on nothing. They are named tuples, not dataclasses: just as frozen, and made several times faster, which counts
for the one object that exists per message. Platform ids are opaque strings; a platform's name never appears here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

AgeBand = Literal["under_13", "13_15", "16_17", "adult"]
AGE_BANDS: tuple[AgeBand, ...] = get_args(AgeBand)


class Author(NamedTuple):
    """A person in a space; `id` is the platform's own, `name` only for showing to moderators."""

    id: str
    name: str = ""
    age_band: AgeBand | None = None


class ConversationKey(NamedTuple):
    """A channel, thread or DM within its space (one Discord server, one Slack workspace, one API tenant)."""

    space: str
    conversation: str


class Pair(NamedTuple):
    """The unit of scoring: `actor`'s way of talking to `target` (None: nobody in particular) within `space`."""

    space: str
    actor: str
    target: str | None


class Message(NamedTuple):
    """One message as seen.

    `time` is seconds since the epoch, UTC, or None where the source has no clock. `reply_to`, `mentions` and `partner`
    are ids of people; `partner` is the one other person of a direct conversation. `attachments` are kinds
    (``"image"``), never contents. `edited` is when the platform says that it was edited last, in seconds as `time`;
    None: never, or the source does not tell.
    """

    key: ConversationKey
    id: str
    author: Author
    text: str
    time: float | None = None
    reply_to: str | None = None
    mentions: tuple[str, ...] = ()
    partner: str | None = None
    attachments: tuple[str, ...] = ()
    edited: float | None = None


class Edit(NamedTuple):
    """`message` as it reads now; it keeps its id, and whom it was aimed at.

    `read_back`: it is no news of an edit, but was read from history, where it may never have been edited.
    """

    message: Message
    read_back: bool = False


class Deletion(NamedTuple):
    """The message `id` is gone from the platform. What was said still counts; the record shows the deletion."""

    key: ConversationKey
    id: str
    time: float | None = None


Event = Message | Edit | Deletion


def tidy(text: str) -> str:
    r"""Make any string storable: a lone surrogate, which no encoding can hold, becomes U+FFFD.

    >>> tidy("ok \ud800") == "ok \ufffd"
    True
    """
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
