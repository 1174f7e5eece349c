"""Objects as Custify returns them: pages, ids, and equality with what was sent."""

from functools import reduce

import pytest

from penstock.delivery.objects import (
    MOST_PAGES,
    Listing,
    ListPage,
    Pages,
    differing_field,
    external_id,
    moment,
    note_forms,
    note_hashes,
    page_of,
    remote_id,
    same_value,
    unwrapped,
    value_form,
    values_at,
)


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        ("a", "a"),
        (0, 0.0),
        ("70", 70),
        ("1.10", 1.1),
        (" 5e2 ", 500),
        (29.85, "29.85"),
        ("TRUE", True),
        (False, "false"),
        (None, None),
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("2026-01-31 12:30", "2026-01-31T12:30:00Z"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31T12:00:00.123456Z", "2026-01-31T12:00:00.123Z"),
        ([1, "x"], ["1", "x"]),
        ([{"a": 1, "b": None}], [{"a": "1"}]),
        (10**30, "1000000000000000000000000000000"),
    ],
)
def test_equal_values(sent, got):
    assert same_value(sent, got)
    assert same_value(got, sent)


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        ("a", "A"),
        ("", None),
        (0, None),
        (False, None),
        (False, 0),
        ("true", 1),
        ("7", "8"),
        ("2026-01-31", "2026-02-01"),
        ("2026-02-31", "2026-03-03"),
        ("0001-01-01T00:00:00+12:00", "0001-01-01"),
        ([1], [1, 2]),
        ([1], 1),
        ([{"a": 1}], [{"a": 1, "b": 2}]),
        (float("nan"), float("nan")),
    ],
)
def test_different_values(sent, got):
    assert not same_value(sent, got)
    assert not same_value(got, sent)


@pytest.mark.parametrize(
    ("sent", "got", "field"),
    [
        ({}, {"a": 1}, None),
        ({"a": None}, {}, None),
        ({"a": 1}, {}, "a"),
        ({"metadata": {"plan": "x"}}, {"metadata": {"plan": "x", "other": 1}}, None),
        ({"metadata": {"plan": "x"}}, {"metadata": {"plan": "y"}}, "metadata.plan"),
        ({"metadata": {"plan": None}}, {}, None),
        ({"metadata": {"plan": "x"}}, {}, "metadata.plan"),
        ({"metadata": {"plan": "x"}}, {"metadata": "x"}, "metadata"),
    ],
)
def test_the_first_member_that_differs(sent, got, field):
    assert differing_field(sent, got) == field


@pytest.mark.parametrize(
    "text", ["2026", "12:00", "2026-1-31", "2026-13-01", "9999-12-31T23:59:59-14:00", 20260131, None]
)
def test_what_is_no_moment(text):
    assert moment(text) is None


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("Called  Ada\n\nagain ", "Called Ada again"),
        ("Called Ada\nagain", "<p>Called Ada</p><p>again</p>"),
        ("Called Ada\nagain", "<p>Called Ada<br/>again</p>"),
        ("a < b & c > d", "<p>a &lt; b &amp; c &gt; d</p>"),
        ("5 < 6", "5 < 6"),
        ("<p>Hello <b>Ada</b>!</p>", "Hello Ada!"),
        ("<p>Hello <b>Ada</b>!</p>", "<p>Hello <b>Ada</b>!</p>"),
        ("use <name> here", "<p>use &lt;name&gt; here</p>"),
        ("use <name> here", "<p>use here</p>"),
        ("caf\u00e9", "<p>cafe\u0301</p>"),
        ("caf\u00e9", "caf&eacute;"),
        ("a\u00a0b", "a&nbsp;b"),
        ("<ul><li>one</li><li>two</li></ul>", "one two"),
        ("<img src='x'>", "<img src='x'>"),
    ],
)
def test_texts_of_notes_that_are_equal(sent, returned):
    assert set(note_forms(sent)) & set(note_forms(returned))
    assert set(note_hashes(sent)) & set(note_hashes(returned))


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("Called Ada", "Called Eve"),
        ("Called Ada", "called ada"),
        ("ab", "a b"),
        ("<img src='x'>", "<img src='y'>"),
        ("<img src='x'>", ""),
    ],
)
def test_texts_of_notes_that_differ(sent, returned):
    assert not set(note_forms(sent)) & set(note_forms(returned))
    assert not set(note_hashes(sent)) & set(note_hashes(returned))


def test_hashes_are_signed_numbers_of_64_bits():
    hashes = {number for text in map(str, range(50)) for number in note_hashes(text)}
    assert len(hashes) == 50
    assert all(-(1 << 63) <= number < 1 << 63 for number in hashes)
    assert any(number < 0 for number in hashes)


@pytest.mark.parametrize(
    ("found", "remote", "external"),
    [
        ({"id": "a", "externalId": "x"}, "a", "x"),
        ({"_id": "a", "externalIds": {"custify": 7}}, "a", "7"),
        ({"id": "", "externalIds": ["x"]}, None, None),
        ({}, None, None),
    ],
)
def test_ids_of_an_object(found, remote, external):
    assert (remote_id(found), external_id(found)) == (remote, external)


