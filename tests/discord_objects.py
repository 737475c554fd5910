"""What Discord's objects look like, as its API documents them, and one server of them.

The page of Discord's API that each follows is named where it is made.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

Json = dict[str, Any]

TOKEN = "test.token.of-nobody"
EPOCH = 1420070400000
MESSAGE_CONTENT = 1 << 15
CONTENT_FLAG, CONTENT_FLAG_LIMITED = 1 << 18, 1 << 19
VIEW, SEND, EMBED, HISTORY, MANAGE_MESSAGES = 1 << 10, 1 << 11, 1 << 14, 1 << 16, 1 << 13
NAMES = {VIEW: "View Channel", SEND: "Send Messages", EMBED: "Embed Links", HISTORY: "Read Message History"}

SERVER, GENERAL, ALERTS, THREAD, FORUM, POST, VOICE, SECRET, DM, CATEGORY = range(100, 110)
EVERYONE, BOT_ROLE, MODERATORS, GROWN = SERVER, 201, 202, 203
LAMPKEEPER, OWNER = 300, 301
PEOPLE = {"actor": 310, "target": 311, "friend": 312, "teacher": 313, "moderator": 320, "second": 321, "robot": 330}
CHANNELS = {"general": GENERAL, "thread": THREAD, "post": POST, "voice": VOICE, "secret": SECRET, "dm": DM}


def stamp(seconds: float) -> str:
    """API, "ISO8601 Date/Time"."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(seconds))


def overwrite(who: int, *, allow: int = 0, deny: int = 0, member: bool = False) -> Json:
    """API, "Overwrite Object"."""
    return {"id": str(who), "type": int(member), "allow": str(allow), "deny": str(deny)}


