"""The kernel and the oracle agree, record by record, on thousands of nasty records in every template and dialect."""

import json
import random
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import quote

import pytest

from oracle.oracle import KINDS, Derivations, Derived, oracle, same
from penstock.model.spec import BatchSpec
from penstock.templates.catalogue import load_catalogue
from support.kernel.compiled_destination import chunk_of, compiled, with_json

ROUNDS, RECORDS = 8, 40
CASES = [(template, dialect) for template in KINDS for dialect in ("native", "flat")]
HEX = "5f5b3c1d2e4a6b7c8d9e0f1a"
TEXTS = [
    "", " ", "007", "1e999", "NaN", "null", "true", "FALSE", '"', "\\", "\x00", "a\x1fb\n\t", "\x7f", "\u2028", "🎉",
    "O'Brien", "{record.x}", "{run.id}", "x" * 100, "x" * 101, "x" * 255, "x" * 256, "🎉" * 60, "🎉" * 200, "\ufeffx",
    "e\u0301", "مرحبا", "<b>&amp;</b>", "99999999999999999999", "-0", "won", "LOST", "Closed Won", "canceled", HEX,
]  # fmt: skip
NASTY = {
    "text": TEXTS,
    "key": TEXTS,
    "person": TEXTS,
    "email": ["", "no address", "a@@b.c", "a b@c.de", "@", "first.last+tag@sub.example.co.uk", "x" * 250 + "@e.org"],
    "date": [
        "", "2026-02-29", "2024-02-29", "2026-13-01", "2026-00-10", "31.01.2026", "01/02/2026", "yesterday", "1767225600",
        "2026-1-5", "2026-01-31 08:30", "2026-01-31 08:30:15", "2026-01-31T08:30:15", "2026-01-31T08:30:15.250",
        "2026-01-31T08:30:15Z", "2026-01-31T08:30:15.250Z", "2026-01-31T08:30:15.123456Z", "2026-01-31T23:30:15+05:30",
        "2026-12-31T23:30:15-02:00", "2026-01-31T25:00:00Z", "2026-01-31T08:61:00Z", "0000-01-01", "NaN", "٢٠٢٦-٠١-٠١",
        "1969-12-31T23:59:59Z", "9999-12-31", "0001-01-01", "true", "2026-01-31T08:30:15.123456789Z",
    ],
    "integer": [
        "", "0", "-0", "007", "12.5", "12.0", "1e3", "1e999", "NaN", "abc", "2147483647", "2147483648", "-2147483648",
        "-2147483649", "99999999999999999999", "true", "+5", "١٢",
    ],
    "money": [
        "", "0", "29.85", "0.10", "$1,299.00", "1.299,50 €", "-12.34", "abc", "NaN", "Infinity", "1e999", "2147483647",
        "2147483648", "-2147483649", "1.234", "12,34,56", "$", "12 monkeys", "$12.00", "€15", "true", "null", "1e3",
        "99999999999999999999.99",
    ],
    "boolean": ["", "true", "false", "TRUE", "maybe", "0", "1", "null", "NaN"],
}  # fmt: skip
GOOD = {
    "text": ["Ada", "Zoë Müller"],
    "key": ["u-7", "366", "36/6 ä?&"],
    "person": ["u-7", HEX],
    "email": ["ada@example.com"],
    "date": ["2026-01-31", "2026-01-31T08:30:15Z"],
    "integer": ["12", "0"],
    "money": ["99", "0", "1200"],
    "boolean": ["true", "false"],
}
TYPED = {
    "integer": [0, 7, -1, 366, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53 + 1, 2**63 - 1, None],
    "number": [0.0, 3.0, 29.85, 0.1, -1.5, 1e15 + 0.5, 1e300, 5e-324, float("nan"), float("inf"), 2.0**31, None],
    "truth": [True, False, None],
    "day": [date(2026, 1, 31), date(1, 1, 1), date(9999, 12, 31), None],
    "time": [datetime(2026, 1, 31, 8, 30, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 250000, UTC), None],
}
ATTRIBUTES = {
    "note_text": "text",
    "seats": "integer",
    "score": "number",
    "trial": "truth",
    "day": "day",
    "seen": "time",
}


def records(template, chance):
    """Columns of one type each, as a source gives them; most values of a record are good, one or two are nasty."""
    kinds = KINDS[template]
    odd = {name: chance.choice(list(TYPED)) for name in chance.sample(list(kinds), 1)} if chance.random() < 0.3 else {}
    for number in range(RECORDS):
        nasty = set(chance.sample([*kinds, *ATTRIBUTES], chance.choice([0, 1, 1, 2])))
        record = {"key": f"k-{number}"}
        for name, kind in kinds.items():
            pool = TYPED[odd[name]] if name in odd else [*NASTY[kind], None] if name in nasty else GOOD[kind]
            record[name] = chance.choice(pool)
        if (
            "canceled_at" in record and "status" not in odd and chance.random() < 0.95
        ):  # only together is their meaning written down
            record |= {"status": "canceled"} if chance.random() < 0.5 else {"canceled_at": None}
        for name, kind in ATTRIBUTES.items():
            pool = [*TEXTS, None] if kind == "text" else TYPED[kind]
            record[name] = chance.choice(pool) if name in nasty else pool[-2] if kind == "time" else pool[0]
        yield record


