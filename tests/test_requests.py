"""What members ask for about themselves: what they are shown, what is deleted, and what stands in the way."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import select, update

from bots.common.exports import File
from bots.common.here import Here
from bots.common.requests import show
from core.casework import reports
from core.casework.cards import Person
from core.casework.reports import Asking
from core.guard import Guard
from core.messages import Edit
from core.retention import requests
from core.retention.holdings import holdings
from core.store import tables
from tests.plain import PLAIN
from tests.support import KEY, MODERATOR, NOW, SPACE, Board, lampkeeper, said, talk

ACTOR, TARGET, FRIEND = Person("actor", "The actor"), Person("target", "The target"), Person("friend", "The friend")
HIGH = 1.0 - 1e-12


async def hear(guard: Guard) -> None:
    for message in talk():
        await guard.receive(message)
    await guard.receive(said(90, "see you tomorrow", "friend"))
    await guard.settled()


async def asked(guard: Guard, person: Person, kind: requests.Kind = "deletion") -> int:
    number = await requests.ask(guard.ledger, SPACE, kind, person, "Somebody asks.")
    assert number is not None
    return number


async def deeds(guard: Guard) -> list[tuple[str, str]]:
    async with guard.ledger.store.read() as tx:
        rows = await tx.execute(select(tables.audit.c.what, tables.audit.c.who).order_by(tables.audit.c.id))
        return [(what, who) for what, who in rows if what.startswith(("request", "person"))]


async def test_admins_are_told_of_a_request_once_and_not_by_name(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        number = await asked(guard, FRIEND, "access")
        assert await requests.ask(guard.ledger, SPACE, "access", FRIEND, "Somebody asks.") is None
        await guard.settled()
        assert board.notices == [(SPACE, "Somebody asks.")]
        (waiting,) = await requests.waiting(guard.ledger, SPACE)
        assert (waiting.number, waiting.kind, waiting.person) == (number, "access", FRIEND)


async def test_a_message_with_half_a_character_does_not_keep_the_file_from_its_author(tmp_path: Path) -> None:
    sent: list[File] = []

    async def write(_person: Person, _text: str, file: File | None) -> bool:
        assert file is not None
        sent.append(file)
        return True

    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await guard.receive(said(90, "good \ud83d game", "friend"))
        await guard.settled()
        await asked(guard, FRIEND, "access")
        (request,) = await requests.waiting(guard.ledger, SPACE)
        await show(Here(SPACE, PLAIN, guard.ledger), request, MODERATOR, "here", write)
        assert await requests.waiting(guard.ledger, SPACE) == []
    (message,) = json.loads(sent[0].content)["your_messages"]
    assert message["text"] == "good \ufffd game"


async def test_a_person_is_shown_what_they_said_before_an_edit_too(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        first = said(90, "see you tomorrow", "friend")._replace(attachments=("image",))
        for event in (first, Edit(first._replace(text="see you")), Edit(said(90, "see you later", "friend"))):
            await guard.receive(event)
        await guard.settled()
        (message,) = (await requests.kept(guard.ledger, SPACE, "friend"))["your_messages"]
    assert (message["text"], message["sent_along"]) == ("see you later", [])
    assert message["earlier"] == [
        {"text": "see you tomorrow", "sent_along": ["image"]},
        {"text": "see you", "sent_along": ["image"]},
    ]


async def test_a_moderator_is_shown_all_they_did_and_nobody_else_is(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard:
        await hear(guard)
        alert = next(card.alert for card in board.cards.values() if card.actor.id == "actor")
        lines = await guard.desk.excerpt(alert, MODERATOR)
        await guard.desk.note(alert, "asked the school", MODERATOR)
        await guard.desk.decide(alert, "dismissed", MODERATOR, "friends_family", "they are cousins")
        shown = await requests.kept(guard.ledger, SPACE, MODERATOR.id)
        others = [await requests.kept(guard.ledger, SPACE, person) for person in ("actor", "target", "friend")]
    work = shown["your_work_as_a_moderator"]
    assert [(one["what"], one["case"]) for one in work["done"]] == [
        ("excerpt shown", alert),
        ("note added", alert),
        ("alert decided", alert),
    ]
    assert work["done"][-1]["detail"]["grounds"] == "friends_family"
    assert [(one["case"], one["text"]) for one in work["notes"]] == [(alert, "asked the school")]
    assert [(one["case"], one["text"]) for one in work["remarks"]] == [(alert, "they are cousins")]
    assert work["lines_read"] == [{"day": "1970-01-12T00:00:00+00:00", "case": alert, "lines": len(lines)}]
    nothing: dict[str, list[object]] = {"done": [], "notes": [], "remarks": [], "lines_read": []}
    assert [other["your_work_as_a_moderator"] for other in others] == [nothing] * 3
    assert json.dumps(shown)


async def test_a_person_is_shown_their_own_words_and_nobody_elses(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        await reports.receive(guard.ledger, SPACE, Asking(FRIEND, ACTOR, "please look", (KEY, "m3")))
        kept = await requests.kept(guard.ledger, SPACE, "friend")
        assert [said["text"] for said in kept["your_messages"]] == ["see you tomorrow"]
        assert kept["noted_of_you"]["name"] == "The friend"
        assert [report["text"] for report in kept["your_reports"]] == ["please look"]
        assert "actor" not in json.dumps(kept)


async def test_the_answer_is_the_same_whether_there_is_a_case_or_not(tmp_path: Path) -> None:
    answers = []
    for name, review in (("quiet", HIGH), ("alerted", 1e-9)):
        (tmp_path / name).mkdir()
        async with lampkeeper(tmp_path / name, review=review, clock=lambda: NOW) as guard:
            await hear(guard)
            await reports.receive(guard.ledger, SPACE, Asking(TARGET, ACTOR)) if name == "alerted" else None
            assert (await holdings(guard.ledger.store, SPACE, "actor")).alerts == (name == "alerted")
            answers.append(await requests.kept(guard.ledger, SPACE, "actor"))
    assert answers[0] == answers[1]


async def test_somebody_of_whom_nothing_is_kept_is_told_so(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        kept = await requests.kept(guard.ledger, SPACE, "stranger")
        assert (kept["your_messages"], kept["noted_of_you"], kept["messages_kept_by_or_to_you"]) == ([], {}, 0)


async def test_a_deletion_leaves_nothing_of_the_person_and_is_in_the_record(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        found = await requests.delete(guard.ledger, SPACE, await asked(guard, FRIEND), MODERATOR)
        assert found is not None
        assert found.done
        assert not any(await holdings(guard.ledger.store, SPACE, "friend"))
        assert (await holdings(guard.ledger.store, SPACE, "actor")).messages == len(talk())
        assert await requests.waiting(guard.ledger, SPACE) == []
        admin = guard.ledger.vault.blind(SPACE, MODERATOR.id)
        assert await deeds(guard) == [
            ("request received", "forgotten"),
            ("request answered", admin),
            ("person forgotten", ""),
        ]


async def test_an_open_case_stands_in_the_way_of_deletion_for_both_until_it_is_decided(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        await hear(guard)
        numbers = [await asked(guard, person) for person in (ACTOR, TARGET)]
        before = await holdings(guard.ledger.store, SPACE)
        for number in numbers:
            found = await requests.delete(guard.ledger, SPACE, number, MODERATOR)
            assert found is not None
            assert (found.done, len(found.open), found.held) == (False, 1, ())
            (alert,) = found.open
        assert await holdings(guard.ledger.store, SPACE) == before
        assert [waiting.number for waiting in await requests.waiting(guard.ledger, SPACE)] == numbers
        await guard.desk.decide(alert, "dismissed", MODERATOR)
        found = await requests.delete(guard.ledger, SPACE, numbers[1], MODERATOR)
        assert found is not None
        assert found.done


async def test_an_open_case_stands_in_the_way_of_deleting_who_reported_it_until_it_is_decided(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        alert = (await reports.receive(guard.ledger, SPACE, Asking(FRIEND, ACTOR, "please look", (KEY, "m3")))).alert
        assert alert is not None
        number = await asked(guard, FRIEND)
        assert await requests.delete(guard.ledger, SPACE, number, MODERATOR) == (False, (alert,), (), ())
        (*_, told) = await guard.desk.excerpt(alert, MODERATOR)
        assert (told.author, told.text) == (FRIEND, "please look")
        await guard.desk.decide(alert, "confirmed", MODERATOR)
        assert await requests.delete(guard.ledger, SPACE, number, MODERATOR) == (True, (), (), ())


async def test_how_many_confirmed_cases_a_deletion_takes_along_is_known_before(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        await hear(guard)
        number = await asked(guard, ACTOR)
        assert await requests.confirmed(guard.ledger, SPACE, "actor") == 0
        found = await requests.delete(guard.ledger, SPACE, number, MODERATOR)
        assert found is not None
        for alert in found.open:
            await guard.desk.decide(alert, "confirmed", MODERATOR)
        assert await requests.confirmed(guard.ledger, SPACE, "actor") == len(found.open) > 0
        assert await requests.confirmed(guard.ledger, SPACE, "target") == len(found.open)
        assert await requests.confirmed(guard.ledger, SPACE, "friend") == 0
        await guard.desk.hold(found.open[0], MODERATOR)
        assert await requests.confirmed(guard.ledger, SPACE, "actor") == len(found.open) - 1


async def test_a_case_under_legal_hold_stands_in_the_way_though_it_is_decided(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, clock=lambda: NOW) as guard:
        await hear(guard)
        number = await asked(guard, ACTOR)
        found = await requests.delete(guard.ledger, SPACE, number, MODERATOR)
        assert found is not None
        (alert,) = found.open
        await guard.desk.decide(alert, "confirmed", MODERATOR)
        async with guard.ledger.transaction() as tx:
            await tx.execute(update(tables.alerts).where(tables.alerts.c.alert == alert).values(held=NOW))
        assert await requests.delete(guard.ledger, SPACE, number, MODERATOR) == (False, (), (alert,), (None,))


async def test_what_is_said_after_a_deletion_is_taken_as_new(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        await requests.delete(guard.ledger, SPACE, await asked(guard, FRIEND), MODERATOR)
        await guard.receive(said(95, "hello again", "friend"))
        await guard.settled()
        kept = await requests.kept(guard.ledger, SPACE, "friend")
        assert [said["text"] for said in kept["your_messages"]] == ["hello again"]


async def test_a_request_is_carried_out_once_and_only_as_what_it_is(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        access = await asked(guard, FRIEND, "access")
        assert await requests.delete(guard.ledger, SPACE, access, MODERATOR) is None
        assert await requests.answer(guard.ledger, "test:other", access, MODERATOR) is False
        assert await requests.answer(guard.ledger, SPACE, access, MODERATOR) is True
        assert await requests.answer(guard.ledger, SPACE, access, MODERATOR) is False


async def test_the_number_of_a_request_is_never_given_to_another_persons(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path, review=HIGH, clock=lambda: NOW) as guard:
        await hear(guard)
        number = await asked(guard, FRIEND)
        await requests.delete(guard.ledger, SPACE, number, MODERATOR)
        assert await asked(guard, TARGET) != number
        assert await requests.delete(guard.ledger, SPACE, number, MODERATOR) is None
