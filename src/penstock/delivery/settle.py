"""Whether a record without an answer arrived, decided by what was written down, what was read, and when. Pure.

`without_read` and `read_url` say what to read; `finding` and `note_findings` decide. Presence counts at once, absence
only in a read that began `settle_after` seconds after the record was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from penstock.clock import iso
from penstock.delivery.objects import (
    Listing,
    ListPage,
    Object,
    differing_field,
    external_id,
    moment,
    note_forms,
    note_hashes,
    remote_id,
    same_value,
)
from penstock.delivery.replies import identifier_text
from penstock.model.delivery import SentNote, SettleKind

MARGIN = timedelta(seconds=300)  # by which Custify's clock and ours may differ
LONGEST = 80  # characters of an identifier in a reason
OWN_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)  # the form of Custify's own ids


class ReadBackFinding(NamedTuple):
    """What a read-back shows about one record. `remote_id` is Custify's id of what arrived, where it is known.

    Who acts on an arrived note stores `remote_id` with it (`sent_note`): else it would be found again for another
    record with the same text.
    """

    state: Literal["not there", "arrived", "cannot tell"]
    reason: str
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a manual request is read back: an absolute URL without macros, and a JSONPath (RFC 9535) on its reply."""

    url: str
    found: str


@dataclass(frozen=True, slots=True)
class SentRecord:
    """One record whose outcome is unknown, as it was written down before its request left."""

    id: str
    kind: SettleKind
    body: Mapping[str, Any] | None  # the JSON that was sent for this record; None: not stored whole
    url: str  # absolute, with query
    sent_at: datetime  # with a time zone; not before the first byte
    recipe: Recipe | None = None
    why: str = "it cannot be read back"  # the reason of `unreadable`


class ReadAt(NamedTuple):
    """When a read began: the time of day, and the seconds for which all of its records were already sent."""

    now: datetime
    waited: float = 0.0

    def early_s(self, sent_at: datetime, settle_after: float) -> float:
        """The seconds by which a read is too early to show that a record is not there; 0 when it is not."""
        return max(0.0, settle_after - max(self.waited, (self.now - sent_at).total_seconds()))


# ── what to read ──────────────────────────────────────────────────────────────────────


def without_read(record: SentRecord) -> ReadBackFinding | None:
    """The finding where nothing can be read; None where something can. ValueError for `repeatable`."""
    if record.kind == "repeatable":
        raise ValueError("a record that may be sent again is not read back")
    if record.kind == "unreadable":
        return ReadBackFinding("cannot tell", record.why)
    if record.kind == "recipe":
        return (
            ReadBackFinding("cannot tell", "its request has no settle: {url, found}") if record.recipe is None else None
        )
    if record.body is None:
        return ReadBackFinding("cannot tell", "what was sent is not stored whole")
    missing = next((name for name in NEEDED.get(record.kind, ("externalId",)) if not _identifier(record, name)), None)
    if missing is not None:
        return ReadBackFinding("cannot tell", f"it was sent without {missing}, by which it would be found")
    if record.kind == "custom_object" and _owner(record) is None:
        return ReadBackFinding("cannot tell", "it was sent without company_id and user_id, by which it would be found")
    return None


NEEDED: Mapping[SettleKind, tuple[str, ...]] = {"note": ("entity", "text"), "custom_object": ("data_type", "data_id")}


def read_url(record: SentRecord) -> str:
    """The URL of the first read of a record that `without_read` lets pass; of a note, the list of its entity."""
    if record.kind == "recipe":
        assert record.recipe is not None
        return record.recipe.url
    if record.kind == "note":
        return f"{list_url(record)}/{quote(_identifier(record, 'entity'), safe='')}"
    if record.kind == "custom_object":
        owner = _owner(record)
        assert owner is not None
        place, query = owner
        return f"{place}?{urlencode([*query, *((name, _identifier(record, name)) for name in NEEDED[record.kind])])}"
    return f"{list_url(record)}?{urlencode([('externalId', _identifier(record, 'externalId'))])}"


def list_url(record: SentRecord) -> str:
    """The URL of all objects of the record's kind: where it was sent, without query and without Custify's own id."""
    parts = urlsplit(record.url)
    path = parts.path.rstrip("/")
    last = path.rsplit("/", 1)[-1]
    return urlunsplit(
        (parts.scheme, parts.netloc, path.removesuffix(f"/{last}") if OWN_ID.fullmatch(last) else path, "", "")
    )


