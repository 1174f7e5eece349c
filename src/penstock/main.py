"""The command `penstock`: its commands, the options of every command, and its exit codes.

The one module that knows the kernel and the service: it registers the kernel's commands, and loads those of the service
by name when a command line names one of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from cyclopts import App, CycloptsError, Group, Parameter

from penstock.bounds import bounds
from penstock.cli import apply, configure, demo, look, quarantine, run, sandbox, versions
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
Penstock sends the records you already have to Custify: checked and previewed before anything leaves,
one outcome for each record, nothing lost, nothing doubled.

Start with `penstock demo` to see it work without any account, or `penstock init` to begin a project of your own.
"""
FILE = "The project file, or a folder of them (default: penstock.yaml here)."
DATABASE = "The state (default: sqlite:///.penstock/state.db beside the file; also PENSTOCK_DATABASE_URL)."
PARTS = (configure, apply, versions, look, run, quarantine, demo, sandbox)
JSON = "Print exactly one JSON document on stdout, everything else on stderr."


class Listed(NamedTuple):
    """A command of the service as `penstock --help` lists it: its words, its place, and the first line of its help."""

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
        ("prune",),
        ("quarantine", "discard"),
        ("quarantine", "edit"),
        ("quarantine", "resend"),
        ("quarantine", "settle"),
        ("restore",),
        ("retention",),
        ("roll-back",),
        ("run",),
        ("test",),
        ("token", "add"),
        ("token", "remove"),
    }
)
SERVICE: dict[str, tuple[Listed, ...]] = {  # by module, which registers them with `add_to`
    "penstock.service.cli.hooks": (Listed("hooks", SET_UP, 4, "Where others post records, what came, and their key."),),
    "penstock.service.cli.serve": (Listed("serve", SERVE, 1, "Serve the web UI and the REST API, until ^C."),),
    "penstock.service.cli.worker": (Listed("worker", SERVE, 2, "Run what is asked for and what is due, until ^C."),),
    "penstock.service.cli.flows": (
        Listed("flow", SERVE, 3, "Let a flow rest, let it go on."),
        Listed(
            "cancel",
            SERVE,
            4,
            "Stop a run of a worker after its requests in flight; the next run of its target goes on with it.",
        ),
    ),
    "penstock.service.cli.people": (
        Listed("people", PEOPLE, 1, "Who may sign in to the service."),
        Listed("token", PEOPLE, 2, "API tokens: for programs, in a person's name."),
        Listed("audit", PEOPLE, 3, "Show who changed what, the newest first."),
    ),
    "penstock.service.cli.care": (
        Listed("doctor", CARE, 1, "Say what is wrong, and what to do."),
        Listed("backup", CARE, 2, "Write the state to one file, while it is in use."),
        Listed("restore", CARE, 3, "Put a backup in place as the state."),
        Listed("prune", CARE, 4, "Remove what is older than the retention says."),
        Listed("compact", CARE, 5, "Give the disk what `penstock prune` has freed inside the state."),
        Listed("retention", CARE, 6, "Show how many days things are kept; or change some of it."),
        Listed("credential rotate-key", None, None, "Seal all API keys and secrets with another sealing key."),
    ),
}


def build(opener: Opener, arguments: Sequence[str] | None = None) -> App:
    """The whole command line. `opener` makes the App that its commands talk to.

    Of the service, only what `arguments` name is imported; the rest is listed. None: all of it is imported.
    """
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
        if arguments is None or any(command.words.split()[-1] in arguments for command in commands):
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
    """Name the commands in the help text, without what they do."""
    for command in commands:
        *outer, name = command.words.split()
        place = app[outer[0]] if outer else app
        place.command(App(name=name, help=command.help, group=command.group, sort_key=command.sort_key))


def _serve(database: str, ready: Callable[[str], None]) -> None:
    from penstock.service.cli.serve import serve_here  # noqa: PLC0415 - only a demo that serves needs it

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
    if not bound.arguments.get("dry_run", False) and command.opener is open_app:
        ended = _noted(words, bound.args, ended, command)
    return ended


def _noted(words: Sequence[str], names: Sequence[Any], ended: Exit, command: Command) -> Exit:
    """Write the audit entry of a command that has ended; a failure to write it is reported on stderr."""
    if words not in AUDITED:
        return ended
    from penstock.service.people.command_audit import note_command  # noqa: PLC0415 - not for help

    try:
        note_command(words, names, "ok" if ended is Exit.WELL else f"exit {int(ended)}", command.file, command.database)
    except EnvironmentFailure as error:
        command.remark(f"It was done, and could not be written into the audit log: {error}")
        return Exit.ENVIRONMENT if ended is Exit.WELL else ended
    return ended


def execute(arguments: Sequence[str], opener: Opener = open_app) -> int:
    """Run one command line; answers its exit code. Only KeyboardInterrupt-like exits of the sandbox come through."""
    if arguments[:1] == ["sandbox"]:
        return sandbox.replace_process(arguments[1:])
    app = build(opener, arguments)
    json = "--json" in arguments
    try:
        bounds()  # a wrong variable is an error of every command, before anything is read
        result: Any = app.meta(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        print_problems([usage_problem(error, app.meta.assemble_argument_collection())], json=json)
        return Exit.INPUT
    except PenstockError as error:
        print_problems(error.problems, json=json)
        return exit_of_error(error)
    except KeyboardInterrupt:
        return print_cancelled(json=json)
    except Exception as error:  # noqa: BLE001 - the last door: a person never sees a bare traceback
        full = full_disk(error)
        if full is not None:
            print_problems([full], json=json)
            return Exit.ENVIRONMENT
        return print_defect(error, json=json, file=_file_of(arguments))
    return Exit.WELL if result is None else int(result)


def _file_of(arguments: Sequence[str]) -> Path | None:
    """The project file of a command line that went wrong, as far as it is recognizable."""
    for option, value in pairwise(("", *arguments)):
        if option in ("-f", "--file"):
            return Path(value)
        if value.startswith("--file="):
            return Path(value.removeprefix("--file="))
    return None


def main() -> int:
    """The entry of the installed command."""
    os.environ.setdefault(
        "ARROW_DEFAULT_MEMORY_POOL", "system"
    )  # Arrow's own choice retains 30 MB more of what is freed
    try:
        return execute(sys.argv[1:])
    except EnvironmentFailure as error:  # the output could not be written to stdout
        return print_on_stderr(error.problems, json="--json" in sys.argv)
    except BrokenPipeError:  # help text into a pager that was closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.WELL
