"""Tasks, native: POST /task, PUT /task/{id} and the reads. Source: Custify's OpenAPI 1.5.7."""

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.account.store import USERS
from penstock_sandbox.native import pages
from penstock_sandbox.payloads import checks, field_rules, references
from penstock_sandbox.payloads.references import path_id

TASK = {
    "name": field_rules.key(None),
    "priority": field_rules.one_of("low", "medium", "high"),
    "status": field_rules.one_of("open", "done", "not relevant"),
    "description": field_rules.text(),
    "dueDate": field_rules.date_time,
    "assignedTo": field_rules.key(),
    "assignedToCustomer": field_rules.boolean,
    "company": field_rules.object_id,
    "company_id": field_rules.company_key(),
    "people": field_rules.object_id,
    "user_id": field_rules.key(),
    "externalId": field_rules.key(),
    "tags": field_rules.listing(field_rules.text()),
    "collaborators": field_rules.listing(field_rules.text()),
    "checklist": field_rules.listing(field_rules.mapping),
    "files": field_rules.listing(field_rules.anything),
    "showInPortal": field_rules.boolean,
}
_CHANGE = TASK | {"_id": field_rules.object_id}
_CHECKLIST_ITEM = {
    "name": field_rules.text(),
    "completed": field_rules.boolean,
    "dueDate": field_rules.date_time,
    "assignedTo": field_rules.text(),
}


def create(account: Account, call: Call) -> Reply:
    """Create a task. Whether a known `externalId` updates instead is not published; a second task is the worse case."""
    body = checks.must_be_object(call.body)
    checks.require(body, "name", "priority", "status")
    return Reply(200, store(account, _valid_fields(account, body, TASK)))


def store(account: Account, fields: JsonObject) -> JsonObject:
    """Store a checked task of either dialect as a new task."""
    resolved = _with_references(account, fields)
    task = account.new_object() | {"createdByType": "api", "completedAt": None} | resolved
    _complete(account, task)
    account.store.tasks[task["id"]] = task
    return task


def update(account: Account, call: Call) -> Reply:
    """Update the given fields. `_id` in the body is optional, since Custify's own MCP server omits it."""
    task = account.store.tasks.get(path_id(call.params[0]))
    if task is None:
        raise ApiError(404, "Task not found")
    fields = _valid_fields(account, checks.must_be_object(call.body), _CHANGE)
    if fields.pop("_id", task["id"]) != task["id"]:
        raise ApiError(400, '"_id" does not match the task in the path')
    task.update(_with_references(account, fields))
    task["updated_at"] = account.stamp()
    _complete(account, task)
    return Reply(200, task)


def read(account: Account, call: Call) -> Reply:
    """`{"total", "tasks"}`, at most 50 per page, by company, assignedTo, createdBy, status, tags or externalId."""
    found = pages.filtered(account, account.store.tasks.values(), call.query)
    filters = account.filters(call.query)
    for name, field in _FILTERS.items():
        if name in filters:
            wanted = filters[name]
            found = [task for task in found if _has(task.get(field), wanted)]
    return Reply(200, {"total": len(found), "tasks": pages.page_of(account, found, call.query, pages.FEW)})


_FILTERS = {
    "company": "company",
    "assignedTo": "assignedTo",
    "createdBy": "createdByType",
    "status": "status",
    "tags": "tags",
    "externalId": "externalId",
}


def read_one(account: Account, call: Call) -> Reply:
    task = account.store.tasks.get(path_id(call.params[0]))
    found = [] if task is None else [task]
    return Reply(200, {"total": len(found), "tasks": found})


def filter_values(_account: Account, _call: Call) -> Reply:
    """The possible assignees by id (third-party clients look up emails here)."""
    return Reply(200, {"assignedTo": USERS, "createdBy": USERS, "status": ["open", "done", "not relevant"]})


def _valid_fields(account: Account, body: JsonObject, rules: dict[str, field_rules.Rule]) -> JsonObject:
    fields = checks.valid_fields(account, body, rules)
    checklist = fields.get("checklist")
    for item in checklist if checklist is not None else ():
        checks.valid_fields(account, item, _CHECKLIST_ITEM)
    return fields


def _with_references(account: Account, fields: JsonObject) -> JsonObject:
    """`fields` with resolved company, person and assignee. Raises ApiError 400 or 404 before anything changes."""
    resolved = dict(fields)
    if "company" in fields or "company_id" in fields:
        resolved["company"], resolved["company_id"] = references.company_of(account, fields)
    if "people" in fields or "user_id" in fields:
        resolved["people"], resolved["user_id"] = references.person_of(account, fields)
    assignee = fields.get("assignedTo")
    if assignee is not None:
        resolved |= _assigned(account, assignee)
    return resolved


def _assigned(account: Account, assignee: str) -> JsonObject:
    """Check an assignee: Custify's OpenAPI allows an email, its own MCP server only ids; a setting decides."""
    user = next((user for user in USERS if assignee in (user["id"], user["email"])), None)
    if account.settings.assignee == "id" and not field_rules.is_object_id(assignee):
        raise ApiError(400, '"assignedTo" must be a valid id')
    if user is None:
        account.store.warn(f"assignee is no user of the account: {assignee}")
        return {"assignedTo": assignee}
    return {"assignedTo": user["id"], "assignedToName": user["name"], "assignedToEmail": user["email"]}


def _complete(account: Account, task: JsonObject) -> None:
    if task.get("status") == "done" and task["completedAt"] is None:
        task["completedAt"] = account.stamp()


def _has(value: object, wanted: str) -> bool:
    return wanted in value if isinstance(value, list) else value == wanted
