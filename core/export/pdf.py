"""The packet as PDF, for paper and for forms that take nothing else.

Leans on `core.export.packet`, and on WeasyPrint (extra `pdf`), which is imported when a PDF is asked for: it needs the
Pango library of the operating system. Nothing is ever fetched: every address is refused, so that no text can make this
process read a file or ask a server. The conversation lies open in it, for paper does not unfold; it begins on a page of
its own, in paragraphs: rows of a table took WeasyPrint three times as long. It takes some 7 ms and 0.15 MB for each
preserved version, so a case that would take a minute and a gigabyte is refused: as HTML it prints from any browser.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from types import ModuleType

from core.errors import ExportError
from core.export import ExportFile, Reporter, file_name
from core.export.packet import packet_page
from core.export.record import CaseRecord

PDF = "application/pdf"
EPOCH = "SOURCE_DATE_EPOCH"
LONGEST = 3_000_000
"""Signs of a page that becomes a PDF: some 5,000 preserved versions."""
INSTALL = 'Install it into Lampkeeper\'s environment (pip install "weasyprint>=70"), or take the packet as HTML.'
PANGO = (
    "On Debian and Ubuntu: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0; on others see "
    "https://doc.courtbouillon.org/weasyprint/stable/first_steps.html; or take the packet as HTML."
)


def pdf(record: CaseRecord, reporter: Reporter) -> list[ExportFile]:
    """Return the packet as PDF; ExportError if the case is too long, or WeasyPrint or its libraries missing."""
    weasyprint = _weasyprint()
    html = packet_page(record, reporter, folds=False)
    if len(html) > LONGEST:
        raise ExportError("This case is too long for a PDF.", "Take the packet as HTML, which any browser prints.")
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=())
    made = weasyprint.HTML(string=html, url_fetcher=nothing)
    with _dated(record.exported):
        return [ExportFile(file_name(record.case, "-packet.pdf"), PDF, made.write_pdf())]


@contextmanager
def _dated(time: datetime) -> Iterator[None]:
    """Have fonts dated with the record's own time: the same record gives the same bytes.

    https://reproducible-builds.org/specs/source-date-epoch/
    """
    before = os.environ.get(EPOCH)
    os.environ[EPOCH] = str(int(time.timestamp()))
    try:
        yield
    finally:
        if before is None:
            del os.environ[EPOCH]
        else:
            os.environ[EPOCH] = before


def _weasyprint() -> ModuleType:
    try:
        return import_module("weasyprint")
    except ImportError as error:
        raise ExportError("The PDF needs WeasyPrint, which is not installed.", INSTALL) from error
    except OSError as error:
        raise ExportError("WeasyPrint does not find the Pango library of the operating system.", PANGO) from error
