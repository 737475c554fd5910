"""What every platform's adapter does alike, played on each one's stage over real sockets, and on the dry-run twin's.

`tests/contract.py` says what a stage is. A new adapter brings one, and a row of `STAGES`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from core import outbox
from core.casework.cards import Call, Person
from core.casework.listing import history
from core.outbox import EDIT_EVERY, REFUSED_WAIT
from core.retention.keeping import DAY, GRACE
from core.store import tables
from tests import discord_objects
from tests.contract import BUTTONS, Permitted, Shown, Stage
from tests.contract_discord import discord_contract
from tests.contract_dry import dry_contract
from tests.contract_slack import slack_contract
from tests.support import MODERATOR, slow_talk

STAGES: dict[str, Any] = {"discord": discord_contract, "slack": slack_contract, "dry run": dry_contract}
PLATFORMS = ("discord", "slack")
"""Those on which Lampkeeper may lack a permission; a dry run needs none."""


@pytest.fixture(params=STAGES)
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    async with STAGES[request.param](tmp_path) as playing:
        yield playing


@pytest.fixture(params=STAGES)
async def careful(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on which reports take two people."""
    async with STAGES[request.param](tmp_path, four_eyes=("report",)) as playing:
        yield playing


@pytest.fixture(params=PLATFORMS)
async def permitted(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Permitted]:
    async with STAGES[request.param](tmp_path) as playing:
        yield playing


def talk() -> list[str]:
    """Six lines; after three there is an alert, and its excerpt still reaches the sixth."""
    lines = slow_talk()
    return [f"{one}, {other}" for one, other in zip(lines[:12:2], lines[1:12:2], strict=True)]


async def play(stage: Stage) -> Shown:
    """Let the actor talk to the target; return the card that moderators see then."""
    await begin(stage)
    (card,) = stage.shown()
    return card


async def begin(stage: Stage) -> None:
    await stage.say("target", "hello there")
    for line in talk()[:3]:
        await stage.say("actor", line)
    await stage.settled()


async def excerpt(stage: Stage) -> str:
    text, private = await stage.press(stage.shown()[0].alert, "Show excerpt")
    assert private
    return text


async def kept(stage: Stage) -> dict[str, int]:
    """How many rows each table has of the space; none where that is 0."""
    counts = {}
    async with stage.guard.ledger.store.read() as tx:
        for name in ("messages", "alerts", "conversations", "outbox"):
            table = tables.metadata.tables[name]
            mine = select(func.count()).select_from(table).where(table.c.space == stage.space)
            counts[name] = int(await tx.scalar(mine) or 0)
    return {name: count for name, count in counts.items() if count}


# --- messages in, cards out ------------------------------------------------------------------------------------------


async def test_a_conversation_that_follows_the_pattern_leads_to_one_card(stage: Stage) -> None:
    card = await play(stage)
    assert "risk pattern" in card.title
    assert card.buttons == [*BUTTONS]
    assert "actor" in card.text.lower()
    assert "target" in card.text.lower()


async def test_a_card_holds_no_text_of_messages(stage: Stage) -> None:
    card = await play(stage)
    assert not [line for line in talk() if line in card.text]


async def test_a_message_delivered_twice_is_counted_once(stage: Stage) -> None:
    await play(stage)
    said = await stage.say("actor", "a lighthouse")
    await stage.say("actor", "a lighthouse", id=said)
    await stage.settled()
    assert (await excerpt(stage)).count("lighthouse") == 1


async def test_a_deletion_counts_in_a_channel_that_was_left_out_since(stage: Stage) -> None:
    await play(stage)
    said = await stage.say("actor", f"{talk()[3]} harbour")
    await stage.settled()
    await stage.leave_out()
    await stage.say("actor", "a lighthouse")
    await stage.delete(said)
    await stage.settled()
    text = await excerpt(stage)
    assert "deleted" in text
    assert "lighthouse" not in text


async def test_what_lampkeeper_itself_writes_is_not_counted(stage: Stage) -> None:
    await play(stage)
    before = await kept(stage)
    card = stage.shown()[0]
    await stage.press(card.alert, "Confirm")
    await stage.restart()
    assert (await kept(stage))["messages"] == before["messages"]


async def test_an_edit_is_followed(stage: Stage) -> None:
    last = talk()[3]
    await play(stage)
    said = await stage.say("actor", f"{last} windmill")
    await stage.settled()
    await stage.edit(said, f"{last} harbour")
    await stage.settled()
    assert "harbour" in await excerpt(stage)


