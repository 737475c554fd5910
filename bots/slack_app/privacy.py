"""`/lampkeeper privacy`: what is kept, for how long, and how to ask for it or for its deletion.

Leans on `bots.common.privacy`. The same stands behind a button under what the app answers in a direct message.
"""

from __future__ import annotations

from bots.common import privacy
from bots.slack_app.asked import Asked
from bots.slack_app.forms import Input, filled, form
from bots.slack_app.kit import Shown, actions, button

SEE, DELETE = "lampkeeper:see", "lampkeeper:delete"


async def show(asked: Asked) -> Shown:
    """Say what is kept."""
    rights = (button(asked.say("privacy.see"), SEE, SEE), button(asked.say("privacy.delete"), DELETE, DELETE))
    return Shown.of(privacy.kept(asked.words, asked.workspace.guard.ledger.keep), more=(actions(rights),))


async def see(asked: Asked) -> Shown:
    """Ask to see what is kept."""
    return Shown(await privacy.ask(asked.here, "access", await asked.person()))


async def begin_deletion(asked: Asked) -> Shown | None:
    """Ask whether it is meant."""
    inputs = [Input("word", asked.say("privacy.confirm_label"), most=20)]
    return await asked.open(form(asked.words, DELETE, asked.say("privacy.confirm_title"), inputs))


async def submit_deletion(asked: Asked) -> str:
    """Ask for the deletion."""
    if not privacy.confirmed(asked.words, filled(asked.body["view"])["word"]):
        return asked.say("privacy.not_confirmed")
    return await privacy.ask(asked.here, "deletion", await asked.person())
