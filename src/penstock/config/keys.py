"""Every key of the project file with its shape and meaning, for the readers and for the editors' schema."""

from __future__ import annotations

from penstock.config.values.sections import Key, Section
from penstock.config.values.shapes import (
    AttributesShape,
    BooleanShape,
    ChoiceShape,
    DurationShape,
    EitherShape,
    FractionShape,
    HeadersShape,
    IntegerShape,
    JsonShape,
    MapShape,
    NameOrNumberShape,
    NamesShape,
    OverlapShape,
    TextShape,
    ValueShape,
)
from penstock.config.webhooks import FLUSH, HOOK_HMAC, HOOK_KEY, HOOK_RATE, AuthShape
from penstock.model.spec import (
    BatchSpec,
    CredentialSpec,
    DestinationSpec,
    FileSource,
    FlowSpec,
    FuseSpec,
    GroupingSpec,
    RateLimit,
    RequestSpec,
    SqlSource,
    WebhookSource,
    XmlSpec,
)
from penstock.sources.files.formats import BY_NAME, formats_with

__all__ = ["FLUSH", "HOOK_HMAC", "HOOK_KEY", "HOOK_RATE"]  # the sections that are in a file of their own

ON_OFF = {"true": "on", "false": "off"}
COLUMN_TYPES = ("text", "integer", "number", "boolean", "date", "timestamp", "json")

RATE_LIMIT = Section(
    "How many requests the account allows in a fixed window. What the API says in its replies overrides it.",
    (
        Key("requests", IntegerShape(), "requests per window"),
        Key("per", DurationShape(), "the length of the window, such as 10s"),
        Key("batch_cost", ChoiceShape(("1", "jobs")), "what one batch request counts as: 1, or as many as it has jobs"),
    ),
    RateLimit,
)

CREDENTIAL = Section(
    "One account: where it is and how to get in.",
    (
        Key("connector", ChoiceShape(("custify", "http")), "custify, or http for any other API (manual requests only)"),
        Key("api_key", TextShape(references=True), "a reference to the key: ${env:NAME} or ${file:PATH}"),
        Key("base_url", TextShape(example="https://api.example.com"), "auto, or the API's https address"),
        Key(
            "dialect", ChoiceShape(("auto", "native", "flat")), "how requests are written; auto decides by the base URL"
        ),
        Key("rate_limit", RATE_LIMIT, "the allowance of the account"),
        Key("headers", HeadersShape(references=True), "headers sent with every request of this credential"),
        Key("allowed_hosts", NamesShape(), "other hosts to which this credential's key may be sent"),
        Key("timeout", DurationShape(), "longest time for one attempt, such as 30s"),
    ),
    CredentialSpec,
)

CURSOR = Section(
    "Incremental reading by a column that only grows.",
    (
        Key("column", TextShape(), "the column that grows, such as updated_at", required=True),
        Key("overlap", OverlapShape(), "how far back to read again: a number, or a time span such as 1h"),
    ),
)
DECIMAL = Key("decimal", ChoiceShape((".", ",")), "the decimal sign of numbers that are written as text")


def _option(name: str, shape: ValueShape, about: str) -> Key:
    """A key that only some file formats have a use for."""
    return Key(name, shape, f"{formats_with(name)}: {about}")


FILE_KEYS = (
    Key("path", TextShape(), "the file, or a glob for several; relative to the project file", required=True),
    Key("format", ChoiceShape(tuple(BY_NAME)), "the format, when the file's name does not tell it"),
    Key("encoding", TextShape(), "the text encoding, such as cp1252, when it is not UTF-8"),
    Key("delimiter", TextShape(blank=True), "CSV: what separates the cells, when it should not be detected"),
    _option("skip_lines", IntegerShape(0), "how many lines come before the header"),
    _option("skip_footer_lines", IntegerShape(0), "how many lines come after the last row"),
    _option("quote", ChoiceShape(("double", "none")), "none when a double quote is a character like any other"),
    _option("null_values", NamesShape("a text or a list of texts"), "unquoted texts that mean null, such as \\N"),
    DECIMAL,
    _option("sheet", NameOrNumberShape(), "the sheet, by its name, or by its number from 1; by default the first"),
    _option("records_path", TextShape(), "the member that holds the list of records, such as data or result.items"),
)
SQL_KEYS = (
    Key("url", TextShape(references=True), "the database's URL; keep passwords in ${env:NAME}", required=True),
    Key("query", TextShape(), "a SELECT; either this or `table`"),
    Key("table", TextShape(), "a table to read whole; either this or `query`"),
    Key("cursor", EitherShape(CURSOR, TextShape()), "a column for incremental reading, or {column, overlap}"),
    DECIMAL,
)