def _owner(record: SentRecord) -> tuple[str, list[tuple[str, str]]] | None:
    """The path and query by which the custom data of a record's company or person is read."""
    parts = urlsplit(record.url)
    place = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
    named = [(name, value) for name, value in parse_qsl(parts.query) if name in ("company_id", "user_id")]
    if named or OWN_ID.fullmatch(place.rsplit("/", 1)[-1]):
        return place, named
    for name in ("company_id", "user_id"):
        if _identifier(record, name):
            return place, [(name, _identifier(record, name))]
    return None


def _identifier(record: SentRecord, name: str) -> str:
    """An identifier in what was sent, as text; "" when it has none."""
    return identifier_text((record.body or {}).get(name)) or ""


# ── what it means ────────────────────────────────────────────────────────────────────────


def needs_list(record: SentRecord, page: ListPage) -> bool:
    """Whether the reply to a read by `externalId` shows that this filter was ignored: then the list has to be read."""
    if record.kind == "custom_object" or any(_is_it(record, each) for each in page.objects):
        return False
    return bool(page.objects) or page.total not in (None, 0)


def finding(record: SentRecord, listing: Listing, at: ReadAt, settle_after: float) -> ReadBackFinding:
    """The finding for a record of any kind but `note`. Of a recipe, `listing` has the values of its JSONPath."""
    if record.kind == "recipe":
        if listing.objects:
            return ReadBackFinding("arrived", "the read-back of this request finds it")
        return _absent(record, listing, at, settle_after, "the read-back of this request does not find it")
    found = [each for each in listing.objects if _is_it(record, each)]
    what = _name(record)
    if record.kind == "task":
        return _task_finding(record, found, listing, at, settle_after)
    differing = [(_differing(record, each), each) for each in found]
    equal = next((each for field, each in differing if field is None), None)
    if equal is not None:
        return ReadBackFinding("arrived", f"Custify has the {what} with every value that was sent", remote_id(equal))
    if differing:
        whole = Listing(found)  # the id is unique: other objects do not matter
        return _absent(record, whole, at, settle_after, f"Custify has the {what} with another {differing[0][0]}")
    return _absent(record, listing, at, settle_after, f"Custify has no {what}")


def _task_finding(
    record: SentRecord, found: Sequence[Object], listing: Listing, at: ReadAt, settle_after: float
) -> ReadBackFinding:
    """The finding for a task; `found` have its externalId.

    Custify does not make it unique: other destinations, and earlier runs in mode `all`, may have sent one with it.
    """
    what, since = _name(record), record.sent_at - MARGIN
    own = [each for each in found if (created := _created(each)) is None or created >= since]
    equal = [each for each in own if same_value((record.body or {}).get("name"), each.get("name"))]
    if equal:
        return ReadBackFinding("arrived", f"Custify has a {what}", remote_id(equal[0]))
    if own:
        return ReadBackFinding("cannot tell", f"Custify has a {what}, but with another name")
    when = " that was created since it was sent" if found else ""
    return _absent(record, listing, at, settle_after, f"Custify has no {what}{when}")


def _absent(record: SentRecord, listing: Listing, at: ReadAt, settle_after: float, reason: str) -> ReadBackFinding:
    """`not there`, if all was read, and late enough."""
    if listing.gap is not None:
        return ReadBackFinding("cannot tell", listing.gap)
    if at.early_s(record.sent_at, settle_after) > 0:
        return ReadBackFinding(
            "cannot tell", f"{reason}, but it was read less than {settle_after:g} s after it was sent"
        )
    return ReadBackFinding("not there", reason)


def _is_it(record: SentRecord, found: Object) -> bool:
    if record.kind == "custom_object":
        return all(identifier_text(found.get(name)) == _identifier(record, name) for name in NEEDED[record.kind])
    return external_id(found) == _identifier(record, "externalId")


def _name(record: SentRecord) -> str:
    if record.kind == "custom_object":
        data_type, data_id = (_identifier(record, name)[:LONGEST] for name in NEEDED[record.kind])
        return f"custom data object {data_type} {data_id}"
    return f"{record.kind} with externalId {_identifier(record, 'externalId')[:LONGEST]}"


def _differing(record: SentRecord, found: Object) -> str | None:
    """The field in which an object differs from what was sent. The members of custom data are replaced as a whole."""
    body = record.body or {}
    if record.kind != "custom_object":
        return differing_field({name: value for name, value in body.items() if name != "externalId"}, found)
    sent, got = body.get("data"), found.get("data")
    sent, got = (value if isinstance(value, Mapping) else {} for value in (sent, got))
    field = differing_field(sent, got) or differing_field(got, sent)
    return None if field is None else f"data.{field}"


# ── notes ─────────────────────────────────────────────────────────────────────────────────


def sent_note(credential: str, body: Mapping[str, Any], remote_id: str | None, at: str) -> SentNote | None:
    """The row of a delivered note; None for a body without entity or text."""
    entity, text = identifier_text(body.get("entity")), identifier_text(body.get("text"))
    return None if entity is None or text is None else SentNote(credential, entity, remote_id, note_hashes(text), at)


