"""The reader of the templates' documents. A template is a document, not a class: see `custify.yaml`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from penstock.model.delivery import SettleKind
from penstock.model.record import RetryClass
from penstock.model.spec import CustifyObject, Dialect, Mode
from penstock.templates.document_schema import check_document

DIALECTS: tuple[Dialect, ...] = ("native", "flat")
BATCH_LIMITS: Mapping[Dialect, int] = MappingProxyType({"native": 100, "flat": 500})
"""Records in one request to the batch endpoint: Custify's OpenAPI 1.5.7 (asynchronous jobs), and the requirement."""

DOCUMENT = "custify.yaml"
INLINE = "inline"
NOWHERE = "none"


@dataclass(frozen=True, slots=True)
class FieldDoc:
    """One input field of a template.

    `target` is where the native payload holds it (`companies[].company_id`, `metadata.status`), None when it has no
    place there: `why` says so. `others` are further native places the value may decide on. `page` is False for fields
    that only the native API names. `auto` False: never mapped by a column's name alone. `max_length` and `int32` bind
    in native only. `former` is the type that it had in release 0.1.0, where another one changes what is sent.
    """

    name: str
    label: str
    type: str
    description: str
    native: str | None = None
    target: str | None = None
    others: tuple[str, ...] = ()
    why: str | None = None
    required: frozenset[Dialect] = frozenset()
    page: bool = True
    auto: bool = True
    max_length: int | None = None
    whole: bool = False
    choices: tuple[str, ...] = ()
    default: str | None = None
    or_id: bool = False
    former: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names it is known by as input, the page's first."""
        return (self.name,) if self.native in (None, self.name) else (self.name, str(self.native))

    @property
    def lists_companies(self) -> bool:
        """Whether its values are links of a person to companies, which the native API adds and removes."""
        return self.type == "companies" and self.target == "companies"

    @property
    def int32(self) -> bool:
        return self.type == "integer" or self.whole

    @property
    def places(self) -> frozenset[str]:
        """All places in the native payload for its value; two fields may not share one."""
        if self.target is None or self.type == "object":
            return frozenset()
        return frozenset({self.target.removesuffix("[].company_id"), *self.others})


@dataclass(frozen=True, slots=True)
class External:
    """The native field that tells one record from another: `target` is its name in the payload, `setting` the
    destination key that names its columns, `max_length` the length past which a derived one is hashed.
    """

    field: str
    target: str
    setting: str | None = None
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class MergeRules:
    """How two payloads of one template become one; the names are those of the payload's top level.

    `identity`: members by which Custify finds the object; the first that is present decides. `same`: members that may
    not differ. `united`: lists of links to companies. `overlaid`: objects that Custify merges member by member.
    `unset`: the member that lists fields to clear. `whole`: Custify replaces the object, so a newer version replaces
    an older one only if it has all of its members.
    """

    identity: tuple[str, ...]
    same: tuple[str, ...] = ()
    united: tuple[str, ...] = ()
    overlaid: tuple[str, ...] = ()
    unset: str | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class ReadForm:
    """How the objects that a template writes are read from the native API: all `objects` of the account.

    `by` are the members by which one of them is a payload's: the first that the payload has decides, or all `together`.
    `change` is the method that changes an existing one, at the template's path and Custify's id; None: as it is sent.
    """

    objects: CustifyObject
    by: tuple[str, ...]
    together: bool = False
    change: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteDoc:
    """The native request that deletes an object. `deletes_too`: what Custify deletes together with it, in words."""

    method: str
    path: str
    deletes_too: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """One endpoint of Custify, in both dialects.

    `match` holds the fields of which a record needs any one (none: no such rule). `extras` says where unmapped columns
    go: a native object, `inline` (flat, top level) or `none`. `job` is the type of a native batch job, `flat_batch`
    whether the flat batch endpoint takes its object. `combine` names the rules that read several fields at once.
    `versions` says how several versions of one object become one payload; a dialect that it does not name sends each.
    `read_back` says how a record without an answer is read back (`delivery/settle.py`), `read` how all objects are.
    `retry_with` is the retry class of both dialects when that field is mapped. `items` (of a batch) maps objects to the
    templates that describe them; `recognized_by` are the fields that say which object the records are, where the
    destination does not, and `fields_of` the items whose fields the batch takes. `parents` maps fields to the objects
    that they name. `identified_by` are the members of a payload by which Custify finds its object: the first list of
    which the payload has all; `delete` is the native request that deletes it. `newest_wins`: Custify ends with the
    newest of several versions of one key, in mode `all` too.
    """

    name: str
    title: str
    description: str
    object: str
    phase: int
    fields: tuple[FieldDoc, ...]
    match: Mapping[Dialect, tuple[str, ...]]
    extras: Mapping[Dialect, str]
    path: Mapping[Dialect, str]
    retry: Mapping[Dialect, RetryClass]
    read_back: Mapping[Dialect, SettleKind]
    retry_with: tuple[str, RetryClass] | None
    modes: tuple[Mode, ...]
    job: str | None = None
    flat_batch: bool = False
    external: External | None = None
    combine: tuple[str, ...] = ()
    text_limit: int | None = None
    attribute_limit: int | None = None
    attribute_chars: int | None = None
    items: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    recognized_by: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    fields_of: tuple[str, ...] = ()
    parents: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    versions: Mapping[str, MergeRules] = field(default_factory=lambda: MappingProxyType({}))
    method: str = "POST"
    newest_wins: bool = False
    read: ReadForm | None = None
    identified_by: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=lambda: MappingProxyType({}))
    delete: DeleteDoc | None = None

    @property
    def mode_default(self) -> Mode:
        return self.modes[0]

    def batch_limit(self, dialect: Dialect) -> int | None:
        """Records in one request to the batch endpoint; None when it does not take this object."""
        takes = bool(self.items) or (self.job is not None if dialect == "native" else self.flat_batch)
        return BATCH_LIMITS[dialect] if takes else None

    @property
    def lists_companies(self) -> bool:
        """Whether its payload has links to companies that can be removed."""
        return any(doc.lists_companies for doc in self.fields)

    def item(self, named: str | None, mapped: Collection[str]) -> str:
        """The object that the records of a batch are: the one that the destination names, else by its mapped fields."""
        said = (kind for kind, fields in self.recognized_by.items() if not set(fields).isdisjoint(mapped))
        return named or next(said, next(iter(self.items)))

    def doc(self, name: str) -> FieldDoc | None:
        """The field of this name, the page's or the native one."""
        return next((doc for doc in self.fields if name in doc.names), None)


