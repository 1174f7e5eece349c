"""NPS and CSAT scores: POST /nps_score and /csat_score. Source: Custify's OpenAPI 1.5.7.

The reply, and where reads of people and companies show a score (`metrics`), are not published; both are our choice.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from penstock_sandbox.account.account import Account, Handler
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.account.fixed_objects import survey_of
from penstock_sandbox.payloads import checks, field_rules, references
from penstock_sandbox.payloads.references import path_id


@dataclass(frozen=True, slots=True)
class Scale:
    """A kind of score with its bounds. Those of CSAT are published, those of NPS are the usual ones."""

    kind: str
    least: int
    most: int

    def rule(self, value: object) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return "must be an integer"
        return None if self.least <= value <= self.most else f"must be between {self.least} and {self.most}"


NPS, CSAT = Scale("nps", 0, 10), Scale("csat", 1, 5)


def writer(scale: Scale) -> Handler:
    """POST by the person's id in the path, `?user_id=` or `?email=`. Raises ApiError 400 or 404."""
    rules = {
        "score": scale.rule,
        "comment": field_rules.text(),
        "submittedAt": field_rules.date_time,
        "surveyId": field_rules.object_id,
    }

    def write(account: Account, call: Call) -> Reply:
        fields = checks.valid_fields(account, checks.must_be_object(call.body), rules)
        checks.require(fields, "score")
        person = _person(account, call)
        survey = call.query.get("surveyId", fields.get("surveyId"))
        if survey is None:
            survey = survey_of(scale.kind)
        if survey not in account.store.ui_objects["surveys"]:
            raise ApiError(404, "Survey not found")
        submitted = fields.get("submittedAt")
        response = account.new_object() | {
            "type": scale.kind,
            "survey": survey,
            "people": person["id"],
            "company": list(person["companies"]),
            "score": fields["score"],
            "comment": fields.get("comment"),
            "submittedAt": submitted if field_rules.is_date(submitted) else account.stamp(),
        }
        _store(account, response)
        return Reply(200, response)

    return write


def metrics_of_person(account: Account, person: str) -> JsonObject:
    """`nps_score` and `csat_score`, each only if the person has one: the score with the newest `submittedAt`."""
    return _metrics(account, [person])


def metrics_of_company(account: Account, company: str) -> JsonObject:
    """As `metrics_of_person`: the mean of the scores of its people, rounded to the nearest integer, halves up."""
    return _metrics(account, account.store.members.get(company, {}))


def _metrics(account: Account, people: Iterable[str]) -> JsonObject:
    metrics: JsonObject = {}
    known = [account.store.newest_scores[person] for person in people if person in account.store.newest_scores]
    for scale in (NPS, CSAT):
        scores = [newest[scale.kind]["score"] for newest in known if scale.kind in newest]
        if scores:
            metrics[f"{scale.kind}_score"] = math.floor(sum(scores) / len(scores) + 0.5)
    return metrics


def _store(account: Account, response: JsonObject) -> None:
    """Store a response. It is the person's score unless an earlier request had a later `submittedAt`."""
    store = account.store
    store.scores[response["id"]] = response
    newest = store.newest_scores.setdefault(response["people"], {})
    known = newest.get(response["type"])
    if known is None or _instant(response) >= _instant(known):
        newest[response["type"]] = response


def _instant(response: JsonObject) -> datetime:
    """`submittedAt`, in UTC if it has no offset."""
    submitted = datetime.fromisoformat(response["submittedAt"])
    return submitted if submitted.tzinfo is not None else submitted.replace(tzinfo=UTC)


def _person(account: Account, call: Call) -> JsonObject:
    if call.params:
        person = account.store.people.get(path_id(call.params[0]))
        if person is None:
            raise ApiError(404, "People not found")
        return person
    user_id, email = call.query.get("user_id"), call.query.get("email")
    if user_id is None and email is None:
        raise ApiError(400, 'At least one of ["user_id", "email"] is required')
    return references.existing_person(account, user_id, email)
