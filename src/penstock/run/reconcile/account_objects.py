"""`AccountObjects`: all objects of Custify of the kind that a destination writes, found by the ids that it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import xxhash

from penstock.delivery.objects import Object, external_id, remote_id
from penstock.delivery.replies import identifier_text
from penstock.model.errors import InputError, Problem
from penstock.model.record import Payload
from penstock.model.spec import CustifyList, CustifyObject, CustifySource, DestinationSpec
from penstock.run.connection import connection
from penstock.run.connection.object_reads import CustifyReads
from penstock.run.context import Context
from penstock.run.preparation.prepare import Prepared
from penstock.sources.api_rows import ApiRows
from penstock.store.runs import runs
from penstock.templates.catalogue import ReadForm, Template

Announce = Callable[[int, float], None]  # takes the number of requests of a complete read, and its seconds
OWN_ID = "id"  # the member of a payload that is Custify's own id


class AccountObjects:
    """Objects in a file without a name, and an index of the ids by which `form` finds them.

    `gap`: why objects may be missing, None when all were read. `requests` is how many were made by this process.
    """

    def __init__(self, form: ReadForm) -> None:
        self.form = form
        self.gap: str | None = None
        self.requests = 0
        self._file = TemporaryFile()  # noqa: SIM115 - it ends with this object
        self._places: list[int] = []
        self._numbers: dict[int, int] = {}  # hash of a name → the number of the first object that has it
        self._others: dict[int, list[int]] = {}  # the later ones

    def __len__(self) -> int:
        return len(self._places)

    def add(self, found: Object) -> None:
        """Add one more object."""
        number = len(self._places)
        self._places.append(self._file.seek(0, 2))
        self._file.write(orjson.dumps(found, option=orjson.OPT_APPEND_NEWLINE))
        for name in self._names(found):
            first = self._numbers.setdefault(hash_of(name), number)
            if first != number:
                self._others.setdefault(hash_of(name), []).append(number)

    def __getitem__(self, number: int) -> Object:
        self._file.seek(self._places[number])
        found: Object = orjson.loads(self._file.readline())
        return found

    def find(self, sent: Mapping[str, Any]) -> int | None:
        """The number of the object that a payload writes; None when Custify would create one.

        The first member of `by` that the payload has decides, then the next: an object that has another value of an
        earlier one is not it (a person with the same e-mail and another user_id).
        """
        for place, name in enumerate(self._names(sent)):
            for number in self._with(hash_of(name)):
                found = self[number]
                names = self._names(found)
                if name in names and not _conflict(self._names(sent)[:place], names):
                    return number
        return None

    def key_of(self, number: int) -> str:
        """The id of ours that an object has, else Custify's."""
        found = self[number]
        own = [name for name in self.form.by if name != OWN_ID]
        texts = (member_text(found, name) for name in (own[-1:] if self.form.together else own))
        return next((text for text in texts if text is not None), remote_id(found) or "")

    def _with(self, digest: int) -> Iterator[int]:
        if digest in self._numbers:
            yield self._numbers[digest]
            yield from self._others.get(digest, ())

    def _names(self, found: Mapping[str, Any]) -> list[tuple[str, ...]]:
        """What an object or a payload is found by: the member and its value, or all members that identify together."""
        texts = [(name, member_text(found, name)) for name in self.form.by]
        if self.form.together:
            return [(name, *(text or "" for _, text in texts)) for name in self.form.by[:1]]
        return [(name, text) for name, text in texts if text is not None]


def member_text(found: Mapping[str, Any], name: str) -> str | None:
    """An identifying member as text; of an e-mail in lower case, as Custify compares it."""
    if name == OWN_ID:
        return remote_id(found)
    if name == "externalId":
        return external_id(found)
    text = identifier_text(found.get(name))
    return text.lower() if name == "email" and text is not None else text


def _conflict(sent: Sequence[tuple[str, ...]], found: Sequence[tuple[str, ...]]) -> bool:
    """Whether an object has another value of a member of ours that was looked for before."""
    have = {name[0]: name[1:] for name in found}
    return any(name[0] != OWN_ID and have.get(name[0], name[1:]) != name[1:] for name in sent)


def hash_of(name: Sequence[str]) -> int:
    """A 64-bit hash of a member and its value."""
    return xxhash.xxh3_64_intdigest("\0".join(name).encode(errors="surrogatepass"))


# ── reading ──────────────────────────────────────────────────────────────────────────────


def record_template(ctx: Context, prepared: Prepared) -> Template | None:
    """The template of a destination's records: for a batch that of its items; None for a manual request."""
    template = None if prepared.spec.template is None else ctx.catalogue[prepared.spec.template]
    if template is None or not template.items:
        return template
    fields = prepared.spec.fields
    mapped = prepared.data.schema.names() if fields is None else fields
    return ctx.catalogue[template.items[template.item(prepared.spec.object, mapped)]]


