"""The vault: seals what is kept about people, each space and each case under a key of its own, and makes pseudonyms.

Leans on `cryptography`, on `core.vault.master` for the one key that an operator guards, on `core.vault.keyring` for the
file of all that it wraps, and on `core.vault.places` for whose key a value is under. Decisions:

- Envelope encryption: every space and every case has a random data key. Dropping a key deletes what it sealed wherever
  a copy of the database is; a new master key wraps the same data keys, so nothing is sealed anew for it.
- Sealing is AES-256-GCM (NIST SP 800-38D) with associated data naming the table, row and column, so that nobody who can
  write to the database can move a sealed value elsewhere. Random 96-bit nonces under one key are safe for 2**32 values
  only, which a busy server reaches within months; each process therefore seals under keys of its own, derived from the
  data keys (HKDF-SHA-256, RFC 5869) with a random salt that stands in front of every value, and counts its nonces.
- A pseudonym is keyed BLAKE2b (RFC 7693) of space and id: equal for equal people, which lets the database look them up,
  and meaningless without its key. The id of a case is keyed alike: it tells nobody whom the case is about. The audit's
  heads and exported files are signed with Ed25519 (RFC 8032). Both keys are in the keyring, so that a new master key
  changes neither pseudonyms nor signatures.
- What the version before sealed under one key for everything ("former") opens as long as the keyring holds that key,
  which goes once all of it is sealed anew (`core.store.scopes`).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from functools import lru_cache
from hashlib import blake2b
from itertools import count

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import VaultError
from core.vault.keyring import Keyring, Loose
from core.vault.master import KEY_BYTES, RESTORE, Keys, derive, write_file
from core.vault.places import FORMER, MASTER, Scope, scope_of

__all__ = [
    "FORMER",
    "KEY_BYTES",
    "KEY_CHECK",
    "PSEUDONYMS_KEPT",
    "RESTORE",
    "Keys",
    "Loose",
    "Vault",
    "look_vault",
    "new_keys",
    "open_vault",
]

SALT_BYTES = 16
NONCE_BYTES = 12
PSEUDONYMS_KEPT = 65_536
KEY_CHECK = ("meta", "key_check", "sealed")
"""Where the proof of the keys stands in the database, as it is sealed."""
_PROOF = b"lampkeeper"
BLIND: Scope = ("blind", "")
SIGNING: Scope = ("signing", "")


class Vault:
    """Seals, opens, blinds and signs with the keys of one keyring."""

    def __init__(self, keyring: Keyring | Loose) -> None:
        self._keyring = keyring
        self._keys = keyring.load()
        self._salt = secrets.token_bytes(SALT_BYTES)
        self._nonces = count()
        self._sealing: dict[Scope, AESGCM] = {}
        self._cipher = lru_cache(maxsize=1024)(_cipher_of)
        if not {MASTER, BLIND, SIGNING} <= self._keys.keys():
            raise VaultError("The keyring is damaged: a key that every keyring begins with is not in it.", RESTORE)
        self._blind_key = self._keys[BLIND][-1].key
        self._seed = self._keys[SIGNING][-1].key
        self.blind = lru_cache(maxsize=PSEUDONYMS_KEPT)(self._pseudonym)

    def seal(self, data: bytes, about: tuple[str, ...]) -> bytes:
        """Encrypt `data` so that only the key of its space or case and the same `about` (table, row, column) open it.

        Layout: 16 bytes salt, 12 bytes nonce, ciphertext, 16 bytes tag. A scope's first value makes its key: StoreError
        if that cannot be written.

        >>> vault = Vault(Loose(new_keys()))
        >>> vault.open(vault.seal(b"hello", ("alerts", "a1", "sealed")), ("alerts", "a1", "sealed"))
        b'hello'
        """
        scope = scope_of(about)
        cipher = self._sealing.get(scope) or self._sealer(scope)
        nonce = next(self._nonces).to_bytes(NONCE_BYTES)
        return self._salt + nonce + cipher.encrypt(nonce, data, _joined(about))

    def open(self, sealed: bytes, about: tuple[str, ...]) -> bytes:
        """Decrypt what `seal` made for the same `about`; VaultError if key, place or content differ."""
        held = self._keys.get(scope_of(about))
        if held and (data := self._opened(held[-1].key, sealed, about)) is not None:
            return data
        if (data := self._searched(sealed, about)) is not None:
            return data
        self.refresh()  # another process may have made its key since
        if (data := self._searched(sealed, about)) is not None:
            return data
        raise VaultError(
            f"A sealed value in {about[0]!r} does not open with the keys that this keyring holds.", RESTORE
        )

    def refresh(self) -> None:
        """Read the keyring again: another process may have added, retired or dropped keys."""
        self._keys = self._keyring.load()
        self._sealing.clear()

    def anew(self, sealed: bytes, about: tuple[str, ...]) -> bytes | None:
        """Seal a value again if another key than its scope's newest opens it; None if there is no need."""
        newest = self._newest(scope_of(about))
        if newest is not None and self._opened(newest, sealed, about) is not None:
            return None
        return self.seal(self.open(sealed, about), about)

    def prepare(self, scopes: Iterable[Scope]) -> None:
        """Make the keys that `scopes` lack, in one go: many cases opened at once then cost one write, not many."""
        missing = [scope for scope in dict.fromkeys(scopes) if self._newest(scope) is None]
        if missing:
            for scope, held in self._keyring.add(missing).items():
                self._keys.setdefault(scope, []).append(held)

    def case_id(self, name: str) -> str:
        """Return the id of a case that the engine names `name`: 16 hex digits, which nobody makes without the key.

        Keyed BLAKE2b, personalised, so that no pseudonym is ever such an id.
        """
        return blake2b(name.encode(), key=self._blind_key, digest_size=8, person=b"lampkeeper case").hexdigest()

    # --- dropping keys ------------------------------------------------------------------------------------------------

    def retire(self, scopes: Iterable[Scope]) -> None:
        """Have the keys of spaces and cases dropped that are about to be deleted; call it before that is committed.

        From now on nothing is sealed with them. What stays of such a scope (or all, if the deletion is rolled back)
        opens until it is sealed anew under another key; then they are dropped (`core.store.scopes`).
        """
        known = [scope for scope in dict.fromkeys(scopes) if scope in self._keys]
        if known:
            self._keyring.retire(known)
        for scope in known:
            self._keys[scope] = [held._replace(retired=True) for held in self._keys[scope]]
            self._sealing.pop(scope, None)

    @property
    def scopes(self) -> Collection[Scope]:
        """The spaces and cases that have a key."""
        return [scope for scope in self._keys if scope[0] in {"space", "case"}]

    @property
    def retired(self) -> Collection[Scope]:
        """The scopes with a key that is to be dropped; `FORMER` holds values of every scope."""
        return [scope for scope, held in self._keys.items() if held[0].retired]

    def drop(self, scopes: Iterable[Scope]) -> None:
        """Drop the retired keys of `scopes` for good: nothing that they sealed opens again, here or in a copy."""
        these = list(scopes)
        self._keyring.drop({scope: self.blind(*scope) for scope in these})
        for scope in these:
            self._keys[scope] = [held for held in self._keys[scope] if not held.retired]
            if not self._keys[scope]:
                del self._keys[scope]
        self._cipher.cache_clear()

    def gone(self, scopes: Iterable[Scope]) -> list[Scope]:
        """Return those of `scopes`, which something is stored of, in which not everything may open.

        Keys of theirs were dropped, and perhaps a copy of the database from before that was put back. VaultError if one
        has no key though none was dropped: then the keyring is the older one.
        """
        dropped, known = self._keyring.dropped(), {*self._keys}
        found = [scope for scope in scopes if self.blind(*scope) in dropped]
        missing = {*scopes} - known - {*found}
        if missing and FORMER not in known:
            raise _older(f"it lacks the keys of {len(missing)} spaces and cases")
        return found

    # --- the proof ----------------------------------------------------------------------------------------------------

    @property
    def changes(self) -> int:
        """How often the keyring had changed when this vault last read or changed it."""
        return self._keyring.changes

    def proof(self, before: bytes | None) -> bytes | None:
        """Return what a database keeps of the keyring: that it opens, and how often it had changed by then.

        None where the proof that it took `before` will do.
        """
        if before is not None and self.proved(before) >= self.changes:
            return self.anew(before, KEY_CHECK)
        return self.seal(_PROOF + str(self.changes).encode(), KEY_CHECK)

    def proved(self, proof: bytes) -> int:
        """Return how often the keyring had changed when a database took its `proof`; VaultError if it does not open."""
        return int(self.open(proof, KEY_CHECK).removeprefix(_PROOF) or b"0")

    # --- signing ------------------------------------------------------------------------------------------------------

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """The key that signs the audit's heads and exported files."""
        return Ed25519PrivateKey.from_private_bytes(self._seed)

    @property
    def verify_key(self) -> bytes:
        """Its public half, 32 bytes (RFC 8032)."""
        return self.signing_key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """Sign; 64 bytes, checked with `verify_key`."""
        return self.signing_key.sign(data)

    # -----------------------------------------------------------------------------------------------------------------

    def _searched(self, sealed: bytes, about: tuple[str, ...]) -> bytes | None:
        for key, place in self._fitting(about):
            if (data := self._opened(key, sealed, place)) is not None:
                return data
        return None

    def _fitting(self, about: tuple[str, ...]) -> Iterable[tuple[bytes, tuple[str, ...]]]:
        """Yield the keys that may open what stands there, each with the place it was bound to.

        The version before bound what its tables number themselves to table and column only.
        """
        for held in reversed(self._keys.get(scope_of(about), ())):
            yield held.key, about
        for held in self._keys.get(FORMER, ()):
            yield held.key, about
            yield held.key, (about[0], about[-1])

    def _opened(self, key: bytes, sealed: bytes, place: tuple[str, ...]) -> bytes | None:
        salt, nonce = sealed[:SALT_BYTES], sealed[SALT_BYTES : SALT_BYTES + NONCE_BYTES]
        try:
            return self._cipher(key, salt).decrypt(nonce, sealed[SALT_BYTES + NONCE_BYTES :], _joined(place))
        except (InvalidTag, ValueError):
            return None

    def _sealer(self, scope: Scope) -> AESGCM:
        self.prepare([scope])
        newest = self._newest(scope)
        assert newest is not None, "it was prepared"
        cipher = self._sealing[scope] = _cipher_of(newest, self._salt)
        return cipher

    def _newest(self, scope: Scope) -> bytes | None:
        """Return the key that seals in a scope, if there is one."""
        held = self._keys.get(scope)
        return None if not held or held[-1].retired else held[-1].key

    def _pseudonym(self, space: str, person: str) -> str:
        return blake2b(_joined((space, person)), key=self._blind_key, digest_size=16).hexdigest()


