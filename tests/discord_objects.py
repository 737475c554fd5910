"""What Discord's objects look like, as its API documents them, and the servers they stand in.

There is one server, unless `World.add_server` makes further ones: each is the first one again, the ids of its places
and roles shifted (`there`). The page of Discord's API that each object follows is named where it is made.
"""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

TOKEN = "test.token.of-nobody"
EPOCH = 1420070400000
MESSAGE_CONTENT = 1 << 15
CONTENT_FLAG, CONTENT_FLAG_LIMITED = 1 << 18, 1 << 19
MEMBERS_FLAG_LIMITED = 1 << 15
VIEW, SEND, EMBED, HISTORY, MANAGE_MESSAGES = 1 << 10, 1 << 11, 1 << 14, 1 << 16, 1 << 13
MODERATE_MEMBERS, BAN_MEMBERS, MANAGE_ROLES = 1 << 40, 1 << 2, 1 << 28
NAMES = {VIEW: "View Channel", SEND: "Send Messages", EMBED: "Embed Links", HISTORY: "Read Message History"}

SERVER, GENERAL, ALERTS, THREAD, FORUM, POST, VOICE, SECRET, DM, CATEGORY = range(100, 110)
EVERYONE, BOT_ROLE, MODERATORS, GROWN = SERVER, 201, 202, 203
LAMPKEEPER, OWNER = 300, 301
PEOPLE = {"actor": 310, "target": 311, "friend": 312, "teacher": 313, "moderator": 320, "second": 321, "robot": 330}
CHANNELS = {"general": GENERAL, "thread": THREAD, "post": POST, "voice": VOICE, "secret": SECRET, "dm": DM}


def there(server: int, place: int) -> int:
    """Return the place or role of the server number `server` that is `place` in the first one, whose number is 0.

    The number is what decides the shard (API, "Sharding": id >> 22 modulo the number of shards).
    """
    return (server << 22) + place


