"""`lampkeeper check` for Slack: tokens, addresses, scopes, alert channel, conversations; a line each, with the remedy.

Leans on `bots.slack_app.api`. Of a workspace it looks at what holds there: what was chosen in Slack
(`core.communities`), over the operator's file if it is the operator's own, also beside a running Lampkeeper. A token
that has ended is only told of: whoever renews it takes the old one from a running Lampkeeper. Changes nothing (a Socket
Mode address is asked for and not used, a port is opened and closed again), never raises, and prints no token.
"""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bots.adapter import Finding
from bots.slack_app.api import GONE_CODES, REFUSALS, Me, RefusalError, call, connection, me, pages, refusal, web_client
from bots.slack_app.history import TYPES
from bots.slack_app.http import busy
from bots.slack_app.install import AGAIN, Given
from bots.slack_app.manifest import COMMAND, EVENTS_PATH, INSTALL_PATH, SCOPES
from bots.slack_app.workspace import team_of
from core.config import Slack, SlackWorkspace
from core.errors import PlatformError

_SIGNING_SECRET = re.compile(r"[0-9a-f]{32}")
_REINSTALL = REFUSALS["missing_scope"][1]
_OR_IN_FILE = (
    " Or put the channel's ID (channel name, View channel details, at the very bottom) into {key} under [slack], and"
    " invite the app to it: /invite @Lampkeeper."
)
_FORGET = (
    f"{AGAIN} If it shall stay removed, delete what was kept of the workspace: lampkeeper purge --space {{space}}."
)
_OTHER = "Put its ID into teams under [slack], or have the app removed there: its settings in Slack, Remove App."


Held = Callable[[str, SlackWorkspace], Awaitable[SlackWorkspace]]
Installed = Callable[[], Awaitable[Mapping[str, Given]]]


async def check(client: AsyncWebClient | None, config: Slack, held: Held, installed: Installed) -> list[Finding]:
    """Return what was found, in the order in which a person would mend it.

    `client` is of the operator's workspace; `held` returns what holds for a team over what the operator set up for it,
    `installed` what Slack gave for the workspaces that installed the app, by space.
    """
    found: list[Finding] = []
    who: Me | None = None
    if client is not None:
        try:
            who = await me(client)
            found.append(Finding("Slack bot token", ok=True))
        except PlatformError as error:
            found.append(_bad("Slack bot token", error))
    found.append(await _app_token(config) if config.connection == "socket" else _signing_secret(config))
    if config.client_id is not None:
        found.append(await _credentials(config))
        there = await installed()
        for space, given in there.items():
            found += await _installed(space, given, held)
        found += _invited(config, there)
    if config.connection == "http" or config.client_id is not None:
        found += [await _port(config), _addresses(config)]
    if client is not None and who is not None:
        found += await _workspace(client, who, await held(who.team, config))
    return found


async def _workspace(client: AsyncWebClient, who: Me, holds: SlackWorkspace, *, own: bool = True) -> list[Finding]:
    """Look at one workspace, whose token is good; only its `own` one can the operator set up in the file."""
    return [
        *_scopes(who),
        *[finding async for finding in _alert_channel(client, holds, own=own)],
        *[finding async for finding in _second_channel(client, holds, own=own)],
        *[finding async for finding in _moderators(client, holds)],
        await _conversations(client, holds),
    ]


def _bad(what: str, error: PlatformError) -> Finding:
    return Finding(f"{what}: {error.what}", ok=False, remedy=error.remedy)


def _choose(key: str, *, own: bool) -> str:
    how = f"{COMMAND} setup" if key == "alert_channel" else f"{COMMAND} settings {key}"
    return f"Choose it in Slack, with {how}." + (_OR_IN_FILE.format(key=key) if own else "")


def _bad_channel(what: str, error: PlatformError, key: str, *, own: bool) -> Finding:
    unknown = isinstance(error, RefusalError) and error.code == "channel_not_found"
    return Finding(f"{what}: {error.what}", ok=False, remedy=_choose(key, own=own) if unknown else error.remedy)


async def _app_token(config: Slack) -> Finding:
    assert config.app_token is not None, "bots.composition asks for missing keys first"
    try:
        await connection(web_client(None), config.app_token.get_secret_value())
    except PlatformError as error:
        return _bad("Slack app-level token", error)
    return Finding("Slack app-level token", ok=True)


def _signing_secret(config: Slack) -> Finding:
    """Look at its shape: whether it is the right one shows only when Slack posts."""
    assert config.signing_secret is not None, "bots.composition asks for missing keys first"
    if _SIGNING_SECRET.fullmatch(config.signing_secret.get_secret_value()):
        return Finding("Slack signing secret", ok=True)
    return Finding(
        "Slack signing secret: it does not look like one (32 digits and letters from a to f)",
        ok=False,
        remedy="Copy it from the app's settings, Basic Information, App Credentials.",
    )


async def _credentials(config: Slack) -> Finding:
    """Have Slack look at client_id and client_secret before it looks at a code that is none."""
    what, secret = "Slack client id and secret", config.client_secret
    assert config.client_id is not None, "asked only with it"
    assert secret is not None, "bots.composition asks for missing keys first"
    try:
        await call(
            web_client(None).oauth_v2_access,
            client_id=config.client_id,
            client_secret=secret.get_secret_value(),
            code="none",
        )
    except RefusalError as error:
        if error.code != "invalid_code":
            return _bad(what, error)
    except PlatformError as error:
        return _bad(what, error)
    return Finding(what, ok=True)


