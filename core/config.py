"""The configuration: one TOML file and a few environment variables, read into frozen models.

Leans on pydantic for types and bounds. `config.example.toml` explains every key; a test holds the two together.
Secrets come from the environment where it has them, so that a config file can be shared. What is wrong is named with
its line and what was expected, never with its value: it may be a token.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from core.casework.exposure import LIMIT
from core.casework.reminders import LADDER, How, Rung
from core.config_problems import problem
from core.errors import ConfigError
from core.export import Reporter
from core.messages import AgeBand
from core.policy import Thresholds
from core.retention.keeping import Keep
from core.signals.own import OwnSignal

DEFAULT = Path("config.toml")
ENVIRONMENT = {
    "LAMPKEEPER_MASTER_KEY": ("storage", "master_key"),
    "LAMPKEEPER_DISCORD_TOKEN": ("discord", "token"),
    "LAMPKEEPER_SLACK_BOT_TOKEN": ("slack", "bot_token"),
    "LAMPKEEPER_SLACK_APP_TOKEN": ("slack", "app_token"),
    "LAMPKEEPER_SLACK_SIGNING_SECRET": ("slack", "signing_secret"),
    "LAMPKEEPER_SLACK_CLIENT_SECRET": ("slack", "client_secret"),
    "LAMPKEEPER_CYBERTIP_USERNAME": ("cybertipline", "username"),
    "LAMPKEEPER_CYBERTIP_PASSWORD": ("cybertipline", "password"),
}
"""Variable -> the key it stands for, where the file has that section; it wins over the file."""

PLATFORMS = ("discord", "slack")
"""Sections that a token alone is enough for."""
TOKENS = ("LAMPKEEPER_DISCORD_TOKEN", "LAMPKEEPER_SLACK_BOT_TOKEN")
"""The variables that name a platform to be served without a file."""

DiscordId = Annotated[int, Field(gt=0, lt=1 << 64)]
"""A snowflake (https://discord.com/developers/docs/reference#snowflakes)."""
ChannelId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
RoleId = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
UsergroupId = Annotated[str, Field(pattern=r"^S[A-Z0-9]+$")]
"""A Slack usergroup, as in S0123456789."""
TeamId = Annotated[str, Field(pattern=r"^T[A-Z0-9]+$")]
"""A Slack workspace, as in T0123456789."""
PersonId = Annotated[str, Field(pattern=r"^[a-z]+:\S+$")]
"""A person on a platform, as in discord:123."""
PublicUrl = Annotated[str, Field(pattern=r"^https://[^\s/?#]+(/[^\s?#]*)?$", max_length=200)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1."""
Probability = Annotated[float, Field(gt=0, lt=1)]
Mode = Literal["live", "shadow"]


def _full_path(path: Path) -> Path:
    return path.expanduser()


FilePath = Annotated[Path, AfterValidator(_full_path)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Storage(_Section):
    """Where things are kept, and for how long.

    The master key is the environment's, else `key_command`'s, else that of `key_file`; `keyring` is beside that by
    default. `master_key` is there for the environment.
    """

    database: FilePath = Path("lampkeeper.db")
    key_file: FilePath = Path("lampkeeper.key")
    audit_heads: FilePath | None = None
    keyring: FilePath | None = None
    key_command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    master_key: SecretStr | None = None
    keep_text_days: float = Field(default=7, gt=0, le=90)
    keep_audit_days: float = Field(default=1095, ge=90)

    @property
    def heads(self) -> Path:
        """The file of the audit's signed heads: beside the database, unless another was named."""
        return self.audit_heads or self.database.with_name("audit-heads.jsonl")


class Alerts(_Section):
    """Whether anybody is told, and from which probability on a level is reached (None: as the model's card says)."""

    mode: Mode = "live"
    watch: Probability | None = None
    review: Probability | None = None
    urgent: Probability | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        given = [step for step in (self.watch, self.review, self.urgent) if step is not None]
        if given != sorted(given):
            raise ValueError("watch must not be above review, nor review above urgent")
        return self

    def thresholds(self, recommended: Thresholds) -> Thresholds:
        """Fill what is not given: from `recommended`, or from around `review` where only that was chosen.

        Recommendations are moved just so far that watch <= review <= urgent holds.

        >>> Alerts(urgent=.8).thresholds(Thresholds(watch=.5, review=.9, urgent=.99))
        Thresholds(watch=0.5, review=0.8, urgent=0.8)
        """
        review = self.review
        if review is None:
            review = min(max(recommended.review, self.watch or 0.0), self.urgent or 1.0)
        else:
            recommended = Thresholds.around(review)
        watch = min(recommended.watch, review) if self.watch is None else self.watch
        urgent = max(recommended.urgent, review) if self.urgent is None else self.urgent
        return Thresholds(watch=watch, review=review, urgent=urgent)


class Reminder(_Section):
    """How people are called to a case that nobody looked into for so long."""

    after_minutes: float = Field(gt=0)
    how: How


class Cases(_Section):
    """How cases are worked on, and for how many days they are kept; `four_eyes` takes two moderators."""

    four_eyes: frozenset[Literal["report", "ban"]] = frozenset()
    reminders: tuple[Reminder, ...] = tuple(Reminder(after_minutes=rung.after / 60, how=rung.how) for rung in LADDER)
    excerpt_lines_a_day: int = Field(default=LIMIT, ge=0)
    rotate_claims: bool = True
    keep_dismissed_days: float = Field(default=30, ge=0)
    keep_closed_days: float = Field(default=90, ge=0)
    keep_undecided_days: float = Field(default=180, ge=1)
    keep_cases_days: float = Field(default=730, ge=1)

    def ladder(self) -> tuple[Rung, ...]:
        """Return when people are reminded of what nobody has claimed."""
        return tuple(Rung(60 * reminder.after_minutes, reminder.how) for reminder in self.reminders)

    @model_validator(mode="after")
    def _climbing(self) -> Self:
        given = [reminder.after_minutes for reminder in self.reminders]
        if given != sorted(set(given)):
            raise ValueError("the reminders must come one after the other: each after more minutes than the one before")
        return self


class Signal(_Section):
    """One of the operator's own signals: shown on cards and counted, never weighed."""

    name: str
    meaning: str
    literals: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _usable(self) -> Self:
        self.own()
        return self

    def own(self) -> OwnSignal:
        """Return it as what is looked for."""
        return OwnSignal(self.name, self.meaning, self.literals, self.patterns)


class Helpline(_Section):
    """Whom a child or young person in `country` can call (`phone`), write to (`text`) or look up (`url`).

    `checked` is when it was last compared with the organisation's own page.
    """

    country: Country
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    phone: Annotated[str, Field(pattern=r"^[0-9+() -]{2,24}$")] | None = None
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)] | None = None
    url: Annotated[str, Field(pattern=r"^https://\S+$", max_length=200)]
    hours: Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)] | None = None
    checked: date | None = None