async def test_a_deleted_message_is_shown_as_deleted(stage: Stage) -> None:
    last = talk()[3]
    await play(stage)
    said = await stage.say("actor", last)
    await stage.settled()
    assert "deleted" not in await excerpt(stage)
    await stage.delete(said)
    await stage.settled()
    assert "deleted" in await excerpt(stage)


async def test_a_card_is_updated_in_its_place(stage: Stage) -> None:
    card = await play(stage)
    for line in talk()[3:]:
        await stage.say("actor", line)
    await stage.settled()
    stage.pass_time(EDIT_EVERY)
    await stage.settled()
    (more,) = stage.shown()
    assert more.place == card.place
    assert more.text != card.text
    await stage.press(card.alert, "Confirm")
    await stage.settled()
    (decided,) = stage.shown()
    assert decided.place == card.place
    assert decided.text != more.text


async def test_after_a_change_of_the_alert_channel_a_card_stays_and_the_next_one_stands_there(
    permitted: Permitted,
) -> None:
    first = await play(permitted)
    await permitted.change_alert_channel()
    await permitted.press(first.alert, "Confirm")
    await permitted.say("teacher", "hello there")
    for line in talk()[:3]:
        await permitted.say("friend", line)
    await permitted.settled()
    decided, other = permitted.shown()
    assert (decided.channel, decided.place) == (first.channel, first.place)
    assert "confirmed by moderator" in decided.text.lower()
    assert other.channel != first.channel
    assert "teacher" in other.text.lower()


# --- settings --------------------------------------------------------------------------------------------------------


async def test_moderators_are_told_who_changed_a_setting_from_what_to_what_and_nothing_where_nothing_changed(
    permitted: Permitted,
) -> None:
    await permitted.leave_out()
    await permitted.settled()
    (told,) = permitted.notices()
    assert any(
        mention in told for mention in (f"<@{discord_objects.PEOPLE['moderator']}>", "moderator (`U0MODERATOR`)")
    )
    assert f"Channels left out: none → {permitted.general}" in told
    await permitted.leave_out()
    await permitted.settled()
    assert permitted.notices() == [told]


async def test_a_change_of_the_alert_channel_is_told_in_the_former_one_and_in_the_new_one(permitted: Permitted) -> None:
    await permitted.change_alert_channel()
    await permitted.settled()
    (told,) = permitted.notices()
    assert "Alert channel" in told
    assert permitted.notices_elsewhere() == [told]


async def test_a_former_alert_channel_that_is_closed_holds_up_nothing(permitted: Permitted) -> None:
    await permitted.forbid("post")
    await permitted.change_alert_channel()
    await permitted.settled()
    await permitted.permit("post")
    permitted.pass_time(REFUSED_WAIT + 1)
    await permitted.settled()
    assert permitted.notices() == []
    assert len(permitted.notices_elsewhere()) == 1
    assert "outbox" not in await kept(permitted)


# --- gaps ------------------------------------------------------------------------------------------------------------


async def test_what_was_said_while_the_connection_was_lost_is_counted_once(stage: Stage) -> None:
    *_, third, second, last = talk()
    await play(stage)
    await stage.drop_connection()
    await stage.say("actor", f"{third} lighthouse")
    await stage.say("actor", f"{second} windmill")
    await stage.settled()
    await stage.say("actor", f"{last} harbour")
    await stage.settled()
    text = await excerpt(stage)
    assert [text.count(word) for word in ("lighthouse", "windmill", "harbour")] == [1, 1, 1]
    assert text.index("lighthouse") < text.index("windmill") < text.index("harbour")


async def test_what_was_said_while_lampkeeper_was_down_is_counted_once(stage: Stage) -> None:
    *_, second, last = talk()
    await play(stage)
    await stage.stop()
    await stage.say("actor", f"{second} windmill")
    await stage.start()
    await stage.say("actor", f"{last} harbour")
    await stage.settled()
    lines = await stage.guard.desk.excerpt(stage.shown()[0].alert, MODERATOR, more=20)
    said = [word for line in lines for word in ("windmill", "harbour") if word in line.text]
    assert said == ["windmill", "harbour"]


