"""The vault: one key file, everything sealed with it, and pseudonyms in place of people's ids.

Leans on `cryptography`. The key file is 32 random bytes, made at first start with mode 0600. Three keys are derived
from it (HKDF-SHA-256, RFC 5869), so that no use can weaken another: one seals, one makes pseudonyms, one signs.

Sealing is AES-256-GCM (NIST SP 800-38D) with associated data naming the table, row and column, so that nobody who can
write to the database can move a sealed value elsewhere. Random 96-bit nonces under one key are safe for 2**32 values
only, which a busy server reaches within months; each process therefore seals under a key of its own, derived with a
random salt that stands in front of every value, and counts its nonces.

A pseudonym is keyed BLAKE2b (RFC 7693) of space and id: equal for equal people, which lets the database look them up,
and meaningless without the key file. A lost key file means lost data: back it up, apart from the database.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from functools import lru_cache
from hashlib import blake2b
from itertools import count
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import VaultError

KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
PSEUDONYMS_KEPT = 65_536
RESTORE = "Restore the key file from your backup; without it the data cannot be read."


class Vault:
    """Seals, opens and blinds with one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        self._root = _derive(key, b"lampkeeper seal")
        self._blind_key = _derive(key, b"lampkeeper blind")
        self._sign_key = Ed25519PrivateKey.from_private_bytes(_derive(key, b"lampkeeper sign"))
        self._salt = secrets.token_bytes(SALT_BYTES)
        self._nonces = count()
        self._cipher = lru_cache(maxsize=256)(self._cipher_of)
        self.blind = lru_cache(maxsize=PSEUDONYMS_KEPT)(self._pseudonym)

    def seal(self, data: bytes, about: tuple[str, ...]) -> bytes:
        """Encrypt `data` so that only this key and the same `about` (table, row, column) open it.

        Layout: 16 bytes salt, 12 bytes nonce, ciphertext, 16 bytes tag.

        >>> vault = Vault(bytes(32))
        >>> vault.open(vault.seal(b"hello", ("messages", "1", "text")), ("messages", "1", "text"))
        b'hello'
        """
        nonce = next(self._nonces).to_bytes(NONCE_BYTES)
        return self._salt + nonce + self._cipher(self._salt).encrypt(nonce, data, _joined(about))

    def open(self, sealed: bytes, about: tuple[str, ...]) -> bytes:
        """Decrypt what `seal` made for the same `about`; VaultError if key, place or content differ."""
        salt, nonce = sealed[:SALT_BYTES], sealed[SALT_BYTES : SALT_BYTES + NONCE_BYTES]
        try:
            return self._cipher(salt).decrypt(nonce, sealed[SALT_BYTES + NONCE_BYTES :], _joined(about))
        except (InvalidTag, ValueError) as error:
            raise VaultError(f"A sealed value in {about[0]!r} does not open with this key file.", RESTORE) from error

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature (RFC 8032, 64 bytes) of `data`, which has to begin with what it is."""
        return self._sign_key.sign(data)

    @property
    def verify_key(self) -> bytes:
        """The public key (32 bytes) that verifies what `sign` signed."""
        return self._sign_key.public_key().public_bytes_raw()

    def _cipher_of(self, salt: bytes) -> AESGCM:
        return AESGCM(_derive(self._root, b"lampkeeper process", salt))

    def _pseudonym(self, space: str, person: str) -> str:
        return blake2b(_joined((space, person)), key=self._blind_key, digest_size=16).hexdigest()


def open_vault(key_file: Path, database: Path) -> Vault:
    """Read the key file, or make it if there is no `database` yet that would need another.

    VaultError if it is missing though the database exists, readable by others, or of the wrong size.
    """
    try:
        if not key_file.exists():
            if database.exists() and database.stat().st_size > 0:
                raise VaultError(f"The key file {key_file} is missing, but the database {database} exists.", RESTORE)
            _create(key_file)
        with key_file.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            key = file.read(KEY_BYTES + 1)
    except OSError as error:
        raise VaultError(
            f"The key file {key_file} cannot be opened or made ({error.strerror}).",
            "Give the account that runs Lampkeeper access to it, or name another place in [storage] key_file.",
        ) from error
    if mode & 0o077:
        raise VaultError(f"The key file {key_file} can be read by other accounts.", f"Run: chmod 600 {key_file}")
    if len(key) != KEY_BYTES:
        raise VaultError(f"The key file {key_file} does not hold a key: that is {KEY_BYTES} bytes.", RESTORE)
    return Vault(key)


def _create(path: Path) -> None:
    """Make the key file in one step: it appears whole or not at all, and never replaces another."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its key is as good
            os.link(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _derive(key: bytes, purpose: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=purpose).derive(key)


def _joined(parts: tuple[str, ...]) -> bytes:
    """Join unambiguously: each part behind its length, so that ("ab", "c") is not ("a", "bc")."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join([len(part).to_bytes(4) + part for part in encoded])
