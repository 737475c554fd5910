"""A card that was posted does not outlive the data it shows: it is taken back, whatever the platform says meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.casework import withdrawals
from core.casework.cards import Action, Card, Person
from core.errors import PlatformError, TryLater
from core.guard import Guard
from core.outbox import REFUSED_WAIT
from core.store import tables
from tests.support import NOW, SPACE, Board, lampkeeper, talk

MODERATOR = Person("id-of-moderator", "Name of moderator")
ACTOR = talk()[-1].author.id


async def posted(guard: Guard, board: Board) -> str:
    """Let the two talk; return the alert of the card that is posted then."""
    for message in talk():
        await guard.receive(message)
    await guard.settled()
    return next(iter(board.cards.values())).alert


async def forget(guard: Guard, what: str) -> None:
    await (guard.forget_space(SPACE) if what == "space" else guard.forget_person(SPACE, ACTOR))


async def waits(guard: Guard) -> int:
    async with guard.ledger.store.read() as tx:
        return await tx.scalar(select(func.count()).select_from(tables.outbox)) or 0


@pytest.mark.parametrize("what", ["person", "space"])
async def test_the_cards_about_a_person_or_a_space_go_with_their_data(tmp_path: Path, what: str) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await posted(guard, board)
        await forget(guard, what)
        await guard.settled()
        assert not board.cards
        assert board.withdrawn == [(SPACE, alert)]
        assert await waits(guard) == 0


@pytest.mark.parametrize("what", ["person", "space"])
async def test_a_card_is_taken_back_by_the_next_run_where_data_is_deleted_in_between(tmp_path: Path, what: str) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        await posted(guard, board)
    async with lampkeeper(tmp_path) as guard:
        await forget(guard, what)
        await forget(guard, "space")  # which forgets no card that still waits to be taken back
        async with guard.ledger.store.read() as tx:
            assert await withdrawals.waiting(tx, SPACE) == 1
    assert board.cards
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        await guard.settled()
        assert not board.cards


@pytest.mark.parametrize(
    ("refusal", "wait"),
    [(TryLater("slow down", seconds=30.0), 31), (PlatformError("Not allowed.", "Allow it."), REFUSED_WAIT + 1)],
)
async def test_a_platform_that_refuses_to_take_a_card_back_is_asked_again(
    tmp_path: Path, refusal: Exception, wait: float
) -> None:
    now, board = NOW, Board()
    async with lampkeeper(tmp_path, clock=lambda: now, deliverers=[board]) as guard:
        await posted(guard, board)
        board.refusals = [refusal]
        await forget(guard, "person")
        await guard.settled()
        assert board.cards
        now += wait
        await guard.settled()
        assert not board.cards


async def test_a_card_of_which_nobody_knows_whether_it_was_posted_is_looked_for(tmp_path: Path) -> None:
    board = Board()
    board.lose = [TryLater("the line broke")]
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await posted(guard, board)
        await forget(guard, "person")
        await guard.settled()
        assert not board.cards
        assert board.withdrawn == [(SPACE, alert)]


@pytest.mark.parametrize("first", ["the withdrawal", "the new card"])
async def test_two_people_who_alert_again_keep_the_new_card_while_the_old_is_searched_for(
    tmp_path: Path, first: str
) -> None:
    now, board = NOW, Board()
    board.lose = [TryLater("the line broke")]
    async with lampkeeper(tmp_path, clock=lambda: now, deliverers=[board]) as guard:
        alert = await posted(guard, board)
        board.refusals = [TryLater("slow down", seconds=30.0)]
        await forget(guard, "person")
        await guard.settled()
        if first == "the withdrawal":
            now += 31
            await guard.settled()
        for message in talk():
            await guard.receive(message._replace(id=f"again-{message.id}"))
        await guard.settled()
        now += 31
        await guard.settled()
        assert [card.alert for card in board.cards.values()] == [alert]
        await guard.desk.claim(alert, MODERATOR)
        await guard.settled()
        (card,) = board.cards.values()
        assert card.claimed is not None
        assert await waits(guard) == 0


async def test_a_card_that_was_found_to_show_an_alert_again_is_taken_back_no_more(tmp_path: Path) -> None:
    now, board = NOW, Board()
    async with lampkeeper(tmp_path, clock=lambda: now, deliverers=[board]) as guard:
        await posted(guard, board)
        (place,) = board.cards
        board.refusals = [PlatformError("Not allowed.", "Allow it.")]
        await forget(guard, "person")
        await guard.settled()
        board.lose = [TryLater("the line broke")]
        for message in talk():
            await guard.receive(message._replace(id=f"again-{message.id}"))
        await guard.settled()
        now += 10
        await guard.settled()
        assert "find" in board.calls
        now += REFUSED_WAIT
        await guard.settled()
        assert place in board.cards
        assert board.withdrawn == []


async def test_of_a_card_that_was_never_posted_nothing_is_taken_back(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path) as guard:
        for message in talk():
            await guard.receive(message)
        await guard.settled()
        await forget(guard, "person")
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        await guard.settled()
    assert board.calls == []


async def test_a_card_whose_data_is_deleted_while_it_is_being_shown_is_taken_back(tmp_path: Path) -> None:
    class Slow(Board):
        """While it shows a card for the second time, somebody has the data deleted."""

        async def show(self, card: Card, reference: str | None) -> str:
            if reference is None:
                return await super().show(card, reference)
            await forget(guard, "person")
            return await super().show(card, None)  # as where a posted card was deleted by hand

    board = Slow()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await posted(guard, board)
        await guard.desk.claim(alert, MODERATOR)
        await guard.settled()
        assert not board.cards
        assert await waits(guard) == 0


async def test_a_case_under_legal_hold_keeps_its_card(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await posted(guard, board)
        await guard.desk.hold(alert, MODERATOR)
        await forget(guard, "person")
        await guard.settled()
        assert [card.alert for card in board.cards.values()] == [alert]
        assert board.withdrawn == []


async def test_nothing_is_taken_back_in_a_space_that_lampkeeper_is_not_in(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        await guard.communities.arrive(SPACE)
        await posted(guard, board)
        await guard.communities.leave(SPACE)
        await forget(guard, "space")
        assert await waits(guard) == 0


async def test_cards_name_a_forgotten_moderator_no_more(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        alert = await posted(guard, board)
        (card,) = board.cards.values()
        await guard.desk.acts.taken(alert, Action("ban", card.actor), MODERATOR)
        await guard.desk.decide(alert, "confirmed", MODERATOR)
        await guard.settled()
        assert MODERATOR.name in str(board.cards)
        await guard.forget_person(SPACE, MODERATOR.id)
        await guard.settled()
        assert len(board.cards) == 1
        assert MODERATOR.name not in str(board.cards)
