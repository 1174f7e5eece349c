"""The objects of the account, with indexes to find them."""

import os
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from penstock_sandbox.account.call import JsonObject
from penstock_sandbox.account.fixed_objects import fixed_objects

ATTRIBUTE_KINDS = ("company", "customer")
WARNINGS_KEPT = 1000

# The users of the account: assignees of tasks and owners of companies.
USERS: tuple[JsonObject, ...] = (
    {"id": "5f0000000000000000000001", "name": "Ada Lovelace", "email": "ada@example.com"},
    {"id": "5f0000000000000000000002", "name": "Grace Hopper", "email": "grace@example.com"},
)


class ObjectIds:
    """Ids of 24 hexadecimal digits, like Custify's: seconds, five random bytes of this process, a counter."""

    def __init__(self) -> None:
        self._middle = os.urandom(5).hex()
        self._count = 0

    def new(self, now: float) -> str:
        self._count += 1
        return f"{int(now) & 0xFFFFFFFF:08x}{self._middle}{self._count & 0xFFFFFF:06x}"


@dataclass(slots=True)
class Batch:
    """A batch: its jobs are applied at `due`; its `results` are available for six hours after `ended`."""

    id: str
    jobs: list[tuple[str, Any]]
    due: float
    failing: Callable[[int], bool] | None
    ended: float | None = None
    results: list[JsonObject] = field(default_factory=list)

    def as_json(self) -> JsonObject:
        """`{"id", "status": "pending"|"completed"|"failed", "results": […]}`; `failed` if every job failed."""
        if self.ended is None:
            return {"id": self.id, "status": "pending", "results": []}
        failed = all(result["status"] == "error" for result in self.results)
        return {"id": self.id, "status": "failed" if failed else "completed", "results": self.results}


