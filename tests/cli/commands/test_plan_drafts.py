"""The plan of a flow includes destinations that are not activated yet; what the project file says of one applies."""

import json

from support.cli.project import Project, run_penstock


def test_the_plan_of_a_flow_includes_drafts_and_skips_paused_destinations(tmp_path, sandbox):
    project = Project(tmp_path, sandbox)
    project.write("p.csv", "id,name\nu1,A\nu2,B\n")
    project.destination("p.csv", "upsert_person", "user_id: id, name: name", base=sandbox.url)
    text = (tmp_path / "penstock.yaml").read_text().replace("    active: true\n", "")
    project.write("penstock.yaml", text + "flows:\n  nightly: {destinations: [it]}\n")
    planned = run_penstock(project, "plan", "nightly", "--json")
    report = json.loads(planned.stdout)
    assert (planned.returncode, report["records"], report["creates_or_updates"], report["skipped"]) == (0, 2, 2, {})
    (part,) = report["destinations"]
    assert part["destination"] == "it"
    assert any("draft" in note["reason"] for note in part["notes"])
    assert sandbox.requests() == []

    assert run_penstock(project, "activate", "it").returncode == 0
    part = json.loads(run_penstock(project, "plan", "nightly", "--json").stdout)["destinations"][0]
    assert not any("draft" in note["reason"] for note in part["notes"])
    assert run_penstock(project, "pause", "it").returncode == 0
    report = json.loads(run_penstock(project, "plan", "nightly", "--json").stdout)
    assert (report["destinations"], list(report["skipped"])) == ([], ["it"])


def test_a_draft_of_the_project_file_is_activated_in_the_file_only(tmp_path, sandbox):
    project = Project(tmp_path, sandbox)
    project.write("p.csv", "id,name\nu1,A\n")
    project.destination("p.csv", "upsert_person", "user_id: id, name: name", base=sandbox.url)
    text = (tmp_path / "penstock.yaml").read_text().replace("active: true", "active: false")
    project.write("penstock.yaml", text)
    refused = run_penstock(project, "activate", "it", "--json")
    (problem,) = json.loads(refused.stdout)["errors"]
    assert (refused.returncode, problem["code"], problem["path"]) == (2, "file-decides", "destinations.it.active")
    assert problem["message"] == "the project has `active: false` for it, which overrides this activation"
