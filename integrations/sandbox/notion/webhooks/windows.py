"""What changed in one object over a short while, and the events that remain of it when the while is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.items import Kind
from integrations.sandbox.notion.properties import TIME_AND_PERSON
from integrations.sandbox.notion.world import Workspace

MAX_LISTED = 100
_EDIT_MARKS = ("last_edited_time", "last_edited_by", "has_children")


@dataclass(frozen=True)
class Event:
    """Something to tell subscribers: the type, the object, what is known about it, who did it, when."""

    type: str
    workspace: Workspace
    entity: tuple[str, str]
    data: Json | None
    authors: tuple[tuple[str, str], ...]
    at: datetime
    seen_through: tuple[str, ...]


@dataclass
class Window:
    """From the first change of an object to the end of its while. `before` is None for a new object."""

    workspace: Workspace
    kind: Kind
    object_id: str
    before: Json | None
    closes_at: float
    last_at: datetime
    authors: dict[str, str] = field(default_factory=dict)
    below: dict[str, tuple[Kind, Json | None]] = field(default_factory=dict)

    def events(self) -> list[Event]:
        """None at all where everything is as it was."""
        item = self.workspace.item(self.kind, self.object_id)
        if item is None:
            return []
        if self.kind == "page":
            return [self._event(*one) for one in self._of_page(item.obj)]
        if self.kind == "data_source":
            return [self._event(*one) for one in self._of_data_source(item.obj)]
        return [self._event(name, None) for name in self._of_life(item.obj)]

    def _of_page(self, after: Json) -> list[tuple[str, Json | None]]:
        life = self._of_life(after)
        if self.before is None or life:
            return [(name, None) for name in life]
        made: list[tuple[str, Json | None]] = []
        changed = changed_properties(self.before, after)
        if self.workspace.world.questions.title_event == "content_updated":
            title = _title_id(after)
            looks_new = title in changed
            changed = [one for one in changed if one != title]
        else:
            looks_new = False
        if changed:
            made.append(("properties_updated", {"updated_properties": changed[:MAX_LISTED]}))
        blocks = self._changed_below()
        looks = looks_new or any(self.before.get(key) != after.get(key) for key in ("icon", "cover"))
        if blocks or looks:
            blocks = blocks or [{"id": self.object_id, "type": "page"}]
            made.append(("content_updated", {"updated_blocks": blocks[:MAX_LISTED]}))
        return made

    def _of_data_source(self, after: Json) -> list[tuple[str, Json | None]]:
        life = self._of_life(after)
        if self.before is None or life:
            return [(name, None) for name in life]
        made: list[tuple[str, Json | None]] = []
        columns = changed_columns(self.before["properties"], after["properties"])
        if columns:
            made.append(("schema_updated", {"updated_properties": columns[:MAX_LISTED]}))
        rows = self._changed_below()
        looks = any(
            self.before.get(key) != after.get(key) for key in ("title", "description", "icon", "cover")
        )
        if rows or looks:
            made.append(("content_updated", {"updated_blocks": rows[:MAX_LISTED]}))
        return made

    def _of_life(self, after: Json) -> list[str]:
        """Made, trashed, taken out of the trash or moved: the one that says most."""
        if self.before is None:
            return [] if after.get("in_trash") else ["created"]
        was, now = bool(self.before.get("in_trash")), bool(after.get("in_trash"))
        if was != now:
            return ["deleted" if now else "undeleted"]
        return ["moved"] if self.before.get("parent") != after.get("parent") else []

    def _changed_below(self) -> list[Json]:
        found = []
        for object_id, (kind, before) in self.below.items():
            item = self.workspace.item(kind, object_id)
            after = item.obj if item else None
            if _state_below(kind, before, self.object_id) != _state_below(kind, after, self.object_id):
                found.append({"id": object_id, "type": kind if kind != "data_source" else "database"})
        return found

    def _event(self, action: str, more: Json | None) -> Event:
        parent = self.workspace.items[self.kind][self.object_id].obj.get("parent")
        return Event(
            type=f"{self.kind}.{action}",
            workspace=self.workspace,
            entity=(self.kind, self.object_id),
            data={"parent": parent_of(self.workspace, parent), **(more or {})},
            authors=tuple(self.authors.items()),
            at=self.last_at,
            seen_through=(self.object_id,),
        )


def _state_below(kind: Kind, obj: Json | None, holder_id: str) -> Any:
    """What counts as content of the holder: blocks whole, pages and databases by being there."""
    if obj is None or obj.get("in_trash"):
        return None
    if kind == "block":
        return {key: value for key, value in obj.items() if key not in _EDIT_MARKS}
    parent = obj.get("parent") or {}
    return parent.get(parent.get("type", "")) == holder_id


def changed_properties(before: Json, after: Json) -> list[str]:
    """Ids of the properties whose value is another; times and people of the edit itself do not count."""
    old = {value["id"]: value for value in before["properties"].values()}
    new = {value["id"]: value for value in after["properties"].values()}
    return [
        one
        for one in {**old, **new}
        if old.get(one) != new.get(one) and (new.get(one) or old[one])["type"] not in TIME_AND_PERSON
    ]


def _title_id(page: Json) -> str | None:
    return next((one["id"] for one in page["properties"].values() if one["type"] == "title"), None)


def changed_columns(before: Json, after: Json) -> list[Json]:
    """`{"id", "name", "action"}` of each column made, changed or removed."""
    old = {column["id"]: column for column in before.values()}
    new = {column["id"]: column for column in after.values()}
    made = []
    for one in {**old, **new}:
        if old.get(one) == new.get(one):
            continue
        action = "created" if one not in old else "deleted" if one not in new else "updated"
        made.append({"id": one, "name": (new.get(one) or old[one])["name"], "action": action})
    return made


def parent_of(workspace: Workspace, parent: Json | None) -> Json:
    """A parent in the words of webhooks: a workspace is a `space`, a row's parent names both its containers."""
    given = parent or {}
    if "data_source_id" in given:
        database = given.get("database_id") or workspace.parent_of(given["data_source_id"])
        return {"id": database, "type": "database", "data_source_id": given["data_source_id"]}
    for key, name in (("page_id", "page"), ("block_id", "block"), ("database_id", "database")):
        if key in given:
            return {"id": given[key], "type": name}
    return {"id": workspace.id, "type": "space"}
