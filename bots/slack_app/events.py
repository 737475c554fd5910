"""What Slack tells besides messages: who came, who left, what was shared, who belongs to a usergroup. One table.

Leans on the workspace's parts (`Workspace`), which are told; nothing is kept here. Decisions:

- A channel that the app was taken out of, or that is gone, is read no more, and the admins are told once, through the
  outbox: Slack tells of one leaving in several events.
- A channel that the app came into, or that was opened again with it in there, is read from then on. It joins a public
  one only when a moderator says so (`join`).
- A deactivated account is what leaving is elsewhere: cards say so (`core.casework.presence`), until it is back.
- A Slack Connect channel brings another workspace's people: the admins are told, and whose.
- A private channel that becomes one gets another ID for good (https://docs.slack.dev/reference/events/\
channel_id_changed). Settings and the references of cards are changed to it. What was said before, and the threads that
  were begun before, go on under the old one (`bots.slack_app.served.Served.named`): evidence and its chain name it, and
  so nothing that is kept has to be written anew, and what is read once more is known again.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack_app.api import Me, RefusalError, call
from bots.slack_app.backscan import Backscans
from bots.slack_app.history import History
from bots.slack_app.people import People
from bots.texts import say
from core.casework import presence
from core.errors import LampkeeperError, PlatformError
from core.guard import Guard

log = structlog.get_logger(__name__)


class Workspace(Protocol):
    """What an event's handler needs of the workspace that the event comes from."""

    @property
    def who(self) -> Me:
        """The app itself there."""

    @property
    def client(self) -> AsyncWebClient:
        """What Slack is asked with."""

    @property
    def space(self) -> str:
        """Its name in the core."""

    @property
    def people(self) -> People:
        """Who is who there."""

    @property
    def history(self) -> History:
        """What reads its channels."""

    @property
    def guard(self) -> Guard:
        """Whose ledger and communities are told."""

    @property
    def scans(self) -> Backscans:
        """The scans of history that moderators asked for."""

    @property
    def language(self) -> str:
        """What its admins are told in."""

    async def renamed(self, old: str, new: str, when: float) -> None:
        """Carry over what holds for a channel that has another ID since `when`."""


Raw = Mapping[str, Any]
Handler = Callable[[Workspace, Raw], Coroutine[Any, Any, None]]


async def join(client: AsyncWebClient, channel: str, language: str) -> str:
    """Join a public channel, as a moderator asked; return what to tell them. Joining twice does no harm.

    https://docs.slack.dev/reference/methods/conversations.join
    """
    try:
        await call(client.conversations_join, channel=channel)
    except RefusalError as error:
        if error.code == "method_not_supported_for_channel_type":
            return say(language, "slack.join_by_invitation", channel=channel)
        return str(error)
    except PlatformError as error:
        return str(error)
    return say(language, "slack.joined", channel=channel)


async def _came(here: Workspace, event: Raw) -> None:
    here.people.moved(event["channel"])
    if event.get("user") == here.who.user:
        here.history.joined(event["channel"], float(event["event_ts"]))
        log.info("slack.joined", channel=event["channel"])


async def _went(here: Workspace, event: Raw) -> None:
    here.people.moved(event["channel"])
    if event.get("user") == here.who.user:
        await _closed(here, event)


async def _closed(here: Workspace, event: Raw) -> None:
    channel = event["channel"]
    here.scans.stop(here.space, channel)
    if here.history.gone(channel):
        log.warning("slack.channel_gone", channel=channel, how=event["type"])
        await _tell(here, CLOSED.get(event["type"], "slack.left"), channel=channel)


async def _opened(here: Workspace, event: Raw) -> None:
    """Read a channel again that is archived no more, where the app is still in it."""
    channel = event["channel"]
    if (await call(here.client.conversations_info, channel=channel))["channel"].get("is_member"):
        here.history.joined(channel, float(event["event_ts"]))


async def _shared(here: Workspace, event: Raw) -> None:
    team = event.get("connected_team_id") or event.get("previously_connected_team_id") or ""
    name = await here.people.workspace(team) or team or "?"
    await _tell(here, SHARED[event["type"]], channel=event["channel"], name=name)


async def _renamed(here: Workspace, event: Raw) -> None:
    old, new = str(event["old_channel_id"]), str(event["new_channel_id"])
    here.scans.stop(here.space, old)
    here.history.renamed(old, new)
    here.people.moved(old)
    await here.renamed(old, new, float(event["event_ts"]))
    log.info("slack.channel_renamed", channel=old, now=new)


async def _account(here: Workspace, event: Raw) -> None:
    account = event["user"]
    known = here.people.learn(account)
    await presence.note(here.guard.ledger, here.space, str(account["id"]), "left" if known.deleted else None)


async def _group(here: Workspace, event: Raw) -> None:
    here.people.regrouped(str(event.get("subteam_id") or event["subteam"]["id"]))


async def _tell(here: Workspace, text: str, **blanks: object) -> None:
    await here.guard.communities.tell(here.space, say(here.language, text, **blanks))


def _safely(handle: Handler) -> Handler:
    """Let an event that cannot be understood or noted be logged by its kind: Bolt would log its words."""

    async def handled(here: Workspace, event: Raw) -> None:
        try:
            await handle(here, event)
        except LampkeeperError as error:
            log.warning("slack.not_noted", event_type=event["type"], what=error.what, remedy=error.remedy)
        except Exception as error:  # noqa: BLE001 - one event must not end the listening, nor show in a traceback
            log.warning("slack.unreadable_event", event_type=event["type"], error=type(error).__name__)

    return handled


CLOSED = {
    "channel_archive": "slack.archived",
    "group_archive": "slack.archived",
    "channel_deleted": "slack.deleted",
    "group_deleted": "slack.deleted",
}
"""What is told of a channel that is gone for everybody; of one that the app alone left, `slack.left`."""
SHARED = {"channel_shared": "slack.shared", "channel_unshared": "slack.unshared"}

EVENTS: dict[str, Handler] = {
    "member_joined_channel": _safely(_came),
    "member_left_channel": _safely(_went),
    "channel_left": _safely(_closed),
    "group_left": _safely(_closed),
    **dict.fromkeys(CLOSED, _safely(_closed)),
    **dict.fromkeys(("channel_unarchive", "group_unarchive"), _safely(_opened)),
    **dict.fromkeys(SHARED, _safely(_shared)),
    "channel_id_changed": _safely(_renamed),
    "user_change": _safely(_account),
    "subteam_updated": _safely(_group),
    "subteam_members_changed": _safely(_group),
}
"""Type of event (https://docs.slack.dev/reference/events) -> what is done."""
