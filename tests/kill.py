"""Kill -9 at random moments in a run of alerts, presses and exports: ``make kill``.

``python -m tests.kill --times 20 --seed 7`` is a shorter one, or another. A guard in a process of its own
(`tests.kill_guard`) watches over the tests' own platform, which lives here (`tests.kill_platform`): people talk, edit
and delete, moderators press whatever there is to press, cases are exported, heads are signed, the master key is turned,
and the clock goes on by days, so that text and evidence are purged. At a random moment the guard is killed with
SIGKILL and begun anew on the same database. After every `CHECKED_EVERY` kills and at the end everything is looked
through (`tests.kill_checks`).

A kill of the process, not of the machine: what the kernel has taken is written. That a power cut takes nothing either
is up to SQLite's ``synchronous=FULL`` and the fsync of every other file, and cannot be shown here.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from contextlib import suppress
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from random import Random

from core.retention.keeping import DAY
from tests.kill_checks import Findings, Known, Press, check, trouble
from tests.kill_guard import PHASES, live
from tests.kill_platform import Platform, Talk, platform
from tests.support import ROOT, Ahead

TIMES = 200
CHECKED_EVERY = 10
DAYS, DAYS_AT_ONCE = 40.0, 1.0
"""How far the clock goes on over a whole run, a part with each restart. So much at once that an edit never finds its
message purged: such edits are ignored, and then the score is another than undisturbed."""
EARLY, LATE = 0.4, 0.1
"""Seconds: a quarter of the kills come within so many after the start, the others after some presses were answered."""
PRESSES, LONGEST = 14, 8.0
"""... up to so many of them, or after so many seconds; by progress, for a busy machine outruns the clock."""
AT_ONCE = 6
"""Presses that wait for an answer."""
PATIENCE = 120.0
"""Seconds after which a guard that does not come to listen, or to its end, is taken to hang."""
MORE = 40
"""Presses of the last life, which is not killed."""
WEIGHTS = {
    "claim": 6,
    "escalate": 2,
    "confirm": 6,
    "dismiss": 4,
    "note": 8,
    "hold": 2,
    "close": 3,
    "merge": 6,
    "report": 3,
    "timeout": 3,
    "excerpt": 3,
    "export": 7,
}
LAST = {"confirm", "dismiss", "close", "merge", "report"}
"""Pressed only once those whom a case is about talk no more: what people decide changes when the next alert opens."""
AGAIN = {"claim", "escalate", "confirm", "dismiss", "hold", "close", "merge", "timeout"}
"""Whoever had no answer presses these again; of the others, they look first what came of it."""
TRIES = 3


class Run:
    """Many lives of one guard on one database."""

    def __init__(self, folder: Path, there: Platform, clock: Ahead, seed: int) -> None:
        self.known = Known(there, folder)
        self.hit: Counter[str] = Counter()
        self.lives = 0
        self.clock = clock
        self._there = there
        self._folder = folder
        self._chance = Random(seed)
        self._numbers = 0
        self._sent = 0
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.kill_guard"])

    async def killed(self, ahead: float) -> None:
        """Live until a random moment; then the clock goes `ahead`."""
        early = self._chance.random() < 0.25
        moment = self._chance.uniform(0.0, EARLY if early else LATE)
        going_on = [asyncio.create_task(work()) for work in (self._talk, self._press)]
        process = self._start()
        try:
            if not early:
                await self._until(self._there.listening, process)
                await self._progress(self._chance.randint(0, PRESSES))
            await asyncio.sleep(moment)
        finally:
            process.kill()
            for task in going_on:
                task.cancel()
            for outcome in await asyncio.gather(*going_on, return_exceptions=True):
                assert isinstance(outcome, asyncio.CancelledError), outcome
        await asyncio.to_thread(process.join)
        phases: list[str] = [
            phase for phase, on in zip(PHASES, (self._folder / "where").read_bytes(), strict=True) if on
        ]
        self.hit.update(phases or ["idle"])
        await self._there.gone()
        for _ in range(self._chance.randint(0, 5)):
            self._there.say()  # while nobody listens
        self.clock.seconds += ahead

    async def ended(self) -> None:
        """Live to the end: read what was missed, press a little more, show what is to be shown, stop."""
        process = self._start()
        await self._until(self._there.listening, process)
        self._press_again()
        before = len(self.known.presses)
        for _ in range(MORE):
            self._press_something()
        self._ask_for("head", self.known.heads)
        await self._done({self.known.heads[-1], *(press.number for press in self.known.presses[before:])})
        settled = self._next()
        self._there.send(settled, "settle")
        await self._done({settled})
        self._there.send("stop")
        await asyncio.to_thread(process.join)
        assert process.exitcode == 0

    async def _done(self, numbers: set[int]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not all(self._there.done[number] for number in numbers):  # noqa: ASYNC110 another process does it
                await asyncio.sleep(0.05)

    def _start(self) -> ForkServerProcess:
        (self._folder / "where").write_bytes(bytes(len(PHASES)))
        process = self._context.Process(target=live, args=(self._folder, self._there.port, self.clock.seconds))
        process.start()
        self.lives += 1
        self._sent = self._there.answered = 0
        return process

    @staticmethod
    async def _until(event: asyncio.Event, process: ForkServerProcess) -> None:
        async with asyncio.timeout(PATIENCE):
            while not event.is_set():
                assert process.exitcode is None, "The guard ended by itself."
                with suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), 0.5)

    async def _progress(self, presses: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST):
                while self._there.answered < presses:  # noqa: ASYNC110 another process does it
                    await asyncio.sleep(0.002)

    async def _talk(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(0.0, 0.2))
            for _ in range(30 if self._chance.random() < 0.02 else 1):
                self._there.say()

    async def _press(self) -> None:
        await self._there.listening.wait()
        self._press_again()
        while True:
            await asyncio.sleep(self._chance.uniform(0.0, 0.04))
            if self._sent - self._there.answered >= AT_ONCE:
                continue
            if self._chance.random() < 0.08:
                self._ask_for(*self._chance.choice((("head", self.known.heads), ("rotate", self.known.turns))))
            elif self._there.cards:
                self._press_something()

    def _ask_for(self, what: str, asked: list[int]) -> None:
        self._sent += 1
        asked.append(self._next())
        self._there.send(asked[-1], what)

    def _press_again(self) -> None:
        for press in self.known.presses:
            unanswered = not self._there.done[press.number] and press.tries < TRIES
            if unanswered and press.what in AGAIN and self._chance.random() < 0.7:
                self._send(press)

    def _press_something(self) -> None:
        cards = list(self._there.cards.values())
        card = self._chance.choice(cards[-60:] if self._chance.random() < 0.8 else cards)
        (what,) = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        if what in LAST and not self._there.over(card.actor):
            return
        detail = {"note": "talked to both", "report": "the police", "timeout": card.actor}.get(what, "")
        if what == "merge":
            others = [other.alert for other in cards if other.actor == card.actor and other.alert != card.alert]
            if not others:
                return
            detail = self._chance.choice(others)
        press = Press(self._next(), what, card.alert, detail)
        self.known.presses.append(press)
        self._send(press)

    def _send(self, press: Press) -> None:
        press.tries += 1
        self._sent += 1
        self._there.send(press.number, press.what, press.alert, press.who, press.detail)

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


async def kills(folder: Path, times: int, seed: int) -> tuple[Run, Findings]:
    """Kill a guard so many times on a database in `folder`; return what was found at any look, counted at the last."""
    clock, faults = Ahead(), Findings().faults
    async with platform(Talk(seed, clock), Random(seed + 1)) as there:
        run = Run(folder, there, clock, seed + 2)
        for number in range(1, times + 1):
            await run.killed(min(DAYS / times, DAYS_AT_ONCE) * DAY)
            if number % CHECKED_EVERY == 0:
                looked = await check(run.known, ended=False)
                for kind, found in looked.faults.items():
                    faults[kind] |= found
        await run.ended()
        findings = await check(run.known, ended=True)
    for kind, found in faults.items():
        findings.faults[kind] |= found
    return run, findings


def table(run: Run, findings: Findings) -> list[tuple[str, str, str]]:
    """Return what was done and what was found: the figure's name, the figure, and what it has to be."""
    there, counts = run.known.platform, findings.counts
    acknowledged = f"{counts['presses acknowledged']:,} or more"
    turned = sum(any(there.done[number]) for number in run.known.turns)
    figures = [
        ("kills -9", f"{run.lives - 1:,}", "each may fall into several of these"),
        *((f"  ... while {phase}", f"{run.hit[phase]:,}", "") for phase in (*PHASES, "idle")),
        ("restarts", f"{run.lives - 1:,}", ""),
        ("messages said", f"{counts['messages said']:,}", ""),
        ("  ... edits and deletions of them", f"{counts['edited or deleted']:,}", ""),
        ("  ... all of these given, some again", f"{there.given:,}", ""),
        ("  ... stored", f"{counts['messages stored']:,}", ""),
        ("  ... purged", f"{counts['messages purged']:,}", "stored and purged are said"),
        ("alerts", f"{counts['alerts']:,}", f"{counts['alerts undisturbed']:,}, as undisturbed"),
        ("cards", f"{counts['cards']:,}", "one an alert"),
        ("  ... people called to one", f"{counts['calls to a card']:,}", ""),
        ("presses", f"{counts['presses']:,}", ""),
        ("  ... accepted and acknowledged", f"{counts['presses acknowledged']:,}", ""),
        ("  ... recorded", f"{counts['presses recorded']:,}", acknowledged),
        ("exports asked for", f"{counts['exports']:,}", ""),
        ("  ... acknowledged", f"{counts['exports acknowledged']:,}", ""),
        ("  ... on the disk, and verified", f"{counts['exports verified']:,}", ""),
        ("  ... cut off, under another name", f"{counts['exports cut off']:,}", ""),
        ("preserved versions of messages", f"{counts['preserved versions']:,}", ""),
        ("sealed values opened", f"{counts['sealed values']:,}", ""),
        ("audit rows verified", f"{counts['audit rows']:,}", ""),
        ("signed heads", f"{counts['signed heads']:,}", ""),
        ("master key turned", f"{turned:,}", ""),
    ]
    return figures + [(kind, f"{len(found):,}", "0") for kind, found in findings.faults.items()]


async def _main(times: int, seed: int) -> bool:
    with tempfile.TemporaryDirectory() as name:
        began = time.monotonic()
        run, findings = await kills(Path(name), times, seed)
        for what, figure, reach in table(run, findings):
            print(f"{what:<44} {figure:>10}   {reach}".rstrip())  # noqa: T201
        print(f"{'seconds, seed':<44} {time.monotonic() - began:>10.0f}   {seed}")  # noqa: T201
        for line in trouble(run.known.folder / "log"):
            print("log:", line)  # noqa: T201
    for kind, found in findings.faults.items():
        for what in sorted(found)[:20]:
            print(f"{kind}: {what}")  # noqa: T201
    return not any(findings.faults.values())


def main() -> int:
    """Print the table; 1 if anything was lost, doubled or does not verify."""
    arguments = argparse.ArgumentParser(description="Kill Lampkeeper at random moments, and see what comes of it.")
    arguments.add_argument("--times", type=int, default=TIMES, help="How often.")
    arguments.add_argument("--seed", type=int, default=1, help="What is said, pressed and hit follows from it.")
    chosen = arguments.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    return 0 if asyncio.run(_main(chosen.times, chosen.seed)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
