"""Draw the README's picture, an alert card of invented people: ``make picture``."""

import re
from pathlib import Path

from rich.console import Console

from bots.terminal import show_card
from core.casework.cards import Card, MessageRef, Person
from core.messages import ConversationKey
from core.signals.computed import MEANINGS

SHOWN = ("asks_age", "flattery", "gifts", "secrecy_request", "move_off_platform")


def main() -> None:
    """Write ``card.svg`` beside this file."""
    key = ConversationKey("discord:1", "general")
    card = Card(
        alert="3f2a9c51d07be846",
        space=key.space,
        level="review",
        probability=0.96,
        actor=Person("1", "actor"),
        target=Person("2", "target"),
        signals=tuple(MEANINGS[name] for name in SHOWN),
        messages=tuple(MessageRef(key, name) for name in ("112", "118", "121")),
        opened=0.0,
    )
    console = Console(
        record=True, width=96, force_terminal=True, color_system="truecolor", highlight=False, emoji=False
    )
    show_card(console, card)
    drawn = console.export_svg(title="lampkeeper")
    # A picture in a README fetches nothing from anywhere: the reader's own monospace font will do.
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL).replace("Fira Code, monospace", "monospace")
    Path(__file__).with_name("card.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
