"""What members can do on Slack, in one table: report, be told of help, ask about what is kept of them.

Leans on `report`, `helpdesk`, `privacy` and `requests`, where it is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncApp

from bots.slack_app import helpdesk, privacy, report, requests
from bots.slack_app.asked import Adapter, Answering, Taking, answering, taking
from bots.slack_app.manifest import COMMAND, REPORT

COMMANDS: dict[str, Answering] = {"privacy": privacy.show, "requests": requests.show}
PRESSES: dict[str, Answering] = {
    helpdesk.TELL: helpdesk.begin,
    helpdesk.COUNTRY: helpdesk.show_country,
    helpdesk.KEPT: privacy.show,
    privacy.SEE: privacy.see,
    privacy.DELETE: privacy.begin_deletion,
    requests.CHOOSE: requests.choose,
    requests.FORGET: requests.forget,
}
"""``action_id`` -> what is done."""
FORMS: dict[str, tuple[str, Taking]] = {
    report.FORM: ("members.form_title", report.submit),
    helpdesk.TELL: ("members.tell_title", helpdesk.submit),
    privacy.DELETE: ("privacy.confirm_title", privacy.submit_deletion),
}
"""``callback_id`` -> the key of what stands over the answer, and what is done."""


def add(app: AsyncApp, adapter: Adapter) -> None:
    """Have `app` listen for all of it."""
    app.message_shortcut(REPORT)(answering(adapter, report.begin))
    for action, pressed in PRESSES.items():
        app.action(action)(answering(adapter, pressed))
    for name, (title, sent) in FORMS.items():
        app.view(name)(taking(adapter, title, sent))
    for word, typed in COMMANDS.items():
        app.command(COMMAND, matchers=[_is(word)])(answering(adapter, typed))


def _is(word: str) -> Callable[..., Awaitable[bool]]:
    """Return what tells whether a command begins with a word."""

    async def matches(command: dict[str, Any]) -> bool:
        return str(command.get("text") or "").lower().split()[:1] == [word]

    return matches
