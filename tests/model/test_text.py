"""What cannot be seen is removed from what identifies, and shown in messages; spreadsheets compute no cell."""

import pytest

from penstock.model.text import (
    FORMULAS,
    did_you_mean,
    digest,
    harmless_cell,
    identifying,
    nearest,
    place_in,
    visible,
    without_invisible,
)


def test_what_cannot_be_seen_identifies_nothing():
    assert identifying("\ufeff u-1\u200b ") == "u-1"
    assert without_invisible("a\u00ad b ") == "a b "
    assert without_invisible(" plain ") == " plain "


def test_a_joiner_within_a_word_or_an_emoji_stays():
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
def test_a_message_shows_what_cannot_be_seen(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize("sign", FORMULAS)
def test_a_spreadsheet_computes_no_cell(sign):
    assert harmless_cell(f"{sign}1") == f"'{sign}1"


@pytest.mark.parametrize("cell", ["", "a=1", "0", 0, -1, None, False])
def test_other_cells_stay_as_they_are(cell):
    assert harmless_cell(cell) is cell


def test_the_place_in_a_message_about_sql():
    assert place_in("line 3, column 14 of the SQL: no such column") == (3, 14)
    assert place_in("no such column") is None


def test_the_nearest_known_word_is_found_whatever_the_case():
    assert nearest("E_MAIL", ["name", "Email"]) == "Email"
    assert nearest("zip", ["name", "Email"]) is None
    assert did_you_mean("emial", ["email"], "write a field") == "did you mean email?"
    assert did_you_mean("zip", ["email"], "write a field") == "write a field"


def test_a_digest_tells_texts_apart():
    assert digest(b"a") == digest(b"a") != digest(b"b")
    assert len(digest(b"")) == 16
