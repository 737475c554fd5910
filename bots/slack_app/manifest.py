"""What the Slack app asks for, as data: scopes, events, and the manifest that a workspace admin pastes into Slack.

Leans on nothing. Every scope says what it is for and, where an admin may leave it out, what is lost, so that
`lampkeeper check` and docs/slack_scopes.md say the same. `lampkeeper slack manifest` prints `text`; the files in docs
are made so, and a test holds them equal. Decisions:

- YAML, because people read it before they paste it. Every string in it is quoted as in JSON, which YAML reads too
  (https://yaml.org/spec/1.2.2/#chapter-2-language-overview); so nothing is needed to write it.
- Token rotation is off: once on, Slack never lets it be off again, and a token in the configuration cannot be renewed.
  With OAuth it may be switched on, and is honoured.

Format: https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple


class Scope(NamedTuple):
    """What a scope is for; `without`: what is lost where an admin leaves it out, "" where it cannot be left out."""

    why: str
    without: str = ""


class Heard(NamedTuple):
    """What an event tells, and the scopes of which Slack asks one or all for it."""

    why: str
    scopes: tuple[str, ...] = ()


SCOPES = {
    "channels:history": Scope("to read public channels it was invited to"),
    "groups:history": Scope("to read private channels it was invited to"),
    "im:history": Scope("to read direct messages with the app"),
    "mpim:history": Scope("to read group direct messages it was added to"),
    "channels:read": Scope("to know which public channels it is in"),
    "groups:read": Scope("to know which private channels it is in, and who is in the alert channel"),
    "im:read": Scope("to know which direct messages with the app there are"),
    "mpim:read": Scope("to know which group direct messages it is in, and with whom"),
    "users:read": Scope("to show names to moderators, and to know guests, programs and deactivated accounts"),
    "chat:write": Scope("to post alert cards"),
    "commands": Scope(
        "for /lampkeeper, and for Report to moderators on a message",
        "neither can be used; alert cards and the app's Home still can",
    ),
    "usergroups:read": Scope(
        "to know who is in a usergroup that stands for an age band, or for the moderators",
        "neither age bands nor moderators can be given as usergroups",
    ),
    "team:read": Scope(
        "to say whose people are in a channel shared with another workspace",
        "the other workspace is shown by its id",
    ),
    "im:write": Scope(
        "to write first: to somebody who reported or asked for help, to a moderator who exports a case, to the owner",
        "they are answered only where they asked, cases cannot be exported, and the alert channel is told instead",
    ),
    "channels:join": Scope(
        "to join a public channel when a moderator says so (/lampkeeper join); it never does by itself",
        "it has to be invited to every channel: /invite @Lampkeeper",
    ),
    "channels:manage": Scope(
        "to remove somebody from a public channel when a moderator says so",
        "nobody can be removed from a public channel by way of a card",
    ),
    "groups:write": Scope(
        "to remove somebody from a private channel when a moderator says so",
        "nobody can be removed from a private channel by way of a card",
    ),
    "files:write": Scope(
        "to hand the export of a case to the moderator who asked for it, and what is kept of a member to that member",
        "cases cannot be exported from a card, and no member can be shown what is kept of them",
    ),
}
APP_SCOPE = "connections:write"
"""The one scope of the app-level token (``xapp-``)."""

_CHANNELS = ("channels:read", "groups:read")
EVENTS = {
    "message.channels": Heard("what is said in public channels", ("channels:history",)),
    "message.groups": Heard("what is said in private channels", ("groups:history",)),
    "message.im": Heard("what is written to the app itself", ("im:history",)),
    "message.mpim": Heard("what is said in group direct messages", ("mpim:history",)),
    "app_home_opened": Heard("that somebody looks at the app's Home, which is drawn then"),
    "app_uninstalled": Heard("that the app was removed: what was kept of the workspace is deleted"),
    "tokens_revoked": Heard("that its token was taken back: what was kept of the workspace is deleted"),
    "member_joined_channel": Heard("who came to a channel; of itself: it reads that one from then on", _CHANNELS),
    "member_left_channel": Heard(
        "who left a channel, and moderates no more by it; of itself: it reads it no more", _CHANNELS
    ),
    "channel_left": Heard("that it was removed from a public channel, and reads it no more", ("channels:read",)),
    "group_left": Heard("that it was removed from a private channel, and reads it no more", ("groups:read",)),
    "channel_deleted": Heard("that a channel is no more", ("channels:read",)),
    "channel_archive": Heard("that a channel was archived", ("channels:read",)),
    "channel_unarchive": Heard("that a channel is open again, and read if it is still in it", ("channels:read",)),
    "group_deleted": Heard("that a private channel is no more", ("groups:read",)),
    "group_archive": Heard("that a private channel was archived", ("groups:read",)),
    "group_unarchive": Heard("that a private channel is open again", ("groups:read",)),
    "user_change": Heard("new names, who became a guest, and who was deactivated", ("users:read",)),
    "subteam_updated": Heard("that a usergroup changed: age bands, moderators", ("usergroups:read",)),
    "subteam_members_changed": Heard("who came to or left a usergroup: age bands, moderators", ("usergroups:read",)),
    "channel_shared": Heard("that a channel is shared with another workspace", _CHANNELS),
    "channel_id_changed": Heard(
        "that a private channel has another ID, as sharing it with a workspace does", _CHANNELS
    ),
    "channel_unshared": Heard("that a channel is shared no more", _CHANNELS),
}
"""Event -> what for; https://docs.slack.dev/reference/events."""

