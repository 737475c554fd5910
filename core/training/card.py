"""The words of the model card: data and its terms, what it is for, what it must not be used for, where it ends.

Leans on nothing; `core.training.fit` adds what only a run knows (command, checksums, thresholds, figures).
"""

from __future__ import annotations

from typing import Any

CARD: dict[str, Any] = {
    "name": "Lampkeeper pattern model",
    "language": "English",
    "intended_use": (
        "Drawing human moderators' attention, early, to conversations whose shape resembles online grooming. "
        "A person reads and decides, always."
    ),
    "forbidden_uses": [
        "punishing, excluding or reporting anybody without a person having read and decided",
        "judging a person outside the conversation that was scored",
        "screening people by age, sex, orientation or way of speaking",
        "watching people who were not told that a safety tool is at work where they talk",
    ],
    "data": [
        (
            "Approaches: chat logs published by Perverted-Justice (no licence given), offenders' and decoys' "
            "streams, about 2003 to 2015. Every person approached was an adult volunteer who posed as a "
            "minor."
        ),
        "PAN-2012 sexual predator identification, VTPAN subset (restricted research use).",
        (
            "Ordinary talk: Ubuntu IRC (CC BY 4.0); Topical-Chat (CDLA-Sharing); tutoring dialogues (MIT); "
            "NUS SMS corpus (Chen and Kan 2013); NPS chat rooms, CHILDES, TalkMoves and DailyDialog (non-"
            "commercial); CONDA and community chats of games, Slack and Discord (research use). Assumed "
            "ordinary, not checked line by line."
        ),
    ],
    "terms": (
        "The weights are hashed sums; no text can be read from them. Whoever needs other terms than the "
        "data's retrains with one command: `lampkeeper train`."
    ),
    "limits": [
        "It never saw a real child's side of such a conversation: decoys are adults who imitate children.",
        "It never saw the slang of the 2020s in an approach, voice, images, or any language but English.",
        ("It was learned from approaches that ended in a sting; patient, non-sexual approaches may look different."),
        "It needs a dozen words to say anything, and says `insufficient` until then.",
        (
            "A probability is calibrated against an even mix of approaches and ordinary talk of many kinds; "
            "where approaches are one in thousands, most alerts will still be about ordinary talk. See "
            "precision_at_base_rate."
        ),
    ],
    "split": (
        "By person or file, never by message: a line's group, or its id's block of five neighbours, chooses "
        "one of five folds by CRC-32. Fold 0 never trains anything; the files under validated_on train "
        "nothing either."
    ),
}
