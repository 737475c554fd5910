"""The tables, as SQLAlchemy Core describes them.

Leans on SQLAlchemy. The schema itself is made by the migrations in `core.store.migrations`; a test holds the two equal.
What is kept of whom:

- No plain column holds a person's id, a name or a text. A column named `author`, `actor`, `target`, `person`, `who`,
  `second`, `confirmer`, `claimant` or `moderator` holds a pseudonym (`Vault.blind`; "" for nobody); every `LargeBinary`
  column is sealed.
- Ids of spaces, conversations and messages are plain: they name places, and are what the platforms ask for.
- `messages.seq` counts messages in the order they were received; the versions of an edited message share it.
- `base` of a pair or a person is the fold of what was purged, `state` the fold of everything (see
  `core.retention.rules`).

How each table forgets a person or a space is declared in `core.retention.rules`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)


def _deed_on_a_case() -> list[Column[Any]]:
    """Return the columns of what somebody did about a case."""
    return [
        Column("id", Integer, primary_key=True),
        Column("space", String, nullable=False),
        Column("alert", String, ForeignKey("alerts.alert", ondelete="CASCADE"), nullable=False, index=True),
        Column("time", Float, nullable=False),
        Column("who", String, nullable=False),
    ]


meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("number", Float),
    Column("sealed", LargeBinary),
)
"""What concerns no space: `key_check` (sealed, proves the key); `caught_up:PLATFORM`, until when everything that the
platform showed is stored; `clock_right`, the latest time that the machine's clock was known to be right (`core.clock`).
Times are seconds since the epoch."""

spaces = Table(
    "spaces",
    metadata,
    Column("space", String, primary_key=True),
    Column("choices", LargeBinary),
    Column("joined", Float),
    Column("left", Float),
    Column("advised", Float),
    Column("digested", Float),
)
"""What a space chose, and how it stands (`core.communities`)."""

installations = Table(
    "installations",
    metadata,
    Column("space", String, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""What a platform gave Lampkeeper to enter a space with (`core.installations`): tokens, sealed."""

conversations = Table(
    "conversations",
    metadata,
    Column("space", String, primary_key=True),
    Column("conversation", String, primary_key=True),
    Column("state", LargeBinary, nullable=False),
    Column("newest_id", String),
    Column("newest_time", Float),
    Column("horizon", Float),
)
"""`newest_*` is where reading goes on after a restart; no message up to `horizon` is taken in again: it was purged."""

messages = Table(
    "messages",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True),
    Column("space", String, nullable=False),
    Column("conversation", String, nullable=False),
    Column("id", String, nullable=False),
    Column("author", String, nullable=False),
    Column("target", String, nullable=False),
    Column("time", Float),
    Column("received", Float, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("body", LargeBinary),
    UniqueConstraint("space", "conversation", "id", "version"),
    Index(None, "space", "author", "seq"),
    Index(None, "space", "conversation", "seq"),
)
"""`body` is None where the text was purged but the id must stay known (see `core.retention.rules`)."""

people = Table(
    "people",
    metadata,
    Column("space", String, primary_key=True),
    Column("person", String, primary_key=True),
    Column("identity", LargeBinary, nullable=False),
    Column("base", LargeBinary),
    Column("state", LargeBinary),
)

