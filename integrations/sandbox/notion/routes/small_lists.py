"""Templates, custom emojis and tasks: little things that are only listed or looked up."""

from __future__ import annotations

import uuid
from datetime import datetime

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.pagination import page_of, question_of
from integrations.sandbox.notion.templates import templates_of
from integrations.sandbox.notion.uploads import exact
from integrations.sandbox.notion.validation import page_size, path_id

TASK = "async_task"
EMOJI = "custom_emoji"
POLL_AFTER_SECONDS = 2


def list_templates(call: Call, data_source_id: str) -> Json:
    """Of one data source; `name` narrows."""
    source = call.find("data_source", path_id("data_source_id", data_source_id))
    sought = (call.parameter("name") or "").casefold()
    found = [one for one in templates_of(call.workspace, source.id) if sought in one["name"].casefold()]
    size = page_size(call.parameter("page_size"), "query")
    question = question_of("templates", source.id, sought)
    page, cursor = page_of(
        call.cursors, found, lambda one: one["id"], question, call.parameter("start_cursor"), size
    )
    shown = [{key: one[key] for key in ("id", "name", "is_default")} for one in page]
    return {"templates": shown, "has_more": cursor is not None, "next_cursor": cursor}


def list_custom_emojis(call: Call) -> Json:
    """Of the workspace; `name` must be the whole name."""
    name = call.parameter("name")
    held = call.workspace.things.get(EMOJI, {}).values()
    found = [one for one in held if name in (None, one["name"])]
    size = page_size(call.parameter("page_size"), "query")
    question = question_of(EMOJI, call.workspace.id, name)
    page, cursor = page_of(
        call.cursors, found, lambda one: one["id"], question, call.parameter("start_cursor"), size
    )
    return {
        "object": "list",
        "type": EMOJI,
        "results": [{key: one[key] for key in ("id", "name", "url")} for one in page],
        "has_more": cursor is not None,
        "next_cursor": cursor,
    }


def retrieve_async_task(call: Call, task_id: str) -> Json:
    """Queued, then running, then done: by the clock."""
    wanted = path_id("task_id", task_id)
    task = call.workspace.thing(TASK, wanted)
    if task is None or task["bot_id"] != call.actor["id"]:
        raise call.missing(TASK, wanted)
    return task_view(call, task)


def start_task(call: Call, name: str, result: Json) -> Json:
    """A task for work that is reported later. The sandbox has carried it out already."""
    call.status = 202
    task_id = str(uuid.uuid4())
    made = call.workspace.put_thing(
        {
            "object": TASK,
            "id": task_id,
            "bot_id": call.actor["id"],
            "created_time": exact(call.workspace.world.clock.now()),
            "operation": {"surface": "rest", "name": name},
            "result": result,
        }
    )
    return task_view(call, made)


def task_view(call: Call, task: Json) -> Json:
    waited = (call.workspace.world.clock.now() - datetime.fromisoformat(task["created_time"])).total_seconds()
    view: Json = {
        "object": TASK,
        "id": task["id"],
        "status_url": f"{call.workspace.world.base_url}/v1/async_tasks/{task['id']}",
        "created_time": task["created_time"],
        "operation": task["operation"],
    }
    if waited >= 2 * POLL_AFTER_SECONDS:
        return {**view, "status": "succeeded", "result": task["result"]}
    status = "running" if waited >= POLL_AFTER_SECONDS else "queued"
    return {**view, "status": status, "poll_after_seconds": POLL_AFTER_SECONDS}
