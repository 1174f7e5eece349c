"""The decision whether a record without an answer arrived: what was written down, what was read, and when."""

import html
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.clock import iso
from penstock.delivery.objects import Listing, ListPage
from penstock.delivery.settle import (
    ReadAt,
    ReadBackFinding,
    Recipe,
    SentRecord,
    finding,
    list_url,
    needs_list,
    note_findings,
    read_url,
    sent_note,
    shows_our_text,
    without_read,
)
from penstock.model.delivery import SentNote

API = "https://api.custify.com"
SENT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
ENTITY = "5f00000000000000000000aa"
SETTLE_AFTER = 5.0
LATE = ReadAt(SENT + timedelta(seconds=5))
EARLY = ReadAt(SENT + timedelta(seconds=4.9))


def later(seconds):
    return SENT + timedelta(seconds=seconds)


def task(**body):
    return SentRecord("1", "task", {"name": "Call", "externalId": "t-1", **body}, f"{API}/task", SENT)


def invoice(**body):
    return SentRecord("1", "invoice", {"externalId": "i-1", **body}, f"{API}/financial/invoice", SENT)


def car(url=f"{API}/custom_data/companies?company_id=c%2F1", **body):
    body = {"data_type": "car", "data_id": 7, "data": {"seats": 4}, **body}
    return SentRecord("1", "custom_object", body, url, SENT)


def request(found="$.items[0]"):
    return SentRecord("1", "recipe", None, f"{API}/x", SENT, Recipe(f"{API}/x?ref=1", found))


def decide(record, *objects, at=LATE, gap=None):
    return finding(record, Listing(objects, gap), at, SETTLE_AFTER)


# ── what to read ─────────────────────────────────────────────────────────────────────


def test_a_record_that_may_be_sent_again_is_never_read():
    with pytest.raises(ValueError, match="not read back"):
        without_read(SentRecord("1", "repeatable", {}, f"{API}/people", SENT))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (
            SentRecord("1", "unreadable", {}, API, SENT, why="the flat API publishes no reads"),
            "the flat API publishes no reads",
        ),
        (SentRecord("1", "unreadable", {}, API, SENT), "it cannot be read back"),
        (SentRecord("1", "recipe", {}, API, SENT), "its request has no settle: {url, found}"),
        (SentRecord("1", "task", None, f"{API}/task", SENT), "what was sent is not stored whole"),
        (task(externalId=None), "it was sent without externalId, by which it would be found"),
        (task(externalId=""), "it was sent without externalId, by which it would be found"),
        (invoice(externalId=True), "it was sent without externalId, by which it would be found"),
        (
            SentRecord("1", "note", {"text": "x"}, f"{API}/note", SENT),
            "it was sent without entity, by which it would be found",
        ),
        (
            SentRecord("1", "note", {"entity": "x"}, f"{API}/note", SENT),
            "it was sent without text, by which it would be found",
        ),
        (car(data_id=None), "it was sent without data_id, by which it would be found"),
        (
            car(f"{API}/custom_data/companies"),
            "it was sent without company_id and user_id, by which it would be found",
        ),
    ],
)
def test_what_cannot_be_read(record, reason):
    assert without_read(record) == ReadBackFinding("cannot tell", reason)


@pytest.mark.parametrize(
    ("record", "url"),
    [
        (task(), f"{API}/task?externalId=t-1"),
        (task(externalId="a b&c"), f"{API}/task?externalId=a+b%26c"),
        (invoice(externalId=0), f"{API}/financial/invoice?externalId=0"),
        (
            SentRecord("1", "deal", {"externalId": "d"}, f"{API}/financial/deal/{ENTITY}?x=1", SENT),
            f"{API}/financial/deal?externalId=d",
        ),
        (SentRecord("1", "note", {"entity": ENTITY, "text": "x"}, f"{API}/note/", SENT), f"{API}/note/{ENTITY}"),
        (car(), f"{API}/custom_data/companies?company_id=c%2F1&data_type=car&data_id=7"),
        (
            car(f"{API}/custom_data/people?user_id=u&data_type=old"),
            f"{API}/custom_data/people?user_id=u&data_type=car&data_id=7",
        ),
        (car(f"{API}/custom_data/companies/{ENTITY}"), f"{API}/custom_data/companies/{ENTITY}?data_type=car&data_id=7"),
        (
            car(f"{API}/custom_data/people", user_id="u"),
            f"{API}/custom_data/people?user_id=u&data_type=car&data_id=7",
        ),
        (request(), f"{API}/x?ref=1"),
    ],
)
def test_where_a_record_is_read(record, url):
    assert without_read(record) is None
    assert read_url(record) == url


