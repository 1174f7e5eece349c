"""`RunBounds`: where a requested run begins, and how many records it sends at most."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from penstock.model.errors import ConflictError, Problem
from penstock.store.runs import runs
from penstock.store.runs.runs import NOT_BEGUN, START, RunRow


@dataclass(frozen=True, slots=True)
class RunBounds:
    """What a request says about a run. `begins_at` as in `RunRow`; `limit` is a number of records, None: all."""

    begins_at: str | None = None
    limit: int | None = None

    def continues(self, unfinished: RunRow) -> bool:
        """Whether an unfinished run is continued by a request with these bounds."""
        return self.begins_at in (None, unfinished.begins_at) and self.limit == unfinished.limit

    def join(self, conn: Connection, queued: str) -> None:
        """Let a queued run begin at `begins_at`, unless it reads its source from the start anyway.

        ConflictError if it has another limit, or has begun elsewhere.
        """
        row = runs.get(conn, queued)
        if row is None:
            return
        if row.limit != self.limit:
            sends = "all records" if row.limit is None else f"at most {row.limit:,} of its records"
            message, hint = f"the run {queued} is queued and sends {sends}", "cancel it first, or wait for its end"
            found = "no limit" if self.limit is None else str(self.limit)
            raise ConflictError(Problem("limit", message, "unfinished-run", hint, found=found))
        if self.begins_at in (None, row.begins_at) or row.begins_at == START:
            return
        if row.position != NOT_BEGUN:
            message, hint = f"the unfinished run {queued} is queued", "cancel it first, or wait for its end"
            raise ConflictError(Problem("from", message, "unfinished-run", hint, found=self.begins_at))
        runs.save(conn, replace(row, window={"from": self.begins_at}))


UNBOUNDED = RunBounds()
