"""`lampkeeper check` for Slack: tokens, scopes, alert channel, conversations; a line each, with the remedy.

Leans on `bots.slack_app.api`. Changes nothing (a Socket Mode address is asked for and not used), never raises, and
prints no token.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bots.adapter import Finding
from bots.slack_app.api import REFUSALS, Me, call, connection, me, pages, refusal
from bots.slack_app.history import TYPES
from bots.slack_app.manifest import SCOPES
from core.config import Slack
from core.errors import PlatformError

_REINSTALL = REFUSALS["missing_scope"][1]


async def check(client: AsyncWebClient, config: Slack) -> list[Finding]:
    """Return what was found, in the order in which a person would mend it."""
    found: list[Finding] = []
    who: Me | None = None
    try:
        who = await me(client)
        found.append(Finding("Slack bot token", ok=True))
    except PlatformError as error:
        found.append(_bad("Slack bot token", error))
    found.append(await _app_token(client, config))
    if who is not None:
        found += _scopes(who)
        found += [finding async for finding in _alert_channel(client, config)]
        found += [finding async for finding in _moderators(client, config)]
        found.append(await _conversations(client, config))
    return found


def _bad(what: str, error: PlatformError) -> Finding:
    return Finding(f"{what}: {error.what}", ok=False, remedy=error.remedy)


async def _app_token(client: AsyncWebClient, config: Slack) -> Finding:
    assert config.app_token is not None, "bots.composition asks for missing tokens first"
    try:
        await connection(client, config.app_token.get_secret_value())
    except PlatformError as error:
        return _bad("Slack app-level token", error)
    return Finding("Slack app-level token", ok=True)


def _scopes(who: Me) -> list[Finding]:
    missing = [
        Finding(f"Slack permission (scope) {scope} is missing: needed {purpose}", ok=False, remedy=_REINSTALL)
        for scope, purpose in SCOPES.items()
        if scope not in who.scopes
    ]
    return missing or [Finding(f"Slack permissions: all {len(SCOPES)} scopes", ok=True)]


async def _alert_channel(client: AsyncWebClient, config: Slack) -> AsyncIterator[Finding]:
    what = "Slack alert channel"
    if not config.alert_channel:
        yield Finding(f"{what}: none is named", ok=False, remedy=REFUSALS["channel_not_found"][1])
        return
    try:
        channel: dict[str, Any] = (await call(client.conversations_info, channel=config.alert_channel))["channel"]
    except PlatformError as error:
        yield _bad(what, error)
        return
    for code, wrong in (
        ("is_archived", channel.get("is_archived")),
        ("not_in_channel", not channel.get("is_member") and not channel.get("is_im") and not channel.get("is_mpim")),
    ):
        if wrong:
            yield _bad(what, refusal(code))
            return
    yield Finding(what, ok=True)
    if not (channel.get("is_private") or channel.get("is_im") or channel.get("is_mpim")):
        yield Finding(
            "Slack alert channel is public: everybody in the workspace can read the names on alert cards",
            ok=False,
            remedy="Make it private (channel name, Settings, Change to a private channel), or name a private one.",
        )


async def _moderators(client: AsyncWebClient, config: Slack) -> AsyncIterator[Finding]:
    for user in config.moderators:
        try:
            await call(client.users_info, user=user)
        except PlatformError as error:
            yield _bad(f"Slack moderator {user}", error)
    if not config.moderators:
        yield Finding("Slack moderators: every member of the alert channel", ok=True)


async def _conversations(client: AsyncWebClient, config: Slack) -> Finding:
    left_out = {config.alert_channel, *config.ignored_channels}
    watched = 0
    try:
        async for page in pages(client.users_conversations, "channels", types=TYPES, exclude_archived=True):
            watched += sum(channel["id"] not in left_out for channel in page)
    except PlatformError as error:
        return _bad("Slack conversations", error)
    if not watched:
        return Finding(
            "Slack conversations: the app is in none but the alert channel",
            ok=False,
            remedy="Invite it to the channels it shall watch: /invite @Lampkeeper.",
        )
    return Finding(f"Slack conversations: {watched} watched", ok=True)
