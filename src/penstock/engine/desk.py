"""What the bookkeeping of a run works with, besides the run itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from penstock.clock import Clock, iso
from penstock.engine.company_links import CompanyLinks
from penstock.engine.remembering import QuarantineIndex
from penstock.engine.stopping import Fuse, StopSignal
from penstock.stores.database import Database
from penstock.stores.memory import Memory

Write = Callable[[Connection], object]  # into the transaction of the next commit


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of one run's bookkeeping that outlive a commit."""

    database: Database
    clock: Clock
    destination: str
    settings: str
    signal: StopSignal
    fuse: Fuse
    memory: Memory | None = None
    index: QuarantineIndex | None = None  # what the screen asks; None: it does not
    keep_responses: bool = False
    partial: bool = False  # whether a record may be a part: then each version of a key has an entry of its own
    mended: Mapping[tuple[int, int], str] = field(default_factory=dict)  # resent after an edit: key hash → entry
    links: CompanyLinks | None = None  # of a destination that removes links which are gone
    resent: Mapping[int, int] = field(default_factory=dict)  # of parts that are resent: ordinal → the source's version
    guard: Write = lambda _: None  # raises when another process has taken the destination over
    requests: Callable[[], int] = lambda: 0  # HTTP requests made by this process for the run

    def now(self) -> str:
        return iso(self.clock.now())
