"""Slack's stage for the contract suite (`tests/contract.py`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from structlog.testing import capture_logs

from bots.adapter import Finding
from tests.contract import Right, Shown
from tests.slack_api import GENERAL, TEAM, Json
from tests.slack_platform import SlackStage, slack_stage

FORBIDDEN: dict[Right, tuple[str, Json, str]] = {
    "post": ("chat.postMessage", {"code": "missing_scope", "needed": "chat:write"}, "chat:write"),
    "read": ("conversations.history", {"code": "missing_scope", "needed": "channels:history"}, "channels:history"),
}
"""Right -> the method that needs it, what Slack answers without it, and the scope that it is."""


class SlackContract(SlackStage):
    space = f"slack:{TEAM}"
    general = f"<#{GENERAL}>"

    def shown(self) -> list[Shown]:
        return [Shown(card["alert"], card["ts"], card["title"], card["text"], card["buttons"]) for card in self.cards()]

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


@asynccontextmanager
async def slack_contract(folder: Path) -> AsyncIterator[SlackContract]:
    async with slack_stage(folder, kind=SlackContract) as stage:
        assert isinstance(stage, SlackContract)
        yield stage
