"""Slack's message events as the core's values, and Slack's markup as plain text. Pure: what it needs it is given.

Leans on `core.messages`. A message as it comes in an event and as it stands in the channel's history have one shape
(https://docs.slack.dev/reference/events/message), so both go through here.

- Programs are left out: Slackbot, this app, and accounts that users.info calls bots. So are all subtypes that nobody
  typed (joins, topics, reminders), among them ``bot_message``, which has no ``user`` at all.
- Whose a message is, ``user`` says, not ``bot_id``, ``app_id`` or ``bot_profile``: Slack puts those on all that came by
  way of an app, also where somebody writes by another client, or lets one write in their name, with their own token
  (https://docs.slack.dev/reference/events/message/bot_message, and https://medium.com/slack-developer-blog/\
api-update-new-field-in-api-responses-d23076ea2ef3: such a message has "both a user ID and a bot ID"). It stands there
  under that person's name, so it counts as theirs. With an app's own token, ``user`` is the app's account, which
  users.info calls a bot. Where Slack does not tell whose account that is, what came by way of an app is left out.
- ``client_msg_id`` decides nothing: Slack's own clients send one, but not with everything, and others need not.
- A reply in a thread belongs to the conversation ``<channel>/<thread_ts>``, the thread's first message to the channel.
  It is aimed at whom it mentions, or who spoke last: Slack names only who opened the thread (``parent_user_id``), and
  people talk with each other in threads that a third one opened.
- A change is an edit only if the text is another one: Slack also sends changes for link previews.
- A deleted message that had replies stays as a tombstone, so that change is a deletion.
- A message that somebody shares (forwards) holds another person's words, and history does not say reliably whose: it
  counts as an attachment, a fact without text, and is evidence against nobody.
- Files are facts too: their kind, never their name or content, and nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bots.slack_app.api import Me
from bots.slack_app.people import UNKNOWN, Known
from core.messages import Author, ConversationKey, Deletion, Edit, Event, Message, tidy

Raw = Mapping[str, Any]
"""A message event, or a message of a history with its channel added."""

TYPED = frozenset((None, "thread_broadcast", "file_share", "me_message"))
"""Subtypes of what a person typed."""
KINDS = frozenset(("image", "video", "audio"))
FORWARD = "forward"
SLACKBOT = "USLACKBOT"

_MARKUP = re.compile(r"<([^<>]*)>")
_PEOPLE = re.compile(r"<(?:@[UW][A-Z0-9]+(?:\|[^<>]*)?|!(?:here|channel|everyone|subteam\^[A-Z0-9]+)(?:\|[^<>]*)?)> ?")
_ESCAPED = re.compile(r"&(?!(?:amp|lt|gt);)")
"""An & that is not escaped yet."""
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")


def translate(raw: Raw, space: str, people: Mapping[str, Known], me: Me, partner: str | None = None) -> Event | None:
    """Return what `raw` means to the core, or None if it is nothing a person said.

    `people` holds everybody `people_in` names; `partner` is the one other person of a direct conversation.
    """
    subtype = raw.get("subtype")
    if subtype == "message_deleted":
        return _deletion(raw, raw.get("previous_message") or {}, {"ts": raw["deleted_ts"]}, space, me)
    if subtype == "message_changed":
        now, before = raw["message"], raw.get("previous_message") or {}
        if is_deletion(raw):
            return _deletion(raw, before, now, space, me)
        if now.get("text") == before.get("text"):
            return None
        message = _message({**now, "channel": raw["channel"]}, space, people, me, partner)
        return Edit(message, read_back=not before) if message else None
    return _message(raw, space, people, me, partner)


def subject(raw: Raw) -> Raw:
    """Return the message that an event is about: itself, or the one that was changed or deleted."""
    about = raw.get("message") or raw.get("previous_message")
    return about if isinstance(about, dict) else raw


def is_deletion(raw: Raw) -> bool:
    """Tell whether an event says that a message was deleted: one that had replies is changed into a tombstone.

    >>> is_deletion({"subtype": "message_changed", "message": {"subtype": "tombstone"}})
    True
    """
    subtype = raw.get("subtype")
    changed = subtype == "message_changed" and subject(raw).get("subtype") == "tombstone"
    return changed or subtype == "message_deleted"


def is_typed(raw: Raw, me: Me) -> bool:
    """Tell whether somebody typed this message, as far as it says itself: `user` may still be a program's account."""
    return (
        raw.get("subtype") in TYPED
        and not raw.get("hidden")
        and raw.get("user") not in (None, me.user, SLACKBOT)
        and not (me.bot and raw.get("bot_id") == me.bot)
    )


def by_app(raw: Raw) -> bool:
    """Tell whether a message came by way of an app: one that speaks for itself, or with a person's own token.

    >>> by_app({"user": "U1", "bot_id": "B1"}), by_app({"user": "U1", "client_msg_id": "1"})
    (True, False)
    """
    return any(raw.get(mark) for mark in ("bot_id", "app_id", "bot_profile"))


