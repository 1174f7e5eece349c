"""The main job on a made-up company, from beginning to end, against the local sandbox. Needs no internet."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.request import urlopen

from cyclopts import Parameter

if TYPE_CHECKING:
    from cyclopts import App as Commands

    from penstock.engine.app import App

FLOW = "everything"
KEY_VARIABLE = "PENSTOCK_DEMO_KEY"
EXPECTED_HELD = 7  # the records that `sample_company` makes wrong on purpose, and the one that waits for its company


def register(app: Commands) -> None:
    app.command(demo)


def demo(
    *,
    serve: Annotated[bool, Parameter(negative="")] = False,
    dir_: Annotated[Path | None, Parameter(name="--dir")] = None,
) -> int:
    """Show the main job on sample data, against a local stand-in for Custify.

    Parameters
    ----------
    serve
        Leave the stand-in running at the end, until ^C.
    dir_
        Keep the sample project in this folder; else a temporary one is used and removed.

    """
    folder = dir_ or Path(tempfile.mkdtemp(prefix="penstock-demo-"))
    try:
        with _sandbox() as (process, place):
            good = _show(folder, place)
            if serve:
                say(
                    f"\nThe stand-in goes on at {place['admin_url']} (key {place['api_key']}); the project is in {folder}."
                )
                say("^C ends it.")
                process.wait()
    finally:
        if dir_ is None:
            shutil.rmtree(folder)
    return 0 if good else 1


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def step(title: str, command: str) -> None:
    say(f"\n── {title}\n$ penstock {command}")


@contextmanager
def _sandbox() -> Iterator[tuple[subprocess.Popen[str], Mapping[str, str]]]:
    command = [sys.executable, "-m", "penstock_sandbox", "--with-parent"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _show(folder: Path, place: Mapping[str, str]) -> bool:
    from penstock.cli.sample_company import PROJECT, write_sample_company  # noqa: PLC0415
    from penstock.engine.app import App  # noqa: PLC0415

    made = write_sample_company(folder / "data")
    (folder / "penstock.yaml").write_text(PROJECT % {"base_url": place["url"]}, encoding="utf-8")
    say(
        f"A made-up company: {made.companies} companies (Parquet), {made.people} people (CSV), "
        f"{made.subscriptions} subscriptions (SQLite), {made.events} events (Parquet), {made.notes} notes (CSV).\n"
        "A few of the records are wrong on purpose. A local stand-in plays Custify; nothing leaves this machine."
    )
    environ = {**os.environ, KEY_VARIABLE: place["api_key"]}
    with App.open(folder / "penstock.yaml", environ=environ) as app:
        return _walk(app, place)


def _walk(app: App, place: Mapping[str, str]) -> bool:
    """The steps of the demo; answers whether everything came out as it should."""
    from penstock.cli import text  # noqa: PLC0415
    from penstock.cli.progress import Display  # noqa: PLC0415

    step("Does the key work, and what answers?", "check sandbox")
    say(text.check_text(app.check("sandbox")))
    step("What exactly would be sent? One person:", "preview people --limit 1")
    say(_shortened(text.preview_text(app.preview("people", limit=1))))
    step("How much is it, and what is wrong, before anything is sent?", f"plan {FLOW}")
    say(text.plan_text(app.plan(FLOW)))
    step("Send it: companies, then people, then the rest", f"run {FLOW}")
    with Display() as display:
        first = app.run(FLOW, listener=display.show)
    say(text.run_text(first))
    step("What is held, and why", "quarantine list")
    held = app.quarantine()
    say(text.quarantine_text(held))
    good = len(held) == EXPECTED_HELD and first.records.delivered + first.records.accepted > 0
    company = next((entry for entry in held if entry.destination == "companies"), None)
    if company is not None:
        step("Mend a record, and send it", f"quarantine edit {company.id} --set employees=70 && … resend {company.id}")
        app.edit_texts(company.id, {"employees": "70"})
        good &= app.resend([company.id])[0].status == "succeeded"
        say(f"{company.id} is delivered")
    step("Once more: only who waited for it is sent", f"run {FLOW}")
    say(text.run_text(app.run(FLOW)))
    step("And again: nothing has changed, nothing is sent", f"run {FLOW}")
    last = app.run(FLOW)
    say(text.run_text(last))
    say("\n── What arrived")
    arrived = _arrived(place)
    say("  " + ", ".join(f"{number} {kind}" for kind, number in arrived.items()))
    good &= last.requests == 0 and arrived["companies"] > 0
    say(
        "\nEverything came out as it should."
        if good
        else "\nSomething did not come out as it should: please report it."
    )
    return good


def _arrived(place: Mapping[str, str]) -> dict[str, int]:
    with urlopen(f"{place['admin_url']}/state") as reply:  # noqa: S310 - the sandbox on this machine
        state: dict[str, Any] = json.load(reply)
    return {kind: len(state[kind]) for kind in ("companies", "people", "subscriptions", "events", "notes")}


def _shortened(shown: str, lines: int = 14, width: int = 600) -> str:
    return "\n".join(line[:width] + ("…" if len(line) > width else "") for line in shown.splitlines()[:lines])
