"""A place in an object store, from the URL in `ledger_to`: `s3://KEY:SECRET@bucket/folder/?region=eu-west-1`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

ObjectStore = Literal["s3", "gs", "az"]
OPTIONS: dict[ObjectStore, tuple[str, ...]] = {
    "s3": ("region", "endpoint", "scheme", "session_token"),
    "gs": ("endpoint", "scheme"),
    "az": ("endpoint", "scheme"),
}
FORMS: dict[ObjectStore, str] = {
    "s3": "write s3://${env:KEY}:${env:SECRET}@bucket/folder/, or s3://bucket/folder/ for the keys of the environment",
    "gs": "write gs://bucket/folder/",
    "az": "write az://account:${env:KEY}@container/folder/, or without :${env:KEY} for the login of the environment",
}
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")
ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
VALUES = {
    "region": (re.compile(r"[a-z0-9-]{1,40}"), "eu-central-1"),
    "endpoint": (re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"), "host:port"),
    "scheme": (re.compile(r"https?"), "http or https"),
}


class ObjectUrlError(ValueError):
    """The URL names no place. The message and `hint` repeat nothing that may be secret."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class ObjectPlace:
    """`user` is the id of an access key (S3) or the account (Azure); `endpoint`, host or host:port, is not the cloud's.

    `root` is the bucket, or the bucket and the folder in it, without `/` at the end.
    """

    store: ObjectStore
    root: str
    user: str = ""
    secret: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    region: str = ""
    endpoint: str = ""
    scheme: Literal["http", "https"] = "https"

    @property
    def host(self) -> str:
        """The host that is connected to, without its port; that of Amazon's without the bucket."""
        if self.endpoint:
            return self.endpoint.rpartition("]")[0].lstrip("[") or self.endpoint.partition(":")[0]
        if self.store == "gs":
            return "storage.googleapis.com"
        if self.store == "az":
            return f"{self.user}.blob.core.windows.net"
        return f"s3.{self.region}.amazonaws.com" if self.region else "s3.amazonaws.com"

    @property
    def port(self) -> int:
        written = self.endpoint.rpartition("]")[2].rpartition(":")[2] if ":" in self.endpoint else ""
        return int(written) if written.isdigit() else {"http": 80, "https": 443}[self.scheme]


def place_of(url: str) -> ObjectPlace:
    """The place that a URL names. Raises ObjectUrlError."""
    kind = url.partition("://")[0].lower()
    store = next((each for each in OPTIONS if each == kind), None)
    if store is None:
        raise ObjectUrlError("this is no object store that Penstock knows", "write a folder, or s3://, gs:// or az://")
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ObjectUrlError("this is no URL of an object store", FORMS[store]) from None
    login, _, bucket = parts.netloc.rpartition("@")
    user, _, secret = (unquote(part) for part in login.partition(":"))
    if BUCKET.fullmatch(bucket) is None:
        raise ObjectUrlError("the URL names no bucket", FORMS[store])
    _check_login(store, user, secret)
    _check_options(store, options)
    folder = [part for part in unquote(parts.path).split("/") if part]
    if parts.fragment or any(part in {".", ".."} or "\0" in part for part in folder):
        raise ObjectUrlError("the folder in the bucket is not valid", f"{FORMS[store]}; write # as %23")
    return ObjectPlace(
        store,
        "/".join((bucket, *folder)),
        user,
        secret,
        options.get("session_token", ""),
        options.get("region", ""),
        options.get("endpoint", ""),
        "http" if options.get("scheme") == "http" else "https",
    )


def _check_options(store: ObjectStore, options: Mapping[str, str]) -> None:
    for name, value in options.items():
        if name not in OPTIONS[store]:
            raise ObjectUrlError(f"{store}:// has no option {name!r}", f"its options: {', '.join(OPTIONS[store])}")
        if name in VALUES and VALUES[name][0].fullmatch(value) is None:
            raise ObjectUrlError(f"`{name}` has no valid value", f"write {name}={VALUES[name][1]}")


def _check_login(store: ObjectStore, user: str, secret: str) -> None:
    if store == "s3" and bool(user) != bool(secret):
        raise ObjectUrlError("an access key needs its id and its secret", FORMS[store])
    if store == "gs" and (user or secret):
        raise ObjectUrlError("gs:// takes no key: the login of the environment is used", FORMS[store])
    if store == "az" and ACCOUNT.fullmatch(user) is None:
        raise ObjectUrlError("the URL names no storage account", FORMS[store])
