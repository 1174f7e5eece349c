"""Posts that got 200 are stored after kill -9, and every post is stored whole or not at all."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from penstock.store.database import Database
from penstock.store.project import pushed

SERVICE = Path(__file__).parents[3] / "benchmarks" / "service_intake.py"
PROJECT = "sources:\n  app: {type: webhook, auth: none}\n"
POSTERS = 6


def posting(port: str, poster: int, answered: list[str], enough: threading.Event) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        for number in range(100_000):
            records = [{"id": f"{poster}-{number}-{part}"} for part in range(3)]
            try:
                reply = client.post("/hooks/app", json=records)
            except httpx.HTTPError:
                return
            assert reply.json() == {"accepted": 3}
            answered.extend(record["id"] for record in records)
            if len(answered) > 300:
                enough.set()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_accepted_records_are_stored_after_a_kill(tmp_path, monkeypatch, request, kind):
    monkeypatch.chdir(tmp_path)  # the local folder of a PostgreSQL state is made here
    url = f"sqlite:///{tmp_path / 'state.db'}" if kind == "sqlite" else request.getfixturevalue("postgres")
    (tmp_path / "penstock.yaml").write_text(PROJECT)
    command = [sys.executable, str(SERVICE), "--serve", str(tmp_path), "--database", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        answered: list[str] = []
        enough = threading.Event()
        threads = [threading.Thread(target=posting, args=(port, n, answered, enough)) for n in range(POSTERS)]
        for thread in threads:
            thread.start()
        assert enough.wait(60)
        os.kill(server.pid, signal.SIGKILL)
        for thread in threads:
            thread.join(30)
    database = Database.open(url)
    with database.read() as conn:
        kept = [record for _, part in pushed.after(conn, "app", 0) for record in part]
        assert pushed.received(conn, "app").received == len(kept)
    database.close()
    found = {record[len('{"id":"') : -2].strip() for record in kept}
    assert set(answered) <= found
    assert len(kept) % 3 == 0  # a post is stored whole or not at all
