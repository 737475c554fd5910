"""Windows (modals): opened by what Slack gives with a press, which is good for three seconds.

https://docs.slack.dev/reference/methods/views.open
"""

from __future__ import annotations

from bots.slack_app.api import RefusalError, call
from bots.slack_app.commands.asked import Asked, Shown
from bots.slack_app.kit import Block

LATE = frozenset(("expired_trigger_id", "trigger_expired", "trigger_exchanged", "exchanged_trigger_id"))


async def window(asked: Asked, view: Block) -> Shown | None:
    """Open a window; say so where it took too long."""
    try:
        await call(asked.workspace.client.views_open, trigger_id=asked.trigger, view=view)
    except RefusalError as error:
        if error.code not in LATE:
            raise
        return Shown(asked.say("home.too_late"))
    return None
