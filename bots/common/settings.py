"""A space's settings: in words, each with where it comes from; and what becomes of a change that somebody asks for.

Leans on `bots.texts`, sections settings and setup. A setting is a row of `SETTINGS`, in the order in which they are
shown. Whether a channel or a role will do is for the platform's module to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol

from bots.common.here import Here
from bots.common.markup import Id
from bots.common.words import Words
from bots.texts import languages
from core.messages import AGE_BANDS, AgeBand
from core.preview import tuned

Source = Literal["here", "operator", "default"]
"""Where a setting comes from: chosen in the space itself, the operator's configuration, or neither."""
EVERYTHING = "everything"
BUDGETS = (1, 2, 5, 10, 20, 50)
"""Alerts a week to choose from."""
COUNTRIES = (
    *("AR", "AT", "AU", "BE", "BR", "CA", "CH", "DE", "DK", "ES", "FI", "FR"),
    *("GB", "IE", "IN", "IT", "MX", "NL", "NO", "NZ", "PL", "PT", "SE", "US"),
)
"""Countries that are offered by name (ISO 3166-1); any other can be typed. Discord's menus hold 25, "none" is one."""


class Settings(Protocol):
    """What holds for a space; roles are whatever the platform calls groups of people."""

    @property
    def alert_channel(self) -> Id | None:
        """Where cards go."""

    @property
    def moderator_roles(self) -> Sequence[Id]:
        """Who may press the buttons of cards."""

    @property
    def second_reviewers(self) -> Sequence[Id]:
        """Who is called for a second look."""

    @property
    def call_role(self) -> Id | None:
        """Who is called by urgent cards."""

    @property
    def second_channel(self) -> Id | None:
        """Where what nobody claims is told besides."""

    @property
    def ignored_channels(self) -> Sequence[Id]:
        """What is not read."""

    @property
    def age_roles(self) -> Mapping[str, AgeBand]:
        """Roles that tell an age."""

    @property
    def mode(self) -> str | None:
        """Whether cards are shown ("live") or only counted ("shadow"); None: as everybody's."""

    @property
    def review(self) -> float | None:
        """From which probability on a card appears; None: as everybody's."""

    @property
    def language(self) -> str:
        """The language of cards and answers."""

    @property
    def country(self) -> str | None:
        """The country whose helplines members are told of."""

    @property
    def paused_at(self) -> float | None:
        """When the last pause began, in seconds since the epoch."""

    @property
    def paused(self) -> bool:
        """Whether nothing is read now."""


class Choice(NamedTuple):
    """What to store ({}: nothing; a value of None takes a choice back), and what to say about it."""

    changes: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def _ages(here: Here, held: Settings) -> str:
    words = here.words
    bands = {band: [role for role, of in held.age_roles.items() if of == band] for band in AGE_BANDS}
    return "; ".join(f"{words.say(f'settings.band_{band}')}: {_roles(here, of)}" for band, of in bands.items() if of)


def _roles(here: Here, ids: Iterable[Id | None]) -> str:
    return ", ".join(here.words.markup.role(role) for role in ids if role is not None)


def _channels(here: Here, ids: Iterable[Id | None]) -> str:
    return ", ".join(here.words.markup.channel(channel) for channel in ids if channel is not None)


def _mode(here: Here, held: Settings) -> str:
    shadow = held.mode == "shadow" if held.mode else here.ledger.engine.shadow
    return here.words.say("settings.shadow" if shadow else "settings.live")


def threshold(here: Here, held: Settings) -> float:
    """Return from which probability on a card appears."""
    return here.ledger.engine.thresholds.review if held.review is None else held.review


