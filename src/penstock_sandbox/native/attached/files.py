"""Files of companies and people: POST /file (multipart), /file/unlink, PUT /file/{id}/showInPortal, GET /file.

Source: Custify's OpenAPI 1.5.7. The upload, its fields `file`, `companyId` and `peopleId`, and its statuses are
published. When it answers 409, the body of /file/unlink and all replies are not; these are our choice.
"""

import hashlib

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.native import pages
from penstock_sandbox.payloads import checks, field_rules, references
from penstock_sandbox.payloads.references import path_id

_LINKED = {"companyId": field_rules.company_key(), "peopleId": field_rules.key()}
_UNLINK = {"id": field_rules.object_id} | _LINKED
_SHOWN = {"showInPortal": field_rules.boolean}
_FIELDS = {"companyId": "company", "peopleId": "people"}


def upload(account: Account, call: Call) -> Reply:
    """Store the name, type, size and hash of a file, not its content.

    Raises ApiError 409 if its company or person has a file of the same name.
    """
    form = call.form if call.form is not None else {}
    file = form.get("file")
    if file is None or file.filename in (None, ""):
        raise ApiError(400, '"file" is required')
    texts = {name: part.text() for name, part in form.items() if name != "file"}
    named = {name: call.query[name] for name in _LINKED if name in call.query}
    owners = _owners(account, checks.valid_fields(account, named | texts, _LINKED))
    for stored in account.store.files.values():
        same_owner = any(owner in stored[field] for field, owner in owners.items())
        if stored["name"] == file.filename and same_owner:
            raise ApiError(409, "A file with this name already exists")
    stored = account.new_object() | {
        "name": file.filename,
        "contentType": file.content_type,
        "size": len(file.content),
        "sha256": hashlib.sha256(file.content).hexdigest(),
        "company": [],
        "people": [],
        "showInPortal": False,
    }
    for field, owner in owners.items():
        stored[field].append(owner)
    account.store.files[stored["id"]] = stored
    return Reply(200, stored)


def unlink(account: Account, call: Call) -> Reply:
    """`{id, companyId, peopleId}`: remove the link to a company or person, without both all links; the file stays."""
    body = checks.must_be_object(call.body)
    checks.require(body, "id")
    fields = checks.valid_fields(account, body, _UNLINK)
    checks.require(fields, "id")
    stored = _known(account, fields.pop("id"))
    owners = _owners(account, fields)
    for field in _FIELDS.values():
        if not owners:
            stored[field] = []
        elif field in owners:
            stored[field] = [other for other in stored[field] if other != owners[field]]
    stored["updated_at"] = account.stamp()
    return Reply(200, stored)


def show_in_portal(account: Account, call: Call) -> Reply:
    """`{showInPortal}`; without a body it is true."""
    stored = _known(account, path_id(call.params[0]))
    body = {} if call.body is None else checks.must_be_object(call.body)
    fields = checks.valid_fields(account, body, _SHOWN)
    stored["showInPortal"] = fields.get("showInPortal") is not False
    stored["updated_at"] = account.stamp()
    return Reply(200, stored)


def read(account: Account, call: Call) -> Reply:
    """`{"files", "total"}`: all files, those of `companyId` or `peopleId`, or the one whose id is in the path."""
    wanted = path_id(call.params[0]) if call.params else None
    if wanted is not None:
        found = [account.store.files[wanted]] if wanted in account.store.files else []
    else:
        found = pages.filtered(account, account.store.files.values(), call.query)
    filters = account.filters(call.query)
    owners = _owners(account, {name: filters[name] for name in _LINKED if name in filters})
    found = [stored for stored in found if all(owner in stored[field] for field, owner in owners.items())]
    return Reply(200, {"files": pages.page_of(account, found, call.query), "total": len(found)})


def _owners(account: Account, fields: JsonObject) -> dict[str, str]:
    """Custify's ids of the named company and person, by the field that stores them. Raises ApiError 404."""
    owners: dict[str, str] = {}
    if fields.get("companyId") is not None:
        owners["company"] = references.named_company(account, fields["companyId"])["id"]
    if fields.get("peopleId") is not None:
        owners["people"] = references.named_person(account, fields["peopleId"])["id"]
    return owners


def _known(account: Account, internal: str) -> JsonObject:
    stored = account.store.files.get(internal)
    if stored is None:
        raise ApiError(404, "File not found")
    return stored
