"""The alert card's content as one value, drawn by each platform in its own manner.

Leans on `core.casework.cards` for what is to be told, and on `words` for how it is said (`bots.texts`, section card). A
field's text is in the platform's markup already and keeps to its share of `ROOM`, by leaving lines out and saying so,
never by an error at the moment of alert: what fits Discord's 6000 characters in all fits every platform that we know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bots.common.lines import straight
from bots.common.words import Words
from core.casework.cards import Background, Card, Person, Taken, sparkline
from core.casework.transitions import WORKED_ON
from core.effects import Level

ROOM = {"signals": 900, "welfare": 500, "messages": 800, "status": 700, "people": 700, "actions": 700, "remark": 600}
"""Characters a field may hold."""
REPORTS_SHOWN = 5
WRITTEN = "written"
"""The button that shows what moderators wrote about a case: its remark and notes."""


class Account(NamedTuple):
    """What a platform says of a person's account. Times are seconds since the epoch; None where it did not tell."""

    created: float | None = None
    joined: float | None = None
    here: bool | None = None
    avatar: str | None = None


class Field(NamedTuple):
    """A heading, and a text in the platform's markup; `short` ones may stand side by side."""

    name: str
    text: str
    short: bool = False


class Picture(NamedTuple):
    """Somebody's picture (its address), and their name as plain text."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Face:
    """What a card shows: a headline and a note in plain text, fields in the order of reading, names of buttons.

    `opened` is in seconds since the epoch; `actor` and `target` are pictures, where there are any.
    """

    alert: str
    title: str
    level: Level
    decided: bool
    opened: float
    fields: tuple[Field, ...]
    note: str
    buttons: tuple[str, ...]
    actor: Picture | None = None
    target: Picture | None = None


def face(
    card: Card,
    words: Words,
    links: Sequence[str | None],
    accounts: Mapping[str, Account],
    turn: Person | None = None,
) -> Face:
    """Say what a card shows.

    `links` are where its messages stand, in their order and in the platform's markup, and None for one that no
    moderator can open: a direct message with the bot. `accounts` are the two people's, by their ids. `turn` is whose
    turn it could be to look into it (`bots.common.rotation`). Where the platform hides no text, a remark stands behind
    a button.
    """
    return Face(
        card.alert,
        title(card, words),
        card.level,
        card.state not in WORKED_ON,
        card.opened,
        tuple(_fields(card, words, links, accounts, turn)),
        words.say("card.note"),
        (*offered(card), *([WRITTEN] if _remarked(card) and not words.markup.hides else [])),
        _picture(card.actor, accounts),
        _picture(card.target, accounts),
    )


def title(card: Card, words: Words) -> str:
    """Say in a line what the card is about."""
    noticed = words.say(f"card.title_{card.level}")
    if not card.asked:
        return noticed
    asked = words.say("card.asked")
    return asked if card.level == "none" else f"{asked}. {noticed}"


def status(card: Card, words: Words) -> str:
    """Say in a line whether an alert is open, or who decided what."""
    if card.state in {"on_hold", "reported", "closed"}:
        return words.say(f"card.{card.state}", status=_decision(card, words, "card.undecided"))
    return _decision(card, words, "card.open")


def _decision(card: Card, words: Words, otherwise: str) -> str:
    """Say who decided what; `otherwise` is the text where nobody did."""
    decided = card.decided
    if decided is None:
        return words.say(otherwise)
    blanks = {"who": words.named(decided.moderator), "when": words.markup.when(decided.time)}
    if decided.grounds is None:
        return words.say(f"card.{decided.decision}", **blanks)
    return words.say("card.dismissed_as", grounds=words.say(f"card.grounds_{decided.grounds}"), **blanks)


def offered(card: Card) -> tuple[str, ...]:
    """Name the card's buttons; what is decided is no more asked."""
    claim = "claim" if card.claimed is None else "release"
    return (claim, "confirm", "dismiss", "excerpt", "more") if card.state in WORKED_ON else ("excerpt", "more")


