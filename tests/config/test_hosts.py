"""A key is sent only to the hosts of its credential."""

import pytest

from penstock.config.loader import check_project

PROJECT = """
credentials: {{a: {{{credential}}}}}
sources: {{s: {{type: file, path: f.csv}}}}
datasets: {{d: {{source: s, key: id}}}}
destinations: {{raw: {{dataset: d, credential: a, request: {{method: POST, url: "{url}"}}}}}}
"""
CUSTIFY = "connector: custify"
REGIONAL = 'connector: custify, base_url: "https://eu.example.com/api", allowed_hosts: [hooks.example.com, "x.example.com:8443"]'
HTTP = 'connector: http, base_url: "https://api.example.com/v1"'
LOCAL = 'connector: custify, base_url: "http://127.0.0.1:8765/api", api_key: k'


def problems_of(credential, url, tmp_path):
    (tmp_path / "p.yaml").write_text(PROJECT.format(credential=credential, url=url))
    return {problem.code for problem in check_project(tmp_path / "p.yaml")[1]}


@pytest.mark.parametrize(
    ("credential", "url"),
    [
        (CUSTIFY, "/people"),
        (CUSTIFY, "people?x={record.a}&y={run.id}"),
        (CUSTIFY, "https://app.custify.com/api/people/{record.id}"),
        (CUSTIFY, "https://API.CUSTIFY.COM/people"),
        (REGIONAL, "https://eu.example.com/other"),
        (REGIONAL, "https://hooks.example.com/in"),
        (REGIONAL, "https://x.example.com:8443/in"),
        (HTTP, "https://api.example.com/v2"),
        (LOCAL, "http://127.0.0.1:8765/people"),
    ],
)
def test_own_and_allowed_hosts_are_accepted(credential, url, tmp_path):
    assert problems_of(credential, url, tmp_path) == set()


@pytest.mark.parametrize(
    ("credential", "url"),
    [
        (CUSTIFY, "https://custify.com.example.net/people"),
        (CUSTIFY, "https://evilcustify.com/people"),
        (CUSTIFY, "https://eu.example.com/people"),
        (REGIONAL, "https://x.example.com/in"),
        (REGIONAL, "https://sub.hooks.example.com/in"),
        (HTTP, "https://api.custify.com/people"),
        (LOCAL, "http://127.0.0.1:8766/people"),
        (LOCAL, "http://localhost:8765/people"),
    ],
)
def test_other_hosts_are_refused(credential, url, tmp_path):
    assert problems_of(credential, url, tmp_path) == {"foreign-host"}


@pytest.mark.parametrize(
    "url",
    [
        "https://app.custify.com@evil.example/people",
        "https://app.custify.com\\\\@evil.example/people",
        "https://app.custify.com{record.x}/people",
        "https://app.custify.com:{record.port}/people",
        "//app.custify.com/people",
        "HTTPS:people",
        "javascript:alert(1)",
        "/people/../admin",
        "/peo ple",
        "/people#top",
    ],
)
def test_ambiguous_urls_are_refused(url, tmp_path):
    assert problems_of(CUSTIFY, url, tmp_path) == {"bad-url"}