@pytest.mark.parametrize(
    ("kind", "document", "page"),
    [
        ("task", {"tasks": [{"id": "a"}], "total": 3}, ListPage(({"id": "a"},), 3)),
        ("task", {"tasks": []}, ListPage((), None)),
        ("task", {"tasks": [], "total": True}, ListPage((), None)),
        ("note", {"notes": [{"id": "a"}, "x"], "total": 2}, ListPage(({"id": "a"},), 2)),
        ("deal", {"externalIds": {"custify": "d"}}, ListPage(({"externalIds": {"custify": "d"}},), 1)),
        ("deal", {"deals": None, "id": "a"}, ListPage(({"deals": None, "id": "a"},), 1)),
        ("deal", {"message": "nonsense"}, None),
        ("deal", [], None),
        ("deal", None, None),
        ("custom_object", {}, ListPage((), 0)),
        ("custom_object", [], ListPage((), 0)),
        ("custom_object", {"car": [{"data_id": "1"}]}, ListPage(({"data_type": "car", "data_id": "1"},), 1)),
        ("custom_object", {"car": {"data_id": "1"}}, ListPage(({"data_type": "car", "data_id": "1"},), 1)),
        ("custom_object", {"message": "nonsense"}, None),
        ("custom_object", {"car": ["1"]}, None),
        ("custom_object", "nonsense", None),
    ],
)
def test_the_objects_of_a_reply(kind, document, page):
    assert page_of(kind, document) == page


@pytest.mark.parametrize(
    ("path", "document", "values"),
    [
        ("$.items[?@.ref == 'x'].id", {"items": [{"ref": "x", "id": 0}, {"ref": "y", "id": 1}]}, [0]),
        ("$.item", {"item": None}, []),
        ("$.items", {"items": []}, []),
        ("$.item", {}, []),
        ("$", False, [False]),
        ("$.id", '{"id": 1}', []),
        ("$.id", None, []),
    ],
)
def test_the_values_of_a_path(path, document, values):
    assert values_at(document, path) == values


@pytest.mark.parametrize("path", ["items[0]", "$[", "$.a | $.b", "$[?@.a < 1e400]", "$..x"])
def test_a_path_that_cannot_be_followed(path):
    deep = reduce(lambda inner, _: {"a": [inner]}, range(500), {"x": 1})
    with pytest.raises(ValueError, match="cannot be followed in the reply"):
        values_at(deep, path)


def ids(*names):
    return tuple({"id": name} for name in names)


def read(*pages):
    """What is known after these pages, and how many of them were read."""
    reader = Pages()
    number = 0
    for page in pages:
        number += 1
        if not reader.add(page):
            break
    return reader, reader.listing(), number


@pytest.mark.parametrize(
    "pages",
    [
        [ListPage((), 0)],
        [ListPage((), None)],
        [ListPage(ids("a", "b"), 2)],
        [ListPage(ids("a", "b"), 3), ListPage(ids("b", "c"), 3)],
        [ListPage(ids("a"), None), ListPage((), None)],
    ],
)
def test_a_list_that_is_complete(pages):
    reader, listing, number = read(*pages, ListPage(ids("z"), 9))
    assert listing.gap is None
    assert number == len(pages)
    assert not reader.changed
    assert {each["id"] for each in listing.objects} == {each["id"] for page in pages for each in page.objects}


@pytest.mark.parametrize(
    ("pages", "gap"),
    [
        ([ListPage(ids("a"), 3), ListPage(ids("b"), 4)], "changed"),
        ([ListPage(ids("a"), 3), ListPage(ids("a"), 3)], "should have 3 objects and returned 1"),
        ([ListPage(ids("a"), None), ListPage(ids("a"), None)], "should have more objects and returned 1"),
        ([ListPage(ids("a"), 3), ListPage((), 3)], "should have 3 objects and returned 1"),
        ([ListPage(ids("a", "b"), 1)], "should have 1 objects and returned 2"),
        ([ListPage(({"text": "x"},), 1)], "without an id"),
    ],
)
def test_a_list_that_may_not_be_complete(pages, gap):
    reader, listing, number = read(*pages, ListPage(ids("z"), 9))
    assert gap in listing.gap
    assert number == len(pages)
    assert reader.changed == (gap == "changed")
    assert list(listing.objects) != []


def test_a_list_has_an_end():
    _, listing, number = read(*(ListPage(ids(str(n)), 1000) for n in range(1000)))
    assert (number, len(listing.objects)) == (MOST_PAGES, MOST_PAGES)
    assert listing.gap == "the list has more than 200 pages"


def test_a_page_that_was_not_read_is_a_gap():
    reader, _, _ = read(ListPage(ids("a"), 3))
    assert reader.listing("no answer") == Listing(ids("a"), "no answer")


def test_the_list_around_people_is_taken_off():
    inner = {"people": [], "total": 0}
    assert unwrapped([inner]) == inner
    assert unwrapped(inner) == inner
    assert unwrapped([]) == []
    assert unwrapped([1, 2]) == [1, 2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("2026-01-31T01:00:00+01:00", "2026-01-31 00:00:00.000400"),
        (5, "5.0"),
        (True, "TRUE"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)
def test_equal_values_have_one_form(one, other):
    assert value_form(one) == value_form(other)


def test_other_values_have_other_forms():
    values = [None, "", "a", 0, False, "2026-01-31", "2026-02-01", ["a"], {}, "None"]
    assert len({value_form(value) for value in values}) == len(values)
