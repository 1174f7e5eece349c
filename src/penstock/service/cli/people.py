"""The commands for users, API tokens and the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from penstock.cli.command import PEOPLE, Given
from penstock.cli.exits import printable
from penstock.service.cli.service_app import open_applied
from penstock.service.model import AuditFilter, Role, setup_path

if TYPE_CHECKING:
    from penstock.service.app import ServiceApp

Name = Annotated[str, Parameter(name="NAME", help="The name of a user.")]
Rights = Annotated[Role, Parameter(help="The role; each role includes the rights of those before it.")]
Where = Annotated[
    str | None,
    Parameter(name="--url", help="The URL of the service, for the link (default: where it was started last)."),
]
HERE = "http://127.0.0.1:8765"


def add_to(app: App) -> None:
    people = App(name="people", help="Manage the users of the service.", group=PEOPLE, sort_key=1)
    people.command(list_, name="list")
    for command in (add, role, unlink, remove, reset, setup_link):
        people.command(command)
    tokens = App(name="token", help="Manage API tokens.", group=PEOPLE, sort_key=2)
    tokens.command(list_tokens, name="list")
    tokens.command(add_token, name="add")
    tokens.command(remove_token, name="remove")
    app.command(people)
    app.command(tokens)
    app.command(audit, group=PEOPLE, sort_key=3)


def list_(*, command: Given) -> None:
    """List the users."""
    with open_applied(command) as app:
        people = app.people.register.everybody()
    rows = [
        {"name": row.name, "role": row.role, "email": row.email, "made_at": row.made_at, "seen_at": row.seen_at}
        for row in people
    ]
    command.show(
        rows,
        lambda: (
            _table(rows)
            if rows
            else ["There are no users yet. `penstock people setup-link` prints the link for the first one."]
        ),
    )


def add(
    name: Name,
    /,
    *,
    role: Rights,
    email: Annotated[str | None, Parameter(help="The e-mail address of the user.")] = None,
    url: Where = None,
    command: Given,
) -> None:
    """Add a user.

    Prints a one-time link, valid for a day, by which the user chooses a password.
    """
    with open_applied(command) as app:
        row = app.people.register.add(name, role, email=email)
        link = _link(app, url, app.people.register.reset(row.name))
    command.show(
        {"name": row.name, "role": row.role, "link": link},
        lambda: [f"{row.name} has the role {role}. One-time link, valid for a day:", link],
    )


def role(name: Name, role: Annotated[Role, Parameter(name="ROLE")], /, *, command: Given) -> None:
    """Change the role of a user."""
    with open_applied(command) as app:
        row = app.people.register.change(name, role=role)
    command.show({"name": row.name, "role": row.role}, lambda: [f"{row.name} has the role {row.role} now."])


def unlink(name: Name, /, *, command: Given) -> None:
    """Unlink a user from the identity provider.

    Ends the user's sessions. The next person who signs in there with the user's e-mail address is linked again: to
    prevent this, change the address or remove the user.
    """
    with open_applied(command) as app:
        row = app.people.register.change(name, sign_on=False)
    text = f"{row.name} is no longer linked to an identity provider."
    command.show({"name": row.name, "has_sign_on": row.subject is not None}, lambda: [text])


def remove(name: Name, /, *, command: Given) -> None:
    """Remove a user and revoke their sessions and tokens."""
    with open_applied(command) as app:
        app.people.register.remove(name)
    command.show({"name": name, "removed": True}, lambda: [f"{printable(name)} cannot sign in any more."])


def reset(name: Name, /, *, url: Where = None, command: Given) -> None:
    """Print a one-time link by which a user chooses a new password.

    The present password works until then.
    """
    with open_applied(command) as app:
        link = _link(app, url, app.people.register.reset(name))
    command.show({"name": name, "link": link}, lambda: ["One-time link, valid for a day:", link])


def setup_link(*, url: Where = None, command: Given) -> None:
    """Print a one-time link that creates the first user, an admin.

    Links printed before stop working.
    """
    with open_applied(command) as app:
        token = app.people.register.setup_link(only=True)
        link = None if token is None else _link(app, url, token)
        admins = [row.name for row in app.people.register.everybody() if row.role == "admin"]
    if link is None:
        text = f"There are users already (admins: {', '.join(admins)}). `penstock people reset NAME` prints a link."
        command.show({"link": None, "admins": admins}, lambda: [text])
    else:
        command.show({"link": link, "admins": []}, lambda: ["One-time link, valid for a day:", link])


def list_tokens(*, command: Given) -> None:
    """List the API tokens, without the tokens themselves."""
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
    owner: Annotated[str, Parameter(name="OWNER", help="The user in whose name the token acts.")],
    name: Annotated[str, Parameter(name="NAME", help="A name for the token, such as its purpose.")],
    /,
    *,
    role: Rights,
    expires: Annotated[str | None, Parameter(help="When it expires, such as 2027-01-31 (default: never).")] = None,
    command: Given,
) -> None:
    """Make an API token.

    The token is printed once; only its hash is stored.
    """
    with open_applied(command) as app:
        row, text = app.people.register.add_token(owner, name, role, expires)
    document = {"id": row.id, "owner": row.owner, "role": row.role, "expires_at": row.expires_at, "token": text}
    command.show(document, lambda: [text])
    if not command.json:
        command.remark(f"Token {row.id}, in the name of {row.owner}. Copy it now: it is not shown again.")


def remove_token(token: Annotated[str, Parameter(name="ID", help="The id of a token.")], /, *, command: Given) -> None:
    """Revoke an API token."""
    with open_applied(command) as app:
        app.people.register.remove_token(token)
    command.show({"id": token, "removed": True}, lambda: [f"{printable(token)} is revoked."])


def audit(
    *,
    person: Annotated[str | None, Parameter(help="Only entries of this user.")] = None,
    action: Annotated[str | None, Parameter(help="Only entries with this action.")] = None,
    since: Annotated[str | None, Parameter(help="Only entries since this time, such as 2026-01-31.")] = None,
    limit: Annotated[int, Parameter(help="Show at most this many entries (default: 100).")] = 100,
    command: Given,
) -> None:
    """Show who changed what, newest first."""
    from penstock.service.model import entry_json, moment  # noqa: PLC0415 - only this command needs it

    wanted = AuditFilter(person, action, None if since is None else moment(since, "--since"))
    with open_applied(command) as app:
        rows = [entry_json(entry) for entry in app.people.audit.page(wanted, limit)]
    command.show(rows, lambda: _table(rows) if rows else ["There are no entries."])


def _link(app: ServiceApp, url: str | None, token: str) -> str:
    url = url or app.people.served_at() or HERE
    return url.rstrip("/") + setup_path(token)


def _table(rows: Sequence[dict[str, Any]]) -> Iterator[Any]:
    from rich.table import Table  # noqa: PLC0415 - rich is slow to import

    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*("" if value is None else printable(str(value)) for value in row.values()))
    yield table
