"""Figures in words and tables: what the report, the model card and the documentation all say.

Leans on `core.training.figures` and the levels' meanings. Each function makes one section, and None where there is
nothing to tell; the order of `figure_sections` is the order in which an admin asks: does it alert, how early, how
often for nothing, and only then how that was found.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from typing import Any

from core.casework.cards import LEVEL_MEANINGS
from core.policy import Thresholds
from core.training.document import Section, Table
from core.training.figures import EARLY, Figures

KINDS = {"pattern": "pattern", "ordinary": "ordinary", "approached": "the person approached"}


def headlines(figures: Figures) -> list[str]:
    """Answer what a moderator asks first, a sentence each."""
    said = []
    pattern = figures.of("pattern")
    if pattern:
        talks, alerted = sum(row.talks for row in pattern), sum(row.alerted for row in pattern)
        said.append(
            f"Of {talks:,} conversations that follow the pattern, {alerted:,} alerted ({_share(alerted / talks)})."
        )
    firsts = sorted(message for row in pattern for message in row.first_alerts)
    if firsts:
        said.append(
            f"Half of the first alerts came by message {firsts[(len(firsts) - 1) // 2]:,}, "
            f"nine in ten by message {firsts[(len(firsts) * 9 + 9) // 10 - 1]:,}."
        )
    if figures.false_alerts:
        every = figures.false_alerts[-1]
        said.append(
            f"Of {every.talks:,} ordinary conversations, {every.alerted:,} alerted: {_number(every.per_10000)} in "
            f"10,000; more than {_number(every.high)} in 10,000 is improbable (95 %)."
        )
    said.extend(
        f"Where one conversation in 1,000 follows the pattern, expect {_share(rate.precision)} of alerts to be "
        f"about such a one, and at least {_share(rate.at_least)}; the others are about ordinary talk."
        for rate in figures.base_rates
        if rate.one_in == 1000
    )
    return said


def levels(thresholds: Thresholds) -> Section:
    """Each level: from which probability, and what it means."""
    rows = tuple(
        (level, f"{getattr(thresholds, level):g}", LEVEL_MEANINGS[level]) for level in ("watch", "review", "urgent")
    )
    return Section(
        "levels",
        "Levels",
        table=Table(("level", "from probability", "means"), rows, numbers=False),
        reading="A probability is against an even mix of such conversations and ordinary ones of many kinds.",
    )


def by_source(figures: Figures) -> Section | None:
    """Every source: alerts, and for patterns how early and whom they named."""
    head = (
        *("source", "kind", "conversations", "messages", "alerted", "rate", f"within {EARLY}", "right person"),
        *("other person too", "first alert, median"),
    )
    rows = tuple(
        (
            row.source,
            KINDS[row.kind],
            f"{row.talks:,}",
            f"{row.messages:,}",
            f"{row.alerted:,}",
            f"{row.rate:.1%}",
            *((f"{row.early:,}", f"{row.right:,}", f"{row.wrong_too:,}") if row.kind == "pattern" else ("", "", "")),
            "" if row.at is None else f"{row.at:g}",
        )
        for row in figures.sources
    )
    reading = (
        f"A source is a file. `within {EARLY}`: alerted by message {EARLY}; `right person`: the alert by then named "
        "the one whose way of talking follows the pattern; `other person too`: the one approached was named as well, "
        "at any time. Where a file does not say who is who, nobody counts as right."
    )
    return Section("sources", "By source", table=Table(head, rows), reading=reading) if rows else None


def to_alert(figures: Figures) -> Section | None:
    """How many messages until the first alert."""
    steps = (5, 10, 20, 50, 100, EARLY, 500)
    rows = tuple(
        (
            row.source,
            f"{row.talks:,}",
            *(f"{sum(message <= step for message in row.first_alerts) / row.talks:.0%}" for step in steps),
            f"{row.rate:.0%}",
        )
        for row in figures.of("pattern")
        if len(row.first_alerts) == row.alerted  # an older card tells no messages
    )
    head = ("source", "conversations", *(f"by message {step}" for step in steps), "ever")
    reading = (
        "Share of the conversations that follow the pattern which had alerted by that message. Where only one side "
        "was recorded, only its messages are counted."
    )
    return Section("to_alert", "Messages to alert", table=Table(head, rows), reading=reading) if rows else None


def false_alerts(figures: Figures) -> Section | None:
    """Alerts per 10,000 ordinary conversations."""
    rows = tuple(
        (
            row.source or "all together",
            f"{row.talks:,}",
            f"{row.alerted:,}",
            *(_number(value) for value in (row.per_10000, row.low, row.high)),
        )
        for row in figures.false_alerts
    )
    head = ("source", "conversations", "alerted", "per 10,000", "at least", "at most")
    reading = (
        "`at least` and `at most` each hold with 95 % (Wilson): few conversations prove little, so a source in which "
        "none alerted may still have a high bound."
    )
    title = "Alerts per 10,000 ordinary conversations"
    return Section("false_alerts", title, table=Table(head, rows), reading=reading) if rows else None


def base_rates(figures: Figures) -> Section | None:
    """Precision where patterns are rare."""
    rows = tuple((f"1 in {row.one_in:,}", _share(row.precision), _share(row.at_least)) for row in figures.base_rates)
    reading = (
        "How many alerts of a hundred are about a conversation that follows the pattern, if one conversation in so "
        "many does. `at least` reckons with the upper bound of the rate of false alerts. Every source of patterns "
        "weighs the same; ordinary conversations are counted all together."
    )
    head = ("follow the pattern", "alerts that are right", "at least")
    return (
        Section("base_rates", "Precision where the pattern is rare", table=Table(head, rows), reading=reading)
        if rows
        else None
    )


def ranking(figures: Figures) -> Section | None:
    """Average precision, and a word list's."""
    if figures.average_precision is None:
        return None
    rows = (
        ("this model", _figure(figures.average_precision)),
        ("a word list: how many different signals one person showed", _figure(figures.word_list_average_precision)),
    )
    reading = (
        "All conversations ordered by their highest probability. Average precision is the area under the curve of "
        "precision over recall: 1 if everything that follows the pattern comes first."
    )
    return Section(
        "precision_recall",
        "Precision and recall",
        table=Table(("ordered by", "average precision"), rows),
        reading=reading,
    )


