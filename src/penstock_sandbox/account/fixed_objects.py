"""The objects that only Custify's web UI creates: a small fixed set, so that reads of them return something.

Which fields such objects have is known from Custify's own MCP server; the values are ours.
"""

from copy import deepcopy

from penstock_sandbox.account.call import JsonObject

_MADE = "2026-01-05T09:00:00.000Z"

# Kind → the objects, without ids and times. Custify's names of the kinds are the keys of its replies.
_OBJECTS: dict[str, tuple[JsonObject, ...]] = {
    "segments": (
        {"name": "Enterprise", "type": "company", "color": "#2f6fed", "companies_count": 0},
        {"name": "At risk", "type": "company", "color": "#d64545", "companies_count": 0},
        {"name": "Champions", "type": "people", "color": "#2e9e6b", "companies_count": 0},
        {"name": "New users", "type": "people", "color": "#c98a1b", "companies_count": 0},
    ),
    "playbooks": (
        {"name": "Onboarding", "type": "company", "status": "active", "actions": []},
        {"name": "Renewal", "type": "company", "status": "draft", "actions": []},
        {"name": "Welcome", "type": "people", "status": "active", "actions": []},
    ),
    "lifecycles": (
        {"name": "Onboarding", "position": 1, "status": "active", "daysToComplete": 30, "daysToStuck": 10, "goals": []},
        {"name": "Adoption", "position": 2, "status": "active", "daysToComplete": 90, "daysToStuck": 30, "goals": []},
    ),
    "health_scores": (
        {"name": "Global", "type": "company", "weight": 1, "ranges": [{"label": "Good", "min": 70, "max": 100}]},
        {"name": "Usage", "type": "company", "weight": 2, "ranges": [{"label": "Poor", "min": 0, "max": 30}]},
    ),
    "calculated_metrics": (
        {"name": "Weekly logins", "type": "company", "frequency": "daily"},
        {"name": "Days since last login", "type": "people", "frequency": "daily"},
    ),
    "objectives": (
        {
            "name": "Go live",
            "company": None,
            "objectiveStatus": "open",
            "importance": "high",
            "completionPercentage": 40,
        },
        {"name": "Train", "company": None, "objectiveStatus": "done", "importance": "low", "completionPercentage": 100},
    ),
    "meetings": (
        {"title": "Kick-off", "startAt": "2026-01-12T10:00:00.000Z", "endAt": "2026-01-12T11:00:00.000Z"},
        {"title": "Review", "startAt": "2026-02-12T10:00:00.000Z", "endAt": "2026-02-12T10:30:00.000Z"},
    ),
    "surveys": (
        {"name": "Relationship NPS", "type": "nps", "status": "active"},
        {"name": "Support CSAT", "type": "csat", "status": "active"},
    ),
    "survey_responses": (
        {"type": "nps", "people": None, "score": 9, "comment": "Fast", "submittedAt": "2026-01-20T08:00:00.000Z"},
        {"type": "csat", "people": None, "score": 4, "comment": None, "submittedAt": "2026-01-21T08:00:00.000Z"},
    ),
}
_EVERY: dict[str, JsonObject] = {
    "meetings": {"company": [], "people": [], "participants": [], "recurring": False},
    "survey_responses": {"company": [], "survey": None},
}
KINDS = tuple(_OBJECTS)


def fixed_objects() -> dict[str, dict[str, JsonObject]]:
    """New copies of the fixed objects by kind and id. The ids are the same in every sandbox."""
    made = {kind: [_object(kind, number) for number in range(len(_OBJECTS[kind]))] for kind in KINDS}
    for response in made["survey_responses"]:
        response["survey"] = survey_of(response["type"])
    return {kind: {stored["id"]: stored for stored in objects} for kind, objects in made.items()}


def survey_of(kind: str) -> str:
    """The id of the fixed survey of a type, `nps` or `csat`."""
    types = [survey["type"] for survey in _OBJECTS["surveys"]]
    return _id("surveys", types.index(kind))


def blank(kind: str) -> JsonObject:
    """The fields that every object of the kind has, before anything is known."""
    return {"description": None, "tags": []} | deepcopy(_EVERY.get(kind, {}))


def _object(kind: str, number: int) -> JsonObject:
    own = {"id": _id(kind, number), "created_at": _MADE, "updated_at": _MADE}
    return own | blank(kind) | deepcopy(_OBJECTS[kind][number])


def _id(kind: str, number: int) -> str:
    return f"5f{KINDS.index(kind) + 1:019d}{number + 1:03d}"