def test_where_all_objects_of_a_kind_are_read():
    assert list_url(task()) == f"{API}/task"


@pytest.mark.parametrize(
    ("page", "ignored"),
    [
        (ListPage((), 0), False),
        (ListPage((), None), False),
        (ListPage((), 7), True),
        (ListPage(({"id": "x", "externalId": "t-1"},), 1), False),
        (ListPage(({"id": "x", "externalId": "t-2"},), 1), True),
        (ListPage(({"id": "x"},), 1), True),
        (ListPage(({"id": "x"}, {"id": "y", "externalId": "t-1"}), 2), False),
    ],
)
def test_a_filter_that_was_ignored(page, ignored):
    assert needs_list(task(), page) is ignored


def test_custom_data_needs_no_list():
    assert not needs_list(car(), ListPage(({"data_type": "boat"},), 1))


# ── when ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (LATE, "not there"),
        (EARLY, "cannot tell"),
        (ReadAt(later(-3600), 5.0), "not there"),
        (ReadAt(later(-3600), 4.9), "cannot tell"),
    ],
)
def test_absence_counts_only_in_a_late_read_also_when_the_clock_was_set_back(at, state):
    assert decide(task(), at=at).state == state
    assert at.early_s(SENT, SETTLE_AFTER) == pytest.approx(0.0 if state == "not there" else 0.1)


def test_the_reason_of_an_early_read():
    expected = "Custify has no task with externalId t-1, but it was read less than 5 s after it was sent"
    assert decide(task(), at=EARLY) == ReadBackFinding("cannot tell", expected)


# ── tasks, financial objects, custom data, recipes ───────────────────────────────────


def test_a_task_that_is_there_has_arrived_at_once_and_in_an_incomplete_list():
    stored = {"id": "r-1", "externalId": "t-1", "name": "Call", "status": "done"}
    for at, gap in ((EARLY, None), (LATE, "no answer")):
        found = decide(task(), {"id": "r-0"}, stored, at=at, gap=gap)
        assert found == ReadBackFinding("arrived", "Custify has a task with externalId t-1", "r-1")


def test_a_task_with_the_same_external_id_from_elsewhere_is_not_this_one():
    named = {"id": "r-1", "externalId": "t-1", "created_at": iso(later(-3600))}
    old = "Custify has no task with externalId t-1 that was created since it was sent"
    assert decide(task(), {**named, "name": "Call"}) == ReadBackFinding("not there", old)
    other = ReadBackFinding("cannot tell", "Custify has a task with externalId t-1, but with another name")
    assert decide(task(), {**named, "name": "Write", "created_at": iso(later(1))}) == other
    assert decide(task(), {"id": "r-1", "externalId": "t-1", "name": "Write"}) == other
    assert decide(task(), {**named, "name": "Write"}, {"externalId": "t-1", "name": "Call"}).state == "arrived"
    assert decide(task(), {**named, "name": "Call", "created_at": iso(later(-200))}).state == "arrived", "clocks differ"


def test_a_task_that_is_not_in_a_complete_list_is_not_there():
    assert decide(task(), {"id": "r-0", "externalId": "t-11"}) == ReadBackFinding(
        "not there", "Custify has no task with externalId t-1"
    )


def test_an_incomplete_list_does_not_show_absence():
    assert decide(task(), gap="the read-back failed: 503") == ReadBackFinding(
        "cannot tell", "the read-back failed: 503"
    )


def test_a_long_identifier_is_shortened_in_the_reason():
    assert len(decide(task(externalId="x" * 255)).reason) < 130


def test_a_financial_object_with_every_sent_value_has_arrived():
    sent = invoice(total="120.50", paidAt="2026-01-31", company_id="c1", metadata={"a": None}, status=None)
    stored = {"id": "r", "externalIds": {"custify": "i-1"}, "total": 120.5, "paidAt": "2026-01-31T00:00:00.000Z"}
    found = decide(sent, stored | {"company_id": "c1", "other": 1}, at=EARLY)
    assert found == ReadBackFinding(
        "arrived", "Custify has the invoice with externalId i-1 with every value that was sent", "r"
    )


