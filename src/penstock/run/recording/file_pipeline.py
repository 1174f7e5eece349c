"""`FilePipeline`: writes batches to the file of a run, and records their outcomes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from penstock.clock import Clock, iso
from penstock.model.delivery import Delivery, Settled
from penstock.model.outcome import Outcome
from penstock.model.record import Batch, Request
from penstock.run.recording.file_output import FileOutput, text_of
from penstock.run.recording.recorder import Recorder
from penstock.run.stop import StopSignal

SHOWN = 20_000  # bytes of a delivery that are stored for a person


@dataclass(slots=True)
class FilePipeline:
    """Writes batches in their order, one at a time."""

    output: FileOutput
    recorder: Recorder
    signal: StopSignal
    clock: Clock
    method: str

    async def put(self, batch: Batch) -> None:
        """Write a batch, and record its outcome."""
        if self.signal.is_set:
            return
        began, at = self.clock.monotonic(), iso(self.clock.now())
        encoded = await asyncio.to_thread(self.output.write, batch.payloads)
        for payload, refusal in encoded.refused:
            self.recorder.refuse([payload], refusal)
        if not encoded.written:
            return
        delivery = Delivery(
            request=Request(self.method, self.output.shown, (), text_of(self.output.rows, encoded)[:SHOWN]),
            attempts=1,
            requests=0,
            duration_ms=(self.clock.monotonic() - began) * 1000,
            sent_at=at,
            outcome=Outcome.DELIVERED,
            reason="written",
            settled=tuple(Settled(payload, Outcome.DELIVERED) for payload in encoded.written),
            answer=None,
        )
        self.recorder.settle(delivery, None)

    def poll(self, *_: object) -> None:
        """A folder has no batch jobs."""

    async def drain(self) -> None:
        """Nothing is in flight."""