def _fields(
    card: Card,
    words: Words,
    links: Sequence[str | None],
    accounts: Mapping[str, Account],
    turn: Person | None,
) -> Iterator[Field]:
    say, when, fit = words.say, words.markup.when, words.fit
    people = [(card.actor, card.about_actor)] + ([(card.target, card.about_target)] if card.target else [])
    target = words.person(card.target) if card.target else say("card.nobody")
    noticed = fit(map(words.signal, card.signals), ROOM["signals"])
    yield Field(say("card.probability"), words.probability(card.probability), short=True)
    yield Field(say("card.status"), fit(_standing(card, words, turn), ROOM["status"]), short=True)
    yield Field(say("card.pair"), f"{words.person(card.actor)} → {target}")
    yield Field(say("card.noticed"), noticed or say("card.noticed_whole"))
    if card.reported:
        times = ", ".join(when(time, "ago") for time in card.reported[-REPORTS_SHOWN:])
        yield Field(say("members.reported"), say("members.reported_times", times=times))
    if card.welfare:
        yield Field(say("card.other_person"), fit(map(words.signal, card.welfare), ROOM["welfare"]))
    if card.course:
        yield Field(say("card.course"), words.markup.code(sparkline(card.course)))
    yield Field(say("card.messages"), fit(_places(card, links, words), ROOM["messages"]) or say("card.messages_none"))
    if known := [_known(who, about, accounts.get(who.id), words) for who, about in people if who.id]:
        yield Field(say("card.people"), fit(known, ROOM["people"]))
    if card.actions:
        taken = (done(one, words) for one in reversed(card.actions))
        yield Field(say("card.actions"), fit(taken, ROOM["actions"]))
    if words.markup.hides and (remark := words.quote(_remarked(card), ROOM["remark"] // 2)):
        yield Field(say("card.remark"), words.markup.hidden(remark))  # it may quote what was said


def _remarked(card: Card) -> str:
    return "" if card.decided is None else card.decided.remark.strip()


def _standing(card: Card, words: Words, turn: Person | None) -> list[str]:
    """Say how an alert stands: decided or open, with whom, or whose turn it could be, under hold."""
    lines, when = [status(card, words)], words.markup.when
    if card.claimed is not None and card.state in {*WORKED_ON, "on_hold"} and card.decided is None:
        claimed = card.claimed
        lines.append(words.say("card.claimed", who=words.named(claimed.moderator), when=when(claimed.time)))
    if turn is not None:
        lines.append(words.say("card.turn", who=words.named(turn)))
    lines += [
        words.say(f"card.{name}", when=when(time))
        for name, time in (("escalated", card.escalated), ("held", card.held), ("held_until", card.held_until))
        if time is not None
    ]
    if card.merged is not None:
        lines.append(words.say("card.merged", case=card.merged))
    return lines


def _places(card: Card, links: Sequence[str | None], words: Words) -> Iterator[str]:
    for message, link in zip(card.messages, links, strict=True):
        place = words.say("card.direct") if link is None else link
        yield words.say("card.deleted", place=place) if message.deleted else place


def _known(who: Person, about: Background, account: Account | None, words: Words) -> str:
    """Say what is known of one of the two: account, age, other cases."""
    facts, say, when = [], words.say, words.markup.when
    if account is not None:
        if account.created is not None:
            facts.append(say("card.created", when=when(account.created, "day")))
        if account.joined is not None:
            facts.append(say("card.joined", when=when(account.joined, "day")))
        elif account.here is False:
            facts.append(say("card.gone"))
    if about.band is not None:
        facts.append(say(f"card.band_{about.band_by}", band=say(f"card.{about.band}")))
    if about.stated:
        facts.append(say("card.stated", ages=", ".join(map(str, about.stated))))
    elif about.band is None:
        facts.append(say("card.age_unknown"))
    counts = {"open": about.open, "confirmed": about.confirmed, "dismissed": about.dismissed}
    facts.append(say("card.others", **counts) if any(counts.values()) else say("card.no_others"))
    return f"{words.markup.mention(who)}: {'; '.join(facts)}"


def done(taken: Taken, words: Words) -> str:
    """Say what a moderator did, and whether it was undone."""
    action, when = taken.action, words.markup.when
    what = words.say(
        f"card.took_{action.what}",
        who=words.named(taken.moderator),
        when=when(taken.time),
        until=when(action.until or 0),
        place="" if action.place is None else words.markup.channel(action.place),
    )
    return what if taken.undone is None else words.say("card.undone", what=what, when=when(taken.undone))


def _picture(who: Person | None, accounts: Mapping[str, Account]) -> Picture | None:
    account = None if who is None else accounts.get(who.id)
    if who is None or account is None or account.avatar is None:
        return None
    return Picture(straight(who.name) or who.id, account.avatar)
