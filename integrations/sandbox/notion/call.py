"""One call being answered: who asks, in which workspace, with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.notion.clock import nearest_minute, to_minute
from integrations.sandbox.notion.errors import Json, invalid, not_found
from integrations.sandbox.notion.items import KINDS, Item, Kind
from integrations.sandbox.notion.limits import Limits
from integrations.sandbox.notion.pagination import CursorBook
from integrations.sandbox.notion.rendering import VERSION
from integrations.sandbox.notion.world import Connection, Workspace

NAMES: dict[str, str] = {
    "page": "page",
    "database": "database",
    "data_source": "data_source",
    "block": "block",
}


@dataclass(kw_only=True)
class Call:
    """`connection` is None when a person acts in Notion itself: nothing is hidden from people here."""

    workspace: Workspace
    cursors: CursorBook
    limits: Limits
    actor: Json
    connection: Connection | None = None
    version: str = VERSION
    query: dict[str, list[str]] = field(default_factory=dict)
    body: Json = field(default_factory=dict)
    raw: bytes = b""
    content_type: str = ""
    status: int = 200  # of the answer, when all goes well

    @property
    def by_person(self) -> bool:
        return self.connection is None

    @property
    def signature(self) -> Json:
        """The partial user written into `created_by` and `last_edited_by`."""
        return {"object": "user", "id": self.actor["id"]}

    def now(self) -> str:
        """This minute, as Notion writes it."""
        world = self.workspace.world
        write = nearest_minute if world.questions.edit_minute == "nearest" else to_minute
        return write(world.clock.now())

    def sees(self, object_id: str) -> bool:
        return self.connection is None or self.connection.sees(object_id)

    def parameter(self, name: str) -> str | None:
        return self.query.get(name, [None])[0]

    def find(self, kind: Kind, object_id: str) -> Item:
        """The object. Raises 404 when it is missing or not shared, 400 when the id is of another kind."""
        item = self.workspace.item(kind, object_id)
        if item is not None and self.sees(object_id):
            return item
        for other in KINDS:
            found = self.workspace.item(other, object_id)
            if found is not None and self.sees(object_id):
                raise invalid(
                    f"Provided ID {object_id} is a {NAMES[other]}, not a {NAMES[kind]}. "
                    f"Use the retrieve {NAMES[other]} API instead."
                )
        raise self.missing(kind, object_id)

    def missing(self, kind: str, object_id: str) -> Exception:
        integration: Json = self.connection.bot if self.connection else self.actor
        return not_found(kind, object_id, integration)

    def sign(self, obj: Json) -> None:
        """Write who edited and when."""
        obj["last_edited_time"] = self.now()
        obj["last_edited_by"] = self.signature


def listing(kind: str, results: list[Any], next_cursor: str | None) -> Json:
    """A page of results as Notion wraps it; `kind` is its `type`."""
    return {
        "object": "list",
        "results": results,
        "next_cursor": next_cursor,
        "has_more": next_cursor is not None,
        "type": kind,
        kind: {},
    }
