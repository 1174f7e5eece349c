"""Native batches: POST /batch accepts jobs, GET /batch/{id} returns their results.

Known from Custify's OpenAPI 1.5.7: the limits, the four types, 202, results for six hours. The bodies of both replies
are not published; these are our choice.
"""

from collections.abc import Callable, Mapping
from typing import Any

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.account.store import Batch
from penstock_sandbox.native import companies, custom_data, events, people
from penstock_sandbox.payloads import checks, field_rules

JOBS_LATER, JOBS_AT_ONCE = 100, 3
KEPT = 6 * 3600.0

Apply = Callable[[Account, Any], JsonObject]
_APPLY: Mapping[str, Apply] = {
    "people": people.upsert,
    "company": companies.upsert,
    "event": events.record,
    "custom-data": custom_data.write_job,
}
_BATCH = {
    "jobs": field_rules.listing(field_rules.mapping),
    "synchronous": field_rules.boolean,
    # Published as a boolean; the published sample sends text, which is used as the id.
    "returnJobId": lambda value: None if isinstance(value, bool | str) else "must be a boolean",
}
_JOB = {"type": field_rules.one_of(*_APPLY), "payload": field_rules.mapping}


def write(account: Account, call: Call) -> Reply:
    """Accept a batch: 202 with `{"id", "status", "results"}` if `returnJobId` is set, else `{}`. ApiError 400."""
    body = checks.must_be_object(call.body)
    checks.require(body, "jobs")
    fields = checks.valid_fields(account, body, _BATCH)
    at_once = fields.get("synchronous") is True
    jobs = _jobs(account, fields.get("jobs"), JOBS_AT_ONCE if at_once else JOBS_LATER)
    wanted = fields.get("returnJobId")
    now = account.now()
    name = wanted if isinstance(wanted, str) else account.store.ids.new(now)
    batch = Batch(name, jobs, now if at_once else now + account.settings.job_delay, call.failing)
    account.store.batches[name] = batch
    if at_once:
        finish(account, batch)
    else:
        account.store.waiting.append(batch)
    with_result = at_once or isinstance(wanted, str) or wanted is True
    return Reply(202, batch.as_json() if with_result else {})


def read(account: Account, call: Call) -> Reply:
    """The status and results of a batch. Raises ApiError 404 if it is unknown or has expired."""
    batch = account.store.batches.get(call.params[0])
    if batch is not None and batch.ended is not None and account.now() - batch.ended > KEPT:
        del account.store.batches[call.params[0]]
        batch = None
    if batch is None:
        raise ApiError(404, "Batch not found")
    return Reply(200, batch.as_json())


def catch_up(account: Account) -> None:
    """Execute the jobs that are due. Called before every request, so that no timer is needed."""
    waiting = account.store.waiting
    while waiting and waiting[0].due <= account.now():
        finish(account, waiting.popleft())


def finish(account: Account, batch: Batch) -> None:
    """Execute the jobs in order with the handlers of single requests. A failed job does not stop the others."""
    for index, (kind, payload) in enumerate(batch.jobs):
        failing = batch.failing is not None and batch.failing(index)
        batch.results.append(outcome(account, index, kind, None if failing else _APPLY[kind], payload))
    batch.jobs.clear()
    batch.ended = account.now()


def outcome(account: Account, index: int, kind: str, apply: Apply | None, payload: Any) -> JsonObject:
    """The result `{"index", "type", "status", "statusCode", "id" | "error"}` of an item; without `apply` it fails."""
    line: JsonObject = {"index": index, "type": kind}
    try:
        if apply is None:
            raise ApiError(400, "Simulated by the sandbox")  # noqa: TRY301 - one place makes all error lines
        stored = apply(account, payload)
    except ApiError as refusal:
        return line | {"status": "error", "statusCode": refusal.status, "error": refusal.message}
    return line | {"status": "success", "statusCode": 202 if kind == "event" else 200, "id": stored["id"]}


def _jobs(account: Account, listed: Any, most: int) -> list[tuple[str, Any]]:
    if not isinstance(listed, list) or not listed:
        raise ApiError(400, '"jobs" must contain at least 1 item')
    if len(listed) > most:
        raise ApiError(400, f'"jobs" must contain less than or equal to {most} items')
    jobs: list[tuple[str, Any]] = []
    for index, job in enumerate(listed):
        if not isinstance(job, dict) or job.get("type") not in _APPLY:
            raise ApiError(400, f'"jobs[{index}].type" must be one of [{", ".join(_APPLY)}]')
        checks.valid_fields(account, job, _JOB)
        jobs.append((job["type"], job.get("payload")))
    return jobs
