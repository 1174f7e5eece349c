"""A small identity provider over real HTTP, which signs real tokens, and wrong ones on request."""

import hashlib
import hmac
import json
import secrets
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "penstock", "client-secret-k3ptsafe"
ADA = {"sub": "s-1", "email": "ada@example.com", "email_verified": True, "preferred_username": "ada"}


def new_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"}, private=True)


class IdentityProvider(ThreadingHTTPServer):
    """`who` has the claims of the user who signs in; `bend` can change claims or header before they are signed."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.key = self.published = new_key("k1")
        self.who: dict[str, Any] = dict(ADA)
        self.only_in_userinfo: tuple[str, ...] = ()
        self.bend: Callable[[dict[str, Any], dict[str, Any]], None] = lambda header, claims: None
        self.now: Callable[[], float] = time.time
        self.says: dict[str, Any] = {}  # other members of its discovery document
        self.redirects: list[str] = []  # the redirect URLs of browsers
        self.asked: list[str] = []  # every path
        self.codes: dict[str, dict[str, str]] = {}

    def description(self) -> dict[str, Any]:
        paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        places = {name: self.issuer + path for name, path in paths.items()}
        return {"issuer": self.issuer, **places, "userinfo_endpoint": f"{self.issuer}/me", **self.says}

    def authorize(self, query: dict[str, str]) -> str:
        assert query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        where = f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
        self.redirects.append(where)
        return where

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)
        if b64decode(authorization.removeprefix("Basic ")).decode() != f"{CLIENT}:{SECRET}":
            return 401, {"error": "invalid_client"}
        proof = _url_safe(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or proof != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        header: dict[str, Any] = {"alg": "RS256", "kid": self.key.kid}
        own_claims = {name: value for name, value in self.who.items() if name not in self.only_in_userinfo}
        now = int(self.now())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **own_claims,
        }
        self.bend(header, claims)
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": self.signed(header, claims)}

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        if header["alg"] == "RS256":
            return jwt.encode(header, claims, self.key)
        text = ".".join(_url_safe(json.dumps(part).encode()) for part in (header, claims))
        if header["alg"] == "none":
            return f"{text}."
        public = self.published.as_pem(private=False)  # used as a shared secret
        return f"{text}.{_url_safe(hmac.digest(public, text.encode(), 'sha256'))}"


def _url_safe(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class _Handler(BaseHTTPRequestHandler):
    server: IdentityProvider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append(parts.path)
        match parts.path:
            case "/.well-known/openid-configuration":
                self._answer(200, self.server.description())
            case "/keys":
                self._answer(200, KeySet([self.server.published]).as_dict(private=False))
            case "/authorize":
                self.send_response(302)
                self.send_header("Location", self.server.authorize(dict(parse_qsl(parts.query))))
                self.send_header("Content-Length", "0")
                self.end_headers()
            case "/me":
                self._answer(200, self.server.who)
            case _:
                self._answer(404, {})

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self._answer(*self.server.token(form, unquote(self.headers.get("Authorization", ""))))

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def running_provider() -> Iterator[IdentityProvider]:
    provider = IdentityProvider()
    thread = threading.Thread(target=provider.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        provider.shutdown()
        thread.join()
        provider.server_close()
