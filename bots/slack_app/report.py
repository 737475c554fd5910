"""The shortcut "Report to moderators" on a message.

Leans on `bots.common.reporting`. Decisions:
- The form comes first, for Slack opens one only within three seconds; who is a program is looked up when it is sent.
- The shortcut is there in every conversation, also where the app is not: what is reported there is a link, without a
  word of it; of a direct message between two not even that, for nobody else can open it. There the other one is whoever
  reports.
"""

from __future__ import annotations

from typing import Any

from bots.common.reporting import receive, refusal
from bots.slack_app.asked import Asked
from bots.slack_app.direct import within
from bots.slack_app.forms import Input, about, filled, form
from bots.slack_app.kit import Shown
from bots.slack_app.people import Known
from bots.slack_app.translate import conversation_of, is_typed, people_in, thread_of, translate
from core.casework import reports
from core.casework.cards import Person
from core.casework.reports import Asking
from core.conversation import ConversationState, address
from core.messages import ConversationKey, Message

FORM = "lampkeeper:report"
DIRECT = "D"
"""What the ids of direct messages between two begin with."""


async def begin(asked: Asked) -> Shown | None:
    """Ask what moderators should know of a message.

    Payload: https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload
    """
    raw = {**asked.body["message"], "channel": asked.body["channel"]["id"]}
    me, author = asked.workspace.who, Person(str(raw.get("user") or ""), "")
    refused = refusal(asked.words, Person(asked.user, ""), author, by_person=is_typed(raw, me), message=True)
    if refused:
        return Shown(refused)
    label, hint = asked.say("members.form_label"), asked.say("members.form_hint")
    inputs = [Input("words", label, reports.LONGEST, long=True, optional=True, hint=hint)]
    return await asked.open(form(asked.words, FORM, asked.say("members.form_title"), inputs, _place(asked, raw)))


async def submit(asked: Asked) -> str:
    """Open the case, or add to it."""
    view, workspace = asked.body["view"], asked.workspace
    place = about(view)
    author = await asked.person(place["author"])
    if (await workspace.people.known(author.id)).bot:
        return asked.say("members.program")
    message = (ConversationKey(workspace.space, place["conversation"]), place["id"])
    asking = Asking(await asked.person(), author, filled(view)["words"], message, place["target"])
    hidden = place["conversation"].startswith(DIRECT) and not await within(workspace.client, place["conversation"])
    return await receive(asked.here, asking, asked.aid, hidden=hidden)


def _place(asked: Asked, raw: dict[str, Any]) -> dict[str, str | None]:
    """Say where a message stands, and whom it is aimed at as far as it tells by itself."""
    me, channel = asked.workspace.who, str(raw["channel"])
    partner = asked.user if channel.startswith(DIRECT) else None
    said = translate(raw, asked.workspace.space, dict.fromkeys(people_in(raw, me), Known()), me, partner)
    return {
        "author": str(raw["user"]),
        "conversation": conversation_of(channel, thread_of(raw)),
        "id": str(raw["ts"]),
        "target": address(ConversationState(), said) if isinstance(said, Message) else None,
    }
