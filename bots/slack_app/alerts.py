"""What a workspace's moderators are told, in its alert channel: cards, calls, notices.

Leans on `delivery`, which posts, and on `bots.common.face` for what a card says. Without an alert channel a card waits
in the outbox until there is one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from bots.common import calls, rotation
from bots.common.calls import Called
from bots.common.changes import read, tell_former
from bots.common.face import Account, face
from bots.common.trial import is_order
from bots.slack_app import delivery, direct, trial
from bots.slack_app.api import RefusalError
from bots.slack_app.delivery import Calling
from bots.slack_app.translate import notice
from bots.texts import say
from core.casework.cards import Call, Card, MessageRef, Person
from core.errors import PlatformError, TryLater

if TYPE_CHECKING:
    from bots.slack_app.workspace import Workspace

log = structlog.get_logger(__name__)

TO_MODERATORS = frozenset(("ping", calls.AGAIN))
"""Calls that go to whoever moderates, where no usergroup does: people by name, or everybody in the alert channel."""
EVERYBODY = "<!channel>"
"""Calls everybody in a channel: where it stands in the channel itself, for in a thread Slack notifies nobody by it."""
LINK_SECONDS = 3600.0
"""How long it is remembered where a message stands."""


async def show(here: Workspace, card: Card, reference: str | None) -> str:
    """Post `card`, or edit the posted one; return the reference to edit it by."""
    people, team, said = here.people, here.who.team, here.words
    actor = await people.introduced(card.actor, team, here.language)
    target = card.target and await people.introduced(card.target, team, here.language)
    card = replace(card, actor=actor, target=target)
    links = [await _link(here, message) for message in card.messages]
    accounts = {who.id: await _account(here, who) for who in (actor, target) if who is not None and who.id}
    turn = await rotation.turn(here.guard.desk, card, here.moderates)
    drawn = face(card, said, links, accounts, turn)
    posted = await delivery.show(here.client, _channel(here), drawn, said, reference)
    if posted.left is not None:
        await _by_hand(here, posted.left)
    return posted.reference


async def _link(here: Workspace, message: MessageRef) -> str:
    """Say where a message stands, for which Slack is asked once, and not with every edit of a card."""
    where = (message.key.conversation, message.message_id)
    known = here.links.get(where)
    if known is not None:
        return known
    told = await delivery.link(here.client, message, here.who) or await _direct(here, message)
    return here.links.put(where, told, LINK_SECONDS)


async def _direct(here: Workspace, message: MessageRef) -> str:
    """Say of a direct message whether it is one with the app, or one that a member reported, between others."""
    seen = await direct.within(here.client, message.key.conversation)
    return here.words.say("card.direct" if seen else "slack.direct_between")


async def _account(here: Workspace, who: Person) -> Account:
    """Return what Slack says of somebody's account: not since when there is it."""
    return Account(avatar=(await here.people.known(who.id)).avatar or None)


async def find(here: Workspace, card: Card) -> str | None:
    """Return the reference of a card for the same alert that an interrupted try did post; else None."""
    return await delivery.find(here.client, _channel(here), card.alert)


async def withdraw(here: Workspace, alert: str, reference: str | None) -> None:
    """Say in place of a posted card that the data of its alert was deleted; nowhere can there be none."""
    found, channel = reference, here.settings.alert_channel
    if found is None and channel is not None:
        found = await delivery.find(here.client, channel, alert)
    if found is None:
        return
    withdrawn = False
    try:
        withdrawn = await delivery.withdraw(here.client, found, here.words)
    except RefusalError as error:
        own = found.partition("/")[0] == channel and error.code != "channel_not_found"
        if own or error.code not in delivery.CLOSED:
            raise  # into its alert channel the app may be let again
    if not withdrawn:
        await _by_hand(here, found)


async def _by_hand(here: Workspace, reference: str) -> None:
    """Have the moderators told of a card that only people can delete."""
    channel, _, ts = reference.partition("/")
    text = say(here.language, "slack.card_left", channel=channel, link=here.who.address(channel, ts))
    await here.guard.communities.tell(here.space, text)


async def call(here: Workspace, card: Card, reference: str, why: Call, *, tried: bool) -> None:
    """Call whom the workspace chose for it to a posted card, or say so in the second channel.

    If that is closed to the app, under the card. With `tried`, look first whether an earlier try did.
    """
    whom = calls.called(here.settings, why)
    if whom is None:
        return
    about = {"alert": card.alert, "why": why}
    if whom.channel is not None:
        said = Calling(await _said(here, card, reference, whom), about)
        try:
            await delivery.tell_once(here.client, str(whom.channel), said, tried=tried)
        except TryLater:
            raise
        except PlatformError as error:
            log.warning("slack.second_channel_closed", space=here.space, what=error.what, remedy=error.remedy)
            whom = calls.called(here.settings, why, elsewhere=False) or whom
        else:
            return
    said = Calling(await _said(here, card, reference, whom), about, aloud=why != "remind")
    if EVERYBODY in said.text:
        await delivery.tell_once(here.client, reference.partition("/")[0], said, tried=tried)
    else:
        await delivery.call_to(here.client, reference, said, tried=tried)


async def _said(here: Workspace, card: Card, reference: str, whom: Called) -> str:
    roles = [here.words.markup.role(role) for role in whom.roles]
    if not roles and whom.said in TO_MODERATORS:
        roles = [f"<@{user}>" for user in here.settings.moderators] or [EVERYBODY]
    text = calls.text(here.words, card, whom.said, " ".join(roles), here.who.address(*reference.split("/", 1)))
    return text + calls.turn(here.words, whom.said, await rotation.turn(here.guard.desk, card, here.moderates))


async def notify(here: Workspace, text: str) -> None:
    """Tell the moderators something about Lampkeeper itself."""
    former, said = read(text)
    if former is not None:
        await tell_former(here.space, delivery.notify(here.client, former, notice(said)))
    elif is_order(text):
        await trial.post(here.client, _channel(here), text, here.words)
    else:
        await post(here, notice(text))


async def post(here: Workspace, text: str) -> None:
    """Tell them something in Slack's own markup; raises `PlatformError` where that cannot be."""
    await delivery.notify(here.client, _channel(here), text)


def _channel(here: Workspace) -> str:
    if here.settings.alert_channel is None:
        raise PlatformError(
            "No alert channel is set for this Slack workspace, so its alert cards wait.",
            "Choose one in Slack, or put its id into alert_channel under [slack].",
        )
    return here.settings.alert_channel
