"""The keys of the project file with their shapes and descriptions, for the readers and the JSON Schema.

Those of flows are in `flows.py`.
"""

from __future__ import annotations

from penstock.config.mirror import MIRROR_KEYS
from penstock.config.sections import Key, Section, SectionByTypeShape
from penstock.config.shapes import (
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
from penstock.model.senders import FlushSpec, HookKey, HookRate, HookSignature
from penstock.model.spec import (
    CUSTIFY_OBJECTS,
    BatchSpec,
    CredentialSpec,
    CustifySource,
    DestinationSpec,
    FileSource,
    FuseSpec,
    GroupingSpec,
    IdempotencySpec,
    RateLimit,
    RequestSpec,
    SettleSpec,
    SqlSource,
    WebhookSource,
    XmlSpec,
)
from penstock.sources.files.formats import BY_NAME, formats_with

ON_OFF = {"true": "on", "false": "off"}
COLUMN_TYPES = ("text", "integer", "number", "boolean", "date", "timestamp", "json")

RATE_LIMIT = Section(
    "How many requests the account allows in a fixed window. Limits in the API's replies override this.",
    (
        Key("requests", IntegerShape(), "requests per window"),
        Key("per", DurationShape(), "the length of the window, such as 10s"),
        Key(
            "batch_cost",
            ChoiceShape(("1", "jobs")),
            "whether a batch request counts as 1 or as the number of its jobs; learned from replies when left out",
        ),
    ),
    RateLimit,
)

CREDENTIAL = Section(
    "One account of an API, and its key; or a folder that files are written to.",
    (
        Key(
            "connector",
            ChoiceShape(("custify", "http", "file")),
            "custify, http for any other API (manual requests only), or file for a folder that files are written to",
        ),
        Key("path", TextShape(), "with `connector: file`: the folder, relative to the project file"),
        Key("api_key", TextShape(references=True), "a reference to the key: ${env:NAME} or ${file:PATH}"),
        Key("base_url", TextShape(example="https://api.example.com"), "auto, or the API's https address"),
        Key(
            "dialect", ChoiceShape(("auto", "native", "flat")), "the dialect of requests; auto decides by the base URL"
        ),
        Key("rate_limit", RATE_LIMIT, "the rate limit of the account"),
        Key("headers", HeadersShape(references=True), "headers sent with every request of this credential"),
        Key("allowed_hosts", NamesShape(), "other hosts to which this credential's key may be sent"),
        Key("timeout", DurationShape(), "the time limit of one attempt, such as 30s"),
    ),
    CredentialSpec,
)

CURSOR = Section(
    "Incremental reading by a column whose values only increase.",
    (
        Key("column", TextShape(), "a column whose values only increase, such as updated_at", required=True),
        Key("overlap", OverlapShape(), "how far back rows are read again: a number, or a time span such as 1h"),
    ),
)
DECIMAL = Key("decimal", ChoiceShape((".", ",")), "the decimal sign of numbers in text columns")


def _option(name: str, shape: ValueShape, about: str) -> Key:
    """A key that applies only to some file formats."""
    return Key(name, shape, f"{formats_with(name)}: {about}")


FILE_KEYS = (
    Key("path", TextShape(), "the file, or a glob for several files; relative to the project file", required=True),
    Key("format", ChoiceShape(tuple(BY_NAME)), "the format, if the file's extension is another one"),
    Key("encoding", TextShape(), "the text encoding, such as cp1252, if it is not UTF-8"),
    Key("delimiter", TextShape(blank=True), "CSV: the delimiter, if it should not be detected"),
    _option("skip_lines", IntegerShape(0), "the number of lines before the header"),
    _option("skip_footer_lines", IntegerShape(0), "the number of lines after the last row"),
    _option("quote", ChoiceShape(("double", "none")), "none if double quotes have no special meaning"),
    _option(
        "null_values", NamesShape("a text or a list of texts"), "unquoted texts that are read as null, such as \\N"
    ),
    DECIMAL,
    _option("sheet", NameOrNumberShape(), "the sheet, by its name, or by its number from 1; by default the first"),
    _option("records_path", TextShape(), "the member with the list of records, such as data or result.items"),
)
SQL_KEYS = (
    Key("url", TextShape(references=True), "the URL of the database; write passwords as ${env:NAME}", required=True),
    Key("query", TextShape(), "a SELECT; either this or `table`"),
    Key("table", TextShape(), "a table; either this or `query`"),
    Key("cursor", EitherShape(CURSOR, TextShape()), "a column for incremental reading, or {column, overlap}"),
    DECIMAL,
)


HOOK_KEY = Section(
    "The sender sends the secret.",
    (
        Key("type", ChoiceShape(("key",)), "key", required=True),
        Key("header", TextShape(), "the header with the secret (default: X-API-Key)"),
        Key("query", TextShape(), "the URL parameter with the secret; such URLs appear in the logs of other systems"),
        Key("basic", TextShape(), "the user of Basic authentication; the password is the secret"),
    ),
    HookKey,
)
HOOK_HMAC = Section(
    "The sender signs its requests.",
    (
        Key("type", ChoiceShape(("hmac",)), "hmac", required=True),
        Key("scheme", ChoiceShape(("standard", "generic")), "standard (Standard Webhooks), or generic"),
        Key("header", TextShape(), "the header with the signature"),
        Key("algorithm", ChoiceShape(("sha256", "sha512", "sha1")), "the hash algorithm"),
        Key("encoding", ChoiceShape(("hex", "base64")), "the encoding of the signature"),
        Key("prefix", TextShape(), "the text before the signature, such as sha256="),
        Key("timestamp_header", TextShape(), "the header with the time; then `time.body` is signed"),
        Key("tolerance", DurationShape(), "the largest difference of that time from the server's clock, such as 5m"),
    ),
    HookSignature,
)
HOOK_AUTH = SectionByTypeShape(
    {"key": HOOK_KEY, "hmac": HOOK_HMAC},
    "write {type: key, header: X-API-Key}, {type: hmac, …} or none",
)
HOOK_RATE = Section(
    "How many requests one process accepts in a fixed window; it answers 429 to more.",
    (
        Key("requests", IntegerShape(), "requests per window"),
        Key("per", DurationShape(), "the length of the window, such as 1s"),
    ),
    HookRate,
)
FLUSH = Section(
    "When received records are sent to active destinations.",
    (
        Key("records", IntegerShape(), "as soon as this many records wait"),
        Key("after", DurationShape(), "or as soon as a record has waited this long, such as 500ms"),
    ),
    FlushSpec,
)
HOOK_KEYS = (
    Key("auth", HOOK_AUTH, "how senders authenticate: {type: key, …}, {type: hmac, …} or none"),
    Key("secret", TextShape(references=True), "a reference to the key or signing secret: ${env:NAME} or ${file:PATH}"),
    Key("max_bytes", IntegerShape(1, 100_000_000), "the largest body in bytes, after decompression too"),
    Key("rate_limit", HOOK_RATE, "how many requests are accepted"),
    Key("flush", FLUSH, "when received records are sent to active destinations"),
    Key("retain", DurationShape(), "how long a record is stored after every destination has read it, such as 7d"),
    Key(
        "columns",
        MapShape(ChoiceShape(COLUMN_TYPES)),
        "columns with their types that exist before a record has them",
    ),
    DECIMAL,
)
CUSTIFY_KEYS = (
    Key("credential", TextShape(), "the credential of the account, by name; native dialect", required=True),
    Key("object", ChoiceShape(CUSTIFY_OBJECTS), "the kind of objects that are read", required=True),
    Key("query", MapShape(TextShape()), "parameters of the request that narrow what is read"),
)
OF_TYPES = {"file": FILE_KEYS, "sql": SQL_KEYS, "webhook": HOOK_KEYS, "custify": CUSTIFY_KEYS}
*_FIRST, _LAST = OF_TYPES
SOURCE_TYPE = Key(
    "type",
    ChoiceShape(tuple(OF_TYPES)),
    f"{', '.join(_FIRST)} or {_LAST}",
    required=True,
    hint=f"write {', '.join(f'`type: {kind}`' for kind in _FIRST)} or `type: {_LAST}`",
)


def _belongs(kind: str) -> dict[str, str]:
    """The message about a key that belongs to another kind of source, the first that has it."""
    return {
        key.name: f"`{key.name}` is for a source with `type: {other}`"
        for other, keys in reversed(OF_TYPES.items())
        for key in keys
        if other != kind
    }


FILE_SOURCE = Section("Records from files.", (SOURCE_TYPE, *FILE_KEYS), FileSource, elsewhere=_belongs("file"))
SQL_SOURCE = Section("Records from a database.", (SOURCE_TYPE, *SQL_KEYS), SqlSource, elsewhere=_belongs("sql"))
HOOK_SOURCE = Section(
    "Records that other systems post to /hooks/NAME of the service.",
    (SOURCE_TYPE, *HOOK_KEYS),
    WebhookSource,
    elsewhere=_belongs("webhook"),
)
_API_KEYS = (SOURCE_TYPE, *CUSTIFY_KEYS)
API_SOURCE = Section("Objects of a Custify account.", _API_KEYS, CustifySource, elsewhere=_belongs("custify"))
SOURCES = {"file": FILE_SOURCE, "sql": SQL_SOURCE, "webhook": HOOK_SOURCE, "custify": API_SOURCE}

DATASET = Section(
    "The records of a source, with a name and a key.",
    (
        Key("source", TextShape(), "the name of a source, or DESTINATION.responses", required=True),
        Key("key", NamesShape(), "the column or columns that identify a record across runs", required=True),
        Key("sql", TextShape(), "a DuckDB SELECT from `source` that returns the records"),
        Key("types", MapShape(ChoiceShape(COLUMN_TYPES)), "column types that override the detected ones"),
    ),
)

GROUPING = Section(
    "How the body of a request is made from its records.",
    (
        Key("algorithm", ChoiceShape(("array", "property", "code")), "array, property or code"),
        Key("property", TextShape(), "with `algorithm: property`: the property with the records"),
        Key("other_props", MapShape(JsonShape()), "with `algorithm: property`: further properties of the object"),
        Key(
            "code", TextShape(references=True), "with `algorithm: code`: Python code with the function `batch(records)`"
        ),
    ),
    GroupingSpec,
)
BATCH = Section(
    "Several records in one request.",
    (
        Key("size", IntegerShape(), "the maximum number of records in one request"),
        Key("max_bytes", IntegerShape(), "the maximum size of a request's body in bytes"),
        Key("grouping", GROUPING, "how the body is made from the records (manual requests)"),
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
SETTLE = Section(
    "How to find out whether a record arrived, when its request got no answer.",
    (
        Key("url", TextShape(), "what is read for one record; macros allowed, such as {record.id}", required=True),
        Key(
            "found",
            TextShape(example="$.data[0].id"),
            "a JSONPath (RFC 9535) on the reply; no value, null or an empty list means that the record is not there",
            required=True,
        ),
    ),
    SettleSpec,
)
IDEMPOTENCY = Section(
    "A header by whose value the API recognises a request that it has already processed.",
    (
        Key("header", TextShape(), "the name of the header"),
        Key("value", TextShape(example="{record.id}"), "its value, with macros such as {record.id}", required=True),
    ),
    IdempotencySpec,
)

REQUEST = Section(
    "A manual request, instead of a template.",
    (
        Key("method", ChoiceShape(("POST", "PUT", "PATCH", "DELETE", "GET")), "the HTTP method", required=True),
        Key(
            "url",
            TextShape(),
            "an absolute URL, or a path below the credential's base URL; macros allowed",
            required=True,
        ),
        Key("content_format", ChoiceShape(("json", "xml", "form")), "the format of the body"),
        Key("headers", HeadersShape(), 'a mapping, or one text "X-A:1,X-B:2"; macros allowed'),
        Key("batch", EitherShape(BATCH, ChoiceShape(("on", "off"), ON_OFF)), "several records in one request"),
        Key("body", BooleanShape(), "whether the request has a body (default: for POST, PUT and PATCH)"),
        Key("idempotent", BooleanShape(), "whether the same request can safely be sent twice"),
        Key("idempotency", IDEMPOTENCY, "a header that makes it safe to send the same request twice"),
        Key("settle", SETTLE, "how to find out whether a record arrived, when its request got no answer"),
        Key("xml", XML, "element names, with `content_format: xml`"),
    ),
    RequestSpec,
)

BINDING = Section(
    "The value of a field, if it is not just a column.",
    (
        Key("value", JsonShape(), "a constant"),
        Key("column", TextShape(), "a column"),
        Key("default", JsonShape(), "the value if the column is null or absent"),
        Key("truncate", BooleanShape(), "whether text longer than the field's limit is cut, with a note"),
        Key("if_unchanged", BooleanShape(), "whether it is sent only where Custify still has what was sent last"),
    ),
)
FUSE = Section(
    "Stops a run if the API refuses too many records.",
    (
        Key("ratio", FractionShape(), "the share of refused records that stops the run"),
        Key("after", IntegerShape(), "the number of records after which the share is checked"),
        Key("in_a_row", IntegerShape(), "the number of consecutive refused records that stops the run"),
    ),
    FuseSpec,
)
DESTINATION = Section(
    "What is sent to one endpoint, and how.",
    (
        Key("dataset", TextShape(), "the name of a dataset", required=True),
        Key("credential", TextShape(), "the name of a credential", required=True),
        Key("template", TextShape(), "a predefined endpoint of Custify; either this or `request`"),
        Key("request", REQUEST, "a manual request; either this or `template`"),
        Key(
            "fields",
            MapShape(EitherShape(BINDING, TextShape(example="customer_id, or {value: free}"))),
            "endpoint field: column, {value: …} or {column: …, default: …}",
        ),
        Key("attributes", AttributesShape(), "which other columns are sent as attributes: all, none or [columns]"),
        Key("exclude", NamesShape(least=0), "columns that are never sent; dotted paths name members of nested values"),
        Key("nulls", ChoiceShape(("omit", "send")), "omit does not send nulls; send clears the value in Custify"),
        Key("mode", ChoiceShape(("changed", "new", "all", "mirror")), "which records a run sends"),
        Key("active", BooleanShape(), "whether runs send it; a draft (false) sends nothing"),
        Key(
            "path",
            TextShape(),
            "the endpoint's path, if it differs from the template's; with `connector: file` the name of the file",
        ),
        Key(
            "object",
            ChoiceShape(("person", "company", "event", "custom_object")),
            "with send_batch: the kind of the objects",
        ),
        Key("concurrency", IntegerShape(1, 200), "the number of parallel requests"),
        Key(
            "batch",
            EitherShape(BATCH, ChoiceShape(("auto", "on", "off"), ON_OFF)),
            "auto, on, off or {size, max_bytes, grouping}",
        ),
        Key(
            "fuse",
            EitherShape(FUSE, ChoiceShape(("off",), {"false": "off"})),
            "off, or when to stop a run whose records are refused",
        ),
        *MIRROR_KEYS,
        Key(
            "on_changed",
            ChoiceShape(("quarantine", "ignore")),
            "with `mode: new`: what to do with a key that was sent with other content",
        ),
        Key("external_id", NamesShape(), "the column or columns for Custify's externalId"),
        Key("data_id", NamesShape(), "the column or columns for a custom object's data_id"),
        Key(
            "company_link",
            ChoiceShape(("add", "replace")),
            "for people: replace removes links to companies that were sent before and are no longer in the record",
        ),
        Key(
            "identity", ChoiceShape(("warn", "refuse")), "for people: refuse what would create a second one in Custify"
        ),
        Key(
            "new_columns",
            ChoiceShape(("note", "send", "refuse")),
            "what to do with columns that appear after the first read of the dataset: add a note, send them, or refuse",
        ),
        Key(
            "on_unknown",
            ChoiceShape(("settle", "hold")),
            "after a lost answer: settle finds out whether the records arrived, hold leaves it to a person",
        ),
        Key(
            "settle_after",
            DurationShape(most=600),
            "how long after sending a record can be concluded not to be there, such as 5s; at most 10m",
        ),
        Key("confirm_timeout", DurationShape(most=21600), "how long a run polls a batch job, such as 10m; at most 6h"),
        Key("append", BooleanShape(), "with `connector: file`: whether records are added to the file"),
        Key("canary", IntegerShape(), "how many records are sent and judged by the fuse's ratio before the others"),
        Key("responses", BooleanShape(), "whether replies are stored as the source DESTINATION.responses"),
    ),
    DestinationSpec,
)
