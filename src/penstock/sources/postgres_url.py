"""The URL of a PostgreSQL source as libpq's settings, within the reach of the process.

libpq fills what a URL leaves out from the environment, from `~/.pgpass` and from a service file. In a service these
belong to who runs it, not to who edits the project: nothing of them is used there unless it is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from penstock.model.errors import InputError, Problem
from penstock.model.reach import Reach, variable_denial
from penstock.model.spec import SqlSource
from penstock.sources.file_access import denial_of
from penstock.sources.sql_hosts import is_address, judged_addresses
from penstock.sources.sql_url import SqlUrl

FORM = "write postgresql://user:password@host/database"
NO_FILE = "/nonexistent/pgpass"
FILES = ("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir", "servicefile", "sslkeylogfile")
IN_A_SERVICE = frozenset(
    {"host", "hostaddr", "port", "dbname", "user", "password", "passfile", "connect_timeout", "client_encoding"}
    | {"options", "application_name", "fallback_application_name", "keepalives", "keepalives_idle"}
    | {"keepalives_interval", "keepalives_count", "tcp_user_timeout", "sslmode", "sslnegotiation", "sslcompression"}
    | {"sslcert", "sslkey", "sslpassword", "sslcertmode", "sslrootcert", "sslcrl", "sslcrldir", "sslsni"}
    | {"requirepeer", "requiressl", "ssl_min_protocol_version", "ssl_max_protocol_version", "min_protocol_version"}
    | {"max_protocol_version", "gssencmode", "channel_binding", "require_auth", "target_session_attrs"}
    | {"load_balance_hosts"}
)


def settings_of(source: SqlSource, url: SqlUrl, reach: Reach) -> dict[str, Any]:
    """What to connect with. InputError for what is no URL of PostgreSQL, and for what is out of reach."""
    scheme, _, rest = url.value.partition("://")
    try:
        given = dict(conninfo_to_dict(f"{scheme.partition('+')[0].lower()}://{rest}"))
    except psycopg.Error:  # its words repeat parts of the URL
        raise _wrong(source, url, "this is no PostgreSQL URL", "database-url", FORM) from None
    for name in FILES:
        file = str(given.get(name) or "")
        if not file or (name == "sslrootcert" and file == "system"):
            continue
        denial = denial_of(source.base / Path(file).expanduser(), reach)
        if denial is not None:
            raise _wrong(source, url, f"{name}: {denial.reason}", "file-not-allowed", denial.hint)
    return _bounded(source, url, given, reach) if reach.is_service else given


def _bounded(source: SqlSource, url: SqlUrl, given: dict[str, Any], reach: Reach) -> dict[str, Any]:
    foreign = sorted(given.keys() - IN_A_SERVICE)
    if foreign:
        message = f"a service does not take the option {foreign[0]}"
        raise _wrong(source, url, message, "option-not-allowed", "take it out of the URL")
    if variable_denial(reach, "PGPASSWORD") is not None:
        given.setdefault("password", "")
    return {"passfile": NO_FILE, **given, **_places(source, url, given, reach)}


def _places(source: SqlSource, url: SqlUrl, given: Mapping[str, Any], reach: Reach) -> dict[str, str]:
    """Hosts with the addresses that were judged, in libpq's lists."""
    names, numbers = _listed(given.get("host")), _listed(given.get("hostaddr"))
    ports = _listed(given.get("port")) or ["5432"]
    if not names and not numbers:
        raise _wrong(source, url, "the URL names no host", "database-url", FORM)
    found: list[tuple[str, str, str]] = []
    for place, (name, number) in enumerate(zip_longest(names, numbers, fillvalue="")):
        port = ports[place] if len(ports) > 1 and place < len(ports) else ports[0]
        if not port.isascii() or not port.isdigit():
            raise _wrong(source, url, "the URL has no number as its port", "database-url", FORM)
        host = number or name
        if not host or (number and not is_address(number)):
            raise _wrong(source, url, "the URL names no host", "database-url", FORM)
        addresses = judged_addresses(source, host, int(port), reach)
        found += [(name or host, address, port) for address in addresses] or [(host, "", port)]
    return {
        key: ",".join(parts) for key, parts in zip(("host", "hostaddr", "port"), zip(*found, strict=True), strict=True)
    }


def _listed(text: object) -> list[str]:
    return str(text).split(",") if text else []


def _wrong(source: SqlSource, url: SqlUrl, message: str, code: str, hint: str) -> InputError:
    return InputError(Problem(f"sources.{source.name}.url", message, code, hint, url.shown))
