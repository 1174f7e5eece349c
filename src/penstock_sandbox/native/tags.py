"""Tags, native."""

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, Reply
from penstock_sandbox.native import pages
from penstock_sandbox.payloads import checks, field_rules
from penstock_sandbox.payloads.references import path_id

_TAG_KINDS = (
    *("people", "company", "task", "note", "segment", "playbook"),
    *("lifecycle", "health_score", "survey", "calculated_metric"),
)
_TAG = {"name": field_rules.key(), "category": field_rules.one_of(*_TAG_KINDS)}


def write_tag(account: Account, call: Call) -> Reply:
    """POST /tag, or /tag/{id}."""
    fields = checks.valid_fields(account, checks.must_be_object(call.body), _TAG)
    if call.params:
        tag = account.store.tags.get(path_id(call.params[0]))
        if tag is None:
            raise ApiError(404, "Tag not found")
    else:
        checks.require(fields, "name", "category")
        tag = account.new_object()
        account.store.tags[tag["id"]] = tag
    tag |= fields
    return Reply(200, tag)


def read_tags(account: Account, call: Call) -> Reply:
    """All tags, or one by id: an empty list if it is unknown, 503 for an invalid id (both reported by integrators)."""
    if call.params:
        tag = account.store.tags.get(path_id(call.params[0]))
        found = [] if tag is None else [tag]
    else:
        found = list(account.store.tags.values())
    return Reply(200, {"tags": pages.page_of(account, found, call.query), "total": len(found)})


def delete_tag(account: Account, call: Call) -> Reply:
    if account.store.tags.pop(path_id(call.params[0]), None) is None:
        raise ApiError(404, "Tag not found")
    return Reply(200, {"deleted": 1})
