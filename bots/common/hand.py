"""What a press does with the case: claim, decide, take back, look, preserve, put aside, close, export, report.

Leans on `core.casework.desk`, which records and audits, and on `bots.texts` (sections hand and card) for every word. A
function takes the press and the card as it stood, and returns the answer; whether somebody was faster is the desk's to
say. Each is a row of `BUTTONS`. What touches a member is a platform's own deed: it gives them to `buttons`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, Literal, NamedTuple, TypeAlias, TypeVar

from bots.common import belonging, exports, holding, merging, replies, rotation
from bots.common.answers import Answer, Press
from bots.common.exports import File
from bots.common.face import WRITTEN, done, status
from bots.common.words import Words
from core.casework import notes
from core.casework.cards import GROUNDS, Action, Card, Claim, Decision, Grounds, Taken
from core.casework.cases import concerns
from core.casework.desk import Verdict
from core.casework.referrals import Referral
from core.casework.transitions import WORKED_ON, Step, steps_from
from core.errors import ExportError
from core.export.record import CaseRecord

REMARK_LONGEST = 300
"""Characters of a remark."""
REPORTED_TO_LONGEST = 120
"""Characters of to whom a case is reported, and of its number there."""
CASE_LONGEST = 32
"""Characters of a case's number, as it is typed."""
UNDOS = 5
"""Actions that are offered to be taken back at once, the newest: an answer has room for so many."""
Style = Literal["danger", "primary", "plain"]
EXCERPT, MORE = "excerpt", "more"
REACHES: dict[str, int] = {EXCERPT: 0, "excerpt_more": 10, "excerpt_all": 100_000}
"""Button that shows texts -> how many more messages around each that moved the score; each offers the next."""
P = TypeVar("P", bound=Press)
P_contra = TypeVar("P_contra", bound=Press, contravariant=True)


Act: TypeAlias = Callable[[P, Card], Awaitable[Answer]]
"""What a press does with an alert."""


class Deed(NamedTuple, Generic[P_contra]):
    """One thing that can be done to a member: the press that asks once more, and the one that does it.

    Their texts are ``hand.<name>`` and ``hand.yes_<name>``.
    """

    ask: Act[P_contra]
    do: Act[P_contra]


class Input(NamedTuple):
    """A field of a form: its name, its label (a key), how much fits in, whether it is long, and may stay empty."""

    name: str
    label: str
    most: int
    long: bool = False
    optional: bool = False


class Form(NamedTuple):
    """What a press asks for before anything is done: a title (a key), the fields, and what is done with them."""

    title: str
    inputs: tuple[Input, ...]
    submit: Callable[[Press, Card, Mapping[str, str]], Awaitable[Answer]]


class Button(NamedTuple, Generic[P_contra]):
    """A button's text (its key), how it looks, and what a press does with an alert."""

    text: str
    style: Style
    press: Act[P_contra]


async def about(press: Press, alert: str, act: Callable[[Card], Awaitable[Answer]], *, looking: bool = False) -> Answer:
    """Have a press `act` on an alert of its own space; whom a card is about may do no more than be `looking` at it."""
    card = await press.desk.case(alert)
    if card is None or card.space != press.space:
        return replies.unknown(press)
    if concerns(card, press.moderator) and not looking:
        return Answer(press.words.say("hand.never_yourself"))
    return await act(card)


async def pressed(press: P, name: str, alert: str, buttons: Mapping[str, Button[P]]) -> Answer:
    """Carry out a press of the button `name` under the card of an alert, or under an answer about it."""
    if name == merging.INTO:
        case, into = merging.both(alert)
        return await about(press, case, lambda card: merging.merge(press, card, into))
    return await about(press, alert, lambda card: buttons[name].press(press, card), looking=name in REACHES)


async def submitted(press: Press, alert: str, grounds: Grounds, remark: str) -> Answer:
    """Take in the form that ends a dismissal."""
    words = remark.strip()[:REMARK_LONGEST]
    return await about(press, alert, lambda card: _decide(press, card, "dismissed", grounds, words))


