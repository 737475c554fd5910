"""`lampkeeper verify`: what a police officer runs on an archive. Needs no database, no configuration, no key.

Leans on `core.export.verify`, which looks, and `bots.terminal`, which shows.
"""

from __future__ import annotations

import re
from pathlib import Path

from rich.text import Text

from bots.terminal import console
from core.errors import ConfigError
from core.export.verify import examine


def verify(file: Path, /, *, key: str | None = None) -> int:
    """Check an archive of a case (.zip): signature, every file's digest, every preserved message and their chain.

    Nothing is unpacked, changed or sent. Exits with 1 if anything does not hold.

    Parameters
    ----------
    file
        The archive.
    key
        The community's public key, 64 hexadecimal digits, as the community itself told you. Without it, the key that
        the archive names is taken and shown.
    """
    findings = examine(file, None if key is None else _read(key))
    to = console()
    for finding in findings:
        mark, style = ("ok", "green") if finding.holds else ("✗ ", "red")
        to.print(Text.assemble((mark, style), f"  {finding.sentence}"), soft_wrap=True)
    holds = all(finding.holds for finding in findings)
    to.print(Text("It holds." if holds else "It does NOT hold: see the lines marked ✗.", style="bold"))
    return 0 if holds else 1


def _read(key: str) -> bytes:
    digits = re.sub(r"[\s:]", "", key)
    if re.fullmatch(r"[0-9a-fA-F]{64}", digits) is None:
        raise ConfigError("The --key is no public key.", "It is 64 hexadecimal digits, as the community told you.")
    return bytes.fromhex(digits)
