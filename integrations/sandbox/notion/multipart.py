"""`multipart/form-data`: the one kind of request that is no JSON."""

from __future__ import annotations

from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP

from integrations.sandbox.notion.errors import invalid


@dataclass(frozen=True)
class Part:
    """One field of the form."""

    name: str
    filename: str | None
    content_type: str | None
    content: bytes


def parts_of(body: bytes, content_type: str) -> dict[str, Part]:
    """The fields by name. Raises 400 for anything else."""
    if not content_type.lower().startswith("multipart/form-data"):
        raise invalid("Content-Type should be multipart/form-data.")
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart():
        raise invalid("body failed validation: the form could not be read.")
    found: dict[str, Part] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            given = part.get_content_type() if part["content-type"] else None
            found[name] = Part(name, part.get_filename(), given, content)
    return found
