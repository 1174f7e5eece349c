"""The command `penstock`: its commands, the options of every command, and its exit codes.

Only this module imports both the kernel and the service. It registers the kernel's commands, and imports a module of
the service's commands when the command line names one of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from cyclopts import App, CycloptsError, Group, Parameter

from penstock.bounds import bounds
from penstock.cli import applied_project, configure, demo, identity, quarantine, reconcile, run, settle
from penstock.cli.command import CARE, EVERYWHERE, PEOPLE, SERVE, SET_UP, Command, Penstock, open_app
from penstock.cli.exits import (
    Exit,
    exit_of_error,
    full_disk,
    missing_command,
    print_cancelled,
    print_defect,
    print_on_stderr,
    print_problems,
    usage_problem,
)
from penstock.model.errors import EnvironmentFailure, InputError, PenstockError
from penstock.version import __version__

if TYPE_CHECKING:
    from penstock.cli.command import Opener

ABOUT = """\
Penstock sends your records to Custify. It checks and previews them before anything is sent,
and gives every record exactly one outcome: no record is lost or duplicated.

Start with `penstock demo` to try it without an account, or with `penstock init` to create your own project.
"""
FILE = "The project file, or a folder of project files (default: penstock.yaml in the current folder)."
DATABASE = "The URL of the state (default: PENSTOCK_DATABASE_URL, else sqlite:///.penstock/state.db beside the file)."
PARTS = (configure, applied_project, run, identity, quarantine, settle, reconcile, demo)
JSON = "Print exactly one JSON document on stdout, and everything else on stderr."


class Listed(NamedTuple):
    """A command of the service as `penstock --help` lists it; `help` is the first line of its help text."""

    words: str
    group: Group | None
    sort_key: int | None
    help: str


AUDITED = frozenset(  # commands that change something: each has an entry in the audit log
    {
        ("activate",),
        ("apply",),
        ("backup",),
        ("cancel",),
        ("compact",),
        ("credential", "rotate-key"),
        ("credential", "set"),
        ("flow", "pause"),
        ("flow", "resume"),
        ("hooks", "new-key"),
        ("pause",),
        ("people", "add"),
        ("people", "remove"),
        ("people", "reset"),
        ("people", "role"),
        ("people", "setup-link"),
        ("people", "unlink"),
        ("prune",),
        ("quarantine", "discard"),
        ("quarantine", "edit"),
        ("quarantine", "resend"),
        ("quarantine", "settle"),
        ("reconcile", "--fix"),
        ("restore",),
        ("retention",),
        ("roll-back",),
        ("run",),
        ("schema", "--refresh"),
        ("settle",),
        ("test",),
        ("token", "add"),
        ("token", "remove"),
    }
)
SERVICE: dict[str, tuple[Listed, ...]] = {  # by module, whose `add_to` registers them
    "penstock.service.cli.serve": (
        Listed("serve", SERVE, 1, "Serve the web UI and the REST API until ^C."),
        Listed("worker", SERVE, 2, "Execute requested and scheduled runs until ^C."),
        Listed("flow", SERVE, 3, "Pause and resume a flow."),
        Listed("cancel", SERVE, 4, "Stop a run that is queued or that a worker executes."),
        Listed("hooks", SET_UP, 4, "List the webhook sources, and make their keys."),
    ),
    "penstock.service.cli.people": (
        Listed("people", PEOPLE, 1, "Manage the users of the service."),
        Listed("token", PEOPLE, 2, "Manage API tokens."),
        Listed("audit", PEOPLE, 3, "Show who changed what, newest first."),
    ),
    "penstock.service.cli.care": (
        Listed("doctor", CARE, 1, "Find problems and show how to fix them."),
        Listed("backup", CARE, 2, "Back up the state to one file, also while it is in use."),
        Listed("restore", CARE, 3, "Restore the state from a backup."),
        Listed("prune", CARE, 4, "Remove data that is older than its retention period."),
        Listed("compact", CARE, 5, "Return the space that `penstock prune` freed to the disk."),
        Listed("retention", CARE, 6, "Show or change how many days data is stored."),
        Listed("erase", CARE, 7, "Erase the values of one record from the state and the exported ledger."),
        Listed("credential rotate-key", None, None, "Seal all API keys and secrets with a new sealing key."),
    ),
}


def build(opener: Opener, arguments: Sequence[str] | None = None) -> App:
    """Returns the command-line application. `opener` makes the App that its commands call.

    Imports only those modules of the service whose commands `arguments` name, and lists the other commands; None
    imports all.
    """
    named = (
        module
        for module, commands in SERVICE.items()
        if arguments is None or any(command.words.split()[-1] in arguments for command in commands)
    )
    return _built(opener, frozenset(named))


@lru_cache(maxsize=4)  # a demo executes several command lines
def _built(opener: Opener, service: frozenset[str]) -> App:
    """The application with the commands of these modules of the service."""
    app = App(
        name="penstock",
        help=ABOUT,
        version=__version__,
        help_format="plaintext",
        default_parameter=Parameter(negative=(), show_default=False),
        suppress_keyboard_interrupt=False,
    )
    for part in PARTS:
        part.add_to(app)
    for module, commands in SERVICE.items():
        if module in service:
            import_module(module).add_to(app)
        else:
            _list(app, commands)
    app.meta.group_parameters = EVERYWHERE
    app.meta.suppress_keyboard_interrupt = False
    app["--help"].group = app["--version"].group = EVERYWHERE

    @app.meta.default
    def launch(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        file: Annotated[Path | None, Parameter(("--file", "-f"), help=FILE)] = None,
        database: Annotated[str | None, Parameter(help=DATABASE)] = None,
        json: Annotated[bool, Parameter(help=JSON)] = False,
    ) -> int:
        """Parse the command line and run the command."""
        return _follow(app, tokens, Command(file, database, json, opener, Penstock(execute, _serve, _address)))

    return app


def _list(app: App, commands: Sequence[Listed]) -> None:
    """Add the commands to the help text, without their functions."""
    for command in commands:
        *outer, name = command.words.split()
        place = app[outer[0]] if outer else app
        place.command(App(name=name, help=command.help, group=command.group, sort_key=command.sort_key))


def _serve(database: str, ready: Callable[[str], None]) -> None:
    from penstock.service.cli.serve import serve_here  # noqa: PLC0415 - only `demo --serve` needs it

    serve_here(database, ready)


def _address() -> str:
    from penstock.service.cli.serve import address_here  # noqa: PLC0415 - only a demo needs it

    return address_here()


def _follow(app: App, tokens: Sequence[str], command: Command) -> int:
    function, bound, ignored = app.parse_args(tokens, exit_on_error=False, print_error=False)
    if getattr(function, "__func__", None) is App.help_print and (tokens or command.json):
        raise InputError(missing_command(app.parse_commands(list(tokens))[1][-1], tokens))
    if "command" in ignored:
        bound.arguments["command"] = command
    answer: Any = function(*bound.args, **bound.kwargs)
    ended = Exit.WELL if answer is None else Exit(answer)
    words = tuple(app.parse_commands(list(tokens))[0])
    words += tuple(f"--{name}" for name in ("refresh", "fix") if bound.arguments.get(name, False))
    if not bound.arguments.get("dry_run", False) and command.opener is open_app:
        ended = _noted(words, (*bound.args, *command.acts), ended, command)
    return ended


def _noted(words: Sequence[str], names: Sequence[Any], ended: Exit, command: Command) -> Exit:
    """Write the audit entry of a command that has ended; a failure to write it is reported on stderr."""
    if words not in AUDITED:
        return ended
    from penstock.service.people.audit import note_command  # noqa: PLC0415 - not for help

    try:
        note_command(words, names, "ok" if ended is Exit.WELL else f"exit {int(ended)}", command.file, command.database)
    except EnvironmentFailure as error:
        command.remark(f"The command was executed, but the audit log could not be written: {error}")
        return Exit.ENVIRONMENT if ended is Exit.WELL else ended
    return ended


def execute(arguments: Sequence[str], opener: Opener = open_app) -> int:
    """Run one command line and return its exit code. `sandbox` replaces the process and does not return."""
    if arguments[:1] == ["sandbox"]:
        from penstock.usecases.sandbox import become_sandbox  # noqa: PLC0415 - no other command needs it

        become_sandbox(arguments[1:])
    app = build(opener, arguments)
    json = "--json" in arguments
    try:
        bounds()  # every command reports a wrong variable, before it reads anything
        result: Any = app.meta(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        print_problems([usage_problem(error, app.meta.assemble_argument_collection())], json=json)
        return Exit.INPUT
    except PenstockError as error:
        print_problems(error.problems, json=json)
        return exit_of_error(error)
    except KeyboardInterrupt:
        return print_cancelled(json=json)
    except Exception as error:  # noqa: BLE001 - a person must not see a bare traceback
        full = full_disk(error)
        if full is not None:
            print_problems([full], json=json)
            return Exit.ENVIRONMENT
        return print_defect(error, json=json, file=_file_of(arguments))
    return Exit.WELL if result is None else int(result)


def _file_of(arguments: Sequence[str]) -> Path | None:
    """The project file that a failed command line names; None where it names none."""
    for option, value in pairwise(("", *arguments)):
        if option in ("-f", "--file"):
            return Path(value)
        if value.startswith("--file="):
            return Path(value.removeprefix("--file="))
    return None


def main() -> int:
    """The entry point of the installed command."""
    os.environ.setdefault(
        "ARROW_DEFAULT_MEMORY_POOL", "system"
    )  # Arrow's default pool retains 30 MB more of freed memory
    try:
        return execute(sys.argv[1:])
    except EnvironmentFailure as error:  # the output could not be written to stdout
        return print_on_stderr(error.problems, json="--json" in sys.argv)
    except BrokenPipeError:  # help text is piped into a pager that was closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.WELL
