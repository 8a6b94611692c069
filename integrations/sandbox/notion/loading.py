"""Reads workspaces from newline-delimited JSON as Notion's API would have returned it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrations.sandbox.notion.clock import to_minute
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.limits import PLANS, limits_of_plan
from integrations.sandbox.notion.rendering import NEW_NOTES, OLD_NOTES
from integrations.sandbox.notion.validation import canonical_id, is_uuid
from integrations.sandbox.notion.world import Connection, Workspace, World

TIMES = ("created_time", "last_edited_time")
DROPPED_KEYS = ("request_id", "archived")
THINGS = frozenset({"comment", "file_upload", "view", "async_task", "custom_emoji", "sandbox_template"})


class LoadError(Exception):
    """A line that is not what the README describes; the message names file and line."""


def load_file(world: World, path: Path) -> int:
    """Add the workspaces of a file; those the world knows already are passed over. Returns the lines used.

    Raises LoadError, and leaves the world half filled: the caller is expected to give up.
    """
    workspace: Workspace | None = None
    is_passed_over = False
    used = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            if is_passed_over and b'"sandbox_workspace"' not in line[:200]:
                continue  # not even parsed: a second start is quick
            try:
                obj = json.loads(line)
                if not isinstance(obj, dict):
                    raise LoadError("a line holds one JSON object")
                if obj.get("object") == "sandbox_workspace":
                    is_passed_over = canonical_id(obj["id"]) in world.workspaces
                    workspace = None if is_passed_over else add_workspace(world, obj)
                elif workspace is not None:
                    add_object(workspace, obj)
                elif not is_passed_over:
                    raise LoadError("the first line must be a sandbox_workspace")
                used += not is_passed_over
            except (LoadError, ValueError, KeyError, TypeError, AttributeError) as problem:
                detail = f"{problem} is missing" if isinstance(problem, KeyError) else problem
                raise LoadError(f"{path}:{number}: {detail}") from problem
    return used


def add_workspace(world: World, line: Json) -> Workspace:
    """Make the workspace and connections a `sandbox_workspace` line describes. Raises LoadError, KeyError."""
    for key in ("id", "name", "bot", "tokens"):
        if key not in line:
            raise LoadError(f"sandbox_workspace needs {key!r}")
    plan = line.get("plan", "plus")
    if plan not in PLANS:
        raise LoadError(f"plan {plan!r} is none of {', '.join(sorted(PLANS))}")
    workspace = Workspace(world, canonical_id(line["id"]), line["name"], plan)
    workspace.blocks_given = int(line.get("blocks_given", 0))
    for entry in (line, *line.get("connections", ())):
        _add_connection(workspace, entry)
    for known in [token for token, held in world.tokens.items() if held.workspace.id == workspace.id]:
        del world.tokens[known]
    for connection in workspace.connections:
        for token in connection.tokens:
            if token in world.tokens:
                raise LoadError(f"token {token[:12]}… belongs to another workspace already")
            world.tokens[token] = connection
    world.workspaces[workspace.id] = workspace
    return workspace


def _add_connection(workspace: Workspace, entry: Json) -> None:
    bot = entry["bot"]
    if bot.get("object") != "user" or not is_uuid(bot.get("id")):
        raise LoadError("'bot' must be a user object with an id")
    tokens = entry["tokens"]
    if not isinstance(tokens, list) or not all(isinstance(token, str) and token for token in tokens):
        raise LoadError("'tokens' must be a list of strings")
    shared = entry.get("shared", "*")
    workspace.connections.append(
        Connection(
            workspace,
            bot,
            tokens,
            limits_of_plan(workspace.plan).changed(entry.get("limits") or {}),
            shares_everything=shared == "*",
            shared=set(entry.get("also_shared", ())) if shared == "*" else set(shared),
            unshared=set(entry.get("unshared", ())),
            revoked=set(entry.get("revoked", ())),
            client_id=entry.get("client_id"),
            refresh_token=entry.get("refresh_token"),
            issued_at=float(entry.get("issued_at") or 0),
        )
    )
    workspace.users.setdefault(bot["id"], bot)


def add_object(workspace: Workspace, obj: Json) -> None:
    """Put one line into the workspace. Raises LoadError, KeyError, ValueError."""
    kind = obj.get("object")
    if kind == "sandbox_children":
        workspace.children[obj["id"]] = list(obj["children"])
        return
    if not is_uuid(obj.get("id")):
        raise LoadError(f"'id' must be a uuid, not {obj.get('id')!r}")
    obj["id"] = canonical_id(obj["id"])
    for key in DROPPED_KEYS:
        obj.pop(key, None)
    if kind in THINGS:
        workspace.things.setdefault(kind, {}).pop(obj["id"], None)
        if not obj.get("is_gone"):
            workspace.things[kind][obj["id"]] = obj
        return
    if kind == "user":
        workspace.users[obj["id"]] = obj
        return
    for key in TIMES:
        if key in obj:
            obj[key] = whole_minute(obj[key])
    if kind == "page":
        workspace.put("page", _complete_page(obj))
    elif kind == "data_source":
        if not isinstance(obj["properties"], dict) or not obj["parent"]["database_id"]:
            raise LoadError("a data_source needs 'properties' and 'parent.database_id'")
        obj.setdefault("in_trash", False)
        workspace.put("data_source", obj)
    elif kind == "database":
        _require(obj, "parent", dict)
        obj.setdefault("in_trash", False)
        workspace.put("database", obj)
    elif kind == "block":
        _require(obj, "parent", dict)
        obj.setdefault("in_trash", False)
        obj.setdefault("has_children", False)
        if obj["type"] == OLD_NOTES and OLD_NOTES in obj:
            obj["type"], obj[NEW_NOTES] = NEW_NOTES, obj.pop(OLD_NOTES)
        if obj["type"] not in obj:
            raise LoadError(f"a block of type {obj['type']!r} needs a key of that name")
        workspace.put("block", obj)
    else:
        raise LoadError(f"unknown object {kind!r}")


def _require(obj: Json, key: str, kind: type) -> Any:
    if not isinstance(obj.get(key), kind):
        raise LoadError(f"{key!r} must be of type {kind.__name__}")
    return obj[key]


def _complete_page(obj: Json) -> Json:
    _require(obj, "parent", dict)
    for name, value in _require(obj, "properties", dict).items():
        kind = value.get("type")
        if not kind or "id" not in value or kind not in value:
            raise LoadError(f"property {name!r} needs 'id', 'type' and its value")
    for flag in ("in_trash", "is_archived", "is_locked"):
        obj.setdefault(flag, False)
    return obj


def whole_minute(text: str) -> str:
    """The time with its seconds cut off. Raises ValueError."""
    if text.endswith(":00.000Z"):
        return text
    moment = datetime.fromisoformat(text)
    return to_minute(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def check_first_line(path: Path) -> None:
    """Refuse a file that cannot be right before a server is started for it. Raises OSError, LoadError."""
    with path.open("rb") as lines:
        first = next((line for line in lines if line.strip()), b"")
    try:
        obj = json.loads(first)
    except ValueError as problem:
        raise LoadError(f"{path}:1: {problem}") from problem
    if not isinstance(obj, dict) or obj.get("object") != "sandbox_workspace":
        raise LoadError(f"{path}:1: the first line must be a sandbox_workspace")
