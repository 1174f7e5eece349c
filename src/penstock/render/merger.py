"""Several versions of one record merged into one payload, and a person's links to companies replaced. Pure.

The merged payload leaves Custify in the state in which the versions, sent one after the other, would leave it. Links
that were sent before and are no longer in the record are removed. A link is stored as the JSON text of its one pair,
`["company_id", "c1"]` or `["id", "5f…"]`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import xxhash

from penstock.model.outcome import Refusal
from penstock.model.record import Payload, Refused, Rendered
from penstock.render.renderer import OPTIONS, as_digits
from penstock.render.values.numbers import Digits
from penstock.templates.catalogue import MergeRules

INT64 = range(-(2**63), 2**63)
NOTHING = object()

MEMBER = "companies"


@dataclass(frozen=True, slots=True)
class Merger:
    """Merges the payloads of a destination. `bounded` says why a merged payload would be too large, or None."""

    rules: MergeRules
    bounded: Callable[[Mapping[str, Any]], Refusal | None]
    max_bytes: int | None = None

    def merge(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The versions of one key, in order, as few payloads as leave Custify the same; each has its `parts`.

        Two neighbours stay apart where one request cannot say both: they may mean different objects.
        """
        made: list[Payload] = []
        body = read_body(payloads[0].text)
        open_, parts = payloads[0], list[int]()
        for payload in payloads[1:]:
            newer = read_body(payload.text)
            both = self._both(open_, body, payload, newer)
            if both is None:
                made.append(self._closed(open_, body, parts))
                open_, body, parts = payload, newer, []
            else:
                parts.append(open_.ordinal)
                open_, body = payload, both
        return [*made, self._closed(open_, body, parts)]

    def _both(
        self, one: Payload, older: Mapping[str, Any], other: Payload, newer: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        if one.lookups or other.lookups or (one.url, one.headers) != (other.url, other.headers):
            return None
        if not same_object(self.rules, older, newer):
            return None
        if self.rules.whole:
            return newer if _covers(newer, older) else None
        both = overlay(self.rules, older, newer)
        if self.bounded(both) is not None:
            return None
        return None if self.max_bytes is not None and len(_text(both)) > self.max_bytes else both

    def _closed(self, newest: Payload, body: Mapping[str, Any], parts: Sequence[int]) -> Payload:
        if not parts or self.rules.whole:
            return newest._replace(parts=tuple(parts))
        text = _text(body)
        return newest._replace(text=text, content=xxhash.xxh3_64_intdigest(text) or 1, parts=tuple(parts))


def one_of_each(rendered: Rendered, sizes: Sequence[int], merger: Merger) -> Rendered:
    """Records that were merged before, rendered again: one payload, or one refusal, for each group of `sizes` records.

    Ordinals are the groups' numbers. A group is refused when one of its records is, or when they do not merge any more.
    """
    owners = [group for group, size in enumerate(sizes) for _ in range(size)]
    mine: list[list[Payload]] = [[] for _ in sizes]
    for payload in rendered.payloads:
        mine[owners[payload.ordinal]].append(payload)
    refused = {owners[one.ordinal]: one._replace(ordinal=owners[one.ordinal]) for one in rendered.refused}
    payloads: list[Payload] = []
    for group, parts in enumerate(mine):
        if group in refused:
            continue
        made = merger.merge(parts)
        if len(made) == 1:
            payloads.append(made[0]._replace(ordinal=group))
        else:
            reason = "the settings have changed, and its records cannot be sent as one request any more"
            refused[group] = Refused(group, parts[0].key, Refusal("versions", reason, accepted="a resend"))
    return Rendered(payloads, [refused[group] for group in sorted(refused)])


def read_body(text: bytes) -> Mapping[str, Any]:
    """A payload's JSON as Python with every digit of its numbers."""
    body: Mapping[str, Any] = json.loads(text, parse_float=Digits, parse_int=_whole)
    return body


def same_object(rules: MergeRules, older: Mapping[str, Any], newer: Mapping[str, Any]) -> bool:
    """Whether Custify certainly finds the same object for both payloads, whatever it has stored."""
    named = next((name for name in rules.identity if older.get(name) is not None), None)
    if named is None or next((name for name in rules.identity if newer.get(name) is not None), None) != named:
        return False
    if any(name in newer and newer[name] != older.get(name, NOTHING) for name in rules.identity):
        return False
    return all(newer[name] == older[name] for name in rules.same if name in newer and name in older)


def overlay(rules: MergeRules, older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    """The older payload with the newer one laid over it."""
    both = dict(older)
    for name, value in newer.items():
        before = both.get(name)
        if name in rules.united and isinstance(value, list) and isinstance(before, list):
            both[name] = _united(before, value)
        elif name in rules.overlaid and isinstance(value, dict) and isinstance(before, dict):
            both[name] = {**before, **value}
        elif name != rules.unset:
            both[name] = value
    if rules.unset is not None and (rules.unset in older or rules.unset in newer):
        _unset(rules.unset, both, older, newer)
    return both


def _unset(member: str, both: dict[str, Any], older: Mapping[str, Any], newer: Mapping[str, Any]) -> None:
    """Make sure that no field is both set and cleared in one request: the newer payload decides."""
    cleared = [name for name in older.get(member) or () if not _sets(newer, name)]
    for name in newer.get(member) or ():
        container, _, inner = name.partition(".")
        if inner and isinstance(both.get(container), dict):
            both[container] = {own: value for own, value in both[container].items() if own != inner}
            if not both[container]:
                del both[container]
        elif not inner:
            both.pop(name, None)
        if name not in cleared:
            cleared.append(name)
    if cleared:
        both[member] = cleared
    else:
        both.pop(member, None)


def _sets(body: Mapping[str, Any], path: str) -> bool:
    container, _, inner = path.partition(".")
    if not inner:
        return path in body
    return isinstance(body.get(container), dict) and inner in body[container]


def _united(older: Sequence[Any], newer: Sequence[Any]) -> list[Any]:
    """All links in order; of several links to one company the last one counts."""
    links = dict[str, Any]()
    for link in (*older, *newer):
        name = json.dumps([link.get("company_id"), link.get("id")]) if isinstance(link, dict) else json.dumps(link)
        links.pop(name, None)
        links[name] = link
    return list(links.values())


def _covers(newer: Mapping[str, Any], older: Mapping[str, Any]) -> bool:
    for name, value in older.items():
        mine = newer.get(name)
        if name not in newer or (
            isinstance(value, dict) and not (isinstance(mine, dict) and value.keys() <= mine.keys())
        ):
            return False
    return True


def _text(body: Mapping[str, Any]) -> bytes:
    return orjson.dumps(body, as_digits, OPTIONS)


def _whole(text: str) -> object:
    number = int(text)
    return number if number in INT64 else Digits(text)


def replaced(payload: Payload, sent_before: Collection[str], *, partial: bool) -> Payload:
    """The payload with a removal for each link sent before that it does not have; `links` are those it has.

    Of a `partial` record that says nothing of companies, the links stay as they are. The content hash stays.
    """
    body = read_body(payload.text)
    said = body.get(MEMBER)
    if partial and said is None:
        return payload
    listed: list[Mapping[str, Any]] = said if isinstance(said, list) else []
    links = tuple(dict.fromkeys(_written(link) for link in listed if link.get("remove") is not True))
    removed = {_written(link) for link in listed if link.get("remove") is True}
    gone = [link for link in sent_before if link not in links and link not in removed]
    if not gone:
        return payload._replace(links=links)
    removals = [{name: value, "remove": True} for name, value in (json.loads(link) for link in gone)]
    text = orjson.dumps({**body, MEMBER: [*removals, *listed]}, as_digits, OPTIONS)
    return payload._replace(text=text, links=links)


def _written(link: Mapping[str, Any]) -> str:
    name = "id" if link.get("company_id") is None else "company_id"
    return json.dumps([name, str(link[name])], ensure_ascii=False)
