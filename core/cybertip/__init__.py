"""Reports to NCMEC's CyberTipline through its Reporting API: sent step by step, once, and never blindly twice.

`steps` decides what is to be done next (pure), `answers` knows what an answer means, `response` reads one, `client`
speaks HTTP, `confirmation` checks what a human typed, `submissions` carries it all out on the store. What a report says
is made by somebody else (`core.export.ncmec`); here it is bytes.

What was read where (November 2026). The page itself, https://report.cybertip.org/ispws/documentation, is public; here
only its first sections could be read, and the rest as public projects copied it down:

- The page: the two hosts, HTTPS, Basic authentication, ``GET`` and ``POST`` only; the endpoints, and that ``/submit``
  takes one XML document and opens a report.
- Nachtalb/ncmec-cybertip and Johannes-Andersen/Cybertipline-Tools (models and code lists "from the documentation", with
  its example answers): ``reportResponse`` with ``responseCode``, ``responseDescription``, ``reportId``, and for a file
  ``fileId`` and ``hash``, its MD5; ``reportDoneResponse`` with ``files/fileId``; the codes, called not exhaustive; 401
  comes with an empty body; answers carry a ``Request-ID``; XML goes as ``text/xml; charset=utf-8``.
- Boostport/ncmec-go (types generated from NCMEC's schema, tested against its test host): ``/upload`` takes a multipart
  form of ``id`` and ``file``, ``/finish`` and ``/retract`` a form of ``id``.
- Two projects' notes of the page: a report that is not finished is deleted 24 hours after it was opened or one hour
  after its last modification, whichever is later (`steps.EXPIRES`); once finished, nothing can be added or taken back.
- roostorg/coop, pull request 477: elements out of order are answered with 4100.

An answer that does not arrive is not a failure: what was asked may have been done. Only ``/submit`` cannot be asked
again then, for without its answer the report's id is not known; every later step names the report.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

NAME = "NCMEC CyberTipline"
"""To whom a case was reported, in its referrals and its record."""
TEST_HOST = "https://exttest.cybertip.org/ispws"
LIVE_HOST = "https://report.cybertip.org/ispws"


class Attachment(NamedTuple):
    """A file that goes with a report. `details_xml(report_id, file_id)` is the ``fileDetails`` document about it."""

    name: str
    data: bytes
    details_xml: Callable[[str, str], bytes]


class Report(NamedTuple):
    """A report as it is sent: the ``report`` document and its files."""

    xml: bytes
    files: tuple[Attachment, ...] = ()
