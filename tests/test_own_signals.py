"""Operators' own signals: from the configuration and from plug-ins, shown on cards, never weighed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.config import load_config
from core.effects import Scored
from core.engine import Engine, SpaceState
from core.errors import ConfigError, PluginError
from core.policy import Thresholds
from core.signals.own import OwnSignal, OwnSignals
from core.signals.plugins import plugged_in
from tests.support import NOW, ROOT, Board, lampkeeper, said, shipped_model, talk

INVITE = OwnSignal("posts_invite", "posts an invitation", ("join my server",), (r"discord\.gg/\w+",))
SKIN = OwnSignal("names_skin", "speaks of a skin", ("skin", "skins"))
BLOCK = """
[[signals]]
name = "posts_invite"
meaning = "posts an invitation"
literals = ["join my server"]
patterns = ['discord\\.gg/\\w+']
"""


def configured(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("j0in my s3rver!!", ("posts_invite",)),
        ("see https://DISCORD.gg/lamp", ("posts_invite",)),
        ("that skin, and Discord.gg/x", ("posts_invite", "names_skin")),
        ("don't join my server", ("posts_invite",)),
        ("rejoin my servers, skinny", ()),
        ("", ()),
        ("\ud800 odd", ()),
    ],
)
def test_literals_are_whole_words_in_any_disguise_and_patterns_see_what_was_typed(
    text: str, names: tuple[str, ...]
) -> None:
    assert OwnSignals([INVITE, SKIN]).shown(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")) == names


def test_a_configuration_brings_its_signals_to_the_engine(tmp_path: Path) -> None:
    (section,) = load_config(configured(tmp_path, BLOCK), {}).signals
    assert section.own() == INVITE


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("posts_invite", "Posts-Invite"), "the name must be in small letters and underscores"),
        (("posts_invite", "asks_age"), "the name is one of Lampkeeper's own signals; choose another"),
        (('"posts an invitation"', '" "'), "the meaning must say in words what was said"),
        (('"join my server"', '"!"'), "literal 1 holds no word"),
        (("gg/", "gg/("), "pattern 1 is no RE2 expression (missing ))"),
        (("gg/", "(?=gg/)"), "pattern 1 is no RE2 expression (invalid perl operator)"),
        (("literals", "litterals"), "the key 'signals[0].litterals' is not known (did you mean 'literals'?)"),
        (("meaning", "# meaning"), "'signals[0].meaning' is missing"),
    ],
)
def test_a_mistake_in_a_signal_is_told_in_a_sentence_with_its_line(
    tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(configured(tmp_path, BLOCK.replace(*change)), {})
    assert sentence in str(caught.value)
    assert "line " in str(caught.value)


def test_a_signal_that_looks_for_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one literal or pattern"):
        OwnSignal("empty", "shows nothing")


def test_two_signals_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="Two own signals are named posts_invite"):
        OwnSignals([INVITE, INVITE])


def test_own_signals_are_shown_and_change_no_score() -> None:
    plain, own = (
        Engine(shipped_model(), Thresholds(1e-10, 1e-9, 0.999), signals)
        for signals in (None, OwnSignals([INVITE, SKIN]))
    )
    scores: list[list[float | None]] = []
    for engine in (plain, own):
        state = SpaceState()
        effects = [effect for message in talk() for effect in engine.feed(state, message, NOW)]
        scores.append([effect.score.probability for effect in effects if isinstance(effect, Scored)])
    assert scores[0] == scores[1]
    assert state.pairs["actor", "target"].unweighed == {"names_skin": 1}
    assert any("names_skin" in effect.signals for effect in effects if not isinstance(effect, Scored))


async def test_a_card_shows_own_signals_after_a_restart_and_forgets_those_taken_away(tmp_path: Path) -> None:
    own, board = OwnSignals([SKIN]), Board()
    lines = talk()
    async with lampkeeper(tmp_path, deliverers=[board], own_signals=own) as guard:
        for message in lines[:8]:
            await guard.receive(message)
        await guard.settled()
    async with lampkeeper(tmp_path, deliverers=[board], own_signals=own) as guard:
        for message in lines[8:]:
            await guard.receive(message)
        await guard.settled()
    (card,) = board.cards.values()
    assert "speaks of a skin" in card.signals
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        await guard.receive(said(99, "when can we meet then, and where?", partner="target"))
        await guard.settled()
        now = await guard.desk.card(card.alert)
    assert now is not None
    assert "speaks of a skin" not in now.signals
    assert set(now.signals) >= set(card.signals) - {"speaks of a skin"}


def plug_in(folder: Path, module: str) -> None:
    """Install a package, as pip would leave it, in `folder`."""
    (folder / "lamp_plug.py").write_text(module, encoding="utf-8")
    info = folder / "lamp_plug-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lamp-plug\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[lampkeeper.signals]\nlamps = lamp_plug:SIGNALS\n", encoding="utf-8")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lamp_plug", raising=False)
    return tmp_path


GOOD = (
    "from core.signals.own import OwnSignal\nSIGNALS = [OwnSignal('names_lamp', 'speaks of lamps', literals=('lamp',))]"
)


def test_an_installed_package_brings_signals_along(installed: Path) -> None:
    plug_in(installed, GOOD)
    assert [signal.name for signal in plugged_in()] == ["names_lamp"]


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        ("import no_such_module", "cannot be loaded (ModuleNotFoundError)"),
        ("SIGNALS = 3", "cannot be loaded (TypeError)"),
        ("SIGNALS = ['lamp']", "holds something else than core.signals.own.OwnSignal"),
        (GOOD.replace("names_lamp", "Names"), "cannot be loaded (the name must be in small letters and underscores"),
    ],
)
def test_a_broken_plug_in_is_named_with_what_to_do(installed: Path, module: str, sentence: str) -> None:
    plug_in(installed, module)
    with pytest.raises(PluginError) as caught:
        plugged_in()
    assert str(caught.value).startswith(f"The plug-in 'lamps' of the package lamp-plug {sentence}")
    assert caught.value.remedy == "Mend it, or uninstall the package."


def check(folder: Path, text: str) -> str:
    command = [sys.executable, "-m", "bots", "check", "--config", str(configured(folder, text))]
    search = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env=os.environ | {"PYTHONPATH": search}
    )
    assert "Traceback" not in done.stderr
    return done.stdout


def test_check_names_own_signals_and_a_plug_in_that_is_broken(tmp_path: Path) -> None:
    plug_in(tmp_path, GOOD)
    assert "own signals: 2 (posts_invite, names_lamp)" in check(tmp_path, BLOCK)
    (tmp_path / "lamp_plug.py").write_text("SIGNALS = 3", encoding="utf-8")
    assert "The plug-in 'lamps' of the package lamp-plug cannot be loaded" in check(tmp_path, BLOCK)


def test_without_own_signals_neither_library_is_loaded() -> None:
    program = "import sys, core.signals.own, core.config; print({'re2', 'ahocorasick'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == "set()"
