"""The record of a case as it is, in JSON: what another program reads. docs/case_record.md is its schema."""

from __future__ import annotations

from core.export import ExportFile, Reporter, file_name
from core.export.archive import record_json
from core.export.record import CaseRecord


def plain(record: CaseRecord, _reporter: Reporter) -> list[ExportFile]:
    """Return the record in one file.

    >>> from core.export.example import example
    >>> file, = plain(example(), Reporter())
    >>> CaseRecord.model_validate_json(file.data) == example()
    True
    """
    return [ExportFile(file_name(record.case, ".json"), "application/json", record_json(record))]
