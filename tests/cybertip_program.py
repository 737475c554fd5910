"""Lampkeeper's command as people call it, with the tests' own CyberTipline where NCMEC's two hosts are.

No configuration can name another host, so this program does before Lampkeeper is imported: ``TEST LIVE WORDS...``. For
`run` and `check` the platform "discord" is one that hears and shows nothing; what is asked again is asked at once.
"""

from __future__ import annotations

import asyncio
import sys

import core.cybertip

core.cybertip.TEST_HOST, core.cybertip.LIVE_HOST = sys.argv[1:3]
del sys.argv[1:3]

from bots import composition  # noqa: E402
from bots.__main__ import main  # noqa: E402
from bots.adapter import Finding  # noqa: E402
from core.cybertip import steps, submissions  # noqa: E402
from tests.support import Board  # noqa: E402


class Quiet(Board):
    """A platform on which nothing happens."""

    def __init__(self, *_parts: object) -> None:
        super().__init__("discord")

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def check(self) -> list[Finding]:
        return []


steps.FIRST_WAIT = submissions.EVERY = 0.2
composition.ADAPTERS["discord"] = (__name__, "Quiet")
if __name__ == "__main__":
    main()
