"""What holds for a workspace: the operator's choices and its own over them; and by that, which messages are read.

Leans on `bots.common.pauses`. What is left out is noted with the choices, for the operator's file changes between two
runs: a channel freed there is read from the next start on, as one freed by command is from then on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from bots.common.pauses import Pausing
from bots.slack_app.translate import Raw, is_deletion, subject
from core.config import SlackWorkspace

NOTED = frozenset(("left_out_seen", "left_out_until", "homes", "silent", "former"))
"""What stands among a workspace's choices, and nobody chose."""
Rank = Literal["moderator", "staff"]
"""What somebody's Home shows beyond everybody's: cases and how Lampkeeper is doing, or only the latter."""


Former = Mapping[str, tuple[tuple[str, float], ...]]
"""By channel the IDs that it had before Slack gave it another one, oldest first, each with until when, by its clock."""


def named(former: Former, conversation: str) -> str:
    """Return what a conversation is known by: a thread by the ID that its channel had when it was begun.

    >>> former = {"C2": (("G1", 20.0),)}
    >>> [named(former, conversation) for conversation in ("C2", "C2/10.0", "C2/30.0")]
    ['C2', 'G1/10.0', 'C2/30.0']
    """
    channel, _, thread = conversation.partition("/")
    known = (old for old, until in former.get(channel, ()) if thread and float(thread) < until)
    return next((f"{old}/{thread}" for old in known), conversation)


class Served(SlackWorkspace, Pausing):
    """A workspace as it is served. What was said, or edited, during one of its `pauses` is never read.

    Nor is what was said in a channel while that was left out or took the alerts: `left_out_until` tells until when, by
    channel (seconds since the epoch). `left_out_seen` is what was left out when that was noted last; None: never.
    `homes` is by member whose Home in Slack shows more than everybody's, and what (`bots.slack_app.home`). `silent`:
    its moderators were told that Slack sends no events (`bots.slack_app.silence`). `former` are the IDs that
    channels had before (`Former`).
    """

    left_out_until: dict[str, float] = Field(default_factory=dict)
    left_out_seen: tuple[str, ...] | None = None
    homes: dict[str, Rank] = Field(default_factory=dict)
    silent: bool = False
    former: dict[str, tuple[tuple[str, float], ...]] = Field(default_factory=dict)

    @property
    def left_out(self) -> frozenset[str]:
        """Channels that are not read. The alert channel is one: moderators quote there what they decide about."""
        return frozenset(channel for channel in (self.alert_channel, *self.ignored_channels) if channel is not None)

    def reads(self, raw: Raw) -> bool:
        """Tell whether a message event is read: said where and while the workspace let it be read, then and now.

        A deletion always is: what was deleted is to go, whenever that was.
        """
        channel, message = raw["channel"], subject(raw)
        if is_deletion(raw):
            return True
        if channel in self.left_out:
            return False
        said, edited = float(message["ts"]), (message.get("edited") or {}).get("ts")
        free = said >= self.left_out_until.get(channel, 0.0) and not self.skips(said)
        return free and not (edited and self.skips(float(edited)))

    def named(self, raw: Raw) -> Raw:
        """Return a message event under the ID that its channel had when the message, or its thread, was begun.

        So what was said before the channel got another ID is known again, and keeps its place: nothing counts twice.
        """
        about = subject(raw)
        begun = float(about.get("thread_ts") or raw.get("deleted_ts") or about["ts"])
        for channel, until in self.former.get(raw["channel"], ()):
            if begun < until:
                return {**raw, "channel": channel}
        return raw

    def renamed(self, old: str, new: str) -> dict[str, Any]:
        """Return the choices that name a channel which has another ID now, as they are with that."""
        ignored = tuple(new if channel == old else channel for channel in self.ignored_channels)
        changes: dict[str, Any] = {
            name: new for name in ("alert_channel", "second_channel") if getattr(self, name) == old
        }
        return changes | ({"ignored_channels": ignored} if ignored != self.ignored_channels else {})

    def formerly(self, old: str, new: str, when: float) -> dict[str, Any]:
        """Return what is to be noted where a channel has another ID since `when`."""
        former = {channel: ids for channel, ids in self.former.items() if channel not in {old, new}}
        until = dict(self.left_out_until)
        if old in until:
            until[new] = until[old]
        return {"former": former | {new: (*self.former.get(old, ()), (old, when))}, "left_out_until": until}

    def noted(self, before: frozenset[str]) -> dict[str, Any]:
        """Return what is to be noted where `before` was left out so far: what is free of it is free from now on."""
        if self.left_out_seen is not None and frozenset(self.left_out_seen) == before == self.left_out:
            return {}
        freed = dict.fromkeys(sorted(before - self.left_out), time.time())
        return {"left_out_seen": sorted(self.left_out), "left_out_until": self.left_out_until | freed}
