"""The page of cards in docs: ``python -m bots.discord_bot.cards_page > docs/discord_cards.md``.

Leans on `card` and `buttons`, which draw what is posted. Invented people, and the mild lines of the demo's kind. A test
holds the page equal to what is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import discord

from bots.common.face import Account
from bots.discord_bot import card as drawn
from bots.discord_bot.buttons import view
from core.cards import Action, Background, Card, Claim, Decided, ExcerptLine, MessageRef, Person, Taken
from core.messages import ConversationKey
from core.signals.computed import MEANINGS

OPENED = 1_795_000_000.0
HOUR = 3600.0
ACTOR, TARGET, MODERATOR = Person("1001", "actor"), Person("1002", "target"), Person("1003", "moderator")
KEY = ConversationKey("discord:1", "5")
SHOWN = ("asks_age", "flattery", "gifts", "secrecy_request", "move_off_platform")
CARD = Card(
    alert="3f2a9c51d07be846",
    space=KEY.space,
    level="review",
    probability=0.996,
    actor=ACTOR,
    target=TARGET,
    signals=tuple(MEANINGS[name] for name in SHOWN),
    messages=tuple(MessageRef(KEY, number) for number in ("112", "118", "121")),
    opened=OPENED,
    about_actor=Background(dismissed=1, stated=(19,)),
    about_target=Background(band="13_15"),
    course=(0.02, 0.05, 0.04, 0.2, 0.45, 0.4, 0.7, 0.9, 0.97, 0.996),
)
DECIDED = replace(
    CARD,
    level="urgent",
    claimed=Claim(MODERATOR, OPENED + HOUR),
    held=OPENED + HOUR,
    actions=(Taken(1, Action("timeout", ACTOR, OPENED + 25 * HOUR), MODERATOR, OPENED + HOUR),),
    decided=Decided("confirmed", MODERATOR, OPENED + 2 * HOUR),
)
ACCOUNTS = {
    ACTOR.id: Account(OPENED - 900 * HOUR, OPENED - 100 * HOUR, here=True),
    TARGET.id: Account(OPENED - 20_000 * HOUR, OPENED - 9_000 * HOUR, here=True),
}
LINES = [
    ExcerptLine(TARGET, OPENED - 60, "good game, that was close", reason=False),
    ExcerptLine(ACTOR, OPENED - 40, "better not tell your parents about the gift", reason=True, weighty=((7, 28),)),
]
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
        *(f"```\n{_plain(embed.description or '')}\n```" for embed in drawn.excerpt(LINES)),
    ]
    return "\n\n".join(parts) + "\n"


def _shown(card: Card) -> Iterator[str]:
    embed = drawn.embed(card, accounts=ACCOUNTS)
    lines = [embed.title or "", ""]
    for field in embed.fields:
        lines += [f"{field.name}", *(f"    {line}" for line in _plain(field.value or "").splitlines()), ""]
    yield "```\n" + "\n".join([*lines, embed.footer.text or ""]) + "\n```"
    labels = [item.item.label for item in view(card).children if isinstance(item, discord.ui.DynamicItem)]
    yield "Buttons: " + " · ".join(f"**{label}**" for label in labels)


def _plain(text: str) -> str:
    """Write times as a reader in UTC sees them."""
    return _TIME.sub(lambda found: datetime.fromtimestamp(int(found[1]), UTC).strftime(_STYLES[found[2]]), text)


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  it is a command
