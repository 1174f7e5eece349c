"""Records with a value that does not fit its column, taken out of the others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pyarrow as pa

from penstock.model.outcome import Refusal
from penstock.model.record import Chunk


@dataclass(slots=True)
class Misfits:
    """Each of `rows` is one record, why it is refused, and its whole text where the columns do not hold it."""

    rows: list[tuple[pa.RecordBatch, Refusal, str | None]] = field(default_factory=list)

    def take_out(self, chunk: Chunk) -> Chunk:
        """The chunk without its misfits, which are kept here. Nothing is said of what is absent in its rows."""
        if not chunk.misfits:
            return chunk
        for row, refusal in sorted(chunk.misfits.items()):
            one = chunk.records.take(pa.array([row]))  # not a slice, which would keep the whole chunk
            self.rows.append((one, refusal, chunk.originals.get(row)))
        fits = pa.array([row not in chunk.misfits for row in range(chunk.records.num_rows)])
        return replace(chunk, records=chunk.records.filter(fits), absent={}, misfits={}, originals={})

    def chunk(self) -> Chunk:
        """All of them as one chunk."""
        table = pa.Table.from_batches([one for one, _, _ in self.rows]).combine_chunks()
        refusals = {row: refusal for row, (_, refusal, _) in enumerate(self.rows)}
        originals = {row: text for row, (_, _, text) in enumerate(self.rows) if text is not None}
        return Chunk(table.to_batches()[0], 0, misfits=refusals, originals=originals)
