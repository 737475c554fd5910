"""Discord's stage for the contract suite (`tests/contract.py`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from structlog.testing import capture_logs

from bots.adapter import Finding
from tests.contract import Right, Shown
from tests.discord_objects import (
    ALERTS,
    BOT_ROLE,
    EVERYONE,
    GENERAL,
    HISTORY,
    MODERATORS,
    SEND,
    SERVER,
    VIEW,
    Json,
    overwrite,
)
from tests.discord_stage import DiscordStage, discord_stage, until
from tests.support import Ahead

ALERTS_SEEN = [overwrite(EVERYONE, deny=VIEW), overwrite(MODERATORS, allow=VIEW)]
FORBIDDEN: dict[Right, tuple[int, list[Json]]] = {
    "post": (ALERTS, [*ALERTS_SEEN, overwrite(BOT_ROLE, allow=VIEW, deny=SEND)]),
    "read": (GENERAL, [overwrite(BOT_ROLE, deny=HISTORY)]),
}
PERMITTED: dict[Right, tuple[int, list[Json]]] = {
    "post": (ALERTS, [*ALERTS_SEEN, overwrite(BOT_ROLE, allow=VIEW)]),
    "read": (GENERAL, []),
}
"""Right -> the channel that it is about, and its overwrites."""


class DiscordContract(DiscordStage):
    space = f"discord:{SERVER}"
    general = f"<#{GENERAL}>"
    clock: Ahead

    def shown(self) -> list[Shown]:
        return [
            Shown(card["alert"], card["message"]["id"], card["title"], card["text"], card["buttons"])
            for card in self.cards()
        ]

    def pass_time(self, seconds: float) -> None:
        self.clock.seconds += seconds

    async def forbid(self, right: Right) -> None:
        await self._overwrite(*FORBIDDEN[right])

    async def permit(self, right: Right) -> None:
        await self._overwrite(*PERMITTED[right])

    async def _overwrite(self, channel: int, overwrites: list[Json]) -> None:
        self.there.overwrites[channel] = overwrites
        await self.there.send("CHANNEL_UPDATE", self.there.channel(channel))
        await self.there.heard()

    async def check(self) -> list[Finding]:
        return await self.adapter.check()

    async def remove(self) -> None:
        with capture_logs() as logs:
            await self.there.send("GUILD_DELETE", {"id": str(SERVER)})
            await until(lambda: any(entry["event"] == "discord.removed" for entry in logs))


@asynccontextmanager
async def discord_contract(folder: Path) -> AsyncIterator[DiscordContract]:
    clock = Ahead()
    async with discord_stage(folder, clock=clock, kind=DiscordContract) as stage:
        assert isinstance(stage, DiscordContract)
        stage.clock = clock
        yield stage
