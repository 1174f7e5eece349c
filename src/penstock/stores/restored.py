"""What a restored state does not know: what was sent between the backup and now.

A destination whose requests may be sent twice just sends again. One whose requests may not (notes, tasks, manual POST)
holds what it would send as `unknown` until a run of it has come to its end, or a person has activated it again.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from penstock.stores.settings import put_setting, setting

NAME = "restored"


@dataclass(frozen=True, slots=True)
class Restored:
    """A state that was restored at `at` from a backup of `made_at`; `settled` are destinations that have gone on since.

    With `resend_all` the memory of what can be sent twice counts for nothing until then.
    """

    made_at: str
    at: str
    resend_all: bool = False
    settled: frozenset[str] = frozenset()


def note(conn: Connection, restored: Restored) -> None:
    document = {
        "made_at": restored.made_at,
        "resend_all": restored.resend_all,
        "settled": sorted(restored.settled),
    }
    put_setting(conn, NAME, document, by="restore", at=restored.at)


def known(conn: Connection) -> Restored | None:
    """What was restored; None when this state never was."""
    found = setting(conn, NAME)
    if found is None:
        return None
    document = found.document
    return Restored(document["made_at"], found.at, document["resend_all"], frozenset(document["settled"]))


def doubt(conn: Connection, destination: str) -> Restored | None:
    """The restoring that this destination has not gone on from; None when it may trust its memory."""
    found = known(conn)
    return None if found is None or destination in found.settled else found


def settle(conn: Connection, destination: str) -> None:
    """From here on the memory of this destination is whole again. Inside a write transaction."""
    found = doubt(conn, destination)
    if found is not None:
        note(conn, Restored(found.made_at, found.at, found.resend_all, found.settled | {destination}))
