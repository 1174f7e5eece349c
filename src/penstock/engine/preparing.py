"""Everything that has to be right before a destination can be previewed, planned, tested or run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from penstock.destinations.catalogue import load_catalogue
from penstock.engine import connecting
from penstock.engine.datasets import KnownDataset, known_dataset, with_columns, with_new_columns
from penstock.engine.duplicate_keys import DuplicateKeys
from penstock.engine.notes import Notes
from penstock.engine.screen import Policy, Versions
from penstock.engine.surroundings import Surroundings
from penstock.engine.ways_out import Render, with_ways_out
from penstock.model.errors import InputError, NotAvailableYet
from penstock.model.outcome import Note
from penstock.model.record import Grouping, RetryClass
from penstock.model.spec import CredentialSpec, DestinationSpec, Mode
from penstock.stores import resources
from penstock.stores.fingerprint import fingerprint_version
from penstock.transform.awaited import columns_by_name, columns_named, would_be_sent
from penstock.transform.bindings import new_column_problem
from penstock.transform.compile import Compiled, compile_template
from penstock.transform.manual import compile_manual
from penstock.transform.merging import Merger
from penstock.transform.new_columns import new_column_notes

NEEDS_OPERATOR = "Preview needs the operator role: the records are shown as the grouping code would receive them"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A destination with its dataset read and its settings compiled for one address."""

    spec: DestinationSpec
    credential: CredentialSpec
    data: KnownDataset
    address: connecting.Address
    compiled: Compiled
    mode: Mode
    reading_notes: tuple[Note, ...] = ()  # of where a source with a cursor is read from

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
        return with_ways_out(renderer.render, self.spec, attributes, self.data.read_at)

    def notes(self) -> Notes:
        """Where the notes of one read are gathered."""
        keys = DuplicateKeys(self.policy, self.data.spec.key)
        table = self.spec.dataset if self.data.dataset.is_table else None
        used = frozenset(self.compiled.columns)
        return Notes(self.compiled.notes, keys, self._source_notes, self._once_filled(), used, table)

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
    def once(self) -> bool:
        return self.compiled.shape.retry is RetryClass.ONCE


def prepare(around: Surroundings, spec: DestinationSpec, address: connecting.Address | None = None) -> Prepared:
    """Read the dataset's schema and compile the settings. InputError with every problem found."""
    with around.placing():
        return _prepare(around, spec, address)


def _prepare(around: Surroundings, spec: DestinationSpec, address: connecting.Address | None) -> Prepared:
    credential = connecting.credential_spec(around, spec.credential)
    where = address or connecting.address(around, credential)
    data = known_dataset(around, spec.dataset)
    unseen: tuple[Note, ...] = ()
    if data.awaits:
        data, unseen = _awaited(data, spec)
    if spec.new_columns != "note":
        data = _with_new_columns(around, data, spec)
    key = data.spec.key
    if spec.template is not None:
        template = around.catalogue[spec.template]
        compiled = compile_template(spec, key, data.schema, template, where.dialect, where.base_url)
        mode = spec.mode or template.mode_default
    else:
        catalogue = around.catalogue if credential.connector == "custify" else {}
        compiled = compile_manual(spec, key, data.schema, where.base_url, where.dialect, catalogue)
        mode = spec.mode or Mode.ALL
    if mode is Mode.MIRROR:
        path = f"destinations.{spec.name}.mode"
        raise NotAvailableYet(around.problem(path, "mode: mirror is not available yet", "not-available-yet"))
    if more := (*unseen, *data.schema.notes, *(data.schema.source.notes if data.schema.source else ())):
        compiled = replace(compiled, notes=(*compiled.notes, *more))
    data.dataset.need(compiled.needed)
    if around.code == "none" and compiled.shape.grouping.algorithm == "code":
        compiled = _without_code(compiled)
    return Prepared(spec, credential, data, where, compiled, mode)


def _without_code(compiled: Compiled) -> Compiled:
    """Each batch as the plain list of its records: what the grouping code would be given."""
    shape = replace(compiled.shape, grouping=Grouping("array"), content_format="json")
    return replace(compiled, shape=shape, notes=(*compiled.notes, Note("grouping.code", "not run", NEEDS_OPERATOR)))


def _with_new_columns(around: Surroundings, data: KnownDataset, spec: DestinationSpec) -> KnownDataset:
    """With `new_columns: send` the dataset as its source is now; with `refuse` an InputError where it has grown."""
    new = data.dataset.new_columns(data.schema, look=True)
    if not new:
        return data
    if spec.new_columns == "send":
        return with_new_columns(data)
    problem = new_column_problem(spec, new)
    raise InputError(
        around.problem(problem.path, problem.message, problem.code, hint=problem.hint, found=problem.found)
    )


def _awaited(data: KnownDataset, spec: DestinationSpec) -> tuple[KnownDataset, tuple[Note, ...]]:
    """What is posted may bring a column any time: those that the destination names are taken to be there."""
    names = columns_named(spec, data.schema.names())
    missing = [name for name in names if data.schema.column(name) is None]
    reason = "no record that came so far has this column" if data.schema.records else "no record has come yet"
    if not data.schema.records:
        data = with_columns(data, columns_by_name(spec))
    return with_columns(data, missing), tuple(Note(name, "not seen yet", reason) for name in missing)


def is_active(around: Surroundings, spec: DestinationSpec) -> tuple[bool, str]:
    """Whether runs may send, and why (not): a person's pause beats the file, the file beats what was said before."""
    with around.database.read() as conn:
        return activity(spec, resources.switch_of(conn, spec.name))


def active_names(around: Surroundings) -> frozenset[str]:
    """The destinations that runs may send to."""
    specs = around.project.destinations
    with around.database.read() as conn:
        switches = resources.switches_of(conn, list(specs))
    return frozenset(name for name, spec in specs.items() if activity(spec, switches.get(name))[0])


def activity(spec: DestinationSpec, switch: resources.Switch | None) -> tuple[bool, str]:
    """The same, where it is known what a person said last."""
    if switch is not None and switch.state == "paused":
        return False, f"{spec.name} was paused at {switch.at}"
    if spec.active is not None:
        return spec.active, "" if spec.active else f"{spec.name} is a draft: `active: false` in the project file"
    if switch is not None:
        return True, ""
    return False, f"{spec.name} is a draft"


def is_paused(around: Surroundings, spec: DestinationSpec) -> bool:
    """Whether a person paused it; a draft is not paused."""
    with around.database.read() as conn:
        switch = resources.switch_of(conn, spec.name)
    return switch is not None and switch.state == "paused"


def require_active(around: Surroundings, spec: DestinationSpec) -> None:
    """InputError when the destination is a draft or paused."""
    active, reason = is_active(around, spec)
    if not active:
        path = f"destinations.{spec.name}.active"
        how = "write `active: true`" if spec.active is False else f"`penstock activate {spec.name}`"
        hint = f"look at `penstock plan {spec.name}`, then {how}"
        state = "paused" if is_paused(around, spec) else "draft"
        raise InputError(around.problem(path, f"nothing is sent: {reason}", "not-active", hint=hint, found=state))
