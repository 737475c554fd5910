"""What an answer of the CyberTipline means, in words for people, and what to do about it: tables.

Leans on nothing. The codes are those of https://report.cybertip.org/ispws/documentation ("Report Response"); NCMEC
calls the list not exhaustive, so a code that is not in it stops the submission until a human looks. HTTP statuses count
where an answer carries no code, as RFC 9110 defines them: 429 and 503 say that the request was not handled, any other
5xx leaves open whether it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Then = Literal["done", "later", "anew", "mend", "stop", "gone", "finished"]
"""What follows: it was done; ask again later; take the report back and begin anew; the report must be changed; a human
must act; NCMEC has no such open report (any more); or the report is finished there."""


class Meaning(NamedTuple):
    """What happened and what to do, each one sentence. `perhaps`: what was asked may have been done all the same."""

    what: str
    remedy: str
    then: Then
    perhaps: bool = False


_LATER = "It is tried again by itself."
_CREDENTIALS = "Check username and password in [cybertipline]; NCMEC's ESP team (espteam@ncmec.org) issues them."
_RIGHTS = "Ask NCMEC's ESP team (espteam@ncmec.org) to allow this account what it needs."
_CHANGE = "Correct the report, have it confirmed again, and send it then."

CODES: Mapping[int, Meaning] = {
    0: Meaning("It was done.", "", "done"),
    1000: Meaning("NCMEC's server failed.", _LATER, "later", perhaps=True),
    1100: Meaning("NCMEC could not save it.", _LATER, "later"),
    1110: Meaning("NCMEC could not take the upload.", _LATER, "later"),
    1111: Meaning("NCMEC could not take the file.", _LATER, "later"),
    1210: Meaning("NCMEC did not find what was asked for.", "Install the newest Lampkeeper; then go on.", "stop"),
    1300: Meaning("NCMEC could not save the change.", _LATER, "later"),
    2000: Meaning("NCMEC asks for username and password.", _CREDENTIALS, "stop"),
    3000: Meaning("NCMEC does not allow this account to do that.", _RIGHTS, "stop"),
    3100: Meaning("NCMEC does not allow this account to submit reports.", _RIGHTS, "stop"),
    3300: Meaning("NCMEC does not allow this account to change this report.", _RIGHTS, "stop"),
    4000: Meaning("NCMEC did not understand the request.", _CHANGE, "mend"),
    4100: Meaning("NCMEC found the report not valid.", _CHANGE, "mend"),
    4110: Meaning("NCMEC found that the report is not XML as it should be.", _CHANGE, "mend"),
    4200: Meaning("NCMEC found a file that is not as it should be.", _CHANGE, "mend"),
    5001: Meaning("NCMEC has no such report; one that is not finished in time is deleted there.", _LATER, "gone"),
    5002: Meaning("NCMEC has no such file in the report.", _LATER, "anew"),
    5101: Meaning("The report was taken back at NCMEC; one not finished in time is cancelled there.", _LATER, "gone"),
    5102: Meaning("The report is finished at NCMEC.", "", "finished"),
}
"""``responseCode`` -> its meaning."""

STATUSES: Mapping[int, Meaning] = {
    401: Meaning("NCMEC refused username or password.", _CREDENTIALS, "stop"),
    403: Meaning("NCMEC refused this account, or this machine's address.", _RIGHTS, "stop"),
    404: Meaning("NCMEC's server does not know the address.", "Install the newest Lampkeeper; then go on.", "stop"),
    408: Meaning("NCMEC's server waited too long for the request.", _LATER, "later", perhaps=True),
    413: Meaning("A file is larger than NCMEC's server takes.", _CHANGE, "mend"),
    415: Meaning("NCMEC's server did not take the kind of document.", _CHANGE, "mend"),
    429: Meaning("NCMEC asks to send less often.", _LATER, "later"),
    503: Meaning("NCMEC's server is busy or being serviced.", _LATER, "later"),
}
"""HTTP status -> its meaning, where the answer carries no code."""

_CLASSES: Mapping[int, Meaning] = {
    3: Meaning(
        "NCMEC's server pointed to another address, which is never followed with a report.",
        "See at https://report.cybertip.org whether the service moved; then go on.",
        "stop",
        perhaps=True,
    ),
    4: Meaning("NCMEC's server refused the request.", "Ask NCMEC's ESP team (espteam@ncmec.org); then go on.", "stop"),
    5: Meaning("NCMEC's server failed.", _LATER, "later", perhaps=True),
}
"""First digit of any other HTTP status -> its meaning."""

TROUBLES: Mapping[str, Meaning] = {
    "unreached": Meaning("NCMEC's server could not be reached.", f"Check the network. {_LATER}", "later"),
    "certificate": Meaning(
        "What answered at NCMEC's address could not prove that it is NCMEC, and was sent nothing.",
        "Find out what stands between this machine and the network; then go on.",
        "stop",
    ),
    "cut": Meaning("The connection broke before NCMEC's answer was here.", _LATER, "later", perhaps=True),
    "slow": Meaning("NCMEC's answer did not come in time.", _LATER, "later", perhaps=True),
    "unreadable": Meaning("NCMEC's answer could not be read.", _LATER, "later", perhaps=True),
    "incomplete": Meaning("NCMEC's answer lacked what it must hold.", _LATER, "later", perhaps=True),
    "damaged": Meaning("A file arrived at NCMEC otherwise than it was sent.", _LATER, "anew", perhaps=True),
    "interrupted": Meaning("Lampkeeper stopped before NCMEC's answer was here.", _LATER, "later", perhaps=True),
}
"""What can happen beside an answer -> its meaning."""

_UNKNOWN = Meaning(
    "NCMEC answered with a code that its documentation does not tell.",
    "Ask NCMEC's ESP team (espteam@ncmec.org) what it means; then go on.",
    "stop",
    perhaps=True,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request.

    `code` is NCMEC's, `status` HTTP's, `trouble` a key of `TROUBLES`, where there was one; `after` are the seconds to
    wait that the server asked for. `report`, `file`, `md5` and `files` are what a good answer holds, `request` the name
    that NCMEC gave the request (``Request-ID``), which helps its people to find it.
    """

    code: int | None = None
    status: int | None = None
    trouble: str | None = None
    after: float | None = None
    report: str | None = None
    file: str | None = None
    md5: str | None = None
    files: tuple[str, ...] = ()
    request: str | None = None


def meaning(outcome: Outcome) -> Meaning:
    """Say what an outcome means.

    >>> meaning(Outcome(code=5102)).then, meaning(Outcome(status=502)).perhaps, meaning(Outcome(code=77)).then
    ('finished', True, 'stop')
    """
    if outcome.trouble is not None:
        return TROUBLES[outcome.trouble]
    if outcome.code is not None:
        return CODES.get(outcome.code, _UNKNOWN)
    status = outcome.status or 0
    return STATUSES.get(status) or _CLASSES.get(status // 100, _UNKNOWN)
