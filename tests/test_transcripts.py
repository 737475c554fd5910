"""Reading histories: what every format must do, what JSON lines and PAN-2012 mean, and what cannot hurt."""

import gzip
import io
import json
import lzma
import tracemalloc
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import TranscriptError
from core.transcripts import FORMATS, BadLine, Transcript, read, read_stream


def jsonl(*records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def talk(id_="c1", *messages, **more):
    messages = messages or (("actor", "hi"), ("target", "hello"))
    return {"id": id_, "messages": [{"author": author, "text": text} for author, text in messages], **more}


def stream(data):
    return io.BufferedReader(io.BytesIO(data))


def everything(data):
    return list(read_stream(stream(data), "memory") if isinstance(data, bytes) else read(data))


def only(*records):
    (transcript,) = everything(jsonl(*records))
    assert isinstance(transcript, Transcript), transcript
    return transcript


def said(**more):
    """The third message of a conversation, with what `more` says about it."""
    record = talk("c", ("actor", "hi"), ("target", "hello"), ("friend", "hey"))
    record["messages"][2].update(more)
    transcript = only(record)
    return transcript.messages[2], transcript.unclear


def until_it_breaks(data):
    """What could be read, and the error that ended it."""
    seen: list[object] = []
    with pytest.raises(TranscriptError) as caught:
        seen.extend(read_stream(stream(data), "memory"))
    return seen, str(caught.value)


# ---- every format -------------------------------------------------------------------------------------------------

LINES = [("actor", "hi <there> & welcome"), ("target", "hello \u4f60\u597d \U0001f600"), ("actor", "")]


def pan12(*conversations):
    parts = ["<?xml version='1.0' encoding='UTF-8'?>\n<conversations>\n"]
    for id_, lines in conversations:
        parts.append(f'<conversation id="{id_}">\n')
        for number, (author, text) in enumerate(lines, 1):
            parts.append(
                f'<message line="{number}"><author>{author}</author><time>03:2{number}</time>'
                f"<text>{escape(text)}</text></message>\n"
            )
        parts.append("</conversation>\n")
    return "".join([*parts, "</conversations>\n"]).encode()


def as_jsonl(*conversations):
    return jsonl(*(talk(id_, *lines) for id_, lines in conversations))


SAMPLES = {"PAN-2012 XML": pan12, "JSON lines": as_jsonl}


def test_every_format_has_a_sample_here():
    assert set(SAMPLES) == {known.name for known in FORMATS}


@pytest.mark.parametrize("name", SAMPLES)
class TestEveryFormat:
    def test_keeps_ids_order_authors_and_texts(self, name):
        one, two = everything(SAMPLES[name](("c1", LINES), ("c2", LINES[:2])))
        assert (one.id, two.id) == ("c1", "c2")
        assert [(message.author.id, message.text) for message in one.messages] == LINES
        assert [message.id for message in one.messages] == ["0", "1", "2"]

    def test_makes_each_conversation_a_space_of_its_own(self, name):
        one, two = everything(SAMPLES[name](("c1", LINES), ("c2", LINES)))
        assert one.messages[0].key != two.messages[0].key
        assert one.messages[0].key.space == "transcript:c1"

    def test_aims_the_first_message_of_two_people_at_the_other(self, name):
        (transcript,) = everything(SAMPLES[name](("c1", LINES)))
        assert [message.partner for message in transcript.messages] == ["target", "actor", "target"]

    @pytest.mark.parametrize("pack", [lzma.compress, gzip.compress], ids=["xz", "gz"])
    def test_reads_compressed_files_whatever_their_name(self, name, pack, tmp_path):
        plain = SAMPLES[name](("c1", LINES), ("c2", LINES))
        file = tmp_path / "history.txt"
        file.write_bytes(pack(plain))
        assert everything(file) == everything(plain)

    @pytest.mark.parametrize("pack", [lzma.compress, gzip.compress], ids=["xz", "gz"])
    def test_gives_what_was_readable_of_a_cut_off_archive_then_says_so(self, name, pack):
        whole = SAMPLES[name](*((f"c{n}", [(f"a{n}", f"line {n * 7919 % 1009}")] * 3) for n in range(3000)))
        packed = pack(whole)
        seen, sentence = until_it_breaks(packed[: len(packed) // 2])
        assert seen
        assert seen == everything(whole)[: len(seen)]
        assert "cut-off archive" in sentence

    def test_needs_the_memory_of_one_conversation_however_long_the_file(self, name):
        data = SAMPLES[name](*((f"c{n}", [("actor", "word " * 20)] * 20) for n in range(1500)))
        tracemalloc.start()
        for _ in read_stream(stream(data), "memory"):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(data) > 3_000_000
        assert peak < len(data) + 1_000_000  # BytesIO shares `data`; all messages at once would need several times that

    def test_starts_after_a_byte_order_mark(self, name):
        plain = SAMPLES[name](("c1", LINES))
        assert everything(b"\xef\xbb\xbf" + plain) == everything(plain)


@given(st.binary(max_size=400))
def test_no_bytes_at_all_lead_to_anything_but_transcripts_bad_lines_and_sentences(data):
    try:
        assert all(isinstance(item, Transcript | BadLine) for item in everything(data))
    except TranscriptError as error:
        assert str(error).endswith(".")  # noqa: PT017 - either outcome is right


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {
            "id": st.text(st.characters(), max_size=4) | json_values,
            "messages": st.lists(
                st.fixed_dictionaries(
                    {"author": st.sampled_from(["actor", "target", "\ud800"]) | json_values, "text": st.text()},
                    optional={"time": json_values, "reply_to": json_values, "mentions": json_values},
                ),
                max_size=4,
            ),
        },
        optional={"authors": json_values, "label": json_values},
    )
)
def test_any_json_is_a_transcript_that_can_be_stored_or_a_bad_line(record):
    (item,) = everything(jsonl(record))
    if isinstance(item, Transcript):
        for message in item.messages:
            (message.text + message.author.id + item.id + "".join(message.mentions)).encode("utf-8")


# ---- JSON lines -----------------------------------------------------------------------------------------------------


def test_unknown_keys_and_blank_lines_are_passed_over():
    record = talk("c1", source="somewhere", side="x")
    record["messages"][0]["role"] = "y"
    assert len(everything(jsonl(record) + b"\n   \n" + jsonl(talk("c2")))) == 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"hello", "it is not JSON (Expecting value, column 1)"),
        (b'{"id": "c", "messages": [', "it is not JSON (Expecting value, column 26)"),
        (b"[1, 2]", "it is not a JSON object"),
        (b'{"messages": []}', 'it lacks "id"'),
        (b'{"id": 7, "messages": []}', '"id" must be a string'),
        (b'{"id": "c"}', 'it lacks "messages"'),
        (b'{"id": "c", "messages": {}}', '"messages" must be a list'),
        (b'{"id": "c", "messages": ["hi"]}', "message 0 is not a JSON object"),
        (b'{"id": "c", "messages": [{"text": "hi"}]}', 'message 0 lacks "author"'),
        (b'{"id": "c", "messages": [{"author": "actor"}]}', 'message 0 lacks "text"'),
        (b'{"id": "c", "messages": [{"author": ["a"], "text": "hi"}]}', '"author" of message 0 must be a string'),
        (b'{"id": "c", "messages": [{"author": "a", "text": null}]}', '"text" of message 0 must be a string'),
        (b'{"id": "c", "messages": [], "label": "yes"}', '"label" must be 0 or 1'),
        (b'{"id": "c\xff"}', "byte 10 is not UTF-8"),
        (b'{"id": "\x00"}', "it is not JSON (Invalid control character at, column 9)"),
        (b"[" * 100_000, "it is JSON of a size that makes no sense"),
        (b'{"id": ' + b"9" * 5000 + b"}", "it is JSON of a size that makes no sense"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_the_others_are_read(line, problem):
    before, bad, after = everything(jsonl(talk("c1")) + line + b"\n" + jsonl(talk("c2")))
    assert (before.id, after.id) == ("c1", "c2")
    assert str(bad) == f"memory, line 2: {problem}"


def test_a_last_line_without_an_end_is_read():
    assert everything(jsonl(talk("c1")).rstrip(b"\n"))[0].id == "c1"


def test_escaped_nul_bytes_and_a_megabyte_of_text_are_kept():
    text = "a\x00b" * 350_000
    assert only(talk("c", ("actor", text))).messages[0].text == text


def test_a_lone_surrogate_becomes_a_replacement_character_everywhere():
    message = only(talk("c", ("bad \ud800 name", "bad \ud800 text"))).messages[0]
    assert (message.author.id, message.author.name, message.text) == ("bad \ufffd name",) * 2 + ("bad \ufffd text",)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1970-01-01T00:01:00", 60.0),
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T02:01:00+02:00", 60.0),
        ("1970-01-01 00:01:00.5", 60.5),
        ("00:01", 60.0),
        ("0:01:30", 90.0),
        (None, None),
    ],
)
def test_a_time_is_iso_or_a_clock_or_unknown(written, seconds):
    message, unclear = said(time=written)
    assert (message.time, unclear) == (seconds, 0)


