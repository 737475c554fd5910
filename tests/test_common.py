"""What the platforms share: said in any language, written in any platform's manner, pressed on any platform."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bots.texts
from bots.common import cases, excerpt, hand, helpdesk, privacy, settings, status
from bots.common.answers import Answer
from bots.common.exports import Exports, Links
from bots.common.face import Account, Face, face
from bots.common.here import Here
from bots.common.markup import Markup
from bots.common.reporting import Aid, receive
from bots.common.words import Words
from bots.discord_bot.markup import MARKUP
from bots.helplines import known
from bots.texts import ENGLISH, texts
from core.casework import cards
from core.casework.cards import Action, Background, Card, Claim, Decided, ExcerptLine, Gone, MessageRef, Person, Taken
from core.casework.desk import Desk
from core.casework.listing import Wanted, history
from core.casework.reports import Asking
from core.config import DiscordServer
from core.export import Reporter
from core.export.record import CaseRecord, broken
from core.export.verify import examine
from core.signals.computed import MEANINGS
from tests.plain import PLAIN, Plain
from tests.support import KEY, MODERATOR, NOW, SPACE, Board, lampkeeper, opened
from tests.support import said as spoken

ACTOR, TARGET = Person("actor", "The *actor*"), Person("target", "The target")
DISCORDS = ("<@", "<#", "<t:", "||", "**")
"""Signs that mean something on Discord alone."""


FULL = Card(
    alert="3f2a9c51d07be846",
    space=SPACE,
    level="urgent",
    probability=0.996,
    actor=replace(ACTOR, gone="left"),
    target=TARGET,
    signals=(MEANINGS["asks_age"], "a meaning of the operator's own"),
    messages=(MessageRef(KEY, "1"), MessageRef(KEY, "2", deleted=True)),
    opened=NOW,
    decided=Decided("dismissed", MODERATOR, NOW, "role_play", "a *remark*"),
    welfare=(MEANINGS["asks_age"],),
    claimed=Claim(MODERATOR, NOW),
    escalated=NOW,
    held=NOW,
    actions=(Taken(1, Action("remove", ACTOR, NOW, "general"), MODERATOR, NOW, NOW),),
    about_actor=Background(1, 2, 3, "adult", "role", (19,)),
    course=(0.1, 0.9),
    reported=(NOW,),
    asked=True,
)
LINES = [
    ExcerptLine(ACTOR, NOW, "a *word* in bold", reason=True, weighty=((2, 8),), attachments=("image", "hologram")),
    ExcerptLine(TARGET, NOW, "", reason=False, deleted=True),
    ExcerptLine(TARGET, NOW, "please look", reason=False, report=True),
]


def drawn(card: Card, words: Words = PLAIN) -> Face:
    return face(card, words, [None, "where the second stands"][: len(card.messages)], {ACTOR.id: Account(NOW, NOW)})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Texts in a folder of their own, English among them."""
    english = (files("bots.texts") / "en.toml").read_text("utf-8")
    (tmp_path / "en.toml").write_text(english, "utf-8")
    monkeypatch.setattr(bots.texts, "files", lambda _package: tmp_path)
    texts.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    texts.cache_clear()


# --- the card and the excerpt ----------------------------------------------------------------------------------------


def test_a_card_is_written_in_the_manner_of_whichever_platform_shows_it() -> None:
    shown = "\n".join(field.text for field in drawn(FULL).fields)
    assert [sign for sign in DISCORDS if sign in shown] == []
    for written in ("person:The (star)actor(star)", "mention:actor", "channel:general", f"moment:{NOW:.0f}", "code:▁"):
        assert written in shown
    assert "where the second stands (deleted since)" in shown


def test_what_somebody_wrote_comes_through_escaped_and_our_own_marks_do_not() -> None:
    assert "a (star)remark(star)" in drawn(FULL).fields[-1].text
    (page,) = excerpt.pages(LINES, PLAIN, 4000, 3)
    assert "!person:The (star)actor(star)!" in page
    assert "hidden:a !(star)word(star)! in bold (an image, hologram)" in page
    assert [sign for sign in DISCORDS if sign in page] == []


