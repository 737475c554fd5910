"""The keyring: one small file with every data key, each wrapped by the master key.

Leans on the standard library's sqlite3 and on `core.vault.master`. Decisions:

- A file of its own, never a table of the database: dropping a key is how deletion reaches copies of the database, so
  keys and what they open must not be kept together. Of the database any number of copies may be kept; of keyring and
  master key only the newest: an older keyring holds keys that were dropped since.
- `add` returns when the key is on the disk, and only then anything is sealed with it: a transaction that is rolled back
  leaves a key without use, never a value without a key.
- SQLite for its transactions between processes: `lampkeeper keys rotate` works beside a running Lampkeeper. A
  connection is opened for each use; keys are added once a space or case. ``secure_delete`` overwrites what is dropped;
  the rollback journal is gone with each commit.
- A key is wrapped with AES-256-GCM (NIST SP 800-38D) under a key derived from the master key, bound to the scope and
  the number of its row.
- A key is dropped in two steps. `retire` comes before the deletion it belongs to is committed, and from then on nothing
  is sealed with it; it is dropped once what stays of its scope is sealed anew (`core.store.scopes`). A crash in between
  leaves a retired key, which the next start finds. A key that is not retired is never dropped, whatever database stands
  beside the keyring.
- Every change of the keys is counted. The database notes how far the count was (`core.vault.Vault.proof`), so that an
  older copy of the keyring is never taken for the newest: it would make what was said since look like what was deleted.
- A new master key takes over in three steps, and a crash between any two leaves a keyring that opens. `announce` notes
  the new one as successor, with the present one wrapped by it; the new one is put in place; `succeed` wraps every key
  anew and drops the former. Until the last step the former opens everything as before, and the new one by way of it.
  Whoever has the former in memory and adds a key later finds that it was succeeded, and reads the master key again.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import StoreError, VaultError
from core.vault.master import KEY_BYTES, RESTORE, derive, fingerprint, owner_only, put
from core.vault.places import FORMER, Scope

BUSY_SECONDS = 5.0
"""How long to wait for another process that has the keyring open."""
NONCE_BYTES = 12
FORMAT = 2
_COUNT = "CREATE TABLE changes AS SELECT 0 AS number"
"""What format 1 lacked."""
_SCHEMA = f"""
PRAGMA user_version = {FORMAT};
CREATE TABLE masters (fingerprint TEXT PRIMARY KEY, bridge BLOB);
CREATE TABLE keys (
    kind TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL, wrapped BLOB NOT NULL, retired INTEGER NOT NULL,
    PRIMARY KEY (kind, name, number)
) WITHOUT ROWID;
CREATE TABLE dropped (scope TEXT PRIMARY KEY) WITHOUT ROWID;
{_COUNT};
"""
"""`masters.bridge` is None for the master key that wraps the keys; for its successor, the former one wrapped by it;
`dropped.scope` is a pseudonym."""
_WRONG_MASTER = (
    "The master key is not the one that the keyring {path} was wrapped with.",
    "Restore the key file from your backup, or the keyring that belongs to it; without both the data cannot be read.",
)


class Held(NamedTuple):
    """A data key; of one scope's keys the one with the highest `number` seals, unless it is `retired`."""

    number: int
    key: bytes
    retired: bool = False