SETTINGS: Mapping[str, Callable[[Here, Settings], str]] = MappingProxyType(
    {
        "alert_channel": lambda here, held: _channels(here, [held.alert_channel]),
        "moderator_roles": lambda here, held: _roles(here, held.moderator_roles),
        "second_reviewers": lambda here, held: _roles(here, held.second_reviewers),
        "call_role": lambda here, held: _roles(here, [held.call_role]),
        "second_channel": lambda here, held: _channels(here, [held.second_channel]),
        "ignored_channels": lambda here, held: _channels(here, held.ignored_channels),
        "age_roles": _ages,
        "mode": _mode,
        "review": lambda here, held: here.words.probability(threshold(here, held)),
        "language": lambda _here, held: held.language,
        "country": lambda here, held: country_name(here.words, held.country) if held.country else "",
    }
)
"""Setting -> its value in words; "" where there is none."""


def valued(here: Here, held: Settings, name: str) -> str:
    """Say the value of one setting, or what holds where there is none."""
    return SETTINGS[name](here, held) or here.words.say(f"settings.no_{name}")


def in_words(here: Here, held: Settings, name: str) -> str:
    """Say one setting: its name, its value."""
    return f"{here.words.markup.bold(here.words.say(f'settings.{name}'))}: {valued(here, held, name)}"


def all_in_words(here: Here, held: Settings, source: Callable[[str], Source]) -> list[str]:
    """Say every setting with where it comes from, and whether nothing is read now."""
    words = here.words
    lines = [
        words.say(
            "settings.line", setting=in_words(here, held, name), source=words.say(f"settings.from_{source(name)}")
        )
        for name in SETTINGS
    ]
    if held.paused and held.paused_at is not None:
        lines.append(words.say("settings.paused", since=words.markup.when(held.paused_at)))
    return lines


def review(here: Here) -> str:
    """Say from which probability on a card appears."""
    return here.words.probability(here.ledger.engine.rules_of(here.space).thresholds.review)


def country_name(words: Words, code: str) -> str:
    """Name a country, if its name is known."""
    return words.say(f"settings.country_{code.lower()}") if code in COUNTRIES else code


def toggled(setting: str, there: Sequence[Id], one: Id) -> Choice:
    """Put one role or channel in, or take it out where it is in already."""
    return Choice({setting: [other for other in there if other != one] if one in there else [*there, one]})


def age_role(held: Settings, role: Id, band: AgeBand | None) -> Choice:
    """Have a role mean an age band; without one it means none any more."""
    means = {other: of for other, of in held.age_roles.items() if other != str(role)}
    return Choice({"age_roles": means if band is None else means | {str(role): band}})


def mode(words: Words, chosen: str) -> Choice:
    """Choose whether cards are shown; say what shadow mode means."""
    return Choice({"mode": chosen}, (words.say("settings.shadow_means"),) if chosen == "shadow" else ())


def language(words: Words, chosen: str) -> Choice:
    """Choose a language that there is."""
    if chosen not in languages():
        return Choice({}, (words.say("settings.no_such_language", languages=", ".join(languages())),))
    return Choice({"language": chosen})


def country(words: Words, typed: str) -> Choice:
    """Choose a country by its two letters."""
    code = typed.strip().upper()
    if len(code) != 2 or not (code.isascii() and code.isalpha()):
        return Choice({}, (words.say("settings.no_such_country"),))
    return Choice({"country": code})


def reset(words: Words, name: str) -> Choice:
    """Take back one setting that was chosen in the space, or all of them (`EVERYTHING`)."""
    chosen = [*SETTINGS] if name == EVERYTHING else [name]
    if not set(chosen) <= SETTINGS.keys():
        return Choice({}, (words.say("settings.no_such_setting"),))
    return Choice(dict.fromkeys(chosen))


async def budget(here: Here, a_week: int) -> Choice:
    """Fit the threshold to what was seen in the space; where that is too little, the cautious one stays."""
    words, tuning, now = here.words, await tuned(here.ledger, here.space, a_week), review(here)
    if tuning.short:
        return Choice({}, (words.say("setup.budget_early", days=tuning.days, review=now),))
    if tuning.threshold is None:
        return Choice({}, (words.say("setup.budget_none", number=a_week, review=now),))
    step = tuning.threshold
    told = words.say("setup.budget_fitted", review=words.probability(step.threshold), a_week=f"{step.a_week:.1f}")
    return Choice({"review": step.threshold}, (told,))
