"""How things look on a terminal: cards, scores, summaries, complaints; and the deliverer that only prints.

Leans on rich. Where the output is no terminal there are no colours, no control codes and no boxes, and lines are at
most `WIDTH` columns, for a pipe is read by people too. What strangers wrote cannot steer the terminal (`safe`). Nothing
here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import fill
from time import gmtime, strftime
from unicodedata import category

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from core.casework.cards import NOTE, WITHDRAWN, Call, Card, ExcerptLine, percent
from core.casework.transitions import WORKED_ON
from core.effects import Level, Score
from core.training.document import Section, Table

WIDTH = 100
LEVEL_STYLES: dict[Level, str] = {"none": "green", "watch": "yellow", "review": "dark_orange", "urgent": "bold red"}
_BAR = 10
_COLUMN = 40
"""Columns that the first cells of a table of words may take."""
_JOINERS = "\u200c\u200d"
_STEERING = {"Cc", "Cf", "Zl", "Zp", "Cs"}
"""Unicode's categories of signs that do something instead of being seen
(https://www.unicode.org/reports/tr44/#General_Category_Values)."""
_NUMBER = len(percent(0.9999))
"""Columns for the widest number."""


def console(*, stderr: bool = False) -> Console:
    """Make a console for one of the two output streams."""
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal or made.width > WIDTH:
        made.width = WIDTH
    return made


def complain(sentence: str) -> None:
    """Say on standard error what is wrong, in red, in one piece however long."""
    console(stderr=True).print(Text(sentence, style="red"), soft_wrap=True)


def safe(text: str) -> str:
    r"""Put "�" for every control character, and for those that turn the direction of what follows.

    Line breaks and tabs become spaces: what one person wrote stays one line. Joiners, of which emoji are made, stay.

    >>> safe("two\nlines"), safe("a\x1b[2Jb"), safe("a\u202eb")
    ('two lines', 'a�[2Jb', 'a�b')
    """
    return "".join(_shown(sign) for sign in text)


def _shown(sign: str) -> str:
    if sign in "\n\r\t":
        return " "
    return "�" if category(sign) in _STEERING and sign not in _JOINERS else sign


def bar(score: Score, *, ascii_only: bool = False) -> Text:
    """Draw a probability; where there is none it is drawn as unknown, which is not zero.

    >>> bar(Score(.52, "watch", "scored"), ascii_only=True).plain
    '#####-----    52 %'
    >>> bar(Score(None, "none", "insufficient"), ascii_only=True).plain
    '..........     - %'
    """
    probability, level, outcome = score
    full, empty, unknown = "#-." if ascii_only else "━╌·"
    if probability is None:
        words = "unread" if outcome == "unsupported_language" else "- %"
        return Text(f"{unknown * _BAR} {words:>{_NUMBER}}", style="dim")
    filled = int(probability * _BAR + 0.5)
    return Text(
        f"{full * filled}{empty * (_BAR - filled)} {percent(probability):>{_NUMBER}}", style=LEVEL_STYLES[level]
    )


def card_text(card: Card) -> Text:
    """Write what a card says, line by line."""
    target = safe(card.target.name) if card.target else "nobody in particular"
    lines = [
        f"{safe(card.actor.name)} -> {target}   {percent(card.probability)} ({card.level})",
        *(f"  * {signal}" for signal in card.signals),
        *(f"  ! The other person: {signal}" for signal in card.welfare),
        *(f"Messages: {conversation} {', '.join(numbers)}" for conversation, numbers in _places(card).items()),
        safe(card.status),
        "[Confirm]  [Dismiss]  [Show excerpt]" if card.state in WORKED_ON else "[Show excerpt]",
        NOTE,
    ]
    return Text("\n".join(lines))


def _places(card: Card) -> dict[str, list[str]]:
    """Conversation -> the card's messages in it."""
    places: dict[str, list[str]] = {}
    for message in card.messages:
        words = f"#{message.message_id}" + (" (deleted)" if message.deleted else "")
        places.setdefault(message.key.conversation, []).append(words)
    return places


def show_card(to: Console, card: Card) -> None:
    """Print a card as moderators see it."""
    style = LEVEL_STYLES[card.level]
    title = f"{card.title} (alert {card.alert})"
    if to.is_terminal:
        to.print(Panel(card_text(card), title=Text(title, style=style), title_align="left", border_style=style))
        return
    to.print(f"\n  ALERT  {title}")
    for line in card_text(card).plain.splitlines():
        to.print(fill(line, WIDTH, initial_indent="  | ", subsequent_indent="  |     ", replace_whitespace=False))
    to.print()


def moment(time: float) -> str:
    """Write a time, in seconds since the epoch, as UTC.

    >>> moment(0)
    '1970-01-01 00:00 UTC'
    """
    return strftime("%Y-%m-%d %H:%M UTC", gmtime(time))


def show_excerpt(to: Console, lines: Iterable[ExcerptLine], *, dated: bool = False) -> None:
    """Print an excerpt as the moderator who asked for it sees it; a star marks what moved the score. Times are UTC."""
    for line in lines:
        _gap(to, line.left_out)
        time = "" if line.time is None else strftime("%Y-%m-%d %H:%M " if dated else "%H:%M ", gmtime(line.time))
        mark = "*" if line.reason else " "
        who = f"{safe(line.author.name)} reported" if line.report else safe(line.author.name)
        words = [safe(line.text)]
        words += [f"[{line.attached}]"] if line.attachments else []
        words += ["(deleted since)"] if line.deleted else []
        if line.edited is not None:
            words.append(f"(edited {moment(line.edited)}, before it was seen: what it said at first is not known)")
        words += [f"(before it was edited: {safe(line.earlier)})"] if line.earlier else []
        to.print(f"  {mark} {time}{who}: {' '.join(words)}", style="bold" if line.reason else "")
        _gap(to, line.more_after)


def _gap(to: Console, lines: int) -> None:
    """Say how many messages are not shown."""
    if lines:
        to.print(f"    ... {lines:,} not shown", style="dim")


def show_summary(to: Console, rows: Iterable[tuple[str, str]]) -> None:
    """Print what a command did, a line each."""
    lines = list(rows)
    width = max(len(name) for name, _ in lines)
    to.print(Text("Summary", style="bold"))
    for name, value in lines:
        to.print(Text.assemble((f"{name:<{width}}  ", "dim"), value), soft_wrap=True)


def show_table(to: Console, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns: the first one to the left, numbers to the right; as wide as they are, for a pipe folds nothing."""
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for number, row in enumerate(table):
        cells = [
            f"{row[0]:<{widths[0]}}",
            *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        to.print(Text("  ".join(cells), style="bold" if number == 0 else ""), soft_wrap=True)


def show_sections(to: Console, sections: Iterable[Section]) -> None:
    """Print a page, section by section; everything is folded but tables of numbers."""
    for section in sections:
        to.print(Text(section.title, style="bold"))
        for sentence in section.text:
            to.print(fill(sentence, WIDTH))
        for point in section.points:
            to.print(fill(point, WIDTH, initial_indent="  * ", subsequent_indent="    "))
        if section.table is not None and section.table.numbers:
            show_table(to, section.table.head, section.table.rows)
        elif section.table is not None:
            _show_words(to, section.table)
        if section.reading:
            to.print(Text(fill(section.reading, WIDTH), style="dim"))
        to.print()


def _show_words(to: Console, table: Table) -> None:
    """Print a table of words: its last column is folded, the others stand before it."""
    rows = [table.head, *table.rows]
    widths = [min(max(len(row[column]) for row in rows), _COLUMN) for column in range(len(table.head) - 1)]
    for number, row in enumerate(rows):
        lead = "".join(f"{cell:<{width}}  " for cell, width in zip(row[:-1], widths, strict=True))
        line = fill(row[-1], WIDTH, initial_indent=lead, subsequent_indent=" " * (sum(widths) + 2 * len(widths)))
        to.print(Text(line, style="bold" if number == 0 else ""))


class DryRun:
    """A deliverer that prints cards instead of posting them: what a platform's adapter would show."""

    def __init__(self, to: Console, platform: str) -> None:
        self.platform = platform
        self.cards: dict[str, Card] = {}
        self._console = to
        self._called: set[tuple[str, Call]] = set()

    async def show(self, card: Card, reference: str | None) -> str:
        """Print a new card whole, and a known one as what changed."""
        before = self.cards.get(card.alert)
        self.cards[card.alert] = card
        if reference is None or before is None:
            show_card(self._console, card)
        else:
            self._console.print(_change(before, card))
        return card.alert

    async def find(self, card: Card) -> str | None:
        """Nothing that was printed can be found again."""
        return card.alert if card.alert in self.cards else None

    async def notify(self, space: str, text: str) -> None:
        """Print a notice to the admins."""
        self._console.print(f"  notice to the admins of {space}: {text}")

    async def withdraw(self, space: str, alert: str, reference: str | None) -> None:  # noqa: ARG002 a protocol's
        """Print that a card's alert was deleted."""
        if self.cards.pop(alert, None) is not None:
            self._console.print(f"  card {alert} in {space}: {WITHDRAWN}")

    async def call(self, card: Card, reference: str, why: Call, *, tried: bool) -> None:  # noqa: ARG002 a protocol's
        """Print that nobody looks into a card; whoever reads the terminal saw what else people are called for."""
        if why not in {"urgent", "second"} and not (tried and (card.alert, why) in self._called):
            self._called.add((card.alert, why))
            self._console.print(f"  card {card.alert} in {card.space}: nobody is looking into it yet ({why})")


def _change(before: Card, card: Card) -> Text:
    """Say in one line what is new on a card that is already shown."""
    if card.decided is not None:
        return Text(f"  card {card.alert}: {card.status}", style="cyan")
    new = [signal for signal in card.signals if signal not in before.signals]
    words = f"; new: {', '.join(new)}" if new else ""
    line = f"  card {card.alert}: {percent(card.probability)} ({card.level}){words}"
    return Text(fill(line, WIDTH, subsequent_indent="    "), style=LEVEL_STYLES[card.level])