async def filled(press: Press, name: str, alert: str, values: Mapping[str, str]) -> Answer:
    """Take in the form `name` about an alert."""
    return await about(press, alert, lambda card: FORMS[name].submit(press, card, values))


def grounds_offered(words: Words) -> list[tuple[Grounds, str]]:
    """Return the grounds to choose from, each with its label."""
    return [(grounds, words.say(f"card.grounds_{grounds}").capitalize()) for grounds in GROUNDS]


async def confirm(press: Press, card: Card) -> Answer:
    """Confirm the concern."""
    return await _decide(press, card, "confirmed")


async def dismiss(press: Press, card: Card) -> Answer:
    """Ask on which grounds; nothing is recorded yet."""
    if card.state not in WORKED_ON:
        return replies.too_late(press, card)
    return Answer(press.words.say("hand.why_dismiss"), grounds=card.alert)


async def undecide(press: Press, card: Card) -> Answer:
    """Take the presser's own decision back."""
    verdict = await press.desk.undecide(card.alert, press.moderator)
    return replies.told(press, verdict, "hand.decision_undone", "hand.decision_not_undone")


async def reconsider(press: Press, card: Card) -> Answer:
    """Take a decision back, whoever made it, so that it is decided anew."""
    return replies.stepped(press, await press.desk.reconsider(card.alert, press.moderator), "hand.reconsidered")


async def claim(press: Press, card: Card) -> Answer:
    """Look into it; whoever was shown much today is asked first whether somebody else could."""
    if rotation.is_free(card):
        today = await press.desk.exposure(press.space, press.moderator)
        if today.over and (others := await _others(press, card)):
            text = press.words.say("hand.claim_enough", lines=today.lines, others=others)
            return Answer(text, buttons=(("claim_anyway", card.alert),))
    return await claim_anyway(press, card)


async def claim_anyway(press: Press, card: Card) -> Answer:
    """Look into it, however much was shown today."""
    return _claimed(press, await press.desk.claim(card.alert, press.moderator))


async def take_over(press: Press, card: Card) -> Answer:
    """Look into it instead of whoever does so far."""
    instead_of = None if card.claimed is None else card.claimed.moderator
    return _claimed(press, await press.desk.claim(card.alert, press.moderator, instead_of))


async def release(press: Press, card: Card) -> Answer:
    """Look into it no more."""
    verdict = await press.desk.release(card.alert, press.moderator)
    if verdict is None:
        return replies.unknown(press)
    if verdict.accepted:
        return Answer(press.words.say("hand.released"))
    if verdict.card.state not in WORKED_ON:
        return replies.stands(press, verdict.card)
    claimed = verdict.card.claimed
    if claimed is None:
        return Answer(press.words.say("hand.free"))
    text = _told_of(press, "hand.not_yours", claimed)
    return Answer(text, buttons=(("take_over", card.alert),))


def excerpt(name: str) -> Act[Press]:
    """Return the press that shows what was said around the messages that moved the score, and no more than asked for.

    Whoever was shown much today is told so, once, kindly: it holds up nobody.
    """
    further = list(REACHES)[list(REACHES).index(name) + 1 :][:1]

    async def show(press: Press, card: Card) -> Answer:
        lines = await press.desk.excerpt(card.alert, press.moderator, REACHES[name])
        if not lines:
            return Answer(press.words.say("hand.purged"))
        told = await _enough(press, card)
        is_more = any(line.left_out or line.more_after for line in lines)
        return Answer(told, tuple(lines), tuple((one, card.alert) for one in further if is_more))

    return show


async def _enough(press: Press, card: Card) -> str:
    """Say kindly, once a day, that so much was shown that it is enough; "" otherwise."""
    today = await press.desk.enough(press.space, press.moderator)
    if today is None:
        return ""
    others = await _others(press, card)
    return press.words.say("hand.enough_others" if others else "hand.enough", lines=today.lines, others=others)


async def _others(press: Press, card: Card) -> str:
    """Name those who could look into a case instead; "" where there is nobody."""
    return ", ".join(map(press.words.person, await rotation.others(press.desk, card, press.moderates)))


