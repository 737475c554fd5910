"""What members press, type and fill in, in the tests' own Slack.

Payloads are shaped as https://docs.slack.dev/reference/interaction-payloads documents them.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from bots.slack_app.manifest import COMMAND, REPORT
from tests.slack_api import APP, DIRECT, GENERAL, PEOPLE, Json
from tests.slack_oauth import Team
from tests.slack_platform import SlackPlatform


class Told(NamedTuple):
    """What somebody alone was shown: an ephemeral answer, or (`modal`) a form."""

    text: str = ""
    blocks: tuple[Json, ...] = ()
    modal: Json | None = None

    def elements(self) -> dict[str, Json]:
        """Return buttons and menus under an answer, by their action."""
        return {e["action_id"]: e for block in self.blocks for e in block.get("elements", ())}


def direct_messages(platform: SlackPlatform, who: str = "actor") -> list[Json]:
    """What the app wrote to somebody."""
    channel = platform.channels.get(f"D{PEOPLE[who][1:]}")
    return [] if channel is None else [message for message in channel.messages if message.get("bot_id")]


async def shortcut(platform: SlackPlatform, message: Json, channel: str = GENERAL, who: str = "friend") -> Told:
    """Choose "Report to moderators" on a message."""
    named = {"id": channel, "name": "directmessage" if channel.startswith("D") else "general"}
    about = {"type": "message_action", "callback_id": REPORT, "channel": named, "message": message}
    return await _interact(platform, about | {"message_ts": message["ts"], "action_ts": platform.now()}, who)


async def press(platform: SlackPlatform, element: Json, who: str = "actor", chosen: str = "") -> Told:
    """Press a button, or choose a value of a menu."""
    action = {"type": element["type"], "action_id": element["action_id"], "block_id": "b1", "action_ts": platform.now()}
    if chosen:
        action["selected_option"] = next(option for option in element["options"] if option["value"] == chosen)
    else:
        action["value"] = element["value"]
    channel = {"id": DIRECT, "name": "directmessage"}
    return await _interact(platform, {"type": "block_actions", "channel": channel, "actions": [action]}, who)


async def command(platform: SlackPlatform, words: str, who: str = "actor") -> Told:
    """Type /lampkeeper (https://docs.slack.dev/interactivity/implementing-slash-commands)."""
    number, user = str(next(platform.numbers)), PEOPLE[who]
    payload = {
        "command": COMMAND,
        "text": words,
        "team_id": platform.team,
        "user_id": user,
        "user_name": who,
        "channel_id": GENERAL,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "trigger_id": f"{number}.0.lamp",
        "response_url": f"{platform.url}/response/{number}",
    }
    platform.triggers[payload["trigger_id"]] = user
    await platform._send({"type": "slash_commands", "payload": payload, "accepts_response_payload": True})
    return await _told(platform, number)


async def submit(platform: SlackPlatform, form: Json, values: dict[str, str], who: str = "friend") -> str:
    """Send a form; return what stands in its place, "" where it closes."""
    state = {}
    for block in form["blocks"]:
        element = block["element"]
        of = "selected_user" if element["type"] == "users_select" else "value"
        filled = values.get(block["block_id"]) or None
        assert filled or block["optional"], "Slack does not let it be sent"
        state[block["block_id"]] = {element["action_id"]: {"type": element["type"], of: filled}}
    view = form | {"state": {"values": state}, "hash": "1.lamp"}
    before = len(platform.returned)
    await _send(platform, {"type": "view_submission", "view": view}, who)
    if isinstance(platform, Team):
        returned = json.loads(platform.told[-1].text or "{}")
    else:
        await platform.acked()
        returned = platform.returned[-1] if len(platform.returned) > before else {}
    if not returned:
        return ""
    assert returned["response_action"] == "update"
    (shown,) = returned["view"]["blocks"]
    return str(shown["text"]["text"])


async def _interact(platform: SlackPlatform, about: Json, who: str) -> Told:
    return await _told(platform, await _send(platform, about, who))


async def _send(platform: SlackPlatform, about: Json, who: str) -> str:
    number, user = str(next(platform.numbers)), PEOPLE[who]
    payload: dict[str, Any] = {
        "user": {"id": user, "username": who, "name": who, "team_id": platform.team},
        "api_app_id": APP,
        "team": {"id": platform.team, "domain": "lamp"},
        "enterprise": None,
        "is_enterprise_install": False,
        "trigger_id": f"{number}.0.lamp",
    }
    platform.triggers[payload["trigger_id"]] = user
    if about["type"] != "view_submission":
        payload["response_url"] = f"{platform.url}/response/{number}"
    await platform._send({"type": "interactive", "payload": payload | about, "accepts_response_payload": True})
    return number


async def _told(platform: SlackPlatform, number: str) -> Told:
    def answers() -> list[Json]:
        return [answer for answer in platform.answers if answer["press"] == number]

    def opened() -> list[Json]:
        return [view for view in platform.views.values() if view["trigger"].partition(".")[0] == number]

    await platform.until(lambda: bool(answers() or opened()))
    if opened():
        return Told(modal=opened()[0])
    (answer,) = answers()
    assert answer["response_type"] == "ephemeral"
    assert not answer["replace_original"]
    return Told(answer["text"], tuple(answer.get("blocks", ())))