class Keyring:
    """The file at `path`; `read_master` reads the master key from where it is."""

    def __init__(self, path: Path, read_master: Callable[[], bytes]) -> None:
        self.path = path
        self._read_master = read_master
        self._master = read_master()
        self.changes = 0
        """How often the keys had changed when they were last read or changed here."""

    @classmethod
    def make(cls, path: Path, read_master: Callable[[], bytes], keys: Mapping[Scope, bytes]) -> Keyring:
        """Make the file, with these keys, whole or not at all; where there is one already it stays as it is."""
        scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        keyring = cls(scratch, read_master)
        try:
            with _explained(path):
                scratch.touch(mode=0o600, exist_ok=False)
                with closing(sqlite3.connect(scratch)) as file:
                    file.execute("PRAGMA synchronous = FULL")
                    file.executescript(_SCHEMA)
                    file.execute("INSERT INTO masters VALUES (?, NULL)", (fingerprint(keyring._master),))
                    for scope, key in keys.items():
                        keyring._write(file, scope, Held(1, key, scope == FORMER))
                    file.commit()
                put(scratch, path, replace=False)
        finally:
            scratch.unlink(missing_ok=True)
        return cls(path, read_master)

    def load(self) -> dict[Scope, list[Held]]:
        """Return every key, a scope's oldest first; VaultError if the master key is not the one that wrapped them."""
        with self._transaction("BEGIN") as file:
            (self.changes,) = file.execute("SELECT number FROM changes").fetchone()
            if not owner_only(self.path.stat()):
                raise VaultError(
                    f"The keyring {self.path} can be read by other accounts.", f"Run: chmod 600 {self.path}"
                )
            wrapping = _wrapping(self._current(file))
            keys: dict[Scope, list[Held]] = {}
            for kind, name, number, wrapped, retired in file.execute("SELECT * FROM keys ORDER BY kind, name, number"):
                key = _unwrapped(wrapping, wrapped, _place(kind, name, number))
                if key is None:
                    raise VaultError(f"The keyring {self.path} is damaged: a key in it does not open.", RESTORE)
                keys.setdefault((kind, name), []).append(Held(number, key, bool(retired)))
        return keys

    def add(self, scopes: Iterable[Scope]) -> dict[Scope, Held]:
        """Make a new key for each of `scopes`, and return them once they are on the disk.

        StoreError, whatever is in the way: what was to be sealed is kept and tried again, as where the database cannot
        be written.
        """
        try:
            return self._added(scopes)
        except VaultError as error:
            raise StoreError(error.what, error.remedy) from error

    def _added(self, scopes: Iterable[Scope]) -> dict[Scope, Held]:
        made: dict[Scope, Held] = {}
        with self._transaction() as file:
            self._keep_up(file)
            self._succeed(file)
            for kind, name in scopes:
                row = file.execute("SELECT max(number) FROM keys WHERE kind = ? AND name = ?", (kind, name)).fetchone()
                made[kind, name] = Held((row[0] or 0) + 1, secrets.token_bytes(KEY_BYTES))
                self._write(file, (kind, name), made[kind, name])
            self._count(file)
        return made

    def retire(self, scopes: Iterable[Scope]) -> None:
        """Take note that the keys of `scopes` are to be dropped."""
        with self._transaction() as file:
            file.executemany("UPDATE keys SET retired = 1 WHERE kind = ? AND name = ?", list(scopes))
            self._count(file)

    def drop(self, scopes: Mapping[Scope, str]) -> None:
        """Drop the retired keys of `scopes`: what they sealed is deleted, wherever a copy of it is.

        Their pseudonyms stay, so that a copy of the database that is put back is not taken for one without its keys.
        """
        with self._transaction() as file:
            file.executemany("DELETE FROM keys WHERE kind = ? AND name = ? AND retired", list(scopes))
            file.executemany("INSERT OR IGNORE INTO dropped VALUES (?)", [(name,) for name in scopes.values()])
            self._count(file)

    def dropped(self) -> set[str]:
        """Return the pseudonyms of the scopes that a key was ever dropped of."""
        with self._transaction("BEGIN") as file:
            return {scope for (scope,) in file.execute("SELECT scope FROM dropped")}

    # --- another master key -------------------------------------------------------------------------------------------

    def announce(self, new: bytes) -> None:
        """Note `new` as the successor, in place of any other; nothing is wrapped by it yet but the present one."""
        with self._transaction() as file:
            self._succeed(file)
            file.execute("DELETE FROM masters WHERE bridge IS NOT NULL")
            if fingerprint(new) != fingerprint(self._master):
                bridge = _wrapped(_wrapping(new), self._master, _BRIDGE)
                file.execute("INSERT INTO masters VALUES (?, ?)", (fingerprint(new), bridge))

    def succeed(self) -> bool:
        """Wrap every key by our master key if it is the successor, and drop the former; tell whether it was."""
        with self._transaction() as file:
            return self._succeed(file)

    def standing(self) -> tuple[str, str | None]:
        """Return the fingerprint of the master key that wraps the keys, and of its successor if one waits."""
        with self._transaction("BEGIN") as file:
            self._current(file)
            rows = file.execute("SELECT fingerprint FROM masters ORDER BY bridge IS NOT NULL").fetchall()
        return rows[0][0], (rows[1][0] if len(rows) > 1 else None)

    def _succeed(self, file: sqlite3.Connection) -> bool:
        former = self._current(file)
        if former == self._master:
            return False
        before, now = _wrapping(former), _wrapping(self._master)
        for kind, name, number, wrapped, _ in file.execute("SELECT * FROM keys").fetchall():
            place = _place(kind, name, number)
            key = _unwrapped(before, wrapped, place)
            if key is None:
                raise VaultError(f"The keyring {self.path} is damaged: a key in it does not open.", RESTORE)
            anew = (_wrapped(now, key, place), kind, name, number)
            file.execute("UPDATE keys SET wrapped = ? WHERE kind = ? AND name = ? AND number = ?", anew)
        file.execute("DELETE FROM masters WHERE bridge IS NULL")
        file.execute("UPDATE masters SET bridge = NULL")
        return True

    def _keep_up(self, file: sqlite3.Connection) -> None:
        """Read the master key again if the one in memory was succeeded meanwhile."""
        known = {row[0] for row in file.execute("SELECT fingerprint FROM masters")}
        if fingerprint(self._master) in known:
            return
        self._master = self._read_master()
        if fingerprint(self._master) not in known:
            raise VaultError(
                "The master key was changed while Lampkeeper ran, and it has only the former one.",
                "Restart Lampkeeper with the new one; until then nothing new can be sealed.",
            )

    def _current(self, file: sqlite3.Connection) -> bytes:
        """Return the master key that wraps the keys: ours, or the one that ours succeeds."""
        mine = file.execute("SELECT bridge FROM masters WHERE fingerprint = ?", (fingerprint(self._master),)).fetchone()
        if mine is None:
            raise VaultError(_WRONG_MASTER[0].format(path=self.path), _WRONG_MASTER[1])
        if mine[0] is None:
            return self._master
        former = _unwrapped(_wrapping(self._master), mine[0], _BRIDGE)
        if former is None:
            raise VaultError(f"The keyring {self.path} is damaged: the former master key does not open.", RESTORE)
        return former

    def _count(self, file: sqlite3.Connection) -> None:
        """Count a change of the keys."""
        (self.changes,) = file.execute("UPDATE changes SET number = number + 1 RETURNING number").fetchone()

    def _write(self, file: sqlite3.Connection, scope: Scope, held: Held) -> None:
        wrapped = _wrapped(_wrapping(self._master), held.key, _place(*scope, held.number))
        file.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?)", (*scope, held.number, wrapped, held.retired))

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        with _explained(self.path):
            uri = f"{self.path.resolve().as_uri()}?mode=rw"
            with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as file:
                file.execute("PRAGMA synchronous = FULL")
                file.execute("PRAGMA secure_delete = ON")
                file.execute(begin)
                (version,) = file.execute("PRAGMA user_version").fetchone()
                if version == 1:
                    file.execute(_COUNT)
                    file.execute(f"PRAGMA user_version = {FORMAT}")
                elif version != FORMAT:
                    raise VaultError(f"{self.path} is no keyring that this version of Lampkeeper reads.", RESTORE)
                try:
                    yield file
                    file.execute("COMMIT")
                finally:
                    if file.in_transaction:
                        file.execute("ROLLBACK")


