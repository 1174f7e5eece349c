"""Settings of the service: one document a name, who wrote it and when."""

from penstock.store.project.settings import put_setting, setting


def test_the_last_document_of_a_name_counts(database):
    with database.begin() as conn:
        assert setting(conn, "retention") is None
        put_setting(conn, "retention", {"runs_days": 0}, by="ada", at="2026-01-01T00:00:00.000Z")
        put_setting(conn, "alerts", {"channels": {}}, by="ada", at="2026-01-01T00:00:00.000Z")
        put_setting(conn, "retention", {"runs_days": None, "note": "ü"}, by="bob", at="2026-01-02T00:00:00.000Z")
    with database.read() as conn:
        found = setting(conn, "retention")
    assert found is not None
    assert (found.document, found.by, found.at) == ({"runs_days": None, "note": "ü"}, "bob", "2026-01-02T00:00:00.000Z")
