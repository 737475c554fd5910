"""Reports to NCMEC when something goes wrong, at every step, on a real socket: at most one is ever finished."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import core.cybertip.submissions
import core.cybertip.turn
from core.cybertip import stored
from core.cybertip.answers import CODES, STATUSES
from core.cybertip.client import Client
from core.cybertip.log import Answered, Asked
from core.cybertip.steps import Halt, Wait
from core.cybertip.submissions import Progress
from core.errors import SubmissionError
from tests.cybertip_server import PASSWORD, USER, CyberTipServer, Fault
from tests.cybertip_stage import CASE, FIRST, TYPED, Stage, opened, served, stage
from tests.support import NOW, ROOT

STEPS = ("submit", "upload", "upload", "fileinfo", "fileinfo", "finish")
QUICK = aiohttp.ClientTimeout(total=0.3)
"""For tests in which NCMEC stays silent."""
HTML = b"<html><body>502 Bad Gateway</body></html>"
ENTITY = b'<!DOCTYPE r [<!ENTITY a "0">]><reportResponse><responseCode>&a;</responseCode></reportResponse>'
DEEP = b"<reportResponse>" + b"<a>" * 50 + b"</a>" * 50 + b"</reportResponse>"
BODIES = {
    "nothing": b"",
    "no XML": b"\x00\xff",
    "another document": b"<answer/>",
    "no code": b"<reportResponse><reportId>1</reportId></reportResponse>",
    "a code in words": b"<reportResponse><responseCode>good</responseCode></reportResponse>",
    "two codes": b"<reportResponse><responseCode>0</responseCode><responseCode>0</responseCode></reportResponse>",
    "an entity": ENTITY,
    "deep": DEEP,
    "long": b"<reportResponse><responseCode>0</responseCode>" + b" " * 200_000 + b"</reportResponse>",
    "a strange encoding": b'<?xml version="1.0" encoding="utf-99"?><reportResponse/>',
}
FAULTS: dict[str, tuple[Fault, object]] = {
    **{f"code {code}": (Fault("code", number=code), code) for code in (*CODES, 4711, -1) if code},
    **{f"HTTP {status}": (Fault("status", number=status), status) for status in (*STATUSES, 400, 500, 502, 504)},
    **{f"HTTP {status} after it was done": (Fault("status", True, status), status) for status in (500, 502, 504)},
    "redirected": (Fault("status", number=307, headers=(("Location", "https://example.org/ispws/submit"),)), 307),
    "cut before it was done": (Fault("cut"), "cut"),
    "cut after it was done": (Fault("cut", done=True), "cut"),
    **{f"answered with {name}": (Fault("body", True, text=text), "unreadable") for name, text in BODIES.items()},
    "answered with a page": (Fault("body", done=True, text=HTML, kind="text/html"), "unreadable"),
    "answered with another kind": (Fault("body", True, text=b"{}", kind="application/json"), "unreadable"),
    "answered about another report": (Fault("change", done=True, change=(("reportId", "77"),)), "incomplete"),
}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as one:
        yield one


def holds(here: Stage, progress: Progress) -> None:
    """At most one report is finished; the log says which, and with which files."""
    finished = here.server.ncmec.finished
    assert len(finished) <= 1
    assert (progress.standing.state == "finished") == bool(finished)
    if finished:
        report = here.server.ncmec.reports[finished[0]]
        assert progress.standing.report == finished[0]
        assert list(report.files) == list(progress.standing.uploaded)
        assert set(report.details) == set(report.files)


def told(progress: Progress) -> list[object]:
    """What came of each request, in order: a trouble, a code, or a status."""
    found = [entry.outcome for entry in progress.entries if isinstance(entry, Answered)]
    return [one.trouble or (one.status if one.code is None else one.code) for one in found]


@pytest.mark.parametrize("step", range(len(STEPS)))
async def test_whatever_goes_wrong_at_a_step_is_told_and_the_report_is_handed_in_once(here: Stage, step: int) -> None:
    for name, (fault, what) in FAULTS.items():
        if name == "answered about another report" and STEPS[step] == "submit":
            continue  # there is no other yet
        if fault.how == "body" and fault.text in BODIES.values() and STEPS[step] not in ("submit", "finish"):
            continue  # read by the same lines
        await here.another_case()
        submissions = await here.confirmed()
        here.server.faults = [None] * step + [fault]
        progress = await submissions.carry(here.case)
        assert told(progress)[step] == what, name
        if progress.next is not None and STEPS[step] == "submit":
            assert here.server.asked == ["submit"], name
        if what == 5102 and STEPS[step] != "submit":
            continue  # an NCMEC that says what is not so: see below
        progress = await here.to_the_end()
        assert progress.standing.state == "finished", name
        holds(here, progress)


async def test_a_report_said_to_be_finished_that_nobody_asked_to_finish_is_left_to_people(here: Stage) -> None:
    for taken_back in (True, False):
        await here.another_case()
        submissions = await here.confirmed()
        here.server.faults = [None, Fault("code", number=5102)]
        progress = await submissions.carry(here.case)
        assert isinstance(progress.next, Halt)
        assert "never asked" in progress.next.what
        if taken_back:
            assert (await submissions.retract(here.case, FIRST)).standing.state == "retracted"
        else:
            progress = await submissions.go_on(here.case, FIRST, TYPED._replace(case=here.case))
            assert progress.standing.state == "finished"
            receipt = await submissions.receipt(here.case)
            assert receipt is not None
            assert receipt["report"] == progress.standing.report


async def test_whatever_goes_wrong_when_a_report_is_taken_back_it_is_taken_back_in_the_end(here: Stage) -> None:
    for name, (fault, what) in FAULTS.items():
        await here.another_case()
        submissions = await here.confirmed()
        here.server.faults = [None, Fault("status", number=503), fault]
        await submissions.carry(here.case)
        progress = await submissions.retract(here.case, FIRST)
        assert told(progress)[2] == what, name
        if what == 5102:
            assert isinstance(progress.next, Halt)
            await submissions.retract(here.case, FIRST)
        progress = await here.to_the_end()
        assert progress.standing.state == "retracted", name
        holds(here, progress)


@pytest.mark.parametrize("done", [False, True])
async def test_silence_at_any_step_is_taken_for_perhaps(here: Stage, done: bool) -> None:
    for step in range(len(STEPS)):
        await here.another_case()
        submissions = await here.confirmed(timeout=QUICK)
        here.server.faults = [None] * step + [Fault("slow", done=done)]
        assert "slow" in told(await submissions.carry(here.case))
        progress = await here.to_the_end()
        assert progress.standing.state == "finished"
        holds(here, progress)


async def test_ncmecs_wish_to_wait_is_followed(here: Stage) -> None:
    later = datetime.now(UTC) + timedelta(hours=2)
    for header, least in (("3600", 3600), (later.strftime("%a, %d %b %Y %H:%M:%S GMT"), 7000)):
        await here.another_case()
        submissions = await here.confirmed()
        here.server.faults = [Fault("status", number=429, headers=(("Retry-After", header),))]
        progress = await submissions.carry(here.case)
        assert isinstance(progress.next, Wait)
        assert progress.next.until - here.time[0] >= least
        assert await submissions.carry_all() == [(here.case, progress)]
        here.time[0] = progress.next.until
        assert [carried.standing.state for _, carried in await submissions.carry_all()] == ["finished"]
        assert here.server.asked.count("submit") == 2


async def test_wrong_credentials_stop_it_with_what_to_do_and_it_goes_on_once_they_are_right(here: Stage) -> None:
    submissions = await here.confirmed(password="wrong")
    progress = await submissions.carry(CASE)
    assert isinstance(progress.next, Halt)
    assert "[cybertipline]" in progress.next.remedy
    assert (await submissions.carry(CASE)).next == progress.next
    assert here.server.asked == ["submit"]
    with pytest.raises(SubmissionError, match="not the id"):
        await here.submissions().go_on(CASE, FIRST, TYPED._replace(case="0"))
    await here.submissions().go_on(CASE, FIRST, TYPED)
    assert (await here.submissions().carry(CASE)).standing.state == "finished"


async def test_a_file_that_arrived_damaged_is_not_handed_in(here: Stage) -> None:
    submissions = await here.confirmed()
    here.server.faults = [None, None, Fault("change", done=True, change=(("hash", "0" * 32),))]
    progress = await submissions.carry(CASE)
    assert told(progress)[2] == "damaged"
    assert [report.state for report in here.server.ncmec.reports.values()] == ["retracted", "finished"]
    holds(here, progress)


async def test_an_opened_report_whose_id_did_not_come_is_not_opened_again_at_once(here: Stage) -> None:
    submissions = await here.confirmed()
    here.server.faults = [Fault("change", done=True, change=(("reportId", None),))]
    progress = await submissions.carry(CASE)
    assert (progress.standing.state, here.server.asked) == ("in_doubt", ["submit"])
    assert isinstance(progress.next, Wait)
    assert "may have been opened" in progress.next.why


async def test_a_report_that_ncmec_deleted_meanwhile_is_begun_anew(here: Stage) -> None:
    submissions = await here.confirmed()
    here.server.faults = [None, None, Fault("status", number=503)]
    await submissions.carry(CASE)
    here.time[0] += 26 * 3600.0
    progress = await submissions.carry(CASE)
    assert [report.state for report in here.server.ncmec.reports.values()] == ["deleted", "finished"]
    holds(here, progress)


async def test_a_closed_port_is_not_taken_for_perhaps(here: Stage) -> None:
    submissions = await here.confirmed(host="http://127.0.0.1:9/ispws")
    progress = await submissions.carry(CASE)
    assert told(progress) == ["unreached"]
    assert progress.standing.state == "confirmed"
    assert (await here.to_the_end()).standing.state == "finished"


async def test_a_server_that_cannot_prove_that_it_is_ncmec_is_told_nothing(here: Stage, tmp_path: Path) -> None:
    impostor = CyberTipServer(lambda: NOW)
    address = await impostor.start(self_signed(tmp_path))
    submissions = await here.confirmed(host=address)
    progress = await submissions.carry(CASE)
    await impostor.stop()
    assert isinstance(progress.next, Halt)
    assert "could not prove" in progress.next.what
    assert (impostor.asked, progress.standing.state) == ([], "confirmed")


async def test_no_redirect_takes_the_credentials_elsewhere(here: Stage) -> None:
    elsewhere = CyberTipServer(lambda: NOW)
    address = await elsewhere.start()
    here.server.faults = [Fault("status", number=308, headers=(("Location", f"{address}/status"),))]
    assert (await Client(USER, PASSWORD, here.address).status()).status == 308
    await elsewhere.stop()
    assert elsewhere.asked == []


async def test_two_presses_at_once_hand_one_report_in(here: Stage) -> None:
    submissions = await here.confirmed()
    both = await asyncio.gather(submissions.carry(CASE), submissions.carry(CASE))
    assert [progress.standing.state for progress in both] == ["finished", "finished"]
    assert here.server.asked == list(STEPS)


async def test_two_programs_on_one_log_cannot_both_ask(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.cybertip.turn, "PATIENCE", 0.2)
    first = await here.confirmed()
    here.server.faults = [Fault("hold", done=True)]
    carrying = asyncio.create_task(first.carry(CASE))
    await here.server.reached.wait()
    for change in (
        here.submissions().carry(CASE),
        here.submissions().retract(CASE, FIRST),
        here.submissions().go_on(CASE, FIRST, TYPED),
    ):
        with pytest.raises(SubmissionError, match="at this moment"):
            await change
    assert await here.submissions().carry_all() == []
    here.server.release.set()
    assert (await carrying).standing.state == "finished"
    assert here.server.asked == list(STEPS)


async def test_whoever_waits_a_little_for_another_program_has_their_turn(here: Stage) -> None:
    first = await here.confirmed()
    here.server.faults = [Fault("hold", done=True)]
    carrying = asyncio.create_task(first.carry(CASE))
    await here.server.reached.wait()
    second = asyncio.create_task(here.submissions().carry(CASE))
    await asyncio.sleep(0)
    here.server.release.set()
    assert [(await one).standing.state for one in (carrying, second)] == ["finished", "finished"]
    assert here.server.asked == list(STEPS)


async def test_an_entry_is_added_only_to_the_log_that_was_read(here: Stage) -> None:
    await here.confirmed()
    async with here.ledger.transaction() as tx:
        one = other = await stored.load(tx, here.ledger.vault, CASE)
        assert one is not None
        assert other is not None
        await stored.add(tx, here.ledger.vault, one, Asked(NOW, "submit"))
        with pytest.raises(SubmissionError, match="at the same moment"):
            await stored.add(tx, here.ledger.vault, other, Asked(NOW, "submit"))


@pytest.mark.parametrize("grace", [0.0, 5.0])
async def test_a_task_cancelled_at_any_moment_hands_one_report_in_at_most(
    here: Stage, grace: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.cybertip.submissions, "GRACE", grace)
    for moments in range(0, 240, 12):
        await here.another_case()
        carrying = asyncio.create_task((await here.confirmed()).carry(here.case))
        for _ in range(moments):
            await asyncio.sleep(0)
        carrying.cancel()
        with suppress(asyncio.CancelledError):
            await carrying
        progress = await here.to_the_end()
        assert progress.standing.state == "finished"
        holds(here, progress)


async def test_an_answer_on_its_way_when_lampkeeper_is_stopped_is_still_taken(here: Stage) -> None:
    submissions = await here.confirmed()
    here.server.faults = [Fault("hold", done=True)]
    carrying = asyncio.create_task(submissions.carry(CASE))
    await here.server.reached.wait()
    carrying.cancel()
    await asyncio.sleep(0)
    here.server.release.set()
    with pytest.raises(asyncio.CancelledError):
        await carrying
    progress = await submissions.progress(CASE)
    assert progress is not None
    assert (progress.standing.state, progress.standing.asked) == ("submitted", None)


CHILD = """
import asyncio, sys
from pathlib import Path
from core.cybertip.client import Client
from core.cybertip.submissions import Submissions
from core.ledger import Ledger
from core.store import open_store
from tests.cybertip_server import PASSWORD, USER
from tests.cybertip_stage import CASE
from tests.support import NOW, engine
async def main(folder, address):
    store = await open_store(folder / "lampkeeper.db", folder / "lampkeeper.key")
    await Submissions(Ledger(engine(), store, lambda: NOW), Client(USER, PASSWORD, address)).carry(CASE)
asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.parametrize(("step", "done"), [(0, False), (0, True), (1, True), (3, True), (5, False), (5, True)])
async def test_a_process_killed_while_ncmec_answers_hands_one_report_in(tmp_path: Path, step: int, done: bool) -> None:
    time = [NOW]
    async with served(time) as (server, address):
        async with opened(tmp_path, server, address, time) as here:
            await here.confirmed()
        server.faults = [None] * step + [Fault("hold", done=done)]
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, tmp_path, address, cwd=ROOT)
        await server.reached.wait()
        child.kill()
        await child.wait()
        async with opened(tmp_path, server, address, time) as here:
            before = await here.submissions().progress(CASE)
            assert before is not None
            assert before.standing.asked is not None
            progress = await here.to_the_end()
            assert told(progress)[step] == "interrupted"
            assert progress.standing.state == "finished"
            holds(here, progress)


SOMETIMES = st.sampled_from([None, None, None, *(fault for fault, _ in FAULTS.values())])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(SOMETIMES, max_size=12), take_back_after=st.integers(0, 12))
def test_whatever_goes_wrong_one_after_the_other_at_most_one_report_is_finished(
    tmp_path_factory: pytest.TempPathFactory, faults: list[Fault | None], take_back_after: int
) -> None:
    asyncio.run(_one_after_the_other(tmp_path_factory.mktemp("way"), faults, take_back_after))


async def _one_after_the_other(folder: Path, faults: list[Fault | None], take_back_after: int) -> None:
    async with stage(folder) as here:
        await here.confirmed()
        here.server.faults = list(faults)
        progress = await here.submissions().carry(CASE)
        for _ in range(take_back_after):
            if isinstance(progress.next, Wait):
                here.time[0] = progress.next.until
                progress = await here.submissions().carry(CASE)
        if take_back_after < 6 and progress.next is not None:
            await here.submissions().retract(CASE, FIRST)
        forged = any(fault is not None and fault.number in (5001, 5101, 5102) for fault in faults)
        if forged:  # an NCMEC that says what is not so cannot be believed in the end either
            assert len(here.server.ncmec.finished) <= 1
            return
        progress = await here.to_the_end()
        holds(here, progress)


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "report.cybertip.org")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "impostor.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
