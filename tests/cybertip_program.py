"""Lampkeeper's command as people call it, with the tests' own CyberTipline where NCMEC's two hosts are.

No configuration can name another host, so this program puts them there: ``TEST LIVE WORDS...``. For `run` and `check`
the platform "discord" is one that hears and shows nothing; what is asked again is asked at once.
"""

from __future__ import annotations

import asyncio
import sys

from bots import composition
from bots.__main__ import main
from bots.adapter import Finding
from core.cybertip import client, steps, submissions
from tests.support import Board


class Quiet(Board):
    """A platform on which nothing happens."""

    def __init__(self, *_parts: object) -> None:
        super().__init__("discord")

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def check(self) -> list[Finding]:
        return []


if __name__ == "__main__":
    for module in (composition, client):
        vars(module).update(TEST_HOST=sys.argv[1], LIVE_HOST=sys.argv[2])
    del sys.argv[1:3]
    steps.FIRST_WAIT = submissions.EVERY = 0.2
    composition.ADAPTERS["discord"] = (__name__, "Quiet")
    main()
