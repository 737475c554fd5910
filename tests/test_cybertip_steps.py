"""What comes next in a report's way to NCMEC, whatever happens on it: thousands of ways, against a model of NCMEC."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cybertip.answers import CODES, STATUSES, TROUBLES, Outcome, meaning
from core.cybertip.log import Answered, Asked, Confirmed, Entry, GoneOn, Planned, TakenBack, entries, plain
from core.cybertip.steps import FINAL, MOST_TRIES, Do, Halt, Standing, Wait, following, standing
from tests.cybertip_server import Ncmec

BEGUN: tuple[Entry, ...] = (
    Planned(0.0, "who", live=False, eyes=1, digest="d", files=(("a", "x"), ("b", "y"))),
    Confirmed(0.0, "who", "Name"),
)
NOT_DONE = [f"code {code}" for code, row in CODES.items() if row.then in ("later", "mend", "stop")]
NOT_DONE += [f"status {status}" for status in (*STATUSES, 302, 400, 500, 504)]
LOST = ["cut", "slow", "unreadable", "incomplete", "damaged", "code 1000", "code 4711", "status 500", "status 307"]
FAULTS = [*(f"not done, {how}" for how in [*NOT_DONE, "unreached", "certificate"]), *(f"done, {how}" for how in LOST)]
FAULTS += ["late, cut", "late, slow", "killed before", "killed after", "killed late"]
PEOPLE = ["let it go on", "take it back"]


class World:
    """NCMEC, a network, a clock and a log that grows as `core.cybertip.submissions` lets it grow."""

    def __init__(self) -> None:
        self.time = 0.0
        self.ncmec = Ncmec(lambda: self.time)
        self.log: list[Entry] = list(BEGUN)
        self.on_its_way: list[Do] = []
        self.reports: list[str | None] = []

    @property
    def now(self) -> Standing:
        return standing(self.log)

    @property
    def state(self) -> str:
        return self.now.state

    def carry(self, fault: str | None) -> None:
        """Do the next thing; the request fares as `fault` says."""
        if self.now.asked is not None:
            self.answered(Outcome(trouble="interrupted"))
        todo = following(self.now, self.time)
        if isinstance(todo, Wait):
            self.arrive()
            self.time = todo.until
        elif isinstance(todo, Do):
            self.log.append(Asked(self.time, *todo))
            outcome = self.sent(todo, self.now, fault)
            if outcome is not None:
                self.answered(outcome)

    def sent(self, todo: Do, now: Standing, fault: str | None) -> Outcome | None:
        if fault is None:
            return self.do(todo, now)
        when, _, how = fault.partition(", ")
        if when in ("done", "killed after"):
            self.do(todo, now)
        if when in ("late", "killed late"):
            self.on_its_way.append(todo)
            self.reports.append(now.report)
        return outcome(how) if how else None

    def arrive(self) -> None:
        """Let what was still on its way reach NCMEC."""
        for todo, report in zip(self.on_its_way, self.reports, strict=True):
            self.do(todo, Standing(report=report, uploaded=("gone",) * 9))
        self.on_its_way, self.reports = [], []

    def do(self, todo: Do, now: Standing) -> Outcome:
        report = now.report or ""
        answer: dict[str, Any] = {
            "submit": lambda: self.ncmec.submit(b"xml"),
            "upload": lambda: self.ncmec.upload(report, b"%d" % todo.file),
            "describe": lambda: self.ncmec.describe(report, now.uploaded[todo.file], b"xml"),
            "finish": lambda: self.ncmec.finish(report),
            "retract": lambda: self.ncmec.retract(report),
        }[todo.step]()
        return Outcome(code=answer["responseCode"], report=answer.get("reportId"), file=answer.get("fileId"))

    def answered(self, outcome: Outcome) -> None:
        says = meaning(outcome)
        self.log.append(Answered(self.time, outcome, says.then, says.perhaps))

    def person(self, does: str) -> None:
        """Somebody lets it go on, or takes it back; where NCMEC has to be asked, it is."""
        if self.now.asked is not None:
            self.answered(Outcome(trouble="interrupted"))
        now, todo = self.now, following(self.now, self.time)
        if does == "take it back" and now.state not in FINAL:
            self.log.append(TakenBack(self.time, "who"))
        if does == "let it go on" and isinstance(todo, Halt | Wait):
            if now.finish_doubt and now.report in self.ncmec.finished:  # NCMEC's people said so: it is left as it is
                return
            if now.finish_doubt:  # whoever asks NCMEC's people does it when nothing is on its way any more
                self.arrive()
            if now.report not in self.ncmec.finished:
                self.log.append(GoneOn(self.time, "who", "Name"))

    def to_the_end(self) -> None:
        """Nothing goes wrong any more, and people let it go on wherever they are asked to."""
        for _ in range(60):
            if self.now.state in FINAL:
                return
            self.carry(None)
            if isinstance(following(self.now, self.time), Halt):
                self.person("let it go on")


def outcome(how: str) -> Outcome:
    kind, _, number = how.partition(" ")
    if kind == "code":
        return Outcome(code=int(number))
    return Outcome(status=int(number)) if kind == "status" else Outcome(trouble=kind)


def holds(world: World) -> None:
    """At most one report is finished, and if the log says that one is, it is that one, with the files of the log.

    Of the reports whose id is known no other is open than the one at hand.
    """
    finished = world.ncmec.finished
    assert len(finished) <= 1
    now = world.now
    known = {entry.outcome.report for entry in world.log if isinstance(entry, Answered)} - {None, now.report}
    assert all(world.ncmec.reports[str(number)].state != "open" for number in known)
    if now.state == "finished":
        assert finished == [now.report]
        report = world.ncmec.reports[finished[0]]
        assert list(report.files) == list(now.uploaded)
        assert set(report.details) == set(report.files)
        assert list(report.files.values()) == [b"0", b"1"]
    elif finished:
        assert now.finish_doubt or (now.asked is not None and now.asked.step == "finish")
    assert entries(plain(world.log)) == world.log


def test_a_report_whose_every_step_goes_well_is_finished_in_order() -> None:
    world = World()
    world.to_the_end()
    asked = [entry.step for entry in world.log if isinstance(entry, Asked)]
    assert asked == ["submit", "upload", "upload", "describe", "describe", "finish"]
    holds(world)
    assert world.state == "finished"


@settings(max_examples=120, deadline=None)
@given(st.lists(st.sampled_from([None, None, *FAULTS, *PEOPLE, "a day passes", "arrives"]), max_size=25))
def test_whatever_happens_at_most_one_report_is_finished_and_the_log_says_which(events: Sequence[str | None]) -> None:
    world = World()
    for event in events:
        if event in PEOPLE:
            world.person(event)
        elif event == "a day passes":
            world.arrive()
            world.time += 26 * 3600.0
        elif event == "arrives":
            world.arrive()
        else:
            world.carry(event)
        holds(world)
    world.arrive()
    world.to_the_end()
    holds(world)
    assert world.state in FINAL
    taken_back = any(isinstance(entry, TakenBack) for entry in world.log)
    assert (world.state == "finished") == (len(world.ncmec.finished) == 1)
    assert world.state == "finished" or taken_back


@pytest.mark.parametrize("fault", ["done, cut", "killed after", "late, slow", "done, status 502", "done, code 1000"])
def test_a_report_that_may_have_been_opened_is_not_sent_again_before_ncmec_has_deleted_it(fault: str) -> None:
    world = World()
    world.carry(fault)
    world.carry(None)
    assert world.state == "in_doubt"
    assert all(world.ncmec.retract(number)["responseCode"] == 5001 for number in world.ncmec.reports)
    assert [entry.step for entry in world.log if isinstance(entry, Asked)] == ["submit"]
    world.to_the_end()
    holds(world)
    assert world.state == "finished"


def test_a_report_that_was_laid_down_anew_still_waits_for_the_one_that_may_be_open() -> None:
    world = World()
    world.carry("done, cut")
    world.person("take it back")
    world.log.extend(BEGUN)
    assert isinstance(following(world.now, world.time), Wait)


def test_what_may_be_open_at_the_test_host_does_not_hold_up_the_live_one() -> None:
    world = World()
    world.carry("done, cut")
    world.person("take it back")
    world.log.extend([Planned(1.0, "who", live=True, eyes=1, digest="d", files=()), BEGUN[1]])
    assert following(world.now, world.time) == Do("submit")


def test_a_person_who_asked_ncmec_may_send_it_at_once() -> None:
    world = World()
    world.carry("done, cut")
    world.person("let it go on")
    assert following(world.now, world.time) == Do("submit")


def test_a_file_that_may_have_arrived_twice_is_not_reported_twice() -> None:
    world = World()
    world.carry(None)
    world.carry("done, cut")
    world.to_the_end()
    assert [report.state for report in world.ncmec.reports.values()] == ["retracted", "finished"]
    holds(world)


@pytest.mark.parametrize("fault", ["done, damaged", "not done, code 5002", "done, cut", "not done, code 4100"])
def test_a_report_that_is_no_good_is_taken_back_before_another_is_opened(fault: str) -> None:
    world = World()
    for before in (None, None, None, fault, None):
        world.carry(before)
        holds(world)
    world.to_the_end()
    holds(world)
    if fault != "done, cut":  # said twice, what a file is stays the same
        assert [report.state for report in world.ncmec.reports.values()] == ["retracted", "finished"]


def test_a_finish_without_an_answer_is_asked_again_and_found_done() -> None:
    world = World()
    for _ in range(5):
        world.carry(None)
    world.carry("done, cut")
    assert world.state == "described"
    world.to_the_end()
    assert world.state == "finished"
    last = world.log[-1]
    assert isinstance(last, Answered)
    assert last.outcome.code == 5102


def test_a_report_gone_after_a_finish_without_an_answer_is_left_to_a_person() -> None:
    world = World()
    for _ in range(5):
        world.carry(None)
    world.carry("late, cut")
    world.on_its_way.clear()
    world.reports.clear()
    world.time += 26 * 3600.0
    world.carry(None)
    todo = following(world.now, world.time)
    assert isinstance(todo, Halt)
    assert "finish" in todo.what


def test_a_report_that_is_not_valid_is_taken_back_and_waits_for_people() -> None:
    world = World()
    for _ in range(3):
        world.carry(None)
    world.carry("not done, code 4100")
    world.carry(None)
    assert (world.state, [report.state for report in world.ncmec.reports.values()]) == ("refused", ["retracted"])
    assert isinstance(following(world.now, world.time), Halt)


def test_each_try_waits_longer_and_as_long_as_ncmec_asks_until_people_are_asked() -> None:
    world = World()
    world.carry(None)
    waits = []
    for _ in range(MOST_TRIES - 1):
        before = world.time
        world.carry("not done, status 503")
        world.carry(None)
        waits.append(world.time - before)
    assert all(earlier <= later for earlier, later in pairwise(waits))
    assert waits[0] < waits[3]
    world.carry("not done, status 503")
    assert isinstance(following(world.now, world.time), Halt)
    world.person("let it go on")
    world.log += [
        Asked(world.time, "upload", 0),
        Answered(world.time, Outcome(status=429, after=7200.0), "later", False),
    ]
    assert following(world.now, world.time) == Wait(world.time + 7200.0, STATUSES[429].what)


def test_nothing_is_sent_before_as_many_people_as_are_asked_for_confirmed() -> None:
    planned = Planned(0.0, "who", live=False, eyes=2, digest="d", files=())
    log: list[Entry] = [planned, Confirmed(0.0, "one", "One")]
    assert isinstance(following(standing(log), 0.0), Halt)
    log.append(Confirmed(0.0, "two", "Two"))
    assert following(standing(log), 0.0) == Do("submit")


def test_every_meaning_says_what_happened_and_what_to_do() -> None:
    for row in (
        *CODES.values(),
        *STATUSES.values(),
        *TROUBLES.values(),
        meaning(Outcome(code=4711)),
        meaning(Outcome()),
    ):
        assert row.what.endswith(".")
        assert row.remedy.endswith(".") or row.then in ("done", "finished")


@pytest.mark.parametrize("between", [(), ("take it back",)])
def test_a_doubt_about_the_one_host_outlasts_a_report_to_the_other(between: Sequence[str]) -> None:
    other = Planned(1.0, "who", live=not standing(BEGUN).live, eyes=1, digest="d", files=())
    world = World()
    world.carry("done, cut")
    world.person("take it back")
    world.log.append(other)
    for deed in between:
        world.person(deed)
    world.log.extend(BEGUN)
    assert isinstance(following(world.now, world.time), Wait)


def test_a_request_that_was_never_answered_is_a_doubt_though_the_report_was_laid_down_anew() -> None:
    asked = Asked(10.0, "submit")
    now = standing([*BEGUN, asked, TakenBack(11.0, "who"), *BEGUN])
    assert isinstance(following(now, 12.0), Wait)