# The library that reads project files knows their lines, but takes ten times as long: each command reads these texts.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def load_catalogue() -> Mapping[str, Template]:
    """The ten templates by name, read from the package once."""
    return read_catalogue(files("penstock.templates").joinpath(DOCUMENT).read_text(encoding="utf-8"), DOCUMENT)


def batch_endpoint() -> Template:
    """The template of the batch endpoint: the one that has `items`."""
    return next(template for template in load_catalogue().values() if template.items)


def read_catalogue(text: str, file: str) -> Mapping[str, Template]:
    """The templates of a document by name. InputError with every unknown key or rule, by its line in `file`."""
    documents = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe one
    check_document(documents, text, file)
    templates = {name: _template(name, document) for name, document in documents.items()}
    batches = {own.name: _with_item_fields(own, templates) for own in templates.values() if own.items}
    return MappingProxyType(templates | batches)


def _template(name: str, document: Mapping[str, Any]) -> Template:
    rest = dict(document)
    limit = rest.get("text_limit")
    fields = tuple(_field(own, entry, limit) for own, entry in rest.pop("fields").items())
    match = rest.pop("match")
    retry_with = rest.pop("retry_with", None)
    read_back = rest.pop("read_back")
    external = rest.pop("external", None)
    deletion = rest.pop("delete", None)
    identified_by = {d: tuple(map(tuple, lists)) for d, lists in rest.pop("identified_by", {}).items()}
    return Template(
        name=name,
        fields=fields,
        match={d: tuple(match if isinstance(match, list) else match[d]) for d in DIALECTS},
        extras=_per_dialect(rest.pop("extras")),
        path=_per_dialect(rest.pop("path")),
        read_back={d: read_back[d] for d in DIALECTS},
        retry={d: RetryClass(word) for d, word in _per_dialect(rest.pop("retry")).items()},
        retry_with=None if retry_with is None else (retry_with["field"], RetryClass(retry_with["retry"])),
        modes=tuple(Mode(word) for word in rest.pop("modes")),
        external=None if external is None else _external(external, fields),
        combine=tuple(rest.pop("combine", ())),
        items=MappingProxyType(rest.pop("items", {})),
        recognized_by=MappingProxyType({item: tuple(names) for item, names in rest.pop("recognized_by", {}).items()}),
        fields_of=tuple(rest.pop("fields_of", ())),
        parents=MappingProxyType(rest.pop("parents", {})),
        read=_read_form(rest.pop("read", None)),
        identified_by=MappingProxyType(identified_by),
        delete=None if deletion is None else DeleteDoc(deletion["method"], deletion["path"], deletion.get("with")),
        versions=MappingProxyType({d: _merge_rules(entry) for d, entry in rest.pop("versions", {}).items()}),
        **rest,
    )


def _field(name: str, entry: Mapping[str, Any], text_limit: int | None) -> FieldDoc:
    rest = dict(entry)
    native = rest.get("native")
    required = rest.pop("required", None)
    bounded = rest["type"] in {"text", "key", "email", "object"}
    return FieldDoc(
        name=name,
        target=rest.pop("to", native or name),
        others=tuple(rest.pop("or", ())),
        required=frozenset(DIALECTS if required == "both" else (required,) if required else ()),
        choices=tuple(rest.pop("choices", ())),
        max_length=text_limit if bounded else None,
        **rest,
    )


def _external(entry: Mapping[str, Any], fields: tuple[FieldDoc, ...]) -> External:
    doc = next(doc for doc in fields if doc.name == entry["field"])
    return External(doc.name, doc.target or doc.name, entry.get("setting"), entry.get("max"))


def _read_form(entry: Mapping[str, Any] | None) -> ReadForm | None:
    return None if entry is None else ReadForm(**{**entry, "by": tuple(entry["by"])})


def _merge_rules(entry: Mapping[str, Any]) -> MergeRules:
    names = {name: tuple(entry.get(name, ())) for name in ("identity", "same", "united", "overlaid")}
    return MergeRules(**names, unset=entry.get("unset"), whole=entry.get("whole", False))


def _per_dialect(entry: Mapping[str, str]) -> Mapping[Dialect, str]:
    return {dialect: entry[dialect] for dialect in DIALECTS}


def _with_item_fields(batch: Template, templates: Mapping[str, Template]) -> Template:
    """The batch with the fields of its items."""
    by_name = {doc.name: doc for item in batch.fields_of for doc in templates[batch.items[item]].fields}
    known = {own: getattr(batch, own) for own in Template.__dataclass_fields__}
    return Template(**known | {"fields": tuple(by_name.values())})