def calibration(figures: Figures) -> Section | None:
    """Tell the expected calibration error by length."""
    if figures.calibration_error is None:
        return None
    rows = (
        ("all", _figure(figures.calibration_error)),
        *((f"up to {length}", _figure(error)) for length, error in figures.calibration_by_length.items()),
    )
    reading = (
        "Of what is called 80 % probable, 80 % should follow the pattern: the expected calibration error is how far "
        "that is missed on average over ten bins, with patterns and ordinary talk weighing the same. Lengths are the "
        "actor's messages so far, each row from where the one before ends."
    )
    return Section(
        "reliability", "Calibration", table=Table(("messages so far", "calibration error"), rows), reading=reading
    )


def latency(figures: Figures) -> Section | None:
    """F-latency and ERDE."""
    rows = tuple(
        (
            f"{row.pattern} against {row.ordinary}",
            *(_figure(value) for value in (row.precision, row.recall, row.f1)),
            "" if row.delay is None else f"{row.delay:g}",
            *(_figure(value) for value in (row.speed, row.f_latency, row.erde_5, row.erde_50)),
        )
        for row in figures.latency
    )
    head = ("what", "precision", "recall", "F1", "message, median", "speed", "F-latency", "ERDE5", "ERDE50")
    reading = (
        "F-latency is F1 times speed; speed is 1 for an alert at the first message and one half at message 90 "
        "(Sadeque, Xu & Bethard 2018, as in Vogt, Leser & Akbik 2021). ERDE (Losada & Crestani 2016) is an error: "
        "less is better; an alert much later than message 5, or 50, counts as missed. Conversations are counted, "
        "whoever was named."
    )
    return Section("latency", "F-latency and ERDE", table=Table(head, rows), reading=reading) if rows else None


def perturbations(figures: Figures) -> Section | None:
    """Tell what other ways of writing do to alerts."""
    found = figures.perturbations
    if not found:
        return None
    columns = tuple(dict.fromkeys(column for row in found.values() for column in row))
    rows = tuple((name, *(_plain(row.get(column)) for column in columns)) for name, row in found.items())
    reading = "The same conversations written otherwise: leet, spaced or stretched letters, look-alikes and the like."
    table = Table(("written", *(column.replace("_", " ") for column in columns)), rows)
    return Section("perturbations", "Other ways of writing", table=table, reading=reading)


