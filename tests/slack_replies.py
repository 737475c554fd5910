"""What somebody who pressed a button in the tests' own Slack was shown."""

from __future__ import annotations

from typing import NamedTuple

from tests.slack_api import Json, check_blocks

VERBS = {"confirm": "Confirm", "dismiss": "Dismiss", "excerpt": "Show excerpt"}


class Told(NamedTuple):
    """What the presser of a button was shown in the end, and whether to nobody else."""

    text: str
    ephemeral: bool


class Reply(NamedTuple):
    """What the presser of a button was shown, and whether to nobody else.

    `buttons` are actions with what they are about; `form` is the modal that asks something.
    """

    text: str
    ephemeral: bool
    buttons: dict[str, str]
    form: Json | None


def replied(answer: Json) -> Reply:
    """Read an answer: one that was posted, or a modal, which only one person sees."""
    modal = answer.get("type") == "modal"
    blocks = answer.get("blocks") or []
    check_blocks(blocks, most=100 if modal else 50)
    shown = [block["text"]["text"] for block in blocks if "text" in block]
    shown += [part["text"] for block in blocks if block["type"] == "context" for part in block["elements"]]
    elements = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    buttons = {element["action_id"].removeprefix("lampkeeper_"): element["value"] for element in elements}
    ephemeral = modal or (answer["response_type"] == "ephemeral" and not answer.get("replace_original"))
    return Reply("\n".join(shown), ephemeral, buttons, answer if "submit" in answer else None)


def actions(blocks: list[Json]) -> list[str]:
    """The actions of a message's buttons."""
    elements = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    return [element["action_id"].removeprefix("lampkeeper_") for element in elements]
