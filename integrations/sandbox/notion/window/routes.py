"""`/_sandbox/window…`: shows the sandbox to a browser on this machine and takes what its forms send."""

from __future__ import annotations

import uuid
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

from integrations.sandbox.notion.errors import NotionError
from integrations.sandbox.notion.items import Item
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sandbox.notion.spoiling import Answer, Request
from integrations.sandbox.notion.window import pages
from integrations.sandbox.notion.window.forms import patch_of
from integrations.sandbox.notion.world import Workspace

HTML: Final = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
_OWN_NAMES: Final = ("127.0.0.1", "localhost", "::1")


def answer_window(sandbox: Sandbox, request: Request) -> Answer:
    """A page of the window, or where to go after a form. Never raises for what a browser sends."""
    host = request.headers.get("host", "")
    if urlsplit(f"//{host}").hostname not in _OWN_NAMES:
        # A foreign name that leads to this machine: somebody else's page wants to look in.
        return _refused(403, "The window answers to this machine's own names only.")
    rest = request.path.removeprefix(pages.WINDOW).strip("/")
    with sandbox.lock:
        if not rest:
            return Answer(200, pages.home(sandbox), dict(HTML))
        found = _found(sandbox, rest)
        if found is None:
            return _refused(404, "There is no such database or page.")
        workspace, item = found
        if request.method == "POST" and item.kind == "page":
            if request.headers.get("origin", "") != f"http://{host}":
                return _refused(403, "This form was not sent by this window.")
            return _edited(sandbox, workspace, item, request)
        query = parse_qs(request.query_string)
        if item.kind == "page":
            shown = pages.page(workspace, item, _text(sandbox, item), query.get("said", [""])[0])
        else:
            shown = pages.rows_of(workspace, item, query.get("q", [""])[0])
        return Answer(200, shown, dict(HTML))


def _found(sandbox: Sandbox, text: str) -> tuple[Workspace, Item] | None:
    """The page or data source of an id, with or without dashes; of a database the first of its sources."""
    try:
        found = sandbox.holder_of(str(uuid.UUID(text[-36:] if "-" in text else text)))
    except ValueError:
        return None
    workspace, item = found
    if item.kind == "database":
        sources = item.obj.get("data_sources") or [{"id": ""}]
        source = workspace.item("data_source", sources[0]["id"])
        return None if source is None else (workspace, source)
    return found if item.kind in ("page", "data_source") else None


def _edited(sandbox: Sandbox, workspace: Workspace, item: Item, request: Request) -> Answer:
    form = parse_qs(request.body.decode(errors="replace"), keep_blank_values=True)
    person = form.get("as", [""])[0]
    try:
        if form.get("act") == ["trash"]:
            sandbox.trash(item.id, person, in_trash=not item.in_trash)
            said = "It is in the trash." if workspace.items["page"][item.id].in_trash else "It is back."
        else:
            said = _saved(sandbox, item, person, form)
    except (ValueError, NotionError) as problem:
        message = problem.message if isinstance(problem, NotionError) else str(problem)
        shown = pages.page(workspace, item, _text(sandbox, item), message, is_bad=True)
        return Answer(400, shown, dict(HTML))
    return Answer(303, b"", {**HTML, "Location": f"{pages.WINDOW}/{item.id}?said={quote(said)}"})


def _saved(sandbox: Sandbox, item: Item, person: str, form: dict[str, list[str]]) -> str:
    patch = patch_of(item.obj["properties"], form)
    if patch:
        sandbox.edit(item.id, person, {"properties": patch})
    text = form.get("text", [""])[0].replace("\r\n", "\n")
    has_new_text = "text" in form and text.strip() != _text(sandbox, item).strip()
    if has_new_text:
        sandbox.write(item.id, person, text)
    changed = [*patch, *(["the text"] if has_new_text else [])]
    return f"Saved: {', '.join(changed)}." if changed else "Nothing was different."


def _text(sandbox: Sandbox, item: Item) -> str:
    return str(sandbox.read(item.id)["markdown"])


def _refused(status: int, problem: str) -> Answer:
    return Answer(status, pages.document("Not here", f"<p>{problem}</p>"), dict(HTML))
