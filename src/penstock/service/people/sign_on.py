"""`SignOn`: the settings of the identity provider. `person_of` maps its subject to a user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from penstock.model.errors import EnvironmentFailure, InputError, Problem
from penstock.model.rights import ROLES
from penstock.service.model import PersonRow
from penstock.service.people.accounts import NAME, RESERVED, Accounts
from penstock.service.people.identity_provider import SCOPES, OidcClient, is_safe, refused
from penstock.service.store import people as rows

PREFIX = "PENSTOCK_OIDC_ISSUER".removesuffix("ISSUER")
YES, NO = frozenset({"1", "yes", "true", "on"}), frozenset({"", "0", "no", "false", "off"})
NONE = "none"  # the default role that refuses sign-in
KNOWN = frozenset(
    {
        "PENSTOCK_OIDC_CLIENT_ID",
        "PENSTOCK_OIDC_CLIENT_SECRET",
        "PENSTOCK_OIDC_CLIENT_SECRET_FILE",
        "PENSTOCK_OIDC_CREATE",
        "PENSTOCK_OIDC_DEFAULT_ROLE",
        "PENSTOCK_OIDC_ISSUER",
        "PENSTOCK_OIDC_LABEL",
        "PENSTOCK_OIDC_REDIRECT_URL",
        "PENSTOCK_OIDC_ROLES",
        "PENSTOCK_OIDC_ROLE_CLAIM",
        "PENSTOCK_OIDC_SCOPES",
        "PENSTOCK_OIDC_TRUST_EMAIL",
    }
)


@dataclass(frozen=True, slots=True)
class SignOn:
    """The settings of the identity provider. `roles` maps values of the claim `role_claim` to roles."""

    client: OidcClient
    label: str
    back: str | None = None
    role_claim: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    default_role: str = "viewer"
    create: bool = False
    trust_email: bool = False


def read_sign_on(environ: Mapping[str, str]) -> SignOn | None:
    """The settings in the environment; None if there are none. InputError for invalid ones, EnvironmentFailure if the
    extra is not installed.
    """
    given = {
        name.removeprefix(PREFIX): text.strip()
        for name, text in environ.items()
        if name.startswith(PREFIX) and text.strip()
    }
    if not given:
        return None
    _check(given)
    _need_the_extra()
    secret = _secret(given)
    client = OidcClient(given["ISSUER"], given["CLIENT_ID"], secret, given.get("SCOPES", SCOPES))
    if "openid" not in client.scopes.split():
        raise _wrong("SCOPES", "the scope openid is missing", f"write {SCOPES}")
    return SignOn(
        client=client,
        label=given.get("LABEL") or str(urlsplit(client.issuer).hostname),
        back=given.get("REDIRECT_URL"),
        role_claim=given.get("ROLE_CLAIM"),
        roles=_roles(given.get("ROLES", "")),
        default_role=_role("DEFAULT_ROLE", given.get("DEFAULT_ROLE", "viewer"), also=NONE),
        create=_switch("CREATE", given.get("CREATE", "")),
        trust_email=_switch("TRUST_EMAIL", given.get("TRUST_EMAIL", "")),
    )


def _check(given: Mapping[str, str]) -> None:
    """InputError for unknown settings, missing settings, and addresses that are not https."""
    for name in sorted(given):
        if PREFIX + name not in KNOWN:
            raise _wrong(name, "there is no such setting", f"use one of {', '.join(sorted(KNOWN))}")
    for name in ("ISSUER", "CLIENT_ID"):
        if name not in given:
            raise _wrong(name, "sign-in with an identity provider needs it", "write the value of the provider")
    for name in ("ISSUER", "REDIRECT_URL"):
        if name in given and (not is_safe(given[name]) or not urlsplit(given[name]).hostname):
            raise _wrong(name, "this is not an https address", "write https://…")


def person_of(register: Accounts, sign_on: SignOn, claims: Mapping[str, Any]) -> PersonRow:
    """The user for these claims. Links or creates the user and sets the role as the settings say.

    InputError `unknown-subject` for somebody who may not sign in.
    """
    subject = f"{sign_on.client.issuer.rstrip('/')} {claims['sub']}"
    email = _email(sign_on, claims)
    with register.database.begin() as conn:
        found = rows.person_of_subject(conn, subject) or _linked(conn, email, subject)
        role = _role_of(sign_on, claims)
        if found is None:
            if not sign_on.create or role == NONE:
                raise refused("there is no user for this sign-in", "unknown-subject")
            return _made(conn, register, _name(conn, claims, email), role, email, subject)
        if sign_on.role_claim is not None and role != found.role:
            _give(conn, found, role)
        return rows.person(conn, found.name) or found


def _linked(conn: Connection, email: str | None, subject: str) -> PersonRow | None:
    """The only user with this email address, linked to this subject from now on; None if there is none.

    A user who is linked to another subject is not linked, because an address can be given to another person.
    """
    if email is None:
        return None
    alike = [row for row in rows.listed(conn) if email in ((row.email or "").lower(), row.name)]
    if len(alike) != 1 or alike[0].subject is not None:
        return None
    rows.change(conn, alike[0].name, {"subject": subject})
    return alike[0]


def _give(conn: Connection, found: PersonRow, role: str) -> None:
    """Set the role that the provider gives, except for the last admin."""
    if found.role == "admin" and rows.count(conn, "admin") == 1:
        return
    if role == NONE:
        raise refused("the identity provider gives this user no role", "unknown-subject")
    rows.change(conn, found.name, {"role": role})


def _made(conn: Connection, register: Accounts, name: str, role: str, email: str | None, subject: str) -> PersonRow:
    row = register.new_row(name, role, email, None, subject)
    rows.add(conn, row)
    return row


def _name(conn: Connection, claims: Mapping[str, Any], email: str | None) -> str:
    """The name of a new user: the email address, else the provider's name, else the subject."""
    for text in (email, claims.get("preferred_username"), claims["sub"]):
        name = str(text or "").strip().lower()
        if NAME.fullmatch(name) and name not in RESERVED and rows.person(conn, name) is None:
            return name
    raise refused("there is already another user of this name", "unknown-subject")