def stamp(seconds: float) -> str:
    """API, "ISO8601 Date/Time", to the microsecond as Discord sends it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def overwrite(who: int, *, allow: int = 0, deny: int = 0, member: bool = False) -> Json:
    """API, "Overwrite Object"."""
    return {"id": str(who), "type": int(member), "allow": str(allow), "deny": str(deny)}


class World:
    """Servers with their channels, roles, members and messages. Change `roles`, `overwrites` to set a scene."""

    def __init__(self) -> None:
        self.messages: dict[int, dict[int, Json]] = {}
        self.archived: set[int] = set()
        self.servers = [SERVER]
        """The servers that the bot is in."""
        self.outages: set[int] = set()
        """Those of which Discord has nothing to say for now."""
        self.threads = {THREAD: GENERAL, POST: FORUM}
        """Threads and forum posts, with what they belong to."""
        self.rooms: dict[int, list[int]] = {}
        """More text channels, by server."""
        self._homes: dict[int, int] = {}
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
        self.positions: dict[int, int] = {}
        """Where roles stand in the hierarchy; a role that is not here stands at the bottom, at 0."""
        self.timed_out: dict[int, str | None] = {}
        self.banned: set[int] = set()
        self.left: set[int] = set()
        self._ids = itertools.count()

    def add_server(self, number: int, rooms: int = 0) -> int:
        """Make the server `number`, like the first one, with so many more text channels; return its id."""
        server = there(number, SERVER)
        places = (GENERAL, ALERTS, FORUM, VOICE, SECRET, CATEGORY, THREAD, POST)
        self.servers.append(server)
        self._homes |= {there(number, place): server for place in places}
        self.threads |= {there(number, THREAD): there(number, GENERAL), there(number, POST): there(number, FORUM)}
        for role in (EVERYONE, BOT_ROLE, MODERATORS, GROWN):
            self.roles[there(number, role)] = self.roles[role]
            self._homes[there(number, role)] = server
        for place in (ALERTS, SECRET):
            self.overwrites[there(number, place)] = [
                change | {"id": str(there(number, int(change["id"])))} for change in self.overwrites[place]
            ]
        self.add_rooms(server, rooms)
        return server

    def add_rooms(self, server: int, rooms: int) -> list[int]:
        """Make more text channels in a server; return their ids."""
        made = [server + 1000 + number for number in range(rooms)]
        self.rooms.setdefault(server, []).extend(made)
        self._homes |= dict.fromkeys(made, server)
        return made

    def home(self, place: int) -> int:
        """Return the server of a channel, thread or role."""
        return self._homes.get(place, SERVER)

    def exists(self, channel: int) -> bool:
        """Tell whether there is such a channel, thread or DM."""
        return channel in {*CHANNELS.values(), ALERTS, FORUM, *self.threads, *self._homes}

    def id(self) -> int:
        """Make a snowflake of now (API, "Snowflakes"), greater than any before."""
        return (int(time.time() * 1000) - EPOCH << 22) + next(self._ids)

    def user(self, who: int) -> Json:
        """API, "User Object"."""
        names = {number: name for name, number in PEOPLE.items()} | {LAMPKEEPER: "lampkeeper", OWNER: "owner"}
        return {
            "id": str(who),
            "username": names.get(who, f"member {who}"),
            "discriminator": "0",
            "global_name": names.get(who, f"member {who}").capitalize(),
            "avatar": None,
            "bot": who in {LAMPKEEPER, PEOPLE["robot"]},
        }

    def member(self, who: int, server: int = SERVER) -> Json:
        """API, "Guild Member Object", without its user, as messages carry it."""
        held = [BOT_ROLE] if who == LAMPKEEPER else self.member_roles.get(who, [])
        roles = [there(server >> 22, role) for role in held]
        joined = "2024-01-01T00:00:00+00:00"
        return {
            "roles": [*map(str, roles)],
            "joined_at": joined,
            "deaf": False,
            "mute": False,
            "flags": 0,
            "nick": None,
            "communication_disabled_until": self.timed_out.get(who),
        }

    def role(self, role: int) -> Json:
        """API, "Role Object"."""
        more = {
            "color": 0,
            "hoist": False,
            "position": self.positions.get(role, 0),
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }
        return {"id": str(role), "name": f"role {role}", "permissions": str(self.roles[role]), **more}

    def channel(self, channel: int) -> Json:
        """API, "Channel Object"."""
        newest = max(self.messages.get(channel, {}), default=None)
        shared = {"id": str(channel), "last_message_id": newest and str(newest)}
        if channel == DM:
            return shared | {"type": 1, "recipients": [self.user(PEOPLE["actor"])]}
        server = self.home(channel)
        shared |= {"guild_id": str(server), "name": f"channel-{channel}"}
        if channel in self.threads:
            parent = self.threads[channel]
            archived = {"archived": channel in self.archived, "auto_archive_duration": 1440, "locked": False}
            more = {"owner_id": str(OWNER), "message_count": 0, "member_count": 1, "rate_limit_per_user": 0}
            since = {"archive_timestamp": "2024-01-01T00:00:00+00:00", **archived}
            return shared | {"type": 11, "parent_id": str(parent), "thread_metadata": since, **more}
        number = server >> 22
        kind = {there(number, VOICE): 2, there(number, CATEGORY): 4, there(number, FORUM): 15}.get(channel, 0)
        more = {"bitrate": 64000, "user_limit": 0} if kind == 2 else {"topic": None, "rate_limit_per_user": 0}
        more |= {"available_tags": [], "default_reaction_emoji": None} if kind == 15 else {}
        held = self.overwrites.get(channel, [])
        place = {"position": 0, "parent_id": str(there(number, CATEGORY)) if kind == 2 else None}
        return shared | {"type": kind, "nsfw": False, "permission_overwrites": held} | place | more

    def guild(self, server: int = SERVER) -> Json:
        """API, "Guild Object" and the extra fields of "Guild Create"."""
        fixed = [there(server >> 22, place) for place in (CATEGORY, GENERAL, ALERTS, FORUM, VOICE, SECRET)]
        threads = [thread for thread in self.threads if self.home(thread) == server and thread not in self.archived]
        return {
            "id": str(server),
            "name": "server",
            "owner_id": str(OWNER),
            "roles": [self.role(role) for role in self.roles if self.home(role) == server],
            "emojis": [],
            "features": [],
            "unavailable": False,
            "member_count": 8,
            "large": False,
            "joined_at": "2024-01-01T00:00:00+00:00",
            "channels": [self.channel(channel) for channel in (*fixed, *self.rooms.get(server, []))],
            "threads": [self.channel(thread) for thread in threads],
            "members": [self.member(LAMPKEEPER, server) | {"user": self.user(LAMPKEEPER)}],
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

    def roles_allow(self, who: int = LAMPKEEPER) -> int:
        """API, "Permissions": what somebody may do by their roles alone."""
        held = self.roles[EVERYONE]
        for role in self.member(who)["roles"]:
            held |= self.roles[int(role)]
        return held

    def allows(self, channel: int, who: int = LAMPKEEPER) -> int:
        """API, "Permissions": the server's roles, then the channel's overwrites for everyone, roles and members."""
        if channel == DM:
            return VIEW | SEND | EMBED | HISTORY
        server = self.home(channel)
        roles = [int(role) for role in self.member(who, server)["roles"]]
        held = self.roles[server]  # the role @everyone has the server's id
        for role in roles:
            held |= self.roles[role]
        overwrites = self.overwrites.get(self.threads.get(channel, channel), [])
        for mine in ([server], roles, [who]):
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
