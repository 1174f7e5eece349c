"""The commands `demo` and `sandbox`: the workflow on the data of a made-up company, and the local sandbox for Custify.

Both need no internet. Every step of the demo runs the real command in the folder of the sample project, and its result
is checked in the sandbox. If a result is not as expected, the demo reports it and exits with 1. The sandbox is started
by name: nothing of it is imported here.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from penstock.cli.command import TRY, Command, Given, Penstock, write
from penstock.cli.exits import DEBUG_VARIABLE, Exit

if TYPE_CHECKING:
    from penstock.model.reports import QuarantineEntry, SampleCompany, SandboxUrls
    from penstock.model.runs import RunReport


FLOW = "everything"
KINDS = ("companies", "people", "subscriptions", "events", "notes")
KEY_VARIABLE = "CUSTIFY_DEMO_KEY"  # without the prefix PENSTOCK_: a service gives such variables to no project
OURS = ("PENSTOCK_DATABASE_URL", "PENSTOCK_CUSTIFY_BASES")  # the demo ignores the person's own settings
LOG_LEVEL = "PENSTOCK_LOG_LEVEL"
DRAFT = "renewals"
RENEWALS = f"""\
  {DRAFT}:        # a draft, to be activated in the web UI
    dataset: subscriptions
    credential: sandbox
    template: create_task
    fields: {{name: {{value: Talk about the renewal}}, due_date: renewal_date, company_id: company_id}}
