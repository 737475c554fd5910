"""What a moderator can do to a member from a card: time out, remove from a channel, ban; each asked twice, and undone.

Leans on discord.py and `core.casework.desk`. Decisions:
- Nobody can do through the bot what Discord would not let them do by hand: the presser's own permission and place among
  the roles count, as do the bot's. Discord sends both sides' permissions along with every press.
- Nothing is done to moderators, admins, the owner, bots or the presser, whoever asks.
- What is done is recorded before it is tried (`core.casework.desk.Desk.acted`): of two who press at once one acts, and
  whatever breaks in between, the card shows it. What Discord refused is taken off again. If Discord does not answer,
  the record stands, and whoever pressed is told to look.
- A ban deletes no message: what was said is evidence.
- Undoing a time-out gives back what stood before it, unless somebody changed it since. Where that was another time-out
  by a card, this case's or another's, and was undone meanwhile, it is what stood before that one.
- A time-out that would end sooner than the one that stands is said to, before it is given.
- "Remove from channel" denies one member the channel of the newest message that moved the score; a thread's members
  come from its channel, so there it is the channel.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import aiohttp
import discord

from bots.common import hand
from bots.common.answers import Answer
from bots.discord_bot.answers import Press
from bots.discord_bot.markup import MARKUP
from bots.discord_bot.moderators import may_press
from core.casework.cards import Action, Card, Person

Place = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.ForumChannel
HOUR = 3600.0
SAME_END = 1.0
"""Seconds by which two ends of a time-out may differ, and still be one: Discord's clock ticks in milliseconds."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that can be done: its name on cards, the permission it needs, and how long it lasts, in seconds."""

    what: str
    permission: str
    lasts: float | None = None


DEEDS: dict[str, Deed] = {
    "timeout_1h": Deed("timeout", "moderate_members", HOUR),
    "timeout_24h": Deed("timeout", "moderate_members", 24 * HOUR),
    "timeout_7d": Deed("timeout", "moderate_members", 7 * 24 * HOUR),
    "remove": Deed("remove", "manage_roles"),
    "ban": Deed("ban", "ban_members"),
}
PERMISSIONS = {deed.what: deed.permission for deed in DEEDS.values()}


@dataclass(frozen=True, slots=True)
class Aim:
    """Whom it concerns, in which server; `member` is None who left it. `place` is the channel of a removal."""

    who: Person
    guild: discord.Guild
    member: discord.Member | None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Undoing:
    """An action that is to be taken back, with the reason that Discord keeps in its audit log."""

    action: Action
    reason: str


def ask(name: str) -> Callable[[Press, Card], Awaitable[Answer]]:
    """Return the press that asks once more whether the deed `name` shall be done."""

    async def asked(press: Press, card: Card) -> Answer:
        if not card.actor.id:
            return Answer(press.say("hand.nobody_found"))
        aim = await _aim(press, card, DEEDS[name])
        if told := _obstacle(press, aim, DEEDS[name]):
            return Answer(told)
        who, deed = press.words.person(card.actor), DEEDS[name]
        text = press.say(f"hand.sure_{name}", who=who, place=_mention(aim.place))
        stands = None if aim.member is None or deed.lasts is None else _timed_out(aim.member)
        if stands is not None and deed.lasts is not None and stands > time.time() + deed.lasts:
            text += " " + press.say("hand.sure_shorter", until=MARKUP.when(stands))
        return Answer(text, buttons=((f"yes_{name}", card.alert),))

    return asked


def do(name: str) -> Callable[[Press, Card], Awaitable[Answer]]:
    """Return the press that does the deed `name`."""

    async def done(press: Press, card: Card) -> Answer:
        deed = DEEDS[name]
        if not card.actor.id:
            return Answer(press.say("hand.nobody_found"))
        aim = await _aim(press, card, deed)
        told = _obstacle(press, aim, deed)
        if not told and deed.what == "ban" and not await press.desk.agree(card.alert, "ban", press.moderator):
            told = press.say("hand.second_agrees")
        if told:
            return Answer(told)
        until = None if deed.lasts is None else time.time() + deed.lasts
        place = None if aim.place is None else str(aim.place.id)
        action = Action(deed.what, card.actor, until, place, _BEFORE[deed.what](aim))
        number = await press.desk.acts.taken(card.alert, action, press.moderator)
        if number is None:
            return Answer(press.say("hand.done_before"))
        reason = press.say("hand.reason", case=card.alert, who=press.moderator.name, id=press.moderator.id)
        undo = (("undo", str(number)),)
        try:
            await _DOING[deed.what](aim, action, reason)
        except (discord.DiscordServerError, aiohttp.ClientError, OSError, TimeoutError):
            return Answer(press.say("hand.discord_silent"), buttons=undo)
        except discord.DiscordException as error:
            await press.desk.acts.refused(number, press.moderator)
            return Answer(_refusal(press, error))
        blanks = {
            "who": press.words.person(card.actor),
            "until": MARKUP.when(until or 0.0),
            "place": _mention(aim.place),
        }
        return Answer(press.say(f"hand.done_{deed.what}", **blanks), buttons=undo)

    return done


