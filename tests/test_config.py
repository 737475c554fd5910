"""The configuration: the example explains all of it; every mistake is told with its line and what would be right."""

import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from core.config import ENVIRONMENT, PLATFORMS, Alerts, Config, Slack, load_config
from core.errors import ConfigError
from core.model import load_model
from core.policy import Thresholds

SERVER = "[[discord.servers]]\nid = 1\nalert_channel = 2\n"
EXAMPLE = Path(__file__).parent.parent / "config.example.toml"


@pytest.fixture
def written(tmp_path):
    """Write a configuration; the returned function gives its path."""

    def write(text):
        path = tmp_path / "config.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def secret(token):
    return token.get_secret_value()


def complaint(path, environment=None):
    with pytest.raises(ConfigError) as caught:
        load_config(path, environment or {})
    return str(caught.value)


def keys(model, prefix=""):
    """Every key that a configuration can have, sections not counted."""
    for name, field in model.model_fields.items():
        inner = [kind for kind in _kinds(field.annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if inner:
            yield from keys(inner[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _kinds(annotation):
    yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _kinds(argument)


def uncommented():
    """The example with the keys that it comments out switched on."""
    lines = EXAMPLE.read_text().splitlines()
    return "\n".join(
        line.removeprefix("# ") if line.startswith("# ") and (" = " in line or line.startswith("# [")) else line
        for line in lines
    )


def test_the_example_loads_as_it_is():
    config = load_config(EXAMPLE, {})
    assert config.discord
    assert config.slack
    assert config.storage == Config().storage.model_copy(
        update={"database": EXAMPLE.parent / "lampkeeper.db", "key_file": EXAMPLE.parent / "lampkeeper.key"}
    )


def test_the_example_loads_with_everything_switched_on(written):
    config = load_config(written(uncommented()), {})
    assert config.discord
    assert secret(config.discord.token) == "..."


def test_the_example_shows_the_thresholds_that_the_model_recommends(written):
    recommended = load_model().thresholds
    shown = load_config(written(uncommented()), {}).alerts
    assert (shown.watch, shown.review, shown.urgent) == (recommended.watch, recommended.review, recommended.urgent)


def test_the_example_shows_every_key_and_a_comment_before_it():
    text = uncommented()
    for key in keys(Config):
        where = tomllib.loads(text)
        for part in key.split("."):
            where = where[0] if isinstance(where, list) else where
            assert part in where, f"{key} is not in config.example.toml"
            where = where[part]
    lines = EXAMPLE.read_text().splitlines()
    for before, line in pairwise(lines):
        if line.split(" = ")[0].isidentifier():
            assert before.startswith("# "), f"nothing explains {line}"


def test_nothing_needs_to_be_written(written):
    config = load_config(written(""), {})
    assert (config.discord, config.slack, config.storage.keep_text_days) == (None, None, 7)


def test_paths_are_relative_to_the_file(written, tmp_path):
    path = written('[storage]\ndatabase = "data/lamp.db"\nkey_file = "/etc/lamp.key"')
    storage = load_config(path, {}).storage
    assert (storage.database, storage.key_file) == (tmp_path / "data/lamp.db", Path("/etc/lamp.key"))


def test_tokens_come_from_the_environment_first_and_never_show(written):
    path = written(f'[discord]\ntoken = "from-file"\n{SERVER}[slack]\nbot_token = "from-file"\nalert_channel = "C1"')
    config = load_config(path, dict.fromkeys(ENVIRONMENT, "from-environment"))
    assert config.discord
    assert config.slack
    tokens = (config.discord.token, config.slack.bot_token, config.slack.app_token)
    assert [secret(token) for token in tokens] == ["from-environment"] * 3
    assert "from-environment" not in repr(config)


def test_an_empty_variable_is_no_token(written):
    discord = load_config(written("[discord]\n" + SERVER), {"LAMPKEEPER_DISCORD_TOKEN": ""}).discord
    assert discord
    assert discord.token is None


@pytest.mark.parametrize(
    ("variable", "section"), [(name, section) for name, (section, _) in ENVIRONMENT.items() if section in PLATFORMS]
)
def test_where_there_is_no_file_a_token_is_enough(variable, section, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_config(None, {variable: "token"})
    assert [name for name in PLATFORMS if getattr(config, name) is not None] == [section]


def test_a_token_alone_does_not_switch_a_platform_on(written):
    assert load_config(written(""), dict.fromkeys(ENVIRONMENT, "token")).discord is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[storage]\n\nkeep_text_day = 7",
            "line 3: the key 'storage.keep_text_day' is not known (did you mean 'keep_text_days'?)",
        ),
        ("[slak]\nbot_token = 'x'", "line 1: the key 'slak' is not known (did you mean 'slack'?)"),
        ("[alerts]\nzzz = 1", "line 2: the key 'alerts.zzz' is not known (known here: mode, review, urgent, watch)"),
        (
            "[discord]\n" + SERVER + "# two\n[[discord.servers]]\nid = 3\nalert_chanel = 4",
            "line 8: the key 'discord.servers[1].alert_chanel' is not known (did you mean 'alert_channel'?)",
        ),
        ("discord = { tokn = 'x' }", "line 1: the key 'discord.tokn' is not known (did you mean 'token'?)"),
        ("[[discord.servers]]\nalert_channel = 1", "line 1: 'discord.servers[0].id' is missing"),
        ("[storage]\nkeep_text_days = 'long'", "line 2: 'storage.keep_text_days' must be a valid number"),
        ("[storage]\nkeep_text_days = 0", "line 2: 'storage.keep_text_days' must be greater than 0"),
        ("[storage]\nkeep_text_days = inf", "line 2: 'storage.keep_text_days' must be a finite number"),
        ("[alerts]\nreview = 1.5", "line 2: 'alerts.review' must be less than 1"),
        ("[alerts]\nreview = nan", "line 2: 'alerts.review' must be a finite number"),
        ("\n[alerts]\nwatch = 0.9\nreview = 0.5", "line 2: in 'alerts', watch must not be above review"),
        ("discord = 3", "line 1: 'discord' must be a section of its own"),
        ("[slack]\nmoderators = [\n  'U1',\n  2,\n]", "line 2: 'slack.moderators[1]' must be a valid string"),
        (
            SERVER + "[discord.servers.age_roles]\n5 = 'teen'",
            "line 5: 'discord.servers[0].age_roles.5' must be 'under_13', '13_15', '16_17' or 'adult'",
        ),
        (
            SERVER + "[discord.servers.age_roles]\nkids = '13_15'",
            "line 5: 'discord.servers[0].age_roles.kids' must be the id of a role, in digits",
        ),
        (
            "[discord]\nservers = [{id = 1, alert_channel = 2}, {id = 1, alert_channel = 3}]",
            "in 'discord', two servers have the same id",
        ),
        ("[slack]\npublic_url = 'http://lamp.example'", "line 2: 'slack.public_url' must be"),
        ("[slack]\nconnection = 'pigeon'", "line 2: 'slack.connection' must be 'socket' or 'http'"),
        ("[slack]\nalert_channel = ' '", "line 2: 'slack.alert_channel' must be the id of a channel"),
        ("[storage\n", "is not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 9)"),
        (
            "[storage]\ndatabase = 'a'\ndatabase = 'b'",
            "is not valid TOML: Cannot overwrite a value (at line 3, where the file ends)",
        ),
        ("a = " + "[" * 5000, "is not valid TOML"),
        (b"[storage]\ndatabase = '\xff'", "line 2: not UTF-8"),
        (b"[storage]\x00", "is not valid TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(written, text, sentence):
    assert sentence in complaint(written(text))


def test_every_mistake_is_told_at_once(written):
    told = complaint(written("[storage]\nkeep_text_days = 0\n[slac]\n"))
    assert "line 2: " in told
    assert "line 3: " in told


def test_no_complaint_quotes_a_value(written):
    for text in (
        "[discord]\ntoken = ['secret-token']",
        "[slack]\nbot_token = 12345678",
        "[slack]\napp_tokn = 'secret-token'",
    ):
        told = complaint(written(text))
        assert "secret-token" not in told
        assert "12345678" not in told


def test_a_missing_file_is_told_with_what_to_copy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert complaint(tmp_path / "other.toml").endswith(
        "other.toml. Copy config.example.toml there, and take out of it the sections of what you do not use."
    )


def test_who_serves_without_file_and_token_is_asked_whether_the_token_is_set_in_this_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"LAMPKEEPER_DISCORD_TOKEN or .* set in this terminal"):
        load_config(None, {}, serves=True)


def test_what_asks_no_platform_needs_neither_file_nor_token_beside_a_database(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "folder that Lampkeeper was started in" in complaint(None)
    (tmp_path / "lampkeeper.db").touch()
    loaded = load_config(None, {})
    assert (loaded.discord, loaded.slack, loaded.storage.database) == (None, None, tmp_path / "lampkeeper.db")


def test_white_space_around_a_token_in_the_environment_is_none_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = load_config(None, {"LAMPKEEPER_SLACK_BOT_TOKEN": " xoxb-1\r\n"}, serves=True)
    assert loaded.slack == Slack(bot_token=SecretStr("xoxb-1"))


def test_a_folder_is_no_configuration(tmp_path):
    assert "Is a directory" in complaint(tmp_path)


RECOMMENDED = Thresholds(watch=0.5, review=0.9, urgent=0.99)


@pytest.mark.parametrize(
    ("chosen", "thresholds"),
    [
        ({}, RECOMMENDED),
        ({"review": 0.95}, Thresholds.around(0.95)),
        ({"watch": 0.95}, Thresholds(0.95, 0.95, 0.99)),
        ({"urgent": 0.4}, Thresholds(0.4, 0.4, 0.4)),
        ({"watch": 0.2, "review": 0.3, "urgent": 0.4}, Thresholds(0.2, 0.3, 0.4)),
        ({"watch": 0.1, "review": 0.3}, Thresholds(0.1, 0.3, Thresholds.around(0.3).urgent)),
    ],
)
def test_what_a_community_leaves_out_follows_the_model(chosen, thresholds):
    assert Alerts(**chosen).thresholds(RECOMMENDED) == thresholds


@pytest.mark.parametrize("review", [1e-9, 0.0001, 0.5, 0.9999, 1 - 1e-12])
def test_levels_stay_in_order_at_any_threshold(review):
    made = Alerts(review=review).thresholds(RECOMMENDED)
    assert made.watch <= made.review == review <= made.urgent
