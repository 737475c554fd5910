"""OAuth: whoever may install apps in a workspace adds Lampkeeper to it; the token that Slack gives is kept and renewed.

Leans on slack-bolt's flow for the way through Slack, and on slack_sdk's rotator for tokens that end. Decisions:

- A state is a sealed time (`core.vault`), so none needs to be kept until it comes back, and nobody can make one; the
  browser must bring it as a cookie, too, so that nobody can have another person's browser finish an installation. It is
  good for ten minutes, and once.
- Tokens that end are renewed two hours before they do, and the new ones are stored before they are used: Slack takes
  the old refresh token no more. https://docs.slack.dev/authentication/using-token-rotation
- Installations of a whole Enterprise organisation are refused: a space is one workspace.
- Which workspace it is Slack tells only once the app is in there. Where the operator did not name it (`teams`), the app
  is taken out of it again at once, nothing is kept of it, and the page says why.
"""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import structlog
from slack_bolt.error import BoltError
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackTokenRotationError
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.oauth.token_rotation.async_rotator import AsyncTokenRotator

from bots.slack_app.api import call, quiet, web_client
from bots.slack_app.http import Once
from bots.slack_app.manifest import INSTALL_PATH, REDIRECT_PATH, SCOPES
from bots.texts import ENGLISH, say
from core.config import Slack
from core.errors import LampkeeperError, PlatformError, VaultError
from core.vault import Vault

AGAIN = f"Have the app installed there again, at {INSTALL_PATH} under public_url."
"""What to do about a token that Slack takes no more."""
STATE_SECONDS = 600.0
_STATE = ("slack", "oauth", "state")
BEGIN_AGAIN = frozenset(("invalid_browser", "invalid_state", "missing_code"))
"""Bolt's words for what another try mends."""

log = structlog.get_logger(__name__)


class UninvitedError(PlatformError):
    """A workspace installed the app that the operator did not name."""


class _UninvitedPageError(BoltError):
    """The same, as Bolt's flow hands it on to the page."""


class Given(NamedTuple):
    """What Slack gave at an installation: the bot's token, and where tokens end, when (epoch) and how to renew it."""

    token: str
    refresh: str | None = None
    expires: int | None = None


class States(AsyncOAuthStateStore):
    """Makes states and takes them back, each once."""

    def __init__(self, vault: Vault, clock: Callable[[], float]) -> None:
        self._vault, self._clock = vault, clock
        self._used = Once(STATE_SECONDS, most=100_000)

    async def async_issue(self, *_args: Any, **_more: Any) -> str:
        """Return a new state."""
        return self._vault.seal(str(self._clock()).encode(), _STATE).hex()

    async def async_consume(self, state: str) -> bool:
        """Tell whether a state is one of ours, not too old, and not used yet."""
        try:
            issued = float(self._vault.open(bytes.fromhex(state), _STATE))
        except (ValueError, VaultError):
            return False
        return 0 <= self._clock() - issued <= STATE_SECONDS and self._used.first(state)


class _Kept(AsyncInstallationStore):
    """Where Bolt's flow leaves an installation."""

    def __init__(self, keep: Callable[[str, Given], Awaitable[None]]) -> None:
        self._keep = keep

    async def async_save(self, installation: Installation) -> None:
        """Keep it; BoltError where it cannot be."""
        if installation.is_enterprise_install or not installation.team_id or not installation.bot_token:
            raise BoltError("not an installation in one workspace")
        given = Given(installation.bot_token, installation.bot_refresh_token, installation.bot_token_expires_at)
        try:
            await self._keep(installation.team_id, given)
        except UninvitedError as error:
            log.warning("slack.uninvited", what=error.what, remedy=error.remedy)
            raise _UninvitedPageError("not named by the operator") from None
        except LampkeeperError as error:
            log.error("slack.not_installed", what=error.what, remedy=error.remedy)
            raise BoltError("not kept") from None


class _Flow(AsyncOAuthFlow):
    """Bolt's flow, with a page that loads nothing from elsewhere, and an answer whatever happens."""

    async def handle_callback(self, request: AsyncBoltRequest) -> BoltResponse:
        """Finish an installation; where Slack cannot be asked, say that it could not be finished."""
        try:
            return await super().handle_callback(request)
        except Exception as error:  # noqa: BLE001 - only its kind may be logged: a request holds Slack's code
            log.error("slack.not_installed", why=type(error).__name__)
            failed = AsyncFailureArgs(
                request=request,
                reason="storage_error",
                suggested_status_code=503,
                settings=self.settings,
                default=self.default_callback_options,
            )
            return await self.failure_handler(failed)

    async def build_install_page_html(self, url: str, request: AsyncBoltRequest) -> str:  # noqa: ARG002 - Bolt's own
        """Write the page with the one link."""
        link = f'<p><a href="{html.escape(url)}">{html.escape(say(ENGLISH, "installing.add"))}</a></p>'
        return _page(say(ENGLISH, "installing.about"), link)


