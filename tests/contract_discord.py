"""Discord's stage for the contract suite (`tests/contract.py`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from bots.adapter import Finding
from core.casework.cards import Person
from core.casework.desk import FourEyes
from tests.contract import Right, Shown
from tests.discord_objects import (
    ALERTS,
    BOT_ROLE,
    EVERYONE,
    GENERAL,
    HISTORY,
    MODERATORS,
    PEOPLE,
    SEND,
    SERVER,
    VIEW,
    Json,
    overwrite,
    there,
)
from tests.discord_stage import VERBS, DiscordStage, Told, discord_stage, until
from tests.support import Ahead

OTHER = there(1, SERVER)
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

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._alerts = [ALERTS]

    def shown(self) -> list[Shown]:
        return [
            Shown(card["alert"], str(channel), card["message"]["id"], card["title"], card["text"], card["buttons"])
            for channel in self._alerts
            for card in self.cards(channel=channel)
        ]

    async def press(self, alert: str, button: str, moderator: str = "moderator") -> Told:
        """Press; the stranger moderates another server, and presses there."""
        if moderator != "stranger":
            return await super().press(alert, button, moderator)
        if OTHER not in self.there.servers:
            self.there.add_server(1)
            await self.there.send("GUILD_CREATE", self.there.guild(OTHER))
            await self.settled()
        card = next(card for card in self.cards() if card["alert"] == alert)
        elsewhere = {**card["message"], "channel_id": str(there(1, ALERTS))}
        action = next(action for action, verb in VERBS.items() if verb == button)
        reply = await self.there.press(elsewhere, f"lampkeeper:{action}:{alert}", PEOPLE["moderator"])
        return Told(reply.text, reply.ephemeral)

    def notices(self, server: int = 0) -> list[str]:
        return [notice for notice in super().notices(server) if notice not in self.calls()]

    def calls(self) -> list[str]:
        said = self.there.messages.get(ALERTS, {}).values()
        return [one["content"] for one in said if one.get("message_reference")]

    def second_calls(self) -> list[str]:
        return [one["content"] for one in self.there.messages.get(self._alerts[-1], {}).values()]

    def notices_elsewhere(self) -> list[str]:
        said = self.there.messages.get(self._alerts[-1], {}).values()
        return [one["content"] for one in said if not one["embeds"]]

    async def choose_second_channel(self) -> None:
        await self._choose(second_channel=await self._room())

    async def leave_out(self) -> None:
        await self._choose(ignored_channels=[GENERAL])

    async def change_alert_channel(self) -> None:
        await self._choose(alert_channel=await self._room())

    async def _room(self) -> int:
        """Make one more channel for moderators."""
        (room,) = self.there.add_rooms(SERVER, 1)
        self.there.overwrites[room] = [*ALERTS_SEEN, overwrite(BOT_ROLE, allow=VIEW)]
        self._alerts.append(room)
        await self.there.send("CHANNEL_CREATE", self.there.channel(room))
        await self.there.heard()
        return int(room)

    async def _choose(self, **changes: Any) -> None:
        who = Person(str(PEOPLE["moderator"]), "moderator")
        await self.adapter.servers.choose(SERVER, changes, who)

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
async def discord_contract(folder: Path, four_eyes: Sequence[FourEyes] = ()) -> AsyncIterator[DiscordContract]:
    clock = Ahead()
    async with discord_stage(folder, clock=clock, kind=DiscordContract, four_eyes=four_eyes) as stage:
        assert isinstance(stage, DiscordContract)
        stage.clock = clock
        yield stage
