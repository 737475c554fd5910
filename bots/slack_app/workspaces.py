"""The workspaces that the app is in: they come by the operator's token or by OAuth, and go when the app is removed.

Leans on `workspace` for one of them, on `install` for tokens, on `leave` for what happens at the end. Nothing crosses
spaces: every workspace has a client with its own token, and what belongs to none of them is not shown anywhere.

- A workspace that cannot be entered, because Slack refuses its token, holds up no other; it is tried again every
  minute, the operator's own too. Until then Slack's sign of life stands still, so that nothing said meanwhile is taken
  for read.
- Where Slack says that the app was removed while nobody listened, the space is sealed, and deleted after the grace: a
  token may be lost by mistake. An event that says so deletes it at once. An event that says that a token was taken back
  does so only once Slack says that it was this one: any other refusal to tell is no answer, and Slack is asked again.
- A removal seals the space first, again and again until that is stored; the housekeeping finishes what is cut off.
- A new token that cannot be stored is used all the same, for Slack takes the old one no more, and stored with a later
  look.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from bots.slack_app.api import GONE_CODES, TOKEN_CODES, Me, RefusalError, me, web_client
from bots.slack_app.backscan import Backscans
from bots.slack_app.install import AGAIN, Given, UninvitedError, renewed, uninstall
from bots.slack_app.leave import forget, seal
from bots.slack_app.workspace import PLATFORM, Memory, Workspace, space_of, team_of
from core.config import Slack, SlackWorkspace
from core.errors import LampkeeperError, PlatformError, TryLater
from core.export import Reporter
from core.guard import Guard
from core.installations import Installations

OWN = space_of("")
"""Stands for the operator's own workspace until Slack says which that is."""
LOOK_EVERY = 60.0
"""Seconds between looks at the installations: tokens that end, workspaces that could not be entered."""
STORED_WITHIN = 60.0
"""Seconds in which all that came of a workspace is stored, before it is deleted."""

TAKEN_BACK = GONE_CODES | {"invalid_auth"}
"""Refusals that tell, after an event that says that a token was taken back, that it was this one."""

log = structlog.get_logger(__name__)


