"""The command `demo`: a made-up company, from project file to delivery, against the local sandbox. Needs no internet.

Every step is the real command, run in the folder of the sample project, and its result is verified in the sandbox. A
demo with another result than expected reports it and exits with 1.
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
    from penstock.model.reports import QuarantineEntry
    from penstock.model.runs import RunReport
    from penstock.model.sandbox import SampleCompany, SandboxUrls

FLOW = "everything"
KINDS = ("companies", "people", "subscriptions", "events", "notes")
KEY_VARIABLE = "CUSTIFY_DEMO_KEY"  # none of Penstock's own: a service gives those to no project
OURS = ("PENSTOCK_DATABASE_URL", "PENSTOCK_CUSTIFY_BASES")  # a person's own settings are not the demo's
LOG_LEVEL = "PENSTOCK_LOG_LEVEL"
DRAFT = "renewals"
RENEWALS = f"""\
  {DRAFT}:        # a draft: for a person to activate in the browser
    dataset: subscriptions
    credential: sandbox
    template: create_task
    fields: {{name: {{value: Talk about the renewal}}, due_date: renewal_date, company_id: company_id}}
"""


def add_to(app: App) -> None:
    app.command(demo, group=TRY, sort_key=1)


def demo(
    *,
    serve: Annotated[bool, Parameter(help="Show it in the browser afterwards, until ^C.")] = False,
    folder: Annotated[
        Path | None, Parameter(name="--dir", help="Keep the sample project here (default: a temporary folder).")
    ] = None,
    command: Given,
) -> Exit:
    """Show the whole job on sample data.

    Against a local stand-in for Custify: takes seconds, needs no account and no internet.
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
        trial = Demo(sandbox, command.penstock)
        with suppress(_StepFailed):
            trial.run()
        if command.json:
            stack.enter_context(redirect_stdout(out))
        arrived = trial.arrived()
        counts = {kind: arrived.get(kind, 0) for kind in KINDS}
        document = {"ok": not trial.wrong, "wrong": trial.wrong, "arrived": counts}
        command.show(document, trial.ending)
        if serve:
            _serve(sandbox, folder, command, command.penstock)
    return Exit.NOT_ALL_WELL if trial.wrong else Exit.WELL


class _StepFailed(Exception):  # noqa: N818 - it only ends the demo
    """A step did not end as it should: the steps after it would only confuse."""


