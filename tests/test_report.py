"""`evaluate --report` and `model` as people call them: a page that needs nothing else, and a card that can be read."""

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from core.casework.cards import LEVEL_MEANINGS
from core.model import SHIPPED
from tests.support import ROOT, slow_talk

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("LAMPKEEPER_")}
VOID = {"meta", "link", "br", "img", "hr", "input"}
ORDINARY = (
    "the build fails again",
    "did you read the next chapter",
    "good match today",
    "lunch at noon then",
    "see you",
)
EXTRAS = {
    "leave_one_kind_out": [{"kind": "lessons", "talks": 35, "alerted": 1, "threshold": 0.97, "dialogues_recall": 0.95}],
    "pan12_five_fold": {
        "precision": 0.9,
        "recall": 0.8,
        "f1": 0.847,
        "false_alert_rate": 0.012,
        "talks": 50,
        "positives": 9,
    },
    "tried": [{"what": "windows of one length", "result": "worse at message 8"}],
}
PERTURBED = {"leet": {"median_delay": 1.0, "still_alerted": 18.0}}


def lampkeeper(*arguments):
    command = [sys.executable, "-m", "bots", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=ENVIRONMENT, timeout=120, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done


class Page(HTMLParser):
    """What a page holds, and whether every element is closed where it must be."""

    def __init__(self, text):
        super().__init__()
        self.open: list[str] = []
        self.ids, self.tags, self.attributes, self.words = [], [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def write(path, talks, label):
    """One conversation a line, of two people."""
    people = ("actor", "target") if label else ("friend", "teacher")
    lines = []
    for number, texts in enumerate(talks):
        messages = [{"author": people[i % 2], "text": text} for i, text in enumerate(texts)]
        if label:
            messages = [m | {"author": "actor", "role": "predator"} for m in messages]
        lines.append(json.dumps({"id": f"{path.stem}-{number:04}", "messages": messages, "label": label}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    ordinary = [[ORDINARY[(start + n) % 5] for n in range(12)] for start in range(5)]
    return [
        write(folder / "dialogues_invented.jsonl", [slow_talk()] * 4, 1),
        write(folder / "pan12_segments_invented.jsonl", ordinary[:3], 0),
        write(folder / "a<b>&$x$_^.jsonl", ordinary, 0),
    ]


@pytest.fixture(scope="module")
def written(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports") / "new" / "report"
    done = lampkeeper("evaluate", *corpus, "--threshold", 0.0001, "--report", folder)
    assert done.returncode == 0, done.stderr
    return (
        folder,
        (folder / "report.html").read_text(encoding="utf-8"),
        json.loads((folder / "report.json").read_text()),
    )


def test_the_page_is_whole_and_needs_nothing_else(written):
    _, text, _ = written
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(page.tags)
    assert not re.search(r"https?://|//\w|@import|data:", text)
    for name, value in page.attributes:
        assert name != "src"
        if name.endswith("href"):
            assert value.removeprefix("#") in page.ids
        for reference in re.findall(r"url\((.*?)\)", value or ""):
            assert reference.removeprefix("#") in page.ids


def test_the_page_begins_with_what_a_moderator_asks(written):
    words = Page(written[1]).words
    first = words[: words.index("Levels")]
    assert "Of 4 conversations that follow the pattern, 4 alerted (100 %)." in first
    assert "Half of the first alerts came by message" in first
    assert re.search(r"Of 8 ordinary conversations, \d alerted: [\d,.]+ in 10,000", first)
    assert "Where one conversation in 1,000 follows the pattern" in first


def test_every_plot_has_labelled_axes_and_a_sentence_that_tells_how_to_read_it(written):
    figures = re.findall(r"<figure.*?</figure>", written[1], re.DOTALL)
    assert len(figures) == 6
    for figure in figures:
        plot, caption = figure.split("<figcaption>")
        assert len(Page(plot.replace("</svg>", "</svg></figure>")).words.split()) > 5
        assert len(caption.split()) > 8


def test_a_strange_file_name_is_shown_as_it_is(written):
    page = Page(written[1])
    assert page.words.count("a<b>&$x$_^") >= 3  # two tables and a plot


def test_a_file_name_that_is_no_text_or_that_no_font_can_draw_is_no_obstacle(corpus, tmp_path):
    odd = shutil.copy(os.fsencode(corpus[0]), os.fsencode(tmp_path) + b"/\xff\xe4\xbd\xa0.jsonl")
    done = lampkeeper("evaluate", os.fsdecode(odd), "--threshold", 0.0001, "--report", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "?\u4f60" in Page((tmp_path / "report.html").read_text(encoding="utf-8")).words


def test_the_json_beside_the_page_is_what_json_writes(corpus, written, tmp_path):
    out = tmp_path / "figures.json"
    assert lampkeeper("evaluate", *corpus, "--threshold", 0.0001, "--json", out).returncode == 0
    told, again = written[2], json.loads(out.read_text())
    assert told.pop("messages_per_second") > 0
    assert again.pop("messages_per_second") > 0
    assert told == again
    assert {(row["pattern"], row["ordinary"]) for row in told["latency"]} == {
        ("dialogues_invented", "all ordinary"),
        ("dialogues_invented", "pan12_segments_invented"),
    }
    assert told["false_alerts"][-1]["talks"] == sum(row["talks"] for row in told["false_alerts"][:-1]) == 8


def test_the_same_talks_give_the_same_page_but_for_the_speed(corpus, written, tmp_path):
    assert lampkeeper("evaluate", *corpus, "--threshold", 0.0001, "--report", tmp_path).returncode == 0
    pages = [written[1], (tmp_path / "report.html").read_text(encoding="utf-8")]
    speeds = [re.findall(r'<p id="speed">.*?</p>', page) for page in pages]
    assert [len(found) for found in speeds] == [1, 1]
    assert pages[0].replace(speeds[0][0], "") == pages[1].replace(speeds[1][0], "")


@pytest.mark.parametrize(("kept", "plots"), [((0,), {"to_alert"}), ((1,), {"false_alerts"}), ((), set())])
def test_what_cannot_be_measured_is_left_out(corpus, tmp_path, kept, plots):
    nothing = tmp_path / "nothing.jsonl"
    nothing.write_text("")
    files = [corpus[number] for number in kept] or [nothing]
    assert lampkeeper("evaluate", *files, "--threshold", 0.0001, "--report", tmp_path).returncode == 0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    Page(text)
    found = set(re.findall(r'<section id="(\w+)">\s*<h2>[^<]*</h2>\s*<figure', text))
    assert found == plots
    assert ("Nothing could be measured" in text) == (not kept)


def test_channels_of_many_get_a_section_of_their_own_wherever_figures_are_shown(tmp_path):
    people = ("friend", "teacher", "target", "actor")
    said = [{"author": people[n % 4], "text": ORDINARY[n % 5]} for n in range(12)]
    room = tmp_path / "room.jsonl"
    room.write_text(
        json.dumps({"id": "room-1", "messages": [*said, said[0] | {"mentions": ["target"]}], "label": 0}) + "\n"
    )
    done = lampkeeper("evaluate", room, "--report", tmp_path)
    words = Page((tmp_path / "report.html").read_text(encoding="utf-8")).words
    for shown in (done.stdout, words):
        assert "Addressing in channels of many" in shown
        assert "words in largest pair" in shown
    (row,) = json.loads((tmp_path / "report.json").read_text())["addressing"]
    assert (row["source"], row["talks"], row["speakers"], row["messages"]) == ("room", 1, 4, 13)
    assert (row["told"], row["inferred"], row["fallback"]) == (1, 0, 0)


def test_where_only_two_speak_nothing_is_said_of_channels_of_many(written):
    assert "channels of many" not in written[1]
    assert written[2]["addressing"] == []


def test_a_report_that_cannot_be_written_is_told_in_a_sentence(corpus, tmp_path):
    there = tmp_path / "there"
    there.write_text("kept")
    done = lampkeeper("evaluate", *corpus, "--report", there)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"The folder {there} cannot be made" in done.stderr
    assert there.read_text() == "kept"
    (tmp_path / "full" / "report.html").mkdir(parents=True)
    assert "report.html cannot be written" in lampkeeper("evaluate", *corpus, "--report", tmp_path / "full").stderr
    one = write(tmp_path / "report.json", [slow_talk()], 1)
    before = one.read_bytes()
    assert "would overwrite one of the transcripts" in lampkeeper("evaluate", one, "--report", tmp_path).stderr
    assert one.read_bytes() == before


# ---- the model's card -----------------------------------------------------------------------------------------------


@pytest.fixture
def told(tmp_path):
    """A model whose card holds all that a training run may tell."""
    folder = shutil.copytree(SHIPPED, tmp_path / "model")
    card = json.loads((folder / "card.json").read_text(encoding="utf-8")) | EXTRAS
    card["figures"]["perturbations"] = PERTURBED
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


def test_the_documentation_is_the_shipped_models_card():
    done = lampkeeper("model", "--markdown")
    assert done.returncode == 0
    page = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    assert page == done.stdout, "make it anew: make docs/model.md"


def test_the_card_is_shown_whole():
    shown = " ".join(lampkeeper("model").stdout.split())
    card = json.loads(lampkeeper("model", "--json").stdout)
    assert card == json.loads((SHIPPED / "card.json").read_text(encoding="utf-8"))
    said = [card["intended_use"], card["terms"], card["split"], card["command"], *card["data"], *card["limits"]]
    for sentence in (*said, *card["forbidden_uses"]):
        assert "".join(sentence.split()) in "".join(shown.split())
    for row in (*card["corpora"], *card["figures"]["sources"]):
        assert (row.get("file") or row["source"]) in shown
    for level in ("watch", "review", "urgent"):
        assert f"{level} {card['thresholds'][level]:g} {LEVEL_MEANINGS[level]}" in shown


@pytest.mark.parametrize("form", [(), ("--markdown",)])
def test_what_only_a_training_run_knows_is_shown_when_the_card_holds_it(told, form):
    shown = re.sub(r"[\s|]+", " ", lampkeeper("model", "--model", told, *form).stdout)
    assert "lessons 35 1 2.9% 0.97 95%" in shown
    assert "F1 0.847" in shown
    assert "windows of one length worse at message 8" in shown
    assert "median delay still alerted" in shown
    assert "leet 1 18" in shown


def test_the_report_shows_what_the_measured_models_card_tells_of_its_learning(corpus, told, tmp_path):
    assert lampkeeper("evaluate", corpus[1], "--model", told, "--report", tmp_path).returncode == 0
    words = Page((tmp_path / "report.html").read_text(encoding="utf-8")).words
    assert "Kinds never learned from" in words
    assert "five-fold by person" in words
    assert "worse at message 8" in words


def test_a_card_without_figures_is_shown_and_one_with_broken_figures_refused(told):
    card = json.loads((told / "card.json").read_text(encoding="utf-8"))
    del card["figures"]
    (told / "card.json").write_text(json.dumps(card))
    assert "By source" not in lampkeeper("model", "--model", told).stdout
    (told / "card.json").write_text(json.dumps(card | {"figures": {"sources": 5}}))
    done = lampkeeper("model", "--model", told)
    assert done.returncode == 1
    assert "The figures in the model's card cannot be read" in done.stderr


def test_json_and_markdown_are_not_both_to_be_had():
    done = lampkeeper("model", "--json", "--markdown")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Choose one of them." in done.stderr


def test_the_readme_tells_each_level_in_the_same_words():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for level in ("watch", "review", "urgent"):
        assert f"| {level} | {LEVEL_MEANINGS[level]} |" in readme
