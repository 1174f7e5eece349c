"""A case of the campaign: a name, and what runs it."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from faults.harness import CaseError, Harness, NotRunError, dice_of
from faults.judge import Result

Run = Callable[[Harness, random.Random], Result]


@dataclass(frozen=True)
class Size:
    """How large the cases are: 1 in the campaign, less in a sample."""

    share: float = 1.0

    def of(self, number: int) -> int:
        return max(2, round(number * self.share))


@dataclass(frozen=True)
class Case:
    """`name` begins with the kind of fault; all random choices come from the seed and the name."""

    name: str
    run: Run

    def result(self, harness: Harness, seed: int) -> Result:
        """Run it. What goes wrong in it is a problem of the result, not an exception."""
        began = time.monotonic()
        try:
            result = self.run(harness, dice_of(seed, self.name))
        except NotRunError as refused:
            result = Result(self.name, not_run=str(refused))
        except CaseError as wrong:
            result = Result(self.name, problems=[str(wrong)])
        except Exception:  # noqa: BLE001 - the other cases go on; the traceback is in the report
            result = Result(self.name, problems=[traceback.format_exc(limit=-4)])
        result.seed, result.took_s = seed, time.monotonic() - began
        return result
