"""What the Slack app asks for, as data: scopes, events, and the manifest that a workspace admin pastes into Slack.

Leans on nothing. Every scope says what it is for, so that `lampkeeper check` can say what is lost without it.
`docs/slack_manifest.json` is `text`, and a test holds them equal. JSON, because Slack takes it as readily as YAML and
Python writes it unaided. Format: https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

import json
from typing import Any

SCOPES = {
    "channels:history": "to read public channels it was invited to",
    "groups:history": "to read private channels it was invited to",
    "im:history": "to read direct messages with the app",
    "mpim:history": "to read group direct messages it was added to",
    "channels:read": "to know which public channels it is in",
    "groups:read": "to know which private channels it is in, and who is in the alert channel",
    "im:read": "to know which direct messages with the app there are",
    "mpim:read": "to know which group direct messages it is in, and with whom",
    "users:read": "to show names to moderators",
    "chat:write": "to post alert cards",
}
APP_SCOPE = "connections:write"
"""The one scope of the app-level token (``xapp-``)."""
EVENTS = ("app_uninstalled", "message.channels", "message.groups", "message.im", "message.mpim", "tokens_revoked")


def manifest() -> dict[str, Any]:
    """Return the manifest of the Slack app."""
    return {
        "display_information": {
            "name": "Lampkeeper",
            "description": "Tells moderators early when a conversation follows a risk pattern",
            "background_color": "#2b3a55",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "Lampkeeper", "always_online": False},
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True},
            "org_deploy_enabled": False,
            "socket_mode_enabled": True,
            "token_rotation_enabled": False,
        },
    }


def text() -> str:
    """Return the manifest as the file `docs/slack_manifest.json` holds it."""
    return json.dumps(manifest(), indent=2) + "\n"
