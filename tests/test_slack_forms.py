"""The forms that buttons of a case open on Slack: a note, and to whom the case was reported."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from tests.slack_api import Json
from tests.slack_platform import SlackStage, slack_stage
from tests.slack_replies import Reply, replied


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[SlackStage]:
    async with slack_stage(tmp_path) as stage:
        yield stage


async def fill(stage: SlackStage, form: Json | None, **values: str) -> Reply:
    assert form is not None
    state = {name: {name: {"type": "plain_text_input", "value": value}} for name, value in values.items()}
    return replied(await stage.platform.submit(form, state, "moderator"))


async def rows(stage: SlackStage, table: str) -> int:
    async with stage.guard.ledger.store.read() as tx:
        return int(await tx.scalar(sql(f"SELECT count(*) FROM {table}")) or 0)


async def test_a_note_is_asked_for_in_a_form_and_kept(stage: SlackStage) -> None:
    alert = await stage.alert()
    told = await fill(stage, (await stage.push(alert, "note")).form, text="The parents know.")
    assert "Noted" in told.text
    assert told.ephemeral
    assert await rows(stage, "notes") == 1


async def test_who_reported_a_case_types_its_number(stage: SlackStage) -> None:
    alert = await stage.alert()
    await stage.push(alert, "confirm")
    wrong = await fill(stage, (await stage.push(alert, "report")).form, to="the police", reference="", typed="1")
    assert alert in wrong.text
    assert await rows(stage, "referrals") == 0
    told = await fill(stage, (await stage.push(alert, "report")).form, to="the police", reference="7", typed=alert)
    assert told.ephemeral
    assert await rows(stage, "referrals") == 1


async def test_a_form_that_slack_opens_too_late_says_so(stage: SlackStage) -> None:
    alert = await stage.alert()
    stage.platform.slow = True
    assert "press again" in (await stage.push(alert, "note")).text.lower()
