"""Own signals that installed packages bring along: the entry points of the group ``lampkeeper.signals``.

Leans on `core.signals.own`. A package offers them in its ``pyproject.toml`` as
``[project.entry-points."lampkeeper.signals"]``, each entry naming an iterable of `OwnSignal`. What a plug-in does wrong
is told with its name: a broken one stops the start, for a signal that is silently missing is worse.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from core.errors import PluginError
from core.signals.own import OwnSignal

GROUP = "lampkeeper.signals"


def plugged_in() -> list[OwnSignal]:
    """Load the own signals of every installed package, in the order of the entries' names.

    Raises
    ------
    PluginError
        One cannot be loaded, or is not what it should be.
    """
    return [signal for entry in sorted(entry_points(group=GROUP), key=_place) for signal in _load(entry)]


def _place(entry: EntryPoint) -> tuple[str, str]:
    return entry.name, entry.value


def _load(entry: EntryPoint) -> list[OwnSignal]:
    try:
        signals = list(entry.load())
    except Exception as error:  # whatever a plug-in raises, the operator is told which one it was
        reason = f"{error}" if isinstance(error, ValueError) else type(error).__name__
        raise _broken(entry, f"cannot be loaded ({reason})") from error
    if not all(isinstance(signal, OwnSignal) for signal in signals):
        raise _broken(entry, "holds something else than core.signals.own.OwnSignal")
    return signals


def _broken(entry: EntryPoint, what: str) -> PluginError:
    package = "" if entry.dist is None else f" of the package {entry.dist.name}"
    return PluginError(f"The plug-in {entry.name!r}{package} {what}.", "Mend it, or uninstall the package.")
