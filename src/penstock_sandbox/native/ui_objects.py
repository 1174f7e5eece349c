"""Reads of the objects that only Custify's web UI creates: segments, playbooks, surveys, meetings and the like.

The paths and most replies are published; the parameters and the keys of the replies are those that Custify's own MCP
server uses. The path of survey responses and their key are our choice.
"""

from collections.abc import Mapping

from penstock_sandbox.account.account import Account, Handler
from penstock_sandbox.account.call import Call, JsonObject, Reply
from penstock_sandbox.account.fixed_objects import KINDS, blank
from penstock_sandbox.native import pages
from penstock_sandbox.payloads import field_rules
from penstock_sandbox.payloads.references import path_id

_TYPES = {"company": "company", "companies": "company", "people": "people"}


def lister(kind: str, usual_type: str | None = None) -> Handler:
    """GET /<kind>: `{"<kind>": […], "total"}`; `type` is `company`, `companies` or `people`."""

    def read(account: Account, call: Call) -> Reply:
        found = _of_type(account, _found(account, kind, call), call.query, usual_type)
        return Reply(200, {kind: pages.page_of(account, found, call.query), "total": len(found)})

    return read


def read_objectives(account: Account, call: Call) -> Reply:
    """By `company` (Custify's id) or `company_id`, sorted by `sort` and `order`: at most 50 on a page."""
    found = _found(account, "objectives", call)
    filters = account.filters(call.query)
    for name in ("company", "company_id"):
        if name in filters:
            found = [objective for objective in found if objective.get(name) == filters[name]]
    if "sort" in call.query:
        found = pages.ordered(found, call.query["sort"], descending=call.query.get("order") == "desc")
    page = pages.page_of(account, found, call.query, pages.FEW)
    return Reply(200, {"objectives": page, "total": len(found)})


def read_meetings(account: Account, call: Call) -> Reply:
    """All meetings, or those of a company by Custify's id: at most 50 on a page."""
    company = path_id(call.params[0]) if call.params else None
    found = _found(account, "meetings", call)
    found = [meeting for meeting in found if company is None or pages.has(meeting["company"], company)]
    return Reply(200, {"meetings": pages.page_of(account, found, call.query, pages.FEW), "total": len(found)})


def read_health_scores_bare(account: Account, call: Call) -> Reply:
    """GET /health_score/simple: an array."""
    return Reply(200, _found(account, "health_scores", call))


def read_surveys(account: Account, call: Call) -> Reply:
    """GET /survey: an array."""
    return Reply(200, pages.page_of(account, _found(account, "surveys", call), call.query))


def read_responses(account: Account, call: Call) -> Reply:
    """The responses of all surveys, or of one: `{"responses", "total"}`, those that were posted as scores included."""
    survey = path_id(call.params[0]) if call.params else None
    known = [*account.store.ui_objects["survey_responses"].values(), *account.store.scores.values()]
    found = pages.filtered(account, known, call.query)
    found = [response for response in found if survey is None or response["survey"] == survey]
    return Reply(200, {"responses": pages.page_of(account, found, call.query), "total": len(found)})


def add(account: Account, kind: str, listed: list[JsonObject]) -> list[JsonObject]:
    """Store objects as if Custify's web UI had made them; a known `id` updates. All are checked before any is stored.

    `company_id` is that of a stored company, whose id becomes `company`. Raises ValueError.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind: {kind} (known: {', '.join(KINDS)})")
    for fields in listed:
        if "id" in fields and not field_rules.is_object_id(fields["id"]):
            raise ValueError("id must have 24 hexadecimal digits")
    companies = [_company(account, fields) for fields in listed]
    return [_added(account, kind, fields, company) for fields, company in zip(listed, companies, strict=True)]


def _added(account: Account, kind: str, fields: JsonObject, company: str | None) -> JsonObject:
    known = account.store.ui_objects[kind]
    stored = known[fields["id"]] if fields.get("id") in known else account.new_object() | blank(kind)
    stored |= fields
    if company is not None:
        stored["company"] = [company] if isinstance(stored.get("company"), list) else company
    account.store.add_ui_object(kind, stored, account.now())
    return stored


def _company(account: Account, fields: JsonObject) -> str | None:
    key = fields.get("company_id")
    if key is None:
        return None
    company = account.store.by_company_id.get(str(key))
    if company is None:
        raise ValueError(f"no company has the company_id {key}")
    return str(company["id"])


def _found(account: Account, kind: str, call: Call) -> list[JsonObject]:
    return pages.filtered(account, account.store.ui_objects[kind].values(), call.query)


def _of_type(
    account: Account, objects: list[JsonObject], query: Mapping[str, str], usual: str | None
) -> list[JsonObject]:
    if account.settings.ignore_filters:
        return objects
    wanted = query.get("type", usual)
    if wanted is None:
        return objects
    if wanted not in _TYPES:
        account.object_to(f'"type" must be one of [{", ".join(_TYPES)}]')
        return objects
    return [stored for stored in objects if stored.get("type") == _TYPES[wanted]]
