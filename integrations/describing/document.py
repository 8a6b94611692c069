"""A workspace as a document: its databases, their columns, how they point at one another, how they are read; pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

type Document = dict[str, Any]

FORMAT = 1


def workspace_document(
    *,
    name: str,
    service: str,
    collections: Iterable[Mapping[str, Any]],
    mappings: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Document:
    """Build the document.

    ``collections``: rows with `remote_id`, `title`, `url`, `icon`, `role`, `is_enabled`, `department_name`, `schema`
    (the columns as they are stored). ``mappings``: by a collection's remote id, rows with `our_field`,
    `remote_field_id`, `direction`, `policy`, `state`. Nothing in it changes by itself (no counts, no times), so two
    documents are equal exactly when nothing was changed there or here.
    """
    rows = sorted(collections, key=lambda row: (row["title"].casefold(), row["remote_id"]))
    titles = {row["remote_id"]: row["title"] for row in rows}
    return {
        "format": FORMAT,
        "workspace": {"name": name, "service": service},
        "databases": [_database(row, titles, mappings.get(row["remote_id"], ())) for row in rows],
    }


def fingerprint(document: Document) -> str:
    """64 hexadecimal digits that are the same exactly for equal documents."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def relations_of(document: Document) -> list[tuple[str, str, str, bool]]:
    """Every relation as (database, column, database it points to, whether that one is shared with us)."""
    return [
        (database["title"], column["name"], column["points_to"]["title"], column["points_to"]["is_shared"])
        for database in document["databases"]
        for column in database["columns"]
        if column.get("points_to")
    ]


def differences(before: Document, after: Document) -> list[str]:
    """What is different, in sentences; empty for equal documents."""
    old = {database["id"]: database for database in before["databases"]}
    new = {database["id"]: database for database in after["databases"]}
    told = [f"The database “{old[key]['title']}” is gone." for key in old if key not in new]
    for key, database in new.items():
        title = database["title"]
        if key not in old:
            told.append(f"The database “{title}” is new.")
            continue
        if old[key]["title"] != title:
            told.append(f"The database “{old[key]['title']}” is called “{title}” now.")
        told += _column_differences(title, old[key]["columns"], database["columns"])
        told += _reading_differences(title, old[key], database)
    if before["workspace"] != after["workspace"]:
        told.append(f"The workspace is called “{after['workspace']['name']}” now.")
    return told


def _database(
    row: Mapping[str, Any], titles: Mapping[str, str], mappings: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    fills: dict[str, list[Mapping[str, Any]]] = {}
    for mapping in mappings:
        fills.setdefault(mapping["remote_field_id"], []).append(mapping)
    return {
        "id": row["remote_id"],
        "title": row["title"],
        "url": row["url"],
        "icon": row["icon"],
        "role": row["role"],
        "is_read": row["is_enabled"],
        "department": row["department_name"],
        "columns": [_column(column, titles, fills.get(column["id"], ())) for column in row["schema"]],
    }


def _column(
    column: Mapping[str, Any], titles: Mapping[str, str], mappings: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    target = column.get("related_collection_id") or ""
    return {
        "id": column["id"],
        "name": column["name"],
        "type": column["remote_type"],
        "options": [
            {"id": option["id"], "name": option["name"], "group": option.get("group") or ""}
            for option in column.get("options", ())
        ],
        "points_to": {"id": target, "title": titles.get(target, target), "is_shared": target in titles}
        if target
        else None,
        "fills": [
            {
                "field": mapping["our_field"],
                "direction": mapping["direction"],
                "policy": mapping["policy"],
                "state": mapping["state"],
            }
            for mapping in sorted(mappings, key=lambda item: item["our_field"])
        ],
    }


def _column_differences(
    title: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[str]:
    old, new = {each["id"]: each for each in before}, {each["id"]: each for each in after}
    told = [f"“{title}”: the column “{old[key]['name']}” is gone." for key in old if key not in new]
    for key, column in new.items():
        name = column["name"]
        if key not in old:
            told.append(f"“{title}”: the column “{name}” ({column['type']}) is new.")
            continue
        was = old[key]
        if was["name"] != name:
            told.append(f"“{title}”: the column “{was['name']}” is called “{name}” now.")
        if was["type"] != column["type"]:
            told.append(f"“{title}”: the column “{name}” was {was['type']} and is {column['type']} now.")
        told += _option_differences(f"“{title}”, “{name}”", was["options"], column["options"])
        if was["points_to"] != column["points_to"] and column["points_to"]:
            told.append(f"“{title}”: the column “{name}” points to “{column['points_to']['title']}” now.")
        if was["fills"] != column["fills"]:
            told.append(f"“{title}”: the column “{name}” fills {_fills(column)} now.")
    return told


def _option_differences(
    place: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[str]:
    old, new = {each["id"]: each["name"] for each in before}, {each["id"]: each["name"] for each in after}
    told = [f"{place}: the option “{old[key]}” is gone." for key in old if key not in new]
    told += [f"{place}: the option “{new[key]}” is new." for key in new if key not in old]
    told += [
        f"{place}: the option “{old[key]}” is called “{new[key]}” now."
        for key in new
        if key in old and old[key] != new[key]
    ]
    return told


def _reading_differences(title: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    told = []
    if before["is_read"] != after["is_read"]:
        told.append(f"“{title}” is {'read now' if after['is_read'] else 'not read any more'}.")
    if before["role"] != after["role"]:
        told.append(f"“{title}” holds {after['role']} now.")
    return told


def _fills(column: Mapping[str, Any]) -> str:
    names = [str(fill["field"]).replace("_", " ") for fill in column["fills"]]
    return ", ".join(names) or "nothing"
