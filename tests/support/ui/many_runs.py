"""Many finished runs, written directly into the state."""

import sqlite3

from support.service.service_process import ServiceProcess


def many_runs(served: ServiceProcess, count: int) -> str:
    """One real run and many copies of it; returns the destination's name."""
    value = {"dataset": "contacts", "credential": "acme", "template": "upsert_person", "fields": {"email": "email"}}
    served.call("POST", "/destinations", {"name": "often", "value": {**value, "active": True}})
    run = served.call("POST", "/runs", {"target": "often"})["run"]
    served.until(lambda: served.call("GET", f"/runs/{run}")["status"] not in {"queued", "running"})
    db = sqlite3.connect(served.folder / ".penstock" / "state.db", timeout=30)
    try:
        db.row_factory = sqlite3.Row
        row = dict(db.execute("select * from runs where id = ?", (run,)).fetchone())
        names = ", ".join(f'"{name}"' for name in row)
        places = ", ".join(f":{name}" for name in row)
        many = ({**row, "id": f"{run}-{n:05}"} for n in range(count - 1))
        db.executemany(f"insert into runs ({names}) values ({places})", many)
        db.commit()
    finally:
        db.close()
    return "often"
