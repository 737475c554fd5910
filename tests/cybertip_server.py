"""The tests' own CyberTipline: NCMEC's Reporting API on a real socket, as `core.cybertip` says it is documented.

`Ncmec` keeps the reports; `CyberTipServer` speaks HTTP for it and fails as it is told: before or after what was asked
is done, by a code, a status, a broken connection, silence, or nonsense. Documents are held against `ncmec/ispws.xsd`.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import ssl
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import xmlschema
from aiohttp import web

XSD = Path(__file__).parent / "ncmec" / "ispws.xsd"
USER, PASSWORD = "provider", "password-of-provider"
HOUR = 3600.0
Answer = dict[str, Any]


@cache
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(XSD)


@dataclass
class Filed:
    """A report at NCMEC. `state`: open, finished, retracted or deleted."""

    xml: bytes
    opened: float
    modified: float
    state: str = "open"
    files: dict[str, bytes] = field(default_factory=dict)
    details: dict[str, bytes] = field(default_factory=dict)


class Ncmec:
    """The reports, and what may be done to them. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.reports: dict[str, Filed] = {}
        self._numbers = itertools.count(4564654)

    @property
    def finished(self) -> list[str]:
        return [number for number, report in self.reports.items() if report.state == "finished"]

    def submit(self, xml: bytes) -> Answer:
        number, now = str(next(self._numbers)), self.clock()
        self.reports[number] = Filed(xml, now, now)
        return {"responseCode": 0, "responseDescription": "Success", "reportId": number}

    def upload(self, number: str, data: bytes) -> Answer:
        report = self._open(number)
        if isinstance(report, dict):
            return report
        name = hashlib.sha256(f"{number} {len(report.files)}".encode()).hexdigest()[:32]
        report.files[name] = data
        report.modified = self.clock()
        md5 = hashlib.md5(data).hexdigest()
        return {"responseCode": 0, "responseDescription": "Success", "reportId": number, "fileId": name, "hash": md5}

    def describe(self, number: str, name: str, xml: bytes) -> Answer:
        report = self._open(number)
        if isinstance(report, dict):
            return report
        if name not in report.files:
            return said(5002, "File does not exist")
        report.details[name] = xml
        report.modified = self.clock()
        return {"responseCode": 0, "responseDescription": "Success", "reportId": number}

    def finish(self, number: str) -> Answer:
        report = self._open(number)
        if isinstance(report, dict):
            return report
        report.state = "finished"
        return {"responseCode": 0, "reportId": number, "files": list(report.files)}

    def retract(self, number: str) -> Answer:
        report = self._open(number)
        if isinstance(report, dict):
            return report
        report.state = "retracted"
        return {"responseCode": 0, "responseDescription": "Success", "reportId": number}

    def _open(self, number: str) -> Filed | Answer:
        """Return the report if it is open, or else what NCMEC says instead."""
        report, now = self.reports.get(number), self.clock()
        if (
            report is not None
            and report.state == "open"
            and now > max(report.opened + 24 * HOUR, report.modified + HOUR)
        ):
            report.state = "deleted"
        if report is None or report.state == "deleted":
            return said(5001, "Report does not exist")
        if report.state == "retracted":
            return said(5101, "Report already retracted")
        return said(5102, "Report already finished") if report.state == "finished" else report


def said(code: int, words: str) -> Answer:
    return {"responseCode": code, "responseDescription": words}


@dataclass(frozen=True)
class Fault:
    """How a request goes wrong: `how`, before what was asked is done, or after (`done`).

    code: NCMEC's `number` · status: HTTP's `number`, with `headers` · cut: the connection breaks · slow: no answer ·
    hold: no answer until `CyberTipServer.release` · body: `text` as `kind` · change: parts of the good answer replaced.
    """

    how: str
    done: bool = False
    number: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    text: bytes = b""
    kind: str = "text/xml"
    change: tuple[tuple[str, str | None], ...] = ()