pairs = Table(
    "pairs",
    metadata,
    Column("space", String, primary_key=True),
    Column("actor", String, primary_key=True),
    Column("target", String, primary_key=True),
    Column("base", LargeBinary),
    Column("state", LargeBinary, nullable=False),
    Column("alert", LargeBinary),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert", String, primary_key=True),
    Column("space", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("target", String, nullable=False),
    Column("level", String, nullable=False),
    Column("probability", Float),
    Column("signals", JSON, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("opened", Float, nullable=False),
    Column("reference", String),
    Column("decision", String),
    Column("moderator", String),
    Column("decided", Float),
    Column("remark", LargeBinary),
    Column("claimant", String),
    Column("claimed", Float),
    Column("escalated", Float),
    Column("pinged", Float),
    Column("held", Float),
    Column("evidence", LargeBinary),
    Column("held_until", Float),
    Column("aside", Float),
    Column("reported", Float),
    Column("closed", Float),
    Column("merged", String),
    Column("reminded", Float),
    Column("reminders", Integer, nullable=False, server_default="0"),
    Index(None, "space", "actor", "target"),
)
"""`reference` is where its card stands; `remark` seals why people decided so; `claimant` works on it since `claimed`; a
second reviewer was asked at `escalated`, and moderators were called at `pinged`; from `held` on, up to `held_until` if
there is one, its evidence is under legal hold. It was put `aside`, `reported` to an authority, `closed`; `merged` names
the case that it became part of. `reminders` were sent, the last at `reminded`. Times are seconds since the epoch.
`evidence` is what earlier versions kept under legal hold; `core.casework.preserved` takes it over."""

items = Table(
    "items",
    metadata,
    Column("alert", String, ForeignKey("alerts.alert", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("space", String, nullable=False),
    Column("conversation", String, nullable=False),
    Column("id", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("author", String, nullable=False),
    Column("received", Float, nullable=False),
    Column("sha256", String, nullable=False),
    Column("chain", String, nullable=False),
    Column("content", LargeBinary),
    UniqueConstraint("alert", "conversation", "id", "version"),
    Index(None, "space", "conversation", "id"),
)
"""What is preserved of a case's messages, each version by its number in the case's chain (`core.casework.preserved`).
`content` is None where it had to go: the digest stays, so that the chain holds."""

notes = Table(
    "notes",
    metadata,
    *_deed_on_a_case(),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
"""What moderators noted on a case."""

consents = Table(
    "consents",
    metadata,
    Column("alert", String, ForeignKey("alerts.alert", ondelete="CASCADE"), primary_key=True),
    Column("what", String, primary_key=True),
    Column("space", String, nullable=False),
    Column("time", Float, nullable=False),
    Column("who", String, nullable=False),
)
"""The first of two people who have to agree before something is done by a case (`core.casework.four_eyes`)."""

referrals = Table(
    "referrals",
    metadata,
    *_deed_on_a_case(),
    Column("second", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
"""Reports of a case to an authority: confirmed by `who`, and by `second` ("": nobody) where two are asked for; to whom,
in which words confirmed and under which number there is sealed."""

exposures = Table(
    "exposures",
    metadata,
    Column("space", String, primary_key=True),
    Column("who", String, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("alert", String, ForeignKey("alerts.alert", ondelete="CASCADE"), primary_key=True, index=True),
    Column("lines", Integer, nullable=False),
    Column("told", Float),
)
"""How many lines of a case somebody was shown on a UTC day (days since 1970), and when they were `told` that it is
enough for that day (`core.casework.exposure`)."""

actions = Table(
    "actions",
    metadata,
    *_deed_on_a_case(),
    Column("what", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("undone", Float),
    sqlite_autoincrement=True,
)
"""What moderators did on the platform by an alert's card (`timeout`, `ban`, ...), to whom and for how long sealed.
A number is given once: buttons that undo go by it, and outlive what was refused."""

submissions = Table(
    "submissions",
    metadata,
    Column("alert", String, ForeignKey("alerts.alert", ondelete="CASCADE"), primary_key=True),
    Column("space", String, nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("report", String),
    Column("steps", Integer, nullable=False),
    Column("confirmer", String, nullable=False),
    Column("second", String, nullable=False),
    Column("started", Float, nullable=False),
    Column("finished", Float),
    Column("log", LargeBinary, nullable=False),
    Column("content", LargeBinary),
    Column("receipt", LargeBinary),
)
"""A case's report to NCMEC (`core.cybertip`): how it stands there (`state`, and its id in `report`), who confirmed it,
the sealed log of its `steps`, what is sent, and the receipt. Not `live`: it went to NCMEC's test host."""

requests = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("space", String, nullable=False),
    Column("person", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("time", Float, nullable=False),
    Column("answered", Float),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "space", "person"),
    sqlite_autoincrement=True,
)
"""What members asked for about themselves: `access` to what is kept, or its `deletion`. A number is given
once: who answers goes by it."""

peaks = Table(
    "peaks",
    metadata,
    Column("space", String, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("actor", String, primary_key=True),
    Column("target", String, primary_key=True),
    Column("probability", Float, nullable=False),
)
"""The highest probability of a pair on a UTC day (days since 1970); of actor "" and target "": the day was watched."""

unread = Table(
    "unread",
    metadata,
    Column("space", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("told", Float),
)
"""How many talks turned to a language that is not read (`language es`), or showed a signal in one (`signal fan_out`),
since the admins were `told`."""

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", Float, nullable=False),
    Column("space", String, nullable=False),
    Column("who", String, nullable=False),
    Column("what", String, nullable=False),
    Column("about", String, nullable=False),
    Column("detail", JSON, nullable=False),
    Index(None, "space", "about"),
)
"""Append only. `who` is "" for Lampkeeper itself; `about` is an alert's id or ""; `detail` holds numbers and levels."""

audit_chain = Table(
    "audit_chain",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("who_salt", String),
    Column("who_digest", String, nullable=False),
    Column("about_salt", String),
    Column("about_digest", String, nullable=False),
    Column("rest_salt", String),
    Column("rest_digest", String, nullable=False),
    Column("hash", String, nullable=False),
)
"""The chain that the rows of `audit` are part of (`core.audit.chain`): salts, digests and hashes in hexadecimal. A link
stays when its row is deleted with a space, and a digest when its salt is erased."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("space", String, nullable=False),
    Column("alert", String, ForeignKey("alerts.alert", ondelete="CASCADE"), index=True),
    Column("notice", String),
    Column("attempts", Integer, nullable=False),
    Column("unsure", Boolean, nullable=False),
    Column("next_try", Float, nullable=False),
    Column("error", String),
)
"""What is still to be shown: the card of `alert`, or a `notice`; with both, people are called to that card, and
`notice` says for what (`core.casework.cards.Call`). `unsure`: an attempt's outcome is not known."""
