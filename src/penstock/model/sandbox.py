"""The local sandbox for Custify: how it is started, and its URLs; and how large the sample company is."""

import sys
from dataclasses import dataclass

SANDBOX_COMMAND = (sys.executable, "-m", "penstock_sandbox")


@dataclass(frozen=True, slots=True)
class SandboxUrls:
    """A running sandbox: its API in both dialects, the page of what arrived, and the key that it accepts."""

    url: str
    flat_url: str
    admin_url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class SampleCompany:
    """How many records of each kind were written."""

    companies: int
    people: int
    subscriptions: int
    events: int
    notes: int
