"""The approval of deletions: a hash is valid once, and for exactly the deletions that a plan lists now."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.model.errors import InputError, Problem
from penstock.model.runs import PlanReport
from penstock.model.spec import DestinationSpec, FlowSpec, Mode
from penstock.run.context import Context
from penstock.run.preparation.prepare import prepare
from penstock.store.runs import deletions, runs
from penstock.usecases.preview import plan, plan_flow


def approved_by(ctx: Context, spec: DestinationSpec | FlowSpec, hash_: str) -> Mapping[str, str]:
    """The destinations whose present deletions the hash approves, each with the hash of its own.

    Empty if an unfinished run, which the next one continues, has used it. InputError if it approves nothing.
    """
    names = spec.destinations if isinstance(spec, FlowSpec) else (spec.name,)
    mirrors = [name for name in names if ctx.destination(name).mode is Mode.MIRROR]
    if not mirrors:
        message = f"{spec.name} deletes nothing: only destinations with `mode: mirror` do"
        raise _refused("no-deletes", message, "leave it out", hash_)
    with ctx.database.read() as conn:
        for name in mirrors:
            run = deletions.used_hashes(conn, name).get(hash_)
            if run is None:
                continue
            last = runs.unfinished(conn, name)
            if last is not None and run == last.id:
                return {}
            message = f"the run {run} has deleted what {hash_} approved: a hash is valid once"
            raise _refused("used-hash", message, f"`penstock plan {spec.name}` shows what would be deleted now", hash_)
    parts = _parts(ctx, spec)
    for part in parts:
        if part.deletes_hash == hash_:
            own = part.destinations or (part,)
            return {str(one.destination): one.deletes_hash for one in own if one.deletes_hash is not None}
    message = f"{hash_} is not the hash of what would be deleted now, so nothing is sent and nothing deleted"
    raise _refused("wrong-hash", message, f"look at `penstock plan {spec.name}`, and give its `deletes_hash`", hash_)


def _parts(ctx: Context, spec: DestinationSpec | FlowSpec) -> tuple[PlanReport, ...]:
    """The plan of a destination; of a flow the whole one, and those of its destinations."""
    if isinstance(spec, FlowSpec):
        whole = plan_flow(ctx, spec)
        return (whole, *whole.destinations)
    return (plan(ctx, prepare(ctx, spec, whole=True)),)


def _refused(code: str, message: str, hint: str, found: str) -> InputError:
    return InputError(Problem("--allow-deletes", message, code, hint, found))
