"""Tracked time: /time-track, also written /time_track in the published samples. Source: Custify's OpenAPI 1.5.7.

Where the id of a PUT or DELETE is written, the forms of `company` and `people`, and the replies are not published: the
id may be in the path, the query or the body, and an entity is named by Custify's id or by the sender's.
"""

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.account.store import USERS
from penstock_sandbox.native import pages
from penstock_sandbox.payloads import checks, field_rules, references
from penstock_sandbox.payloads.references import path_id

_TIME_TRACK = {
    "duration": field_rules.integer,
    "name": field_rules.key(),
    "startedDate": field_rules.date_time,
    "company": field_rules.company_key(),
    "people": field_rules.key(),
    "tags": field_rules.listing(field_rules.text()),
}
_CHANGE = _TIME_TRACK | {"id": field_rules.object_id}
_REQUIRED = ("duration", "name", "startedDate")
_FILTERS = ("user", "company", "people", "tags")


def create(account: Account, call: Call) -> Reply:
    """POST /time-track?user=: `duration` is in seconds, `user` is the id or email of a user of the account."""
    body = checks.must_be_object(call.body)
    checks.require(body, *_REQUIRED)
    checks.require(dict(call.query), "user")
    fields = _resolved(account, call, checks.valid_fields(account, body, _TIME_TRACK))
    checks.require(fields, *_REQUIRED)
    track = account.new_object() | {"company": None, "people": None, "tags": []} | fields
    account.store.time_tracks[track["id"]] = track
    return Reply(200, track)


def update(account: Account, call: Call) -> Reply:
    """PUT: change the given fields."""
    body = checks.must_be_object(call.body)
    track = _known(account, call, body)
    fields = _resolved(account, call, checks.valid_fields(account, body, _CHANGE))
    checks.require(track | fields, *_REQUIRED)
    track |= {name: value for name, value in fields.items() if name != "id"}
    track["updated_at"] = account.stamp()
    return Reply(200, track)


def delete(account: Account, call: Call) -> Reply:
    body = call.body if isinstance(call.body, dict) else {}
    del account.store.time_tracks[_known(account, call, body)["id"]]
    return Reply(200, {"deleted": 1})


def read(account: Account, call: Call) -> Reply:
    """`{"time_tracks", "total"}`, by user, company, people or tags."""
    found = pages.filtered(account, account.store.time_tracks.values(), call.query)
    filters = account.filters(call.query)
    for name in _FILTERS:
        if name in filters:
            found = [track for track in found if pages.has(track[name], filters[name])]
    return Reply(200, {"time_tracks": pages.page_of(account, found, call.query), "total": len(found)})


def _known(account: Account, call: Call, body: JsonObject) -> JsonObject:
    named = call.params[0] if call.params else call.query.get("id", body.get("id"))
    if named is None:
        raise ApiError(400, '"id" is required')
    track = account.store.time_tracks.get(path_id(named))
    if track is None:
        raise ApiError(404, "Time track not found")
    return track


def _resolved(account: Account, call: Call, fields: JsonObject) -> JsonObject:
    """`fields` with the user of the query, and Custify's ids of company and person. Raises ApiError 404."""
    resolved = dict(fields)
    if fields.get("company") is not None:
        resolved["company"] = references.named_company(account, fields["company"])["id"]
    if fields.get("people") is not None:
        resolved["people"] = references.named_person(account, fields["people"])["id"]
    if "user" in call.query:
        resolved["user"] = _user(account, call.query["user"])
    return resolved


def _user(account: Account, named: str) -> str:
    user = next((user for user in USERS if named in (user["id"], user["email"])), None)
    if user is None:
        account.store.warn(f"tracked time of someone who is no user of the account: {named}")
        return named
    return str(user["id"])
