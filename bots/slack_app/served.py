"""What holds for a workspace: the operator's choices and its own over them; and by that, which messages are read.

Leans on `bots.common.pauses`. What is left out is noted with the choices, for the operator's file changes between two
runs: a channel freed there is read from the next start on, as one freed by command is from then on.
"""

from __future__ import annotations

import time
from typing import Any, Literal

from pydantic import Field

from bots.common.pauses import Pausing
from bots.slack_app.translate import Raw, is_deletion, subject
from core.config import SlackWorkspace

NOTED = frozenset(("left_out_seen", "left_out_until", "homes"))
"""What stands among a workspace's choices, and nobody chose."""
Rank = Literal["moderator", "staff"]
"""What somebody's Home shows beyond everybody's: cases and how Lampkeeper is doing, or only the latter."""


class Served(SlackWorkspace, Pausing):
    """A workspace as it is served. What was said, or edited, during one of its `pauses` is never read.

    Nor is what was said in a channel while that was left out or took the alerts: `left_out_until` tells until when, by
    channel (seconds since the epoch). `left_out_seen` is what was left out when that was noted last; None: never.
    `homes` is by member whose Home in Slack shows more than everybody's, and what (`bots.slack_app.home`).
    """

    left_out_until: dict[str, float] = Field(default_factory=dict)
    left_out_seen: tuple[str, ...] | None = None
    homes: dict[str, Rank] = Field(default_factory=dict)

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

    def noted(self, before: frozenset[str]) -> dict[str, Any]:
        """Return what is to be noted where `before` was left out so far: what is free of it is free from now on."""
        if self.left_out_seen is not None and frozenset(self.left_out_seen) == before == self.left_out:
            return {}
        freed = dict.fromkeys(sorted(before - self.left_out), time.time())
        return {"left_out_seen": sorted(self.left_out), "left_out_until": self.left_out_until | freed}
