"""An HTTP server that speaks as much of S3's protocol as a client needs that writes, reads and lists objects."""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 2  # objects in a page of a list; more are on the next one


@dataclass
class ObjectServer:
    """`objects` by bucket and key; a bucket that is not in `buckets` does not exist. `users` have signed a request."""

    buckets: set[str]
    address: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    cut_after: int | None = None  # parts of an upload that are accepted: no more


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: ObjectServer

    def log_message(self, *_args):
        pass

    def _answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status, code):
        self._answer(status, f"<Error><Code>{code}</Code><Message>refused: {code}</Message></Error>".encode())

    def _body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = _unchunked(self.rfile)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return _unchunked(io.BytesIO(body)) if "aws-chunked" in self.headers.get("Content-Encoding", "") else body

    def _dispatch(self):
        body = self._body()
        url = urlsplit(self.path)
        path = unquote(url.path).strip("/")
        asked = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        signed = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
        if signed is None:
            return self._refuse(403, "AccessDenied")
        self.store.users.add(signed[1])
        bucket = path.partition("/")[0]
        if bucket not in self.store.buckets:
            return self._refuse(404, "NoSuchBucket")
        if self.command == "GET" and "list-type" in asked:
            return self._list(bucket, asked)
        if self.command in {"PUT", "POST"}:
            return self._store(path, asked, body)
        return self._read(path)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _dispatch

    def _store(self, path, asked, body):
        store = self.store
        if self.command == "PUT" and "uploadId" not in asked:
            store.objects[path] = body
            return self._answer(200, ETag='"1"')
        if "uploads" in asked:
            upload = str(len(store.parts))
            store.parts[upload] = {}
            text = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            return self._answer(200, text.encode())
        parts = store.parts[asked["uploadId"]]
        if self.command == "PUT":
            if store.cut_after is not None and len(parts) >= store.cut_after:
                return self._refuse(403, "QuotaExceeded")
            parts[int(asked["partNumber"])] = body
            return self._answer(200, ETag='"1"')
        store.objects[path] = b"".join(parts[number] for number in sorted(parts))
        return self._answer(200, b'<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>')

    def _read(self, path):
        found = self.store.objects.get(path)
        if found is None:
            return self._refuse(404, "NoSuchKey")
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if span is None:
            return self._answer(200, found, Content_Length=str(len(found)))
        first, last = int(span[1]), min(int(span[2]), len(found) - 1)
        return self._answer(206, found[first : last + 1], Content_Range=f"bytes {first}-{last}/{len(found)}")

    def _list(self, bucket, asked):
        prefix, after = f"{bucket}/{asked.get('prefix', '')}", asked.get("continuation-token", "")
        every = [path for path in sorted(self.store.objects) if path.startswith(prefix) and path > after]
        page = every[:PAGE]
        text = "".join(
            f"<Contents><Key>{escape(path.partition('/')[2])}</Key><Size>{len(self.store.objects[path])}</Size>"
            "<LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
            for path in page
        )
        more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if len(every) > PAGE else ""
        truncated = "true" if more else "false"
        return self._answer(
            200, f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{text}{more}</ListBucketResult>".encode()
        )


def _unchunked(stream):
    """The chunks of a body: `SIZE[;signature] CRLF data CRLF`, the last one empty and followed by headers."""
    whole = b""
    while size := int(stream.readline().partition(b";")[0], 16):
        whole += stream.read(size)
        stream.readline()
    while stream.readline().strip():
        pass
    return whole


@contextmanager
def running_object_store(*buckets: str) -> Iterator[ObjectServer]:
    store = ObjectServer(set(buckets))
    handler = type("Handler", (_Handler,), {"store": store})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        store.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield store
        finally:
            server.shutdown()
            thread.join()
