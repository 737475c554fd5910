"""What every adapter is: a translator between one platform and the core, and nothing else.

Leans on `core.outbox.Deliverer`, the half that the core calls. A space is named ``<platform>:<the platform's own id>``,
so the core can tell whose card it delivers without knowing any platform. `tests/test_adapter_contract.py` runs over
every adapter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.errors import LampkeeperError
from core.outbox import Deliverer


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `lampkeeper check`: what was looked at, whether it is in order, and what to do if not."""

    what: str
    ok: bool
    remedy: str = ""


class Adapter(Deliverer, Protocol):
    """One platform. `guard` reaches it through its constructor; events go to `guard.receive`."""

    async def run(self) -> None:
        """Connect, catch up on what was missed, listen; return only when cancelled.

        Raises `PlatformError` with a remedy where a person must act (token revoked, intent missing).
        """

    async def check(self) -> list[Finding]:
        """Look at tokens, intents, channels and permissions without changing anything; never raises."""


class SafeAdapter(Protocol):
    """What stands in for an adapter while the store or the model cannot be opened; `trouble` says why."""

    platform: str
    trouble: LampkeeperError

    async def run(self) -> None:
        """Connect, and tell admins and whoever asks what is wrong; return only when cancelled. Raises as `Adapter`."""

    async def over(self) -> None:
        """Tell those who were told that it is over."""
