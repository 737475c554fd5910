"""What a moderator can do to a member from a card on Slack: remove from a channel, ask an owner to deactivate them.

Leans on `bots.slack_app.api` and `core.casework.desk`. Each is asked twice, and can be undone. Decisions:

- An app can neither time anybody out nor deactivate an account: only a workspace's owners and admins can, in Slack. So
  the workspace's primary owner is asked in a direct message, with what to do; where there is none to be found or
  reached, the alert channel is told.
- Where bans take two moderators (`[cases] four_eyes`), asking an owner does not: whoever deactivates an account is a
  second person already, and decides alone.
- Slack tells an app of no permission that a member has, so whoever moderates here may remove people; guests, whom Slack
  lets remove nobody, may not.
- Nothing is done to moderators, owners, admins, programs or the presser. Where Slack does not tell who somebody is,
  nothing is done.
- What is done is recorded before it is tried, as `core.casework.desk.Desk.acted` says; what Slack refused is taken off
  again. If Slack does not answer, the record stands, and whoever pressed is told to look.
- "Remove from channel" is about the channel of the newest message that moved the score; a thread's people come from its
  channel, so there it is the channel. Nobody can be removed from #general, nor from a direct message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from bots.common import hand
from bots.common.answers import Answer
from bots.slack_app import alerts, direct
from bots.slack_app.answers import Press
from bots.slack_app.api import RefusalError, call
from bots.slack_app.moderators import moderates
from core.casework.cards import Action, Card, Person
from core.errors import PlatformError, TryLater

GONE = frozenset(("channel_not_found", "is_archived", "user_not_found", "user_disabled"))
"""Refusals to let somebody in again that tell that there is nothing left to do."""
KICK = {"cant_kick_from_general": "slack_hand.general", "restricted_action": "slack_hand.kick_restricted"}
"""Slack's refusals to remove somebody that it says too shortly."""


@dataclass(frozen=True, slots=True)
class Aim:
    """Whom it concerns; `place` is the channel of a removal."""

    who: Person
    place: str | None = None


class Deed(NamedTuple):
    """What can be done: what else may be in the way, how it is done and undone; both say what to tell the presser."""

    obstacle: Callable[[Press, Aim], Awaitable[str]]
    do: Callable[[Press, Aim], Awaitable[str]]
    undo: Callable[[Press, Aim], Awaitable[str]]


def ask(name: str) -> Callable[[Press, Card], Awaitable[Answer]]:
    """Return the press that asks once more whether the deed `name` shall be done."""

    async def asked(press: Press, card: Card) -> Answer:
        aim = _aim(card, name)
        if told := await _obstacle(press, aim, name):
            return Answer(told)
        text = press.words.say(f"hand.sure_{name}", **_blanks(press, aim))
        return Answer(text, buttons=((f"yes_{name}", card.alert),))

    return asked


def do(name: str) -> Callable[[Press, Card], Awaitable[Answer]]:
    """Return the press that does the deed `name`."""

    async def done(press: Press, card: Card) -> Answer:
        aim = _aim(card, name)
        if told := await _obstacle(press, aim, name):
            return Answer(told)
        number = await press.desk.acts.taken(card.alert, Action(name, card.actor, place=aim.place), press.moderator)
        if number is None:
            return Answer(press.words.say("hand.done_before"))
        undo = (("undo", str(number)),)
        try:
            return Answer(await DEEDS[name].do(press, aim), buttons=undo)
        except TryLater:
            return Answer(press.words.say("slack_hand.silent"), buttons=undo)
        except PlatformError as error:
            await press.desk.acts.refused(number, press.moderator)
            return Answer(_refusal(press, error))

    return done


async def undo(press: Press, number: str) -> Answer:
    """Take back what was done."""
    return await hand.undo(press, int(number), _take_back)


async def _take_back(press: Press, _alert: str, action: Action) -> str | Answer:
    try:
        return await DEEDS[action.what].undo(press, Aim(action.person, action.place))
    except PlatformError as error:
        return Answer(_refusal(press, error))


# --- who may do what to whom -----------------------------------------------------------------------------------------


