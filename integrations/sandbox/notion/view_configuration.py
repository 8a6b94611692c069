"""How a view shows its rows: which keys each kind of view has, and what may stand under them."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.schema import find_property
from integrations.sandbox.notion.validation import (
    a_boolean,
    a_number,
    a_string,
    an_array,
    an_object,
    one_of,
    only_keys,
)

TYPES = ("table", "board", "list", "calendar", "timeline", "gallery", "form", "chart", "map", "dashboard")
HEIGHTS = ("small", "medium", "large", "extra_large")
CARDS: Json = {
    "properties": "columns",
    "cover": "cover",
    "cover_size": ("small", "medium", "large"),
    "cover_aspect": ("contain", "cover"),
    "card_layout": ("list", "compact"),
}
CHART: Json = {
    "chart_type": ("column", "bar", "line", "donut", "number"),
    "x_axis": "group",
    "y_axis": "aggregation",
    "x_axis_property_id": "property",
    "y_axis_property_id": "property",
    "value": "aggregation",
    "stack_by": "group",
    "sort": ("manual", "x_ascending", "x_descending", "y_ascending", "y_descending"),
    "color_theme": (
        "gray", "blue", "yellow", "green", "purple", "teal", "orange", "pink", "red", "auto", "colorful",
    ),
    "height": HEIGHTS,
    "legend_position": ("off", "bottom", "side"),
    "axis_labels": ("none", "x_axis", "y_axis", "both"),
    "grid_lines": ("none", "horizontal", "vertical", "both"),
    "group_style": ("normal", "percent", "side_by_side"),
    "donut_labels": ("none", "value", "name", "name_and_value"),
    "reference_lines": "lines",
    "caption": "text",
    "y_axis_min": "number",
    "y_axis_max": "number",
    **dict.fromkeys(
        (
            "color_by_value", "cumulative", "hide_empty_groups", "hide_line_fill_area", "hide_title",
            "show_data_labels", "smooth_line",
        ),
        "flag",
    ),
}  # fmt: skip
KEYS: dict[str, Json] = {
    "table": {
        "properties": "columns",
        "group_by": "group",
        "subtasks": "subtasks",
        "wrap_cells": "flag",
        "frozen_column_index": "number",
        "show_vertical_lines": "flag",
    },
    "board": {"group_by": "group", "sub_group_by": "group", **CARDS},
    "list": {"properties": "columns"},
    "gallery": CARDS,
    "calendar": {
        "date_property_id": "property",
        "properties": "columns",
        "view_range": ("week", "month"),
        "show_weekends": "flag",
    },
    "timeline": {
        "date_property_id": "property",
        "end_date_property_id": "property",
        "properties": "columns",
        "show_table": "flag",
        "table_properties": "columns",
        "preference": "preference",
        "arrows_by": "arrows",
        "color_by": "flag",
    },
    "map": {"height": HEIGHTS, "map_by": "property", "properties": "columns"},
    "form": {
        "is_form_closed": "flag",
        "anonymous_submissions": "flag",
        "submission_permissions": ("none", "comment_only", "reader", "read_and_write", "editor"),
    },
    "chart": CHART,
}
NEEDED = {
    "board": ("group_by",),
    "calendar": ("date_property_id",),
    "timeline": ("date_property_id",),
    "chart": ("chart_type",),
}
COLUMN_KEYS: Json = {
    "visible": "flag",
    "width": "number",
    "wrap": "flag",
    "status_show_as": ("select", "checkbox"),
    "card_property_width_mode": ("full_line", "inline"),
    "date_format": ("full", "short", "month_day_year", "day_month_year", "year_month_day", "relative"),
    "time_format": ("12_hour", "24_hour", "hidden"),
}
GROUPED = {
    "status": ("group", "option"),
    **dict.fromkeys(
        ("date", "created_time", "last_edited_time"), ("relative", "day", "week", "month", "year")
    ),
    **dict.fromkeys(("text", "title", "url", "email", "phone_number"), ("exact", "alphabet_prefix")),
}
GROUP_NAMES = {"rich_text": "text", "people": "person"}
AGGREGATORS = (
    "count", "count_values", "sum", "average", "median", "min", "max", "range", "unique", "empty", "not_empty",
    "percent_empty", "percent_not_empty", "checked", "unchecked", "percent_checked", "percent_unchecked",
    "earliest_date", "latest_date", "date_range",
)  # fmt: skip
OTHER_OBJECTS = {
    "cover": ("type", "property_id"),
    "subtasks": ("display_mode", "filter_scope", "property_id", "toggle_column_id"),
    "preference": ("zoom_level", "center_timestamp"),
    "arrows": ("property_id",),
}


def configuration_of(value: Any, kind: str, schema: Json, path: str = "body.configuration") -> Json:
    """The checked configuration; what was set to null is left out. Raises 400."""
    given = an_object(value, path)
    one_of(given.get("type", ...), TYPES, f"{path}.type")
    if given["type"] != kind or kind not in KEYS:
        raise invalid(f'A view of type "{kind}" cannot have a configuration of type "{given["type"]}".')
    only_keys(given, ("type", *KEYS[kind]), path)
    for key in NEEDED.get(kind, ()):
        if given.get(key) is None:
            raise invalid_body(f"{path}.{key}", "defined")
    made: Json = {"type": kind}
    for key, rule in KEYS[kind].items():
        if given.get(key) is not None:
            made[key] = _checked(given[key], rule, schema, f"{path}.{key}")
    return made


def _checked(value: Any, rule: Any, schema: Json, path: str) -> Any:
    if isinstance(rule, tuple):
        return one_of(value, rule, path)
    if rule == "flag":
        return a_boolean(value, path)
    if rule == "number":
        return a_number(value, path)
    if rule == "text":
        return a_string(value, path)
    if rule == "property":
        return _property(value, schema, path)["id"]
    if rule == "columns":
        return [_column(one, schema, f"{path}[{at}]") for at, one in enumerate(an_array(value, path))]
    if rule == "group":
        return _group(value, schema, path)
    if rule == "aggregation":
        return _aggregation(value, schema, path)
    if rule == "lines":
        return [_line(one, f"{path}[{at}]") for at, one in enumerate(an_array(value, path))]
    body = an_object(value, path)
    only_keys(body, OTHER_OBJECTS[rule], path)
    if body.get("property_id") is not None:
        _property(body["property_id"], schema, f"{path}.property_id")
    return dict(body)


def _property(value: Any, schema: Json, path: str) -> Json:
    found = find_property(schema, a_string(value, path))
    if found is None:
        raise invalid(f"Could not find property with name or id: {value}")
    return found


def _column(value: Any, schema: Json, path: str) -> Json:
    body = an_object(value, path)
    only_keys(body, ("property_id", *COLUMN_KEYS), path)
    found = _property(body.get("property_id", ...), schema, f"{path}.property_id")
    made = {"property_id": found["id"], "property_name": found["name"]}
    for key, rule in COLUMN_KEYS.items():
        if key in body:
            made[key] = _checked(body[key], rule, schema, f"{path}.{key}")
    return made


def _group(value: Any, schema: Json, path: str) -> Json:
    body = an_object(value, path)
    keys = (
        "type", "property_id", "sort", "hide_empty_groups", "group_by", "start_day_of_week", "range_start",
        "range_end", "range_size",
    )  # fmt: skip
    only_keys(body, keys, path)
    found = _property(body.get("property_id", ...), schema, f"{path}.property_id")
    kind = GROUP_NAMES.get(found["type"], found["type"])
    if body.get("type") != kind:
        raise invalid_body(f"{path}.type", f'`"{kind}"`', body.get("type", ...))
    if kind == "formula":
        an_object(body.get("group_by", ...), f"{path}.group_by")
    else:
        if kind in GROUPED:
            one_of(body.get("group_by", ...), GROUPED[kind], f"{path}.group_by")
        sort = an_object(body.get("sort", ...), f"{path}.sort")
        only_keys(sort, ("type",), f"{path}.sort")
        one_of(sort.get("type", ...), ("manual", "ascending", "descending"), f"{path}.sort.type")
    return {**body, "property_id": found["id"], "property_name": found["name"]}


def _aggregation(value: Any, schema: Json, path: str) -> Json:
    body = an_object(value, path)
    only_keys(body, ("aggregator", "property_id"), path)
    one_of(body.get("aggregator", ...), AGGREGATORS, f"{path}.aggregator")
    if "property_id" in body:
        _property(body["property_id"], schema, f"{path}.property_id")
    return dict(body)


def _line(value: Any, path: str) -> Json:
    body = an_object(value, path)
    only_keys(body, ("id", "value", "label", "color", "dash_style"), path)
    a_number(body.get("value", ...), f"{path}.value")
    a_string(body.get("label", ...), f"{path}.label")
    a_string(body.get("color", ...), f"{path}.color")
    one_of(body.get("dash_style", ...), ("solid", "dash"), f"{path}.dash_style")
    return {"id": path, **body}
