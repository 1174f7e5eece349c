"""How the senders of a webhook source show who they are, how much they may send, and when it is sent on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HookScheme = Literal["standard", "generic"]
HookAlgorithm = Literal["sha256", "sha512", "sha1"]
HookEncoding = Literal["hex", "base64"]


@dataclass(frozen=True, slots=True)
class HookKey:
    """A sender shows the source's secret: in a header, in the query, or as the password of a Basic user.

    At most one is given; none means the header `X-API-Key`.
    """

    header: str | None = None
    query: str | None = None
    basic: str | None = None


@dataclass(frozen=True, slots=True)
class HookSignature:
    """A sender signs what it posts with the source's secret, by HMAC.

    `standard` is the Standard Webhooks scheme, which has its own headers, algorithm and encoding. `generic` signs the
    body, or `timestamp.body` when `timestamp_header` names the header that has the moment (seconds since 1970).
    """

    scheme: HookScheme = "generic"
    header: str = "X-Signature"
    algorithm: HookAlgorithm = "sha256"
    encoding: HookEncoding = "hex"
    prefix: str = ""
    timestamp_header: str | None = None
    tolerance: float = 300.0  # seconds that the moment may differ from the local clock


@dataclass(frozen=True, slots=True)
class HookRate:
    """The number of requests that one process accepts for a source in a window of `per` seconds."""

    requests: int = 5000
    per: float = 1.0


@dataclass(frozen=True, slots=True)
class FlushSpec:
    """When pushed records go to destinations: at `records` of them, or `after` seconds, whichever comes first."""

    records: int = 500
    after: float = 0.25


HEADER_KEY, USUAL_RATE, USUAL_FLUSH = HookKey(), HookRate(), FlushSpec()  # the defaults
