"""The JSON documents of the service: states of resources, the overview, webhooks, and the alert settings.

The OpenAPI document and the web UI's types are generated from these classes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from penstock.model.reports import CheckJson
from penstock.model.runs import BareRunJson
from penstock.model.senders import HookAlgorithm, HookEncoding, HookScheme
from penstock.model.spec import Connector, Dialect, SourceKind


class CheckedJson(CheckJson):
    """A stored check of a credential; `at` is when it was made."""

    at: str


class CredentialStateJson(TypedDict):
    """The state of a credential; `dialect` is the one that the API uses, or the default before it is detected."""

    has_key: bool
    check: CheckedJson | None
    dialect: Dialect


class NoAuthJson(TypedDict):
    """No authentication: everybody may post."""

    type: Literal["none"]


class KeyAuthJson(TypedDict):
    """A key in a `header` or `query` parameter, or as the password of the user `basic`."""

    type: Literal["key"]
    header: NotRequired[str]
    query: NotRequired[str]
    basic: NotRequired[str]
    has_secret: bool


class SignatureAuthJson(TypedDict):
    """A signature of the body. Headers, algorithm and encoding are set only with the scheme `generic`."""

    type: Literal["hmac"]
    scheme: HookScheme
    tolerance_s: float
    header: NotRequired[str]
    algorithm: NotRequired[HookAlgorithm]
    encoding: NotRequired[HookEncoding]
    prefix: NotRequired[str]
    timestamp_header: NotRequired[str | None]
    has_secret: bool


HookAuthJson = Annotated[NoAuthJson | KeyAuthJson | SignatureAuthJson, Field(discriminator="type")]


class FeedPauseJson(TypedDict):
    """A destination or flow whose posted records are not sent since its runs fail; the next attempt is at `next_at`."""

    target: str
    reason: str
    since: str
    run: str
    failures: int
    next_at: str


class HookStateJson(TypedDict):
    """The address of a webhook source, its authentication, the number of received records, and the paused destinations
    and flows.
    """

    url: str
    auth: HookAuthJson
    received: int
    last_at: str | None
    paused: list[FeedPauseJson]


class HookSampleJson(TypedDict):
    """A received record, and when it was received."""

    at: str
    record: Any


class HookJson(HookStateJson):
    """The state of a webhook source with its newest records."""

    samples: list[HookSampleJson]


class SourceStateJson(TypedDict):
    """The state of a source; `used_by` are its datasets, `hook` is set for a webhook source."""

    used_by: list[str]
    hook: HookStateJson | None


class DatasetStateJson(TypedDict):
    """The size of a dataset at its last read; null before the first."""

    records: int | None
    columns: int | None


ReadBack = Literal["possible", "inactive", "flat", "no-recipe"]


class DestinationStateJson(TypedDict):
    """The state of a destination; `held` is the number of its records in quarantine, `unknown` of those whose outcome
    is unknown.

    `read_back` says whether its records can be read back from the API, or why not: the destination is a draft or
    paused, the flat API publishes no reads, or the settings of a manual request do not say how to find a record.
    """

    state: Literal["draft", "active", "paused"]
    reason: str
    held: int
    unknown: int
    read_back: ReadBack
    last_run: BareRunJson | None
    template: str | None


class FlowStateJson(TypedDict):
    """The state of a flow; `next_at` is its next scheduled time."""

    next_at: str | None
    last_run: BareRunJson | None
    paused: bool


StateJson = CredentialStateJson | SourceStateJson | DatasetStateJson | DestinationStateJson | FlowStateJson


class SourceNodeJson(TypedDict):
    """A source; `id` is its address, such as `sources/crm`."""

    id: str
    kind: Literal["source"]
    name: str
    type: SourceKind
    state: SourceStateJson


class DatasetNodeJson(TypedDict):
    """A dataset; `sql` is true if it has SQL."""

    id: str
    kind: Literal["dataset"]
    name: str
    key: list[str]
    sql: bool
    state: DatasetStateJson


class DestinationNodeJson(TypedDict):
    """A destination; `responses` is true if its replies are a source."""

    id: str
    kind: Literal["destination"]
    name: str
    template: str | None
    credential: str
    responses: bool
    state: DestinationStateJson


class CredentialNodeJson(TypedDict):
    """A credential."""

    id: str
    kind: Literal["credential"]
    name: str
    type: Connector
    state: CredentialStateJson


class FlowNodeJson(TypedDict):
    """A flow."""

    id: str
    kind: Literal["flow"]
    name: str
    schedule: str | None
    timezone: str | None
    destinations: list[str]
    state: FlowStateJson


NodeJson = Annotated[
    SourceNodeJson | DatasetNodeJson | DestinationNodeJson | CredentialNodeJson | FlowNodeJson,
    Field(discriminator="kind"),
]
FoundKind = Literal["destination", "flow", "dataset", "source", "credential", "quarantine", "run"]
EdgeKind = Literal["reads", "feeds", "sends", "runs", "replies"]
EdgeJson = TypedDict("EdgeJson", {"kind": EdgeKind, "from": str, "to": str})
EdgeJson.__doc__ = "An edge from one node to another."


class OverviewJson(TypedDict):
    """The resources of the project with their states, and the edges between them."""

    nodes: list[NodeJson]
    edges: list[EdgeJson]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ChannelDocument(_Strict):
    """A channel for messages. `url` is write-only; without it the old URL stays. `shown` is the URL without secrets."""

    url: str | None = Field(default=None, max_length=4000)
    allowed_hosts: list[str] = []
    shown: str | None = None  # ignored in a write


class RulesDocument(_Strict):
    """When an alert is raised and reported; null turns a rule off."""

    stalled_minutes: float | None = Field(default=1440, gt=0)
    volume_under: float | None = Field(default=0.5, ge=0, le=1)  # of the usual number of records
    volume_over: float | None = Field(default=3.0, ge=1)
    volume_runs: int = Field(default=5, ge=3, le=50)  # the usual number is the median of this many runs
    error_share: float | None = Field(default=0.1, gt=0, le=1)
    error_least: int = Field(default=20, ge=1)
    quarantine_more: int | None = Field(default=100, ge=0)
    run_failed: bool = True
    run_partial: bool = False
    run_results: bool = False  # a message about each ended run, not an alert
    credential_refused: bool = True
    columns_changed: bool = True
    drift: bool = True  # at the last comparison with Custify
    waiting_minutes: float | None = Field(default=5, gt=0)  # a queued run that no worker executes
    repeat_hours: float = Field(default=24, ge=1)
    calm_minutes: float = Field(default=10, ge=0)  # at least, between two messages about one alert


class AlertSettings(_Strict):
    """The alert settings. `quiet` are destinations and flows without alerts; more than `digest` alerts at once are sent
    as one message.
    """

    channels: dict[str, ChannelDocument] = {}
    rules: RulesDocument = RulesDocument()
    quiet: list[str] = []
    digest: int = Field(default=3, ge=1)