async def test_what_was_edited_while_the_connection_was_lost_reads_as_it_does_now(stage: Stage) -> None:
    await play(stage)
    said = await stage.say("actor", f"{talk()[3]} windmill")
    await stage.settled()
    await stage.drop_connection()
    await stage.edit(said, f"{talk()[3]} harbour")
    await stage.settled()
    assert "harbour" in await excerpt(stage)


@pytest.mark.parametrize("last", [True, False], ids=["the last one", "one before"])
async def test_what_was_deleted_while_the_connection_was_lost_is_shown_as_deleted(stage: Stage, *, last: bool) -> None:
    await play(stage)
    said = await stage.say("actor", f"{talk()[3]} windmill")
    if not last:
        await stage.say("target", "ok then")
    await stage.settled()
    before = await excerpt(stage)
    await stage.drop_connection()
    await stage.delete(said)
    await stage.settled()
    assert "deleted" not in before
    assert (await excerpt(stage)).count("deleted") == 1


async def test_what_was_deleted_while_lampkeeper_was_down_is_shown_as_deleted(stage: Stage) -> None:
    await play(stage)
    said = await stage.say("actor", f"{talk()[3]} windmill")
    await stage.settled()
    await stage.stop()
    await stage.delete(said)
    await stage.start()
    await stage.settled()
    assert (await excerpt(stage)).count("deleted") == 1


async def test_a_history_that_cannot_be_read_is_told_with_the_channels_name(permitted: Permitted) -> None:
    await play(permitted)
    await permitted.forbid("read")
    await permitted.drop_connection()
    await permitted.settled()
    assert [notice for notice in permitted.notices() if permitted.general in notice]
    said = await permitted.say("actor", f"{talk()[3]} harbour")
    await permitted.settled()
    assert said
    assert "harbour" in await excerpt(permitted), "what comes live is taken all the same"


# --- permissions -----------------------------------------------------------------------------------------------------


async def test_a_card_that_may_not_be_posted_waits_and_is_posted_once(permitted: Permitted) -> None:
    await permitted.forbid("post")
    await begin(permitted)
    assert permitted.shown() == []
    await permitted.permit("post")
    permitted.pass_time(REFUSED_WAIT + 1)
    await permitted.settled()
    assert len(permitted.shown()) == 1
    permitted.pass_time(REFUSED_WAIT + 1)
    await permitted.settled()
    assert len(permitted.shown()) == 1


async def test_check_names_a_permission_that_is_missing_and_what_to_do(permitted: Permitted) -> None:
    assert [finding for finding in await permitted.check() if not finding.ok] == []
    await permitted.forbid("post")
    assert [finding for finding in await permitted.check() if not finding.ok and finding.what and finding.remedy]
    await permitted.permit("post")
    assert [finding for finding in await permitted.check() if not finding.ok] == []


# --- presses in ------------------------------------------------------------------------------------------------------


async def test_a_press_works_after_a_restart(stage: Stage) -> None:
    card = await play(stage)
    await stage.restart()
    text, private = await stage.press(card.alert, "Confirm")
    await stage.settled()
    assert "confirmed" in text.lower()
    assert private
    (shown,) = stage.shown()
    assert "confirmed by moderator" in shown.text.lower()
    assert shown.buttons == ["Show excerpt"]


async def test_the_second_moderator_is_told_who_decided(stage: Stage) -> None:
    card = await play(stage)
    await stage.press(card.alert, "Dismiss")
    text, private = await stage.press(card.alert, "Confirm", "second")
    await stage.settled()
    assert "dismissed by moderator" in text.lower()
    assert private
    assert "dismissed by moderator" in stage.shown()[0].text.lower()


async def test_two_presses_at_once_end_in_one_decision_of_which_both_are_told(stage: Stage) -> None:
    card = await play(stage)
    told = await asyncio.gather(*(stage.press(card.alert, "Confirm", who) for who in ("moderator", "second")))
    await stage.settled()
    decided = (await stage.guard.desk.card(card.alert)) or pytest.fail("the alert is gone")
    by = f"confirmed by {decided.decided.moderator.name.lower()}" if decided.decided else ""
    assert [by in text.lower() for text, _ in told] == [True, True]
    assert sorted("recorded" in text.lower() for text, _ in told) == [False, True]
    (shown,) = stage.shown()
    assert by in shown.text.lower()