class CyberTipServer:
    """Serves `ncmec`. `faults` befall the coming requests, in order (None: that one goes well)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.ncmec = Ncmec(clock)
        self.faults: list[Fault | None] = []
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.reached = asyncio.Event()
        self.release = asyncio.Event()
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/ispws/{step}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def start(self, tls: ssl.SSLContext | None = None) -> str:
        """Listen; return the address."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = self._runner.addresses[0][1]
        return f"{'https' if tls else 'http'}://127.0.0.1:{port}/ispws"

    async def stop(self) -> None:
        self.release.set()
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        step = request.match_info["step"]
        form = request.content_type == "multipart/form-data"  # whose body can be read once
        body = b"" if form and await request.post() else await request.read()
        self.asked.append(step)
        self.headers.append(dict(request.headers))
        if request.headers.get("Authorization") != _basic():
            return web.Response(status=401)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and not fault.done:
            return await self._fail(request, fault, {})
        if step == "xsd":
            return web.Response(body=XSD.read_bytes(), content_type="application/xml")
        answer = await self._done(step, request, body)
        return _xml(answer) if fault is None else await self._fail(request, fault, answer)

    async def _done(self, step: str, request: web.Request, body: bytes) -> Answer:
        method = getattr(self, f"_{step}", None) if (step == "status") == (request.method == "GET") else None
        if method is None:
            return said(1210, "Resource not found")
        answer: Answer = await method(request, body)
        return answer

    async def _status(self, _request: web.Request, _body: bytes) -> Answer:
        return said(0, f"Remote User : {USER}")

    async def _submit(self, request: web.Request, body: bytes) -> Answer:
        return _invalid("report", request, body) or self.ncmec.submit(body)

    async def _upload(self, request: web.Request, _body: bytes) -> Answer:
        form = await request.post()
        file = form.get("file")
        if not isinstance(file, web.FileField):
            return said(4200, "Malformed file submittal")
        return self.ncmec.upload(str(form.get("id")), file.file.read())

    async def _fileinfo(self, request: web.Request, body: bytes) -> Answer:
        if wrong := _invalid("fileDetails", request, body):
            return wrong
        root = ET.fromstring(body)
        return self.ncmec.describe(root.findtext("reportId", ""), root.findtext("fileId", ""), body)

    async def _finish(self, request: web.Request, _body: bytes) -> Answer:
        return self.ncmec.finish(str((await request.post()).get("id")))

    async def _retract(self, request: web.Request, _body: bytes) -> Answer:
        return self.ncmec.retract(str((await request.post()).get("id")))

    async def _fail(self, request: web.Request, fault: Fault, answer: Answer) -> web.StreamResponse:
        match fault.how:
            case "code":
                return _xml(said(fault.number, "As the test wants it"), fault.headers)
            case "status":
                return web.Response(status=fault.number, headers=dict(fault.headers))
            case "body":
                return web.Response(body=fault.text, headers={"Content-Type": fault.kind})
            case "change":
                changed = {name: value for name, value in {**answer, **dict(fault.change)}.items() if value is not None}
                return _xml(changed)
            case "cut":
                assert request.transport is not None
                request.transport.abort()
            case "slow" | "hold":
                self.reached.set()
                await self.release.wait()
        return _xml(answer or said(1000, "Server error"))


def _basic() -> str:
    return f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"


def _invalid(root: str, request: web.Request, body: bytes) -> Answer | None:
    """Return what is wrong with a document; its elements, their order and their values, as NCMEC's schema has them."""
    if request.content_type not in ("text/xml", "application/xml"):
        return said(4000, "Invalid request")
    try:
        found = ET.fromstring(body).tag
    except ET.ParseError:
        return said(4110, "Malformed XML submittal")
    if found != root or not schema().is_valid(body.decode()):
        return said(4100, "Validation failed")
    return None


def _xml(answer: Answer, headers: tuple[tuple[str, str], ...] = ()) -> web.Response:
    """Write an answer as NCMEC does: ``reportDoneResponse`` for finish, ``reportResponse`` for all else."""
    root = ET.Element("reportDoneResponse" if "files" in answer else "reportResponse")
    for name, value in answer.items():
        element = ET.SubElement(root, name)
        if name == "files":
            for file in value:
                ET.SubElement(element, "fileId").text = file
        else:
            element.text = str(value)
    body = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return web.Response(
        body=body, headers={"Content-Type": "text/xml;charset=UTF-8", "Request-ID": "r-1"} | dict(headers)
    )
