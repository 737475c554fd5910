"""The tree of errors: each message says what happened, each remedy what to do. Leans on nothing.

::

    LampkeeperError
    ├── ConfigError        a key, a value or a token in the configuration
    ├── TranscriptError    a transcript file cannot be read at all
    ├── PluginError        an installed package offers signals that cannot be used
    ├── ModelError         the model artefact is missing, damaged or of another version
    ├── StoreError         the database is locked, full, damaged or of another version
    │   └── StoreInUseError    ... or another Lampkeeper has it open, and watches
    ├── VaultError         master key or keyring is missing, readable by others, or not what this data was sealed with
    ├── ExportError        a case cannot be exported as asked, or an exported file cannot be read
    ├── AuditError         the audit cannot be verified or signed, or is not what was signed
    ├── ClockError         the machine's clock is in doubt, and what cannot be brought back waits
    ├── SubmissionError    a report to NCMEC cannot be laid down, confirmed, sent or taken back as things stand
    └── PlatformError      a platform refused: token revoked, permission or channel missing
        └── TryLater       ... for now only: delivery is tried again

No error ever carries message text or a person's name.
"""

from __future__ import annotations

from typing import Literal

Limit = Literal["post", "edit", "look"]
"""What a platform limits for itself: to post in a space, to edit what is posted, to look for what may be posted."""


class LampkeeperError(Exception):
    """Something a person can mend. `what` happened, and the `remedy`, each one sentence."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy


class ConfigError(LampkeeperError):
    """A key, a value or a token in the configuration is wrong or missing."""


class TranscriptError(LampkeeperError):
    """A transcript file cannot be read at all (a bad line in a good file is skipped and counted instead)."""


class PluginError(LampkeeperError):
    """An installed package offers signals that cannot be loaded, or are not what they should be."""


class ModelError(LampkeeperError):
    """The model artefact is missing, damaged or of another version."""


class StoreError(LampkeeperError):
    """The database cannot be opened, read or written."""


class StoreInUseError(StoreError):
    """Another Lampkeeper has the database open: that one watches, and this one must not say otherwise."""


class VaultError(LampkeeperError):
    """Master key or keyring is missing, unsafe, or does not fit the data."""


class ExportError(LampkeeperError):
    """A case cannot be exported as asked, or what was exported cannot be read."""


class AuditError(LampkeeperError):
    """The audit cannot be verified or signed, or is not what was signed."""


class ClockError(LampkeeperError):
    """The machine's clock is in doubt, so that nothing is deleted because its time is up."""


class SubmissionError(LampkeeperError):
    """A report to an authority cannot be laid down, confirmed, sent or taken back as things stand."""


class PlatformError(LampkeeperError):
    """A platform refused, and asking again will not help until someone acts."""


class TryLater(PlatformError):  # noqa: N818 - it says what to do
    """A platform refused for now; `seconds` is when to try again, if it said.

    `limit` is what it refused more of, where it limits one kind of request and not all of them.
    """

    def __init__(self, what: str, remedy: str = "", seconds: float | None = None, limit: Limit | None = None) -> None:
        super().__init__(what, remedy)
        self.seconds = seconds
        self.limit = limit
