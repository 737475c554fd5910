"""`lampkeeper keys`: what the keyring holds, and another master key in place of the present one.

Leans on `core.vault`. Neither command touches the database, so that both work beside `lampkeeper run`; neither prints a
key, only fingerprints that tell one master key from another.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from bots import composition
from bots.terminal import console, show_summary
from core.config import load_config
from core.errors import VaultError
from core.vault import FORMER, Keys
from core.vault.keyring import Keyring
from core.vault.rotate import rotate as put_another


def status(*, config: Path | None = None) -> int:
    """Tell where the master key comes from, its fingerprint, and how many data keys it wraps.

    Parameters
    ----------
    config
        The configuration. Default: config.toml in the working directory.
    """
    keys = _keys(config)
    keyring = Keyring(keys.keyring, keys.read)
    fingerprint, successor = keyring.standing()
    held = keyring.load()
    kinds = Counter(kind for kind, _ in held)
    told = [
        ("master key from", keys.source),
        ("fingerprint", fingerprint),
        *([("announced", f"{successor}, which takes over once it is in place")] if successor else []),
        ("keyring", str(keys.keyring)),
        ("data keys", f"{kinds['space']:,} of spaces, {kinds['case']:,} of cases"),
    ]
    if FORMER in held:
        told.append(("of the version before", "1, until all that it sealed is sealed anew"))
    waiting = sum(key.retired for scope, some in held.items() for key in some if scope != FORMER)
    if waiting:
        told.append(("to be dropped", f"{waiting:,}, with the next housekeeping of `lampkeeper run`"))
    show_summary(console(), told)
    return 0


def rotate(*, config: Path | None = None, new_from: Path | None = None) -> int:
    """Put a new master key in place of the present one; a running Lampkeeper goes on, and nothing is sealed anew.

    The key file gets a new random key. Where the master key comes from the environment or a command, announce the new
    one with --new-from first and put it in place there: it takes over at the next start, or when you call this again.

    Parameters
    ----------
    config
        The configuration. Default: config.toml in the working directory.
    new_from
        A file with the new master key, 32 bytes or base64 of them, that only you can read.
    """
    keys, to = _keys(config), console()
    rotation = put_another(keys, new_from)
    if not rotation.done:
        to.print(
            f"The master key {rotation.new} is announced; {rotation.former} goes on to work. Put the new one in place "
            "of it and restart Lampkeeper: from then on only the new one opens the keyring.",
            soft_wrap=True,
        )
        return 0
    to.print(
        f"The master key {rotation.new} took over from {rotation.former}. Back up the key and the keyring "
        f"{keys.keyring} anew, and destroy the copies that you had: they still open what is deleted from now on.",
        soft_wrap=True,
    )
    return 0


def _keys(config: Path | None) -> Keys:
    keys = composition.keys_of(load_config(config, os.environ))
    if not keys.ring_made():
        raise VaultError(f"There is no keyring {keys.keyring} yet.", "The first start of Lampkeeper makes it.")
    return keys
