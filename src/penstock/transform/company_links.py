"""A person's links to companies, such that those sent before and no longer said are removed. Pure.

A link is written as the JSON text of its one pair, `["company_id", "c1"]` or `["id", "5f…"]`: the form that is stored.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import orjson

from penstock.model.record import Payload
from penstock.transform.merging import read_body
from penstock.transform.render import OPTIONS, as_digits

MEMBER = "companies"


def replaced(payload: Payload, sent_before: Collection[str], *, partial: bool) -> Payload:
    """The payload with a removal for each link sent before that it does not have; `links` are those it has.

    Of a `partial` record that says nothing of companies, the links stay as they are. The content hash stays.
    """
    body = read_body(payload.text)
    said = body.get(MEMBER)
    if partial and said is None:
        return payload
    listed: list[Mapping[str, Any]] = said if isinstance(said, list) else []
    links = tuple(dict.fromkeys(_written(link) for link in listed if link.get("remove") is not True))
    removed = {_written(link) for link in listed if link.get("remove") is True}
    gone = [link for link in sent_before if link not in links and link not in removed]
    if not gone:
        return payload._replace(links=links)
    removals = [{name: value, "remove": True} for name, value in (json.loads(link) for link in gone)]
    text = orjson.dumps({**body, MEMBER: [*removals, *listed]}, as_digits, OPTIONS)
    return payload._replace(text=text, links=links)


def _written(link: Mapping[str, Any]) -> str:
    name = "id" if link.get("company_id") is None else "company_id"
    return json.dumps([name, str(link[name])], ensure_ascii=False)