def test_a_message_that_only_its_two_people_can_open_has_no_link() -> None:
    places = next(field.text for field in drawn(FULL).fields if field.name == PLAIN.say("card.messages"))
    assert places.splitlines()[0] == PLAIN.say("card.direct")


@given(
    names=st.text(max_size=300),
    count=st.integers(0, 60),
    remark=st.text(max_size=700),
)
def test_no_card_is_too_long_for_a_platform(names: str, count: int, remark: str) -> None:
    taken = tuple(Taken(n, Action("ban", ACTOR), Person("m", names), NOW, NOW) for n in range(count))
    card = replace(
        FULL,
        actor=Person("1", names),
        actions=taken,
        signals=("something was noticed",) * count,
        decided=Decided("confirmed", Person("m", names), NOW, None, remark),
    )
    shown = face(card, Words(ENGLISH, MARKUP), [None, None], {})
    fields = shown.fields
    assert all(0 < len(field.text) <= 1024 for field in fields)
    assert len(shown.title) + len(shown.note) + sum(len(field.name) + len(field.text) for field in fields) <= 6000


@given(st.lists(st.text(max_size=500), min_size=1, max_size=40), st.integers(1, 4))
def test_an_excerpt_keeps_to_its_pages_and_counts_what_it_leaves_out(said: list[str], most: int) -> None:
    lines = [ExcerptLine(ACTOR, NOW, text, reason=False) for text in said]
    pages = excerpt.pages(lines, PLAIN, 1500, most)
    assert len(pages) <= most
    assert all(len(page) <= 1500 for page in pages)
    shown = sum(page.count("hidden:") for page in pages)
    left_out = PLAIN.say("card.excerpt_left_out", count=len(lines) - shown)
    assert (left_out in pages[0]) == (shown < len(lines))


def test_what_moved_the_score_is_the_last_to_be_left_out_however_much_is_said_around_it() -> None:
    filler = ExcerptLine(ACTOR, NOW, "so what " * 50, reason=False)
    moved = ExcerptLine(ACTOR, NOW, "how old are you", reason=True)
    lines = [filler, moved, *[filler] * 30, moved, filler]
    pages = excerpt.pages(lines, PLAIN, 1500, 3)
    assert "\n".join(pages).count("how old are you") == 2
    assert excerpt.GAP in "\n".join(pages), "lines that did not follow each other do not read as if they did"


@pytest.mark.parametrize("after", ["", " and so on" * 300], ids=["at the end", "in the middle"])
def test_words_that_weigh_most_are_shown_however_late_they_come_in_a_message(after: str) -> None:
    filler, first, then = "so what " * 100, "how old", "a photo"
    text = f"{filler}{first} are you, {filler}send me {then}{after}"
    spans = tuple((text.index(part), text.index(part) + len(part)) for part in (first, then))
    (page,) = excerpt.pages([ExcerptLine(ACTOR, NOW, text, reason=True, weighty=spans)], PLAIN, 4000, 3)
    assert f"!{first}! are you" in page
    assert f"send me !{then}!" in page
    assert len(page) < 2 * excerpt.LINE