def is_program(raw: Raw, known: Known) -> bool:
    """Tell whether a program wrote a message; `known` is what Slack says of its ``user``.

    >>> is_program({"bot_id": "B1"}, Known(name="friend")), is_program({"bot_id": "B1"}, Known(unknown=True))
    (False, True)
    """
    return known.bot or (known.unknown and by_app(raw))


def people_in(raw: Raw, me: Me) -> set[str]:
    """Return the ids of everybody whose name is needed to translate `raw`."""
    message = subject(raw)
    if raw.get("subtype") == "message_deleted" or not is_typed(message, me):
        return set()
    return {str(message["user"]), *_MENTION.findall(message.get("text") or "")}


def thread_of(raw: Raw) -> str | None:
    """Return the thread that `raw` replies in, or None: the first message of a thread is not in it."""
    thread = raw.get("thread_ts")
    return thread if thread and thread != raw.get("ts") else None


def conversation_of(channel: str, thread: str | None) -> str:
    """Name the conversation: a channel, or a thread in it.

    >>> conversation_of("C1", "1700000000.000100")
    'C1/1700000000.000100'
    """
    return channel if thread is None else f"{channel}/{thread}"


def plain(text: str) -> str:
    """Write Slack's markup as people see it (https://docs.slack.dev/messaging/formatting-message-text), without people.

    Whom a message mentions is in `Message.mentions`. In the text it would count as a word that the model knows from
    ordinary workspaces only, and who mentions somebody in every line would hardly ever alert.

    >>> plain("<@U1> see <https://a.example/b|this> &amp; <#C1|games>")
    'see this (https://a.example/b) & #games'
    >>> plain("<mailto:me@a.example|me@a.example> <!here> 1 &lt; 2 &amp;lt;")
    'me@a.example 1 < 2 &lt;'
    """
    shown = _PEOPLE.sub("", text)
    shown = _MARKUP.sub(lambda found: _shown(found[1]), shown)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def notice(text: str) -> str:
    """Write our own words so that Slack shows them as they are, but channels as links and times in the reader's zone.

    >>> notice("1 < 2 in <#C0GENERAL>; <!channel>")
    '1 &lt; 2 in <#C0GENERAL>; &lt;!channel&gt;'
    """
    shown = _ESCAPED.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")
    shown = re.sub(r"&lt;!date\^(.+?)&gt;", r"<!date^\1>", shown)
    return re.sub(r"&lt;#([CDG][A-Z0-9]+)&gt;", r"<#\1>", shown)


def _shown(inner: str) -> str:
    target, _, label = inner.partition("|")
    sign, rest = target[:1], target[1:]
    if sign == "#":
        return "#" + (label or rest)
    if sign == "!":
        return label
    return f"{label} ({target})" if label and label not in target else label or target


def _message(raw: Raw, space: str, people: Mapping[str, Known], me: Me, partner: str | None) -> Message | None:
    if not is_typed(raw, me):
        return None
    author = str(raw["user"])
    known = people.get(author, UNKNOWN)
    if is_program(raw, known):
        return None
    text, thread = raw.get("text") or "", thread_of(raw)
    named = (user for user in _MENTION.findall(text) if user != me.user and not people.get(user, Known()).bot)
    return Message(
        key=ConversationKey(space, conversation_of(str(raw["channel"]), thread)),
        id=str(raw["ts"]),
        author=Author(author, tidy(known.name), known.band),
        text=tidy(plain(text)),
        time=float(raw["ts"]),
        mentions=tuple(dict.fromkeys(named)),
        partner=partner,
        attachments=attachments(raw),
        edited=float(edited["ts"]) if (edited := raw.get("edited")) else None,
    )


def attachments(raw: Raw) -> tuple[str, ...]:
    """Return the kinds of what a message carries; ``forward`` is a shared message, followed by what that one carries.

    A link preview, of another message too, is nothing that somebody attached: Slack adds it later, so that a message
    read from history would count for more than one heard live. https://docs.slack.dev/reference/objects/file-object

    >>> attachments({"files": [{"mimetype": "image/png"}], "attachments": [{"is_share": True}, {"from_url": "..."}]})
    ('image', 'forward')
    """
    shared = [one for one in raw.get("attachments") or () if one.get("is_share")]
    forwarded = [(FORWARD, *map(_kind, one.get("files") or ())) for one in shared]
    return (*map(_kind, raw.get("files") or ()), *(kind for kinds in forwarded for kind in kinds))


def _kind(file: Raw) -> str:
    kind = str(file.get("mimetype") or "").partition("/")[0]
    return kind if kind in KINDS else "file"


def _deletion(raw: Raw, before: Raw, now: Raw, space: str, me: Me) -> Deletion | None:
    """Return the deletion that `raw` tells of; `now` is what is left of the message, its ``ts`` at least."""
    if before and not is_typed(before, me):
        return None
    thread = thread_of({"ts": now["ts"], "thread_ts": before.get("thread_ts") or now.get("thread_ts")})
    time = raw.get("event_ts") or raw.get("ts")
    return Deletion(
        ConversationKey(space, conversation_of(str(raw["channel"]), thread)),
        str(now["ts"]),
        float(time) if time else None,
    )
