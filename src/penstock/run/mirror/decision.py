"""Decides which deletions a run of a mirror carries out, and makes the hash that approves a set of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import orjson

from penstock.model.record import Key
from penstock.model.spec import OnDelete

SHARE = 0.05  # of the delivered keys, unless `mirror_max_share` says otherwise
HASH_BYTES = 8
ROUNDING = 1e-9  # a share of a whole number of keys is that number


class MirrorFacts(NamedTuple):
    """What is known when a read of the dataset has ended.

    `delivered` are the keys that count as delivered, `decided` of those that left had their deletion decided before,
    with the `on_delete` of now, `left` are the others. `unseen` is how many records were refused whose identity cannot
    be read: the object of any key that left may be theirs. `incomplete`: why the read may lack records that are there;
    None if it has them all.
    `restored`: when the backup was made from which this state was restored, until a person confirms.
    """

    records: int
    delivered: int
    left: int
    decided: int = 0
    unseen: int = 0
    share: float | None = None
    incomplete: str | None = None
    restored: str | None = None
    approved: bool = False


class MirrorDecision(NamedTuple):
    """`continues`: the deletions decided before are carried out; `deletes`: so are the others that left.

    `withheld`: a person may approve the others. `reason` says why they are not carried out.
    """

    continues: bool
    deletes: bool
    withheld: bool = False
    reason: str | None = None

    def deleted(self, decided: int, left: int) -> int:
        """How many are deleted of so many that were decided before and others that left."""
        return decided * self.continues + left * self.deletes


def decide(facts: MirrorFacts) -> MirrorDecision:
    """Which deletions are carried out. An approval is a person's confirmation after a restore, too."""
    if facts.incomplete is not None:
        return MirrorDecision(False, False, False, f"the read was not complete: {facts.incomplete}")
    if facts.records == 0:
        return MirrorDecision(False, False, False, "the dataset is empty")
    if facts.left == 0 and facts.restored is None:
        return MirrorDecision(True, True)
    if facts.approved:
        return MirrorDecision(True, True)
    if facts.restored is not None:
        reason = f"the state was restored from a backup of {facts.restored}, and nobody has confirmed deletions since"
        return MirrorDecision(False, False, facts.left + facts.decided > 0, reason)
    if facts.unseen:
        reason = (
            f"{facts.unseen} records were refused, and the ids of their objects cannot be read: they may be objects of "
            "keys that left"
        )
        return MirrorDecision(True, False, True, reason)
    share = SHARE if facts.share is None else facts.share
    most = int(share * facts.delivered + ROUNDING)
    if facts.left > most:
        reason = f"{facts.left} of {facts.delivered} delivered keys are more than the share of {share:g}"
        return MirrorDecision(True, False, True, reason)
    return MirrorDecision(True, True)


def deletes_hash(destination: str, on_delete: OnDelete, keys: Sequence[Key], used: Collection[str]) -> str | None:
    """The hash of a set of deletions; None for no keys. The same set has another one after each use of its hash."""
    if not keys:
        return None
    what = "delete" if on_delete.set is None else _text(on_delete.set)
    digest = blake2b(digest_size=32)
    for part in (destination, what):
        digest.update(orjson.dumps(part))
    for key in keys:
        digest.update(orjson.dumps(key))
    base = digest.digest()
    for number in range(len(used) + 1):
        found = blake2b(base + number.to_bytes(8), digest_size=HASH_BYTES).hexdigest()
        if found not in used:
            break
    return found


def hash_together(hashes: Sequence[str | None]) -> str | None:
    """The hash that approves the deletions of several destinations; of a single one its own."""
    found = [each for each in hashes if each is not None]
    if len(found) < 2:
        return found[0] if found else None
    return blake2b(" ".join(found).encode(), digest_size=HASH_BYTES).hexdigest()


def _text(values: Mapping[str, object]) -> str:
    return orjson.dumps(dict(values), option=orjson.OPT_SORT_KEYS).decode()