@dataclass(slots=True)
class Demo:
    """The steps, and what did not come out as it should."""

    sandbox: SandboxUrls
    penstock: Penstock
    wrong: list[str] = field(default_factory=list)

    def run(self) -> None:
        made = _sample_project(self.sandbox)
        say(
            f"A made-up company in this folder: {made.companies} companies (Parquet), {made.people} people (CSV),\n"
            f"{made.subscriptions} subscriptions (SQLite), {made.events} events (Parquet), {made.notes} notes (CSV).\n"
            "A few records are wrong on purpose. A local stand-in plays Custify: nothing leaves this machine."
        )
        self.step("Does the key work, and who answers?", "check", "sandbox")
        self.step("What exactly would be sent? One of the requests:", "preview", "subscriptions", "--limit", "1")
        self.step("How much is it all, and what is wrong with it?", "plan", FLOW)
        self.expect(self.arrived().get("people") == 0, "nothing had been sent before the run")
        self.step("Send it: companies, then people, then the rest", "run", FLOW, code=Exit.NOT_ALL_WELL)
        self.step("What is held, and why?", "quarantine", "list")
        self._mend(_held())
        self._run_again()

    def _mend(self, held: Sequence[QuarantineEntry]) -> None:
        """One of the wrong records is put right and sent by itself; those that waited for it go with the next run."""
        company = next((entry for entry in held if entry.destination == "companies"), None)
        self.expect(company is not None, "a company with half an employee is held")
        if company is None:
            return
        self.step("Put one of them right …", "quarantine", "edit", company.id, "--set", "employees=70")
        self.step("… and send it", "quarantine", "resend", company.id)
        waiting = _last_run(FLOW).records.waiting
        self.step("Those who waited for that company go now", "run", FLOW, code=Exit.NOT_ALL_WELL)
        self.expect(_last_run(FLOW).records.waiting < waiting, "fewer wait than before")

    def _run_again(self) -> None:
        self.step("Once more: nothing has changed, so nothing is sent", "run", FLOW, code=Exit.NOT_ALL_WELL)
        self.expect(_last_run(FLOW).requests == 0, "the last run makes no request")
        held, arrived = _held(), self.arrived()
        for kind, number in _expected(held).items():
            self.expect(arrived.get(kind) == number, f"{number} {kind} arrive, not {arrived.get(kind)}")

    def step(self, title: str, *arguments: str, code: Exit = Exit.WELL) -> None:
        """Say what a command is for, and run it."""
        line = " ".join(f"'{word}'" if " " in word else word for word in arguments)
        say(f"\n━━ {title}\n$ penstock {line}")
        _end_tidily()
        answer = self.penstock.execute(arguments)
        self.expect(answer == code, f"`penstock {line}` ends with exit code {int(code)}, not {int(answer)}")
        if answer != code:
            raise _StepFailed

    def arrived(self) -> dict[str, int]:
        """How many objects of each kind the sandbox has stored."""
        from penstock.app import App as Kernel  # noqa: PLC0415 - a third of a second

        return Kernel.sandbox_objects(self.sandbox)

    def expect(self, truth: bool, what: str) -> None:
        if not truth:
            self.wrong.append(what)

    def ending(self) -> Iterator[str]:
        """What arrived, and whether it is what should have."""
        yield "\n━━ What arrived in the stand-in"
        for kind, number in self.arrived().items():
            if number and kind in KINDS:
                yield f"  {number:>5,}  {kind}"
        if not self.wrong:
            yield "\nEvery record has exactly one outcome; the held ones wait for you with their reasons."
            yield f"→ {_called()} demo --serve shows all this in the browser, with one destination left to activate:"
            yield f"  {self.penstock.address()}"
            yield f"→ {_called()} init begins a project of your own"
            return
        yield "\nThe demo did not come out as it should:"
        yield from (f"  expected: {what}" for what in self.wrong)


def _called() -> str:
    """Penstock as the person called it."""
    written = sys.argv[0]
    return written if Path(written).name == "penstock" and not Path(written).is_absolute() else "penstock"


def say(text: str) -> None:
    write(sys.stdout, text + "\n")


@contextmanager
def _inside(folder: Path, sandbox: SandboxUrls) -> Iterator[None]:
    """In the folder, with the key in the environment; afterwards all is as it was."""
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
    """How many objects should have arrived: all but those that are held."""
    with Command().open() as app:
        plan = app.plan(FLOW)
    sent = {part.destination or "": part.records for part in plan.destinations}
    for entry in held:
        sent[entry.destination] -= 1
    return sent


def _serve(sandbox: SandboxUrls, folder: Path, command: Command, penstock: Penstock) -> None:
    """Show it in the browser until ^C, so that a person can look and try."""
    from penstock.app import App as Kernel  # noqa: PLC0415 - a third of a second

    _end_tidily()
    os.environ.setdefault(LOG_LEVEL, "warning")
    with suppress(KeyboardInterrupt):
        Kernel.apply()
        penstock.serve(
            Kernel.state_url(),
            lambda url: command.remark(
                f"\nIn the browser: {url} (^C ends it). `{DRAFT}` is a draft: activate it, run it, and watch.",
                f"To try commands, in another terminal: export {KEY_VARIABLE}={sandbox.api_key} && cd {folder}",
                f"What arrived: {sandbox.admin_url}",
            ),
        )


def _end_tidily() -> None:
    """Let SIGTERM end us as ^C does, so that the temporary folder goes too; a run that has ended undoes this."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