@pytest.mark.parametrize("nonsense", ["noon", "25:00", "12:99", "2024-13-01T00:00:00", "", 1700000000, [], "1:2:3:4"])
def test_a_time_that_nobody_understands_is_unknown_and_counted(nonsense):
    message, unclear = said(time=nonsense)
    assert (message.time, unclear) == (None, 1)


def times(*written):
    record = talk("c", *[("actor", "hi")] * len(written))
    for message, time in zip(record["messages"], written, strict=True):
        message["time"] = time
    return [message.time for message in only(record).messages]


def test_clock_times_pass_midnight_into_the_next_day():
    assert times("23:58", "00:02", None, "09:00") == [86280.0, 86520.0, None, 118800.0]


def test_clock_times_a_little_out_of_order_stay_on_their_day():
    assert times("12:00", "11:58", "12:01") == [43200.0, 43080.0, 43260.0]


def test_dated_times_out_of_order_stay_as_they_are():
    assert times("1970-01-02T00:00:00", "1970-01-01T00:00:00") == [86400.0, 0.0]


def test_a_reply_is_to_the_author_of_the_message_with_that_index():
    message, unclear = said(reply_to=1)
    assert (message.reply_to, unclear) == ("target", 0)


@pytest.mark.parametrize("nonsense", [2, 99, -1, "1", True, 0.5])
def test_a_reply_to_no_earlier_message_is_counted_and_left_out(nonsense):
    message, unclear = said(reply_to=nonsense)
    assert (message.reply_to, unclear) == (None, 1)


