"""`prepare`: makes what previews, plans, tests and runs of a destination need.

Also the command line's catalogue of refusals: by rule, the changes with which a value is accepted. It names the project
file and commands; the web UI's catalogue is ui/src/texts/refusals.ts. After a restore, which does not know what was
sent after its backup, decides whether records are `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import numpy as np
import orjson
from sqlalchemy import Connection

from penstock.model.errors import InputError
from penstock.model.outcome import Note, Refusal, new_column_notes
from penstock.model.record import Chunk, Grouping, Key, Payload, Rendered, RetryClass
from penstock.model.spec import CredentialSpec, DestinationSpec, Mode
from penstock.render.bindings import columns_by_name, columns_named, new_column_problem, would_be_sent
from penstock.render.compile import Compiled, compile_template
from penstock.render.deletion import Deletion, deletion_of
from penstock.render.deletion import problems as deletion_problems
from penstock.render.file_records import compile_file
from penstock.render.manual import compile_manual
from penstock.render.merger import Merger, one_of_each
from penstock.render.values.columns import key_cells
from penstock.run.connection import connection
from penstock.run.context import Context
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.notes import DuplicateKeys, Notes
from penstock.run.diff.policy import Policy, Versions
from penstock.run.diff.records import chunk_of
from penstock.run.diff.shared_emails import emails_of
from penstock.run.preparation.datasets import KnownDataset, known_dataset, with_columns, with_new_columns
from penstock.sources.typing.exact_json import read_record
from penstock.store.memory import fingerprint_version, fingerprints, key_hashes
from penstock.store.project import resources
from penstock.templates.catalogue import load_catalogue

if TYPE_CHECKING:
    from numpy.typing import NDArray

Render = Callable[[Chunk, Sequence[int] | None], Rendered]
Fix = Callable[[Refusal, DestinationSpec, frozenset[str]], str | None]

NEEDS_OPERATOR = "Preview needs the operator role: the records are shown as the grouping code would receive them"


def with_fixes(
    render: Render, destination: DestinationSpec, attributes: frozenset[str], since: str | None = None
) -> Render:
    """The same rendering, whose refusals name the fix.

    `attributes` are the columns sent under their own names, `since` is when the types of the columns were decided.
    """

    def rendered(chunk: Chunk, rows: Sequence[int] | None) -> Rendered:
        made = render(chunk, rows)
        if made.refused:
            made.refused[:] = [
                one._replace(refusal=explained(one.refusal, destination, attributes, since)) for one in made.refused
            ]
        return made

    return rendered


def explained(
    refusal: Refusal, destination: DestinationSpec, attributes: frozenset[str], since: str | None = None
) -> Refusal:
    """The refusal with its fix in the reason, where there is one, and with the column that it is about."""
    found, binding = refusal, (destination.fields or {}).get(refusal.field or "")
    if found.column is None and found.field is not None:
        column = found.field if found.field in attributes or binding is None else binding.column
        found = replace(found, column=column)
    if found.type is not None and found.value is not None and found.value not in found.reason:
        found = replace(found, reason=f"{found.column}: {found.value!r} is no {found.type}")
    by_name = destination.template is not None and destination.fields is None and found.column is not None
    mapped = (by_name or (binding is not None and binding.column is not None)) and found.field not in attributes
    found = replace(found, sentence=found.reason, mapped=mapped, since=None if found.type is None else since)
    fix = fix_of(found, destination, attributes)
    return found if fix is None else replace(found, reason=f"{found.reason}; {fix}")


def fix_of(refusal: Refusal, destination: DestinationSpec, attributes: frozenset[str]) -> str | None:
    """What to write in the project file, and where."""
    if refusal.column is None:
        return None
    if refusal.type is not None:
        return _another_type(refusal, destination, attributes)
    fix = FIXES.get(refusal.rule)
    return None if fix is None else fix(refusal, destination, attributes)


def _another_type(refusal: Refusal, destination: DestinationSpec, _: frozenset[str]) -> str | None:
    if refusal.type is None:
        return None
    column, dataset = refusal.column, destination.dataset
    return (
        f"the column {column} is {refusal.type} since it was first read: `penstock schema {dataset} "
        f"--refresh` decides again, `types: {{{column}: text}}` at datasets.{dataset} takes any text"
    )


def _shorter(refusal: Refusal, destination: DestinationSpec, attributes: frozenset[str]) -> str | None:
    name = refusal.field
    if refusal.limit is None:  # of all attributes together
        return None
    cut = f"left({refusal.column}, {refusal.limit}) in the sql of datasets.{destination.dataset} cuts it"
    if name not in (destination.fields or {}) or name in attributes:
        return cut
    return f"{cut}, and so does `truncate: true` at destinations.{destination.name}.fields.{name}"


def _as_text(refusal: Refusal, destination: DestinationSpec, attributes: frozenset[str]) -> str | None:
    if refusal.column not in attributes:
        return None
    return f"to send it as text, write `types: {{{refusal.column}: text}}` at datasets.{destination.dataset}"


def changing(render: Render, own_ids: Mapping[Key, str], url: str) -> Render:
    """The same rendering, whose payloads go to the existing objects below `url`."""

    def rendered(chunk: Chunk, rows: Sequence[int] | None) -> Rendered:
        made = render(chunk, rows)
        made.payloads[:] = [_changing(payload, own_ids.get(payload.key), url) for payload in made.payloads]
        return made

    return rendered


def _changing(payload: Payload, own_id: str | None, url: str) -> Payload:
    """Custify's OpenAPI 1.5.7 has the id in the path of a PUT, and as `_id` in its body."""
    if own_id is None:
        return payload
    text = b'{"_id":%b,%b' % (orjson.dumps(own_id), payload.text[1:])
    value = None if payload.value is None else {"_id": own_id, **payload.value}
    return payload._replace(text=text, value=value, url=f"{url}/{quote(own_id, safe='')}")


