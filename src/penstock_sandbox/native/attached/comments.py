"""Reads of comments, which `notes.comment` writes. Parameters and reply are not published; they are our choice."""

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, Reply
from penstock_sandbox.native import pages
from penstock_sandbox.payloads.references import path_id

_MODELS = ("Note", "Task")
_FILTERS = ("entity", "entityModel", "createdBy")


def read(account: Account, call: Call) -> Reply:
    """GET /comment[/{Note|Task}/{entity}]: `{"comments", "total"}`, oldest first, none for an unknown entity."""
    found = pages.filtered(account, account.store.comments.values(), call.query)
    if call.params:
        model, entity = call.params[0], path_id(call.params[1])
        if model not in _MODELS:
            raise ApiError(400, f'"entityModel" must be one of [{", ".join(_MODELS)}]')
        found = [comment for comment in found if (comment["entityModel"], comment["entity"]) == (model, entity)]
    filters = account.filters(call.query)
    for name in _FILTERS:
        if name in filters:
            found = [comment for comment in found if comment.get(name) == filters[name]]
    return Reply(200, {"comments": pages.page_of(account, found, call.query), "total": len(found)})
