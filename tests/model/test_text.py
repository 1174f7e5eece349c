"""Invisible characters are removed or shown, and spreadsheets execute no cell."""

import pytest

from penstock.model.text import (
    FORMULAS,
    MOST_LISTED,
    column_hint,
    did_you_mean,
    digest,
    harmless_cell,
    identifying,
    joined,
    nearest,
    place_in,
    repeated,
    suggest,
    visible,
    without_invisible,
)


def test_invisible_characters_are_removed_from_identifying_text():
    assert identifying("\ufeff u-1\u200b ") == "u-1"
    assert without_invisible("a\u00ad b ") == "a b "
    assert without_invisible(" plain ") == " plain "


def test_a_joiner_within_a_word_or_an_emoji_is_not_removed():
    family, persian = "👩\u200d👧", "می\u200cخواهم"
    assert without_invisible(family) == family
    assert without_invisible(persian) == persian
    assert without_invisible("a\u200db\u200d") == "ab"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\u200bb", r"a\u200bb"),
        ("a\u00a0b", r"a\u00a0b"),
        ("a\x07b", r"a\u0007b"),
        ("a\U000e0041b", r"a\U000e0041b"),
        ("Straße", "Straße"),
    ],
)
def test_a_message_shows_invisible_characters_as_escapes(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize("sign", FORMULAS)
def test_a_cell_that_begins_like_a_formula_gets_an_apostrophe(sign):
    assert harmless_cell(f"{sign}1") == f"'{sign}1"


@pytest.mark.parametrize("cell", ["", "a=1", "0", 0, -1, None, False])
def test_other_cells_are_unchanged(cell):
    assert harmless_cell(cell) is cell


def test_the_line_and_column_in_a_message_about_sql_are_read():
    assert place_in("line 3, column 14 of the SQL: no such column") == (3, 14)
    assert place_in("no such column") is None


def test_the_nearest_known_word_is_found_in_any_case():
    assert nearest("E_MAIL", ["name", "Email"]) == "Email"
    assert nearest("zip", ["name", "Email"]) is None
    assert did_you_mean("emial", ["email"], "write a field") == "did you mean email?"
    assert did_you_mean("zip", ["email"], "write a field") == "write a field"


def test_the_hint_for_a_key_names_the_nearest_known_one_and_lists_the_first_ones():
    assert suggest("emial", ["email", "id"], "fields") == "did you mean `email`? fields: email, id"
    assert suggest("zip", ["email"], "fields") == "fields: email"
    assert suggest("zip", [], "source") == "there is no source yet"
    assert suggest("zip", map(str, range(MOST_LISTED + 1)), "numbers").endswith(" and 1 more")


def test_the_hint_for_a_column_names_the_nearest_one_or_lists_all():
    assert column_hint("user_i", ["user_id", "plan"]) == "did you mean user_id?"
    assert column_hint("zzz", ["user_id", "plan"]) == "the columns are user_id, plan"
    assert column_hint("zzz", []) == "there are no columns"


def test_a_long_list_of_names_ends_with_how_many_more_there_are():
    assert joined(["a", "b"], 2) == "a, b"
    assert joined([str(number) for number in range(2002)], 2) == "0, 1 and 2,000 more"


def test_the_first_name_that_occurs_twice_is_found():
    assert repeated(["a", "b", "b", "a"]) == "b"
    assert repeated(["a", "b"]) is None


def test_different_texts_have_different_digests():
    assert digest(b"a") == digest(b"a") != digest(b"b")
    assert len(digest(b"")) == 16