def make_flow(
    config: Slack, vault: Vault, clock: Callable[[], float], keep: Callable[[str, Given], Awaitable[None]]
) -> AsyncOAuthFlow:
    """Make the way through Slack; `keep` gets the team and what Slack gave for it."""
    address = (config.public_url or "").rstrip("/")
    settings = AsyncOAuthSettings(
        client_id=config.client_id,
        client_secret=_secret(config),
        scopes=list(SCOPES),
        user_scopes=[],
        redirect_uri=address + REDIRECT_PATH,
        install_path=INSTALL_PATH,
        redirect_uri_path=REDIRECT_PATH,
        installation_store=_Kept(keep),
        state_store=States(vault, clock),
        state_expiration_seconds=int(STATE_SECONDS),
        logger=quiet(),
    )
    utils = settings.state_utils

    def answered(status: int, words: str) -> BoltResponse:
        headers: dict[str, Any] = {
            "Content-Type": "text/html; charset=utf-8",
            "Set-Cookie": utils.build_set_cookie_for_deletion(),
        }
        return BoltResponse(status=status, body=_page(words), headers=headers)

    async def success(_args: AsyncSuccessArgs) -> BoltResponse:
        return answered(200, say(ENGLISH, "installing.added"))

    async def failure(args: AsyncFailureArgs) -> BoltResponse:
        if isinstance(args.error, _UninvitedPageError):
            return answered(403, say(ENGLISH, "installing.uninvited"))
        known = args.reason in {*BEGIN_AGAIN, "access_denied", "invalid_code", "storage_error"}
        log.warning("slack.not_installed", why=args.reason if known else "other")
        if args.reason == "access_denied":
            return answered(200, say(ENGLISH, "installing.denied"))
        if args.reason in BEGIN_AGAIN:
            return answered(400, say(ENGLISH, "installing.again", address=address + INSTALL_PATH))
        return answered(args.suggested_status_code, say(ENGLISH, "installing.failed"))

    settings.callback_options = AsyncCallbackOptions(success=success, failure=failure)
    return _Flow(client=web_client(None), logger=quiet(), settings=settings)


async def renewed(config: Slack, given: Given) -> Given:
    """Return `given` if its token is good for two hours more, else new ones; raises `PlatformError`."""
    rotator = AsyncTokenRotator(
        client_id=config.client_id or "", client_secret=_secret(config), client=web_client(None)
    )
    bot = Bot(
        bot_token=given.token,
        bot_id="",
        bot_user_id="",
        bot_refresh_token=given.refresh,
        bot_token_expires_at=given.expires,
        installed_at=0.0,
    )

    async def rotate() -> Any:
        try:
            return await rotator.perform_bot_token_rotation(bot=bot)
        except SlackTokenRotationError as error:
            raise error.api_error from None

    new = await call(rotate)
    if not isinstance(new, Bot):
        return given
    return Given(new.bot_token, new.bot_refresh_token or given.refresh, new.bot_token_expires_at)


async def uninstall(config: Slack, given: Given) -> None:
    """Take the app out of a workspace again, if Slack lets us (https://docs.slack.dev/reference/methods/apps.uninstall).

    Where not, its admins can; nothing of it is served either way.
    """
    client = web_client(given.token)
    try:
        await call(client.apps_uninstall, client_id=config.client_id or "", client_secret=_secret(config))
    except PlatformError as error:
        log.warning("slack.not_uninstalled", what=error.what, remedy="Its admins can remove the app in Slack.")


def _secret(config: Slack) -> str:
    return config.client_secret.get_secret_value() if config.client_secret is not None else ""


def _page(words: str, more: str = "") -> str:
    title = html.escape(say(ENGLISH, "installing.title"))
    return (
        f'<!doctype html><html lang="{ENGLISH}"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"></head><body style="font-family: sans-serif; '
        f'max-width: 40em; margin: 3em auto; padding: 0 1em"><h1>{title}</h1><p>{html.escape(words)}</p>{more}'
        "</body></html>"
    )