async def undo(press: Press, number: str) -> Answer:
    """Take back what was done."""
    return await hand.undo(press, int(number), _take_back)


async def _take_back(press: Press, alert: str, action: Action) -> str | Answer:
    guild = _guild(press)
    place = guild.get_channel(int(action.place)) if action.place else None
    place = place if isinstance(place, Place) else None
    if told := _not_permitted(press, PERMISSIONS[action.what], guild, place):
        return Answer(told)
    reason = press.say("hand.reason_undo", case=alert, who=press.moderator.name, id=press.moderator.id)
    try:
        aim = Aim(action.person, guild, await _member(guild, action.person), place)
        return await _UNDOING[action.what](press, aim, Undoing(action, reason))
    except discord.NotFound:
        return press.say("hand.discord_gone")
    except discord.HTTPException as error:
        return Answer(_refusal(press, error))


# --- who may do what to whom -----------------------------------------------------------------------------------------


def _obstacle(press: Press, aim: Aim, deed: Deed) -> str:
    """Say what is in the way of a deed, or ""."""
    who = press.words.person(aim.who)
    if aim.member is None and deed.what != "ban":
        return press.say("hand.not_in_server", who=who)
    if deed.what == "remove" and aim.place is None:
        return press.say("hand.no_place")
    if told := _not_permitted(press, deed.permission, aim.guild, aim.place):
        return told
    name = "" if aim.member is None else _immune(press, aim, aim.member)
    return press.say(f"hand.{name}", who=who, place=_mention(aim.place)) if name else ""


def _immune(press: Press, aim: Aim, member: discord.Member) -> str:
    """Name the text that says why a member is out of the presser's or the bot's reach, or ""."""
    guild, place = aim.guild, aim.place
    reasons = {
        "never_bot": member.bot,
        "never_yourself": member.id == press.member.id,
        "never_owner": member.id == guild.owner_id,
        "never_moderator": _moderates(member, press),
        "you_below": press.member.id != guild.owner_id and press.member.top_role <= member.top_role,
        "bot_below": guild.me.top_role <= member.top_role,
        "out_of_sight": place is not None and not place.permissions_for(member).view_channel,
    }
    return next((name for name, holds in reasons.items() if holds), "")


def _moderates(member: discord.Member, press: Press) -> bool:
    held = member.guild_permissions
    return held.administrator or held.manage_guild or may_press(member, press.server, held)


def _not_permitted(press: Press, permission: str, guild: discord.Guild, place: Place | None) -> str:
    """Say which permission the presser or the bot lacks, or ""."""
    yours = press.permissions if place is None else place.permissions_for(press.member)
    of_bot = press.of_bot if place is None else place.permissions_for(guild.me)
    named = press.say(f"hand.permission_{permission}")
    for key, held in (("you_lack", yours), ("bot_lacks", of_bot)):
        if not (getattr(held, permission) or held.administrator):
            return press.say(f"hand.{key}", permission=named)
    return ""


async def _aim(press: Press, card: Card, deed: Deed) -> Aim:
    guild = _guild(press)
    place = await _place(guild, card) if deed.what == "remove" else None
    return Aim(card.actor, guild, await _member(guild, card.actor), place)


def _guild(press: Press) -> discord.Guild:
    """Return the server, which is known: the press came from it."""
    return press.member.guild


async def _member(guild: discord.Guild, who: Person) -> discord.Member | None:
    """Ask Discord for a member as they are now; None if they left."""
    try:
        return await guild.fetch_member(int(who.id))
    except discord.NotFound:
        return None


async def _place(guild: discord.Guild, card: Card) -> Place | None:
    """Return the channel of the newest message that moved the score, or None if it is out of reach."""
    newest = max(card.messages, key=lambda ref: int(ref.message_id), default=None)
    if newest is None:
        return None
    number = int(newest.key.conversation)
    found = guild.get_channel_or_thread(number)
    if found is None:
        try:
            found = await guild.fetch_channel(number)
        except (discord.Forbidden, discord.NotFound, discord.InvalidData):
            return None
    if isinstance(found, discord.Thread):
        found = found.parent
    return found if isinstance(found, Place) else None


