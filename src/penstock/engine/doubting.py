"""What a run makes of a restored state, which does not know what was sent after its backup."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from penstock.engine.preparing import Prepared
from penstock.model.outcome import Refusal
from penstock.stores import restored


class Doubt(NamedTuple):
    """`hold`: why nothing may be sent now that a lost state may have sent; `forgetful`: memory does not count."""

    hold: Refusal | None = None
    forgetful: bool = False


def doubt(conn: Connection, prepared: Prepared) -> Doubt:
    """None of both, unless the state was restored and this destination has not come to an end since."""
    found = restored.doubt(conn, prepared.spec.name)
    if found is None:
        return Doubt()
    if not prepared.once:
        return Doubt(forgetful=found.resend_all)
    reason = f"the state was restored from a backup of {found.made_at}: this may have been sent after it"
    accepted = "a look at Custify: did it arrive? then settle or discard it, else resend it"
    return Doubt(hold=Refusal("restored", reason, accepted=accepted))
