"""A column of a shape becomes a Notion property: its schema entry, its id and the ids of its options."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from integrations.sandbox.notion.content.plot import new_uuid
from integrations.sandbox.notion.content.shapes import Column
from integrations.sandbox.notion.content.values import Json, option

_ID_CHARACTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_ID_ESCAPES = ("%3A", "%5D", "%40", "%7B", "%3F", "%60")
_TAG_COLORS = ("default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red")

DAYS_LEFT_EXPRESSION = 'dateBetween(prop("Plazo"), now(), "days")'
IS_LATE_EXPRESSION = 'and(dateEnd(prop("Plazo")) < now(), prop("Estado") != "Hecha")'


@dataclass(slots=True)
class Property:
    """A column with the ids Notion would have given it."""

    column: Column
    id: str
    options: dict[str, Json] = field(default_factory=dict)
    """Option objects by our neutral word (or by the tag itself)."""
    config: Json = field(default_factory=dict)
    """What stands under the type's key in the schema."""

    def as_schema(self) -> Json:
        """Return the property as a data source's `properties` hold it."""
        return {
            "id": self.id,
            "name": self.column.name,
            "description": None,
            "type": self.column.type,
            self.column.type: self.config,
        }


def _property_id(random: Random) -> str:
    """Return a short id, percent-encoded as Notion hands them out."""
    letters = [random.choice(_ID_CHARACTERS) for _ in range(3)]
    letters.insert(random.randrange(4), random.choice((*_ID_ESCAPES, *_ID_CHARACTERS[:12])))
    return "".join(letters)


def _described(choice: Json) -> Json:
    return {**choice, "description": None}


def make_property(column: Column, random: Random, *, tags: Iterable[str] = ()) -> Property:
    """Return the property for a column; relations and rollups are completed by `connect_*` later."""
    made = Property(column, "title" if column.type == "title" else _property_id(random))
    words = (
        {tag: (tag, _TAG_COLORS[at % 10]) for at, tag in enumerate(tags)}
        if column.role == "tags"
        else column.options
    )
    by_name: dict[str, Json] = {}
    for key, (name, color) in words.items():
        if name not in by_name:
            by_name[name] = option(option_id=new_uuid(random), name=name, color=color)
        made.options[key] = by_name[name]
    described = [_described(choice) for choice in by_name.values()]
    match column.type:
        case "select" | "multi_select":
            made.config = {"options": described}
        case "status":
            groups = [
                {
                    "id": new_uuid(random),
                    "name": name,
                    "color": color,
                    "option_ids": [made.options[key]["id"] for key in keys],
                }
                for name, color, keys in column.groups
            ]
            made.config = {"options": described, "groups": groups}
        case "number":
            made.config = {"format": "number"}
        case "unique_id":
            made.config = {"prefix": None}
        case "formula":
            expression = IS_LATE_EXPRESSION if column.role == "is_late" else DAYS_LEFT_EXPRESSION
            made.config = {"expression": expression}
    return made


def connect_relation(
    made: Property, *, database_id: str, data_source_id: str, other: Property | None
) -> None:
    """Point a relation at a data source; with `other` both sides show it, as Notion's synced relations do."""
    made.config = {"database_id": database_id, "data_source_id": data_source_id}
    if other is None:
        made.config |= {"type": "single_property", "single_property": {}}
        return
    synced = {"synced_property_id": other.id, "synced_property_name": other.column.name}
    made.config |= {"type": "dual_property", "dual_property": synced}


def connect_rollup(made: Property, *, through: Property, target: Property, function: str) -> None:
    """Let a rollup read `target` of the pages that the relation `through` names."""
    made.config = {
        "function": function,
        "relation_property_id": through.id,
        "relation_property_name": through.column.name,
        "rollup_property_id": target.id,
        "rollup_property_name": target.column.name,
    }