def _email(sign_on: SignOn, claims: Mapping[str, Any]) -> str | None:
    """The email address in lower case, if the provider has verified it; else None."""
    email, verified = claims.get("email"), claims.get("email_verified")
    if not isinstance(email, str) or not (sign_on.trust_email or verified is True or verified == "true"):
        return None
    kept = email.strip().lower()
    return kept if re.fullmatch(r"[^@\s]+@[^@\s]+", kept) and kept.isprintable() and len(kept) < 255 else None


def _role_of(sign_on: SignOn, claims: Mapping[str, Any]) -> str:
    """The highest role for the values of the claim, else the default role."""
    value = claims.get(sign_on.role_claim) if sign_on.role_claim is not None else None
    values = [str(each) for each in value] if isinstance(value, list) else [] if value is None else [str(value)]
    named = sign_on.roles or {role: role for role in ROLES}
    held = [named[each] for each in values if each in named]
    return max(held, key=lambda role: ROLES[role], default=sign_on.default_role)


# ── reading settings ─────────────────────────────────────────────────────────


def _secret(given: Mapping[str, str]) -> str | None:
    path = given.get("CLIENT_SECRET_FILE")
    if path is None:
        return given.get("CLIENT_SECRET")
    if "CLIENT_SECRET" in given:
        raise _wrong("CLIENT_SECRET_FILE", "the secret is set twice", "remove one of the two")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        message, place = f"the file cannot be read: {type(error).__name__}", f"{PREFIX}CLIENT_SECRET_FILE"
        raise EnvironmentFailure(Problem(place, message, "cannot-read", "check its permissions")) from None


def _roles(text: str) -> Mapping[str, str]:
    """The roles by group, from `group=role, group=role`."""
    pairs = [part.rpartition("=") for part in text.split(",") if part.strip()]
    for group, sign, _ in pairs:
        if not sign or not group.strip():
            raise _wrong("ROLES", "this is not a list of group=role", "write crm-admins=admin, crm-staff=operator")
    return {group.strip(): _role("ROLES", role.strip()) for group, _, role in pairs}


def _role(setting: str, text: str, also: str | None = None) -> str:
    if text not in ROLES and text != also:
        words = (*ROLES, also) if also is not None else tuple(ROLES)
        raise _wrong(setting, f"there is no role {text[:40]}", f"write one of {', '.join(words)}")
    return text


def _switch(setting: str, text: str) -> bool:
    if text.lower() not in YES | NO:
        raise _wrong(setting, "this is neither yes nor no", "write yes, or leave it out")
    return text.lower() in YES


def _need_the_extra() -> None:
    from importlib.util import find_spec  # noqa: PLC0415

    for module in ("authlib", "joserfc", "requests"):
        if find_spec(module) is None:
            message = f"sign-in with an identity provider needs {module}"
            hint = "run pip install 'penstock[oidc]'"
            raise EnvironmentFailure(Problem(f"{PREFIX}ISSUER", message, "missing-extra", hint))


def _wrong(setting: str, message: str, hint: str) -> InputError:
    return InputError(Problem(PREFIX + setting, message, "wrong-value", hint))