@pytest.mark.parametrize("gap", [None, "the list changed while it was read"])
def test_a_financial_object_with_another_value_may_be_sent_again(gap):
    found = decide(
        invoice(total=2, status="paid"), {"id": "r", "externalId": "i-1", "total": 2, "status": "open"}, gap=gap
    )
    assert found == ReadBackFinding("not there", "Custify has the invoice with externalId i-1 with another status")


def test_another_value_read_too_early_shows_nothing():
    assert decide(invoice(total=2), {"externalId": "i-1", "total": 1}, at=EARLY).state == "cannot tell"


def test_a_financial_object_that_is_not_there():
    assert decide(invoice()) == ReadBackFinding("not there", "Custify has no invoice with externalId i-1")


def test_custom_data_that_is_there():
    found = decide(car(), {"data_type": "car", "data_id": "7", "data": {"seats": "4", "color": None}, "id": "r"})
    assert found == ReadBackFinding(
        "arrived", "Custify has the custom data object car 7 with every value that was sent", "r"
    )


@pytest.mark.parametrize(
    ("stored", "field"),
    [({"seats": 5}, "seats"), ({"seats": 4, "color": "red"}, "color"), ({}, "seats"), (None, "seats")],
)
def test_custom_data_is_replaced_as_a_whole(stored, field):
    found = decide(car(), {"data_type": "car", "data_id": "7", "data": stored})
    assert found == ReadBackFinding("not there", f"Custify has the custom data object car 7 with another data.{field}")


def test_custom_data_of_another_type_or_id_is_another_object():
    others = [{"data_type": "boat", "data_id": "7"}, {"data_type": "car", "data_id": "77"}]
    assert decide(car(), *others) == ReadBackFinding("not there", "Custify has no custom data object car 7")


def test_what_a_recipe_finds_has_arrived():
    assert decide(request(), 0, at=EARLY) == ReadBackFinding("arrived", "the read-back of this request finds it")
    assert decide(request()) == ReadBackFinding("not there", "the read-back of this request does not find it")
    assert decide(request(), at=EARLY).state == "cannot tell"
    assert decide(request(), gap="no answer") == ReadBackFinding("cannot tell", "no answer")


# ── notes ────────────────────────────────────────────────────────────────────────────


def note(name="1", text="Called Ada", *, sent=SENT):
    return SentRecord(name, "note", {"entity": ENTITY, "entityModel": "Company", "text": text}, f"{API}/note", sent)


def stored(name, text="<p>Called Ada</p>", *, created=SENT, **fields):
    named = {"id": name, "text": text, "entity": ENTITY, "createdByType": "api", "created_at": created.isoformat()}
    return {name: value for name, value in (named | fields).items() if value is not None}


def delivered(remote, text="Hello", *, entity=ENTITY, at="2026-11-30T11:59:00.000Z"):
    return sent_note("acme", {"entity": entity, "text": text}, remote, at)


def states(records, *notes, known=(), at=LATE, gap=None, comparable=False):
    found = note_findings(records, Listing(notes, gap), known, at, SETTLE_AFTER, comparable=comparable)
    return {name: each.state for name, each in found.items()}


def reason(record, *notes, **options):
    (found,) = note_findings(
        [record], Listing(notes), options.get("known", ()), LATE, SETTLE_AFTER, comparable=True
    ).values()
    return found.reason


def test_a_note_that_is_there_has_arrived_with_its_id():
    for at, gap in ((EARLY, None), (LATE, "no answer")):
        found = note_findings([note()], Listing([stored("r")], gap), [], at, SETTLE_AFTER, comparable=False)
        assert found == {"1": ReadBackFinding("arrived", "Custify has this note", "r")}


def test_as_many_equal_notes_as_were_sent_have_all_arrived():
    records = [note("1", sent=later(2)), note("2", sent=later(1)), note("3", "Called Eve")]
    notes = [
        stored("r2", created=later(2)),
        stored("r1", created=later(1)),
        stored("r0", "Called Ada", created=later(3)),
    ]
    found = note_findings(records, Listing(notes), [], LATE, SETTLE_AFTER, comparable=False)
    assert {name: (each.state, each.remote_id) for name, each in found.items() if name != "3"} == {
        "2": ("arrived", "r1"),
        "1": ("arrived", "r2"),
    }
    assert found["3"].state == "cannot tell"


