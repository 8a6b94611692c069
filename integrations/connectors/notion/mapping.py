"""Notion's pages, data sources and bots turned into our values; pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC

from integrations.capabilities import (
    FieldKind,
    OptionGroup,
    RemoteCollection,
    RemoteField,
    RemoteIdentity,
    RemoteOption,
    RemoteRecord,
    RemoteValue,
)
from integrations.connectors.notion.values import (
    KINDS,
    Json,
    MalformedJson,
    moment,
    option_from_json,
    plain_text,
    value_from_json,
)

_GROUP_NAMES: Mapping[OptionGroup, frozenset[str]] = {
    OptionGroup.TODO: frozenset(
        {"to-do", "to do", "todo", "not started", "zu erledigen", "pendiente", "à faire"}
    ),
    OptionGroup.IN_PROGRESS: frozenset({"in progress", "in bearbeitung", "en curso", "en cours"}),
    OptionGroup.COMPLETE: frozenset(
        {"complete", "completed", "done", "abgeschlossen", "completado", "terminé"}
    ),
}
_GROUP_ORDER = (OptionGroup.TODO, OptionGroup.IN_PROGRESS, OptionGroup.COMPLETE)


def record_from_json(page: Json, *, collection_id: str = "") -> RemoteRecord:
    """Read a page. Raises: MalformedJson when it has no id, no times, or a property of a broken shape."""
    properties = page.get("properties")
    if not page.get("id") or not isinstance(properties, Mapping):
        raise MalformedJson("A page has no id or no properties.")
    values: dict[str, RemoteValue] = {}
    for name, item in properties.items():
        if not isinstance(item, Mapping):
            raise MalformedJson(f"Property {name!r} is not an object.")
        field_id = str(item.get("id") or name)
        values[field_id] = value_from_json(field_id, item)
    parent = page.get("parent")
    parent_id = parent.get("data_source_id") if isinstance(parent, Mapping) else None
    return RemoteRecord(
        id=str(page["id"]),
        collection_id=str(parent_id or collection_id),
        url=_web_address(page.get("url")),
        created_at=moment(page.get("created_time")).astimezone(UTC),
        edited_at=moment(page.get("last_edited_time")).astimezone(UTC),
        values=values,
        icon=_icon(page.get("icon")),
        is_trashed=bool(page.get("in_trash", page.get("archived", False))),
    )


def _web_address(value: object) -> str:
    """An address that can be shown as a link; empty for any other scheme, `javascript:` above all."""
    text = str(value or "").strip()
    return text if text.lower().startswith(("https://", "http://")) else ""


def _icon(icon: Json | None) -> str:
    return str(icon.get("emoji") or "") if isinstance(icon, Mapping) else ""


def field_from_json(name: str, item: Json) -> RemoteField:
    """Read one property of a data source's schema."""
    remote_type = str(item.get("type"))
    settings = item.get(remote_type)
    settings = settings if isinstance(settings, Mapping) else {}
    options = tuple(option_from_json(option) for option in settings.get("options") or ())
    if remote_type == "status":
        groups = _option_groups(settings.get("groups") or ())
        options = tuple(
            RemoteOption(id=option.id, name=option.name, color=option.color, group=groups.get(option.id))
            for option in options
        )
    return RemoteField(
        id=str(item.get("id") or name),
        name=str(item.get("name") or name),
        kind=KINDS.get(remote_type, FieldKind.UNKNOWN),
        remote_type=remote_type,
        options=options,
        related_collection_id=str(settings.get("data_source_id") or "") if remote_type == "relation" else "",
    )


def _option_groups(groups: Sequence[Json]) -> dict[str, OptionGroup]:
    """Which group each option id is in: by the name of the group, else by its place."""
    found: dict[str, OptionGroup] = {}
    for place, group in enumerate(groups):
        name = str(group.get("name", "")).strip().casefold()
        by_name = next((ours for ours, names in _GROUP_NAMES.items() if name in names), None)
        ours = by_name or (_GROUP_ORDER[place] if len(groups) == len(_GROUP_ORDER) else None)
        if ours is not None:
            found.update({str(option_id): ours for option_id in group.get("option_ids") or ()})
    return found


def collection_from_json(source: Json) -> RemoteCollection:
    """Read a data source with its schema. Raises: MalformedJson."""
    properties = source.get("properties")
    if not source.get("id") or not isinstance(properties, Mapping):
        raise MalformedJson("A data source has no id or no properties.")
    parent = source.get("parent")
    container = parent.get("database_id") if isinstance(parent, Mapping) else None
    return RemoteCollection(
        id=str(source["id"]),
        container_id=str(container or ""),
        title=plain_text(source.get("title") or ()),
        url=_web_address(source.get("url")),
        fields=tuple(field_from_json(name, item) for name, item in properties.items()),
        icon=_icon(source.get("icon")),
        is_trashed=bool(source.get("in_trash", source.get("archived", False))),
    )


def identity_from_json(bot: Json) -> RemoteIdentity:
    """Read `GET /users/me`. Raises: MalformedJson when the token is not a bot's."""
    details = bot.get("bot")
    if not bot.get("id") or not isinstance(details, Mapping):
        raise MalformedJson("The token does not belong to an integration.")
    return RemoteIdentity(
        account_id=str(bot["id"]),
        account_name=str(bot.get("name") or ""),
        workspace_id=str(details.get("workspace_id") or ""),
        workspace_name=str(details.get("workspace_name") or ""),
        workspace_icon=str(details.get("workspace_icon") or ""),
    )
