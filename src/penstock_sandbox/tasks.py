"""Tasks, native: POST /task, PUT /task/{id} and the reads. Source: Custify's OpenAPI 1.5.7."""

from . import checks, links, lists, values
from .account import Account
from .links import path_id
from .store import USERS
from .wire import Call, JsonObject, Refused, Reply

TASK = {
    "name": values.key(None),
    "priority": values.one_of("low", "medium", "high"),
    "status": values.one_of("open", "done", "not relevant"),
    "description": values.text(),
    "dueDate": values.date_time,
    "assignedTo": values.key(),
    "assignedToCustomer": values.boolean,
    "company": values.object_id,
    "company_id": values.company_key(),
    "people": values.object_id,
    "user_id": values.key(),
    "externalId": values.key(),
    "tags": values.listing(values.text()),
    "collaborators": values.listing(values.text()),
    "checklist": values.listing(values.mapping),
    "files": values.listing(values.anything),
    "showInPortal": values.boolean,
}
_CHANGE = TASK | {"_id": values.object_id}
_CHECKLIST_ITEM = {
    "name": values.text(),
    "completed": values.boolean,
    "dueDate": values.date_time,
    "assignedTo": values.text(),
}


def create(account: Account, call: Call) -> Reply:
    """Always a new task. Whether a known `externalId` would update instead is not published: a second one is worse."""
    body = checks.must_be_object(call.body)
    checks.require(body, "name", "priority", "status")
    return Reply(200, store(account, _screened(account, body, TASK)))


def store(account: Account, fields: JsonObject) -> JsonObject:
    """Keep a checked task of either dialect as a new one."""
    placed = _placed(account, fields)
    task = account.new_object() | {"createdByType": "api", "completedAt": None} | placed
    _complete(account, task)
    account.store.tasks[task["id"]] = task
    return task


def update(account: Account, call: Call) -> Reply:
    """A partial update; `_id` in the body is optional, as Custify's own MCP server leaves it out."""
    task = account.store.tasks.get(path_id(call.params[0]))
    if task is None:
        raise Refused(404, "Task not found")
    fields = _screened(account, checks.must_be_object(call.body), _CHANGE)
    if fields.pop("_id", task["id"]) != task["id"]:
        raise Refused(400, '"_id" does not match the task in the path')
    task.update(_placed(account, fields))
    task["updated_at"] = account.stamp()
    _complete(account, task)
    return Reply(200, task)


def read(account: Account, call: Call) -> Reply:
    """`{"total", "tasks"}`, at most 50 a page; by company, assignedTo, createdBy, status, tags or externalId."""
    found = lists.filtered(account.store.tasks.values(), call.query)
    for name, field in _FILTERS.items():
        if name in call.query:
            wanted = call.query[name]
            found = [task for task in found if _has(task.get(field), wanted)]
    return Reply(200, {"total": len(found), "tasks": lists.page_of(account, found, call.query, lists.FEW)})


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
    """Who may be an assignee, by id (third-party clients resolve e-mails here)."""
    return Reply(200, {"assignedTo": USERS, "createdBy": USERS, "status": ["open", "done", "not relevant"]})


def _screened(account: Account, body: JsonObject, rules: dict[str, values.Rule]) -> JsonObject:
    fields = checks.screen(account, body, rules)
    checklist = fields.get("checklist")
    for item in checklist if checklist is not None else ():
        checks.screen(account, item, _CHECKLIST_ITEM)
    return fields


def _placed(account: Account, fields: JsonObject) -> JsonObject:
    """`fields` with its company, person and assignee resolved; raises Refused 400 or 404 before anything changes."""
    placed = dict(fields)
    if "company" in fields or "company_id" in fields:
        placed["company"], placed["company_id"] = links.company_of(account, fields)
    if "people" in fields or "user_id" in fields:
        placed["people"], placed["user_id"] = links.person_of(account, fields)
    assignee = fields.get("assignedTo")
    if assignee is not None:
        placed |= _assigned(account, assignee)
    return placed


def _assigned(account: Account, assignee: str) -> JsonObject:
    """The API takes an e-mail here, its OpenAPI document says; its own MCP server says ids only: a setting decides."""
    user = next((user for user in USERS if assignee in (user["id"], user["email"])), None)
    if account.settings.assignee == "id" and not values.is_object_id(assignee):
        raise Refused(400, '"assignedTo" must be a valid id')
    if user is None:
        account.store.warn(f"assignee is no user of the account: {assignee}")
        return {"assignedTo": assignee}
    return {"assignedTo": user["id"], "assignedToName": user["name"], "assignedToEmail": user["email"]}


def _complete(account: Account, task: JsonObject) -> None:
    if task.get("status") == "done" and task["completedAt"] is None:
        task["completedAt"] = account.stamp()


def _has(value: object, wanted: str) -> bool:
    return wanted in value if isinstance(value, list) else value == wanted
