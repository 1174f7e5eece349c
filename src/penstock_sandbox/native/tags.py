"""Tags, native."""

from collections.abc import Mapping

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.native import pages
from penstock_sandbox.payloads import checks, field_rules
from penstock_sandbox.payloads.references import path_id

_TAG_KINDS = (
    *("people", "company", "task", "note", "segment", "playbook"),
    *("lifecycle", "health_score", "survey", "calculated_metric"),
)
_TAG = {"name": field_rules.key(), "category": field_rules.one_of(*_TAG_KINDS)}

_TAGGING = {
    "ids": field_rules.listing(field_rules.object_id),
    "type": field_rules.one_of("add", "remove"),
    "category": field_rules.one_of(*_TAG_KINDS),
    "tag": field_rules.key(),
}


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


def tag_entities(account: Account, call: Call) -> Reply:
    """PATCH /tag/entity `{ids, type: add|remove, category, tag}`. Objects that do not exist are skipped.

    `tag` is the id of a tag (Custify's own MCP server); any other text is stored as a name, as by POST /people/tag.
    """
    body = checks.must_be_object(call.body)
    checks.require(body, *_TAGGING)
    fields = checks.valid_fields(account, body, _TAGGING)
    checks.require(fields, *_TAGGING)
    tag = fields["tag"]
    if field_rules.is_object_id(tag):
        known = account.store.tags.get(tag)
        if known is None:
            raise ApiError(404, "Tag not found")
        if known["category"] != fields["category"]:
            account.object_to('"category" is not that of the tag')
    objects = _objects_of(account, fields["category"])
    found = [objects[internal] for internal in fields["ids"] if internal in objects]
    for stored in found:
        known_tags = stored.get("tags")
        others = [other for other in known_tags if other != tag] if isinstance(known_tags, list) else []
        stored["tags"] = [*others, tag] if fields["type"] == "add" else others
    return Reply(200, {"updated": len(found)})


def _objects_of(account: Account, category: str) -> Mapping[str, JsonObject]:
    store = account.store
    received = {"people": store.people, "company": store.companies, "task": store.tasks, "note": store.notes}
    return received[category] if category in received else store.ui_objects[f"{category}s"]


def read_tags(account: Account, call: Call) -> Reply:
    """All tags, those of a category, or one by id.

    An empty list if it is unknown, 503 for an invalid id (both reported by integrators).
    """
    if call.params:
        tag = account.store.tags.get(path_id(call.params[0]))
        found = [] if tag is None else [tag]
    else:
        filters = account.filters(call.query)
        found = list(account.store.tags.values())
        if "category" in filters:
            found = [tag for tag in found if tag["category"] == filters["category"]]
    return Reply(200, {"tags": pages.page_of(account, found, call.query), "total": len(found)})


def delete_tag(account: Account, call: Call) -> Reply:
    if account.store.tags.pop(path_id(call.params[0]), None) is None:
        raise ApiError(404, "Tag not found")
    return Reply(200, {"deleted": 1})