class Reporting(_Section):
    """Who reports a case to an authority. Nothing is needed before a case is exported; then the export names the key.

    `country` is ISO 3166-1 alpha-2; `region` a state, province or county; `service` what people know the platform as.
    """

    organisation: str = ""
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    phone: str = ""
    street: str = ""
    city: str = ""
    postal_code: str = ""
    region: str = ""
    country: str = ""
    website: str = ""
    service: str = ""

    def reporter(self) -> Reporter:
        """Return it as exports take it."""
        return Reporter(**self.model_dump())


class _Space(_Section):
    """What can be set up for one space on any platform: `mode` and `review` are as in `Alerts`, and win over it.

    What differs is how a platform names its channels and roles: where cards go, who may press (`moderator_roles`), who
    is called by urgent cards (`call_role`) and by escalated ones (`second_reviewers`), where what nobody claims is told
    besides (`second_channel`), which roles tell an age band.
    """

    mode: Mode | None = None
    review: Probability | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "en"
    country: Country | None = None


class DiscordServer(_Space):
    """One Discord server."""

    id: DiscordId
    alert_channel: DiscordId | None = None
    moderator_roles: tuple[DiscordId, ...] = ()
    second_reviewers: tuple[DiscordId, ...] = ()
    call_role: DiscordId | None = None
    second_channel: DiscordId | None = None
    ignored_channels: tuple[DiscordId, ...] = ()
    age_roles: dict[RoleId, AgeBand] = Field(default_factory=dict)