async def undo(press: P, number: int, take_back: Callable[[P, str, Action], Awaitable[str | Answer]]) -> Answer:
    """Take back what was done to somebody.

    `take_back` does so on the platform, given the alert and the action; it returns what to say, or, as an answer, why
    it could not.
    """
    found, words = await press.desk.acts.standing(press.space, number), press.words
    if found is None:
        known = await press.desk.acts.known(press.space, number)
        return Answer(words.say("hand.undone_before" if known else "hand.undo_unknown"))
    alert, action = found
    card = await press.desk.case(alert)
    if action.person.id == press.moderator.id or (card is not None and concerns(card, press.moderator)):
        return Answer(words.say("hand.never_yourself"))
    told = await take_back(press, alert, action)
    if isinstance(told, Answer):
        return told
    first = await press.desk.acts.undone(number, press.moderator) is not None
    return Answer(told if first else words.say("hand.undone_before"))


def labelled(buttons: Sequence[tuple[str, str]], words: Words) -> list[tuple[str, str, str]]:
    """Return each button's name, what it is about, and its label; of several of one name, each with its number."""
    same: dict[str, list[str]] = {}
    for name, what in buttons:
        same.setdefault(name, []).append(what)
    return [
        (name, what, words.say(look(name)[0]) + (f" {same[name].index(what) + 1}" if same[name][1:] else ""))
        for name, what in buttons
    ]


def more(deeds: Iterable[str]) -> Act[Press]:
    """Return the press that offers what else can be done, and undone; `deeds` are the platform's own.

    Whoever acted may have closed the answer that offered to take it back, or be away: so it is offered here, too.
    """
    names = tuple(deeds)

    async def offer(press: Press, card: Card) -> Answer:
        holds = [] if card.held is None else ["lift"]
        if card.held is None or card.held_until is not None or card.held_by is not None:
            holds.insert(0, "hold")  # one of the case's own that has no end
        ways = [name for step, name in WAYS.items() if step in steps_from(card.state)]
        behind = () if press.words.markup.hides else (WRITTEN,)
        offered = [(action, card.alert) for action in (*names, *holds, "export", "escalate", "note", *behind, *ways)]
        if card.decided is not None and card.decided.moderator.id == press.moderator.id:
            offered.append(("undecide", card.alert))
        standing = [taken for taken in card.actions if taken.undone is None and not _over(taken)][-UNDOS:]
        text = [press.words.say("hand.more")]
        if standing:
            text.append(press.words.say("hand.undoes"))
            text += [f"{number}. {done(taken, press.words)}" for number, taken in enumerate(standing, 1)]
        undos = [("undo", str(taken.number)) for taken in standing]
        return Answer("\n".join(text), buttons=(*offered, *undos))

    return offer


def _over(taken: Taken) -> bool:
    """Tell whether an action ended by itself."""
    return taken.action.until is not None and taken.action.until <= time.time()


async def put_aside(press: Press, card: Card) -> Answer:
    """Put the case aside."""
    return replies.stepped(press, await press.desk.put_aside(card.alert, press.moderator), "hand.is_aside")


async def resume(press: Press, card: Card) -> Answer:
    """Go on with a case that was put aside."""
    return replies.stepped(press, await press.desk.resume(card.alert, press.moderator), "hand.resumed")


async def close(press: Press, card: Card) -> Answer:
    """Close the case."""
    return replies.stepped(press, await press.desk.close(card.alert, press.moderator), "hand.case_closed")


async def reopen(press: Press, card: Card) -> Answer:
    """Open a closed case again; one that stands decided then is decided anew by a press more."""
    verdict = await press.desk.reopen(card.alert, press.moderator)
    answer = replies.stepped(press, verdict, "hand.reopened")
    if verdict is not None and verdict.accepted and "reconsider" in steps_from(verdict.card.state):
        return answer._replace(buttons=(("reconsider", card.alert),))
    return answer


