"""`lampkeeper audit verify`, `show`, `head` and `key`: whether the audit is as it was recorded, and what it says.

Leans on `core.audit`. All of them look at the database from outside, so that a running Lampkeeper goes on undisturbed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from time import gmtime, strftime
from typing import Annotated

from cyclopts import Parameter, validators

from bots import composition
from bots.terminal import complain, console
from core.audit.chain import raw
from core.audit.heads import KEY_BYTES, Line, read, write
from core.audit.trail import trail
from core.audit.verify import Verdict
from core.audit.verify import verify as verified
from core.config import Config, load_config
from core.errors import AuditError, ConfigError
from core.store.look import key_check_of, looking
from core.vault import Vault, look_vault

NO_ROWS = "There is no row in the audit yet."
UNSIGNED = (
    "No head was signed yet: nothing outside the database vouches for the audit. `lampkeeper run` signs one every day, "
    "`lampkeeper audit head` signs one now."
)
Positive = Annotated[int, Parameter(validator=validators.Number(gt=0))]


def verify(*, config: Path | None = None, heads: Path | None = None, key: Sequence[str] = ()) -> int:
    """Tell whether every row of the audit is as it was recorded; name each that is not.

    Exits with 1 if anything is not, or if no signed head vouches for it.

    Parameters
    ----------
    config
        The configuration. Default: config.toml in the working directory.
    heads
        The file of signed heads, as a copy that was kept elsewhere. Default: the one of the configuration.
    key
        The public key that the heads are signed with, as `lampkeeper audit key` prints it; once for each, if it
        changed. Default: the key file's.
    """
    loaded = _config(config)
    storage = loaded.storage
    keys = {_key(text) for text in key} or {_vault(loaded).verify_key.hex()}
    lines, lacking = _lines(heads or storage.heads)
    with looking(storage.database) as connection:
        verdict = verified(connection, lines, keys)
    if verdict.rows and verdict.signed is None and not (lacking or verdict.problems):
        lacking = [UNSIGNED]
    for sentence in (*lacking, *map(str, verdict.problems)):
        complain(sentence)
    console().print(_summary(verdict), soft_wrap=True)
    return 1 if verdict.problems or lacking else 0


def show(*, config: Path | None = None, case: str | None = None, space: str | None = None, limit: Positive = 50) -> int:
    """List rows of the audit, oldest first: number, time, space, what was done, by whom, about which case, and details.

    Parameters
    ----------
    config
        The configuration. Default: config.toml in the working directory.
    case
        Only what was done about this case, by its id.
    space
        Only what was done in this space, with its platform before a colon, as in discord:SERVER_ID.
    limit
        How many rows, the newest.
    """
    loaded = _config(config)
    told = trail(loaded.storage.database, _vault(loaded), case=case, space=space, limit=limit)
    out = console()
    for row, who in told:
        when = strftime("%Y-%m-%d %H:%M:%S UTC", gmtime(row.time))
        about = f"case {row.about}" if row.about else ""
        detail = "" if row.detail == "{}" else row.detail
        cells = (str(row.id), when, row.space, row.what, f"by {who}", about, detail)
        out.print("  ".join(filter(None, cells)), soft_wrap=True)
    if not told:
        out.print("No row of the audit is about that." if case or space else NO_ROWS)
    return 0


def head(*, config: Path | None = None) -> int:
    """Sign where the audit ends now, and add that to the file of signed heads.

    Parameters
    ----------
    config
        The configuration. Default: config.toml in the working directory.
    """
    loaded = _config(config)
    storage = loaded.storage
    written = write(storage.heads, storage.database, _vault(loaded), time.time(), "asked")
    if written is None:
        console().print(f"{NO_ROWS} Nothing was signed.")
    else:
        rows = "1 row" if written.rows == 1 else f"{written.rows:,} rows"
        console().print(f"Head {written.number} signed, over {rows}: {storage.heads}", soft_wrap=True)
    return 0


def key(*, config: Path | None = None) -> int:
    """Print the public key that the heads are signed with, for whoever is to verify them without the key file.

    Parameters
    ----------
    config
        The configuration. Default: config.toml in the working directory.
    """
    console().print(_vault(_config(config)).verify_key.hex())
    return 0


def _config(config: Path | None) -> Config:
    loaded = load_config(config, os.environ)
    if not loaded.storage.database.exists():
        raise ConfigError(f"There is no database at {loaded.storage.database}.", "Correct [storage] database.")
    return loaded


def _vault(config: Config) -> Vault:
    return look_vault(composition.keys_of(config), key_check_of(config.storage.database))


def _key(text: str) -> str:
    key = text.strip().lower()
    if raw(key, KEY_BYTES) is None:
        raise ConfigError("--key wants a public key, 64 hexadecimal digits.", "`lampkeeper audit key` prints it.")
    return key


def _lines(path: Path) -> tuple[list[Line], list[str]]:
    """Read the heads; what is lacking is told, and the chain verified without them."""
    try:
        return read(path), []
    except AuditError as error:
        return [], [str(error)]


def _summary(verdict: Verdict) -> str:
    rows = f"{verdict.rows:,} rows" + (f", {verdict.erased:,} of them in part or whole erased" * (verdict.erased > 0))
    signed = verdict.signed
    if signed is None:
        vouched = "No signed head vouches for them."
    elif (after := verdict.rows - signed.rows) > 0:
        vouched = f"Signed up to row {signed.id} on {signed.when}; {after:,} after it follow from it, unsigned yet."
    else:
        vouched = f"Signed up to the last one on {signed.when}."
    if verdict.problems:
        return f"The audit is NOT as it was recorded: {len(verdict.problems)} found in {rows}. {vouched}"
    if verdict.rows and signed is None:
        return f"Every row follows from the one before it: {rows}. {vouched}"
    return f"The audit is as it was recorded: {rows}. {vouched}"