@pytest.mark.parametrize("button", BUTTONS)
async def test_somebody_who_is_no_moderator_is_refused(stage: Stage, button: str) -> None:
    card = await play(stage)
    text, private = await stage.press(card.alert, button, "actor")
    await stage.settled()
    assert "moderator" in text
    assert private
    assert not [line for line in talk() if line in text]
    assert stage.shown()[0].buttons == [*BUTTONS]


@pytest.mark.parametrize("button", BUTTONS)
async def test_who_moderates_elsewhere_is_refused(stage: Stage, button: str) -> None:
    card = await play(stage)
    text, private = await stage.press(card.alert, button, "stranger")
    await stage.settled()
    assert "moderator" in text or "no longer kept" in text
    assert private
    assert not [line for line in talk() if line in text]
    assert stage.shown() == [card]


async def test_after_a_decision_the_card_stays_one(stage: Stage) -> None:
    card = await play(stage)
    await stage.press(card.alert, "Dismiss")
    await stage.settled()
    for line in talk():
        await stage.say("actor", line)
    await stage.settled()
    assert len(stage.shown()) == 1


# --- the rest of a case's way ----------------------------------------------------------------------------------------


async def state(stage: Stage, alert: str) -> str:
    card = await stage.guard.desk.case(alert)
    return card.state if card is not None else ""


async def test_what_is_noted_is_part_of_the_case(stage: Stage) -> None:
    card = await play(stage)
    text, private = await stage.act(card.alert, "note", text="spoke with *both* today")
    assert "Noted" in text
    assert private
    record = await stage.guard.desk.export(card.alert, MODERATOR)
    assert record is not None
    assert [note.text for note in record.notes] == ["spoke with *both* today"]
    assert (await stage.act(card.alert, "note", text="  "))[0].startswith("There was nothing")


async def test_a_case_is_put_aside_and_goes_on_where_it_stood(stage: Stage) -> None:
    card = await play(stage)
    assert "put aside" in (await stage.act(card.alert, "put_aside"))[0]
    assert await state(stage, card.alert) == "on_hold"
    assert {"resume", "put_aside", "close"} & await stage.offered(card.alert) == {"resume"}
    assert "where it stood" in (await stage.act(card.alert, "resume", "second"))[0]
    assert await state(stage, card.alert) == "open"


async def test_a_decided_case_is_closed_and_opened_again(stage: Stage) -> None:
    card = await play(stage)
    assert "close" not in await stage.offered(card.alert)
    await stage.press(card.alert, "Dismiss")
    assert "closed" in (await stage.act(card.alert, "close"))[0]
    assert await state(stage, card.alert) == "closed"
    assert not {"close", "put_aside", "report"} & await stage.offered(card.alert)
    assert "open again" in (await stage.act(card.alert, "reopen"))[0]
    assert await state(stage, card.alert) == "dismissed"


async def test_a_case_is_merged_into_another_of_the_same_person_and_can_be_opened_again(stage: Stage) -> None:
    first = await play(stage)
    await stage.say("friend", "hello there")
    for line in talk()[3:]:
        await stage.say("actor", line)
    await stage.settled()
    (second,) = [card for card in stage.shown() if card.alert != first.alert]
    told, private = await stage.merge(second.alert, first.alert)
    assert private
    assert "part of the other case now" in told
    case = await stage.guard.desk.case(second.alert)
    assert case is not None
    assert (case.state, case.merged) == ("closed", first.alert)
    done = await history(stage.guard.ledger, stage.space, second.alert)
    assert [(one.what, one.who.name.lower() if one.who else "") for one in done][-1] == ("case merged", "moderator")
    assert "no other open case" in (await stage.act(first.alert, "merge"))[0]
    await stage.act(second.alert, "reopen")
    case = await stage.guard.desk.case(second.alert)
    assert case is not None
    assert case.merged is None


async def test_a_report_counts_only_with_the_number_of_a_confirmed_case(stage: Stage) -> None:
    card = await play(stage)
    police = {"to": "police", "reference": ""}
    assert "report" not in await stage.offered(card.alert)
    await stage.press(card.alert, "Confirm")
    wrong, private = await stage.act(card.alert, "report", typed="yes", **police)
    assert "Nothing was recorded" in wrong
    assert card.alert in wrong
    assert private
    assert await state(stage, card.alert) == "concern_confirmed"
    assert "Recorded" in (await stage.act(card.alert, "report", typed=f" {card.alert.upper()} ", **police))[0]
    assert await state(stage, card.alert) == "reported"
    held = await stage.guard.desk.case(card.alert)
    assert held is not None
    assert held.held_until is not None


