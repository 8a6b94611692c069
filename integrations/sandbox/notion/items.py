"""Objects as the sandbox keeps them, and the rows of a data source together."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from typing import Any, Literal

from integrations.sandbox.notion.clock import epoch_minute
from integrations.sandbox.notion.errors import Json

Kind = Literal["page", "database", "data_source", "block"]
KINDS: tuple[Kind, ...] = ("page", "database", "data_source", "block")
PARENT_KEYS = ("data_source_id", "database_id", "page_id", "block_id")
CHILD_BLOCK_TYPES = ("child_page", "child_database")


def parent_id_of(parent: Json | None) -> str | None:
    """The id a `parent` points to, or None for the workspace itself."""
    if not parent:
        return None
    named = parent.get(parent.get("type", ""))
    if isinstance(named, str):
        return named
    return next((parent[key] for key in PARENT_KEYS if isinstance(parent.get(key), str)), None)


class Item:
    """One object with what is derived from it. Change `obj` only through `Workspace.put` or `touched`."""

    __slots__ = (
        "created", "edited", "id", "in_trash", "is_archived", "json", "kind", "known_at", "obj", "parent_id",
        "shuffle",
    )  # fmt: skip

    def __init__(self, kind: Kind, obj: Json, known_at: float) -> None:
        self.kind = kind
        self.id: str = obj["id"]
        # Without a sort Notion promises no order; this one is stable and has nothing to do with time.
        self.shuffle = zlib.crc32(self.id.encode())
        self.known_at = known_at
        self.replace(obj)

    def replace(self, obj: Json) -> None:
        """Take a new body; all that was derived from the old one is dropped."""
        self.obj = obj
        self.parent_id = parent_id_of(obj.get("parent"))
        self.json: dict[tuple[str, int], bytes] = {}
        self.created = epoch_minute(obj["created_time"]) if obj.get("created_time") else 0
        self.edited = epoch_minute(obj["last_edited_time"]) if obj.get("last_edited_time") else 0
        self.in_trash = bool(obj.get("in_trash"))
        self.is_archived = bool(obj.get("is_archived"))


class Table:
    """The rows of one data source and the answers computed from them since the last change."""

    KEPT_RESULTS = 16

    def __init__(self) -> None:
        self.rows: dict[str, Item] = {}
        self.generation = 0
        self._shuffled: list[Item] = []
        self._results: OrderedDict[str, tuple[int, list[Item]]] = OrderedDict()
        self._highest_number = -1

    def changed(self) -> None:
        self.generation += 1

    def add(self, row: Item) -> None:
        self.rows[row.id] = row
        self._shuffled = []

    def remove(self, row_id: str) -> None:
        del self.rows[row_id]
        self._shuffled = []

    def shuffled(self) -> list[Item]:
        """All rows in the order that means nothing; edits do not change it."""
        if len(self._shuffled) != len(self.rows):
            self._shuffled = sorted(self.rows.values(), key=lambda row: (row.shuffle, row.id))
        return self._shuffled

    def remembered(self, key: str) -> list[Item] | None:
        """The rows found for `key` if nothing changed since."""
        known = self._results.get(key)
        if known is None or known[0] != self.generation:
            return None
        self._results.move_to_end(key)
        return known[1]

    def remember(self, key: str, rows: list[Item]) -> None:
        self._results[key] = (self.generation, rows)
        self._results.move_to_end(key)
        while len(self._results) > self.KEPT_RESULTS:
            self._results.popitem(last=False)

    def next_number(self) -> int:
        """The next value of a unique_id property; numbers are never given twice."""
        if self._highest_number < 0:
            self._highest_number = max((self._number_of(row) for row in self.rows.values()), default=0)
        self._highest_number += 1
        return self._highest_number

    @staticmethod
    def _number_of(row: Item) -> int:
        values = row.obj.get("properties", {}).values()
        return max(
            (value["unique_id"]["number"] or 0 for value in values if value["type"] == "unique_id"), default=0
        )


def plain_text(rich_text: Any) -> str:
    """The text of a rich-text list without its formatting."""
    if not isinstance(rich_text, list):
        return ""
    return "".join(run.get("plain_text") or run.get("text", {}).get("content", "") for run in rich_text)


def title_of(obj: Json) -> str:
    """The title of a page, database or data source."""
    if obj["object"] != "page":
        return plain_text(obj.get("title"))
    for value in obj.get("properties", {}).values():
        if value.get("type") == "title":
            return plain_text(value["title"])
    return ""
