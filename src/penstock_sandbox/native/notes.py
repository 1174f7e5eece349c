"""Notes and comments, native. Notes are never deduplicated.

The stored text is the one that was sent; replies have it in the form of the setting `notes`.

Source: Custify's OpenAPI 1.5.7; `subject` is from its own MCP server.
"""

from collections.abc import Mapping
from typing import Any

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.native import note_text, pages
from penstock_sandbox.payloads import checks, field_rules
from penstock_sandbox.payloads.references import path_id

NOTE = {
    "text": field_rules.key(None),
    "entity": field_rules.object_id,
    "entityModel": field_rules.one_of("Company", "Customer"),
    "subject": field_rules.text(),
    "sticky": field_rules.boolean,
    "showInPortal": field_rules.boolean,
    "tags": field_rules.listing(field_rules.text()),
    "files": field_rules.listing(field_rules.anything),
    "metadata": field_rules.mapping,
}
_COMMENT = {"id": field_rules.object_id, "text": field_rules.key(None), "createdBy": field_rules.text()}


def create(account: Account, call: Call) -> Reply:
    body = checks.must_be_object(call.body)
    checks.require(body, "text", "entity", "entityModel")
    fields = checks.valid_fields(account, body, NOTE)
    entity, model = fields.get("entity"), fields.get("entityModel")
    where = account.store.companies if model == "Company" else account.store.people
    if entity not in where:
        raise ApiError(404, f"{model} not found")
    return Reply(200, shown(account, store(account, fields)))


def store(account: Account, fields: JsonObject) -> JsonObject:
    """Store a checked note of either dialect as a new note on an existing entity."""
    company = fields["entityModel"] == "Company"
    entity = fields["entity"]
    note = account.new_object() | {
        "createdByType": "api",
        "externalProvider": None,
        "externalId": None,
        "company": [entity] if company else list(account.store.people[entity]["companies"]),
        "people": [] if company else [entity],
    }
    note |= fields
    account.store.notes[note["id"]] = note
    return note


def shown(account: Account, note: JsonObject) -> JsonObject:
    """A note as a reply, its text in the form of the setting `notes`."""
    form = note_text.FORMS[account.settings.notes]
    return note | {"text": form(note["text"])} if "text" in note else note


def update(account: Account, call: Call) -> Reply:
    note = account.store.notes.get(path_id(call.params[0]))
    if note is None:
        raise ApiError(404, "Note not found")
    fields = checks.valid_fields(account, checks.must_be_object(call.body), NOTE)
    if fields.get("text", note["text"]) is None:
        raise ApiError(400, '"text" is required')
    moved = any(fields.get(name, note[name]) != note[name] for name in ("entity", "entityModel"))
    if moved:
        raise ApiError(400, '"entity" can not be changed')
    note |= fields
    note["updated_at"] = account.stamp()
    return Reply(200, shown(account, note))


def read(account: Account, call: Call) -> Reply:
    """All notes, or those of a company or person: `{"total", "notes"}`, newest first."""
    wanted = path_id(call.params[0]) if call.params else None
    found = [note for note in account.store.notes.values() if wanted is None or _about(note, wanted)]
    filters = account.filters(call.query)
    found = [note for note in pages.filtered(account, found, call.query) if _matches(note, filters)]
    found.reverse()
    page = [shown(account, note) for note in pages.page_of(account, found, call.query)]
    return Reply(200, {"total": len(found), "notes": page})


def comment(account: Account, call: Call) -> Reply:
    """POST /comment/{Note|Task}/{entity}; with `id` an update."""
    model, entity = call.params
    where = {"Note": account.store.notes, "Task": account.store.tasks}.get(model)
    if where is None:
        raise ApiError(400, '"entityModel" must be one of [Note, Task]')
    if path_id(entity) not in where:
        raise ApiError(404, f"{model} not found")
    fields = checks.valid_fields(account, checks.must_be_object(call.body), _COMMENT)
    checks.require(fields, "text")
    return Reply(200, _stored_comment(account, fields | {"entity": entity, "entityModel": model}))


def _stored_comment(account: Account, fields: JsonObject) -> JsonObject:
    known = fields.get("id")
    if known is None:
        stored = account.new_object() | {name: value for name, value in fields.items() if name != "id"}
        account.store.comments[stored["id"]] = stored
        return stored
    if known not in account.store.comments:
        raise ApiError(404, "Comment not found")
    stored = account.store.comments[known]
    stored |= fields
    return stored


def _about(note: JsonObject, entity: str) -> bool:
    return entity in (note["entity"], *note["company"], *note["people"])


def _matches(note: JsonObject, filters: Mapping[str, str]) -> bool:
    created_by, term, tags = (filters.get(name) for name in ("createdByEntity", "searchTerm", "tags"))
    if created_by is not None and created_by != note["createdByType"]:
        return False
    if term is not None and term.lower() not in note["text"].lower():
        return False
    note_tags: Any = note.get("tags")
    return tags is None or (isinstance(note_tags, list) and any(tag in note_tags for tag in tags.split(",")))
