"""`/v1/oauth/authorize`: the page on which a person lets an application into a workspace, or does not."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import parse_qs

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.items import title_of
from integrations.sandbox.notion.oauth.grants import OAuth
from integrations.sandbox.notion.spoiling import Answer, Request
from integrations.sandbox.notion.world import Workspace, World

HTML = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
MOST_LISTED = 50
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#222;background:#fff}
fieldset{border:1px solid #888;border-radius:6px;margin:1rem 0;padding:.75rem 1rem}
label{display:block;margin:.25rem 0}
button{font:inherit;padding:.5rem 1.25rem;margin-right:.5rem;border:1px solid #222;border-radius:6px;background:#fff}
button[value=allow]{background:#222;color:#fff}
"""


def answer_consent(oauth: OAuth, world: World, request: Request) -> Answer:
    """GET shows the page, POST of its form sends the person back with a code or a refusal."""
    sent = request.query_string if request.method == "GET" else request.body.decode(errors="replace")
    form = parse_qs(sent, keep_blank_values=True)
    asked = {key: form.get(key, [""])[0] for key in ("client_id", "redirect_uri", "state", "response_type")}
    try:
        client = oauth.client(asked["client_id"])
        if not client.may_return_to(asked["redirect_uri"]):
            raise ValueError("redirect_uri is not one of the client's")
        if request.method == "GET":
            if asked["response_type"] != "code":
                raise ValueError("response_type must be code")
            return Answer(200, _page(client.name, asked, world.workspaces.values()), dict(HTML))
        address = _decided(oauth, asked, form)
    except ValueError as problem:
        # Never back to an address nobody registered.
        return Answer(400, _document("Cannot connect", f"<p>{escape(str(problem))}</p>"), dict(HTML))
    return Answer(302, b"", {**HTML, "Location": address})


def _decided(oauth: OAuth, asked: dict[str, str], form: dict[str, list[str]]) -> str:
    back = {"redirect_uri": asked["redirect_uri"], "state": asked["state"]}
    if form.get("decision") != ["allow"]:
        return oauth.deny(asked["client_id"], **back)
    person = form.get("person", [""])[0]
    workspace_id, _, user_id = person.partition("/")
    shared = form.get("shared", ["*"])
    return oauth.allow(
        asked["client_id"], workspace_id, user_id, shared="*" if "*" in shared else shared, **back
    )


def _page(name: str, asked: dict[str, str], workspaces: Iterable[Workspace]) -> bytes:
    held = list(workspaces)
    hidden = "".join(
        f'<input type="hidden" name="{key}" value="{escape(asked[key])}">'
        for key in ("client_id", "redirect_uri", "state")
    )
    people = "".join(
        f'<option value="{workspace.id}/{escape(user["id"])}">{escape(_label(workspace, user))}</option>'
        for workspace in held
        for user in workspace.users.values()
        if user.get("type") == "person"
    )
    pages = "".join(
        f'<label><input type="checkbox" name="shared" value="{one_id}"> {escape(title)}</label>'
        for workspace in held
        for one_id, title in _tops(workspace)
    )
    return _document(
        f"Let {name} in?",
        f"<p>{escape(name)} would like to read and change pages. This is a sandbox, not Notion.</p>"
        f'<form method="post" action="/v1/oauth/authorize">{hidden}'
        f'<label for="person">You are</label><select id="person" name="person">{people}</select>'
        "<fieldset><legend>It may see</legend>"
        '<label><input type="checkbox" name="shared" value="*" checked> Everything in the workspace</label>'
        f"{pages}</fieldset>"
        '<button name="decision" value="allow">Allow access</button>'
        '<button name="decision" value="deny">Cancel</button></form>',
    )


def _label(workspace: Workspace, user: Json) -> str:
    return f"{user.get('name') or 'Somebody'} in {workspace.name}"


def _tops(workspace: Workspace) -> list[tuple[str, str]]:
    found = [
        (item.id, f"{title_of(item.obj) or 'Untitled'} ({workspace.name})")
        for kind in ("page", "database")
        for item in workspace.items[kind].values()
        if item.parent_id is None and not item.in_trash
    ]
    return found[:MOST_LISTED]


def _document(title: str, content: str) -> bytes:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    ).encode()
