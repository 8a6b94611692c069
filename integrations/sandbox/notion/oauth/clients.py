"""Public integrations as their makers register them at Notion."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from integrations.sandbox.notion.errors import Json

OBJECT = "sandbox_client"


@dataclass(frozen=True)
class PublicClient:
    """`id` is the client id. Without `redirect_uris` every address may be returned to."""

    id: str
    secret: str
    name: str = "Task Sync"
    redirect_uris: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.id or not self.secret or ":" in self.id:
            raise ValueError("a client needs an id without colon, and a secret")
        for uri in self.redirect_uris:
            if urlsplit(uri).scheme not in ("http", "https"):
                raise ValueError(f"{uri!r} is not an http or https address")

    def may_return_to(self, uri: str) -> bool:
        """Exactly one of the registered addresses."""
        if urlsplit(uri).scheme not in ("http", "https") or not urlsplit(uri).hostname:
            return False
        return not self.redirect_uris or uri in self.redirect_uris

    def knows(self, secret: str) -> bool:
        return secrets.compare_digest(secret.encode(), self.secret.encode())

    def as_json(self) -> Json:
        return {"object": OBJECT, **asdict(self), "redirect_uris": list(self.redirect_uris)}


def from_json(line: Json) -> PublicClient:
    """What `as_json` wrote. Raises ValueError, TypeError."""
    values = {key: value for key, value in line.items() if key != "object"}
    return PublicClient(**{**values, "redirect_uris": tuple(values.get("redirect_uris", ()))})