def addressing(figures: Figures) -> Section | None:
    """Tell whom messages mean where many talk at once, and how far scores are smeared."""
    rows = tuple(
        (
            row.source,
            *(f"{number:,}" for number in (row.talks, row.speakers, row.messages, row.told, row.inferred)),
            f"{row.fallback / row.told:.0%}" if row.told else "",
            f"{row.pairs:g}",
            f"{row.scored:.0%}",
            "" if row.largest is None else f"{row.largest:.0%}",
        )
        for row in figures.addressing
    )
    head = (
        *("source", "conversations", "speakers", "messages", "say whom", "inferred", "last speaker fits"),
        *("pairs per speaker", "in a scored pair", "words in largest pair"),
    )
    reading = (
        "Conversations of three or more. `say whom`: messages that tell by themselves whom they mean, by a reply, a "
        "mention or a name; `inferred`: those of them where the file does not show whose the name is, and only who "
        "speaks around its calls gave it away. `last speaker fits`: for so many of these the last other speaker, whom "
        "any other message is taken to mean, was that person; a few dozen messages tell little. A speaker whose words "
        "go to many pairs is smeared over the crowd: `pairs per speaker` is the median, `in a scored pair` the share "
        "of messages in a pair that in the end holds enough for a score, `words in largest pair` the share of words "
        "that speakers said in the largest of their pairs."
    )
    table = Table(head, rows)
    return Section("addressing", "Addressing in channels of many", table=table, reading=reading) if rows else None


SECTIONS: tuple[Callable[[Figures], Section | None], ...] = (
    *(by_source, to_alert, false_alerts, base_rates, latency, ranking, calibration, perturbations, addressing),
)


def figure_sections(figures: Figures) -> list[Section]:
    """Everything that was measured, in order."""
    return [section for make in SECTIONS if (section := make(figures)) is not None]


def left_out(card: dict[str, Any]) -> Section | None:
    """Leave-one-kind-out: each ordinary kind scored by a model that never learned from that kind."""
    rows = tuple(
        (
            str(row["kind"]),
            f"{row['talks']:,}",
            f"{row['alerted']:,}",
            f"{row['alerted'] / row['talks']:.1%}" if row["talks"] else "",
            f"{row['threshold']:g}",
            f"{row['dialogues_recall']:.0%}",
        )
        for row in card.get("leave_one_kind_out", ())
    )
    head = ("kind", "conversations", "alerted", "rate", "threshold", "recall on dialogues")
    reading = (
        "Each kind of ordinary talk was left out of what a model learned from and of what its threshold was chosen on; "
        "the looks that its second stage had at other kinds went through heads that knew it. This is what to expect on "
        "talk of a kind the model has never seen."
    )
    return Section("left_out", "Kinds never learned from", table=Table(head, rows), reading=reading) if rows else None


def five_fold(card: dict[str, Any]) -> Section | None:
    """PAN-2012 segments, five-fold by person."""
    found = card.get("pan12_five_fold")
    if not found:
        return None
    rows = (
        ("conversations", f"{found['talks']:,}"),
        ("of them follow the pattern", f"{found['positives']:,}"),
        *(
            (name, _figure(found[key]))
            for name, key in (("precision", "precision"), ("recall", "recall"), ("F1", "f1"))
        ),
        ("false alerts", f"{found['false_alert_rate']:.1%}"),
    )
    reading = (
        "Learned five times, each time measured, at a threshold chosen without them, on the people left out; the looks "
        "that a second stage had at other folds went through heads that knew them. Text is heard in slices of eight "
        "words."
    )
    return Section(
        "five_fold", "PAN-2012 segments, five-fold by person", table=Table(("what", "value"), rows), reading=reading
    )


def tried(card: dict[str, Any]) -> Section | None:
    """Tell what worked and what did not."""
    rows = tuple((str(row["what"]), str(row["result"])) for row in card.get("tried", ()))
    table = Table(("what", "result"), rows, numbers=False)
    return Section("tried", "What was tried", table=table) if rows else None


def learning_sections(card: dict[str, Any]) -> list[Section]:
    """Tell what only a training run knows, as far as the card holds it."""
    return [section for make in (left_out, five_fold, tried) if (section := make(card)) is not None]


def _share(value: float) -> str:
    """Write a share, rounded down where it is near an end.

    >>> _share(0.9321), _share(0.0042), _share(0.9999), _share(1.0)
    ('93 %', '0.4 %', '99.9 %', '100 %')
    """
    return f"{100 * value:.0f} %" if value in {0, 1} or 0.1 <= value <= 0.99 else f"{floor(1000 * value) / 10:.1f} %"


def _number(value: float) -> str:
    """Write a count that may be far below or above one.

    >>> _number(0.0), _number(2.394), _number(1234.5)
    ('0', '2.4', '1,234')
    """
    return f"{value:,.0f}" if value == 0 or value >= 100 else f"{value:.1f}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}"