async def _installed(space: str, given: Given, held: Held) -> list[Finding]:
    """Look at a workspace that installed the app: at its token, and where that is good, at everything else."""
    name, client = f"Slack workspace {space}, which installed the app", web_client(given.token)
    token, who = await _token(f"{name}: token", space, given, client)
    if who is None:
        return [token]
    found = await _workspace(client, who, await held(who.team, SlackWorkspace()), own=False)
    return [token, *(replace(one, what=f"{name}: {one.what}") for one in found)]


async def _token(what: str, space: str, given: Given, client: AsyncWebClient) -> tuple[Finding, Me | None]:
    """Look at the token of a workspace that installed the app; return also who it says we are there."""
    try:
        return Finding(what, ok=True), await me(client)
    except RefusalError as error:
        if error.code == "token_expired" and given.refresh:
            return Finding(f"{what} has ended; it is renewed while Lampkeeper runs", ok=True), None
        gone = error.code in GONE_CODES
        return Finding(f"{what}: {error.what}", ok=False, remedy=_FORGET.format(space=space) if gone else AGAIN), None
    except PlatformError as error:
        return _bad(what, error), None


def _invited(config: Slack, there: Iterable[str]) -> list[Finding]:
    """Say who may install the app, and which workspaces are in that might not do so now."""
    if config.teams is None:
        what = (
            "Slack workspaces that may install the app: all whose people have the link; teams under [slack] limits them"
        )
        return [Finding(what, ok=True)]
    others = [space for space in there if team_of(space) not in config.teams]
    return [
        Finding(f"Slack workspaces that may install the app: {', '.join(config.teams)}", ok=True),
        *(Finding(f"Slack workspace {space} is in, and not among teams", ok=False, remedy=_OTHER) for space in others),
    ]


async def _port(config: Slack) -> Finding:
    what = f"Slack port {config.port} on {config.host}"
    try:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), config.host, config.port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return Finding(f"{what}: in use; where Lampkeeper is running, by it", ok=True)
        return _bad(what, busy(config.host, config.port, error))
    server.close()
    await server.wait_closed()
    return Finding(what, ok=True)


def _addresses(config: Slack) -> Finding:
    if config.public_url is None:
        return Finding(
            "Slack public address: none is named", ok=False, remedy="Put it into public_url under [slack], with https."
        )
    address = config.public_url.rstrip("/")
    events = f"Slack posts to {address}{EVENTS_PATH}" if config.connection == "http" else ""
    installing = f"workspaces install it at {address}{INSTALL_PATH}" if config.client_id is not None else ""
    return Finding("; ".join(part for part in (events, installing) if part), ok=True)


def _scopes(who: Me) -> list[Finding]:
    missing = {name: scope for name, scope in SCOPES.items() if name not in who.scopes}
    needed = [
        Finding(f"Slack permission (scope) {name} is missing: needed {scope.why}", ok=False, remedy=_REINSTALL)
        for name, scope in missing.items()
        if not scope.without
    ]
    left_out = [
        Finding(f"Slack permission (scope) {name} is left out: {scope.without}", ok=True)
        for name, scope in missing.items()
        if scope.without
    ]
    return [*needed, *left_out] or [Finding(f"Slack permissions: all {len(SCOPES)} scopes", ok=True)]


async def _alert_channel(client: AsyncWebClient, config: SlackWorkspace, *, own: bool) -> AsyncIterator[Finding]:
    what = "Slack alert channel"
    if not config.alert_channel:
        yield Finding(f"{what}: none is chosen", ok=False, remedy=_choose("alert_channel", own=own))
        return
    try:
        channel: dict[str, Any] = (await call(client.conversations_info, channel=config.alert_channel))["channel"]
    except PlatformError as error:
        yield _bad_channel(what, error, "alert_channel", own=own)
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


async def _second_channel(client: AsyncWebClient, config: SlackWorkspace, *, own: bool) -> AsyncIterator[Finding]:
    if config.second_channel is None:
        return
    what = "Slack second channel"
    try:
        channel = (await call(client.conversations_info, channel=config.second_channel))["channel"]
        if channel.get("is_archived") or not channel.get("is_member"):
            raise refusal("is_archived" if channel.get("is_archived") else "not_in_channel")
    except PlatformError as error:
        yield _bad_channel(what, error, "second_channel", own=own)
    else:
        yield Finding(what, ok=True)


async def _moderators(client: AsyncWebClient, config: SlackWorkspace) -> AsyncIterator[Finding]:
    for user in config.moderators:
        try:
            await call(client.users_info, user=user)
        except PlatformError as error:
            yield _bad(f"Slack moderator {user}", error)
    for group in config.moderator_roles:
        try:
            await call(client.usergroups_users_list, usergroup=group)
        except PlatformError as error:
            yield _bad(f"Slack moderators' usergroup {group}", error)
    if not config.moderators and not config.moderator_roles:
        yield Finding("Slack moderators: every member of the alert channel", ok=True)


async def _conversations(client: AsyncWebClient, config: SlackWorkspace) -> Finding:
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