def read_form(ctx: Context, prepared: Prepared, what: str) -> ReadForm:
    """How the objects that a destination writes are read. InputError where they cannot be; `what` needs them."""
    if prepared.address.dialect == "flat":
        raise InputError(connection.no_reads(ctx, prepared.credential, what))
    template = record_template(ctx, prepared)
    if template is not None and template.read is not None:
        return template.read
    raise InputError(_not_readable(ctx, prepared.spec, what))


def require_list(ctx: Context, spec: DestinationSpec, what: str = "reconcile") -> None:
    """InputError where Custify has no list of what the destination writes, as far as its settings show that."""
    credential = connection.credential_spec(ctx, spec.credential)
    template = None if spec.template is None else ctx.catalogue[spec.template]
    if credential.connector == "custify" and connection.address(ctx, credential).dialect == "flat":
        raise InputError(connection.no_reads(ctx, credential, what))
    if template is None or (template.read is None and not template.items):
        raise InputError(_not_readable(ctx, spec, what))
    if spec.mode == "all":
        raise InputError(no_memory(ctx, spec, what))


def no_memory(ctx: Context, spec: DestinationSpec, what: str) -> Problem:
    """With `mode: all` a record that is not in Custify cannot be distinguished from one that was never sent."""
    message = f"{what} compares with what was sent, and with `mode: all` Penstock does not remember that"
    hint = "use `mode: changed` for destinations that are compared with Custify"
    return ctx.problem(f"destinations.{spec.name}.mode", message, "not-readable", hint=hint, found="all")


def _not_readable(ctx: Context, spec: DestinationSpec, what: str) -> Problem:
    message = f"{what} cannot read what {spec.template or 'this destination'} writes: Custify has no list to compare"
    hint = "people, companies, subscriptions, invoices, deals, tasks and custom objects can be read"
    return ctx.problem(f"destinations.{spec.name}", message, "not-readable", hint=hint, found=spec.template)


def read_objects(ctx: Context, prepared: Prepared, what: str, announce: Announce = lambda *_: None) -> AccountObjects:
    """Read all objects of the kind that the destination writes, in the lane of backfills.

    `announce` is called when it is known how long that takes; of custom data, before the first company's is read. A
    read that was interrupted continues with the next page, unless a run of the credential has sent something since.
    Raises InputError, CredentialRefused, HostUnreachable, and KeyboardInterrupt when the caller is stopped.
    """
    form = read_form(ctx, prepared, what)
    found = AccountObjects(form)
    for page in _add_pages(ctx, prepared, found, form.objects, what, announce):
        for each in page:
            found.add(each)
    return found


def company_ids(ctx: Context, prepared: Prepared, what: str) -> tuple[dict[str, str], AccountObjects]:
    """Custify's id of each company → our `company_id`; also what was read."""
    form = ReadForm("companies", ("company_id",))
    read, found = AccountObjects(form), dict[str, str]()
    for page in _add_pages(ctx, prepared, read, "companies", what, lambda *_: None):
        for each in page:
            own, ours = remote_id(each), identifier_text(each.get("company_id"))
            if own is not None and ours is not None:
                found[own] = ours
    return found, read


def _add_pages(
    ctx: Context,
    prepared: Prepared,
    found: AccountObjects,
    kind: CustifyList | CustifyObject,
    what: str,
    announce: Announce,
) -> Iterator[Sequence[Object]]:
    source = CustifySource(f"for {what} of {prepared.spec.name}", prepared.spec.credential, kind)
    return object_pages(ctx, source, found, what, announce)


def object_pages(
    ctx: Context, source: CustifySource, found: AccountObjects, what: str, announce: Announce
) -> Iterator[Sequence[Object]]:
    """The objects of an account in pages. `requests` and `gap` of `found` are set, and nothing is added to it."""
    reads = CustifyReads(ctx, source, what, announce)
    rows = ApiRows(source, reads, ctx.folder / "frozen", _last_sent(ctx, source.credential))
    try:
        for page in rows.pages():
            yield page.objects
            found.gap = page.gap
    finally:
        found.requests = rows.requests
        rows.close()


def _last_sent(ctx: Context, credential: str) -> str:
    """Changes when a run that sends with the credential has sent something."""
    targets = [spec.name for spec in ctx.project.destinations.values() if spec.credential == credential]
    with ctx.database.read() as conn:
        return runs.newest_of(conn, targets)


# ── what was sent ────────────────────────────────────────────────────────────────────────


def sent_object(payload: Payload) -> Mapping[str, Any]:
    """The object that a payload writes, with the company of custom data, which its URL may name."""
    sent: Mapping[str, Any] = orjson.loads(payload.text)
    return sent if payload.url is None else {**dict(parse_qsl(urlsplit(payload.url).query)), **sent}
