"""The page about cases in docs: ``python -m bots.commands.cases.page > docs/cases.md``.

Leans on `core.casework.transitions` for states and steps, and on `bots.cli` for the commands. A test holds page, table
and command line equal.
"""

from __future__ import annotations

from collections.abc import Iterator

from bots.cli import GROUPS
from bots.commands.cases.common import STANDS
from core.casework.cards import STATES
from core.casework.transitions import STEPS, Way, Who

WHO: dict[Who, str] = {
    "moderator": "every moderator",
    "claimant": "whoever looks into it",
    "decider": "whoever decided, within a day",
    "two": "a moderator who types the case's number; two, where `[cases] four_eyes` asks for it",
}
BACK = "where it stood before"
CASE = "3f9d1c2ab4e5f607"
EXAMPLES: dict[str, str] = {
    "list": "open --space discord:100000000000000001",
    "show": f"{CASE} --text --as Kim",
    "claim": f"{CASE} --as Kim",
    "release": f"{CASE} --as Kim",
    "decide": f'{CASE} dismiss --grounds friends_family --remark "cousins, as both say" --as Kim',
    "escalate": f"{CASE} --as Kim",
    "note": f'{CASE} "called the school, they call back on Monday" --as Kim',
    "hold": f"{CASE} --as Kim",
    "lift": f"{CASE} --as Kim",
    "aside": f"{CASE} --as Kim",
    "resume": f"{CASE} --as Kim",
    "close": f"{CASE} --as Kim",
    "reopen": f"{CASE} --as Kim",
    "merge": f"{CASE} 80aa41d77c02be19 --as Kim",
    "related": CASE,
    "export": f"{CASE} --format json --out files --as Kim",
    "report": f'{CASE} --to "NCMEC CyberTipline" --reference 123456 --confirm {CASE} --as Kim',
    "verify": CASE,
}
"""Command -> what follows it in the example; each is a command line that works."""
_HEAD = """# Cases

Written by `make docs/cases.md` from the table of states (`core/casework/transitions.py`) and the commands; please do
not edit.

An alert that people work on is a case. Where it stands follows from what people did; a step can be taken only from the
states named beside it, and of two people who take one at the same time the first does. Nobody takes any step on a case
about themselves, or of which a part is, nor takes back what was done by it. Every step is in the audit.

No decision is for ever: whoever decided takes it back within a day (undo), and everybody may have it decided anew at
any time (reconsider). What was remarked with it stays as a note.

A legal hold is no state: it keeps what is preserved of a case, and of what became part of it, whatever its state. One
that somebody set lasts until somebody ends it. A report sets one that ends by itself a year later. In that year nobody
ends any, nor while a report is on its way to NCMEC.

Where `[cases] four_eyes` asks for two people, they are two accounts: by the platform's id there, by the name at a
terminal; and whoever has a name on the platform is no second one by the same name at a terminal. That one human has two
accounts, or takes another name at the terminal, no program can tell. An agreement counts for a week, and not beyond a
decision.
"""
_COMMANDS = """## Commands

The same at a terminal. They work while `lampkeeper run` goes on, which shows what changed on the cards within seconds;
without it, the cards are brought up to date when it starts. `--as` names the person who acts, for the audit and the
card. Whoever can read the key file can act, so nothing more is asked: the name is theirs to give.

What people wrote to each other is shown with `--text` only. It is audited, and counted for each moderator and day; from
`[cases] excerpt_lines_a_day` on, the answer says kindly that it is enough, and who else could go on. An exported file
counts with all its texts.

Who else could go on, and whose turn it could be to look into a case that nobody has claimed, goes by how much everybody
was shown: least today first, then least in the last five weeks. Named is who was shown texts, or claimed or decided a
case, in the last two weeks; nobody whom the case is about, who let go of it or asked for a second reviewer, who was
shown enough for today, or who moderates no more. On Discord and Slack, cards and calls say so, and whoever is over the
limit and presses **Claim** is asked whether one of them could, and may claim all the same. `rotate_claims = false` in
`[cases]` ends all of it.

A command exits with 0 if it did what was asked, with 1 if it changed nothing, and says why.
"""


def page() -> str:
    """Write the page, in Markdown."""
    return "\n".join((_HEAD, *_states(), *_steps(), *_diagram(), _COMMANDS, *_commands()))


def _states() -> Iterator[str]:
    yield "## States\n\n| state | the case is | from there |\n|---|---|---|"
    for name in STATES:
        steps = dict.fromkeys(_words(way) for way in STEPS if name in way.start)
        yield f"| `{name}` | {STANDS[name]} | {', '.join(steps)} |"
    yield ""


def _steps() -> Iterator[str]:
    yield "## Steps\n\n| step | from | to | who |\n|---|---|---|---|"
    for way in STEPS:
        start = ", ".join(f"`{state}`" for state in way.start)
        end = BACK if way.end is None else f"`{way.end}`"
        yield f"| {_words(way)} | {start} | {end} | {WHO[way.who]} |"
    yield ""


def _diagram() -> Iterator[str]:
    yield "Without the steps that lead back to where a case stood before:\n"
    yield "```mermaid\nstateDiagram-v2\n    [*] --> open"
    arrows: dict[tuple[str, str], list[str]] = {}
    for way in STEPS:
        for start in way.start:
            if way.end is not None:
                arrows.setdefault((start, way.end), []).append(_words(way))
    for (before, after), steps in arrows.items():
        yield f"    {before} --> {after}: {', '.join(steps)}"
    yield "```\n"


def _commands() -> Iterator[str]:
    for name, _, about in next(commands for group, _, commands in GROUPS if group == "cases"):
        yield f"### `lampkeeper cases {name}`\n\n{about}\n\n    lampkeeper cases {name} {EXAMPLES[name]}\n"
    yield "`lampkeeper cases COMMAND --help` names every option."


def _words(way: Way) -> str:
    return way.step.replace("_", " ")


if __name__ == "__main__":
    print(page())  # noqa: T201 - it is a command
