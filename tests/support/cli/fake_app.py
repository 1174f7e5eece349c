"""A fake App for the tests of the command line: returns fixed reports and records its calls."""

from dataclasses import dataclass, field
from typing import Any, Self

from penstock.model.delivery import DeliveryReport
from penstock.model.outcome import Counts, Note, Outcome
from penstock.model.record import Column, DatasetReport, RefusedRecord, Schema
from penstock.model.reports import (
    CheckReport,
    Preview,
    PreviewedRequest,
    QuarantineDetail,
    QuarantineEntry,
    SettleReport,
    TestReport,
)
from penstock.model.runs import PlanReport, Progress, RunReport

REQUEST = PreviewedRequest(
    "POST",
    "https://app.custify.com/api/people",
    {"Authorization": "Bearer ***", "Content-Type": "application/json"},
    '{"user_id":"u-1","name":"Zoë 🚀"}',
    ("u-1",),
    ("entity_id",),
)
NOTE = Note("due_date", "not sent", "the native API has no place for it", 3)
REFUSED = RefusedRecord("u-2", "email", "email", "is no e-mail address", "nobody", "name@example.com")
GOOD = RunReport(
    "r-1", "succeeded", Counts(3, delivered=2, unchanged=1), destination="people", requests=2, notes=(NOTE,)
)
PARTIAL = RunReport(
    "r-2", "partial", Counts(3, delivered=1, quarantined=2), destination="people", requests=2, retries=1
)
FLOW = RunReport(
    "r-3",
    "partial",
    Counts(6, delivered=3, unchanged=1, quarantined=2),
    flow="nightly",
    requests=4,
    destinations=(GOOD, PARTIAL),
    skipped={"notes": "it is a draft"},
    started_at="2026-01-31T12:00:00.000Z",
    finished_at="2026-01-31T12:00:05.000Z",
)


def ended(status: str, stopped_by: str | None = None, **more: Any) -> RunReport:
    return RunReport("r-9", status, Counts(2, unsent=2), destination="people", stopped_by=stopped_by, **more)


def quarantine_entry(number: int, cause: str = "email: email", outcome: str = "quarantined") -> QuarantineEntry:
    at = "2026-01-31T12:00:00.000Z"
    why = {"field": "email", "value": "nobody"}
    key, reason = f"u-{number}", f"why {number}"
    return QuarantineEntry(
        f"q-{number}", "people", key, outcome, cause, reason, "email", at, "r-2", rule="email", values=why
    )


@dataclass
class FakeApp:
    """`answers` replaces the result of a method; an exception is raised. `asked` has the calls."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    opened: tuple[Any, Any] | None = None

    def opener(self, file: Any, database: Any) -> Self:
        self.opened = (file, database)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in ANSWERS:
            raise AttributeError(name)

        def method(*arguments: Any, **options: Any) -> Any:
            listener, on_progress = options.pop("listener", None), options.pop("on_progress", None)
            self.asked.append((name, arguments, options))
            answer = self.answers.get(name, ANSWERS[name])
            if isinstance(answer, BaseException):
                raise answer
            if on_progress is not None:
                on_progress(5000, 12_000)
            if listener is not None:
                for at in (0.0, 4.0, 6.0):
                    listener(Progress("people", {"read": 3, "delivered": 2, "quarantined": 0}, 2, 3, at, left_s=3.0))
            return answer

        return method


ANSWERS: dict[str, Any] = {
    "dataset": DatasetReport(
        "contacts", ("id",), Schema((Column("id", "text", nullable=False, examples=("007", "[bold]")),), 3), ("fax",)
    ),
    "set_credential": None,
    "check": CheckReport(
        "acme",
        ok=True,
        base_url="https://api.custify.com",
        dialect="native",
        tried=({"base_url": "https://app.custify.com/api", "result": "a page, no API"},),
        allowance={"limit": 100, "remaining": 99},
        reason="it answers as an API",
        batch_cost={"cost": "jobs", "source": "replies"},
    ),
    "preview": Preview((REQUEST,), (NOTE,), (REFUSED,), "https://app.custify.com/api", "assumed until checked"),
    "test": TestReport(REQUEST, {"status": 201, "headers": {"server": "x"}, "body": '{"id":"1"}'}, None, 12.5),
    "plan": PlanReport(3, 1, 1, 0, 1, 1, 0.1, (REFUSED,), (NOTE,), destination="people", base_url="https://x"),
    "activate": None,
    "people_of": ("contacts", None),
    "pause": None,
    "stopped_by_canary": {},
    "run": GOOD,
    "runs": [FLOW, GOOD],
    "deliveries": [
        DeliveryReport(
            "r-1-0",
            "POST",
            "https://x/people",
            201,
            1,
            12.5,
            ("u-1", ("a", "b")),
            Outcome.DELIVERED,
            "",
            "2026-01-31T12:00:00.000Z",
        ),
        DeliveryReport(
            "r-1-1",
            "POST",
            "https://x/people",
            None,
            3,
            90.0,
            ("u-2",),
            Outcome.UNKNOWN,
            "no answer",
            "2026-01-31T12:00:00.000Z",
        ),
    ],
    "quarantine": [quarantine_entry(1), quarantine_entry(2), quarantine_entry(3, "company_id: required", "unknown")],
    "quarantined": QuarantineDetail(
        quarantine_entry(1), {"id": "u-1", "email": "nobody", "n": 12345678901234567890}, "nobody", "name@example.com"
    ),
    "edit": QuarantineDetail(quarantine_entry(1), {"id": "u-1"}),
    "edit_texts": QuarantineDetail(quarantine_entry(1), {"id": "u-1"}),
    "resend": [GOOD],
    "discard": 2,
    "settle": None,
    "settle_destination": SettleReport("r-5", 2, 1, 0, 7),
}