def test_of_fewer_equal_notes_the_first_that_were_sent_have_arrived():
    records = [note("1", sent=later(2)), note("2", sent=later(1)), note("3", sent=SENT)]
    late = ReadAt(later(60))
    assert states(records, stored("r"), at=late) == {"3": "arrived", "1": "not there", "2": "not there"}
    assert states(records, stored("r"), at=EARLY) == {"3": "arrived", "1": "cannot tell", "2": "cannot tell"}
    assert states(records, stored("r"), at=late, gap="x") == {"3": "arrived", "1": "cannot tell", "2": "cannot tell"}


@pytest.mark.parametrize(
    "others",
    [
        [stored("r", created=SENT - timedelta(seconds=301))],
        [stored("r", entity="5f00000000000000000000bb")],
        [stored("r", createdByType="user")],
        [stored("r", "Called Eve", createdByType="user")],
        [stored("r", created=SENT - timedelta(days=1), text="Called Eve")],
        [],
    ],
)
def test_a_note_is_not_there_if_no_api_created_one_since(others):
    assert states([note()], *others) == {"1": "not there"}
    assert states([note()], *others, at=EARLY) == {"1": "cannot tell"}
    assert states([note()], *others, gap="the list changed") == {"1": "cannot tell"}


def test_clocks_may_differ_by_five_minutes():
    assert states([note()], stored("r", created=SENT - timedelta(seconds=299))) == {"1": "arrived"}


def test_another_note_of_an_api_may_be_this_one_until_texts_are_known_to_compare():
    other = stored("r", "<p>Called *Ada*</p>")
    assert states([note()], other) == {"1": "cannot tell"}
    assert states([note()], other, comparable=True) == {"1": "not there"}


def test_the_other_delivered_notes_of_ours_do_not_count():
    known = [delivered("r", "Called Ada"), delivered("q", "Other")]
    assert states([note()], stored("r"), stored("q", "changed"), known=known) == {"1": "not there"}


@pytest.mark.parametrize(
    "other",
    [
        stored("r", createdByType=None),
        stored("r", created_at=None),
        stored("r", created_at="yesterday"),
        stored("r", text=None),
    ],
)
def test_a_note_that_does_not_say_enough_may_be_this_one(other):
    assert states([note()], other, comparable=True) == {"1": "cannot tell"}
    assert reason(note(), other) == "Custify has a note that may be this one, but not who created it, when, or its text"
    assert states([note("1"), note("2", sent=later(1))], stored("q"), other, comparable=True, at=ReadAt(later(60))) == {
        "1": "arrived",
        "2": "cannot tell",
    }


def test_the_moment_may_be_named_in_camel_case():
    assert states([note()], stored("r", created_at=None, createdAt="2026-11-30T12:00:00.000Z")) == {"1": "arrived"}


def test_an_equal_note_that_was_delivered_without_an_id_counts_first():
    known = [delivered(None, "Called Ada")]
    assert states([note()], stored("r"), known=known, comparable=True) == {"1": "cannot tell"}
    assert states([note()], known=known, comparable=True) == {"1": "cannot tell"}
    assert states([note()], stored("r"), stored("q"), known=known) == {"1": "arrived"}
    assert states([note()], known=[delivered(None, "Called Eve")], comparable=True) == {"1": "not there"}
    before = [delivered(None, "Called Ada", at="2026-11-30T11:54:59.000Z")]
    assert states([note()], known=before, comparable=True) == {"1": "not there"}
    unreadable = [delivered(None, "Called Ada", at="?")]
    assert states([note()], known=unreadable, comparable=True) == {"1": "cannot tell"}
    assert "another note with this text was delivered" in reason(note(), known=known)


def test_texts_that_are_equal_in_one_form_only_are_counted_together_and_not_told_apart():
    records = [note("1", "<b>x</b>"), note("2", "y", sent=later(1)), note("3", "x", sent=later(2))]
    late = ReadAt(later(60))
    assert states(records, stored("r", "x"), comparable=True, at=late) == {
        "1": "cannot tell",
        "2": "not there",
        "3": "cannot tell",
    }
    assert states(records, stored("r", "x"), stored("q", "<b>x</b>"), comparable=True, at=late) == {
        "1": "arrived",
        "2": "not there",
        "3": "arrived",
    }
    both = note_findings(records, Listing([stored("r", "x")]), [], late, SETTLE_AFTER, comparable=True)
    assert both["1"].reason == "several notes with nearly this text were sent, and Custify has fewer"


