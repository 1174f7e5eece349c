"""The commands about people, API tokens and the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from penstock.cli.command import PEOPLE, Given
from penstock.cli.exits import printable
from penstock.model.rights import Role
from penstock.service.cli.service_app import open_applied
from penstock.service.model import AuditFilter

if TYPE_CHECKING:
    from penstock.service.app import ServiceApp

Name = Annotated[str, Parameter(name="NAME", help="A person's name.")]
Rights = Annotated[Role, Parameter(help="What they may do; each role holds those before it.")]
Where = Annotated[
    str | None,
    Parameter(name="--url", help="Where the service is, for the link (default: where it was started last)."),
]
HERE = "http://127.0.0.1:8765"


def add_to(app: App) -> None:
    people = App(name="people", help="Who may sign in to the service.", group=PEOPLE, sort_key=1)
    people.command(list_, name="list")
    for command in (add, role, unlink, remove, reset, setup_link):
        people.command(command)
    tokens = App(name="token", help="API tokens: for programs, in a person's name.", group=PEOPLE, sort_key=2)
    tokens.command(list_tokens, name="list")
    tokens.command(add_token, name="add")
    tokens.command(remove_token, name="remove")
    app.command(people)
    app.command(tokens)
    app.command(audit, group=PEOPLE, sort_key=3)


def list_(*, command: Given) -> None:
    """List the people who may sign in."""
    with open_applied(command) as app:
        people = app.people.register.everybody()
    rows = [
        {"name": row.name, "role": row.role, "email": row.email, "made_at": row.made_at, "seen_at": row.seen_at}
        for row in people
    ]
    command.show(
        rows, lambda: _table(rows) if rows else ["Nobody yet: `penstock people setup-link` lets the first in."]
    )


def add(
    name: Name,
    /,
    *,
    role: Rights,
    email: Annotated[str | None, Parameter(help="Their e-mail address.")] = None,
    url: Where = None,
    command: Given,
) -> None:
    """Let somebody in.

    They choose a password by the one-time link that is printed; it is good for a day.
    """
    with open_applied(command) as app:
        row = app.people.register.add(name, role, email=email)
        link = _link(app, url, app.people.register.reset(row.name))
    command.show(
        {"name": row.name, "role": row.role, "link": link}, lambda: [f"{row.name} is {role}. Once, within a day:", link]
    )


def role(name: Name, role: Annotated[Role, Parameter(name="ROLE")], /, *, command: Given) -> None:
    """Give a person another role."""
    with open_applied(command) as app:
        row = app.people.register.change(name, role=role)
    command.show({"name": row.name, "role": row.role}, lambda: [f"{row.name} is {row.role} now."])


def unlink(name: Name, /, *, command: Given) -> None:
    """Take away who a person is at the identity provider.

    Their sessions end. Whoever next signs in there with their address is this person again: change the address, or
    remove them, to keep somebody out.
    """
    with open_applied(command) as app:
        row = app.people.register.change(name, sign_on=False)
    text = f"{row.name} is known by no identity provider any more."
    command.show({"name": row.name, "has_sign_on": row.subject is not None}, lambda: [text])


def remove(name: Name, /, *, command: Given) -> None:
    """Shut a person out, their sessions and tokens with them."""
    with open_applied(command) as app:
        app.people.register.remove(name)
    command.show({"name": name, "removed": True}, lambda: [f"{printable(name)} cannot sign in any more."])


def reset(name: Name, /, *, url: Where = None, command: Given) -> None:
    """Print a one-time link by which a person chooses a new password.

    Their present one stays good until then.
    """
    with open_applied(command) as app:
        link = _link(app, url, app.people.register.reset(name))
    command.show({"name": name, "link": link}, lambda: ["Once, within a day:", link])


def setup_link(*, url: Where = None, command: Given) -> None:
    """Print a new one-time link that makes the first person, an admin.

    Links printed before are over.
    """
    with open_applied(command) as app:
        token = app.people.register.setup_link(only=True)
        link = None if token is None else _link(app, url, token)
        admins = [row.name for row in app.people.register.everybody() if row.role == "admin"]
    if link is None:
        text = f"Somebody is there already (admin: {', '.join(admins)}): `penstock people reset` makes a link for them."
        command.show({"link": None, "admins": admins}, lambda: [text])
    else:
        command.show({"link": link, "admins": []}, lambda: ["Once, within a day:", link])


def list_tokens(*, command: Given) -> None:
    """List the API tokens there are; never their text."""
    with open_applied(command) as app:
        tokens = app.people.register.tokens()
    rows = [
        {
            "id": row.id,
            "owner": row.owner,
            "name": row.name,
            "role": row.role,
            "expires_at": row.expires_at,
            "used_at": row.used_at,
        }
        for row in tokens
    ]
    command.show(rows, lambda: _table(rows) if rows else ["There are no API tokens."])


def add_token(
    owner: Annotated[str, Parameter(name="OWNER", help="In whose name it acts.")],
    name: Annotated[str, Parameter(name="NAME", help="What it is for.")],
    /,
    *,
    role: Rights,
    expires: Annotated[str | None, Parameter(help="The moment it ends, such as 2027-01-31 (default: never).")] = None,
    command: Given,
) -> None:
    """Make an API token.

    Its text is printed this once: only a hash of it is kept.
    """
    with open_applied(command) as app:
        row, text = app.people.register.add_token(owner, name, role, expires)
    document = {"id": row.id, "owner": row.owner, "role": row.role, "expires_at": row.expires_at, "token": text}
    command.show(document, lambda: [text])
    if not command.json:
        command.remark(f"Token {row.id}, in the name of {row.owner}: keep it now, it is not shown again.")


def remove_token(token: Annotated[str, Parameter(name="ID", help="The id of a token.")], /, *, command: Given) -> None:
    """End an API token."""
    with open_applied(command) as app:
        app.people.register.remove_token(token)
    command.show({"id": token, "removed": True}, lambda: [f"{printable(token)} is over."])


def audit(
    *,
    person: Annotated[str | None, Parameter(help="Only what this person did.")] = None,
    action: Annotated[str | None, Parameter(help="Only this action.")] = None,
    since: Annotated[str | None, Parameter(help="Only from this moment on, such as 2026-01-31.")] = None,
    limit: Annotated[int, Parameter(help="At most this many, the newest first.")] = 100,
    command: Given,
) -> None:
    """Show who changed what, the newest first."""
    from penstock.service.model import entry_json, moment  # noqa: PLC0415 - only this command needs it

    wanted = AuditFilter(person, action, None if since is None else moment(since, "--since"))
    with open_applied(command) as app:
        rows = [entry_json(entry) for entry in app.people.audit.page(wanted, limit)]
    command.show(rows, lambda: _table(rows) if rows else ["Nothing was changed yet."])


def _link(app: ServiceApp, url: str | None, token: str) -> str:
    url = url or app.people.served_at() or HERE
    return f"{url.rstrip('/')}/setup#token={token}"


def _table(rows: Sequence[dict[str, Any]]) -> Iterator[Any]:
    from rich.table import Table  # noqa: PLC0415 - rich is slow to import

    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*("" if value is None else printable(str(value)) for value in row.values()))
    yield table