"""


def add_to(app: App) -> None:
    app.command(demo, group=TRY, sort_key=1)
    app.command(serve_sandbox, name="sandbox", group=TRY, sort_key=2)


def demo(
    *,
    serve: Annotated[bool, Parameter(help="Afterwards serve the result in the web UI until ^C.")] = False,
    folder: Annotated[
        Path | None,
        Parameter(name="--dir", help="Store the sample project in this folder (default: a temporary folder)."),
    ] = None,
    command: Given,
) -> Exit:
    """Run the whole workflow on sample data.

    Sends to the local sandbox for Custify. Takes seconds, and needs no account and no internet.
    """
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - help must not wait for it

    from penstock.app import App as Kernel  # noqa: PLC0415 - a third of a second

    with ExitStack() as stack:
        out = sys.stdout
        if command.json:
            stack.enter_context(redirect_stdout(sys.stderr))
        if folder is None:
            temporary = TemporaryDirectory(prefix="penstock-demo-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(temporary))
        sandbox = stack.enter_context(Kernel.running_sandbox())
        stack.enter_context(_inside(folder, sandbox))
        assert command.penstock is not None
        steps = DemoSteps(sandbox, command.penstock)
        with suppress(_StepFailed):
            steps.run()
        if command.json:
            stack.enter_context(redirect_stdout(out))
        arrived = steps.arrived()
        counts = {kind: arrived.get(kind, 0) for kind in KINDS}
        document = {"ok": not steps.wrong, "wrong": steps.wrong, "arrived": counts}
        command.show(document, steps.ending)
        if serve:
            _serve(sandbox, folder, command, command.penstock)
    return Exit.NOT_ALL_WELL if steps.wrong else Exit.WELL


class _StepFailed(Exception):  # noqa: N818 - it only ends the demo
    """A step had an unexpected exit code, so that the steps after it are left out."""


@dataclass(slots=True)
class DemoSteps:
    """Runs the steps; `wrong` are the expectations that were not met."""

    sandbox: SandboxUrls
    penstock: Penstock
    wrong: list[str] = field(default_factory=list)

    def run(self) -> None:
        made = _sample_project(self.sandbox)
        say(
            f"A made-up company in this folder: {made.companies} companies (Parquet), {made.people} people (CSV),\n"
            f"{made.subscriptions} subscriptions (SQLite), {made.events} events (Parquet), {made.notes} notes (CSV).\n"
            "A few records are wrong on purpose. They are sent to the local sandbox: nothing leaves this machine."
        )
        self.step("Check the API key", "check", "sandbox")
        self.step(
            "Preview one of the requests, exactly as it would be sent", "preview", "subscriptions", "--limit", "1"
        )
        self.step("Plan the run: how many records and requests, and which records are invalid", "plan", FLOW)
        self.expect(self.arrived().get("people") == 0, "nothing was sent before the run")
        self.step("Run: send companies, then people, then the rest", "run", FLOW, code=Exit.NOT_ALL_WELL)
        self.step("List the records in quarantine, with the reasons", "quarantine", "list")
        self._fix_one(_held())
        self._run_again()

    def _fix_one(self, held: Sequence[QuarantineEntry]) -> None:
        """Fix and resend one invalid company, then run again: the records that waited for it are sent."""
        company = next((entry for entry in held if entry.destination == "companies"), None)
        self.expect(company is not None, "a company with half an employee is in quarantine")
        if company is None:
            return
        self.step("Fix one of them …", "quarantine", "edit", company.id, "--set", "employees=70")
        self.step("… and resend it", "quarantine", "resend", company.id)
        waiting = _last_run(FLOW).records.waiting
        self.step("Run again: records that waited for this company are sent", "run", FLOW, code=Exit.NOT_ALL_WELL)
        self.expect(_last_run(FLOW).records.waiting < waiting, "fewer records wait than before")

    def _run_again(self) -> None:
        self.step("Run once more: nothing has changed, so nothing is sent", "run", FLOW, code=Exit.NOT_ALL_WELL)
        self.expect(_last_run(FLOW).requests == 0, "the last run makes no request")
        held, arrived = _held(), self.arrived()
        for kind, number in _expected(held).items():
            self.expect(arrived.get(kind) == number, f"{number} {kind} arrive, not {arrived.get(kind)}")

    def step(self, title: str, *arguments: str, code: Exit = Exit.WELL) -> None:
        """Print the title and the command, and run it."""
        line = " ".join(f"'{word}'" if " " in word else word for word in arguments)
        say(f"\n━━ {title}\n$ penstock {line}")
        _exit_on_sigterm()
        answer = self.penstock.execute(arguments)
        self.expect(answer == code, f"`penstock {line}` ends with exit code {int(code)}, not {int(answer)}")
        if answer != code:
            raise _StepFailed

    def arrived(self) -> dict[str, int]:
        """How many objects of each kind the sandbox has stored."""
        from penstock.app import App as Kernel  # noqa: PLC0415 - a third of a second

        return Kernel.sandbox_objects(self.sandbox)

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)

    def ending(self) -> Iterator[str]:
        """What arrived, and either what to do next or the expectations that were not met."""
        yield "\n━━ Objects in the sandbox"
        for kind, number in self.arrived().items():
            if number and kind in KINDS:
                yield f"  {number:>5,}  {kind}"
        if not self.wrong:
            yield "\nEvery record has exactly one outcome. Records in quarantine have a reason and can be fixed."
            yield f"→ {_called()} demo --serve shows this in the web UI, with one destination left to activate:"
            yield f"  {self.penstock.address()}"
            yield f"→ {_called()} init creates your own project"
            return
        yield "\nThe demo did not end as expected:"
        yield from (f"  expected: {what}" for what in self.wrong)


def _called() -> str:
    """The command `penstock` as it was typed."""
    written = sys.argv[0]
    return written if Path(written).name == "penstock" and not Path(written).is_absolute() else "penstock"


def say(text: str) -> None:
    write(sys.stdout, text + "\n")


@contextmanager
def _inside(folder: Path, sandbox: SandboxUrls) -> Iterator[None]:
    """Changes to the folder and sets the key in the environment; restores both afterwards."""
    before, environ = Path.cwd(), dict(os.environ)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        os.chdir(folder)
        os.environ[KEY_VARIABLE] = sandbox.api_key
        os.environ[DEBUG_VARIABLE] = "1"  # the folder is deleted: a traceback in it would be lost
        for name in OURS:
            os.environ.pop(name, None)
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environ)


def _sample_project(sandbox: SandboxUrls) -> SampleCompany:
    from penstock.app import App as Kernel  # noqa: PLC0415 - a third of a second

    made = Kernel.write_sample_company(Path("data"))
    text = Kernel.sample_project("data", sandbox.url, f"${{env:{KEY_VARIABLE}}}")
    Path("penstock.yaml").write_text(text.replace("flows:\n", f"{RENEWALS}flows:\n", 1), encoding="utf-8")
    return made


def _held() -> Sequence[QuarantineEntry]:
    with Command().open() as app:
        return app.quarantine()


def _last_run(flow: str) -> RunReport:
    with Command().open() as app:
        return next(report for report in app.runs() if report.flow == flow)


def _expected(held: Sequence[QuarantineEntry]) -> dict[str, int]:
    """How many objects should have arrived: all records that are not in quarantine."""
    with Command().open() as app:
        plan = app.plan(FLOW)
    sent = {part.destination or "": part.records for part in plan.destinations}
    for entry in held:
        sent[entry.destination] -= 1
    return sent


def _serve(sandbox: SandboxUrls, folder: Path, command: Command, penstock: Penstock) -> None:
    """Serve the project in the web UI until ^C."""
    from penstock.app import App as Kernel  # noqa: PLC0415 - a third of a second

    _exit_on_sigterm()
    os.environ.setdefault(LOG_LEVEL, "warning")
    with suppress(KeyboardInterrupt):
        Kernel.apply()
        penstock.serve(
            Kernel.state_url(),
            lambda url: command.remark(
                f"\nWeb UI: {url} (^C stops it). `{DRAFT}` is a draft: activate it and run it.",
                f"To try commands in another terminal: export {KEY_VARIABLE}={sandbox.api_key} && cd {folder}",
                f"Objects in the sandbox: {sandbox.admin_url}",
            ),
        )


def _exit_on_sigterm() -> None:
    """Handle SIGTERM like ^C, so that the temporary folder is removed. Each run resets this when it ends."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def serve_sandbox(
    *options: Annotated[str, Parameter(name="OPTIONS", allow_leading_hyphen=True, help="Options of the sandbox.")],
    command: Given,
) -> None:
    """Start the local sandbox for Custify.

    Prints one JSON line with its URLs and serves until ^C. `penstock sandbox --help` lists its options.
    """
    assert command.penstock is not None
    command.penstock.execute(["sandbox", *options])
