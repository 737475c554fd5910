"""The page of cards in docs: ``python -m bots.discord_bot.cards_page > docs/discord_cards.md``.

Leans on `card` and `buttons`, which draw what is posted. A test holds the page equal to what is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import discord

from bots.common.examples import HOUR, OPENED, People, decided_card, lines, open_card
from bots.common.face import Account
from bots.discord_bot import card as drawn
from bots.discord_bot.buttons import view
from core.casework.cards import Action, Card, Person
from core.messages import ConversationKey

PEOPLE = People(Person("1001", "actor"), Person("1002", "target"), Person("1003", "moderator"))
CARD = open_card(PEOPLE, ConversationKey("discord:1", "5"), ("112", "118", "121"))
DECIDED = decided_card(CARD, PEOPLE.moderator, Action("timeout", PEOPLE.actor, OPENED + 25 * HOUR))
ACCOUNTS = {
    PEOPLE.actor.id: Account(OPENED - 900 * HOUR, OPENED - 100 * HOUR, here=True),
    PEOPLE.target.id: Account(OPENED - 20_000 * HOUR, OPENED - 9_000 * HOUR, here=True),
}
_TIME = re.compile(r"<t:(\d+):(\w)>")
_STYLES = {"D": "%d %B %Y", "f": "%d %B %Y %H:%M", "t": "%H:%M", "R": "%d %B %Y %H:%M"}


def page() -> str:
    """Write the page, in Markdown."""
    parts = [
        "# Lampkeeper's cards on Discord, as text",
        "Written by `make docs/discord_cards.md` from what is drawn; please do not edit. All of it is invented.",
        "## An open alert",
        *_shown(CARD),
        "## The same, decided, with what was done",
        *_shown(DECIDED),
        "## Show excerpt, which only the presser sees",
        *(f"```\n{_plain(embed.description or '')}\n```" for embed in drawn.excerpt(lines(PEOPLE))),
    ]
    return "\n\n".join(parts) + "\n"


def _shown(card: Card) -> Iterator[str]:
    embed = drawn.embed(card, accounts=ACCOUNTS)
    written = [embed.title or "", ""]
    for field in embed.fields:
        written += [f"{field.name}", *(f"    {line}" for line in _plain(field.value or "").splitlines()), ""]
    yield "```\n" + "\n".join([*written, embed.footer.text or ""]) + "\n```"
    labels = [item.item.label for item in view(card).children if isinstance(item, discord.ui.DynamicItem)]
    yield "Buttons: " + " · ".join(f"**{label}**" for label in labels)


def _plain(text: str) -> str:
    """Write times as a reader in UTC sees them."""
    return _TIME.sub(lambda found: datetime.fromtimestamp(int(found[1]), UTC).strftime(_STYLES[found[2]]), text)


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  it is a command
