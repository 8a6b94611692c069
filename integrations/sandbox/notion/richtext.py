"""Rich text as it comes in a request, checked and turned into what Notion gives back."""

from __future__ import annotations

import uuid
from typing import Any

from integrations.sandbox.notion.dates import iso_date, moment_of, stored_date
from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.items import title_of
from integrations.sandbox.notion.validation import (
    a_boolean,
    a_string,
    an_array,
    an_object,
    body_id,
    named_type,
    one_of,
    only_keys,
)
from integrations.sandbox.notion.world import Workspace

MAX_TEXT = 2000
MAX_EXPRESSION = 1000
MAX_URL = 2000
BASE_COLORS = ("default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red")
COLORS = (*BASE_COLORS, *(f"{color}_background" for color in BASE_COLORS))
STYLES = ("bold", "italic", "strikethrough", "underline", "code")
RUN_KEYS = ("type", "text", "mention", "equation", "annotations", "plain_text", "href")


def rich_text(workspace: Workspace, value: Any, path: str) -> list[Json]:
    """A checked list of runs with `plain_text`, `href` and full annotations."""
    return [_run(workspace, run, f"{path}[{index}]") for index, run in enumerate(an_array(value, path))]


def text_run(content: str, url: str | None = None, **styles: bool) -> Json:
    """A run of type text as Notion returns it."""
    return {
        "type": "text",
        "text": {"content": content, "link": {"url": url} if url else None},
        "annotations": {**dict.fromkeys(STYLES, False), "color": "default"} | styles,
        "plain_text": content,
        "href": url,
    }


def _run(workspace: Workspace, value: Any, path: str) -> Json:
    run = an_object(value, path)
    only_keys(run, RUN_KEYS, path)
    kinds = [kind for kind in ("text", "mention", "equation") if kind in run]
    if len(kinds) != 1 or run.get("type", kinds[0]) != kinds[0]:
        raise invalid_body(f"{path}.{run.get('type', 'text')}", "defined")
    annotations = _annotations(run.get("annotations", {}), f"{path}.annotations")
    if kinds[0] == "text":
        content, url = _text(run["text"], f"{path}.text")
        return {
            "type": "text",
            "text": {"content": content, "link": {"url": url} if url else None},
            "annotations": annotations,
            "plain_text": content,
            "href": url,
        }
    if kinds[0] == "equation":
        equation = an_object(run["equation"], f"{path}.equation")
        only_keys(equation, ("expression",), f"{path}.equation")
        expression = a_string(
            equation.get("expression", ...), f"{path}.equation.expression", most=MAX_EXPRESSION
        )
        return {
            "type": "equation",
            "equation": {"expression": expression},
            "annotations": annotations,
            "plain_text": expression,
            "href": None,
        }
    mention, text, href = _mention(workspace, an_object(run["mention"], f"{path}.mention"), f"{path}.mention")
    return {
        "type": "mention",
        "mention": mention,
        "annotations": annotations,
        "plain_text": text,
        "href": href,
    }


def _annotations(value: Any, path: str) -> Json:
    given = an_object(value, path)
    only_keys(given, (*STYLES, "color"), path)
    for style in STYLES:
        if style in given:
            a_boolean(given[style], f"{path}.{style}")
    color = one_of(given.get("color", "default"), COLORS, f"{path}.color")
    return {**{style: given.get(style, False) for style in STYLES}, "color": color}


def _text(value: Any, path: str) -> tuple[str, str | None]:
    text = an_object(value, path)
    only_keys(text, ("content", "link"), path)
    content = a_string(text.get("content", ...), f"{path}.content", most=MAX_TEXT)
    link = text.get("link")
    if link is None:
        return content, None
    only_keys(an_object(link, f"{path}.link"), ("url", "type"), f"{path}.link")
    url = a_string(link.get("url", ...), f"{path}.link.url", most=MAX_URL, empty=False)
    if ":" not in url and not url.startswith(("/", "#")):
        raise invalid("Invalid URL for link.")
    return content, url


def _mention(workspace: Workspace, mention: Json, path: str) -> tuple[Json, str, str | None]:
    only_keys(mention, ("type", "user", "date", "page", "database", "template_mention", "custom_emoji"), path)
    kinds = [kind for kind in mention if kind != "type"]
    if len(kinds) != 1:
        raise invalid_body(f"{path}.user", "defined")
    kind = kinds[0]
    named_type(mention, kind, path)
    body = an_object(mention[kind], f"{path}.{kind}")
    if kind == "user":
        user = user_value(workspace, body, f"{path}.user")
        return {"type": "user", "user": user}, f"@{user.get('name') or 'Anonymous'}", None
    if kind == "date":
        date = date_value(body, f"{path}.date")
        end = f" → {date['end']}" if date["end"] else ""
        return {"type": "date", "date": date}, f"{date['start']}{end}", None
    if kind in ("page", "database"):
        target = body_id(body.get("id", ...), f"{path}.{kind}.id")
        item = workspace.item("page", target) or workspace.item("database", target)
        name = title_of(item.obj) if item else "Untitled"
        href = f"https://www.notion.so/{uuid.UUID(target).hex}"
        return {"type": kind, kind: {"id": target}}, name or "Untitled", href
    return {"type": kind, kind: body}, body.get("name", ""), None


def user_value(workspace: Workspace, value: Any, path: str) -> Json:
    """The full user a partial one points to. Raises 400 for an id nobody has."""
    given = an_object(value, path)
    if given.get("object", "user") != "user":
        raise invalid_body(f"{path}.object", '`"user"` or `undefined`', given["object"])
    user_id = body_id(given.get("id", ...), f"{path}.id")
    user = workspace.users.get(user_id)
    if user is None:
        raise invalid(f"Could not find user with ID: {user_id}.")
    return user


def date_value(value: Any, path: str) -> Json:
    """`{"start", "end", "time_zone"}` with ISO dates or date-times."""
    date = an_object(value, path)
    only_keys(date, ("start", "end", "time_zone"), path)
    start = iso_date(date.get("start", ...), f"{path}.start")
    end = None if date.get("end") is None else iso_date(date["end"], f"{path}.end")
    zone = date.get("time_zone")
    if zone is not None:
        a_string(zone, f"{path}.time_zone", empty=False)
    if end is not None and moment_of(end) < moment_of(start):
        raise invalid(f"Invalid date range: start {start} is after end {end}.")
    return {"start": stored_date(start), "end": stored_date(end) if end else None, "time_zone": zone}
