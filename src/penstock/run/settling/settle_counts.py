"""`SettleCounts`: what became of the unknown records of earlier runs."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.model.outcome import Note


@dataclass(slots=True)
class SettleCounts:
    """Records of earlier runs: found, sent again, and those that are still unknown."""

    found: int = 0
    absent: int = 0
    undecided: int = 0

    def notes(self) -> tuple[Note, ...]:
        """The note of these numbers, for the run's report; none if all are 0."""
        number = self.found + self.absent + self.undecided
        if number == 0:
            return ()
        parts = [(self.found, "had arrived"), (self.absent, "had not arrived and may be sent again")]
        words = [f"{count:,} {what}" for count, what in (*parts, (self.undecided, "undecided")) if count]
        return (Note("unknown", "settled", f"records of earlier runs without an answer: {', '.join(words)}", number),)
