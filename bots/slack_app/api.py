"""Calls to Slack's Web API: one place where clients are made, and one where refusals become words.

Leans on slack_sdk. `call` turns every way in which Slack can refuse into a `PlatformError` that says what to do, or a
`TryLater` with the seconds Slack asked for. Nothing of a request or of an answer is kept in an error, because both may
carry what people wrote; `quiet` keeps the SDK's own log to where and what kind for the same reason.
Error codes: https://docs.slack.dev/reference/methods

A remedy here holds wherever its code may come from: over Socket Mode, HTTP or OAuth, for any channel or person. Who
knows more of what was asked says it instead.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bots.slack_app.manifest import APP_SCOPE
from core.errors import Limit, PlatformError, TryLater

BASE_URL = AsyncWebClient.BASE_URL
PAGE = 200
"""Items asked for per page; Slack recommends no more (https://docs.slack.dev/apis/web-api/pagination)."""

Method = Callable[..., Awaitable[AsyncSlackResponse]]
Caller = Callable[..., Awaitable[AsyncSlackResponse]]

_REINSTALL = (
    "Install the app into the workspace again (Slack app settings, Install App), put its new Bot User OAuth Token"
    " into the configuration and restart Lampkeeper."
)
_PURGE = (
    _REINSTALL + " If it shall stay removed, delete what was kept of the workspace:"
    " lampkeeper purge --space slack:<team>, with the workspace's ID, which begins with T."
)
_INVITE = "Invite it in Slack: open the channel and write /invite @Lampkeeper."
_CHANNEL = (
    "Name one by its ID (channel name, View channel details, at the very bottom), and invite the app to it:"
    " /invite @Lampkeeper."
)
_NO_ANSWER = "Slack answered something that is no answer."
_CLIENT = "Copy both from the app's settings, Basic Information, App Credentials."
REFUSALS: dict[str, tuple[str, str]] = {
    "invalid_auth": ("Slack does not accept the token.", _REINSTALL),
    "not_authed": ("Slack got no token.", _REINSTALL),
    "token_revoked": ("The Slack token was revoked.", _PURGE),
    "token_expired": (
        "The Slack token has expired: token rotation is on for the app, and Slack lets nobody switch it off again.",
        (
            "Make a new app from the manifest, which leaves it off, and put its tokens into the configuration; or have"
            " the app installed by OAuth (docs/slack.md, Many workspaces), where tokens are renewed."
        ),
    ),
    "account_inactive": ("The app was removed from the Slack workspace.", _PURGE),
    "not_allowed_token_type": (
        "This kind of Slack token does not fit here.",
        "bot_token begins with xoxb- and app_token with xapp-; see docs/slack.md.",
    ),
    "missing_scope": (
        "The Slack app lacks a permission (scope).",
        (
            "Add it in the app's settings under OAuth & Permissions, Bot Token Scopes (docs/slack_scopes.md lists all),"
            " then have the app installed in the workspace again."
        ),
    ),
    "no_permission": (
        "The Slack app may not do that in this workspace.",
        "Ask a workspace owner to approve the app.",
    ),
    "access_denied": ("The Slack workspace denies the app access.", "Ask a workspace owner to approve the app."),
    "org_login_required": ("The Slack workspace is being moved to an organisation.", "Try again when that is done."),
    "team_access_not_granted": ("The app is not installed in this workspace.", _REINSTALL),
    "channel_not_found": ("Slack knows no such channel, or the app cannot see it.", _CHANNEL),
    "not_in_channel": ("The Slack app is not a member of the channel.", _INVITE),
    "is_archived": ("The Slack channel is archived.", "Unarchive it, or choose another one."),
    "restricted_action": (
        "A workspace setting keeps the app from posting in the channel.",
        "Let apps post there: channel name, Settings, Posting permissions.",
    ),
    "message_not_found": ("The Slack message is gone.", "Nothing needs to be done."),
    "no_such_subteam": (
        "Slack knows no such usergroup.",
        "Choose another one with /lampkeeper settings, or put its ID, which begins with S, into the configuration.",
    ),
    "user_not_found": ("Slack knows no such person.", "Check the member's ID (in their profile: ⋮, Copy member ID)."),
    "invalid_refresh_token": (
        "Slack renews the token of the workspace no more.",
        "Have the app installed there again, at /slack/install under public_url.",
    ),
    "invalid_client_id": ("Slack knows no app with this client_id.", _CLIENT),
    "bad_client_secret": ("The client_secret is not the one of the app with this client_id.", _CLIENT),
    "socket_mode_not_enabled": (
        "Socket Mode is off for the Slack app.",
        "Switch it on in the app's settings under Socket Mode.",
    ),
}
LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "chat_postMessage": "post",
        "chat_update": "edit",
        "conversations_history": "look",
        "conversations_replies": "look",
    }
)
"""Method -> what cannot be done while Slack wants no more of it: limits are by method
(https://docs.slack.dev/apis/web-api/rate-limits). All others are asked for any card: these hold up everything."""
TOKEN_CODES = frozenset(
    (
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "team_access_not_granted",
    )
)
"""Codes that mean that the token is of no use; a new one comes from the settings of the app, or by OAuth."""
GONE_CODES = frozenset(("token_revoked", "account_inactive"))
"""Codes that mean that the app was removed from the workspace."""
LATER = frozenset(
    ("ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")
)
"""Codes that pass by themselves."""
LATE = frozenset(("expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"))
"""Refusals to open a window: it was pressed more than three seconds ago, or had its window already."""


