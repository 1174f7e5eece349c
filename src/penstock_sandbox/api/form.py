"""Reads a body of the type multipart/form-data (RFC 7578)."""

from email.message import Message
from email.parser import Parser
from email.policy import HTTP

from penstock_sandbox.account.call import ApiError, FormPart

TYPE = "multipart/form-data"


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == TYPE


def form_of(content_type: str, body: bytes) -> dict[str, FormPart]:
    """The parts by name; of parts with the same name, the last. Raises ApiError 400."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or boundary == "":
        raise ApiError(400, "The form has no boundary")
    _preamble, *sections = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if not sections or not sections[-1].startswith(b"--"):
        raise ApiError(400, "The form is not complete")
    return dict(_part(section) for section in sections[:-1])


def _part(section: bytes) -> tuple[str, FormPart]:
    head, blank, content = section.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = Parser(policy=HTTP).parsestr(head.decode("utf-8", errors="replace"), headersonly=True)
    name = headers.get_param("name", header="Content-Disposition")
    if blank == b"" or not isinstance(name, str):
        raise ApiError(400, "A part of the form has no name")
    return name, FormPart(content, headers.get_content_type(), headers.get_filename())
