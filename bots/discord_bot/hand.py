"""What a press does with the case: claim, decide, take back, look, preserve, export, ask for a second look.

Leans on `core.desk`, which records and audits, and on `bots.texts` (sections hand and card) for every word. What
touches a member is in `bots.discord_bot.actions`. A function takes the press and the card as it stood, and returns the
answer; whether somebody was faster is the desk's to say.
"""

from __future__ import annotations

import io
import json

import discord

from bots.discord_bot.answers import Answer, Press
from bots.discord_bot.card import excerpt as excerpt_pages
from bots.discord_bot.card import named, status, when
from core.cards import Card, Decision, Grounds
from core.desk import Verdict

UNDECIDE = "undecide"


async def confirm(press: Press, card: Card) -> Answer:
    """Confirm the concern."""
    return await _decide(press, card, "confirmed")


async def dismiss(press: Press, card: Card) -> Answer:
    """Ask on which grounds; nothing is recorded yet."""
    if card.decided is not None:
        return Answer(press.say("hand.decided_before", status=status(card, press.say)))
    return Answer(press.say("hand.why_dismiss"), grounds=card.alert)


async def dismissed(press: Press, card: Card, grounds: Grounds, remark: str) -> Answer:
    """Dismiss the alert, on these grounds."""
    return await _decide(press, card, "dismissed", grounds, remark)


async def undecide(press: Press, card: Card) -> Answer:
    """Take the presser's own decision back."""
    verdict = await press.desk.undecide(card.alert, press.moderator)
    return _told(press, verdict, "hand.decision_undone", "hand.decision_not_undone")


async def claim(press: Press, card: Card) -> Answer:
    """Look into it."""
    return _claimed(press, await press.desk.claim(card.alert, press.moderator))


async def take_over(press: Press, card: Card) -> Answer:
    """Look into it instead of whoever does so far."""
    instead_of = None if card.claimed is None else card.claimed.moderator
    return _claimed(press, await press.desk.claim(card.alert, press.moderator, instead_of))


async def release(press: Press, card: Card) -> Answer:
    """Look into it no more."""
    verdict = await press.desk.release(card.alert, press.moderator)
    if verdict is None:
        return _unknown(press)
    if verdict.accepted:
        return Answer(press.say("hand.released"))
    claimed = verdict.card.claimed
    if claimed is None:
        return Answer(press.say("hand.free"))
    text = press.say("hand.not_yours", who=named(claimed.moderator), when=when(claimed.time))
    return Answer(text, buttons=(("take_over", card.alert),))


async def excerpt(press: Press, card: Card) -> Answer:
    """Show what was said around the messages that moved the score."""
    lines = await press.desk.excerpt(card.alert, press.moderator)
    if not lines:
        return Answer(press.say("hand.purged"))
    return Answer(embeds=tuple(excerpt_pages(lines, press.server.language)))


async def more(press: Press, card: Card) -> Answer:
    """Offer what else can be done."""
    hold = "hold" if card.held is None else "lift"
    offered = ("timeout_1h", "timeout_24h", "timeout_7d", "remove", "ban", hold, "export", "escalate")
    return Answer(press.say("hand.more"), buttons=tuple((action, card.alert) for action in offered))


async def hold(press: Press, card: Card) -> Answer:
    """Put the case under legal hold."""
    return _told(press, await press.desk.hold(card.alert, press.moderator), "hand.held", "hand.held_before")


async def lift(press: Press, card: Card) -> Answer:
    """Ask whether the hold shall end: what is older than the retention rule allows goes with it."""
    return Answer(press.say("hand.sure_lift"), buttons=(("yes_lift", card.alert),))


async def yes_lift(press: Press, card: Card) -> Answer:
    """End the legal hold."""
    return _told(press, await press.desk.lift(card.alert, press.moderator), "hand.lifted", "hand.not_held")


async def export(press: Press, card: Card) -> Answer:
    """Hand out the file of the case."""
    case = await press.desk.export(card.alert, press.moderator)
    if case is None:
        return _unknown(press)
    written = json.dumps(case, ensure_ascii=False, indent=2).encode()
    return Answer(press.say("hand.exported"), file=discord.File(io.BytesIO(written), f"case-{card.alert}.json"))


async def escalate(press: Press, card: Card) -> Answer:
    """Call the second reviewers."""
    if not press.server.second_reviewers:
        return Answer(press.say("hand.no_second"))
    verdict = await press.desk.escalate(card.alert, press.moderator)
    if verdict is None:
        return _unknown(press)
    if verdict.accepted:
        return Answer(press.say("hand.escalated"))
    return Answer(press.say("hand.escalated_before", when=when(verdict.card.escalated or 0.0)))


def _told(press: Press, verdict: Verdict | None, accepted: str, otherwise: str) -> Answer:
    if verdict is None:
        return _unknown(press)
    return Answer(press.say(accepted if verdict.accepted else otherwise))


async def _decide(
    press: Press, card: Card, decision: Decision, grounds: Grounds | None = None, remark: str = ""
) -> Answer:
    verdict = await press.desk.decide(card.alert, decision, press.moderator, grounds, remark)
    if verdict is None:
        return _unknown(press)
    stands = status(verdict.card, press.say)
    if verdict.accepted:
        return Answer(press.say("hand.recorded", status=stands), buttons=((UNDECIDE, card.alert),))
    return Answer(press.say("hand.decided_before", status=stands))


def _claimed(press: Press, verdict: Verdict | None) -> Answer:
    if verdict is None:
        return _unknown(press)
    card = verdict.card
    if verdict.accepted:
        return Answer(press.say("hand.claimed"), buttons=(("release", card.alert),))
    if card.decided is not None or card.claimed is None:
        return Answer(press.say("hand.closed", status=status(card, press.say)))
    if card.claimed.moderator.id == press.moderator.id:
        return Answer(press.say("hand.claimed"), buttons=(("release", card.alert),))
    text = press.say("hand.claimed_by_other", who=named(card.claimed.moderator), when=when(card.claimed.time))
    return Answer(text, buttons=(("take_over", card.alert),))


def _unknown(press: Press) -> Answer:
    return Answer(press.say("hand.unknown"))
