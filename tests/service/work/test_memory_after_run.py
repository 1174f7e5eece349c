"""What a run used is free again when it has ended, also where nobody calls the service."""

from penstock.service.app import ServiceApp
from support.deadline import until
from support.service.applied_project import ended
from support.service.measured_service import MeasuredService

RECORDS = 100_000
GIVEN_BACK_MB = 30
PROJECT = """\
credentials: {{sandbox: {{connector: custify, api_key: "${{env:KEY}}", base_url: "{url}"}}}}
sources: {{file: {{type: file, path: people.csv}}}}
datasets: {{people: {{source: file, key: id}}}}
destinations:
  it: {{dataset: people, credential: sandbox, template: send_batch, fields: {{user_id: id, name: name}}, active: true}}
"""


def test_a_service_gives_back_the_memory_of_an_ended_run(tmp_path, sandbox):
    (tmp_path / "people.csv").write_text("id,name\n" + "".join(f"u{n},Person {n}\n" for n in range(RECORDS)))
    environ = {"KEY": sandbox.api_key}
    with MeasuredService(tmp_path, PROJECT.format(url=sandbox.flat_url), variables=environ) as served:
        run = served.client.post("/runs", json={"target": "it"}).json()["run"]
        served.watcher.kill()  # from here on, no request reaches the service
        with ServiceApp.open_applied(f"sqlite:///{tmp_path / '.penstock' / 'state.db'}", environ=environ) as state:
            assert ended(state, run)["records"]["delivered"] == RECORDS
        until(lambda: served.memory_mb() <= served.peak_mb() - GIVEN_BACK_MB, within_s=20)
