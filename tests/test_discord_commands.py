"""The pages of Discord's commands and cards: all of them, as they are."""

from __future__ import annotations

from bots.discord_bot import cards_page
from bots.discord_bot.commands_page import page
from tests.support import ROOT


def test_the_page_of_commands_is_that_of_the_commands_there_are() -> None:
    written = (ROOT / "docs" / "discord_commands.md").read_text("utf-8")
    assert written == page(), "write it anew with `make docs/discord_commands.md`"


def test_the_page_of_cards_shows_what_is_drawn() -> None:
    written = (ROOT / "docs" / "discord_cards.md").read_text("utf-8")
    assert written == cards_page.page(), "write it anew with `make docs/discord_cards.md`"


def test_no_description_is_cut_off_by_discords_limit() -> None:
    assert "…" not in page()
