"""Setting up: what `lampkeeper check` says about Discord, and how a run ends that cannot work.

The real client asks the tests' own Discord.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bots.adapter import Finding
from core.errors import PlatformError
from tests.discord_objects import (
    ALERTS,
    BOT_ROLE,
    EVERYONE,
    GENERAL,
    HISTORY,
    SECRET,
    SEND,
    SERVER,
    TOKEN,
    VIEW,
    VOICE,
    overwrite,
)
from tests.discord_platform import Platform
from tests.discord_stage import Ear, alone


async def failing(**server: Any) -> list[Finding]:
    adapter = alone(Ear(), **server)
    found = await adapter.check()
    assert TOKEN not in str(found)
    assert all(finding.remedy for finding in found if not finding.ok)
    return [finding for finding in found if not finding.ok]


async def test_a_good_set_up_has_no_fault_and_names_the_channels_that_are_closed(there: Platform) -> None:
    assert await failing() == []
    assert any(str(SECRET) in finding.what for finding in await alone(Ear()).check())


async def test_check_names_channels_whose_history_is_closed(there: Platform) -> None:
    there.overwrites[GENERAL] = [overwrite(BOT_ROLE, deny=HISTORY)]
    (found,) = await failing()
    assert str(GENERAL) in found.what


async def test_check_names_a_revoked_token(there: Platform) -> None:
    there.accept_token = "another"
    (found,) = await failing()
    assert "token" in found.what
    assert "https://discord.com/developers/applications" in found.remedy


async def test_check_names_the_missing_intent(there: Platform) -> None:
    there.flags = 0
    assert "Message Content Intent" in (await failing())[0].remedy


async def test_check_names_a_server_that_the_bot_is_not_in(there: Platform) -> None:
    absent, unset = await failing(id=999)
    assert "999" in absent.what
    assert f"{SERVER} has no alert channel yet" in unset.what


async def test_check_names_a_wrong_alert_channel(there: Platform) -> None:
    (found,) = await failing(alert_channel=999, ignored_channels=(ALERTS,))
    assert "999" in found.what
    (found,) = await failing(alert_channel=VOICE, ignored_channels=(ALERTS,))
    assert "not a text channel" in found.what


async def test_check_names_the_missing_permission(there: Platform) -> None:
    there.overwrites[ALERTS].append(overwrite(EVERYONE, deny=VIEW | SEND))
    (found,) = await failing()
    assert found.remedy == "Give its role Send Messages, Embed Links there."


async def test_check_warns_of_an_alert_channel_that_everyone_sees(there: Platform) -> None:
    del there.overwrites[ALERTS]
    (found,) = await failing()
    assert "everyone" in found.what


async def test_check_names_roles_that_do_not_exist(there: Platform) -> None:
    found = await failing(moderator_roles=(998,), age_roles={"997": "adult"})
    assert [finding.remedy for finding in found] == ["Correct moderator_roles.", "Correct age_roles."]


async def test_check_says_so_when_discord_cannot_be_asked(there: Platform) -> None:
    there.faults.append(("GET /users/@me", 503, {}, {}))
    assert "cannot be asked" in (await failing())[0].what


async def test_a_revoked_token_ends_the_run_with_a_remedy(there: Platform) -> None:
    there.accept_token = "another"
    with pytest.raises(PlatformError, match="token") as caught:
        await alone(Ear()).run()
    assert TOKEN not in str(caught.value)


async def test_a_token_revoked_while_running_ends_the_run_with_a_remedy(there: Platform) -> None:
    adapter = alone(Ear())
    running = asyncio.create_task(adapter.run())
    await there.heard()
    there.accept_token = "another"
    await there.drop(forget=True)
    there.open.set()
    with pytest.raises(PlatformError, match="token"):
        await running


async def test_a_missing_intent_ends_the_run_with_a_remedy(there: Platform) -> None:
    there.flags = 0
    with pytest.raises(PlatformError, match="Message Content Intent"):
        await alone(Ear()).run()