class World:
    """One server with its channels, roles, members and messages. Change `roles`, `overwrites` to set a scene."""

    def __init__(self) -> None:
        self.messages: dict[int, dict[int, Json]] = {}
        self.archived: set[int] = set()
        self.roles = {EVERYONE: VIEW | SEND | EMBED | HISTORY, BOT_ROLE: 0, MODERATORS: 0, GROWN: 0}
        self.member_roles: dict[int, list[int]] = {PEOPLE["moderator"]: [MODERATORS], PEOPLE["second"]: [MODERATORS]}
        self.overwrites: dict[int, list[Json]] = {
            ALERTS: [
                overwrite(EVERYONE, deny=VIEW),
                overwrite(BOT_ROLE, allow=VIEW),
                overwrite(MODERATORS, allow=VIEW),
            ],
            SECRET: [overwrite(EVERYONE, deny=VIEW)],
        }
        self._ids = itertools.count()

    def id(self) -> int:
        """Make a snowflake of now (API, "Snowflakes"), greater than any before."""
        return (int(time.time() * 1000) - EPOCH << 22) + next(self._ids)

    def user(self, who: int) -> Json:
        """API, "User Object"."""
        names = {number: name for name, number in PEOPLE.items()} | {LAMPKEEPER: "lampkeeper", OWNER: "owner"}
        return {
            "id": str(who),
            "username": names[who],
            "discriminator": "0",
            "global_name": names[who].capitalize(),
            "avatar": None,
            "bot": who in {LAMPKEEPER, PEOPLE["robot"]},
        }

    def member(self, who: int) -> Json:
        """API, "Guild Member Object", without its user, as messages carry it."""
        roles = [BOT_ROLE] if who == LAMPKEEPER else self.member_roles.get(who, [])
        joined = "2024-01-01T00:00:00+00:00"
        return {
            "roles": [*map(str, roles)],
            "joined_at": joined,
            "deaf": False,
            "mute": False,
            "flags": 0,
            "nick": None,
        }

    def role(self, role: int) -> Json:
        """API, "Role Object"."""
        more = {"color": 0, "hoist": False, "position": 0, "managed": False, "mentionable": False, "flags": 0}
        return {"id": str(role), "name": f"role {role}", "permissions": str(self.roles[role]), **more}

    def channel(self, channel: int) -> Json:
        """API, "Channel Object"."""
        newest = max(self.messages.get(channel, {}), default=None)
        shared = {"id": str(channel), "last_message_id": newest and str(newest)}
        if channel == DM:
            return shared | {"type": 1, "recipients": [self.user(PEOPLE["actor"])]}
        shared |= {"guild_id": str(SERVER), "name": f"channel-{channel}"}
        if channel in (THREAD, POST):
            parent = GENERAL if channel == THREAD else FORUM
            archived = {"archived": False, "auto_archive_duration": 1440, "locked": False}
            more = {"owner_id": str(OWNER), "message_count": 0, "member_count": 1, "rate_limit_per_user": 0}
            since = {"archive_timestamp": "2024-01-01T00:00:00+00:00", **archived}
            return shared | {"type": 11, "parent_id": str(parent), "thread_metadata": since, **more}
        kind = {VOICE: 2, CATEGORY: 4, FORUM: 15}.get(channel, 0)
        more = {"bitrate": 64000, "user_limit": 0} if channel == VOICE else {"topic": None, "rate_limit_per_user": 0}
        more |= {"available_tags": [], "default_reaction_emoji": None} if channel == FORUM else {}
        held = self.overwrites.get(channel, [])
        place = {"position": 0, "parent_id": str(CATEGORY) if channel == VOICE else None}
        return shared | {"type": kind, "nsfw": False, "permission_overwrites": held} | place | more

    def guild(self) -> Json:
        """API, "Guild Object" and the extra fields of "Guild Create"."""
        channels = [self.channel(c) for c in (CATEGORY, GENERAL, ALERTS, FORUM, VOICE, SECRET)]
        return {
            "id": str(SERVER),
            "name": "server",
            "owner_id": str(OWNER),
            "roles": [self.role(role) for role in self.roles],
            "emojis": [],
            "features": [],
            "unavailable": False,
            "member_count": 8,
            "large": False,
            "joined_at": "2024-01-01T00:00:00+00:00",
            "channels": channels,
            "threads": [self.channel(thread) for thread in (THREAD, POST) if thread not in self.archived],
            "members": [self.member(LAMPKEEPER) | {"user": self.user(LAMPKEEPER)}],
            "presences": [],
            "voice_states": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    def message(self, author: int, channel: int, text: str, number: int | None = None, **more: Any) -> Json:
        """API, "Message Object", as the REST API returns it."""
        number = number or self.id()
        said = {
            "id": str(number),
            "channel_id": str(channel),
            "author": self.user(author),
            "content": text,
            "timestamp": stamp(((number >> 22) + EPOCH) / 1000),
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "components": [],
            "pinned": False,
            "type": 0,
            "flags": 0,
        } | more
        self.messages.setdefault(channel, {})[number] = said
        return said

    def allows(self, channel: int, who: int = LAMPKEEPER) -> int:
        """API, "Permissions": the server's roles, then the channel's overwrites for everyone, then those for roles."""
        if channel == DM:
            return VIEW | SEND | EMBED | HISTORY
        roles = [int(role) for role in self.member(who)["roles"]]
        held = self.roles[EVERYONE]
        for role in roles:
            held |= self.roles[role]
        overwrites = self.overwrites.get(GENERAL if channel == THREAD else FORUM if channel == POST else channel, [])
        for mine in ([EVERYONE], roles):
            chosen = [o for o in overwrites if int(o["id"]) in mine]
            for change in chosen:
                held &= ~int(change["deny"])
            for change in chosen:
                held |= int(change["allow"])
        return held if held & VIEW else 0


def shown_text(data: Json) -> str:
    """All that a message shows, as one text."""
    embeds = data.get("embeds") or []
    parts = [data.get("content") or ""]
    for embed in embeds:
        parts += [embed.get("title") or "", embed.get("description") or ""]
        parts += [f"{f['name']}: {f['value']}" for f in embed.get("fields", [])]
        parts.append(embed.get("footer", {}).get("text", ""))
    return "\n".join(filter(None, parts))


def button_ids(message: Json) -> list[str]:
    return [button["custom_id"] for row in message["components"] for button in row["components"]]
