"""The page of every command in docs: ``python -m bots.slack_app.commands_page > docs/slack_commands.md``.

Leans on `bots.slack_app.commands`. A test holds page and commands equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bots.slack_app.asked import Who
from bots.slack_app.commands import COMMANDS, Command
from bots.slack_app.commands.settings import CHANGES
from bots.slack_app.manifest import COMMAND, REPORT_HELP, REPORT_NAME
from bots.slack_app.markup import MARKUP
from bots.texts import ENGLISH, template

WHO: Mapping[Who, str] = {
    "member": "every member",
    "staff": "moderators, and the workspace's admins and owners",
    "moderator": "moderators",
    "admin": "the workspace's admins and owners",
}
_HEAD = f"""# Lampkeeper's commands on Slack

Written by `make docs/slack_commands.md` from the commands themselves; please do not edit.

There is one command, `{COMMAND}`; the word after it says what is wanted. *Moderators* are members of one of the
moderators' usergroups, or people named in the operator's configuration; where neither is set, everybody in the alert
channel. An admin or owner of the workspace counts as a moderator, too, while in the alert channel. Answers are shown
only to whoever asked.
"""


def page() -> str:
    """Write the page, in Markdown."""
    parts = [_HEAD, *("\n".join(_command(word, COMMANDS[word])) for word in sorted(COMMANDS))]
    return "\n".join([*parts, f"## On a message: **{REPORT_NAME}**\n\n{REPORT_HELP}.\n\n*For {WHO['member']}.*\n"])


def _command(word: str, command: Command) -> Iterator[str]:
    yield f"## `{COMMAND} {word}`\n\n{_text(command.about)}\n\n*For {WHO[command.who]}.*\n"
    if command.follows:
        yield f"What may follow: {_text(command.follows)}.\n"
    if word == "settings":
        yield "| option | what it is |\n|---|---|"
        yield from (f"| `{name}` | {_text(f'settings.option_{name}')} |" for name in CHANGES)
        yield ""


def _text(key: str) -> str:
    return template(ENGLISH, key, MARKUP.platform)


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  it is a command
