"""`UnchangedFields`: fields that are sent only where Custify still has what was delivered last (`if_unchanged`).

A chunk's objects are read before it is sent: singly, or as a list if more than 200 records wait; the list then serves
the rest of the run. Of a list that changed while it was read, the objects that it lacks are read singly. A hash of each
delivered value is stored. A change between the read and the write cannot be seen.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import xxhash
from sqlalchemy import Connection

from penstock.delivery.http.client import Client
from penstock.delivery.machine.paged_list import API_LISTS, ApiList
from penstock.delivery.objects import list_page, unwrapped, value_form
from penstock.delivery.reader import ApiReader, Failed, FailedReadError, ObjectReader, ReadRefusedError
from penstock.model.delivery import Delivery, Lane
from penstock.model.outcome import Outcome
from penstock.model.record import Payload
from penstock.render.compile import UnchangedField
from penstock.run.context import Context
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.diff import Classified
from penstock.run.preparation.prepare import Prepared
from penstock.run.reconcile.account_objects import OWN_ID, AccountObjects, member_text, record_template
from penstock.run.recording.commit import Write
from penstock.run.settling.sent_records import stored_object
from penstock.run.stop import StoppableClock, Stopped, StopSignal
from penstock.sources.typing.exact_json import read_record, write_record
from penstock.store import unknown_records
from penstock.store.memory import Memory, key_hashes, put_sent_values, read_sent_values
from penstock.store.quarantine import KeyHash
from penstock.store.runs.ledger import JobRecord
from penstock.store.runs.ordinals import Words
from penstock.templates.catalogue import ReadForm, Template

MOST_SINGLE = 200  # records that are read singly
CHANGED = "Custify has another value than was delivered last"
FOREIGN = "it was never delivered, and Custify has a value"


@dataclass(slots=True)
class UnchangedFields:
    """The fields of one run. `stored` has the hash of the value that was delivered last, by place and key."""

    destination: str
    base_url: str
    template: Template
    form: ReadForm
    fields: Sequence[UnchangedField]
    reader: ApiReader
    signal: StopSignal
    stored: dict[str, dict[KeyHash, int]]
    sending: dict[tuple[KeyHash, int], dict[str, int]] = field(default_factory=dict)  # by key and content
    pending: dict[tuple[KeyHash, str], set[int]] = field(default_factory=dict)  # values that came before `now_there`
    now_there: dict[KeyHash, dict[str, int]] = field(default_factory=dict)  # what this run has sent last, after a read
    left: dict[KeyHash, list[int]] = field(default_factory=dict)  # contents of the jobs that others left, oldest first
    everything: AccountObjects | None = None  # once the list was read

    @staticmethod
    def load(
        ctx: Context, prepared: Prepared, conn: Connection, client: Client, clock: StoppableClock, lane: Lane
    ) -> UnchangedFields | None:
        """None where no field of the destination has `if_unchanged`."""
        fields, name = prepared.compiled.unchanged, prepared.spec.name
        template = record_template(ctx, prepared) if fields else None
        if template is None or template.read is None:
            return None
        made = UnchangedFields(
            name,
            prepared.address.base_url,
            template,
            template.read,
            fields,
            ApiReader(client, clock, lane, "read of what Custify has"),
            clock.signal,
            {each.place: read_sent_values(conn, name, each.place) for each in fields},
        )
        for row in unknown_records.each(conn, name):  # it may have arrived
            for (place, key), value in value_hashes(row.key_hash, stored_object(row) or {}, fields).items():
                made.pending.setdefault((key, place), set()).add(value)
        return made

    async def leave_out_changed(self, opened: OpenChunk, classified: Classified) -> None:
        """Take the fields that were changed in Custify out of the payloads to send; notes count them.

        If Custify cannot be read, the run stops, and nothing of the chunk is sent.
        """
        keys = [_hash(opened, payload) for payload in classified.fresh]
        classified.fresh = await self._checked(classified.fresh, keys, classified.notes) or []

    async def checked(
        self, payloads: Sequence[Payload], count: Callable[[Mapping[tuple[str, str, str], int]], None]
    ) -> list[Payload]:
        """Payloads of a job, to be sent again, without the fields that were changed in Custify.

        `count` takes the notes about them. If Custify cannot be read, the run stops, and Stopped is raised.
        """
        keys, notes = [_key_hash(payload) for payload in payloads], Counter[tuple[str, str, str]]()
        for key, payload in zip(keys, payloads, strict=True):
            self.sending.pop((key, payload.content), None)
        kept = await self._checked(payloads, keys, notes)
        if kept is None:
            raise Stopped
        count(notes)
        return kept

    async def _checked(
        self, payloads: Sequence[Payload], keys: Sequence[KeyHash], notes: Counter[tuple[str, str, str]]
    ) -> list[Payload] | None:
        """The payloads as they are sent; None if Custify cannot be read: then the run stops."""
        parsed = [(payload, key, orjson.loads(payload.text)) for payload, key in zip(payloads, keys, strict=True)]
        waiting = [each for each in parsed if places_in(each[2], self.fields)]
        if not waiting:
            return list(payloads)
        try:
            found = await self._read([sent for _, _, sent in waiting])
        except ReadRefusedError as refused:
            self.signal.stop("credential", refused.lost.reason)
        except FailedReadError as failed:
            self.signal.stop("unreachable", str(failed))
        except Stopped:
            pass
        else:
            kept = {payload.ordinal: self._kept(payload, key, sent, found, notes) for payload, key, sent in waiting}
            return [kept.get(payload.ordinal, payload) for payload in payloads]
        return None

    def _kept(
        self,
        payload: Payload,
        key: KeyHash,
        sent: Mapping[str, Any],
        found: AccountObjects,
        notes: Counter[tuple[str, str, str]],
    ) -> Payload:
        """The payload without the fields that were changed in Custify."""
        number = found.find(sent)
        theirs = None if number is None else found[number]
        dropped = list[str]()
        for each in places_in(sent, self.fields):
            place, ours = each.place, value_hash(value_at(sent, each.place))
            before, now = self.stored[place].get(key), self.now_there.get(key, {}).get(place)
            is_unchanged = theirs is None or (now is not None and found is self.everything)  # the list is older
            if not is_unchanged:
                value = value_at(theirs or {}, place)
                have = value_hash(None if value is MISSING else value)
                is_unchanged = have in (ours, NOTHING if before is None else before, now)
                is_unchanged = is_unchanged or have in self.pending.get((key, place), ())
            if is_unchanged:
                self.sending.setdefault((key, payload.content), {})[place] = ours
                if now is not None:
                    self.pending.setdefault((key, place), set()).add(now)
                self.now_there.setdefault(key, {})[place] = ours
            else:
                dropped.append(place)
                notes[each.name, "not sent", FOREIGN if before is None else CHANGED] += 1
        return without(payload, dropped) if dropped else payload

    def delivered(self, delivery: Delivery, write: Callable[[Write], None]) -> None:
        """Store the hashes of what a delivery has changed in Custify."""
        stored: dict[tuple[str, KeyHash], int] = {}
        for settled in delivery.settled:
            key = _key_hash(settled.payload)
            if settled.outcome is Outcome.DELIVERED or (settled.outcome is Outcome.ACCEPTED and delivery.job is None):
                values = self.sending.pop((key, settled.payload.content), {})
                for place, value in () if self._has_newer(key, settled.payload.content) else values.items():
                    self.stored[place][key] = stored[place, key] = value
            elif settled.outcome is not Outcome.ACCEPTED:
                self.now_there.pop(key, None)
        if stored:
            write(lambda conn: put_sent_values(conn, self.destination, stored))

    def arrived(self, key: KeyHash, sent: Mapping[str, Any], write: Callable[[Write], None]) -> None:
        """Store the hashes of what was sent of a record that a read-back has found."""
        stored = value_hashes(key, sent, self.fields)
        for (place, _), value in stored.items():
            self.stored[place][key] = value
        write(lambda conn: put_sent_values(conn, self.destination, stored))

    def in_flight(self, payload: Payload) -> Mapping[str, int]:
        """The hashes of the values that a payload has, by field."""
        return self.sending.get((_key_hash(payload), payload.content), {})

    def resume(self, records: Sequence[JobRecord]) -> None:
        """Take over the values of a job that an earlier process left: `delivered` stores them when it has ended.

        Called for the oldest job first.
        """
        for record in records:
            values = {each.place: record.values[each.place] for each in self.fields if each.place in record.values}
            self.sending[record.hash, record.content] = dict(values)
            self.left.setdefault(record.hash, []).append(record.content)
            for place, value in values.items():
                self.pending.setdefault((record.hash, place), set()).add(value)

    def _has_newer(self, key: KeyHash, content: int) -> bool:
        """Whether a job that was left has delivered a newer version: Custify executes jobs in their order."""
        left = self.left.get(key, [])
        if content not in left:
            return False
        place = left.index(content)
        left.pop(place)
        return any((key, newer) not in self.sending for newer in left[place:])

    # ── reading ──────────────────────────────────────────────────────────────

    async def _read(self, waiting: Sequence[Mapping[str, Any]]) -> AccountObjects:
        """The objects that the payloads write. Raises FailedReadError and ReadRefusedError."""
        if self.everything is None and len(waiting) <= MOST_SINGLE:
            return await self._read_singly(AccountObjects(self.form), waiting)
        if self.everything is None:
            self.everything = await self._read_list()
        found = self.everything
        if found.gap is None:
            return found
        return await self._read_singly(found, [sent for sent in waiting if found.find(sent) is None])

    async def _read_list(self) -> AccountObjects:
        found = AccountObjects(self.form)
        async for page in ObjectReader(self.reader, self.base_url, self.form.objects, {}).pages(()):
            for each in page.objects:
                found.add(each)
            found.gap = page.state.gap or found.gap
        return found

    async def _read_singly(self, found: AccountObjects, waiting: Sequence[Mapping[str, Any]]) -> AccountObjects:
        """`found`, with the objects that these payloads write."""
        for objects in await asyncio.gather(*(self._read_one(sent) for sent in waiting)):
            for each in objects:
                found.add(each)
        return found

    async def _read_one(self, sent: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """What Custify has under the first id of a payload that it knows."""
        for name in self.form.by:
            text = member_text(sent, name)
            page = () if text is None else await self._under(name, text)
            if page:
                return page
        return ()

    async def _under(self, name: str, text: str) -> Sequence[Mapping[str, Any]]:
        url = f"{self.base_url.rstrip('/')}{self.template.path['native']}"
        url = f"{url}/{quote(text, safe='')}" if name == OWN_ID else f"{url}?{urlencode({name: text})}"
        answer = await self.reader.read(url)
        if isinstance(answer, Failed) and answer.status == 404:
            return ()
        page = self.reader.page_in(answer, lambda found: list_page(unwrapped(found), list_of(self.form).member))
        if isinstance(page, Failed):
            raise FailedReadError(page)
        return page.objects


# ── counting ─────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class PlannedReads:
    """How many requests a run would read with, chunk by chunk; of a list, as many as the remembered keys take."""

    form: ReadForm
    fields: Sequence[UnchangedField]
    remembered: int
    _has_list: bool = False

    @staticmethod
    def of(ctx: Context, prepared: Prepared, memory: Memory | None) -> PlannedReads | None:
        """None where no field of the destination has `if_unchanged`."""
        template = record_template(ctx, prepared) if prepared.compiled.unchanged else None
        if template is None or template.read is None:
            return None
        return PlannedReads(template.read, prepared.compiled.unchanged, 0 if memory is None else len(memory))

    def add(self, payloads: Sequence[Payload], memory: Memory | None, hashes: Words) -> int:
        """The requests for a chunk; `hashes` are those of the payloads' keys."""
        if self._has_list or not payloads:
            return 0
        knows = [False] * len(payloads) if memory is None else memory.knows(hashes).tolist()
        every = [(orjson.loads(payload.text), known) for payload, known in zip(payloads, knows, strict=True)]
        waiting = [each for each in every if places_in(each[0], self.fields)]
        if len(waiting) <= MOST_SINGLE:
            return sum(1 if known else self._ids(sent) for sent, known in waiting)
        self._has_list = True
        return max(1, -(-self.remembered // list_of(self.form).size))

    def _ids(self, sent: Mapping[str, Any]) -> int:
        """A new object is looked up by each of its ids."""
        return sum(member_text(sent, name) is not None for name in self.form.by)


# ── values ───────────────────────────────────────────────────────────────────────────────


class _Missing:
    """There is no such member."""


MISSING = _Missing()


def list_of(form: ReadForm) -> ApiList:
    """The list that has the objects."""
    assert form.objects != "custom_data"  # `unchanged_fields` refuses it
    return API_LISTS[form.objects]


def places_in(sent: Mapping[str, Any], fields: Sequence[UnchangedField]) -> list[UnchangedField]:
    """The fields that a payload has."""
    return [each for each in fields if value_at(sent, each.place) is not MISSING]


def value_hashes(
    key: KeyHash, sent: Mapping[str, Any], fields: Sequence[UnchangedField]
) -> dict[tuple[str, KeyHash], int]:
    """The hashes of the values that a payload has of the fields, by place and key."""
    return {(each.place, key): value_hash(value_at(sent, each.place)) for each in places_in(sent, fields)}


def value_at(within: Mapping[str, Any], place: str) -> Any:
    """The value of `plan` or `custom_attributes.plan`; MISSING where there is none."""
    container, _, name = place.rpartition(".")
    inner = within.get(container) if container else within
    return inner.get(name, MISSING) if isinstance(inner, Mapping) else MISSING


def without(payload: Payload, places: Sequence[str]) -> Payload:
    """The payload without these members. Its content hash stays: the next run sends nothing because of them."""
    body = read_record(payload.text.decode())
    for place in places:
        container, _, name = place.rpartition(".")
        del (body[container] if container else body)[name]
    return payload._replace(text=write_record(body).encode())


def value_hash(value: Any) -> int:
    """A 64-bit hash of a value, the same for values that Custify takes as equal."""
    return xxhash.xxh3_64_intdigest(value_form(value).encode(errors="surrogatepass"))


NOTHING = value_hash(None)


def _hash(opened: OpenChunk, payload: Payload) -> KeyHash:
    high, low = opened.hashes[payload.ordinal - opened.first]
    return int(high), int(low)


def _key_hash(payload: Payload) -> KeyHash:
    high, low = key_hashes([payload.key])[0]
    return int(high), int(low)
