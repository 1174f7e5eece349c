"""Sign-in with an identity provider (OpenID Connect): its settings, the redirect to it, the checks of its response.

Code flow with PKCE, state and nonce. An ID token is accepted only if one of the provider's keys has signed it, it was
issued for Penstock and for this sign-in, and it has not expired.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import orjson

from penstock.model.errors import EnvironmentFailure, InputError, Problem
from penstock.model.reach import is_loopback
from penstock.service.model import ROLES

PREFIX = "PENSTOCK_OIDC_ISSUER".removesuffix("ISSUER")
YES, NO = frozenset({"1", "yes", "true", "on"}), frozenset({"", "0", "no", "false", "off"})
NO_ROLE = "none"  # the default role that refuses sign-in
VARIABLES = frozenset(
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
SCOPES = "openid email profile"
CACHED_S = 600.0  # for which the provider's description and keys are cached
AGAIN_S = 10.0  # at least, before its keys are fetched again because of an unknown key
TIMEOUT_S = 10.0
SKEW_S = 60  # by which clocks may differ
LARGEST = 1 << 20  # bytes of a response
SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
DISCOVERY = "/.well-known/openid-configuration"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class OidcClient:
    """Penstock as a client of the provider."""

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    scopes: str = SCOPES


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
        default_role=_role("DEFAULT_ROLE", given.get("DEFAULT_ROLE", "viewer"), also=NO_ROLE),
        create=_switch("CREATE", given.get("CREATE", "")),
        trust_email=_switch("TRUST_EMAIL", given.get("TRUST_EMAIL", "")),
    )


def _check(given: Mapping[str, str]) -> None:
    """InputError for unknown settings, missing settings, and addresses that are not https."""
    for name in sorted(given):
        if PREFIX + name not in VARIABLES:
            raise _wrong(name, "there is no such setting", f"use one of {', '.join(sorted(VARIABLES))}")
    for name in ("ISSUER", "CLIENT_ID"):
        if name not in given:
            raise _wrong(name, "sign-in with an identity provider needs it", "write the value of the provider")
    for name in ("ISSUER", "REDIRECT_URL"):
        if name in given and (not is_safe(given[name]) or not urlsplit(given[name]).hostname):
            raise _wrong(name, "this is not an https address", "write https://…")


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


# ── the provider ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SignOnRequest:
    """The secrets of a sign-in in progress; only the browser that began it has them."""

    state: str
    nonce: str
    verifier: str = field(repr=False)

    @staticmethod
    def create(draw: Callable[[int], str] = secrets.token_urlsafe) -> SignOnRequest:
        return SignOnRequest(draw(24), draw(24), draw(48))


class IdentityProvider:
    """The provider, one object per process, since it caches the provider's description. `now` returns epoch seconds."""

    def __init__(self, client: OidcClient, now: Callable[[], float]) -> None:
        self.client = client
        self._now = now
        self._lock = Lock()
        self._about: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, Mapping[str, Any]] | None = None

    def address(self, request: SignOnRequest, back: str) -> str:
        """The provider's URL for the sign-in, which redirects to `back`. EnvironmentFailure if the provider fails."""
        about = self._description()
        with self._session(about, back) as session:
            address, _ = session.create_authorization_url(
                about["authorization_endpoint"],
                state=request.state,
                nonce=request.nonce,
                code_verifier=request.verifier,
            )
        return str(address)

    def claims(self, request: SignOnRequest, code: str, back: str) -> Mapping[str, Any]:
        """The provider's claims about the user. InputError `sign-on-refused` if a check of them fails."""
        about = self._description()
        with self._session(about, back) as session:
            tokens = self._fetched_tokens(session, about["token_endpoint"], code, request)
            claims = self._verified_claims(str(tokens.get("id_token") or ""), request.nonce, about)
            if "email" not in claims and is_safe(str(about.get("userinfo_endpoint", ""))):
                more = self._user_info(session, about["userinfo_endpoint"])
                if more.get("sub") == claims["sub"]:  # else it is for another client
                    claims = {**more, **claims}
        return claims

    # ── inside ───────────────────────────────────────────────────────────────

    def _session(self, about: Mapping[str, Any], back: str) -> Any:
        from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415 - an extra

        methods = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        usual = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        return OAuth2Session(
            self.client.client_id,
            self.client.client_secret,
            scope=self.client.scopes,
            redirect_uri=back,
            code_challenge_method="S256",
            token_endpoint_auth_method="none" if self.client.client_secret is None else usual,
        )

    def _fetched_tokens(self, session: Any, address: str, code: str, request: SignOnRequest) -> Mapping[str, Any]:
        import requests  # noqa: PLC0415
        from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415

        try:
            tokens = session.fetch_token(
                address, code=code, code_verifier=request.verifier, timeout=TIMEOUT_S, allow_redirects=False
            )
        except AuthlibBaseError as error:
            raise refused(f"the identity provider refused the sign-in: {str(error.error)[:60]}") from None
        except (requests.RequestException, ValueError) as error:
            raise self._request_failed(error) from None
        return dict(tokens)

    def _verified_claims(self, token: str, nonce: str, about: Mapping[str, Any]) -> dict[str, Any]:
        """The claims of an ID token, after all checks."""
        from joserfc import jwt  # noqa: PLC0415
        from joserfc.errors import InvalidKeyIdError, JoseError  # noqa: PLC0415
        from joserfc.jwk import KeySet  # noqa: PLC0415

        def decoded(keys: Mapping[str, Any]) -> dict[str, Any]:
            return dict(jwt.decode(token, KeySet.import_key_set(dict(keys)), algorithms=SIGNED_BY).claims)  # type: ignore[arg-type]

        needed: Any = {name: {"essential": True} for name in ("sub", "exp", "iat")}
        needed["iss"] = {"essential": True, "value": about["issuer"]}
        needed["aud"] = {"essential": True, "value": self.client.client_id}
        try:
            try:
                claims = decoded(self._known_keys(about))
            except InvalidKeyIdError:  # they may have changed
                claims = decoded(self._known_keys(about, at_most=AGAIN_S))
            jwt.JWTClaimsRegistry(now=int(self._now()), leeway=SKEW_S, **needed).validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise refused(f"the token of the identity provider is invalid: {_word(error)}") from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self.client.client_id) != self.client.client_id:
            raise refused("the token of the identity provider is for another program")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise refused("the token of the identity provider is for another sign-in")
        if not claims["sub"]:
            raise refused("the token of the identity provider has no subject")
        return claims

    def _description(self) -> Mapping[str, Any]:
        with self._lock:
            if self._about is None or self._now() - self._about[0] > CACHED_S:
                self._about = self._now(), self._fetched_description()
            return self._about[1]

    def _fetched_description(self) -> Mapping[str, Any]:
        found = self._fetched(self.client.issuer.rstrip("/") + DISCOVERY)
        if str(found.get("issuer", "")).rstrip("/") != self.client.issuer.rstrip("/"):
            raise _provider_error(f"its issuer is {str(found.get('issuer'))[:80]}")
        for name in ENDPOINTS:
            if not is_safe(str(found.get(name, ""))):
                raise _provider_error(f"its {name} is not an https address")
        return found

    def _known_keys(self, about: Mapping[str, Any], at_most: float = CACHED_S) -> Mapping[str, Any]:
        with self._lock:
            if self._keys is None or self._now() - self._keys[0] > at_most:
                self._keys = self._now(), self._fetched(about["jwks_uri"])
            return self._keys[1]

    def _user_info(self, session: Any, address: str) -> Mapping[str, Any]:
        import requests  # noqa: PLC0415

        try:
            reply = session.get(address, timeout=TIMEOUT_S, allow_redirects=False)
            found = reply.json() if reply.status_code == 200 else {}
        except (requests.RequestException, ValueError) as error:
            raise self._request_failed(error) from None
        return found if isinstance(found, dict) else {}

    def _fetched(self, address: str) -> Mapping[str, Any]:
        import requests  # noqa: PLC0415

        try:
            with requests.get(address, timeout=TIMEOUT_S, allow_redirects=False, stream=True) as reply:
                if reply.status_code != 200:
                    raise _provider_error(f"{address} returned status {reply.status_code}")
                body = reply.raw.read(LARGEST + 1, decode_content=True)
                found = orjson.loads(body) if len(body) <= LARGEST else None
        except (requests.RequestException, ValueError) as error:
            raise self._request_failed(error) from None
        if not isinstance(found, dict):
            raise _provider_error(f"{address} did not return a JSON object")
        return found

    def _request_failed(self, error: Exception) -> EnvironmentFailure:
        return _provider_error(f"the request to it failed: {type(error).__name__}")


def is_safe(address: str) -> bool:
    """Whether nobody can read a request to this URL on its way: https, or this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def refused(message: str, code: str = "sign-on-refused") -> InputError:
    return InputError(Problem("session", message, code, "sign in again; if this persists, ask an admin"))


def _word(error: Exception) -> str:
    """The kind of the error and its claim, without the token."""
    claim = getattr(error, "claim", None)
    return f"{type(error).__name__}{f' ({claim})' if claim else ''}"


def _provider_error(message: str) -> EnvironmentFailure:
    hint = "check PENSTOCK_OIDC_ISSUER, and that this machine can reach the provider"
    return EnvironmentFailure(Problem("PENSTOCK_OIDC_ISSUER", message, "identity-provider", hint))
