"""The forms in which reads return the text of a note."""

import json

import pytest

SENT = (
    " Renewal:  5 < 6 & \"x\" > 'y'\u00a0\u2013 caf\u00e9, \u0416, \U0001f600\r\n second line\n\n \n\tnext  paragraph\n"
)
HTML = (
    "<p> Renewal:  5 &lt; 6 &amp; &quot;x&quot; &gt; &#39;y&#39;&nbsp;&ndash; caf&eacute;, &#1046;, &#x1f600;"
    "<br> second line</p><p>\tnext  paragraph</p>"
)
TRIMMED = "Renewal: 5 < 6 & \"x\" > 'y' \u2013 caf\u00e9, \u0416, \U0001f600 second line next paragraph"


@pytest.mark.parametrize(
    ("form", "text", "wanted"),
    [
        ("text", SENT, SENT),
        ("html", SENT, HTML),
        ("html", "<b>&amp;</b>", "<p>&lt;b&gt;&amp;amp;&lt;/b&gt;</p>"),
        ("html", "one", "<p>one</p>"),
        ("trimmed", SENT, TRIMMED),
        ("trimmed", " \n", ""),
    ],
)
def test_every_read_of_a_note_has_the_form(sandbox, post, ids, form, text, wanted):
    sandbox.settings(notes=form)
    native = json.dumps({"text": text, "entity": ids["COMPANY"], "entityModel": "Company"})
    replies = [
        sandbox.call("POST /note", native).json(),
        sandbox.call("POST /api/note", json.dumps({"text": text, "company_id": "c1"})).json(),
        *post("GET /note").json()["notes"],
        *post("GET /note/COMPANY").json()["notes"],
        sandbox.call(f"POST /note/{sandbox.state()['notes'][0]['id']}", '{"sticky": true}').json(),
    ]
    assert [reply["text"] for reply in replies] == [wanted] * 7
    assert [note["text"] for note in sandbox.state()["notes"]] == [text, text]


def test_the_form_is_chosen_when_a_note_is_read(sandbox, post):
    post("POST /note", json.dumps({"text": "a\nb", "entity": "COMPANY", "entityModel": "Company"}))
    for form, wanted in [("html", "<p>a<br>b</p>"), ("trimmed", "a b"), ("text", "a\nb")]:
        sandbox.settings(notes=form)
        (note,) = post("GET /note?searchTerm=b").json()["notes"]
        assert note["text"] == wanted