def new_keys() -> dict[Scope, bytes]:
    """Return the keys that every keyring begins with."""
    return {scope: secrets.token_bytes(KEY_BYTES) for scope in (MASTER, BLIND, SIGNING)}


def open_vault(keys: Keys, key_check: bytes | None) -> Vault:
    """Open the keyring, or make it, and the key file, where nothing was sealed yet that would need others.

    `key_check` is the proof that the database holds, None if it holds none: then nothing was ever sealed there. For
    what the version before sealed, its keys are put into the new keyring. A master key that was announced takes over.

    VaultError if the key file or the keyring is missing, unsafe, older than the database or another's; StoreError if it
    is locked.
    """
    if not keys.ring_made():
        if key_check is None:
            if keys.missing():
                write_file(keys.key_file, secrets.token_bytes(KEY_BYTES), replace=False)
            first = new_keys()
        else:
            look_vault(keys, key_check)
            first = new_keys() | _former(keys.read())
        Keyring.make(keys.keyring, keys.read, first)
    Keyring(keys.keyring, keys.read).succeed()
    return look_vault(keys, key_check)


def look_vault(keys: Keys, key_check: bytes | None) -> Vault:
    """Open the keyring of a database that something was sealed in, and change nothing; VaultError as `open_vault`."""
    if keys.ring_made():
        vault = Vault(Keyring(keys.keyring, keys.read))
    else:
        if keys.missing():
            raise VaultError(f"The key file {keys.key_file} is missing, but a database sealed with it exists.", RESTORE)
        vault = Vault(Loose(new_keys() | _former(keys.read())))
    if key_check is not None:
        try:
            proved = vault.proved(key_check)
        except VaultError as error:
            raise _another(keys) from error
        if proved > vault.changes:
            raise _older(f"its keys have changed {proved - vault.changes} times since")
    return vault


def _older(why: str) -> VaultError:
    """Say that the keyring is older than the database."""
    what = f"The keyring is older than the database: {why}."
    return VaultError(what, "Restore the newest copy of the keyring, or the database that belongs to this one.")


def _another(keys: Keys) -> VaultError:
    """Say that what is there does not open the database."""
    if keys.ring_made():
        return VaultError(f"The keyring {keys.keyring} is not the one this database was sealed with.", RESTORE)
    what = (
        f"The keyring {keys.keyring} is missing, and {keys.source} alone is not the one this database was sealed with."
    )
    return VaultError(what, RESTORE)


def _former(key: bytes) -> dict[Scope, bytes]:
    """Return what the version before derived from its one key."""
    return {FORMER: derive(key, b"lampkeeper seal"), BLIND: derive(key, b"lampkeeper blind")}


def _cipher_of(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(derive(key, b"lampkeeper process", salt))


def _joined(parts: tuple[str, ...]) -> bytes:
    """Join unambiguously: each part behind its length, so that ("ab", "c") is not ("a", "bc")."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join([len(part).to_bytes(4) + part for part in encoded])