async def written(press: Press, card: Card) -> Answer:
    """Show a case's remark and notes."""
    lines = belonging.written(press.words, card, await press.desk.belonging(card))
    return Answer("\n".join(lines) or press.words.say("hand.nothing_written"))


def form(name: str) -> Act[Press]:
    """Return the press that asks for what the form `name` wants to know; nothing is recorded yet."""

    async def ask(press: Press, card: Card) -> Answer:
        return Answer(press.words.say(FORMS[name].title), form=(name, card.alert))

    return ask


async def _noted(press: Press, card: Card, values: Mapping[str, str]) -> Answer:
    verdict = await press.desk.note(card.alert, values["text"], press.moderator)
    return replies.told(
        press, verdict, "hand.noted", "hand.note_too_late" if values["text"].strip() else "hand.not_noted"
    )


async def _reported(press: Press, card: Card, values: Mapping[str, str]) -> Answer:
    referral = Referral(values["to"], values["typed"], values["reference"])
    outcome = await press.desk.refer(card.alert, referral, press.moderator)
    if outcome is None:
        return replies.unknown(press)
    return Answer(press.words.say(f"hand.referral_{outcome}", case=card.alert, status=status(card, press.words)))


async def export(press: Press, card: Card) -> Answer:
    """Offer the formats; nothing is recorded yet."""
    formats = tuple((f"export_{name}", card.alert) for name in exports.OFFERED)
    return Answer(press.words.say("hand.which_export"), buttons=formats)


