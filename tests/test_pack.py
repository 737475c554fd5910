"""A pair's state, stored small: exact, under 1 KB whatever it saw, and older rows still read."""

import json
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from core.pair import REASONS_KEPT, Moment, PairState
from core.signals import PATTERN_SIGNALS
from core.store.pack import unpack
from core.store.states import dump_pair, parse, read_pair
from core.vault import Loose, Vault, new_keys

VAULT = Vault(Loose(new_keys()))
ABOUT = ("pairs", "space", "actor", "target", "state")
NAMES = [signal.name for signal in PATTERN_SIGNALS]
IDS = st.integers(10**18, 10**19).map(str)  # as long as Discord's
COUNTS = st.integers(1, 9_999)
NUMBERS = st.floats(-1e4, 1e4)
FULL = st.builds(
    PairState,
    messages=st.integers(10_000, 99_999),
    questions=COUNTS,
    first_time=st.floats(1e9, 2e9),
    last_time=st.floats(1e9, 2e9),
    sums=st.lists(NUMBERS, min_size=len(PairState().sums), max_size=len(PairState().sums)),
    signals=st.fixed_dictionaries(dict.fromkeys(NAMES, COUNTS)),
    first_seen=st.fixed_dictionaries(dict.fromkeys(NAMES, COUNTS)),
    logit=NUMBERS,
    moments=st.lists(
        st.builds(Moment, IDS, IDS, COUNTS, NUMBERS, st.lists(st.sampled_from(NAMES), max_size=4, unique=True)),
        min_size=REASONS_KEPT,
        max_size=REASONS_KEPT,
    ),
)


@given(FULL)
def test_a_pair_that_showed_every_signal_is_stored_in_1_kb_and_reads_exactly_the_same(pair: PairState) -> None:
    sealed = dump_pair(VAULT, pair, ABOUT)
    assert len(sealed) <= 1024
    assert read_pair(parse(VAULT, sealed, ABOUT)) == pair


def test_a_row_written_before_there_was_packing_is_read() -> None:
    pair = PairState(messages=3, signals={"asks_age": 1}, moments=[Moment("room", "1", 1, 0.5, ["asks_age"])])
    sealed = VAULT.seal(json.dumps(asdict(pair)).encode(), ABOUT)
    assert read_pair(parse(VAULT, sealed, ABOUT)) == pair


def test_a_signal_that_came_after_the_packing_is_stored_like_any_other() -> None:
    pair = PairState(messages=1, signals={"a_signal_of_next_year": 2}, first_seen={"a_signal_of_next_year": 1})
    assert read_pair(parse(VAULT, dump_pair(VAULT, pair, ABOUT), ABOUT)) == pair


def test_a_row_packed_by_the_first_version_is_read_for_ever() -> None:
    assert unpack(bytes.fromhex("78bb41813fd3430e0a63149f2132a6612ddcf3067aa6b1b500d694113f")) == {
        "messages": 3,
        "signals": {"asks_age": 1},
        "sums": [0.5],
    }


def test_a_row_of_a_pair_that_showed_little_is_read_for_ever() -> None:
    written = (
        "9f0300c0c09acb0000000000000000cb0000000000000000cb0000000000000000cb0000000000000000cb0000000000000000cb00000000"
        "00000000cb0000000000000000cb0000000000000000cb0000000000000000cb000000000000000081a861736b735f61676501800080"
        "90cb00000000000000009195a4726f6f6da13102cb3fe000000000000091a861736b735f616765cb0000000000000000cb00000000000000"
        "0080"
    )
    moment = Moment("room", "1", 2, 0.5, ["asks_age"])
    pair = PairState(messages=3, signals={"asks_age": 1}, moments=[moment])
    assert read_pair(unpack(bytes.fromhex(written))) == pair
