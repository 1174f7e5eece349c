"""`BatchJobs`: follows the batch jobs of one credential to their end."""

from __future__ import annotations

from penstock.clock import Clock
from penstock.delivery.driver import Driver
from penstock.delivery.http.client import Client
from penstock.delivery.machine.jobs import JobEnd, Polling, SentJob, end_of_job
from penstock.delivery.replies import quoter_of

CONFIRM_TIMEOUT = 600.0  # seconds; then the records stay accepted, and the next run polls first


class BatchJobs:
    """Polls jobs and sends records without a result again. `path` is where a job is polled, below the base URL."""

    def __init__(
        self, client: Client, clock: Clock, *, timeout: float = CONFIRM_TIMEOUT, path: str = "/batch/{job}"
    ) -> None:
        self._client, self._clock = client, clock
        self._polling = Polling(client.connection.base_url + path, quoter_of(client.connection), timeout)

    async def end_of(self, job: SentJob) -> JobEnd | None:
        """What `machine.jobs.end_of_job` returns. Raises what the clock raises when the run stops."""
        return await Driver(self._client, self._clock).result(end_of_job(job, self._polling))