class Loose:
    """Keys in memory and nowhere else: for a look at what a former version sealed, and for trying things out."""

    changes = 0
    """Nothing lasts here, so that there is no older copy."""

    def __init__(self, keys: Mapping[Scope, bytes]) -> None:
        self._held = {scope: [Held(1, key, scope == FORMER)] for scope, key in keys.items()}

    def load(self) -> dict[Scope, list[Held]]:
        """Return every key."""
        return {scope: list(held) for scope, held in self._held.items()}

    def add(self, scopes: Iterable[Scope]) -> dict[Scope, Held]:
        """Make a new key for each of `scopes`."""
        made = {scope: Held(1, secrets.token_bytes(KEY_BYTES)) for scope in scopes}
        for scope, held in made.items():
            self._held.setdefault(scope, []).append(held)
        return made

    def retire(self, scopes: Iterable[Scope]) -> None:
        """Take note that the keys of `scopes` are to be dropped."""
        for scope in scopes:
            self._held[scope] = [held._replace(retired=True) for held in self._held.get(scope, ())]

    def drop(self, scopes: Mapping[Scope, str]) -> None:
        """Drop the retired keys of `scopes`."""
        for scope in scopes:
            if not (left := [held for held in self._held.pop(scope, ()) if not held.retired]):
                continue
            self._held[scope] = left

    def dropped(self) -> set[str]:
        """Return the pseudonyms of the scopes that a key was ever dropped of: nothing lasts here."""
        return set()


_BRIDGE = b"lampkeeper keyring bridge"


def _place(kind: str, name: str, number: int) -> bytes:
    return b"\0".join(
        (b"lampkeeper keyring", kind.encode(), str(number).encode(), name.encode("utf-8", "surrogatepass"))
    )


def _wrapping(master: bytes) -> AESGCM:
    return AESGCM(derive(master, b"lampkeeper wrap"))


def _wrapped(wrapping: AESGCM, key: bytes, place: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + wrapping.encrypt(nonce, key, place)


def _unwrapped(wrapping: AESGCM, wrapped: bytes, place: bytes) -> bytes | None:
    try:
        return wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], place)
    except (InvalidTag, ValueError):
        return None


_TROUBLE = {
    "SQLITE_BUSY": ("is locked by another program", "Close the program that holds it (a database browser, a backup)."),
    "SQLITE_FULL": ("cannot grow: the disk is full", "Free space on the disk; writing goes on by itself."),
    "SQLITE_IOERR": ("cannot be read or written: the disk reports an error", "Check the disk and its free space."),
    "SQLITE_CANTOPEN": ("cannot be opened", "Give the account that runs Lampkeeper access to it and its folder."),
    "SQLITE_READONLY": (
        "cannot be written",
        "Give the account that runs Lampkeeper write access to it and its folder.",
    ),
}


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn an error of SQLite's or the disk's into one that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        for prefix, (what, remedy) in _TROUBLE.items():
            if name.startswith(prefix):
                raise StoreError(f"The keyring {path} {what}.", remedy) from error
        raise VaultError(f"The keyring {path} is damaged or no keyring.", RESTORE) from error
    except OSError as error:
        raise VaultError(
            f"The keyring {path} cannot be opened or made ({error.strerror}).",
            "Give the account that runs Lampkeeper access to it, or name another place in [storage] keyring.",
        ) from error