def exported(name: str) -> Act[Press]:
    """Return the press that hands out the case in the format `name`; its texts count as shown."""

    async def hand_out(press: Press, card: Card) -> Answer:
        files: list[File] = []

        async def make(record: CaseRecord) -> None:
            files.extend(await press.exports.made(exports.linked(record, await press.links(record)), name))

        try:
            record = await press.desk.export(card.alert, press.moderator, make)
        except ExportError as error:
            return Answer(press.words.markup.escaped(str(error)))
        except exports.TooLargeError:
            return Answer(press.words.say("hand.too_large", most=(press.exports.most or 0) // 2**20))
        if record is None:
            return replies.unknown(press)
        told = (press.words.say("hand.exported"), await _enough(press, card))
        return Answer("\n\n".join(filter(None, told)), files=tuple(files))

    return hand_out


async def escalate(press: Press, card: Card) -> Answer:
    """Call the second reviewers."""
    if not press.second_reviewers:
        return Answer(press.words.say("hand.no_second"))
    verdict = await press.desk.escalate(card.alert, press.moderator)
    if verdict is None:
        return replies.unknown(press)
    if verdict.accepted:
        return Answer(press.words.say("hand.escalated"))
    asked = verdict.card.escalated
    if asked is None or verdict.card.state not in WORKED_ON:
        return replies.stands(press, verdict.card)
    return Answer(press.words.say("hand.escalated_before", when=press.words.markup.when(asked)))


async def _decide(
    press: Press, card: Card, decision: Decision, grounds: Grounds | None = None, remark: str = ""
) -> Answer:
    verdict = await press.desk.decide(card.alert, decision, press.moderator, grounds, remark)
    if verdict is None:
        return replies.unknown(press)
    if not verdict.accepted:
        return replies.too_late(press, verdict.card)
    stands = status(verdict.card, press.words)
    return Answer(press.words.say("hand.recorded", status=stands), buttons=(("undecide", card.alert),))


def _claimed(press: Press, verdict: Verdict | None) -> Answer:
    if verdict is None:
        return replies.unknown(press)
    card = verdict.card
    if verdict.accepted:
        return Answer(press.words.say("hand.claimed"), buttons=(("release", card.alert),))
    if card.state not in WORKED_ON:
        return replies.stands(press, card)
    if card.claimed is None:
        return Answer(press.words.say("hand.free"), buttons=(("claim", card.alert),))
    if card.claimed.moderator.id == press.moderator.id:
        return Answer(press.words.say("hand.claimed"), buttons=(("release", card.alert),))
    text = _told_of(press, "hand.claimed_by_other", card.claimed)
    return Answer(text, buttons=(("take_over", card.alert),))


def _told_of(press: Press, key: str, claimed: Claim) -> str:
    words = press.words
    return words.say(key, who=words.named(claimed.moderator), when=words.markup.when(claimed.time))


FORMS: dict[str, Form] = {
    "note": Form("hand.note_title", (Input("text", "hand.note_label", notes.LONGEST, long=True),), _noted),
    "report": Form(
        "hand.report_title",
        (
            Input("to", "hand.report_to", REPORTED_TO_LONGEST),
            Input("reference", "hand.report_reference", REPORTED_TO_LONGEST, optional=True),
            Input("typed", "hand.report_typed", CASE_LONGEST),
        ),
        _reported,
    ),
}
"""Every form but the one that ends a dismissal, whose grounds are chosen first."""
WAYS: dict[Step, str] = {
    "put_aside": "put_aside",
    "resume": "resume",
    "report": "report",
    "merge": "merge",
    "close": "close",
    "reopen": "reopen",
    "reconsider": "reconsider",
}
"""Step -> the button that takes it, offered where the step can be taken from where the case stands. Whether a second
reviewer was asked, the answer tells."""
BUTTONS: dict[str, Button[Press]] = {
    "claim": Button("card.claim", "plain", claim),
    "claim_anyway": Button("hand.claim_anyway", "plain", claim_anyway),
    "release": Button("card.release", "plain", release),
    "confirm": Button("card.confirm", "danger", confirm),
    "dismiss": Button("card.dismiss", "plain", dismiss),
    EXCERPT: Button("card.excerpt", "primary", excerpt(EXCERPT)),
    "excerpt_more": Button("hand.excerpt_more", "plain", excerpt("excerpt_more")),
    "excerpt_all": Button("hand.excerpt_all", "plain", excerpt("excerpt_all")),
    "take_over": Button("hand.take_over", "plain", take_over),
    "undecide": Button("hand.undo_decision", "plain", undecide),
    "hold": Button("hand.hold", "plain", holding.hold),
    "lift": Button("hand.lift", "plain", holding.lift),
    "yes_lift": Button("hand.yes_lift", "danger", holding.yes_lift),
    "export": Button("hand.export", "plain", export),
    **{f"export_{name}": Button(f"hand.export_{name}", "plain", exported(name)) for name in exports.OFFERED},
    "escalate": Button("hand.escalate", "plain", escalate),
    "note": Button("hand.note", "plain", form("note")),
    WRITTEN: Button("hand.written", "plain", written),
    "put_aside": Button("hand.put_aside", "plain", put_aside),
    "resume": Button("hand.resume", "plain", resume),
    "report": Button("hand.report", "plain", form("report")),
    "merge": Button("hand.merge", "plain", merging.offer),
    merging.INTO: Button("hand.merge_into", "primary", merging.offer),
    "close": Button("hand.close", "plain", close),
    "reopen": Button("hand.reopen", "plain", reopen),
    "reconsider": Button("hand.reconsider", "plain", reconsider),
}
"""Every button that needs no platform."""


def look(name: str) -> tuple[str, Style]:
    """Return a button's text (its key), and how it looks.

    >>> look("confirm"), look("undo"), look("yes_ban")
    (('card.confirm', 'danger'), ('hand.undo', 'plain'), ('hand.yes_ban', 'danger'))
    """
    if known := BUTTONS.get(name):
        return known.text, known.style
    if name == MORE:
        return "card.more", "plain"
    return f"hand.{name}", "danger" if name.startswith("yes_") else "plain"


def buttons(deeds: Mapping[str, Deed[P]]) -> dict[str, Button[P]]:
    """Return every button of a platform: those above, and what it lets moderators do to a member."""
    return {
        **BUTTONS,
        MORE: Button(*look(MORE), more(deeds)),
        **{name: Button(*look(name), deed.ask) for name, deed in deeds.items()},
        **{f"yes_{name}": Button(*look(f"yes_{name}"), deed.do) for name, deed in deeds.items()},
    }
