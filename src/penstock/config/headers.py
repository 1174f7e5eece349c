"""Header names and values that HTTP and Penstock allow."""

from __future__ import annotations

import re

from penstock.config.marks import Marked
from penstock.config.report import Report

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection"})
CONTROL = re.compile(r"[\0-\x08\x0a-\x1f\x7f]")


def check_header(name: str, value: str, node: Marked, report: Report) -> bool:
    """Whether a header's name is a token and its value one line; headers that the client itself writes are refused."""
    if TOKEN.fullmatch(name) is None:
        hint = "letters, digits and - are best, such as X-Trace"
        report.add(node.place, "bad-header", "this is no header name", hint, name)
    elif CONTROL.search(value):
        message = f"the value of {name} holds a line break or another control character: it would forge headers"
        report.add(node.place, "bad-header", message, "write the value in one line", name)
    elif name.lower() in FRAMING:
        report.add(node.place, "forbidden-header", f"{name} is written by Penstock itself", "remove it", name)
    else:
        return True
    return False