COMMAND = "/lampkeeper"
COMMAND_SCOPE = "commands"
COMMAND_HELP, COMMAND_HINT = "Status, settings, cases and help", "help"
REPORT = "lampkeeper_report"
"""The `callback_id` of the shortcut on a message."""
REPORT_NAME, REPORT_HELP = "Report to moderators", "Show a message to the moderators, who see its conversation"

EVENTS_PATH = "/slack/events"
"""Where Slack posts events, presses, shortcuts and commands alike, as Bolt takes them."""
INSTALL_PATH, REDIRECT_PATH = "/slack/install", "/slack/oauth_redirect"
EXAMPLE_URL = "https://lampkeeper.example"


def manifest(public_url: str | None = None, without: Collection[str] = ()) -> dict[str, Any]:
    """Return the manifest of the Slack app: for Socket Mode, or for HTTP at `public_url`, which has OAuth's too.

    `without` are scopes to leave out, and with them goes what Slack takes with them only: it refuses a manifest that
    has an event, a command or a shortcut and not its scope.
    """
    command: dict[str, Any] = {
        "command": COMMAND,
        "description": COMMAND_HELP,
        "usage_hint": COMMAND_HINT,
        "should_escape": True,
    }
    oauth: dict[str, Any] = {"scopes": {"bot": [scope for scope in SCOPES if scope not in without]}}
    events = sorted(event for event, heard in EVENTS.items() if not {*heard.scopes} & {*without})
    subscriptions: dict[str, Any] = {"bot_events": events}
    interactivity: dict[str, Any] = {"is_enabled": True}
    shortcut = {"name": REPORT_NAME, "type": "message", "callback_id": REPORT, "description": REPORT_HELP}
    if public_url is not None:
        address = public_url.rstrip("/")
        command["url"] = subscriptions["request_url"] = interactivity["request_url"] = address + EVENTS_PATH
        oauth["redirect_urls"] = [address + REDIRECT_PATH]
    return {
        "display_information": {
            "name": "Lampkeeper",
            "description": "Tells moderators early when a conversation follows a risk pattern",
            "background_color": "#2b3a55",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "Lampkeeper", "always_online": False},
            **({} if COMMAND_SCOPE in without else {"shortcuts": [shortcut], "slash_commands": [command]}),
        },
        "oauth_config": oauth,
        "settings": {
            "event_subscriptions": subscriptions,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": public_url is None,
            "token_rotation_enabled": False,
        },
    }


def text(public_url: str | None = None, without: Collection[str] = ()) -> str:
    """Return the manifest as YAML, as the files in docs hold it."""
    return "\n".join(_lines(manifest(public_url, without), "")) + "\n"


def _lines(value: dict[str, Any] | list[Any], indent: str) -> Iterator[str]:
    """Write a mapping or a list, a line each; what is inside of one stands two spaces further in.

    >>> list(_lines({"name": "Lampkeeper", "bots": [{"on": True}, "one"]}, ""))
    ['name: "Lampkeeper"', 'bots:', '  -', '    on: true', '  - "one"']
    """
    parts = value.items() if isinstance(value, dict) else (("-", item) for item in value)
    for name, part in parts:
        head = indent + (name if name == "-" else f"{name}:")
        if isinstance(part, dict | list):
            yield head
            yield from _lines(part, f"{indent}  ")
        else:
            yield f"{head} {json.dumps(part)}"
