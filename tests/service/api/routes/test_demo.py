"""The sample company in an empty service: it is loaded, runs, and works after a restart."""

import httpx

from penstock.service.app import ServiceApp
from support.service.http_service import served
from support.service.sending_service import SendingService


def test_the_sample_company_is_loaded_runs_and_comes_back(tmp_path):
    url = f"sqlite:///{tmp_path / 'state.db'}"
    with ServiceApp.open_applied(url, environ={}) as app, served(app, without_sign_in=True) as client:
        client.base_url = f"{client.base_url}/api/v1"
        loaded = client.post("/demo")
        assert loaded.status_code == 201, loaded.text
        arrived = loaded.json()["arrived"]
        key = app.edits.newest().text
        assert "api_key" not in key, "the key of the sandbox is sealed like any other"
        states = {one["name"]: one["state"]["state"] for one in client.get("/destinations").json()["items"]}
        assert (states.pop("notes"), set(states.values())) == ("draft", {"active"})
        worker = app.worker()
        worker.start()
        try:
            run = SendingService(client, app, tmp_path, None).run("companies")
        finally:
            worker.stop()
        assert run["status"] == "partial"
        assert (run["records"]["delivered"], run["records"]["quarantined"]) == (39, 1)
        assert len(httpx.get(f"{arrived}/state", timeout=30).json()["companies"]) == 39
        assert client.post("/demo").status_code == 409
        assert client.get("/demo").json() == {"loaded": True, "arrived": arrived}
    with ServiceApp.open_applied(url, environ={}) as app:
        assert app.demo.state()["arrived"] is None
        app.demo.resume()
        assert app.demo.state()["arrived"] == arrived
        assert app.check("sandbox").ok