class RefusalError(PlatformError):
    """Slack said no; `code` is Slack's own word for why."""

    def __init__(self, code: str, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.code = code


def refusal(code: str, needed: str = "") -> RefusalError:
    """Return the error, in words, for Slack's error `code`; `needed` is the scope it missed, if it said.

    >>> print(refusal("not_in_channel"))
    The Slack app is not a member of the channel. Invite it in Slack: open the channel and write /invite @Lampkeeper.
    """
    what, remedy = REFUSALS.get(
        code, (f"Slack refused: {code}.", "https://docs.slack.dev/reference/methods explains the word.")
    )
    if code == "missing_scope" and needed:
        what = f"The Slack app lacks the permission (scope) {needed}."
    return RefusalError(code, what, remedy)


async def call(method: Method, **arguments: Any) -> AsyncSlackResponse:
    """Call a Web API method; raise `TryLater` or `PlatformError` where Slack refuses or cannot be reached."""
    try:
        return await method(**arguments)
    except SlackApiError as error:
        response = error.response
    except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError) as error:
        raise TryLater(
            f"Slack could not be reached ({type(error).__name__}).", "Check the network if this lasts."
        ) from None
    except json.JSONDecodeError:
        raise TryLater(_NO_ANSWER, "Nothing needs to be done unless this lasts.") from None
    except ValueError:  # what cannot stand in a header, in which the token is sent
        raise PlatformError(
            "The Slack token holds a character that no token has, such as a line's end.",
            "Copy it again, and put it into the configuration without anything around it.",
        ) from None
    # Outside the except block, so that no traceback can carry the request or the answer along.
    if not isinstance(response, AsyncSlackResponse) or not isinstance(response.data, dict):
        raise TryLater(_NO_ANSWER, "Nothing needs to be done unless this lasts.")
    code = str(response.get("error", ""))
    if response.status_code == 429 or response.status_code >= 500 or code in LATER or not code:
        wait = str(response.headers.get("Retry-After", ""))
        raise TryLater(
            "Slack asks to wait.",
            "Nothing needs to be done unless this lasts.",
            float(wait) if wait.isdecimal() else None,
            LIMITS.get(getattr(method, "__name__", "")),
        )
    raise refusal(code, str(response.get("needed", "")))


async def pages(
    method: Method, field: str, *, through: Caller = call, **arguments: Any
) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield `field` of every page of a cursor-paginated method; each page is asked for by way of `through`."""
    cursor: str | None = None
    while True:
        response = await through(method, limit=PAGE, cursor=cursor, **arguments)
        yield response[field]
        cursor = (response.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return


class Me(NamedTuple):
    """The app itself, as auth.test tells: workspace, the bot's ids, the workspace's address, granted scopes."""

    team: str
    user: str
    bot: str
    url: str
    scopes: frozenset[str]

    def address(self, channel: str, ts: str, thread: str = "") -> str:
        """Return the address of a message, as Slack's own permalinks are.

        >>> Me("T1", "U1", "B1", "https://a.slack.example/", frozenset()).address("C1", "1.000002", "1.000001")
        'https://a.slack.example/archives/C1/p1000002?thread_ts=1.000001&cid=C1'
        """
        of_thread = f"?thread_ts={thread}&cid={channel}" if thread else ""
        return f"{self.url}archives/{channel}/p{ts.replace('.', '')}{of_thread}"

    def said_at(self, conversation: str, ts: str) -> str | None:
        """Return the address of a message by its conversation; None for a direct message with the app.

        >>> at = Me("T1", "U1", "B1", "https://a.slack.example/", frozenset()).said_at
        >>> at("C1/1.000001", "1.000002"), at("D1", "1.000002")
        ('https://a.slack.example/archives/C1/p1000002?thread_ts=1.000001&cid=C1', None)
        """
        channel, _, thread = conversation.partition("/")
        return None if channel.startswith("D") else self.address(channel, ts, thread)

    def account(self, user: str) -> str:
        """Return the address of somebody's account.

        >>> Me("T1", "U1", "B1", "https://a.slack.example/", frozenset()).account("U2")
        'https://a.slack.example/team/U2'
        """
        return f"{self.url}team/{user}"


async def me(client: AsyncWebClient) -> Me:
    """Ask Slack who the token belongs to (https://docs.slack.dev/reference/methods/auth.test)."""
    answer = await call(client.auth_test)
    scopes = str(answer.headers.get("x-oauth-scopes", ""))
    return Me(
        team=str(answer["team_id"]),
        user=str(answer["user_id"]),
        bot=str(answer.get("bot_id", "")),
        url=str(answer.get("url", "https://slack.com/")),
        scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
    )


async def connection(client: AsyncWebClient, app_token: str) -> str:
    """Ask for the address of a new Socket Mode connection; tells the app token's faults as the app token's."""
    try:
        return str((await call(client.apps_connections_open, app_token=app_token))["url"])
    except RefusalError as error:
        raise RefusalError(
            error.code,
            f"The app-level token was refused: {error.what}",
            f"Make one in the app's settings under Basic Information, App-Level Tokens, with the scope {APP_SCOPE},"
            " switch Socket Mode on, put it into the configuration as app_token and restart Lampkeeper.",
        ) from None


class _Whereabouts(logging.Filter):
    """Keeps of a record where it comes from and what kind of error it tells; its words may carry what people wrote."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else record.levelname.lower()
        record.msg, record.args = "%s in %s.%s", (kind, record.module, record.funcName)
        record.exc_info = record.exc_text = record.stack_info = None
        return True


def quiet() -> logging.Logger:
    """Return the logger every SDK object is given: warnings and errors only, each without its words."""
    for name in ("slack_sdk", "slack_bolt"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        if not logger.filters:
            logger.addFilter(_Whereabouts())
    return logging.getLogger("slack_sdk")


def web_client(token: str | None) -> AsyncWebClient:
    """Make a client of the Web API; without a token it can only open Socket Mode connections."""
    return AsyncWebClient(token=token, base_url=BASE_URL, logger=quiet())
