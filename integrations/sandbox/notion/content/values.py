"""Builders of the JSON Notion answers with (API 2026-03-11): rich text, property values, blocks, pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

type Json = dict[str, Any]

MAX_TEXT_LENGTH = 2000
"""Notion cuts no text object longer than this; longer texts are split into several objects."""

_INLINE = re.compile(
    r"\*\*(?P<bold>[^*]+)\*\*|`(?P<code>[^`]+)`|\[(?P<label>[^\]]+)\]\((?P<url>[^)]+)\)|@\{(?P<user>[^}]+)\}"
)


@dataclass(frozen=True, slots=True)
class Member:
    """A person of an invented company, as Notion shows them; `email` is None for guests who hide it."""

    id: str
    name: str
    email: str | None

    def as_json(self) -> Json:
        """Return the full user object."""
        person: Json = {} if self.email is None else {"email": self.email}
        return {
            "object": "user",
            "id": self.id,
            "name": self.name,
            "avatar_url": None,
            "type": "person",
            "person": person,
        }


def stamp(moment: datetime) -> str:
    """Return the moment the way Notion prints one: UTC, cut to the minute, three zeros of milliseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:00.000Z")


def _annotations(*, bold: bool = False, code: bool = False) -> Json:
    return {
        "bold": bold,
        "italic": False,
        "strikethrough": False,
        "underline": False,
        "code": code,
        "color": "default",
    }


def text(content: str, *, bold: bool = False, code: bool = False, url: str | None = None) -> Json:
    """Return one text object of at most 2,000 characters."""
    return {
        "type": "text",
        "text": {"content": content, "link": None if url is None else {"url": url}},
        "annotations": _annotations(bold=bold, code=code),
        "plain_text": content,
        "href": url,
    }


def plain(content: str) -> list[Json]:
    """Return unformatted rich text, split where Notion would not take it in one piece."""
    return [text(content[at : at + MAX_TEXT_LENGTH]) for at in range(0, len(content), MAX_TEXT_LENGTH)]


def mention(member: Member) -> Json:
    """Return a mention of a person inside rich text."""
    return {
        "type": "mention",
        "mention": {"type": "user", "user": member.as_json()},
        "annotations": _annotations(),
        "plain_text": f"@{member.name}",
        "href": None,
    }


def rich(source: str, people: dict[str, Member]) -> list[Json]:
    """Turn `**bold**`, `` `code` ``, `[label](url)` and `@{Name}` into rich text; unknown names stay text."""
    if not source:
        return []
    pieces: list[Json] = []
    at = 0
    for found in _INLINE.finditer(source):
        pieces += plain(source[at : found.start()])
        at = found.end()
        if found["bold"]:
            pieces.append(text(found["bold"], bold=True))
        elif found["code"]:
            pieces.append(text(found["code"], code=True))
        elif found["url"]:
            pieces.append(text(found["label"], url=found["url"]))
        elif member := people.get(found["user"]):
            pieces.append(mention(member))
        else:
            pieces += plain(found["user"])
    pieces += plain(source[at:])
    return pieces


def date_value(start: date | None, end: date | None = None) -> Json | None:
    """Return a date value of whole days, or None when there is no date."""
    if start is None:
        return None
    return {"start": start.isoformat(), "end": None if end is None else end.isoformat(), "time_zone": None}


def option(*, option_id: str, name: str, color: str) -> Json:
    """Return a select, multi-select or status option as a page value holds it."""
    return {"id": option_id, "name": name, "color": color}


def relation(ids: Sequence[str]) -> Json:
    """Return a relation value with every id; the sandbox shows 25 of them and says so."""
    return {"relation": [{"id": page_id} for page_id in ids], "has_more": False}


def emoji(character: str) -> Json:
    """Return an emoji icon."""
    return {"type": "emoji", "emoji": character}


def user_reference(user_id: str) -> Json:
    """Return a person by id only, as `created_by` of a page does."""
    return {"object": "user", "id": user_id}


def page_url(title: str, page_id: str) -> str:
    """Return the address a page would have in Notion."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", title)[:60].strip("-")
    return f"https://www.notion.so/{slug + '-' if slug else ''}{page_id.replace('-', '')}"


def page(
    *,
    page_id: str,
    parent: Json,
    title: str,
    properties: Json,
    created_at: datetime,
    edited_at: datetime,
    created_by: str,
    edited_by: str,
    icon: str | None = None,
) -> Json:
    """Return a page object; `properties` is keyed by property name."""
    return {
        "object": "page",
        "id": page_id,
        "created_time": stamp(created_at),
        "last_edited_time": stamp(edited_at),
        "created_by": user_reference(created_by),
        "last_edited_by": user_reference(edited_by),
        "cover": None,
        "icon": None if icon is None else emoji(icon),
        "parent": parent,
        "in_trash": False,
        "is_archived": False,
        "is_locked": False,
        "properties": properties,
        "url": page_url(title, page_id),
        "public_url": None,
    }


def block(
    *,
    block_id: str,
    parent: Json,
    kind: str,
    content: Json,
    moment: str,
    user_id: str,
    has_children: bool,
) -> Json:
    """Return a block object; `moment` is an already printed Notion time."""
    return {
        "object": "block",
        "id": block_id,
        "parent": parent,
        "created_time": moment,
        "last_edited_time": moment,
        "created_by": user_reference(user_id),
        "last_edited_by": user_reference(user_id),
        "has_children": has_children,
        "in_trash": False,
        "type": kind,
        kind: content,
    }
