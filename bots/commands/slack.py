"""`lampkeeper slack manifest`: what to paste into Slack when the app is made there.

Leans on `bots.slack_app.manifest`, which is nothing but data.
"""

from __future__ import annotations

import re

from bots.slack_app.manifest import EXAMPLE_URL, SCOPES, text
from core.errors import ConfigError

_ADDRESS = re.compile(r"https://[^\s/?#]+(/[^\s?#]*)?")


def manifest(*, http: str | None = None, without: tuple[str, ...] = ()) -> int:
    """Print the manifest of the Slack app, as YAML: for Socket Mode, or with --http for HTTP.

    Parameters
    ----------
    http
        The public address under which Slack reaches Lampkeeper, as in https://lampkeeper.example.
    without
        A scope to leave out, with what needs it. May be given again. docs/slack_scopes.md says what is lost.
    """
    if http is not None and not _ADDRESS.fullmatch(http):
        raise ConfigError("--http wants the public address, with https.", f"As in: --http {EXAMPLE_URL}")
    may = [name for name, scope in SCOPES.items() if scope.without]
    if wrong := [scope for scope in without if scope not in may]:
        raise ConfigError(f"The scope {wrong[0]} cannot be left out.", f"These can: {', '.join(may)}.")
    print(text(http, without), end="")  # noqa: T201 - as it is, for it is pasted
    return 0
