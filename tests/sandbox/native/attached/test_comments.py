"""Reads of comments: custify-api section 2."""

import json

ABSENT = "6b054f0991941777f3ffffff"


def texts(sandbox, target):
    return [comment["text"] for comment in sandbox.call(f"GET {target}").json()["comments"]]


def test_comments_of_a_note_or_task_and_of_all(sandbox, ids):
    note = {"text": "n", "entity": ids["COMPANY"], "entityModel": "Company"}
    note = sandbox.call("POST /note", json.dumps(note)).json()["id"]
    task = sandbox.call("POST /task", '{"name": "t", "priority": "low", "status": "open"}').json()["id"]
    for target, text in ((f"Note/{note}", "one"), (f"Task/{task}", "two"), (f"Note/{note}", "three")):
        body = json.dumps({"text": text, "createdBy": "ada@example.com"})
        assert sandbox.call(f"POST /comment/{target}", body).status == 200
    whole = sandbox.call(f"GET /comment/Note/{note}").json()
    assert ([comment["text"] for comment in whole["comments"]], whole["total"]) == (["one", "three"], 2)
    assert texts(sandbox, f"/comment/Note/{note}?itemsPerPage=1&page=2") == ["three"]
    assert texts(sandbox, f"/comment/Task/{task}") == ["two"]
    assert texts(sandbox, f"/comment/Task/{note}") == []
    assert texts(sandbox, "/comment") == ["one", "two", "three"]
    assert texts(sandbox, f"/comment?entity={task}&createdBy=ada@example.com") == ["two"]
    assert texts(sandbox, "/comment?entityModel=Deal") == []
    sandbox.settings(visible_after="60s")
    assert texts(sandbox, "/comment") == []


def test_unknown_and_wrong_entities(sandbox):
    assert sandbox.call(f"GET /comment/Note/{ABSENT}").json() == {"comments": [], "total": 0}
    assert sandbox.call(f"GET /comment/Deal/{ABSENT}").status == 400
    assert sandbox.call("GET /comment/Note/1").status == 503
