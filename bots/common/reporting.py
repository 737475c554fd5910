"""What is said to whoever reports something to moderators: whether it can be reported, and what became of it.

Leans on `core.casework.reports`. A report is taken while Lampkeeper is paused or only counts: it is one person asking
others.
"""

from __future__ import annotations

from typing import NamedTuple

from bots.common.here import Here
from bots.common.words import Words
from bots.helplines import Helplines, lines
from core.casework import reports
from core.casework.cards import Person
from core.casework.reports import Asking


class Aid(NamedTuple):
    """What a member is told beside: helplines of the space's country, and that it has no alert channel yet."""

    helplines: Helplines
    country: str | None
    alert_channel: bool


def refusal(words: Words, reporter: Person, author: Person, *, by_person: bool, message: bool) -> str | None:
    """Say why something is not reported: no person is behind it (`by_person`), or it is the reporter's own.

    What is reported is a `message` of the author's, or the author.
    """
    if not by_person:
        return words.say("members.program")
    if author.id != reporter.id:
        return None
    return words.say("members.own_message" if message else "members.yourself")


async def receive(here: Here, asking: Asking, aid: Aid, *, hidden: bool = False) -> str:
    """Open a case, or add to it; say to whoever reported what became of it, and who else could help.

    `hidden`: the message is where no moderator can look.
    """
    words, received = here.words, await reports.receive(here.ledger, here.space, asking)
    keys = {"opened": "members.received", "added": "members.received", "again": "members.again"}
    if received.outcome == "too_many":
        said = [words.say("members.too_many", most=reports.MOST_A_DAY)]
    else:
        said = [words.say(keys[received.outcome])]
    if received.outcome in {"opened", "added"}:
        if not aid.alert_channel:
            said.append(words.say("members.no_channel"))
        if asking.message is not None and not received.kept:
            said.append(words.say("members.hidden" if hidden else "members.not_kept"))
    first = lines(aid.helplines, aid.country, words)[0]
    return "\n".join([*said, words.say("members.talk", helpline=first)])