def test_mentions_are_people_in_their_order():
    assert said(mentions=["target", "actor"])[0].mentions == ("target", "actor")


@pytest.mark.parametrize("nonsense", ["target", [1], {"target": 1}])
def test_mentions_that_are_no_list_of_names_are_counted_and_left_out(nonsense):
    message, unclear = said(mentions=nonsense)
    assert (message.mentions, unclear) == ((), 1)


def test_ages_and_roles_become_age_bands():
    authors = {
        "actor": {"age": 41},
        "target": {"age": 12, "roles": ["x"]},
        "friend": {"roles": ["16_17"]},
        "teacher": {},
    }
    transcript = only(talk("c", authors=authors))
    assert transcript.age_bands == {"actor": "adult", "target": "under_13", "friend": "16_17"}
    assert [message.author.age_band for message in transcript.messages] == ["adult", "under_13"]
    assert transcript.unclear == 0


@pytest.mark.parametrize("facts", [{"age": -1}, {"age": 999}, {"age": "12"}, {"age": 1e400}, {"roles": 5}, "old", None])
def test_an_age_or_role_that_makes_no_sense_is_unknown_and_counted(facts):
    transcript = only(talk("c", authors={"actor": facts}))
    assert (transcript.age_bands, transcript.unclear) == ({}, 1)


def test_nobody_has_a_partner_among_three():
    assert said()[0].partner is None


def test_somebody_who_is_listed_and_never_answers_is_a_partner():
    assert only(talk("c", ("actor", "hi"), authors={"actor": {}, "target": {}})).messages[0].partner == "target"


@pytest.mark.parametrize("label", [0, 1, None])
def test_a_label_is_kept(label):
    assert only(talk("c", label=label)).label == label


# ---- PAN-2012 -------------------------------------------------------------------------------------------------------


def test_a_conversation_that_lacks_something_is_named_with_its_line():
    data = b"""<conversations>
<conversation id="c1"><message line="1"><author>a</author><time>03:20</time><text>hi</text></message></conversation>
<conversation><message line="1"><author>a</author><text>hi</text></message></conversation>
<conversation id="c3"><message line="1"><time>03:20</time><text>hi</text></message></conversation>
<conversation id="c4"><message line="1"><author>a</author></message></conversation>
<conversation id="c5"/>
</conversations>"""
    one, *bad, last = everything(data)
    assert (one.id, last.id, last.messages) == ("c1", "c5", [])
    assert list(map(str, bad)) == [
        'memory, line 3: the conversation lacks "id"',
        "memory, line 4: message 0 lacks <author>",
        "memory, line 5: message 0 lacks <text>",
    ]


def test_a_file_cut_off_in_the_middle_gives_what_came_before():
    whole = pan12(("c1", LINES), ("c2", LINES))
    seen, sentence = until_it_breaks(whole[: whole.rindex(b"</conversation>")])
    assert [transcript.id for transcript in seen] == ["c1"]
    assert "cannot be read any further" in sentence


def test_a_file_that_declares_entities_is_refused_before_they_grow():
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {after} "{f"&{before};" * 10}">' for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    data = f'{bomb}]><conversations><conversation id="&i;"/></conversations>'.encode()
    seen, sentence = until_it_breaks(data)
    assert not seen
    assert "declares XML entities" in sentence


def test_other_xml_is_refused_by_name():
    assert "not in the format of PAN-2012" in until_it_breaks(b"<html><body/></html>")[1]


# ---- files ----------------------------------------------------------------------------------------------------------


def test_an_empty_file_holds_no_conversations(tmp_path):
    (tmp_path / "empty").touch()
    assert everything(tmp_path / "empty") == []


def test_a_file_that_cannot_be_opened_is_told_with_its_name(tmp_path):
    for path, reason in ((tmp_path / "none.jsonl", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(TranscriptError, match=reason):
            everything(path)


def test_a_damaged_archive_is_told():
    packed = bytearray(lzma.compress(jsonl(*(talk(f"c{n}") for n in range(2000)))))
    packed[len(packed) // 2] ^= 0xFF
    assert "damaged" in until_it_breaks(bytes(packed))[1]
