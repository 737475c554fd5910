"""Speaks to the CyberTipline over HTTPS, one request at a time, and says what came of each. It never raises for that.

Leans on aiohttp, which the bots bring along. Decisions:

- NCMEC's test host, unless the caller names the live one. Nothing of a request or an answer is ever logged here.
- Each request on a connection of its own: on a kept one that the server closed meanwhile, a request breaks that never
  arrived, and nobody could tell.
- Redirects are not followed, and proxies of the environment not used: credentials and report go to NCMEC or nowhere.
- What broke before anything was sent ("unreached", "certificate") is told apart from what broke after ("cut", "slow").
- An answer's code counts more than its HTTP status; an answer without one is judged by the status.
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from dataclasses import replace
from email.utils import parsedate_to_datetime
from hashlib import md5

import aiohttp

from core.cybertip import LIVE_HOST, TEST_HOST, response
from core.cybertip.answers import Outcome, meaning
from core.errors import SubmissionError

TIMEOUT = aiohttp.ClientTimeout(total=300, sock_connect=20, sock_read=60)
"""In seconds; a transcript is uploaded in less."""
LARGEST = 1 << 16
"""Bytes of an answer; NCMEC's are under one KB."""
LARGEST_SCHEMA = 1 << 22
_XML = "text/xml; charset=utf-8"


class Client:
    """NCMEC's CyberTipline at `host`, as one ESP."""

    def __init__(
        self, username: str, password: str, host: str = TEST_HOST, timeout: aiohttp.ClientTimeout = TIMEOUT
    ) -> None:
        self.live = host == LIVE_HOST
        self._host = host
        self._timeout = timeout
        credentials = b64encode(f"{username}:{password}".encode()).decode()  # RFC 7617
        self._headers = {"Authorization": f"Basic {credentials}", "Accept": "text/xml, application/xml"}

    async def status(self) -> Outcome:
        """Ask whether the credentials are good (``GET /status``)."""
        return await self._ask("GET", "/status")

    async def schema(self) -> bytes:
        """Return the XML schema in force (``GET /xsd``); SubmissionError if it does not come."""
        outcome, document = await self._fetch("GET", "/xsd", None, None, LARGEST_SCHEMA)
        if outcome.status != 200 or outcome.trouble is not None:
            raise SubmissionError(meaning(outcome).what, meaning(outcome).remedy)
        return document

    async def submit(self, xml: bytes) -> Outcome:
        """Open a report (``POST /submit``)."""
        outcome = await self._ask("POST", "/submit", xml)
        return _incomplete(outcome) if outcome.code == 0 and outcome.report is None else outcome

    async def upload(self, report: str, name: str, data: bytes) -> Outcome:
        """Put a file to a report (``POST /upload``), and compare what arrived."""
        form = aiohttp.FormData()
        form.add_field("id", report)
        form.add_field("file", data, filename=name, content_type="application/octet-stream")
        outcome = _about(report, await self._ask("POST", "/upload", form))
        if outcome.code == 0 and outcome.file is None:
            return _incomplete(outcome)
        sent = md5(data, usedforsecurity=False).hexdigest()
        differs = outcome.code == 0 and outcome.md5 is not None and outcome.md5.lower() != sent
        return replace(outcome, trouble="damaged") if differs else outcome

    async def describe(self, report: str, xml: bytes) -> Outcome:
        """Say what a file is (``POST /fileinfo``)."""
        return _about(report, await self._ask("POST", "/fileinfo", xml))

    async def finish(self, report: str) -> Outcome:
        """Hand a report in (``POST /finish``)."""
        return _about(report, await self._ask("POST", "/finish", aiohttp.FormData({"id": report})))

    async def retract(self, report: str) -> Outcome:
        """Take back a report that is not finished (``POST /retract``)."""
        return _about(report, await self._ask("POST", "/retract", aiohttp.FormData({"id": report})))

    async def _ask(self, method: str, path: str, body: bytes | aiohttp.FormData | None = None) -> Outcome:
        """Send a request; read the answer's code, or judge by the HTTP status where it has none."""
        kind = _XML if isinstance(body, bytes) else None
        outcome, document = await self._fetch(method, path, body, kind, LARGEST)
        status = outcome.status or 0
        if outcome.trouble is not None or 300 <= status < 400:
            return outcome
        try:
            answer = response.read(document)
        except response.UnreadableError:
            return replace(outcome, trouble="unreadable") if status < 300 else outcome
        if answer.code == 0 and status >= 300:
            return outcome
        return replace(answer, status=outcome.status, after=outcome.after, request=outcome.request)

    async def _fetch(
        self, method: str, path: str, body: bytes | aiohttp.FormData | None, kind: str | None, largest: int
    ) -> tuple[Outcome, bytes]:
        """Send a request; return how that went, and the answer's body; what is longer than `largest` is no XML."""
        headers = self._headers if kind is None else self._headers | {"Content-Type": kind}
        connector = aiohttp.TCPConnector(force_close=True)
        status: int | None = None
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=self._timeout, trust_env=False) as session,
                session.request(method, self._host + path, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
                document = await _bounded(answer, largest)
                after = _seconds(answer.headers.get("Retry-After"))
                request = response.identifier(answer.headers.get("Request-ID"))
                return Outcome(status=status, after=after, request=request), document
        except aiohttp.ClientSSLError:
            return Outcome(trouble="certificate"), b""
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Outcome(trouble="unreached"), b""
        except TimeoutError:
            return Outcome(trouble="slow", status=status), b""
        except (aiohttp.ClientError, OSError):
            return Outcome(trouble="cut", status=status), b""


async def _bounded(answer: aiohttp.ClientResponse, largest: int) -> bytes:
    """Return the body, or nothing if it is longer than `largest` bytes or no XML."""
    if "xml" not in answer.content_type:
        return b""
    parts, size = [], 0
    async for part in answer.content.iter_chunked(1 << 14):
        size += len(part)
        if size > largest:
            return b""
        parts.append(part)
    return b"".join(parts)


def _seconds(retry_after: str | None) -> float | None:
    """Read ``Retry-After`` (RFC 9110, 10.2.3): seconds, or a date.

    >>> _seconds("120"), _seconds("soon"), _seconds("Wed, 21 Oct 2015 07:28:00 GMT")
    (120.0, None, 0.0)
    """
    if retry_after is None:
        return None
    if re.fullmatch("[0-9]{1,9}", retry_after):
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None


def _incomplete(outcome: Outcome) -> Outcome:
    return replace(outcome, trouble="incomplete")


def _about(report: str, outcome: Outcome) -> Outcome:
    """Take no answer for good that is about another report."""
    other = outcome.code == 0 and outcome.report not in (None, report)
    return _incomplete(outcome) if other else outcome