async def test_where_a_report_takes_two_one_person_alone_reports_nothing(careful: Stage) -> None:
    card = await play(careful)
    await careful.press(card.alert, "Confirm")
    filled = {"to": "police", "typed": card.alert, "reference": "7/26"}
    for _ in range(2):
        assert "second moderator" in (await careful.act(card.alert, "report", **filled))[0]
        assert await state(careful, card.alert) == "concern_confirmed"
    assert "Recorded" in (await careful.act(card.alert, "report", "second", **filled))[0]
    record = await careful.guard.desk.export(card.alert, MODERATOR)
    assert record is not None
    (passed,) = record.passed
    assert (passed.to, passed.reference, len(passed.by)) == ("police", "7/26", 2)


# --- calls to what nobody looks into ---------------------------------------------------------------------------------


async def put_call(stage: Stage, alert: str, why: Call, *, unsure: bool = False) -> None:
    """Have people called, as the ladder of reminders does; `unsure`: as after a crash while it was tried."""
    ledger = stage.guard.ledger
    async with ledger.transaction() as tx:
        await outbox.put_call(tx, stage.space, alert, why, ledger.clock())
        if unsure:
            await tx.execute(update(tables.outbox).values(unsure=True))
    await stage.settled()


@pytest.mark.parametrize("why", ["remind", "ping", "second_channel"])
async def test_what_nobody_looks_into_is_said_once_also_after_a_crash(stage: Stage, why: Call) -> None:
    card = await play(stage)
    before = stage.notices()
    await put_call(stage, card.alert, why)
    (said,) = stage.calls()
    assert not [line for line in talk() if line in said]
    await put_call(stage, card.alert, why, unsure=True)
    await put_call(stage, card.alert, why, unsure=True)
    assert stage.calls() == [said]
    assert stage.notices() == before
    assert stage.shown() == [card]


async def test_a_second_channel_is_told_once_and_names_nobody(permitted: Permitted) -> None:
    await permitted.choose_second_channel()
    card = await play(permitted)
    for unsure in (False, True):
        await put_call(permitted, card.alert, "second_channel", unsure=unsure)
    (said,) = permitted.second_calls()
    assert card.place.replace(".", "") in said
    assert "actor" not in said.lower()
    assert permitted.calls() == []


# --- deletion, leaving -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["person", "space"])
async def test_a_card_whose_data_was_deleted_says_so_and_nothing_else(stage: Stage, what: str) -> None:
    shown = await play(stage)
    card = await stage.guard.desk.card(shown.alert)
    assert card is not None
    if what == "space":
        await stage.guard.forget_space(card.space)
    else:
        await stage.guard.forget_person(card.space, card.actor.id)
    await stage.settled()
    assert stage.shown() == []
    assert stage.notices() == ["The data of this alert was deleted."]


async def test_a_card_that_somebody_deleted_needs_not_be_taken_back(stage: Stage) -> None:
    shown = await play(stage)
    card = await stage.guard.desk.card(shown.alert)
    assert card is not None
    stage.discard_cards()
    await stage.guard.forget_person(card.space, card.actor.id)
    await stage.settled()
    assert not stage.shown()
    assert not stage.notices()
    async with stage.guard.ledger.store.read() as tx:
        assert list(await tx.scalars(select(tables.outbox.c.notice))) == []


async def outlast_the_grace(stage: Stage) -> None:
    """Let the days of grace pass, and a minute, with the housekeeping that each brings."""
    for passing in (*[DAY] * int(GRACE // DAY), 60.0):
        stage.pass_time(passing)
        await stage.guard.keep_house()


async def test_once_the_grace_is_over_nothing_is_kept_of_a_space_that_removed_lampkeeper(stage: Stage) -> None:
    await play(stage)
    assert "messages" in await kept(stage)
    await stage.remove()
    await outlast_the_grace(stage)
    assert await kept(stage) == {}


async def test_a_case_under_legal_hold_outlives_the_space(stage: Stage) -> None:
    card = await play(stage)
    assert await stage.guard.desk.hold(card.alert, Person("moderator", "moderator"))
    await stage.remove()
    await outlast_the_grace(stage)
    assert "messages" not in await kept(stage)
    assert await stage.guard.desk.card(card.alert) is not None