def shows_our_text(listing: Listing, known: Sequence[SentNote]) -> bool:
    """Whether a delivered note of ours was returned with a text that compares equal to the one sent."""
    forms = {note.remote_id: set(note.forms) for note in known if note.remote_id is not None}
    return any(forms.get(remote_id(each) or "", set()) & _forms(each) for each in listing.objects)


def note_findings(
    records: Sequence[SentRecord],
    listing: Listing,
    known: Sequence[SentNote],
    at: ReadAt,
    settle_after: float,
    *,
    comparable: bool,
) -> dict[str, ReadBackFinding]:
    """The findings for all unknown notes of one entity, by `SentRecord.id`; `listing` has the entity's notes.

    `known` are the delivered notes of ours on this entity. `comparable`: the account has returned a delivered note of
    ours with an equal text, so that a text that is not found is not there.
    """
    ours = {note.remote_id for note in known if note.remote_id is not None}
    entity = _identifier(records[0], "entity")
    others = [each for each in listing.objects if remote_id(each) not in ours and each.get("entity") in (None, entity)]
    found: dict[str, ReadBackFinding] = {}
    for group in _with_equal_texts(records):
        since = group[0].sent_at - MARGIN
        forms = {form for record in group for form in _forms(record.body or {})}
        recent = [each for each in others if _may_be_ours(each, since)]
        like = [each for each in recent if _forms(each) & forms or not _forms(each)]
        certain = [each for each in like if _is_ours(each)]
        silent = sum(
            1 for note in known if note.remote_id is None and forms & {*note.forms} and _is_since(note.at, since)
        )
        alike = len({note_forms(_identifier(record, "text"))[0] for record in group}) == 1
        count = max(0, len(certain) - silent)
        if count < len(group) and not alike:
            count = 0
        for record, each in zip(group[:count], sorted(certain, key=_age), strict=False):
            found[record.id] = ReadBackFinding("arrived", "Custify has this note", remote_id(each))
        doubt = _doubt(
            unclear=len(like) > len(certain),
            silent=silent > 0,
            unlike=len(certain) > 0 and not alike,
            changed=len(recent) > 0 and count == 0 and not comparable,
        )
        for record in group[count:]:
            rest = listing if doubt is None or listing.gap is not None else Listing((), doubt)
            found[record.id] = _absent(record, rest, at, settle_after, "Custify has no such note")
    return found


def _doubt(*, unclear: bool, silent: bool, unlike: bool, changed: bool) -> str | None:
    """Why a note that was not found may be in Custify all the same; None when it is not."""
    if unclear:
        return "Custify has a note that may be this one, but not who created it, when, or its text"
    if silent:
        return "another note with this text was delivered, and it is not known which one it is"
    if unlike:
        return "several notes with nearly this text were sent, and Custify has fewer"
    return "Custify has notes that an API created since, and may have changed the text of this one" if changed else None


def _with_equal_texts(records: Sequence[SentRecord]) -> list[list[SentRecord]]:
    """The records grouped by equal texts, in the order in which they were sent."""
    groups: list[tuple[set[int], list[SentRecord]]] = []
    for record in sorted(records, key=lambda record: (record.sent_at, record.id)):
        forms = _forms(record.body or {})
        alike = [group for group in groups if group[0] & forms]
        merged = sorted((each for _, some in alike for each in some), key=lambda each: (each.sent_at, each.id))
        groups = [group for group in groups if group not in alike]
        groups.append((forms.union(*(forms for forms, _ in alike)), [*merged, record]))
    return [some for _, some in groups]


def _forms(note: Object) -> set[int]:
    """The hashes of a note's text; none without a text."""
    text = identifier_text(note.get("text"))
    return set() if text is None else set(note_hashes(text))


def _is_ours(note: Object) -> bool:
    """Whether a note that may be ours is certain to be one that an API created, at a known time, with a text."""
    return note.get("createdByType") == "api" and _created(note) is not None and bool(_forms(note))


def _may_be_ours(note: Object, since: datetime) -> bool:
    """Whether an API may have created a note since then: what the note does not say may be so."""
    created = _created(note)
    return note.get("createdByType") in (None, "api") and (created is None or created >= since)


def _is_since(at: str, since: datetime) -> bool:
    delivered = moment(at)
    return delivered is None or delivered >= since


def _created(note: Object) -> datetime | None:
    return moment(note.get("created_at", note.get("createdAt")))


def _age(note: Object) -> tuple[str, str]:
    created = _created(note)
    return "" if created is None else iso(created), remote_id(note) or ""
