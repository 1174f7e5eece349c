"""The report of a campaign: `campaign.md` for people, `campaign.json` with every case."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.judge import Result

KINDS: Mapping[str, str] = {
    "kills": "kill -9",
    "replies/lost": "replies lost after the commit, creates",
    "replies/cut": "connections cut before and after the commit",
    "replies/order": "the same, several versions of each record",
    "throttling/429": "429 with every form of `Retry-After`",
    "throttling/5": "5xx for minutes",
    "batch-jobs": "batch jobs that fail in part, expire, do not end, answer nonsense",
    "notes": "notes as text, HTML, trimmed; visible late",
    "processes/four": "four processes on one credential",
    "processes/stopped": "processes stopped, taken over, continued",
    "processes/killed": "processes killed, their lease waited for",
    "processes/serve": "`penstock serve` killed in a run, and started again",
    "processes/worker": "`penstock worker` killed in a run, and replaced",
    "processes/backfill": "a backfill and live runs of one destination at once, killed",
    "environment/postgresql": "PostgreSQL restarted",
    "environment/clock": "clock set an hour forward or back",
    "environment/disk": "disk of the state full",
}
COLUMNS = (
    "fault",
    "faults",
    "records",
    "delivered",
    "lost",
    "doubled",
    "out of order",
    "unknown at first",
    "at the end",
    "429s",
    "share",
    "to recover",
)
HEAD = """\
# The fault campaign

<!-- written by `make faults`; the text around the figures is in benchmarks/faults/report.py -->
{how}

Every fault hits real `penstock` processes: they are killed with signal 9, their connections are cut, their disk is
full. The [sandbox](../how-to/sandbox.md) replaces Custify.
Whether a record is lost, doubled or out of order is judged by the sandbox's own log and objects; Penstock's own counts
are compared with them as a law of its own. [The promises](../guarantees.md) say where the limits are.

"""
LEGEND = """
- **lost**: not in Custify in its newest version, although Penstock lists it neither as unknown nor as quarantined.
- **doubled**: objects beyond one for each record.
- **out of order**: records of which one process wrote an older version after a newer one, or whose stored version is
  not the newest that was written.
- **unknown at first**: records that must not be sent twice, after a request whose effect is not known. **At the end**:
  those that are still unknown after the last run and `penstock settle`; in parentheses those for which the API has no
  read (the flat dialect).
- **delivered**: in Custify in its newest version, by the sandbox's objects. Where the API refuses records until the
  retries are used up (5xx for minutes, items of a batch), they are quarantined, and the case resends them as a person
  would: `penstock quarantine resend --all`.
- **429s**: replies by which the sandbox's own rate limit refused a request; replies 429 that are the fault itself are
  faults.
- **share**: the used share of the rate limit, in cases where it binds and nothing else is wrong.
- **to recover**: seconds from a fault to the next record that the API stored and confirmed, by the sandbox's clock:
  median and worst. Where clocks run faster, seconds of that clock. After a kill on PostgreSQL the next run waits up to
  12 s for the lease of the dead process; in the cases `kills` the lease is ended instead, so that the waiting is in
  `processes` alone.
"""


@dataclass(frozen=True)
class About:
    """How a campaign was made."""

    command: str
    moment: str
    machine: str
    took_s: float


def written(folder: Path, results: Sequence[Result], about: About) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "campaign.md").write_text(document(results, about), encoding="utf-8")
    cases = [result.as_json() for result in results]
    text = json.dumps(
        {"command": about.command, "at": about.moment, "machine": about.machine, "cases": cases}, indent=1
    )
    (folder / "campaign.json").write_text(text + "\n", encoding="utf-8")


def document(results: Sequence[Result], about: About) -> str:
    faults = sum(result.faults for result in results)
    how = (
        f"`{about.command}`, {about.moment}; {about.machine}: {faults:,} faults in {len(results):,} cases, "
        f"{about.took_s / 60:.0f} minutes."
    )
    return (
        HEAD.format(how=how) + "\n".join(table(results)) + "\n" + LEGEND + "\n" + "\n".join(shortfalls(results)) + "\n"
    )


def table(results: Sequence[Result]) -> list[str]:
    rows = ["| " + " | ".join(COLUMNS) + " |", "|---|" + "---:|" * (len(COLUMNS) - 1)]
    for beginning, label in KINDS.items():
        group = [result for result in results if result.case.startswith(beginning)]
        ran = [result for result in group if not result.not_run]
        if ran:
            rows.append(_row(label, ran))
        elif group:
            rows.append(f"| {label} | not run |" + " |" * (len(COLUMNS) - 2))
    ran = [result for result in results if not result.not_run]
    return [*rows, _row("**all**", ran)] if ran else rows


def _row(label: str, results: Sequence[Result]) -> str:
    numbers = [
        sum(getattr(result, name) for result in results)
        for name in ("faults", "records", "delivered", "lost", "doubled", "out_of_order", "unknown_first")
    ]
    end, cannot = sum(each.unknown_end for each in results), sum(each.cannot_tell for each in results)
    shares = [result.share for result in results if result.share is not None]
    cells = [
        *(f"{number:,}" for number in numbers),
        f"{end:,} ({cannot:,})" if end else "0",
        f"{sum(each.refused_429 for each in results):,}",
        f"{min(shares):.1%}" if shares else "",
        recovery(each for result in results for each in result.recover_s),
    ]
    return f"| {label} | " + " | ".join(cells) + " |"


def recovery(seconds: Iterable[float]) -> str:
    found = list(seconds)
    return f"{statistics.median(found):.2f}, {max(found):.1f}" if found else ""


def shortfalls(results: Sequence[Result]) -> list[str]:
    """In words: what fell short, with the command that repeats it, and what was not run."""
    failed = [result for result in results if not result.passed and not result.not_run]
    not_run = [result for result in results if result.not_run]
    lines = ["## Where it falls short", ""]
    if not failed:
        lines += ["No case fell short."]
    for result in failed:
        lines += [f"- `{result.case}`: {in_words(result)}. Again: `{replay(result)}`"]
    cannot = sum(result.cannot_tell for result in results)
    if cannot:
        lines += [
            "",
            f"{cannot:,} records of the flat dialect stay unknown: it publishes no reads, so a person has to look",
            "([settling](../how-to/settling.md)).",
        ]
    if not_run:
        lines += ["", "## Not run", "", *(f"- `{result.case}`: {result.not_run}" for result in not_run)]
    return lines


def in_words(result: Result) -> str:
    counts = {
        "lost": result.lost,
        "doubled": result.doubled,
        "out of order": result.out_of_order,
        "refused with 429": result.refused_429,
        "quarantined at the end": result.quarantined,
        "unknown at the end, although the API can tell": max(0, result.unknown_end - result.cannot_tell),
    }
    words = [f"{number:,} {name}" for name, number in counts.items() if number]
    return "; ".join([*words, *(" ".join(problem.split())[:300] for problem in result.problems)])


def replay(result: Result) -> str:
    """The command that repeats a case with the same random choices."""
    return f'make faults ARGS="--seed {result.seed} --only {result.case}"'
