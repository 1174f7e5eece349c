"""The JSON documents of the REST API that the service makes: states of resources, the overview, webhooks.

Each class is the shape of one; the OpenAPI document and the web UI's types derive from it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from penstock.model.reports import CheckJson
from penstock.model.runs import BareRunJson
from penstock.model.spec import Connector, Dialect, HookAlgorithm, HookEncoding, HookScheme


class CheckedJson(CheckJson):
    """A check that is stored, and when it was made."""

    at: str


class CredentialStateJson(TypedDict):
    """`dialect` is the one that is spoken there, as far as it is known."""

    has_key: bool
    check: CheckedJson | None
    dialect: Dialect


class NoAuthJson(TypedDict):
    """Everybody may post."""

    type: Literal["none"]


class KeyAuthJson(TypedDict):
    """A key in a `header` or `query` parameter, or as the password of the user `basic`."""

    type: Literal["key"]
    header: NotRequired[str]
    query: NotRequired[str]
    basic: NotRequired[str]
    has_secret: bool


class SignatureAuthJson(TypedDict):
    """A signature of the body. The names of headers and codes are there with the scheme `generic`."""

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
    """A destination or flow whose posted records are not sent, for its runs fail; the next is tried at `next_at`."""

    target: str
    reason: str
    since: str
    run: str
    failures: int
    next_at: str


class HookStateJson(TypedDict):
    """Where to post, how to sign in (`auth`, by its `type`), how much came, and what is paused."""

    url: str
    auth: HookAuthJson
    received: int
    last_at: str | None
    paused: list[FeedPauseJson]


class HookSampleJson(TypedDict):
    """A record that came, and when."""

    at: str
    record: Any


class HookJson(HookStateJson):
    """With the newest records."""

    samples: list[HookSampleJson]


class SourceStateJson(TypedDict):
    """`used_by` are datasets; `hook` is there for a webhook."""

    used_by: list[str]
    hook: HookStateJson | None


class DatasetStateJson(TypedDict):
    """The size of the dataset when it was last read; null before."""

    records: int | None
    columns: int | None


class DestinationStateJson(TypedDict):
    """`held` are records in quarantine."""

    state: Literal["draft", "active", "paused"]
    reason: str
    held: int
    last_run: BareRunJson | None
    template: str | None


class FlowStateJson(TypedDict):
    """`next_at` is when it runs by itself."""

    next_at: str | None
    last_run: BareRunJson | None
    paused: bool


StateJson = CredentialStateJson | SourceStateJson | DatasetStateJson | DestinationStateJson | FlowStateJson


class SourceNodeJson(TypedDict):
    """A source. `id` is its address: `sources/crm`."""

    id: str
    kind: Literal["source"]
    name: str
    type: Literal["file", "sql", "webhook", "responses"]
    state: SourceStateJson


class DatasetNodeJson(TypedDict):
    """A dataset; `sql`: whether it has SQL of its own."""

    id: str
    kind: Literal["dataset"]
    name: str
    key: list[str]
    sql: bool
    state: DatasetStateJson


class DestinationNodeJson(TypedDict):
    """A destination; `responses`: whether its replies are kept as a source."""

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
EdgeJson.__doc__ = "What leads from one node to another."


class OverviewJson(TypedDict):
    """The parts of the project with their states, and what leads from where to where."""

    nodes: list[NodeJson]
    edges: list[EdgeJson]
