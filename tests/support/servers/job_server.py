"""A native batch endpoint in a thread of the test, which chooses the documents of the jobs."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class JobServer:
    """`answer(n, jobs)` is the document of the n-th job (from 1); a status code instead is the reply to its poll."""

    answer: Callable[[int, list[Any]], Any]
    url: str = ""
    posted: list[list[Any]] = field(default_factory=list)
    companies: list[dict[str, Any]] = field(default_factory=list)  # what `GET /company?company_id=…` finds
    polled: Event = field(default_factory=Event)

    def results(self, number: int) -> Any:
        return self.answer(number, self.posted[number - 1])


def pending(_number: int, _jobs: list[Any]) -> Any:
    return {"status": "pending"}


def good(_number: int, jobs: list[Any]) -> Any:
    return {"status": "completed", "results": [{"index": n, "status": "success"} for n in range(len(jobs))]}


@contextmanager
def job_server(answer: Callable[[int, list[Any]], Any]) -> Iterator[JobServer]:
    jobs_server = JobServer(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            jobs_server.posted.append(body["jobs"])
            self._reply(202, {"id": f"j{len(jobs_server.posted)}", "status": "pending"})

        def do_GET(self) -> None:
            if not self.path.startswith("/batch/j"):
                found = [
                    each for each in jobs_server.companies if self.path.endswith(f"company_id={each['company_id']}")
                ]
                self._reply(200, {"companies": found, "total": len(found)})
                return
            number = int(self.path.removeprefix("/batch/j"))
            self._reply(200, {"id": f"j{number}", **jobs_server.results(number)})
            jobs_server.polled.set()

        def _reply(self, status: int, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    jobs_server.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield jobs_server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
