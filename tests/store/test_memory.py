"""The memory of deliveries behaves like a dict; equal inputs have equal fingerprints, others differ."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from penstock.store import key_table, memory
from penstock.store.database import Database
from penstock.store.key_table import KeyTable, Level
from penstock.store.memory import Memory, fingerprints, key_hashes

KEYS = [f"k{n}" for n in range(40)]
HASHES = key_hashes(KEYS)
WORDS = st.sampled_from([0, 1, 2, 2**63, 2**64 - 1])
ROWS = st.lists(st.tuples(st.integers(0, len(KEYS) - 1), WORDS, WORDS), max_size=12)
SOME = st.lists(st.integers(0, len(KEYS) - 1), max_size=6)


def words(values):
    return np.array(values, dtype=np.uint64)


class LikeADict(RuleBasedStateMachine):
    """`plain` is the expected content: key number → (content, fingerprint); `staged`: key number → content."""

    @initialize()
    def begin(self):
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.database = Database.open(f"sqlite:///{self.folder.name}/state.db")
        self.version = "v1"
        self.plain, self.staged = {}, {}
        self.reload()

    def teardown(self):
        if hasattr(self, "database"):
            self.database.close()
            self.folder.cleanup()

    @rule(rows=ROWS)
    def remember(self, rows):
        numbers, contents, prints = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
        with self.database.begin() as conn:
            self.memory.remember(conn, HASHES[numbers].reshape(-1, 2), words(contents), words(prints))
        for number, content, print_ in rows:
            self.plain[number] = (content or 1, print_)
            self.staged.pop(number, None)

    @rule(some=SOME)
    def forget(self, some):
        with self.database.begin() as conn:
            self.memory.forget(conn, HASHES[some].reshape(-1, 2))
        for number in some:
            self.plain.pop(number, None)

    @rule(some=SOME, content=WORDS)
    def stage(self, some, content):
        self.memory.stage(HASHES[some].reshape(-1, 2), words([content] * len(some)))
        self.staged.update(dict.fromkeys(some, content or 1))

    @rule(some=SOME)
    def unstage(self, some):
        self.memory.unstage(HASHES[some].reshape(-1, 2))
        for number in some:
            self.staged.pop(number, None)

    @rule()
    def compact(self):
        with self.database.begin() as conn:
            self.memory.compact(conn)

    @rule()
    def reload(self):
        with self.database.read() as conn:
            self.memory = Memory.load(conn, "people", self.version)
        self.staged = {}

    @rule()
    def upgrade(self):
        """Another version of the fingerprints: contents stay, fingerprints do not count any more."""
        self.version += "'"
        self.plain = {number: (content, 0) for number, (content, _) in self.plain.items()}
        self.reload()

    @invariant()
    def says_what_the_dict_says(self):
        if not hasattr(self, "memory"):
            return
        numbers = range(len(KEYS))
        assert self.memory.knows(HASHES).tolist() == [number in self.plain for number in numbers]
        expected = [self.staged.get(number, self.plain.get(number, (None,))[0]) for number in numbers]
        assert self.memory.contents(HASHES) == expected
        for print_ in (0, 1, 2**64 - 1):
            same = self.memory.same_input(HASHES, words([print_] * len(KEYS))).tolist()
            assert same == [
                print_ != 0 and number not in self.staged and self.plain.get(number, (0, 0))[1] == print_
                for number in numbers
            ]


@pytest.fixture(autouse=True)
def small_segments(monkeypatch):
    """Segments are so short that a few steps merge and rewrite them."""
    monkeypatch.setattr(key_table, "MERGED_AT_ONCE", 3)
    monkeypatch.setattr(key_table, "LONG_SEGMENT", 16)


TestLikeADict = LikeADict.TestCase
TestLikeADict.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_destinations_do_not_share_a_memory(database):
    with database.begin() as conn:
        Memory.load(conn, "people", "v1").remember(conn, HASHES, words([5] * 40), words([6] * 40))
        assert len(Memory.load(conn, "companies", "v1")) == 0


def test_two_keys_that_share_half_of_their_hash_are_distinguished():
    same_half = np.array([[7, 1], [7, 2], [7, 3], [9, 1]], dtype=np.uint64)
    table = KeyTable()
    table.put(same_half[:2], words([11, 12]), words([0, 0]))
    table.put(same_half[2:], words([13, 14]), words([0, 0]))
    assert table.find(same_half).values.tolist() == [11, 12, 13, 14]
    table.put(same_half[[1, 1]], words([21, 22]), words([0, 0]))
    table.forget(same_half[:1])
    assert table.find(same_half).values.tolist() == [0, 22, 13, 14]
    assert table.find(np.array([[7, 9], [2**64 - 1, 0]], dtype=np.uint64)).values.tolist() == [0, 0]


def test_keys_have_different_hashes():
    keys = ["ab", ("ab",), ("a", "b"), ("", "ab"), ("ab", ""), ("a", "", "b"), "", "0", "\u00e9", "e\u0301", "1:a1:b"]
    hashes = {tuple(row) for row in key_hashes(keys).tolist()}
    assert len(hashes) == len(keys)


def test_hashes_of_keys_stay_the_same_in_every_version():
    """These numbers are stored in databases of users: a change would send all records again."""
    assert key_hashes(["cust-1", ("de", "17")]).tolist() == [
        [0x4D6A0318B2054C60, 0x9669DC5382D685E9],
        [0x7AAC21F5AB514631, 0x92196F92E8E378DB],
    ]


def test_keys_in_flight_when_the_process_died_are_forgotten(database):
    """The API may have the newer content: a source that went back to the older one must be sent again."""
    with database.begin() as conn:
        Memory.load(conn, "people", "v1").remember(conn, HASHES, words([5] * 40), words([6] * 40))
        memory.add_in_flight(conn, "people", "r-1", 0, HASHES[:2])
        memory.add_in_flight(conn, "people", "r-1", 0, HASHES[2:3])  # a chunk may be sent in parts
        memory.add_in_flight(conn, "people", "r-1", 4096, HASHES[10:11])
    with database.read() as conn:
        assert np.flatnonzero(~Memory.load(conn, "people", "v1").knows(HASHES)).tolist() == [0, 1, 2, 10]
    with database.begin() as conn:
        assert len(memory.take_keys_left_in_flight(conn, "people")) == 4
        assert len(memory.take_keys_left_in_flight(conn, "people")) == 0
        assert np.flatnonzero(~Memory.load(conn, "people", "v1").knows(HASHES)).tolist() == [0, 1, 2, 10]


def test_decided_chunks_are_not_in_flight(database):
    with database.begin() as conn:
        for first in (0, 100, 200):
            memory.add_in_flight(conn, "people", "r-1", first, HASHES[first // 100 : first // 100 + 1])
        memory.end_chunks_in_flight(conn, "people", "r-1", 150)
        assert memory.keys_left_in_flight(conn, "people").tolist() == HASHES[1:3].tolist()
        memory.clear_in_flight(conn, "people", "r-1")
        assert len(memory.keys_left_in_flight(conn, "people")) == 0


def test_the_size_of_segments_is_bounded(database):
    """Daily changes to the same keys: outdated rows are removed."""
    with database.begin() as conn:
        memory = Memory.load(conn, "people", "v1")
        for day in range(50):
            memory.remember(conn, HASHES, words([day + 1] * 40), words([1] * 40))
            memory.compact(conn)
        assert key_table.count_segment_rows(conn, "people") <= 3 * len(KEYS) + key_table.LONG_SEGMENT
        assert Memory.load(conn, "people", "v1").contents(HASHES) == [50] * 40


def test_a_million_keys_take_32_bytes_each():
    hashes = np.random.default_rng(1).integers(0, 2**63, size=(100_000, 2)).astype(np.uint64)
    nothing = np.ones(100_000, dtype=np.uint64)
    table = KeyTable()
    for start in range(0, 100_000, 5000):
        part = slice(start, start + 5000)
        table.put(hashes[part], nothing[part], nothing[part])
    assert table.nbytes == 32 * 100_000
    assert isinstance(table._levels[0], Level)
    assert len(table._levels) < 10


TEXTS = st.one_of(
    st.none(), st.sampled_from(["", "0", "null", "a", "007", "7", " ", "é", "x" * 13]), st.text(max_size=30)
)


def batch(**columns):
    return pa.RecordBatch.from_pydict(columns)


def prints(*rows, absent=None):
    """The fingerprints of rows of two texts."""
    a, b = zip(*rows, strict=True)
    return fingerprints(batch(a=pa.array(a, pa.string()), b=pa.array(b, pa.string())), ["a", "b"], absent).tolist()


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=20, unique=True))
@settings(max_examples=40, deadline=None)
def test_different_rows_have_different_fingerprints(rows):
    assert len(set(prints(*rows))) == len(rows)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=20), st.integers(0, 19))
@settings(max_examples=40, deadline=None)
def test_a_row_has_the_same_fingerprint_in_any_chunk(rows, start):
    start %= len(rows)
    a, b = (pa.array(column, pa.string()) for column in zip(*rows, strict=True))
    whole = batch(a=a, b=b)
    packed = batch(b=b.dictionary_encode(), other=b, a=a)
    assert fingerprints(whole.slice(start), ["a", "b"]).tolist() == fingerprints(whole, ["a", "b"]).tolist()[start:]
    assert fingerprints(packed, ["a", "b"]).tolist() == fingerprints(whole, ["a", "b"]).tolist()


def test_absent_null_and_empty_have_different_fingerprints():
    rows = [(None, None)] * 3 + [("", None), (None, "")]
    found = prints(*rows, absent={"a": frozenset({1}), "b": frozenset({2})})
    assert len(set(found)) == 5


def test_absent_rows_elsewhere_in_the_chunk_change_nothing_for_a_record():
    """The same record in two chunks, of which only one has a row without the member."""
    alone = prints(("x", None), ("y", "z"))
    beside = prints(("x", None), ("y", None), absent={"b": frozenset({1})})
    assert beside[0] == alone[0]


def test_the_fingerprint_depends_on_which_member_is_absent():
    nulls = [(None, None)] * 2
    assert prints(*nulls, absent={"a": frozenset({0})})[0] != prints(*nulls, absent={"b": frozenset({0})})[0]
    assert prints(*nulls, absent={"a": frozenset({0})})[0] == prints(*nulls, absent={"a": frozenset({0, 1})})[0]


def test_columns_of_every_type_have_fingerprints():
    one = batch(
        text=["a"],
        integer=pa.array([2**62], pa.int64()),
        number=[0.1],
        exact=pa.array([Decimal("1.10")], pa.decimal128(10, 2)),
        truth=[True],
        day=[dt.date(2026, 1, 31)],
        moment=pa.array([dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)], pa.timestamp("us", "UTC")),
        nested=pa.array([{"a": [1, None], "b": {"c": "d"}}]),
        nothing=pa.nulls(1),
    )
    found = fingerprints(one, one.schema.names)
    assert found.dtype == np.uint64
    assert found[0] != 0
    singles = [fingerprints(one, [name])[0] for name in one.schema.names]
    assert len(set(singles)) == len(singles)


def test_a_thousand_columns_and_odd_names():
    wide = batch(**{f'c "{n}" select': [n] for n in range(1000)})
    assert len(fingerprints(wide, wide.schema.names)) == 1


def test_names_that_differ_in_case_only():
    twins = batch(A=["x", "x"], a=["y", "z"])
    assert len(set(fingerprints(twins, ["A", "a"]).tolist())) == 2


def test_no_columns_and_no_rows():
    assert len(set(fingerprints(batch(a=["x", "y"]), []).tolist())) == 1
    assert fingerprints(batch(a=pa.array([], pa.string())), ["a"]).tolist() == []
