"""Slack's stage for the contract suite (`tests/contract.py`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from bots.adapter import Finding
from bots.slack_app.delivery import CALL_TYPE
from core.casework.cards import Person
from core.casework.desk import FourEyes
from tests.contract import Right, Shown
from tests.slack_api import ALERTS, GENERAL, PEOPLE, PRIVATE, TEAM, Json
from tests.slack_platform import SlackStage, slack_stage
from tests.slack_replies import Told

FORBIDDEN: dict[Right, tuple[str, Json, str]] = {
    "post": ("chat.postMessage", {"code": "missing_scope", "needed": "chat:write"}, "chat:write"),
    "read": ("conversations.history", {"code": "missing_scope", "needed": "channels:history"}, "channels:history"),
}
"""Right -> the method that needs it, what Slack answers without it, and the scope that it is."""


class SlackContract(SlackStage):
    space = f"slack:{TEAM}"
    general = f"<#{GENERAL}>"

    def shown(self) -> list[Shown]:
        return [
            Shown(card["alert"], channel, card["ts"], card["title"], card["text"], card["buttons"])
            for channel in (ALERTS, PRIVATE)
            for card in self.cards(channel)
        ]

    async def press(self, alert: str, button: str, moderator: str = "moderator") -> Told:
        """Press; the stranger's is a workspace with which the alert channel is shared, and the stranger its admin."""
        if moderator == "stranger":
            moderator = "friend"
            self.platform.users[PEOPLE[moderator]] |= {"team_id": "T0OTHER", "is_admin": True}
            self.platform.channels[ALERTS].members.add(PEOPLE[moderator])
        return await super().press(alert, button, moderator)

    def calls(self) -> list[str]:
        return _calls(self.platform.channels[ALERTS].messages)

    def second_calls(self) -> list[str]:
        return _calls(self.platform.channels[PRIVATE].messages)

    def notices_elsewhere(self) -> list[str]:
        messages = self.platform.channels[PRIVATE].messages
        return [one["text"] for one in messages if one.get("bot_id") and not one.get("metadata")]

    async def choose_second_channel(self) -> None:
        await self._choose(second_channel=PRIVATE)

    async def leave_out(self) -> None:
        await self._choose(ignored_channels=[GENERAL])

    async def change_alert_channel(self) -> None:
        await self._choose(alert_channel=PRIVATE)

    async def _choose(self, **changes: Any) -> None:
        await self.adapter.of(self.space).choose(changes, Person(PEOPLE["moderator"], "moderator"))

    def pass_time(self, seconds: float) -> None:
        self.later += seconds

    async def forbid(self, right: Right) -> None:
        method, refusal, scope = FORBIDDEN[right]
        self.platform.refuse[method] = refusal
        self.platform.scopes.discard(scope)

    async def permit(self, right: Right) -> None:
        method, _, scope = FORBIDDEN[right]
        del self.platform.refuse[method]
        self.platform.scopes.add(scope)

    async def check(self) -> list[Finding]:
        return await self.adapter.check()

    async def remove(self) -> None:
        with capture_logs() as logs:
            await self.platform.send_event({"type": "app_uninstalled"})
            await self.settled()
        assert [entry for entry in logs if entry["event"] == "slack.removed"]


def _calls(messages: list[Json]) -> list[str]:
    return [one["text"] for one in messages if (one.get("metadata") or {}).get("event_type") == CALL_TYPE]


@asynccontextmanager
async def slack_contract(folder: Path, four_eyes: Sequence[FourEyes] = ()) -> AsyncIterator[SlackContract]:
    async with slack_stage(folder, kind=SlackContract, four_eyes=four_eyes) as stage:
        assert isinstance(stage, SlackContract)
        yield stage