class Needed(NamedTuple):
    """A key that a section cannot do without, as it is set up, and what for."""

    key: str
    why: str


class Discord(_Section):
    """The Discord bot. `direct_messages` names the server whose moderators see DMs with the bot.

    It serves every server that it is in; `servers` sets some of them up, so far as their admins do not.
    """

    token: SecretStr | None = None
    servers: tuple[DiscordServer, ...] = ()
    direct_messages: DiscordId | None = None

    def needed(self) -> tuple[Needed, ...]:
        """Name the keys that it needs."""
        return (Needed("token", "to log in"),)

    @model_validator(mode="after")
    def _servers_are_known_once(self) -> Self:
        servers = [server.id for server in self.servers]
        if len(servers) != len(set(servers)):
            raise ValueError("two servers have the same id")
        return self


class SlackWorkspace(_Space):
    """One Slack workspace; roles are Slack's usergroups.

    Neither `moderators` (people) nor `moderator_roles` means: every member of the alert channel.
    """

    alert_channel: ChannelId | None = None
    moderators: tuple[str, ...] = ()
    moderator_roles: tuple[UsergroupId, ...] = ()
    second_reviewers: tuple[UsergroupId, ...] = ()
    call_role: UsergroupId | None = None
    second_channel: ChannelId | None = None
    ignored_channels: tuple[ChannelId, ...] = ()
    age_roles: dict[UsergroupId, AgeBand] = Field(default_factory=dict)


class Slack(SlackWorkspace):
    """The Slack app: in the one workspace of `bot_token`, in all that install it by OAuth (`client_id`), or both.

    What is set here for a workspace is for the one of `bot_token`. Over Socket Mode Slack is asked for events with
    `app_token`; over HTTP it posts them to `public_url`, which leads to `host` and `port`, signed. `teams` are the
    workspaces that may install it; None: everybody who has the link may.
    """

    bot_token: SecretStr | None = None
    connection: Literal["socket", "http"] = "socket"
    app_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    public_url: PublicUrl | None = None
    host: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = "127.0.0.1"
    port: int = Field(default=3000, ge=1, le=65535)
    client_id: Annotated[str, Field(pattern=r"^[0-9.]+$")] | None = None
    client_secret: SecretStr | None = None
    teams: Annotated[tuple[TeamId, ...], Field(min_length=1)] | None = None

    def needed(self) -> tuple[Needed, ...]:
        """Name the keys that it needs as it is set up."""
        source = (
            Needed("app_token", "for Socket Mode")
            if self.connection == "socket"
            else Needed("signing_secret", "for HTTP")
        )
        if self.client_id is None:
            return (Needed("bot_token", "to enter the workspace"), source)
        why = "to be installed in many workspaces (client_id)"
        return (Needed("client_secret", why), Needed("public_url", why), source)


class CyberTipline(_Section):
    """NCMEC's CyberTipline, for providers that NCMEC registered: its test host, unless `live`."""

    live: bool = False
    username: SecretStr | None = None
    password: SecretStr | None = None

    def needed(self) -> tuple[Needed, ...]:
        """Name the keys that it needs."""
        return (Needed("username", "to log in to NCMEC"), Needed("password", "to log in to NCMEC"))