# rule → its fix; None where the refusal's `accepted`, or the API's own text, is enough
FIXES: Mapping[str, Fix | None] = {
    "ambiguous": None,
    "api": None,
    "attribute name": None,
    "boolean": None,
    "choice": None,
    "clash": None,
    "code": None,
    "columns": None,
    "count": None,
    "date": None,
    "depth": None,
    "digits": None,
    "email": None,
    "flat link": None,
    "html": None,
    "id": None,
    "int32": _as_text,
    "integer": None,
    "job": None,
    "json": None,
    "key": None,
    "key already sent": None,
    "key may be sent": None,
    "length": _shorter,
    "lookup": None,
    "macro": None,
    "max_bytes": None,
    "money": None,
    "name": None,
    "names": None,
    "no answer": None,
    "required": None,
    "restored": None,
    "scalar": None,
    "second person": None,
    "sql": None,
    "status": None,  # the number of an HTTP status
    "text": None,
    "type": _another_type,
    "versions": None,
    "waiting": None,
    "xml": None,
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A destination with its dataset read and its settings compiled for one address."""

    spec: DestinationSpec
    credential: CredentialSpec
    data: KnownDataset
    address: connection.ApiAddress
    compiled: Compiled
    mode: Mode
    reading_notes: tuple[Note, ...] = ()  # of where a source with a cursor is read from
    own_ids: Mapping[Key, str] = field(default_factory=dict)  # Custify's, of objects changed at their own paths
    deletion: Deletion | None = None  # of a mirror; its mode is `changed` otherwise

    @property
    def policy(self) -> Policy:
        template = load_catalogue().get(self.compiled.template or "")
        upsert = template is not None and template.newest_wins
        return Policy(
            versions=self._versions,
            repeats=not upsert and self.mode is not Mode.CHANGED,
            compares=self.mode in (Mode.CHANGED, Mode.NEW),
            once_per_key=self.mode is Mode.NEW,
            ignore_changed=self.spec.on_changed == "ignore",
            settings=self.compiled.version,
        )

    @property
    def _versions(self) -> Versions:
        """Of several records of one key: a row of a table is whole, a record of JSON may be a part."""
        if self.mode is not Mode.CHANGED:
            return "each"
        if not self.data.dataset.partial:
            return "newest"
        return "each" if self.compiled.merger is None else "merge"

    @property
    def merger(self) -> Merger | None:
        return self.compiled.merger if self._versions == "merge" else None

    @property
    def fingerprints(self) -> str:
        """The version of the input's fingerprints: under another one they do not count as the same."""
        return f"{fingerprint_version()} {self.compiled.version} {self.compiled.columns!r}"

    @property
    def render(self) -> Render:
        """The compiled rendering, whose refusals say what to write in the project file."""
        renderer = self.compiled.renderer
        attributes = frozenset(each.step.column or "" for each in renderer.inputs if each.extra)
        render = with_fixes(renderer.render, self.spec, attributes, self.data.read_at)
        return changing(render, self.own_ids, self.compiled.shape.url) if self.own_ids else render

    def rendered_again(self, older: Mapping[int, str], payloads: Sequence[Payload]) -> Rendered:
        """The payloads of a job that an earlier process left, under the present settings; `older`: records of parts."""
        texts = [[*(older[part] for part in payload.parts), payload.text.decode()] for payload in payloads]
        records = [read_record(text) for some in texts for text in some]
        made = self.render(chunk_of(records, self.data.schema), None)
        return made if self.merger is None else one_of_each(made, [len(some) for some in texts], self.merger)

    def open_chunk(self, chunk: Chunk, rows: NDArray[np.int64] | None = None, *, prints: bool = False) -> OpenChunk:
        """A chunk with its keys and their hashes, and with `prints` the fingerprints of the input columns in use."""
        keys = key_cells(chunk, self.data.spec.key)
        hashes = key_hashes(keys)
        if None in keys:
            hashes[[row for row, key in enumerate(keys) if key is None]] = np.zeros(2, dtype=np.uint64)  # no key
        return OpenChunk(
            chunk=chunk,
            rows=np.arange(chunk.records.num_rows, dtype=np.int64) if rows is None else rows,
            keys=keys,
            hashes=hashes,
            prints=fingerprints(chunk.records, self.compiled.columns, chunk.absent) if prints else None,
        )

    def notes(self, stored: Sequence[Note] = ()) -> Notes:
        """Where the notes of one read are gathered; `stored` are those of an earlier process of the run."""
        keys = DuplicateKeys(self.policy, self.data.spec.key)
        table = self.spec.dataset if self.data.dataset.is_table else None
        used = frozenset(self.compiled.columns)
        emails = emails_of(self.spec, self.data.schema)
        notes = Notes(self.compiled.notes, keys, self._source_notes, self._once_filled(), used, table, emails)
        notes.count_on(stored)
        return notes

    def _source_notes(self) -> tuple[Note, ...]:
        dataset, schema = self.data.dataset, self.data.schema
        new = would_be_sent(self.spec, dataset.new_columns(schema))
        return (*self.reading_notes, *dataset.notes(), *new_column_notes(new, self.spec.dataset))

    def _once_filled(self) -> frozenset[str]:
        """The columns in use that had values, of a source that is read whole each time."""
        if self.data.dataset.since(None) is not None:
            return frozenset()
        filled = {column.name for column in self.data.schema.columns if column.examples}
        return frozenset(filled.intersection(self.compiled.columns))

    @property
    def is_file(self) -> bool:
        return self.credential.connector == "file"

    @property
    def once(self) -> bool:
        return self.compiled.shape.retry is RetryClass.ONCE


def prepare(
    ctx: Context, spec: DestinationSpec, address: connection.ApiAddress | None = None, *, whole: bool = False
) -> Prepared:
    """Read the dataset's schema and compile the settings. InputError with every problem found. `whole`: all is read."""
    with ctx.placing():
        return _prepare(ctx, spec, address, whole=whole)


def _prepare(ctx: Context, spec: DestinationSpec, address: connection.ApiAddress | None, *, whole: bool) -> Prepared:
    credential = connection.credential_spec(ctx, spec.credential)
    where = address or connection.address(ctx, credential)
    data = known_dataset(ctx, spec.dataset, whole=whole)
    unseen: tuple[Note, ...] = ()
    if data.may_gain_columns:
        data, unseen = _with_named_columns(data, spec)
    if spec.new_columns != "note" and (whole or data.dataset.api is None):
        data = _with_new_columns(ctx, data, spec)
    key = data.spec.key
    if credential.connector == "file":
        compiled = compile_file(spec, key, data.schema, where.base_url)
        mode = spec.mode or Mode.ALL
    elif spec.template is not None:
        template = ctx.catalogue[spec.template]
        compiled = compile_template(spec, key, data.schema, template, where.dialect, where.base_url)
        mode = spec.mode or template.mode_default
    else:
        catalogue = ctx.catalogue if credential.connector == "custify" else {}
        compiled = compile_manual(spec, key, data.schema, where.base_url, where.dialect, catalogue)
        mode = spec.mode or Mode.ALL
    if more := (*unseen, *data.schema.notes, *(data.schema.source.notes if data.schema.source else ())):
        compiled = replace(compiled, notes=(*compiled.notes, *more))
    data.dataset.need(compiled.needed)
    if ctx.code == "none" and compiled.shape.grouping.algorithm == "code":
        compiled = _without_code(compiled)
    if mode is not Mode.MIRROR:
        return Prepared(spec, credential, data, where, compiled, mode)
    deletion = _deletion(ctx, spec, where, compiled, data)
    return Prepared(spec, credential, data, where, compiled, Mode.CHANGED, deletion=deletion)


def _deletion(
    ctx: Context, spec: DestinationSpec, where: connection.ApiAddress, compiled: Compiled, data: KnownDataset
) -> Deletion:
    """How a mirror deletes. InputError with everything that stands against it in the dialect that the API has."""
    template = ctx.catalogue[str(spec.template)]
    if template.items:
        names = data.schema.names() if spec.fields is None else spec.fields
        template = ctx.catalogue[template.items[template.item(spec.object, names)]]
    assert spec.on_delete is not None, "the configuration is checked"
    found = [
        replace(one, path=f"destinations.{spec.name}.{one.path}")
        for one in deletion_problems(spec.on_delete, template, where.dialect)
    ]
    if found:
        raise InputError(*found)
    path = spec.path if compiled.shape.grouping.algorithm == "single" else None
    return deletion_of(spec, template, where.dialect, where.base_url, path, ctx.project.mirrors_beside(spec))


def _without_code(compiled: Compiled) -> Compiled:
    """The same destination without its grouping code: each batch is the plain list of its records."""
    shape = replace(compiled.shape, grouping=Grouping("array"), content_format="json")
    return replace(compiled, shape=shape, notes=(*compiled.notes, Note("grouping.code", "not run", NEEDS_OPERATOR)))


def _with_new_columns(ctx: Context, data: KnownDataset, spec: DestinationSpec) -> KnownDataset:
    """With `new_columns: send` the dataset as its source is now; with `refuse` an InputError where it has grown."""
    new = data.dataset.new_columns(data.schema, look=True)
    if not new:
        return data
    if spec.new_columns == "send":
        return with_new_columns(data)
    problem = new_column_problem(spec, new)
    raise InputError(ctx.problem(problem.path, problem.message, problem.code, hint=problem.hint, found=problem.found))


def _with_named_columns(data: KnownDataset, spec: DestinationSpec) -> tuple[KnownDataset, tuple[Note, ...]]:
    """The dataset with the columns that the destination names: a later record may have them. Also a note about each."""
    names = columns_named(spec, data.schema.names())
    missing = [name for name in names if data.schema.column(name) is None]
    reason = "no record so far has this column" if data.schema.records else "there is no record yet"
    if not data.schema.records:
        data = with_columns(data, columns_by_name(spec))
    return with_columns(data, missing), tuple(Note(name, "not seen yet", reason) for name in missing)


class RestoreDoubt(NamedTuple):
    """`refusal`: why records that may have been sent are not sent; `ignores_memory`: unchanged records are sent."""

    refusal: Refusal | None = None
    ignores_memory: bool = False


def doubt(conn: Connection, prepared: Prepared) -> RestoreDoubt:
    """Neither, unless the state was restored and no run of this destination has ended since."""
    found = resources.unsettled_restore(conn, prepared.spec.name)
    if found is None:
        return RestoreDoubt()
    if not prepared.once:
        return RestoreDoubt(ignores_memory=found.resend_all)
    reason = f"the state was restored from a backup of {found.made_at}: this may have been sent after it"
    accepted = "check in Custify whether it arrived: then settle or discard it, else resend it"
    return RestoreDoubt(refusal=Refusal("restored", reason, accepted=accepted))