HOOK_KEYS = (
    Key("auth", AuthShape(), "how a sender shows who it is: {type: key, …}, {type: hmac, …} or none"),
    Key("secret", TextShape(references=True), "a reference to the key or signing secret: ${env:NAME} or ${file:PATH}"),
    Key("max_bytes", IntegerShape(1, 100_000_000), "most bytes of one body, also when it is unpacked"),
    Key("rate_limit", HOOK_RATE, "how many posts are taken"),
    Key("flush", FLUSH, "when records go on to active destinations"),
    Key("retain", DurationShape(), "how long a record is kept after every destination has read it, such as 7d"),
    Key(
        "columns",
        MapShape(ChoiceShape(COLUMN_TYPES)),
        "columns, with their types, that are there before a record has them",
    ),
    DECIMAL,
)
OF_TYPES = {"file": FILE_KEYS, "sql": SQL_KEYS, "webhook": HOOK_KEYS}
*_FIRST, _LAST = OF_TYPES
SOURCE_TYPE = Key(
    "type",
    ChoiceShape(tuple(OF_TYPES)),
    f"{', '.join(_FIRST)} or {_LAST}",
    required=True,
    hint=f"write {', '.join(f'`type: {kind}`' for kind in _FIRST)} or `type: {_LAST}`",
)


def _belongs(kind: str) -> dict[str, str]:
    """The message about a key that belongs to another kind of source."""
    return {
        key.name: f"`{key.name}` belongs to a source of `type: {other}`"
        for other, keys in OF_TYPES.items()
        for key in keys
        if other != kind
    }


FILE_SOURCE = Section("Records from files.", (SOURCE_TYPE, *FILE_KEYS), FileSource, elsewhere=_belongs("file"))
SQL_SOURCE = Section("Records from a database.", (SOURCE_TYPE, *SQL_KEYS), SqlSource, elsewhere=_belongs("sql"))
HOOK_SOURCE = Section(
    "Records that others post to /hooks/NAME of the service.",
    (SOURCE_TYPE, *HOOK_KEYS),
    WebhookSource,
    elsewhere=_belongs("webhook"),
)
SOURCES = {"file": FILE_SOURCE, "sql": SQL_SOURCE, "webhook": HOOK_SOURCE}

DATASET = Section(
    "A named, keyed set of records of a source.",
    (
        Key("source", TextShape(), "the name of a source, or DESTINATION.responses", required=True),
        Key("key", NamesShape(), "the column, or columns, that identify a record across runs", required=True),
        Key("sql", TextShape(), "a DuckDB SELECT over `source` that shapes the records"),
        Key("types", MapShape(ChoiceShape(COLUMN_TYPES)), "column types that overrule the detected ones"),
    ),
)

GROUPING = Section(
    "How the records of one request become its body.",
    (
        Key("algorithm", ChoiceShape(("array", "property", "code")), "array, property or code"),
        Key("property", TextShape(), "with `algorithm: property`: the property that holds the records"),
        Key("other_props", MapShape(JsonShape()), "with `algorithm: property`: further properties of the object"),
        Key("code", TextShape(references=True), "with `algorithm: code`: Python that defines `def batch(records)`"),
    ),
    GroupingSpec,
)
BATCH = Section(
    "Several records in one request.",
    (
        Key("size", IntegerShape(), "most records in one request"),
        Key("max_bytes", IntegerShape(), "most bytes in one request's body"),
        Key("grouping", GROUPING, "how records become a body (manual requests)"),
    ),
    BatchSpec,
)
XML = Section(
    "Element names of an XML body.",
    (
        Key("root", TextShape(), "the element around a batch"),
        Key("record", TextShape(), "the element of one record"),
    ),
    XmlSpec,
)