class Config(_Section):
    """Everything."""

    storage: Storage = Storage()
    alerts: Alerts = Alerts()
    cases: Cases = Cases()
    signals: tuple[Signal, ...] = ()
    age_bands: dict[PersonId, AgeBand] = Field(default_factory=dict)
    helplines: tuple[Helpline, ...] = ()
    reporting: Reporting = Reporting()
    discord: Discord | None = None
    slack: Slack | None = None
    cybertipline: CyberTipline | None = None

    def keep(self) -> Keep:
        """Return how long things are kept."""
        return Keep(
            text=self.storage.keep_text_days,
            dismissed=self.cases.keep_dismissed_days,
            closed=self.cases.keep_closed_days,
            undecided=self.cases.keep_undecided_days,
            case=self.cases.keep_cases_days,
            audit=self.storage.keep_audit_days,
        )


def load_config(path: Path | None, environment: Mapping[str, str], *, serves: bool = False) -> Config:
    """Read the file at `path` (None: ``config.toml`` in the working directory); raises `ConfigError`.

    Where nobody names a file and there is none, a token in the environment is enough for a platform that is set up
    without one; and where no platform is to be served (`serves`), a database is, for everything else has a default.

    Relative paths in it are relative to the folder that the file is in. White space around what the environment holds
    is none of it: an editor on another system leaves a carriage return there.
    """
    environment = {name: value.strip() for name, value in environment.items() if name in ENVIRONMENT}
    text = _without_file(environment, serves=serves) if path is None and not DEFAULT.exists() else None
    path = DEFAULT if path is None else path
    text = _text_of(path) if text is None else text
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = f"at line {text.count(chr(10)) + 1}, where the file ends"
        words = str(error).replace("at end of document", place)
        raise ConfigError(f"{path} is not valid TOML: {words}.", "Compare it with config.example.toml.") from None
    for variable, (section, key) in ENVIRONMENT.items():
        if environment.get(variable) and section == "storage":
            tree.setdefault(section, {})  # it is always there
        if environment.get(variable) and isinstance(tree.get(section), dict):
            tree[section][key] = environment[variable]
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        problems = [problem(Config, text, dict(one)) for one in error.errors(include_input=False, include_url=False)]
        raise ConfigError("\n".join(f"{path}, {one}." for one in problems), _REMEDY) from None
    folder = path.resolve().parent
    places = ("database", "key_file", "keyring", "audit_heads")
    paths = {name: folder / path for name in places if (path := getattr(config.storage, name)) is not None}
    storage = config.storage.model_copy(update=paths)
    return config.model_copy(update={"storage": storage})


_REMEDY = "config.example.toml explains every key."


def _without_file(environment: Mapping[str, str], *, serves: bool) -> str:
    """Return the configuration that tokens alone stand for: the platforms' own admins set the rest up there."""
    named = (section for variable, (section, _) in ENVIRONMENT.items() if environment.get(variable))
    sections = dict.fromkeys(section for section in named if section in PLATFORMS)
    database = Storage().database
    if not sections and serves:
        raise ConfigError(
            f"There is no configuration at {DEFAULT}, and no token in the environment.",
            f"Is {' or '.join(TOKENS)} set in this terminal, as the README says? Or: Copy config.example.toml to"
            f" {DEFAULT}, and take out of it the sections of what you do not use.",
        )
    if not sections and not database.exists():
        raise ConfigError(
            f"There is neither a configuration at {DEFAULT} nor a database at {database}.",
            "Go to the folder that Lampkeeper was started in, or name its configuration with --config.",
        )
    return "".join(f"[{section}]\n" for section in sections)


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"There is no configuration at {path}.",
            "Copy config.example.toml there, and take out of it the sections of what you do not use.",
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise ConfigError(f"{path} cannot be read ({reason}).", "Check the name and the permissions.") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8.", "Save the file as UTF-8.") from None
