"""The identity report of a dataset over HTTP."""

PERSON = {"template": "upsert_person", "credential": "acme", "attributes": "none"}


def test_the_report_lists_people_that_custify_would_hold_twice(service):
    rows = [
        {"id": str(number), "email": "ada@example.com" if number < 3 else f"{number}@example.com"}
        for number in range(6)
    ]
    service.dataset("twice", [*rows, {"id": "5", "email": "eve@example.com"}])
    value = {**PERSON, "dataset": "twice", "fields": {"user_id": "id", "email": "email"}}
    service.ask("PUT /destinations/twice", value)
    report = service.ask("GET /datasets/twice/identity?limit=1")
    assert report["counts"] == {"email_several_ids": 1, "id_several_emails": 1, "scientific_ids": 0}
    assert report["email_several_ids"] == [
        {"email": "ada@example.com", "ids": ["0", "1", "2"], "count": 3, "records": 3}
    ]
    assert report["sources"] == [{"id": "id", "email": "email", "id_by": "destination", "destinations": ["twice"]}]
    assert (report["records"], report["taken_in_custify"], report["requests"]) == (7, None, 0)
    assert service.ask("GET /destinations/twice/identity") == {"dataset": "twice", "counts": report["counts"]}
    assert service.sandbox.requests() == []


def test_a_destination_that_sends_no_people_has_none(service):
    service.dataset("firms", [{"id": "1", "name": "Acme"}])
    value = {"template": "upsert_company", "credential": "acme", "dataset": "firms", "fields": {"company_id": "id"}}
    service.ask("PUT /destinations/firms", value)
    assert service.ask("GET /destinations/firms/identity") == {"dataset": "firms", "counts": None}
    assert service.refused("GET /datasets/firms/identity")["code"] == "no-identity"