def test_a_later_text_can_join_two_groups():
    records = [note("1", "<b>x</b>"), note("2", "<i>x</i>"), note("3", "&lt;b&gt;x&lt;/b&gt;")]
    assert set(states(records, stored("r", "x"), comparable=True).values()) == {"cannot tell"}


def test_the_row_of_a_delivered_note():
    row = delivered("r", "<p>Hello</p>")
    assert row == SentNote("acme", ENTITY, "r", row.forms, "2026-11-30T11:59:00.000Z")
    assert set(row.forms) & set(delivered("q", "Hello").forms)
    assert sent_note("acme", {"entity": ENTITY}, "r", "x") is None
    assert sent_note("acme", {"text": "x"}, "r", "x") is None


@pytest.mark.parametrize(
    ("notes", "shown"),
    [
        ([stored("r", "<p>Hello</p>")], True),
        ([stored("q", "Hello")], False),
        ([stored("r", "Hello!")], False),
        ([stored("r", None)], False),
        ([{"text": "Hello"}], False),
        ([], False),
    ],
)
def test_a_delivered_note_shows_whether_texts_compare(notes, shown):
    known = [delivered("r"), delivered(None)]
    assert shows_our_text(Listing(notes), known) is shown


# ── a law ────────────────────────────────────────────────────────────────────────────

RETURNED = {"text": str, "html": lambda text: f"<p>{html.escape(text)}</p>", "changed": str.upper}
FATES = ("delivered", "delivered without id", "lost and there", "lost and not there")


@given(
    st.lists(
        st.tuples(st.sampled_from(["called ada", "called <b>ada</b>", "x & y"]), st.sampled_from(FATES)), max_size=8
    ),
    st.sampled_from(sorted(RETURNED)),
    st.lists(st.sampled_from([("user", "called ada"), ("api", "another"), ("user", "another")]), max_size=2),
    st.data(),
)
def test_no_note_is_taken_for_another_in_whatever_order_reads_succeed(sent, form, foreign, data):
    """Two reads, of which the first may be early or incomplete; what is found in it is stored as delivered."""
    shown, known, unknown = [], [], {}
    for number, (text, fate) in enumerate(sent):
        name, moment = str(number), later(number)
        if fate != "lost and not there":
            shown.append(stored(f"r{name}", RETURNED[form](text), created=moment))
        if fate.startswith("lost"):
            unknown[name] = note(name, text, sent=moment)
        else:
            known.append(delivered(f"r{name}" if fate == "delivered" else None, text, at=iso(moment)))
    shown += [stored(f"f{n}", text, createdByType=by) for n, (by, text) in enumerate(foreign)]
    gap, at = data.draw(st.sampled_from([("no answer", ReadAt(later(60))), (None, EARLY)]))
    some = data.draw(st.lists(st.sampled_from(shown), unique_by=id)) if shown else []
    first = settle(unknown.values(), Listing(some, gap), known, at)
    assert "not there" not in {each.state for each in first.values()}
    for name, each in first.items():
        if each.state == "arrived":
            body = unknown.pop(name).body
            known.append(sent_note("acme", body, each.remote_id, iso(SENT)))
    second = settle(unknown.values(), Listing(shown), known, ReadAt(later(60)))
    claimed = Counter((sent[int(name)][0], each.state) for name, each in [*second.items(), *arrived_of(first)])
    true = Counter(sent)
    for text in {text for text, _ in sent}:
        assert claimed[text, "arrived"] <= true[text, "lost and there"]
        assert claimed[text, "not there"] <= true[text, "lost and not there"]
    clear = "<b>" not in str(sent) and "delivered without id" not in {fate for _, fate in sent}
    if shows_our_text(Listing(shown), known) and clear:
        assert "cannot tell" not in {each.state for each in second.values()}


def settle(records, listing, known, at):
    if not records:
        return {}
    comparable = shows_our_text(listing, known)
    return note_findings(list(records), listing, known, at, SETTLE_AFTER, comparable=comparable)


def arrived_of(found):
    return [(name, each) for name, each in found.items() if each.state == "arrived"]