def rounds(template, dialect):
    """(record, verdict, payload or None, refusal or None, url), for every record of every round."""
    chance = random.Random(f"{template} {dialect}")
    mode = BatchSpec("on" if template == "send_batch" else "off")
    if load_catalogue()[template].batch_limit(dialect) is None:
        mode = BatchSpec()
    for _ in range(ROUNDS):
        given = list(records(template, chance))
        chunk = chunk_of(given)
        fields = {name: name for name in KINDS[template]}
        work = compiled(template, dialect, chunk, "key", mode, fields=fields, exclude=("key",))
        rendered = work.renderer.render(chunk)
        payloads = {each.ordinal: each for each in rendered.payloads}
        refused = {each.ordinal: each.refusal for each in rendered.refused}
        assert payloads.keys().isdisjoint(refused)
        assert len(payloads) + len(refused) == len(given)
        for row, record in enumerate(given):
            verdict = oracle(template, dialect, record, list(ATTRIBUTES), record["key"])
            yield record, verdict, payloads.get(row), refused.get(row)


NESTED = [
    {"a": 1, "secret": "s"}, {"secret": {"a": 1}}, {"deep": {"secret": 1, "l": [1, {"x": None}]}}, [], {}, [None, "x"],
    {"big": 2**70, "f": 1.5, "exact": True}, "text", "", 7, True, None, {"e\u0301": "🎉\u0000", "": " "}, "x" * 300,
]  # fmt: skip
PARTS = [
    "a",
    "b",
    "a:b",
    "b:a",
    ":",
    "\\",
    "\\:",
    "a\\",
    " a",
    "a ",
    "🎉",
    "007",
    "x" * 120,
    "x" * 119 + "y",
    " ",
    None,
]


def wide_rounds(template, dialect):
    """As `rounds`, with `nulls: send`, members that are absent, a nested column, and a key of two columns."""
    chance = random.Random(f"wide {template} {dialect}")
    mode = BatchSpec("on" if template == "send_batch" else "off")
    if load_catalogue()[template].batch_limit(dialect) is None:
        mode = BatchSpec()
    for _ in range(ROUNDS):
        given = []
        for record in records(template, chance):
            nested = chance.choice(NESTED) if chance.random() < 0.4 else "plain"
            left = {"part": chance.choice(PARTS) if chance.random() < 0.5 else "p", "nested.exact": "never sent"}
            given.append({**record, "key": chance.choice([*PARTS, "k", "k", "k"]), **left, "nested": nested})
        gone = {name: set() for name in [*KINDS[template], *ATTRIBUTES]}
        for row, record in enumerate(given):
            if isinstance(record.get("stage"), str) and chance.random() < 0.2:
                record |= {"stage": chance.choice(["Closed Won", "lost"]), "close_date": None}
            for name in chance.sample(list(gone), 1):
                if record[name] is None or chance.random() < 0.3:
                    record[name] = None
                    gone[name].add(row)
        absent = {name: frozenset(rows) for name, rows in gone.items()}
        chunk = chunk_of([{n: v for n, v in record.items() if n != "nested"} for record in given], absent)
        chunk = with_json(chunk, nested=[json.dumps(record["nested"]) for record in given])
        fields = {name: name for name in KINDS[template]}
        left_out = ("key", "part", "nested.exact", "nested.secret", "nested.deep.secret")
        work = compiled(template, dialect, chunk, ("key", "part"), mode, fields=fields, exclude=left_out, nulls="send")
        rendered = work.renderer.render(chunk)
        payloads = {each.ordinal: each for each in rendered.payloads}
        refused = {each.ordinal: each.refusal for each in rendered.refused}
        assert payloads.keys().isdisjoint(refused)
        assert len(payloads) + len(refused) == len(given)
        for row, record in enumerate(given):
            seen = {name: value for name, value in record.items() if row not in absent.get(name, ())}
            seen["nested"] = without_secret(record["nested"])
            parts = (record["key"], record["part"])
            verdict = oracle(template, dialect, seen, [*ATTRIBUTES, "nested"], parts, nulls="send")
            yield seen, verdict, payloads.get(row), refused.get(row)