# --- on Discord ------------------------------------------------------------------------------------------------------


async def _timeout(aim: Aim, action: Action, reason: str) -> None:
    assert aim.member is not None
    await aim.member.timeout(datetime.fromtimestamp(action.until or 0.0, UTC), reason=reason)


async def _remove(aim: Aim, _action: Action, reason: str) -> None:
    assert aim.member is not None
    assert aim.place is not None
    overwrite = aim.place.overwrites_for(aim.member)
    overwrite.update(view_channel=False)
    await aim.place.set_permissions(aim.member, overwrite=overwrite, reason=reason)


async def _ban(aim: Aim, action: Action, reason: str) -> None:
    await aim.guild.ban(discord.Object(int(action.person.id)), delete_message_seconds=0, reason=reason)


async def _end_timeout(press: Press, aim: Aim, undoing: Undoing) -> str:
    """Give back the time-out that stood before, or none; one that somebody changed since stays as it is."""
    if aim.member is None:
        return press.say("hand.undone")
    now, before = _timed_out(aim.member), await _stood(press, undoing)
    before = before if before is not None and before > time.time() else None
    if now == before or _same_end(now, before):  # Discord never did it, or somebody undid it by hand
        return press.say("hand.undone")
    if not _same_end(now, undoing.action.until):
        return press.say("hand.undone_timeout_changed")
    if before is None:
        await aim.member.timeout(None, reason=undoing.reason)
        return press.say("hand.undone")
    await aim.member.timeout(datetime.fromtimestamp(before, UTC), reason=undoing.reason)
    return press.say("hand.undone_timeout_back", until=MARKUP.when(before))


async def _stood(press: Press, undoing: Undoing) -> float | None:
    """Return until when somebody was timed out before an action, leaving out what cards did and was undone since."""
    undone = await press.desk.acts.taken_back(press.space, "timeout", undoing.action.person.id)
    before = undoing.action.before
    for earlier in reversed(undone):  # the newest first: each can stand before a later one only
        if before is not None and _same_end(float(before), earlier.until):
            before = earlier.before
    return None if before is None else float(before)


def _timed_out(member: discord.Member) -> float | None:
    """Return until when a member is timed out, in seconds since the epoch; Discord keeps what is over, too."""
    until = None if member.timed_out_until is None else member.timed_out_until.timestamp()
    return until if until is not None and until > time.time() else None


def _same_end(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) < SAME_END


async def _let_in(press: Press, aim: Aim, undoing: Undoing) -> str:
    """Give back what the member's own permissions in the channel were; a channel that is gone needs nothing."""
    done, action = press.say("hand.undone"), undoing.action
    if aim.place is None:
        return done
    who = aim.member or await press.client.fetch_user(int(action.person.id))
    overwrite = aim.place.overwrites_for(who)
    overwrite.update(view_channel=True if action.before == "allowed" else None)
    kept = None if overwrite.is_empty() else overwrite
    await aim.place.set_permissions(cast("discord.Member", who), overwrite=kept, reason=undoing.reason)
    return done


async def _unban(press: Press, aim: Aim, undoing: Undoing) -> str:
    await aim.guild.unban(discord.Object(int(undoing.action.person.id)), reason=undoing.reason)
    return press.say("hand.undone")


_DOING = {"timeout": _timeout, "remove": _remove, "ban": _ban}
_UNDOING = {"timeout": _end_timeout, "remove": _let_in, "ban": _unban}


def _nothing(_aim: Aim) -> None:
    """Such an action leaves nothing to remember."""


def _timed_out_before(aim: Aim) -> str | None:
    """Remember until when the member is timed out already, in seconds since the epoch."""
    until = None if aim.member is None else _timed_out(aim.member)
    return None if until is None else repr(until)


def _seen_before(aim: Aim) -> str | None:
    """Remember whether the member was let into the channel by a permission of their own."""
    if aim.place is None or aim.member is None:
        return None
    return "allowed" if aim.place.overwrites_for(aim.member).view_channel else None


_BEFORE: dict[str, Callable[[Aim], str | None]] = {
    "timeout": _timed_out_before,
    "remove": _seen_before,
    "ban": _nothing,
}
"""Action -> what stood before it, as `core.casework.cards.Action` keeps it."""


def _refusal(press: Press, error: discord.DiscordException) -> str:
    if isinstance(error, discord.NotFound):
        return press.say("hand.discord_gone")
    if isinstance(error, discord.HTTPException):
        return press.say("hand.discord_refused", status=error.status, code=error.code)
    return press.say("hand.failed")


def _mention(place: Place | None) -> str:
    return "" if place is None else f"<#{place.id}>"
