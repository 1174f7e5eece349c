"""The members of an object in Custify that differ from a payload. Pure.

Values are compared as Custify types them (`same_value`); members that a payload does not have are no difference. The
forms of replies are those of `docs/custify-api.md`: an assignee that is sent by e-mail is returned by id, with the
e-mail beside it, companies of a person as Custify's own ids, and the description of a task as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from penstock.delivery.objects import Object, differing_field, external_id, note_forms, remote_id, same_value
from penstock.delivery.replies import identifier_text

CompanyIdOf = Callable[[str], str | None]  # Custify's own id of a company → our company_id

OWN_IDS = frozenset({"id", "_id", "entityModel"})  # members by which an object is addressed
UNSET = "$unset"
LINKS = frozenset({"companies", "parent_companies"})
SHOWN_IN_READS = frozenset({"companies"})  # of the links; others are compared only where a reply has them
BESIDE = ("Email", "_email")  # ends of the members that name a Custify user by e-mail beside the user's id
AS_HTML = frozenset({"description"})
BY_OWN_ID = {"company_id": "company"}  # members whose object a reply may name by Custify's own id alone
LINK_FIELDS = LINKS | BY_OWN_ID.keys()
UNREADABLE = {"user_id": "people"}  # those that cannot be found out from Custify's own id


class FieldDifference(NamedTuple):
    """`field` is the member's name in the request, `custom_attributes.x` for one of an inner object."""

    field: str
    ours: Any
    theirs: Any


def differences(
    sent: Mapping[str, Any], found: Object, company_id_of: CompanyIdOf, apart: frozenset[str] = frozenset()
) -> list[FieldDifference]:
    """The members of a payload that Custify's object has otherwise. Fields named in `apart` are not compared."""
    each = (some for name, value in sent.items() for some in _of_member(name, value, found, company_id_of))
    return [one for one in each if one.field not in apart]


def _of_member(name: str, value: Any, found: Object, company_id_of: CompanyIdOf) -> Iterator[FieldDifference]:
    if name in OWN_IDS:
        return
    if name == UNSET:
        cleared = ((path, _at(found, path)) for path in value)
        yield from (FieldDifference(path, None, theirs) for path, theirs in cleared if theirs is not None)
    elif name in LINKS:
        yield from _of_links(name, value, found, company_id_of)
    elif isinstance(value, Mapping):
        parts = ((f"{name}.{part}", ours, _at(found, f"{name}.{part}")) for part, ours in value.items())
        yield from (FieldDifference(*each) for each in parts if not same_value(*each[1:]))
    else:
        yield from _of_value(name, value, found, company_id_of)


def _at(found: Object, path: str) -> Any:
    """The value of `plan` or `custom_attributes.plan`."""
    container, _, name = path.partition(".")
    inner = found.get(container)
    if not name:
        return inner
    return inner.get(name) if isinstance(inner, Mapping) else None


def _of_value(name: str, value: Any, found: Object, company_id_of: CompanyIdOf) -> Iterator[FieldDifference]:
    theirs = external_id(found) if name == "externalId" else found.get(name)
    if theirs is None and name in BY_OWN_ID:
        own = identifier_text(found.get(BY_OWN_ID[name]))
        theirs = None if own is None else company_id_of(own)
    if theirs is None and found.get(UNREADABLE.get(name, "")) is not None:
        return
    beside = [found[name + end] for end in BESIDE if found.get(name + end) is not None]
    if not any(_is_same(name, value, each) for each in (theirs, *beside)):
        yield FieldDifference(name, value, beside[0] if beside else theirs)


def _is_same(name: str, ours: Any, theirs: Any) -> bool:
    if same_value(ours, theirs):
        return True
    if isinstance(ours, list) and isinstance(theirs, list):
        return _same_items(ours, theirs)
    if not isinstance(ours, str) or not isinstance(theirs, str):
        return False
    if name == "email":
        return ours.lower() == theirs.lower()
    return name in AS_HTML and not set(note_forms(ours)).isdisjoint(note_forms(theirs))


def _same_items(ours: Sequence[Any], theirs: Sequence[Any]) -> bool:
    """Whether two lists have the same items: objects in their order, by the members that were sent; texts in any."""
    if len(ours) != len(theirs):
        return False
    if all(isinstance(item, Mapping) for item in (*ours, *theirs)):
        return all(differing_field(sent, got) is None for sent, got in zip(ours, theirs, strict=True))
    left = list(theirs)
    for item in ours:
        place = next((at for at, other in enumerate(left) if same_value(item, other)), None)
        if place is None:
            return False
        del left[place]
    return True


def _of_links(name: str, links: Sequence[Any], found: Object, company_id_of: CompanyIdOf) -> Iterator[FieldDifference]:
    """Links are added: others that Custify has are no difference, one that was to be removed is."""
    if name not in found and name not in SHOWN_IN_READS:
        return
    theirs = [_company(link, company_id_of) for link in found.get(name) or ()]
    wanted = [_company(link, company_id_of) for link in links if not _is_removal(link)]
    removed = [_company(link, company_id_of) for link in links if _is_removal(link)]
    if not set(wanted).issubset(theirs) or not set(removed).isdisjoint(theirs):
        yield FieldDifference(name, wanted, theirs)


def _is_removal(link: Any) -> bool:
    return isinstance(link, Mapping) and link.get("remove") is True


def _company(link: Any, company_id_of: CompanyIdOf) -> str:
    """The company_id of a link, however it is written; Custify's own id where the company has no other."""
    if isinstance(link, Mapping):
        ours = identifier_text(link.get("company_id"))
        if ours is not None:
            return ours
        link = remote_id(link)
    own = identifier_text(link) or ""
    return company_id_of(own) or own