class Store:
    """Objects as JSON, by Custify's id (also financial objects, custom data and tickets).

    Values are stored as they were sent. A cleared field is absent. Financial objects have `externalId`, which only
    replies convert to `externalIds`.
    """

    def __init__(self) -> None:
        self.ids = ObjectIds()
        # The time of creation by Custify's id, because `created_at` of a flat note is the sender's.
        self.created: dict[str, float] = {}
        self.people: dict[str, JsonObject] = {}
        self.companies: dict[str, JsonObject] = {}
        self.events: list[JsonObject] = []
        self.tasks: dict[str, JsonObject] = {}
        self.notes: dict[str, JsonObject] = {}
        self.comments: dict[str, JsonObject] = {}
        self.subscriptions: dict[str, JsonObject] = {}
        self.invoices: dict[str, JsonObject] = {}
        self.deals: dict[str, JsonObject] = {}
        self.custom_data: dict[str, JsonObject] = {}
        self.tickets: dict[str, JsonObject] = {}
        self.tags: dict[str, JsonObject] = {}
        # Responses to surveys that were posted as NPS or CSAT scores.
        self.scores: dict[str, JsonObject] = {}
        # By person, then by type: the response whose score is the person's.
        self.newest_scores: dict[str, dict[str, JsonObject]] = {}
        self.time_tracks: dict[str, JsonObject] = {}
        self.files: dict[str, JsonObject] = {}
        # By kind: what only Custify's web UI creates.
        self.ui_objects = fixed_objects()
        self.by_user_id: dict[str, JsonObject] = {}
        # Several people can share an email address, by row 4 of the matching table.
        self.by_email: dict[str, list[JsonObject]] = {}
        self.by_company_id: dict[str, JsonObject] = {}
        self.by_external_id: dict[tuple[str, str], JsonObject] = {}
        self.by_data_key: dict[tuple[str, str], JsonObject] = {}
        self.members: dict[str, dict[str, None]] = {}
        self.deduplication_ids: set[str] = set()
        self.duplicate_events: list[JsonObject] = []
        self.attributes: dict[str, dict[str, str]] = {kind: {} for kind in ATTRIBUTE_KINDS}
        self.warnings: Counter[str] = Counter()
        self.batches: dict[str, Batch] = {}
        self.waiting: deque[Batch] = deque()
        self.created |= {internal: 0.0 for objects in self.ui_objects.values() for internal in objects}

    def warn(self, message: str) -> None:
        if message in self.warnings or len(self.warnings) < WARNINGS_KEPT:
            self.warnings[message] += 1

    def add_person(self, person: JsonObject) -> None:
        self.people[person["id"]] = person
        self.index_person(person)

    def index_person(self, person: JsonObject) -> None:
        user_id, email = person.get("user_id"), person.get("email")
        if user_id is not None:
            self.by_user_id[user_id] = person
        if email is not None:
            self.by_email.setdefault(email, []).append(person)

    def unindex_person(self, person: JsonObject) -> None:
        """Remove a person from the indexes, before `user_id` or `email` changes or the person is deleted."""
        user_id, email = person.get("user_id"), person.get("email")
        if user_id is not None:
            self.by_user_id.pop(user_id, None)
        if email is not None:
            left = [other for other in self.by_email.get(email, []) if other is not person]
            if left:
                self.by_email[email] = left
            else:
                self.by_email.pop(email, None)

    def remove_person(self, person: JsonObject) -> None:
        """Delete a person with their events and scores (Custify's OpenAPI 1.5.7: deletion is for GDPR)."""
        self.unindex_person(person)
        del self.people[person["id"]]
        for company in person["companies"]:
            self.members.get(company, {}).pop(person["id"], None)
        self.events = [event for event in self.events if event["person"] != person["id"]]
        self.scores = {name: score for name, score in self.scores.items() if score["people"] != person["id"]}
        self.newest_scores.pop(person["id"], None)

    def add_company(self, company: JsonObject) -> None:
        self.companies[company["id"]] = company
        if company.get("company_id") is not None:
            self.by_company_id[company["company_id"]] = company

    def remove_company(self, company: JsonObject) -> None:
        del self.companies[company["id"]]
        self.by_company_id.pop(company.get("company_id", ""), None)
        for person in self.members.pop(company["id"], {}):
            self.people[person]["companies"].remove(company["id"])

    def add_ui_object(self, kind: str, stored: JsonObject, now: float) -> None:
        self.ui_objects[kind][stored["id"]] = stored
        self.created.setdefault(stored["id"], now)

    def link(self, person: JsonObject, company: str) -> None:
        if company not in person["companies"]:
            person["companies"].append(company)
        self.members.setdefault(company, {})[person["id"]] = None

    def unlink(self, person: JsonObject, company: str) -> None:
        if company in person["companies"]:
            person["companies"].remove(company)
        self.members.get(company, {}).pop(person["id"], None)

    def person_of(self, user_id: str | None, email: str | None) -> JsonObject | None:
        """The person by `user_id`, else by email (the first of several)."""
        if user_id is not None and user_id in self.by_user_id:
            return self.by_user_id[user_id]
        return self.by_email[email][0] if email is not None and email in self.by_email else None

    def counts(self) -> dict[str, int]:
        return {name: len(objects) for name, objects in self.objects_by_kind().items()}

    def objects_by_kind(self) -> dict[str, list[JsonObject]]:
        """All objects by kind, oldest first."""
        kept: dict[str, Any] = {
            "people": self.people,
            "companies": self.companies,
            "tasks": self.tasks,
            "notes": self.notes,
            "comments": self.comments,
            "subscriptions": self.subscriptions,
            "invoices": self.invoices,
            "deals": self.deals,
            "custom_data": self.custom_data,
            "tickets": self.tickets,
            "tags": self.tags,
            "scores": self.scores,
            "time_tracks": self.time_tracks,
            "files": self.files,
        }
        return {"events": self.events} | {name: list(objects.values()) for name, objects in kept.items()}
