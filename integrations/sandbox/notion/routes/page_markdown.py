"""`/v1/pages/{id}/markdown`: a page's whole content read or changed in one call."""

from __future__ import annotations

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.markdown_merging import rendered, write_markdown
from integrations.sandbox.notion.rendering import block_view
from integrations.sandbox.notion.routes.small_lists import start_task
from integrations.sandbox.notion.validation import (
    MAX_ARRAY,
    a_boolean,
    a_string,
    an_array,
    an_object,
    one_of,
    only_keys,
    path_id,
)

ELLIPSIS = "..."
KEYS = {
    "insert_content": ("content", "after", "position"),
    "replace_content_range": ("content", "content_range", "allow_deleting_content"),
    "update_content": ("content_updates", "allow_deleting_content"),
    "replace_content": ("new_str", "allow_deleting_content"),
}


def retrieve_markdown(call: Call, page_id: str) -> Json:
    """Of a page, or of a block whose subtree was left out of a long page."""
    one = path_id("page_id", page_id)
    if call.workspace.item("block", one) is None or call.workspace.item("page", one) is not None:
        call.find("page", one)
    elif not call.sees(one) or block_view(call.workspace, one, call.version) is None:
        raise call.missing("block", one)
    if call.parameter("include_transcript") not in (None, "true", "false"):
        raise invalid_body(
            "query.include_transcript", "a boolean", call.parameter("include_transcript"), where="query"
        )
    return _shown(call, one)


def update_markdown(call: Call, page_id: str) -> Json:
    """One of four commands on the text as it would be read now; blocks that stay the same keep their ids."""
    page = call.find("page", path_id("page_id", page_id))
    body = call.body
    kind = one_of(body.get("type", ...), tuple(KEYS), "body.type")
    only_keys(body, ("type", kind, "allow_async"), "body")
    if "allow_async" in body:
        a_boolean(body["allow_async"], "body.allow_async")
    where = f"body.{kind}"
    command = an_object(body.get(kind, ...), where)
    only_keys(command, KEYS[kind], where)
    allowed = a_boolean(command.get("allow_deleting_content", False), f"{where}.allow_deleting_content")
    if page.in_trash:
        raise invalid("Can't edit block that is archived. You must unarchive the block before editing.")
    text = rendered(call, page.id).page(page.id)
    write_markdown(call, page.id, _changed(kind, command, text, where), may_delete_pages=allowed)
    shown = _shown(call, page.id)
    most = call.limits.async_blocks
    if call.body.get("allow_async") and most is not None and len(call.workspace.children[page.id]) > most:
        return start_task(call, "update_page_markdown", shown)
    return shown


def _shown(call: Call, one: str) -> Json:
    markdown = rendered(call, one)
    text = markdown.page(one, call.limits.markdown_blocks)
    return {
        "object": "page_markdown",
        "id": one,
        "markdown": text,
        "truncated": markdown.is_truncated,
        "unknown_block_ids": markdown.unknown[:MAX_ARRAY],
    }


def _changed(kind: str, command: Json, text: str, where: str) -> str:
    if kind == "replace_content":
        return a_string(command.get("new_str", ...), f"{where}.new_str")
    if kind == "update_content":
        return _with_updates(command, text, where)
    content = a_string(command.get("content", ...), f"{where}.content")
    if kind == "replace_content_range":
        selection = a_string(command.get("content_range", ...), f"{where}.content_range", empty=False)
        start, end = _selected(text, selection)
        return text[:start] + content + text[end:]
    return _with_insertion(command, content, text, where)


def _with_insertion(command: Json, content: str, text: str, where: str) -> str:
    if "after" in command and "position" in command:
        raise invalid_body(f"{where}.position", "not present", command["position"])
    if "after" in command:
        _, end = _selected(text, a_string(command["after"], f"{where}.after", empty=False))
        line_end = text.find("\n", end)
        end = len(text) if line_end < 0 else line_end
        return f"{text[:end]}\n{content}{text[end:]}"
    position = an_object(command.get("position", {"type": "end"}), f"{where}.position")
    only_keys(position, ("type",), f"{where}.position")
    place = one_of(position.get("type", ...), ("start", "end"), f"{where}.position.type")
    parts = [content, text] if place == "start" else [text, content]
    return "\n".join(part for part in parts if part)


def _with_updates(command: Json, text: str, where: str) -> str:
    for at, given in enumerate(an_array(command.get("content_updates", ...), f"{where}.content_updates")):
        path = f"{where}.content_updates[{at}]"
        update = an_object(given, path)
        only_keys(update, ("old_str", "new_str", "replace_all_matches"), path)
        old = a_string(update.get("old_str", ...), f"{path}.old_str", empty=False)
        new = a_string(update.get("new_str", ...), f"{path}.new_str")
        everywhere = a_boolean(update.get("replace_all_matches", False), f"{path}.replace_all_matches")
        count = text.count(old)
        if count == 0:
            raise invalid(f"Could not find the content to replace: {old[:100]}")
        if count > 1 and not everywhere:
            raise invalid(f"Found {count} matches for: {old[:100]}. Set replace_all_matches, or say more.")
        text = text.replace(old, new)
    return text


def _selected(text: str, selection: str) -> tuple[int, int]:
    """From where to where `start text...end text` reaches. Raises 400 when it is not there."""
    first, dots, last = selection.partition(ELLIPSIS)
    start = text.find(first)
    if start < 0:
        raise invalid(f"Could not find the selection: {selection[:100]}")
    if not dots:
        return start, start + len(first)
    end = text.find(last, start + len(first))
    if end < 0:
        raise invalid(f"Could not find the end of the selection: {selection[:100]}")
    return start, end + len(last)
