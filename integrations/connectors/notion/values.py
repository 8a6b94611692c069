"""Notion's property values turned into ours; pure, and deaf to types it does not know.

Shapes follow API version 2026-03-11. A property of a type nobody told us about becomes an opaque value.
One of a known type whose content makes no sense raises `MalformedJson`, so that the page is quarantined.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integrations.capabilities import (
    DateSpan,
    FieldKind,
    RemoteFile,
    RemoteOption,
    RemotePerson,
    RemotePlace,
    RemoteValue,
    ValueData,
)

type Json = Mapping[str, Any]

#: Notion sends at most this many references, people or text runs of one property with a page.
MAX_INLINE_REFERENCES = 25

KINDS: Mapping[str, FieldKind] = {
    "title": FieldKind.TITLE,
    "rich_text": FieldKind.TEXT,
    "number": FieldKind.NUMBER,
    "select": FieldKind.CHOICE,
    "status": FieldKind.STATUS,
    "multi_select": FieldKind.CHOICES,
    "date": FieldKind.DATE,
    "people": FieldKind.PEOPLE,
    "files": FieldKind.FILES,
    "checkbox": FieldKind.CHECKBOX,
    "url": FieldKind.URL,
    "email": FieldKind.EMAIL,
    "phone_number": FieldKind.PHONE,
    "formula": FieldKind.FORMULA,
    "relation": FieldKind.RELATION,
    "rollup": FieldKind.ROLLUP,
    "created_time": FieldKind.CREATED_AT,
    "created_by": FieldKind.CREATED_BY,
    "last_edited_time": FieldKind.EDITED_AT,
    "last_edited_by": FieldKind.EDITED_BY,
    "unique_id": FieldKind.UNIQUE_ID,
    "button": FieldKind.BUTTON,
    "place": FieldKind.PLACE,
    "verification": FieldKind.VERIFICATION,
}

_MAP_IDS = ("aws_place_id", "google_place_id")
_LISTS = frozenset({"title", "rich_text", "people", "relation"})
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class MalformedJson(ValueError):
    """An answer that does not have the shape Notion documents; `str()` names the place."""


def storable(value: Any) -> Any:
    """Return the JSON value with NUL removed and lone surrogates replaced: neither can be stored."""
    if isinstance(value, str):
        return _UNSTORABLE.sub(lambda hit: "" if hit[0] == "\x00" else "\ufffd", value)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value


def plain_text(runs: Any) -> str:
    """Join the text runs of a title or a rich text. Raises: MalformedJson."""
    if not isinstance(runs, Sequence) or isinstance(runs, str):
        raise MalformedJson("A text is not a list of text runs.")
    parts: list[str] = []
    for run in runs:
        if not isinstance(run, Mapping):
            raise MalformedJson("A text run is not an object.")
        text = run.get("plain_text")
        if text is None:
            inner = run.get("text")
            text = inner.get("content", "") if isinstance(inner, Mapping) else ""
        parts.append(str(text))
    return "".join(parts)


def moment(value: Any, *, time_zone: str | None = None) -> datetime:
    """Read a timestamp; one without an offset is taken in `time_zone`, or UTC. Raises: MalformedJson."""
    if not isinstance(value, str):
        raise MalformedJson("A timestamp is not a text.")
    try:
        read = datetime.fromisoformat(value)
    except ValueError as error:
        raise MalformedJson(f"{value[:40]!r} is not a timestamp.") from error
    return read if read.tzinfo is not None else read.replace(tzinfo=_zone(time_zone))


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _day_or_moment(value: Any, time_zone: str | None) -> date | datetime:
    if isinstance(value, str) and len(value) == len("2026-01-31"):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise MalformedJson(f"{value!r} is not a day.") from error
    return moment(value, time_zone=time_zone)


def _span(value: Json | None) -> DateSpan | None:
    if value is None:
        return None
    zone = value.get("time_zone")
    end = value.get("end")
    start = _day_or_moment(value.get("start"), zone)
    return DateSpan(start=start, end=None if end is None else _day_or_moment(end, zone))


def option_from_json(value: Json) -> RemoteOption:
    """Read one choice of a select, a status or a multi-select."""
    name = str(value.get("name", ""))
    return RemoteOption(
        id=str(value.get("id") or name), name=name, color=str(value.get("color") or "default")
    )


def _one_option(value: Json | None) -> tuple[RemoteOption, ...]:
    return () if value is None else (option_from_json(value),)


def person_from_json(value: Json) -> RemotePerson:
    """Read a user object, whole or partial (an id and nothing else). Raises: MalformedJson."""
    if not value.get("id"):
        raise MalformedJson("A user has no id.")
    details = value.get("person")
    email = details.get("email") if isinstance(details, Mapping) else None
    return RemotePerson(
        id=str(value["id"]),
        name=str(value.get("name") or ""),
        email=str(email or ""),
        avatar_url=str(value.get("avatar_url") or ""),
        is_bot=value.get("type") == "bot",
    )


def _unique_id(value: Json | None) -> str:
    if value is None or value.get("number") is None:
        return ""
    prefix = value.get("prefix")
    return f"{prefix}-{value['number']}" if prefix else str(value["number"])


def _file(value: Json) -> RemoteFile:
    """An external file with its address; one Notion keeps without, because that is signed anew on every read."""
    kind = str(value.get("type") or ("external" if "external" in value else "file"))
    target = value.get(kind)
    address = target.get("url") if isinstance(target, Mapping) and kind == "external" else ""
    return RemoteFile(name=str(value.get("name") or ""), url=str(address or ""), is_hosted=kind != "external")


def _place(value: Json | None) -> RemotePlace | None:
    if value is None:
        return None
    map_ids = tuple((key, str(value[key])) for key in _MAP_IDS if value.get(key))
    return RemotePlace(
        latitude=float(value["lat"]),
        longitude=float(value["lon"]),
        name=str(value.get("name") or ""),
        address=str(value.get("address") or ""),
        map_ids=map_ids,
    )


def _computed(value: Json | None) -> ValueData:
    """A formula or a rollup: `{"type": T, T: result}`; a rollup of many becomes the texts of its parts."""
    if value is None:
        return None
    kind = str(value.get("type"))
    result = value.get(kind)
    match kind:
        case "number":
            return None if result is None else float(result)
        case "boolean":
            return bool(result)
        case "date":
            return _span(result)
        case "string":
            return str(result or "")
        case "array":
            return tuple(_as_text(item) for item in result or ())
        case _:
            return None


def _as_text(item: Json) -> str:
    value = value_from_json("", item)
    names = [person.name for person in value.people]
    names += [option.name for option in value.options] + [file.name for file in value.files]
    if names:
        return ", ".join(names)
    if isinstance(value.data, DateSpan):
        return value.data.start.isoformat()
    if isinstance(value.data, RemotePlace):
        return value.data.name or value.data.address
    if isinstance(value.data, tuple):
        return ", ".join(value.references)
    return "" if value.data is None else str(value.data)


_READERS: Mapping[str, Callable[[Any], ValueData]] = {
    "title": plain_text,
    "rich_text": plain_text,
    "number": lambda value: None if value is None else float(value),
    "select": _one_option,
    "status": _one_option,
    "multi_select": lambda value: tuple(option_from_json(item) for item in value),
    "date": _span,
    "people": lambda value: tuple(person_from_json(item) for item in value),
    "files": lambda value: tuple(_file(item) for item in value),
    "checkbox": bool,
    "url": lambda value: str(value or ""),
    "email": lambda value: str(value or ""),
    "phone_number": lambda value: str(value or ""),
    "formula": _computed,
    "relation": lambda value: tuple(str(item["id"]) for item in value),
    "rollup": _computed,
    "created_time": moment,
    "created_by": lambda value: (person_from_json(value),),
    "last_edited_time": moment,
    "last_edited_by": lambda value: (person_from_json(value),),
    "unique_id": _unique_id,
    "button": lambda _: None,
    "place": _place,
    "verification": lambda value: "" if value is None else str(value.get("state") or ""),
}


def value_from_json(field_id: str, item: Json) -> RemoteValue:
    """Read one property value of a page. Raises: MalformedJson."""
    remote_type = str(item.get("type"))
    kind = KINDS.get(remote_type, FieldKind.UNKNOWN)
    if kind is FieldKind.UNKNOWN:
        return RemoteValue(field_id=field_id, kind=kind)
    content = item.get(remote_type)
    try:
        data = _READERS[remote_type](content)
    except MalformedJson as error:
        raise MalformedJson(f"Property {field_id!r} ({remote_type}): {error}") from error
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise MalformedJson(f"Property {field_id!r} is not a {remote_type}.") from error
    return RemoteValue(field_id=field_id, kind=kind, data=data, is_truncated=_is_truncated(remote_type, item))


def _is_truncated(remote_type: str, item: Json) -> bool:
    has_more = item.get("has_more")
    if has_more is not None or remote_type not in _LISTS:
        return bool(has_more)
    # Only relations are sure to say `has_more`; a full list of anything else may have been cut.
    return remote_type != "relation" and len(item.get(remote_type) or ()) >= MAX_INLINE_REFERENCES


def value_from_items(field_id: str, remote_type: str, items: Sequence[Json]) -> RemoteValue:
    """Read paged property items as if they had come with the page. Raises: MalformedJson."""
    content = [item.get(remote_type) for item in items]
    return value_from_json(field_id, {"type": remote_type, remote_type: content, "has_more": False})
