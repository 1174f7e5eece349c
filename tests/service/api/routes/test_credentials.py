"""Checks of credentials that are not saved, over HTTP."""


def ask(office, value, **more):
    return office.client.post("/credentials/check", json={"name": "new", "value": value, **more})


def test_an_unsaved_credential_is_checked_with_its_key_and_not_stored(office):
    value = {"connector": "custify", "base_url": office.sandbox.url}
    found = ask(office, value, secret=office.sandbox.api_key).json()
    assert (found["ok"], found["dialect"], found["base_url"]) == (True, "native", office.sandbox.url)
    refused = ask(office, value, secret="wr0ng-k3y-of-mine")
    assert refused.json()["ok"] is False
    assert "wr0ng-k3y-of-mine" not in refused.text
    assert ask(office, value).json()["errors"][0]["code"] == "missing-key"
    assert ask(office, {"conector": "custify"}).status_code == 400
    assert [one["name"] for one in office.client.get("/credentials").json()["items"]] == ["acme"]
    assert b"wr0ng-k3y-of-mine" not in (office.folder / "state.db").read_bytes()


def test_a_sealed_key_is_not_sent_to_another_base_url(office):
    address = {"connector": "custify", "base_url": office.sandbox.url}
    assert office.client.post("/credentials", json={"name": "new", "value": address}).status_code == 201
    sealed = office.client.put("/credentials/new/secret", json={"secret": office.sandbox.api_key})
    assert sealed.status_code == 204
    assert ask(office, address).json()["ok"] is True
    elsewhere = {**address, "base_url": "http://127.0.0.1:9/api"}
    assert ask(office, elsewhere).json()["errors"][0]["code"] == "missing-key"
    assert office.client.delete("/credentials/new").status_code == 204
