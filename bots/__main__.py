"""The console command `lampkeeper`: runs `bots.cli` and turns whatever goes wrong into one sentence and an exit status.

===  ================================================================================
0    everything was done
1    something was wrong that the sentence on standard error (or the output) tells
2    the command line was wrong
130  stopped by Ctrl-C; what was done until then is kept
===  ================================================================================

Where the reader of the output leaves (`lampkeeper demo | head`), rich ends the program quietly.
"""

from __future__ import annotations

import sys
from typing import NoReturn

STOPPED = 130


def main() -> NoReturn:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal that lacks a sign shows "?"
    try:
        status = _run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("Stopped by Ctrl-C; what was done until then is kept.\n")
        status = STOPPED
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    # Imported here so that Ctrl-C finds `main` waiting for it from the first moment on.
    from cyclopts import CycloptsError  # noqa: PLC0415

    from bots.cli import app  # noqa: PLC0415
    from core.errors import LampkeeperError  # noqa: PLC0415

    try:
        status = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        _complain(f"{error} `lampkeeper --help` and `lampkeeper COMMAND --help` show what is possible.")
        return 2
    except LampkeeperError as error:
        _complain(str(error))
        return 1
    return status if isinstance(status, int) else 0


def _complain(sentence: str) -> None:
    from bots.terminal import complain  # noqa: PLC0415 - rich is not needed until something went wrong

    complain(sentence)


if __name__ == "__main__":
    main()