@given(st.lists(st.integers(0, 3000), min_size=2, max_size=12, unique=True), st.integers(0, 1000))
def test_however_its_weighty_words_lie_a_message_takes_no_more_room_than_another(ends: list[int], rest: int) -> None:
    ends = sorted(ends[: len(ends) // 2 * 2])
    spans = tuple(zip(ends[::2], ends[1::2], strict=True))
    one = ExcerptLine(ACTOR, NOW, "x" * (ends[-1] + rest), reason=True, weighty=spans)
    assert excerpt.line(one, PLAIN).count("x") <= excerpt.LINE


def test_what_was_edited_since_shows_what_it_said_first_too() -> None:
    edited = ExcerptLine(ACTOR, NOW, "nice game", reason=True, earlier="how *old* are you")
    (page,) = excerpt.pages([edited, LINES[1]], PLAIN, 4000, 3)
    assert page.count(PLAIN.say("card.excerpt_edited")) == 1
    assert page.index("hidden:nice game") < page.index("hidden:how (star)old(star) are you")


def test_two_people_of_one_name_are_told_apart_in_an_excerpt() -> None:
    lines = [ExcerptLine(Person(who, "Robin"), NOW, "hello", reason=False) for who in ("111", "222")]
    (page,) = excerpt.pages(lines, Words(ENGLISH, MARKUP), 4000, 3)
    assert page.index("<@111>") < page.index("<@222>")


def test_no_sign_in_a_name_or_a_text_turns_the_direction_of_what_stands_beside_it() -> None:
    turning = "\u202eabc\u2066def"
    one = ExcerptLine(Person("1", turning), NOW, turning, reason=True, weighty=((0, 4),), earlier=turning)
    (page,) = excerpt.pages([one], PLAIN, 4000, 3)
    shown = drawn(replace(FULL, actor=Person(ACTOR.id, turning)))
    for said in (page, *(field.text for field in shown.fields), PLAIN.named(Person("1", turning))):
        assert "\u202e" not in said
        assert "\u2066" not in said
    assert "abcdef" in page


def test_an_excerpt_that_spans_days_tells_them() -> None:
    today, next_day = (ExcerptLine(ACTOR, time, "hello", reason=False) for time in (NOW, NOW + 86_400))
    assert "clock:" in excerpt.pages([today, today], PLAIN, 4000, 3)[0]
    (page,) = excerpt.pages([today, next_day], PLAIN, 4000, 3)
    assert page.count("moment:") == 2


# --- languages -------------------------------------------------------------------------------------------------------


def test_english_is_the_same_in_the_texts_and_in_the_core() -> None:
    """The core's own serves the terminal and the record; a card is said by the texts."""
    said = texts(ENGLISH)
    assert said["card.note"] == cards.NOTE
    assert said["card.asked"] == cards.ASKED
    assert said["card.probability_none"] == cards.percent(None)
    assert {level: said[f"card.title_{level}"] for level in cards.LEVEL_WORDS} == cards.LEVEL_WORDS
    assert {gone: said[f"card.gone_{gone}"] for gone in cards.GONE_WORDS} == cards.GONE_WORDS
    assert {kind: said[f"card.attached_{kind}"] for kind in cards.ATTACHED_WORDS} == cards.ATTACHED_WORDS
    assert drawn(FULL).title == FULL.title


def test_no_two_signals_mean_the_same_so_that_each_can_be_translated() -> None:
    assert len(set(MEANINGS.values())) == len(MEANINGS)


def test_a_translation_covers_everything_on_a_card_but_what_people_wrote(folder: Path) -> None:
    lines = ["[card]"] + [f'{key[5:]} = "…"' for key in texts(ENGLISH) if key.startswith("card.")]
    lines += ["[members]"] + [f'{key[8:]} = "…"' for key in texts(ENGLISH) if key.startswith("members.")]
    lines += ["[signals]"] + [f'{name} = "…"' for name in MEANINGS]
    (folder / "xx.toml").write_text("\n".join(lines), "utf-8")
    words = Words("xx", Plain())
    card = drawn(replace(FULL, signals=FULL.signals[:1], probability=None, level="review"), words)
    rest = " ".join([card.title, card.note, *(f"{field.name} {field.text}" for field in card.fields)])
    for ours in ("person:The (star)actor(star)", "person:The target", "mention:actor", "mention:target", "code:"):
        rest = rest.replace(ours, "")
    rest = rest.replace("where the second stands", "").replace(words.markup.hidden(words.quote("a *remark*", 100)), "")
    assert [letter for letter in rest if letter.isalpha()] == []
    (page,) = excerpt.pages(LINES[1:2], words, 4000, 3)
    assert (
        page.replace("!person:The target!", "").replace("clock:", "").replace("hidden:", "").strip(" …:\n0123456789")
        == ""
    )


def test_a_platform_has_its_own_words_where_it_needs_them(folder: Path) -> None:
    with (folder / "en.toml").open("a", encoding="utf-8") as file:
        file.write('\n[plain.hand]\nrefused = "Only moderators of this place."\n')
    texts.cache_clear()
    assert PLAIN.say("hand.refused") == "Only moderators of this place."
    assert Words(ENGLISH, MARKUP).say("hand.refused") == "Only this server's moderators can use this button."


@pytest.mark.parametrize("gone", ["left", "banned", None])
def test_somebody_who_is_gone_is_shown_as_gone(gone: Gone | None) -> None:
    shown = PLAIN.person(replace(TARGET, gone=gone))
    assert shown == "person:The target" + (f", {PLAIN.say(f'card.gone_{gone}')}" if gone else "")
    assert PLAIN.person(Person("", "")) == PLAIN.say("members.somebody")


# --- the moderators' hand --------------------------------------------------------------------------------------------


@dataclass
class Press:
    desk: Desk
    moderator: Person = MODERATOR
    space: str = SPACE
    second_reviewers: bool = False
    words: Words = PLAIN

    @property
    def exports(self) -> Exports:
        return Exports(Reporter(), self.desk._ledger.vault)

    async def moderates(self, _who: Person) -> bool:
        return True

    async def links(self, _record: CaseRecord) -> Links:
        return Links("a club", "https://a.example/{}/{}".format, "https://a.example/{}".format)


async def _asked(press: Press, card: Card) -> Answer:
    return Answer("sure?", buttons=(("yes_mute", card.alert),))


async def _muted(_press: Press, _card: Card) -> Answer:
    return Answer("muted")


BUTTONS = hand.buttons({"mute": hand.Deed(_asked, _muted)})


async def test_every_press_answers_and_what_is_recorded_shows_on_the_card(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert, press = await opened(guard, board), Press(guard.desk)
        for name in ("claim", "excerpt", "more", "hold", "dismiss", "confirm", "undecide", "export", "escalate"):
            answer = await hand.pressed(press, name, alert, BUTTONS)
            assert answer != Answer()
            assert {name for name, _ in answer.buttons} <= BUTTONS.keys()
            assert [sign for sign in DISCORDS if sign in answer.text] == []
        told = await hand.submitted(press, alert, "role_play", "  a remark  ")
        await guard.settled()
        decided = next(iter(board.cards.values())).decided
        assert decided is not None
        assert (decided.grounds, decided.remark) == ("role_play", "a remark")
        assert PLAIN.named(MODERATOR) in told.text


async def test_an_excerpt_shows_more_only_when_asked_to(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert, press = await opened(guard, board), Press(guard.desk)
        for number in range(100, 160):
            await guard.receive(spoken(number, "a lighthouse, and the sea", "target", partner="actor"))
        await guard.settled()
        shown = [await hand.pressed(press, name, alert, BUTTONS) for name in hand.REACHES]
        assert [answer.buttons for answer in shown] == [(("excerpt_more", alert),), (("excerpt_all", alert),), ()]
        lengths = [len(answer.excerpt) for answer in shown]
        assert lengths == sorted(set(lengths))
        assert "not shown" in excerpt.pages(shown[0].excerpt, PLAIN, 40_000, 1)[0]
        assert "not shown" not in excerpt.pages(shown[-1].excerpt, PLAIN, 40_000, 1)[0]


async def test_whoever_was_shown_much_today_is_told_once_and_shown_all_the_same(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert, press = await opened(guard, board), Press(guard.desk)
        answers = [await hand.pressed(press, "excerpt", alert, BUTTONS) for _ in range(30)]
        assert len([answer for answer in answers if "take a break" in answer.text]) == 1
        assert all(answer.excerpt for answer in answers)


async def test_a_platforms_own_deeds_stand_among_what_else_can_be_done(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert, press = await opened(guard, board), Press(guard.desk)
        offered = (await hand.pressed(press, "more", alert, BUTTONS)).buttons
        assert offered[0] == ("mute", alert)
        (sure,) = (await hand.pressed(press, "mute", alert, BUTTONS)).buttons
        assert await hand.pressed(press, *sure, BUTTONS) == Answer("muted")


async def test_what_else_can_be_done_is_to_take_back_ones_own_decision_and_what_stands(tmp_path: Path) -> None:
    board, later = Board(), time.time() + 3600
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert, press, other = await opened(guard, board), Press(guard.desk), Press(guard.desk, TARGET)
        await hand.pressed(press, "confirm", alert, BUTTONS)
        ended, stands = Action("timeout", ACTOR, time.time() - 1), Action("timeout", ACTOR, later)
        await guard.desk.acts.taken(alert, ended, MODERATOR)
        number = await guard.desk.acts.taken(alert, stands, MODERATOR)
        offered = await hand.pressed(press, "more", alert, BUTTONS)
        assert {("undecide", alert), ("undo", str(number))} < {*offered.buttons}
        assert [name for name, _ in offered.buttons].count("undo") == 1
        assert f"moment:{later:.0f}" in offered.text
        assert "undecide" not in dict((await hand.pressed(other, "more", alert, BUTTONS)).buttons)


@pytest.mark.parametrize("one", ["actor", "target"])
async def test_whom_a_card_is_about_looks_at_it_and_does_nothing_else(one: str, tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert, press = await opened(guard, board), Press(guard.desk, Person(one, f"The {one}"))
        assert (await hand.pressed(press, "excerpt", alert, BUTTONS)).excerpt
        for refused in (
            await hand.pressed(press, "confirm", alert, BUTTONS),
            await hand.pressed(press, "yes_mute", alert, BUTTONS),
            await hand.submitted(press, alert, "other", ""),
        ):
            assert refused == Answer(PLAIN.say("hand.never_yourself"))
        await guard.settled()
        assert next(iter(board.cards.values())).decided is None


async def test_an_alert_of_another_space_is_unknown(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert, press = await opened(guard, board), Press(guard.desk, space="test:other")
        assert await hand.pressed(press, "confirm", alert, BUTTONS) == Answer(PLAIN.say("hand.unknown"))


async def test_a_case_is_handed_out_in_the_form_that_was_asked_for_with_links(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert, press = await opened(guard, board), Press(guard.desk)
        offered = [name for name, _ in (await hand.pressed(press, "export", alert, BUTTONS)).buttons]
        assert offered == ["export_zip", "export_packet", "export_json"]
        await hand.pressed(press, "confirm", alert, BUTTONS)
        (file,) = (await hand.pressed(press, "export_json", alert, BUTTONS)).files
        record = CaseRecord.model_validate_json(file.content)
        assert (record.case, record.community, record.actor.profile) == (alert, "a club", "https://a.example/actor")
        said = [item.content.id for item in record.items if item.content is not None]
        assert said
        assert [item.link for item in record.items] == [f"https://a.example/general/{one}" for one in said]
        assert broken(record) == []
        (archive,) = (await hand.pressed(press, "export_zip", alert, BUTTONS)).files
        (tmp_path / archive.name).write_bytes(archive.content)
        found = examine(tmp_path / archive.name, guard.ledger.vault.verify_key)
        assert [one.sentence for one in found if not one.holds] == []


async def test_what_cannot_be_exported_yet_is_told_with_what_to_do(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        card = await guard.desk.case(await opened(guard, board))
        assert card is not None
        told = await hand.exported("ncmec")(Press(guard.desk), card)
        assert told.files == ()
        assert "confirm" in told.text.lower()


# --- answers to questions --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gap:
    since: float = NOW
    until: float = NOW
    unread: tuple[str, ...] = ("general",)


def test_status_says_since_when_it_is_connected_and_when_the_last_event_came() -> None:
    link = status.Link()
    assert list(status.connection(PLAIN, link)) == [PLAIN.say("status.never_connected")]
    link.lost()
    assert link.since is None, "it was not connected before"
    link.up()
    assert PLAIN.say("status.no_event") in status.connection(PLAIN, link)
    link.heard()
    link.lost()
    lost, last = status.connection(PLAIN, link)
    assert "Not connected" in lost
    assert "ago:" in last


async def test_status_cases_settings_and_privacy_are_written_in_the_platforms_manner(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert, here = await opened(guard, board), Here(SPACE, PLAIN, guard.ledger)
        served = _Served(id=1, alert_channel=5, ignored_channels=(6,), moderator_roles=(7,), age_roles={"8": "adult"})
        page = await cases.page(here, Wanted("open"), lambda reference: f"https://a.example/{reference}")
        said = [
            *await status.counts(here),
            *status.work(here, Gap(), 1),
            *status.rules(here, NOW),
            *status.access(PLAIN, status.Access(True, {"general": ["Read"]}, ["other"])),
            *page.lines,
            *cases.told(PLAIN, await history(guard.ledger, SPACE, alert)),
            *settings.all_in_words(here, served, lambda _name: "here"),
            privacy.kept(PLAIN, guard.ledger.keep),
            helpdesk.greeting(PLAIN, known(), "GB", "The place"),
        ]
        text = "\n".join(said)
        assert [sign for sign in DISCORDS if sign in text] == []
        for written in ("channel:general", "channel:5", "role:7", "role:8", "link:Card", "ago:", f"moment:{NOW:.0f}"):
            assert written in text
        assert [of for _, of in await cases.meant(here, "the ACTOR", 100)] == [alert]
        assert await cases.meant(here, "nobody of that name", 100) == []


class _Served(DiscordServer):
    paused: bool = True
    paused_at: float | None = NOW


async def test_a_report_is_answered_with_what_became_of_it_and_whom_to_talk_to(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path) as guard:
        here, aid = Here(SPACE, PLAIN, guard.ledger), Aid(known(), "GB", alert_channel=False)
        asking = Asking(Person("friend", "The friend"), ACTOR, "please look")
        first, again = await receive(here, asking, aid), await receive(here, asking, aid)
        assert PLAIN.say("members.received") in first
        assert PLAIN.say("members.no_channel") in first
        assert PLAIN.say("members.again") in again
        assert all("0800 1111" in answer for answer in (first, again))


async def test_a_form_about_oneself_names_nobody(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        told = helpdesk.Told(Person("friend", "The friend"), "something happened")
        here, aid = Here(SPACE, PLAIN, guard.ledger), Aid(known(), None, alert_channel=True)
        answer = await helpdesk.take(here, told, Person("friend", "The friend"), aid)
        assert PLAIN.say("members.nobody_found") in answer
        await guard.settled()
        (card,) = board.cards.values()
        assert card.actor.id == ""


def test_somebody_who_writes_is_answered_once_a_day_and_again_after_a_failure() -> None:
    answered = helpdesk.Answered()
    assert answered.begin("a", NOW)
    assert not answered.begin("a", NOW + 60)
    assert answered.begin("b", NOW)
    answered.failed("a")
    assert answered.begin("a", NOW + 120)
    assert answered.begin("a", NOW + 120 + 86_400)


@pytest.mark.parametrize("markup", [MARKUP, Plain()], ids=lambda markup: markup.platform)
def test_a_markup_keeps_the_blanks_of_every_text(markup: Markup) -> None:
    """A text is written in the platform's manner before its blanks are filled, so that no filling is touched."""
    for text in texts(ENGLISH).values():
        written = markup.text(text)
        assert written.count("{") == text.count("{")
