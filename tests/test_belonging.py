"""What belongs to a case, in its view: notes, reports to authorities, others of the same people; and who sees it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bots.common import belonging, hand
from bots.common.answers import Answer
from bots.common.face import face
from bots.common.words import Words
from bots.discord_bot.card import DESCRIPTION
from bots.discord_bot.markup import words as discord_words
from bots.discord_bot.slash.cases import NOTE
from bots.slack_app.markup import words as slack_words
from core.casework.cards import Card, Decided, Person
from core.casework.listing import Belonging, Noted, Referred
from core.casework.notes import LONGEST
from core.casework.referrals import Referral
from core.guard import Guard
from tests.discord_objects import PEOPLE as DISCORD_PEOPLE
from tests.discord_objects import Json, shown_text
from tests.discord_stage import DiscordStage, until
from tests.plain import PLAIN
from tests.slack_api import PEOPLE
from tests.slack_platform import SlackStage, slack_stage
from tests.slack_replies import replied
from tests.support import MODERATOR, NOW, Board, lampkeeper, said, slow_talk, talk
from tests.test_common import BUTTONS, Press

KIM = Person("kim", "Kim")
NOTE_TEXT, POLICE, NUMBER = "called the *school*, they call back", "the police", "7/26"
SLACK = slack_words("en")
CARD = Card("a1", "s", "review", 0.9, Person("1", "actor"), None, (), (), NOW)
OPEN = "spoke with the teacher"


async def worked_on(guard: Guard, alert: str) -> None:
    """Note something, confirm the concern and report it."""
    await guard.desk.note(alert, NOTE_TEXT, MODERATOR)
    await guard.desk.decide(alert, "confirmed", MODERATOR, remark="a *remark*")
    assert await guard.desk.refer(alert, Referral(POLICE, alert, NUMBER), KIM) == "recorded"


async def test_a_cases_view_tells_notes_reports_and_other_cases_and_hides_the_notes(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        for number, text in enumerate(slow_talk()):
            await guard.receive(said(1000 + number, text, partner="friend"))
        for message in talk():
            await guard.receive(message)
        await guard.settled()
        one, other = (card.alert for card in board.cards.values())
        await worked_on(guard, one)
        card = await guard.desk.case(one)
        assert card is not None
        belongs = await guard.desk.belonging(card)
        shown = "\n".join(belonging.lines(PLAIN, card, belongs, MODERATOR, 1000))
        assert f"code:{other}" in shown
        assert "hidden:called the (star)school(star), they call back" in shown
        assert f"to {POLICE}, number {NUMBER}, by Kim" in shown
        folded = "\n".join(belonging.lines(SLACK, card, belongs, MODERATOR, 1000))
        assert POLICE in folded
        assert "school" not in folded, "Slack hides nothing: notes stand behind a button"
        assert "1: *Show remark and notes*" in folded.replace("\u200b", "")
        for one_of_them in (card.actor, card.target):
            assert one_of_them is not None
            told = "\n".join(belonging.lines(PLAIN, card, belongs, one_of_them, 1000))
            assert POLICE not in told, "whom a case is about is not told who knows of it"
            assert "school" not in told


async def test_the_button_shows_remark_and_notes_to_whoever_presses_but_not_to_whom_the_case_is_about(
    tmp_path: Path,
) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        for message in talk():
            await guard.receive(message)
        await guard.settled()
        alert = next(iter(board.cards.values())).alert
        press = Press(guard.desk, KIM, words=SLACK)
        assert await hand.pressed(press, "written", alert, BUTTONS) == Answer(SLACK.say("hand.nothing_written"))
        await worked_on(guard, alert)
        told = (await hand.pressed(press, "written", alert, BUTTONS)).text.replace("\u200b", "")
        assert told.index("a *remark*") < told.index(NOTE_TEXT)
        about = Press(guard.desk, Person("target", "The target"), words=SLACK)
        assert await hand.pressed(about, "written", alert, BUTTONS) == Answer(SLACK.say("hand.never_yourself"))
        for words, offered in ((SLACK, True), (PLAIN, False)):
            shown = await hand.pressed(Press(guard.desk, KIM, words=words), "more", alert, BUTTONS)
            assert ("written" in dict(shown.buttons)) == offered


@given(
    st.lists(st.text(max_size=LONGEST), max_size=12),
    st.text(max_size=120),
    st.sampled_from([discord_words("en"), SLACK, PLAIN]),
)
def test_however_much_was_noted_it_keeps_to_its_pages_and_no_spoiler_is_cut(
    notes: list[str], to: str, words: Words
) -> None:
    belongs = Belonging(
        (CARD,) * 12,
        tuple(Noted(NOW, KIM, text) for text in notes),
        tuple(Referred(NOW, (KIM,), to, to) for _ in notes),
    )
    lines = belonging.lines(words, CARD, belongs, KIM, NOTE)
    assert all(len(line) <= NOTE for line in lines)
    pages = belonging.pages(lines, words, DESCRIPTION - 100, 3)
    assert len(pages) <= 3
    assert all(0 < len(page) <= DESCRIPTION for page in pages)
    if words.markup.platform == "discord":
        assert all(page.replace("\\|", "").count("||") % 2 == 0 for page in pages)
    shown = belonging.written(words, CARD, belongs)
    assert len(shown) == (len(notes) + 1 if notes else 0)


# --- on the platforms ------------------------------------------------------------------------------------------------


async def test_on_discord_a_cases_view_tells_its_notes_behind_spoilers_but_not_to_whom_it_is_about(
    stage: DiscordStage,
) -> None:
    await stage.say("target", "hello there")
    for line in slow_talk():
        await stage.say("actor", line)
    await stage.settled()
    alert = stage.cards()[0]["alert"]
    stage.there.member_roles[DISCORD_PEOPLE["target"]] = stage.there.member_roles[DISCORD_PEOPLE["moderator"]]
    await stage.act(alert, "note", text=OPEN)

    def told() -> list[str]:
        return [shown_text(message) for message in stage.there.messages.get(0, {}).values()]

    await stage.there.command("lampkeeper case", DISCORD_PEOPLE["moderator"], case=alert)
    await until(lambda: any(f"||{OPEN}||" in text for text in told()))
    before = len(told())
    reply = await stage.there.command("lampkeeper case", DISCORD_PEOPLE["target"], case=alert)
    assert "added a note" in reply.text
    await stage.settled()
    assert not [text for text in told()[before:] if OPEN in text]


async def window(stage: SlackStage, alert: str) -> Json:
    before = set(stage.platform.views)
    await stage.platform.act("moderator", "lampkeeper-case", alert, {"type": "home", "id": "V0HOME"})
    await stage.platform.until(lambda: len(stage.platform.views) > len(before))
    return next(view for name, view in stage.platform.views.items() if name not in before)


async def test_on_slack_notes_and_remarks_stand_open_nowhere_until_somebody_presses_for_them(tmp_path: Path) -> None:
    async with slack_stage(tmp_path) as stage:
        alert = await stage.alert()
        me = Person(PEOPLE["moderator"], "moderator")
        await stage.guard.desk.note(alert, OPEN, me)
        await stage.guard.desk.decide(alert, "confirmed", me, remark="they rehearse a play")
        await stage.guard.desk.refer(alert, Referral(POLICE, alert, NUMBER), me)
        await stage.settled()
        card = stage.card()
        assert "rehearse" not in card["text"]
        assert "written" in card["actions"]
        view = await window(stage, alert)
        shown = replied(view)
        assert POLICE in shown.text
        assert not [text for text in (OPEN, "rehearse") if text in shown.text]
        await stage.platform.act("moderator", "lampkeeper_written", shown.buttons["written"], view)
        await stage.platform.until(lambda: stage.platform.views[view["id"]] is not view)
        opened = replied(stage.platform.views[view["id"]]).text
        assert OPEN in opened
        assert "they rehearse a play" in opened
        told: Any = await stage.push(alert, "written", "second")
        assert told.ephemeral
        assert OPEN in told.text


def test_a_card_hides_its_remark_where_the_platform_can_and_else_offers_a_button() -> None:

    card = replace(CARD, decided=Decided("dismissed", KIM, NOW, "other", "they rehearse"), state="dismissed")
    plain, slack = face(card, PLAIN, [], {}), face(card, SLACK, [], {})
    assert plain.fields[-1].text == "hidden:they rehearse"
    assert "written" not in plain.buttons
    assert not [field for field in slack.fields if "rehearse" in field.text]
    assert slack.buttons[-1] == "written"
