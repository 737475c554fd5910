"""Learning on a small invented corpus: reproducible, split by person, measured on what was held out."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import TranscriptError
from core.training.corpus import FOLDS, HELD_OUT, fold_of, roles_of, sliced, talks
from core.training.fit import train
from core.training.views import join, weave

APPROACH = [
    "how old are you",
    "do your parents check your phone",
    "dont tell anyone ok",
    "send me a pic",
    "lets meet up alone",
]
ANSWER = ["im 13 lol", "my mom is at work", "ok i wont", "why do u ask", "i have school tomorrow"]
ORDINARY = [
    "the build fails on arm",
    "did you read the chapter",
    "good match today",
    "try the new map",
    "lunch at noon then",
]


def line(name: str, texts: list[str], rng: np.random.Generator, **more: object) -> str:
    said = [{"author": "a1", "text": " ".join(rng.choice(texts, 2))} for _ in range(24)]
    return json.dumps({"id": name, "messages": said, **more})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    sides = {
        "approaches": [line(f"x-{i:04}-predator", APPROACH, rng, label=1) for i in range(60)],
        "answers": [line(f"x-{i:04}-decoy", ANSWER, rng, label=0, side="decoy") for i in range(60)],
        "benign_work": [line(f"work-{i:04}", ORDINARY, rng, label=0) for i in range(60)],
    }
    for name, lines in sides.items():
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return sorted(folder.iterdir())


def test_the_same_corpora_give_the_same_bytes_and_a_card_that_says_how(corpus: list[Path], tmp_path: Path) -> None:
    heard: list[str] = []
    for name in ("one", "two"):
        _, figures = train(corpus, tmp_path / name, [], heard.append)
    for file in ("card.json", "weights.safetensors"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    card = json.loads((tmp_path / "one" / "card.json").read_text())
    assert card["command"] == "lampkeeper train answers.jsonl approaches.jsonl benign_work.jsonl --out DIR"
    assert {corpus["file"] for corpus in card["corpora"]} == {path.name for path in corpus}
    rows = {row.source: row for row in figures.sources}
    assert rows["approaches"].alerted > rows["benign_work"].alerted
    assert heard


def test_the_two_sides_of_a_talk_and_neighbouring_files_share_a_fold() -> None:
    assert fold_of("x-0007-predator") == fold_of("x-0007-decoy") == fold_of("x-0009-decoy")
    assert fold_of("anything", "person 4") == fold_of("else", "person 4")
    assert len({fold_of(f"x-{i:04}") for i in range(200)}) > HELD_OUT + 1


def test_two_one_sided_streams_are_woven_into_one_talk_with_each_side_in_order(corpus: list[Path]) -> None:
    woven = list(weave([talk for path in corpus for talk in talks(path)]))
    assert len(woven) == 60
    assert set(woven[0].roles.values()) == {"pattern", "approached"}
    assert len(woven[0].messages) == 48


def test_a_talk_of_two_is_also_heard_as_if_one_author_had_said_it_all(corpus: list[Path]) -> None:
    woven = list(weave([talk for path in corpus for talk in talks(path)]))
    stretches = list(join(woven, np.random.default_rng(0)))
    assert {talk.id.split("*")[0] for talk in stretches} == {talk.id for talk in woven}
    for talk in stretches:
        assert set(talk.roles.values()) == {"pattern"}
        assert {message.author.id for message in talk.messages} == set(talk.roles)
        whole = " ".join(
            " ".join(m.text for m in next(w for w in woven if w.id == talk.id.split("*")[0]).messages).split()
        )
        assert " ".join(m.text for m in talk.messages) in whole


def test_a_talk_joined_into_one_message_is_heard_in_slices(corpus: list[Path]) -> None:
    message = next(talks(corpus[0])).messages[0]
    words = [f"w{i}" for i in range(50)]
    slices = sliced([message._replace(text=" ".join(words))])
    assert " ".join(m.text for m in slices).split() == words
    assert len(slices) > 1


@pytest.mark.parametrize(
    ("text", "problem"), [('{"id": "a"}', "line 2.*messages"), ('{"id": "a", "messages": []}', "line 2.*label")]
)
def test_a_corpus_line_that_cannot_teach_is_named_and_a_blank_one_passed_over(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(f"  \n{text}\n\n")
    with pytest.raises(TranscriptError, match=problem):
        list(talks(path))


def test_a_role_that_makes_no_sense_is_no_role() -> None:
    odd: list[object] = [[], ["predator"], {}, 5, "x", None]
    messages: list[dict[str, object]] = [{"author": "a1", "text": "hi", "role": said} for said in odd]
    messages.append({"author": "a2", "text": "hi", "role": "predator"})
    assert roles_of({"messages": messages, "label": 1}) == {"a2": "pattern"}


def test_an_id_of_very_many_digits_has_a_fold_too() -> None:
    assert fold_of("9" * 10_000) in range(FOLDS)


@pytest.mark.parametrize("file", ["approaches", "benign_work"])
def test_talks_of_one_label_only_are_refused_before_anything_is_learned(
    corpus: list[Path], tmp_path: Path, file: str
) -> None:
    (one,) = (path for path in corpus if path.stem == file)
    with pytest.raises(TranscriptError, match=r"labelled 1 .* and 0"):
        train([one], tmp_path / "model", [], lambda _line: None)
    assert not (tmp_path / "model").exists()