async def _obstacle(press: Press, aim: Aim, name: str) -> str:
    """Say what is in the way of a deed, or ""; raises `PlatformError` where Slack does not tell."""
    workspace, say = press.workspace, press.words.say
    if not aim.who.id:
        return say("hand.nobody_found")
    if (await workspace.people.anew(press.moderator.id)).guest:
        return say("slack_hand.guest")
    known = await workspace.people.anew(aim.who.id)
    reasons = {
        "never_yourself": aim.who.id == press.moderator.id,
        "never_bot": known.bot or aim.who.id == workspace.who.user,
        "never_owner": known.admin,
        "never_moderator": await moderates(aim.who.id, workspace.settings, workspace.people, workspace.who.team),
        "not_in_server": known.deleted,
    }
    reason = next((reason for reason, holds in reasons.items() if holds), "")
    if reason:
        return say(f"hand.{reason}", **_blanks(press, aim))
    return await DEEDS[name].obstacle(press, aim)


async def _cannot_remove(press: Press, aim: Aim) -> str:
    if aim.place is None:
        return press.words.say("hand.no_place")
    try:
        channel = (await call(press.workspace.client.conversations_info, channel=aim.place))["channel"]
    except RefusalError as error:
        if error.code != "channel_not_found":
            raise
        return press.words.say("hand.no_place")
    if channel.get("is_im") or channel.get("is_mpim"):
        return press.words.say("hand.no_place")
    if channel.get("is_general"):
        return press.words.say("slack_hand.general")
    press.workspace.people.moved(aim.place)
    if aim.who.id not in await press.workspace.people.members(aim.place):
        return press.words.say("hand.out_of_sight", **_blanks(press, aim))
    return ""


async def _cannot_ask(press: Press, aim: Aim) -> str:
    known = await press.workspace.people.known(aim.who.id)
    if known.elsewhere(press.workspace.who.team) is not None:
        return press.words.say("slack_hand.elsewhere", who=press.words.person(aim.who))
    return ""


def _aim(card: Card, name: str) -> Aim:
    newest = max(card.messages, key=lambda ref: float(ref.message_id), default=None)
    if name != "remove" or newest is None:
        return Aim(card.actor)
    return Aim(card.actor, newest.key.conversation.partition("/")[0])


# --- on Slack --------------------------------------------------------------------------------------------------------


async def _kick(press: Press, aim: Aim) -> str:
    """https://docs.slack.dev/reference/methods/conversations.kick."""
    await call(press.workspace.client.conversations_kick, channel=aim.place, user=aim.who.id)
    return press.words.say("hand.done_remove", **_blanks(press, aim))


async def _let_in(press: Press, aim: Aim) -> str:
    """https://docs.slack.dev/reference/methods/conversations.invite."""
    try:
        await call(press.workspace.client.conversations_invite, channel=aim.place, users=aim.who.id)
    except RefusalError as error:
        if error.code in GONE:
            return press.words.say("slack_hand.gone")
        if error.code != "already_in_channel":
            raise
    return press.words.say("hand.undone")


async def _ask_owner(press: Press, aim: Aim) -> str:
    return await _tell_owner(press, "slack_hand.deactivate", aim)


async def _ask_no_more(press: Press, aim: Aim) -> str:
    await _tell_owner(press, "slack_hand.deactivate_not", aim)
    return press.words.say("hand.undone")


async def _tell_owner(press: Press, key: str, aim: Aim) -> str:
    """Tell the primary owner, or else the alert channel; return what the presser is told."""
    workspace, words = press.workspace, press.words
    text = words.say(key, who=words.person(aim.who), moderator=words.person(press.moderator))
    try:
        owner = await workspace.people.owner()
        if owner is not None and await direct.write(workspace.client, owner.id, text):
            return words.say("slack_hand.told_owner", owner=words.person(owner))
    except PlatformError:
        pass  # told in the alert channel, where somebody may know an owner
    await alerts.post(workspace, text)
    return words.say("slack_hand.told_channel")


DEEDS: dict[str, Deed] = {
    "remove": Deed(_cannot_remove, _kick, _let_in),
    "deactivate": Deed(_cannot_ask, _ask_owner, _ask_no_more),
}


def _refusal(press: Press, error: PlatformError) -> str:
    code = error.code if isinstance(error, RefusalError) else ""
    return press.words.say(KICK.get(code, "slack_hand.refused"), why=error)


def _blanks(press: Press, aim: Aim) -> dict[str, str]:
    place = "" if aim.place is None else press.words.markup.channel(aim.place)
    return {"who": press.words.person(aim.who), "place": place}