def without_secret(value):
    """`exclude` takes nested.secret and nested.deep.secret; nested.exact is a column, so the member of that name stays."""
    if not isinstance(value, dict):
        return value
    kept = {name: member for name, member in value.items() if name != "secret"}
    if isinstance(kept.get("deep"), dict):
        kept["deep"] = {name: member for name, member in kept["deep"].items() if name != "secret"}
    return kept


def strictly(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_float=Decimal, parse_constant=refuse)


def disagreement(verdict, payload, refusal, derivations):
    """Why the kernel's answer is not the oracle's, or None."""
    if refusal is not None:
        if verdict.either:
            return None
        if not verdict.bad:
            return f"refused: {refusal}"
        known = refusal.field is None or refusal.field in verdict.bad
        return None if known else f"blames {refusal.field}, and {verdict.bad} are bad"
    if verdict.bad:
        return f"sent, though {verdict.bad} are bad: {payload.text!r}"
    sent = strictly(payload.text)
    if verdict.lookup is not None:
        sent.pop("entity")
        asked = [(each.kind, each.by, each.value) for each in payload.lookups]
        if asked != [verdict.lookup]:
            return f"asks for {asked} and not {verdict.lookup}"
    for name in verdict.may_be_null:
        if sent.get(name, "") is None:
            del sent[name]
    for name, value in list(verdict.payload.items()):
        if isinstance(value, Derived):
            if not derivations.fits(verdict.payload.pop(name), sent.pop(name, None)):
                return f"has an id that is not its own: {payload.text!r}"
    if verdict.address is not None and not payload.url.endswith("=" + quote(verdict.address, safe="")):
        return f"goes to {payload.url}"
    return None if same(verdict.payload, sent) else f"sent {sent}, meant {verdict.payload}"


def compare(cases):
    wrong, silent, count, derivations = [], 0, 0, Derivations()
    for record, verdict, payload, refusal in cases:
        count += 1
        if not verdict.opinion and not verdict.bad:
            silent += 1
            continue
        why = disagreement(verdict, payload, refusal, derivations)
        if why and (verdict.opinion or refusal is None):
            wrong.append((why, record))
    assert not wrong, f"{len(wrong)} of {count}, first:\n" + "\n".join(
        f"{why}\n  {record}" for why, record in wrong[:5]
    )
    assert silent < count / 10, f"the oracle decides nothing about {silent} of {count}"


@pytest.mark.parametrize(("template", "dialect"), CASES, ids=["-".join(case) for case in CASES])
def test_kernel_and_oracle_agree(template, dialect):
    compare(rounds(template, dialect))


@pytest.mark.parametrize(("template", "dialect"), CASES, ids=["-".join(case) for case in CASES])
def test_they_agree_on_nulls_that_are_sent_nested_columns_and_keys_of_several_columns(template, dialect):
    compare(wide_rounds(template, dialect))


MANY = [
    (template, dialect)
    for template in ("upsert_person", "upsert_company", "insert_event")
    for dialect in ("native", "flat")
]


@pytest.mark.parametrize("nulls", ["omit", "send"])
@pytest.mark.parametrize(("template", "dialect"), MANY, ids=["-".join(case) for case in MANY])
def test_they_agree_on_how_much_fits_into_metadata_and_custom_attributes(template, dialect, nulls):
    chance = random.Random(f"{template} {dialect} {nulls}")
    most = 50 if template == "insert_event" else 250
    wide = [f"{number:03}" + "n" * chance.choice([1, 100, 185]) for number in range(most + 8)]
    names = [f"c{name}" for name in wide]
    given = []
    for number in range(60):
        full = chance.choice([1, most - 3, most - 2, most - 1, most, most + 1, most + 8])
        filled = set(chance.sample(names, full))
        letters = chance.choice(["x", "é", "🎉", '"', "\x01"])
        length = chance.choice([0, 1, 16, 50]) if letters != "x" else chance.choice([1, 50, 100])
        base = {name: chance.choice(GOOD[kind]) for name, kind in KINDS[template].items()}
        given.append({"key": f"k{number}", **base, **{n: letters * length if n in filled else None for n in names}})
    chunk = chunk_of(given)
    work = compiled(
        template, dialect, chunk, "key", BatchSpec("off") if dialect == "native" else BatchSpec(),
        fields={name: name for name in KINDS[template]}, exclude=("key",), nulls=nulls,
    )  # fmt: skip
    rendered = work.renderer.render(chunk)
    payloads = {each.ordinal: each for each in rendered.payloads}
    refused = {each.ordinal: each.refusal for each in rendered.refused}
    verdicts = [oracle(template, dialect, record, names, record["key"], nulls=nulls) for record in given]
    compare((given[row]["key"], v, payloads.get(row), refused.get(row)) for row, v in enumerate(verdicts))
    if dialect == "native":
        assert len({bool(verdict.bad) for verdict in verdicts}) == (1 if nulls == "send" else 2)
