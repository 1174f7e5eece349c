"""Acts that need an editor although operators may start runs: approved deletions, and runs past a canary."""

import pytest

from support.deadline import until
from support.servers.sandbox import sandbox, shared_sandbox
from support.service.served_project import CREDENTIAL, served_empty

__all__ = ["sandbox", "shared_sandbox"]
ROLES = ("viewer", "operator", "editor", "admin")


@pytest.fixture
def office(tmp_path, sandbox):
    """A service with a user of each role, its requests made by the admin."""
    with served_empty(tmp_path, sandbox, without_sign_in=False) as made:
        for role in ROLES:
            made.app.people.register.add(role, role, password="a password of some length")
        made.client.headers.update(_of(made, "admin"))
        value = {"connector": "custify", "base_url": sandbox.url, "rate_limit": {"requests": 1000, "per": "1s"}}
        made.ask(f"PUT /credentials/{CREDENTIAL}", value)
        made.ask(f"PUT /credentials/{CREDENTIAL}/secret", {"secret": sandbox.api_key}, 204)
        yield made


def _of(office, role):
    return {"Authorization": f"Bearer {office.app.people.register.add_token(role, 'test', role)[1]}"}


def _run(office, role, status=202, **body):
    return office.ask("POST /runs", body, status, headers=_of(office, role))


def _entries(office):
    """The audit entries about requested runs, oldest first: who, what, result."""
    items = office.ask("GET /audit?limit=200")["items"][::-1]
    return [(each["who"], each["what"], each["result"]) for each in items if each["action"] == "POST /runs"]


def _people(names):
    return [{"id": name, "email": f"{name}@x.example"} for name in names]


def test_only_editors_and_admins_approve_deletions(office):
    office.people("gone", _people("abcde"), mode="mirror", on_delete="delete")
    assert office.run("gone")["records"]["delivered"] == 5
    for role, left in (("editor", "abc"), ("admin", "a")):
        office.rows("gone", _people(left))
        hash_ = office.ask("GET /destinations/gone/plan")["deletes_hash"]
        for refused in ("viewer", "operator"):
            [error] = _run(office, refused, 403, target="gone", allow_deletes=hash_)["errors"]
            assert error["code"] == "not-allowed"
            assert _entries(office)[-1] == (refused, "", "403 not-allowed")
        run = _run(office, role, target="gone", allow_deletes=hash_)["run"]
        assert office.ended(run)["deleted"] == 2
        assert set(office.arrived()) == set(left)
        assert _entries(office)[-1] == (role, f"target=gone allow_deletes={hash_}", "ok")


def test_only_editors_and_admins_run_past_a_canary(office):
    office.people("watched", _people("abcdefgh"), canary=2, batch="off")
    office.ask("PUT /flows/around", {"destinations": ["watched"]})
    office.sandbox.fault(status=400, path="/people", times=2)
    stopped = _run(office, "operator", target="watched")["run"]
    assert "canary" in office.ended(stopped)["reason"]
    asked = ({"target": "watched"}, {"target": "around"}, {"target": "watched", "limit": 1})
    for body in asked:
        [error] = _run(office, "operator", 403, **body)["errors"]
        assert error["message"].startswith(f"the canary of watched stopped the run {stopped}, so the next one needs")
    office.ended(_run(office, "editor", target="watched", limit=1)["run"])
    assert _entries(office)[-1] == ("editor", f"target=watched limit=1 past_canary={stopped}", "ok")
    _run(office, "operator", 403, **asked[0])  # one record more shows little about the others
    assert office.ended(_run(office, "admin", target="around")["run"])["records"]["delivered"] == 5
    assert _entries(office)[-1] == ("admin", f"target=around past_canary={stopped}", "ok")
    _run(office, "operator", target="watched")


def test_a_run_that_was_requested_before_a_canary_stopped_another_one_does_not_go_past_it(office):
    office.people("doubtful", _people("abcdefgh"), canary=2, batch="off")
    office.sandbox.fault(status=400, path="/people", times=2, slow=2)
    stopped = _run(office, "operator", target="doubtful")["run"]
    until(lambda: office.ask(f"GET /runs/{stopped}")["status"] == "running")
    second = _run(office, "operator", target="doubtful")["run"]
    ended = office.ended(second)
    assert "canary" in office.ended(stopped)["reason"]
    assert second != stopped
    assert (ended["status"], [error["code"] for error in ended["errors"]]) == ("failed", ["past-canary"])
    assert office.arrived() == {}