class Workspaces:
    """The workspaces by team; `over` is called when the app was removed from the only one there can be.

    `reporter` is who passes their cases on.
    """

    def __init__(
        self,
        config: Slack,
        guard: Guard,
        scans: Backscans,
        over: Callable[[PlatformError], None],
        reporter: Reporter,
    ) -> None:
        self._reporter = reporter
        self._config = config
        self._guard = guard
        self._scans = scans
        self._over = over
        self.own = None if config.bot_token is None else web_client(config.bot_token.get_secret_value())
        """The client of the workspace that the operator set up."""
        self._own_team: str | None = None
        self._own_gone = False
        """Whether its token was taken back."""
        self.installations = Installations(guard.ledger)
        self._unsaved: dict[str, Given] = {}
        """What Slack gave anew and could not be stored yet, by space."""
        self.served: dict[str, Workspace] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._behind: set[str] = set()
        """Spaces of which something may be missing."""
        self._met = self._connected = False
        self._changing = asyncio.Lock()
        """Held by whoever lets workspaces in or out, so that none is let in while it goes."""

    async def settled(self) -> None:
        """Return when everything that came was handed to the guard, and who was removed is gone."""
        await asyncio.gather(*self._leaving)
        for workspace in list(self.served.values()):
            await workspace.settled()

    async def end(self) -> None:
        """Serve none any more."""
        parts = [*self._tasks.values(), *self._leaving]
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)

    def of(self, space: str) -> Workspace:
        """Return the workspace of a space. Nothing crosses spaces: what belongs to one is not shown in another."""
        workspace = self.served.get(team_of(space))
        if workspace is not None:
            return workspace
        if not self._met or self._behind & {space, OWN}:
            raise TryLater("The Slack workspace is not connected yet.", "Nothing needs to be done unless this lasts.")
        raise PlatformError(
            "This belongs to a Slack workspace other than the one the bot token is for."
            if self._config.client_id is None
            else "Lampkeeper is not installed in this Slack workspace.",
            "Run Lampkeeper with that workspace's tokens, or install it there."
            " If it shall stay removed, lampkeeper purge --space deletes what is kept of it.",
        )

    async def held(self, team: str, operator: SlackWorkspace) -> SlackWorkspace:
        """Return what holds for a workspace: what it chose itself, over what the operator set up for it."""
        chosen = (await self._guard.communities.every(PLATFORM)).get(space_of(team), {})
        held = {name: chosen.get(name, getattr(operator, name)) for name in SlackWorkspace.model_fields}
        return SlackWorkspace(**held)

    async def given(self) -> dict[str, Given]:
        """Return what Slack gave for each workspace that installed the app, by space."""
        return {space: Given(**given) for space, given in (await self.installations.every(PLATFORM)).items()}

    def gap(self) -> None:
        """Events come from now on, and before them there may be a gap in every channel."""
        self._connected = True
        for workspace in self.served.values():
            workspace.link.up()
            workspace.history.behind()

    def lost(self) -> None:
        """No events come any more."""
        self._connected = False
        for workspace in self.served.values():
            workspace.link.lost()
            workspace.history.lost()

    async def meet(self) -> None:
        """Ask Slack who we are in each workspace."""
        if self._config.client_id is None:
            await self._enter_own()
        else:
            await self._look_at_own()
            await self.look()
        if not self._met:
            await self._scans.tell_cut_off()
        self._met = True

    async def look_after(self) -> None:
        """Look every minute."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self.look()

    async def look(self) -> None:
        """Renew tokens that end soon, and enter the workspaces that are not served yet; say of which that fails."""
        async with self._changing:
            if self._own_team not in self.served:
                await self._look_at_own()
            for space, given in {**await self.given(), **self._unsaved}.items():
                try:
                    await self._look_at(space, given)
                except LampkeeperError as error:
                    await self._refused(space, error)

    async def _look_at_own(self) -> None:
        """Enter the operator's workspace, too; say if that fails. A token that was taken back is not tried again."""
        if self._own_gone:
            return
        try:
            await self._enter_own()
        except PlatformError as error:
            log.error("slack.not_entered", space="of bot_token", what=error.what, remedy=error.remedy)
            self._own_gone = isinstance(error, RefusalError) and error.code in GONE_CODES
            self._heard(OWN, self._own_gone)

    async def _enter_own(self) -> None:
        """Serve the workspace that the operator set up, if there is one."""
        if self.own is not None:
            who = await me(self.own)
            self._own_team = who.team
            await self._enter(self.own.token, who, self._config)
            self._heard(OWN, True)

    async def _refused(self, space: str, error: LampkeeperError) -> None:
        """Say that a workspace cannot be entered, or its token not be renewed; seal it if the app was removed."""
        code = error.code if isinstance(error, RefusalError) else ""
        remedy = AGAIN if code in TOKEN_CODES else error.remedy
        log.error("slack.not_entered", space=space, what=error.what, remedy=remedy)
        if code in GONE_CODES:
            await self._stop(team_of(space))
            try:
                await self._guard.communities.leave(space)
                await self._uninstalled(space)
            except LampkeeperError as failed:  # the next look finds it again
                log.error("slack.not_sealed", space=space, what=failed.what, remedy=failed.remedy)
        elif team_of(space) not in self.served:
            self._heard(space, False)

    async def _look_at(self, space: str, given: Given) -> None:
        new = await renewed(self._config, given)
        if new != given or space in self._unsaved:
            await self._keep(space, new)
        workspace = self.served.get(team_of(space))
        if workspace is None:
            await self._enter(new.token, await me(web_client(new.token)), SlackWorkspace())
        else:
            workspace.client.token = new.token

    async def _keep(self, space: str, given: Given) -> None:
        """Store what Slack gave anew; where that cannot be, say so, and keep it for the next look."""
        self._unsaved[space] = given
        try:
            await self.installations.save(space, given._asdict())
        except LampkeeperError as error:
            log.error("slack.token_not_stored", space=space, what=error.what, remedy=error.remedy)
        else:
            del self._unsaved[space]

    async def _uninstalled(self, space: str) -> None:
        self._unsaved.pop(space, None)
        await self.installations.remove(space)

    async def installed(self, team: str, given: Given) -> None:
        """Serve a workspace into which the app was installed just now; the operator's own has its token already."""
        if team == self._own_team:
            return
        async with self._changing:
            if not await self._may_install(team):
                await uninstall(self._config, given)
                raise UninvitedError(
                    f"The Slack workspace {team} may not install the app.",
                    "If it shall, put its ID into teams under [slack], restart, and have it installed once more.",
                )
            who = await me(web_client(given.token))
            await self.installations.save(space_of(team), given._asdict())
            self._unsaved.pop(space_of(team), None)
            await self._enter(given.token, who, SlackWorkspace())

    async def _may_install(self, team: str) -> bool:
        """Tell whether a workspace is allowed, or in already: then its new token is needed to go on."""
        allowed = self._config.teams
        return allowed is None or team in allowed or space_of(team) in await self.installations.every(PLATFORM)

    async def _enter(self, token: str | None, who: Me, operator: SlackWorkspace) -> None:
        """Serve a workspace from now on; or with another token, if it is served."""
        if who.team in self.served:
            workspace = self.served[who.team]
            workspace.client.token, workspace.who = token, who
            return
        space, communities = space_of(who.team), self._guard.communities
        await communities.default(space, {"mode": operator.mode, "review": operator.review})
        await communities.arrive(space)
        memory = Memory(self._guard, space, (await communities.standing(space)).joined, self._heard)
        drops = self._config.connection == "http"
        workspace = Workspace(
            web_client(token),
            who,
            operator,
            guard=self._guard,
            memory=memory,
            scans=self._scans,
            drops=drops,
            reporter=self._reporter,
        )
        await workspace.load()
        self.served[who.team] = workspace
        workspace.history.lost()
        if self._connected:
            workspace.link.up()
            workspace.history.behind()
        self._tasks[who.team] = asyncio.create_task(workspace.run())

    def _heard(self, space: str, is_listening: bool) -> None:
        """Take note whether nothing of a space is missing; the guard is told of all of them together."""
        (self._behind.discard if is_listening else self._behind.add)(space)
        self._guard.listening(PLATFORM, not self._behind)

    async def _stop(self, team: str) -> None:
        """Serve a workspace no more."""
        self.served.pop(team, None)
        self._scans.stop(space_of(team))
        if (task := self._tasks.pop(team, None)) is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._heard(space_of(team), True)

    def removed(self, team: str, *, sure: bool) -> None:
        """Delete what is known of a workspace, as Slack asks of apps that were removed; unless `sure`, ask first.

        Another token may be meant, or an earlier installation: Slack sends an event again for minutes.
        """
        leaving = asyncio.create_task(self._remove(team, sure=sure))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _remove(self, team: str, *, sure: bool) -> None:
        while True:
            workspace = self.served.get(team)
            if not sure and (workspace is None or await _works(workspace)):
                return  # where it is not served, `look` asks with the token that is kept, and gives the grace
            if await self._deleted(team, space_of(team)):
                return
            sure = False  # by the next try it may have been installed again
            await asyncio.sleep(LOOK_EVERY)

    async def _deleted(self, team: str, space: str) -> bool:
        """Seal what is kept of a workspace, and delete it; False where not even the first could be stored."""
        async with self._changing:
            try:
                if team not in self.served and space not in await self.installations.every(PLATFORM):
                    return True
                await seal(self._guard, space)
            except LampkeeperError as error:
                log.error("slack.not_sealed", space=space, what=error.what, remedy=error.remedy)
                return False
            await self._stop(team)
            try:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._guard.settled(), STORED_WITHIN)
                await self._uninstalled(space)
                await forget(self._guard)
            except LampkeeperError as error:
                later = "It is sealed, and deleted within the hour after that is mended."
                log.error("slack.not_deleted", space=space, what=error.what, remedy=f"{error.remedy} {later}")
                kept = "is deleted as soon as the database can be written"
            else:
                log.warning("slack.removed", space=space, what="The app was removed, and what was kept was deleted.")
                kept = "was deleted"
        if team == self._own_team and self._config.client_id is None:
            self._over(
                PlatformError(
                    f"The Slack app was removed from the workspace, and what Lampkeeper kept of the workspace {kept},"
                    " but for cases under legal hold.",
                    "If that was not meant, install the app again, put the new token into the configuration and"
                    " restart.",
                )
            )
        return True


async def _works(workspace: Workspace) -> bool:
    """Tell whether Slack still takes a workspace's token: it may have taken back another one.

    Asks again until Slack says one or the other: whatever else keeps it from telling may pass.
    """
    while True:
        try:
            await me(workspace.client)
        except TryLater as error:
            await asyncio.sleep(error.seconds or 1.0)
        except PlatformError as error:
            if isinstance(error, RefusalError) and error.code in TAKEN_BACK:
                return False
            log.warning("slack.removal_doubtful", space=workspace.space, what=error.what, remedy=error.remedy)
            await asyncio.sleep(LOOK_EVERY)
        else:
            return True