REQUEST = Section(
    "A request configured by hand, instead of a template.",
    (
        Key("method", ChoiceShape(("POST", "PUT", "PATCH", "DELETE", "GET")), "the HTTP method", required=True),
        Key(
            "url",
            TextShape(),
            "an absolute URL, or a path below the credential's base URL; macros allowed",
            required=True,
        ),
        Key("content_format", ChoiceShape(("json", "xml", "form")), "how the body is written"),
        Key("headers", HeadersShape(), 'a mapping, or one text "X-A:1,X-B:2"; macros allowed'),
        Key("batch", EitherShape(BATCH, ChoiceShape(("on", "off"), ON_OFF)), "several records in one request"),
        Key("body", BooleanShape(), "whether a body is sent; by default POST, PUT and PATCH have one"),
        Key("idempotent", BooleanShape(), "whether sending the same request twice does no harm"),
        Key("xml", XML, "element names, with `content_format: xml`"),
    ),
    RequestSpec,
)

BINDING = Section(
    "Where a field takes its value from, when it is not just a column.",
    (
        Key("value", JsonShape(), "a constant"),
        Key("column", TextShape(), "a column"),
        Key("default", JsonShape(), "what is taken when the column is null or absent"),
        Key("truncate", BooleanShape(), "whether text past the field's limit is cut to it, with a note"),
    ),
)
FUSE = Section(
    "Stops the run when the API refuses too much.",
    (
        Key("ratio", FractionShape(), "the refused share at which to stop"),
        Key("after", IntegerShape(), "how many records to send before the share counts"),
        Key("in_a_row", IntegerShape(), "how many refused records in a row stop the run"),
    ),
    FuseSpec,
)
DESTINATION = Section(
    "What is sent, where, and how.",
    (
        Key("dataset", TextShape(), "the name of a dataset", required=True),
        Key("credential", TextShape(), "the name of a credential", required=True),
        Key("template", TextShape(), "a ready description of one endpoint; either this or `request`"),
        Key("request", REQUEST, "a request configured by hand; either this or `template`"),
        Key(
            "fields",
            MapShape(EitherShape(BINDING, TextShape(example="customer_id, or {value: free}"))),
            "endpoint field: column, {value: …} or {column: …, default: …}",
        ),
        Key("attributes", AttributesShape(), "which remaining columns are sent too: all, none or [columns]"),
        Key("exclude", NamesShape(least=0), "columns that are never sent; dotted paths reach into nested values"),
        Key("nulls", ChoiceShape(("omit", "send")), "omit leaves nulls out; send clears the value in Custify"),
        Key("mode", ChoiceShape(("changed", "new", "all", "mirror")), "which records a run sends"),
        Key("active", BooleanShape(), "a draft (false) sends nothing"),
        Key("path", TextShape(), "the endpoint's path, where it differs from the template's"),
        Key(
            "object",
            ChoiceShape(("person", "company", "event", "custom_object")),
            "with send_batch: what the records are",
        ),
        Key("concurrency", IntegerShape(1, 200), "requests in flight at the same time"),
        Key(
            "batch",
            EitherShape(BATCH, ChoiceShape(("auto", "on", "off"), ON_OFF)),
            "auto, on, off or {size, max_bytes, grouping}",
        ),
        Key(
            "fuse",
            EitherShape(FUSE, ChoiceShape(("off",), {"false": "off"})),
            "off, or when to stop a run that is refused",
        ),
        Key("mirror_max_share", FractionShape(), "with `mode: mirror`: the largest share that may be deleted at once"),
        Key(
            "on_changed",
            ChoiceShape(("quarantine", "ignore")),
            "with `mode: new`: a sent key that comes with other content",
        ),
        Key("external_id", NamesShape(), "the column, or columns, of Custify's externalId"),
        Key("data_id", NamesShape(), "the column, or columns, of a custom object's data_id"),
        Key(
            "company_link",
            ChoiceShape(("add", "replace")),
            "of people: replace removes the links to companies that were sent before and that the record no longer has",
        ),
        Key(
            "new_columns",
            ChoiceShape(("note", "send", "refuse")),
            "a column that comes after the dataset was first read: a note says so, it is sent, or nothing is",
        ),
        Key("responses", BooleanShape(), "whether replies become the source DESTINATION.responses"),
    ),
    DestinationSpec,
)
FLOW = Section(
    "Destinations that run together, in order.",
    (
        Key("schedule", TextShape(), "when to run: five cron fields such as 0 2 * * *, every 15m, or on new data"),
        Key("timezone", TextShape(), "the time zone of the cron fields, such as Europe/Berlin; UTC unless given"),
        Key(
            "catch_up",
            ChoiceShape(("latest", "all", "none")),
            "what becomes of times that passed while nothing ran: one run for all, one for each, none",
        ),
        Key("destinations", NamesShape(), "the destinations, by name", required=True),
    ),
    FlowSpec,
)
