"""What the window shows: all workspaces, the rows of a database, and one page with its form."""

from __future__ import annotations

from html import escape
from typing import Final

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.items import Item, title_of
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sandbox.notion.window.forms import field_of, shown
from integrations.sandbox.notion.world import Workspace

WINDOW: Final = "/_sandbox/window"
MOST_ROWS: Final = 50
_STYLE: Final = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:light-dark(#222,#eee);background:light-dark(#fff,#191919)}
a{color:light-dark(#0b5cad,#8cc1ff)} small,dt{color:light-dark(#5c5c5c,#aaa)} code{overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%} th,td{text-align:start;padding:.35rem .5rem;border-bottom:1px solid #8884}
dl{display:grid;grid-template-columns:minmax(7rem,12rem) 1fr;gap:.5rem 1rem} dd{margin:0}
input:not([type=checkbox]),select,textarea,button{font:inherit;padding:.35rem .5rem;max-width:100%;
box-sizing:border-box}
input[type=text],select,textarea{width:100%} .note{padding:.5rem .75rem;border:1px solid #8888;border-radius:6px}
@media(max-width:40rem){dl{grid-template-columns:1fr;gap:0}dd{margin-block-end:.5rem}}
"""


def home(sandbox: Sandbox) -> bytes:
    """Every workspace with its databases, and how many calls were answered."""
    parts = []
    for workspace in sandbox.world.workspaces.values():
        lines = "".join(
            f'<li><a href="{WINDOW}/{item.id}">{escape(title_of(item.obj) or "Untitled")}</a> '
            f"<small>{len(workspace.table(item.id).rows):,} rows</small></li>"
            for item in workspace.items["data_source"].values()
            if not item.in_trash
        )
        parts.append(f"<h2>{escape(workspace.name)}</h2><ul>{lines or '<li>No databases.</li>'}</ul>")
    report = sandbox.report()
    calls = "".join(
        f"<tr><td><code>{escape(endpoint)}</code></td><td>{count:,}</td></tr>"
        for endpoint, count in sorted(report["by_endpoint"].items(), key=lambda one: -one[1])
    )
    table = f"<table><tr><th>Call</th><th>So often</th></tr>{calls}</table>" if calls else "<p>None yet.</p>"
    parts.append(f"<h2>Calls answered since the start: {report['total']:,}</h2>{table}")
    return document("The Notion sandbox", "".join(parts), is_home=True)


def rows_of(workspace: Workspace, source: Item, wanted: str) -> bytes:
    """The rows of a database whose title holds the word, the last edited first."""
    rows = [
        row
        for row in workspace.table(source.id).rows.values()
        if not row.in_trash and wanted.lower() in title_of(row.obj).lower()
    ]
    rows.sort(key=lambda row: (row.edited, row.id), reverse=True)
    people = names_of(workspace)
    lines = "".join(
        f'<tr><td><a href="{WINDOW}/{row.id}">{escape(title_of(row.obj) or "Untitled")}</a></td>'
        f"<td>{escape(_status(row.obj, people))}</td><td>{escape(_edited(row.obj, people))}</td></tr>"
        for row in rows[:MOST_ROWS]
    )
    search = (
        f'<form><label for="q">Title</label> <input type="text" id="q" name="q" value="{escape(wanted)}" '
        f'style="width:20rem"> <button>Search</button></form>'
    )
    count = (
        f"<p><small>{len(rows):,} rows; the {min(len(rows), MOST_ROWS)} edited last are shown.</small></p>"
    )
    head = "<tr><th>Title</th><th>Status</th><th>Last edited</th></tr>"
    return document(
        f"{title_of(source.obj)} · {workspace.name}", f"{search}{count}<table>{head}{lines}</table>"
    )


def page(workspace: Workspace, item: Item, text: str, note: str = "", *, is_bad: bool = False) -> bytes:
    """A page with its properties and its text, to be edited as one of the people."""
    people = names_of(workspace)
    source = workspace.item("data_source", item.parent_id or "")
    schema: Json = source.obj["properties"] if source else {}
    fields = "".join(
        field_of(name, value, schema.get(name, {}), people)
        for name, value in sorted(
            item.obj["properties"].items(), key=lambda one: (one[1]["type"] != "title", one[0])
        )
    )
    editor = item.obj["last_edited_by"]["id"]
    choice = "".join(
        f'<option value="{escape(one)}"{" selected" if one == editor else ""}>{escape(name)}</option>'
        for one, name in people.items()
    )
    above = f'<p><a href="{WINDOW}/{source.id}">{escape(title_of(source.obj))}</a></p>' if source else ""
    told = f'<p class="note" role="{"alert" if is_bad else "status"}">{escape(note)}</p>' if note else ""
    trash = "Take it out of the trash" if item.in_trash else "Put it into the trash"
    body = (
        f"{above}{told}<p><small>Last edited: {escape(_edited(item.obj, people))}"
        f"{' · in the trash' if item.in_trash else ''}</small></p>"
        f'<form method="post"><dl><dt><label for="as">You are</label></dt>'
        f'<dd><select id="as" name="as">{choice}</select></dd>{fields}'
        f'<dt><label for="text">Text, as markdown</label></dt><dd><textarea id="text" name="text" rows="12">'
        f"{escape(text)}</textarea></dd></dl>"
        f'<button name="act" value="save">Save</button> <button name="act" value="trash">{trash}</button></form>'
    )
    return document(title_of(item.obj) or "Untitled", body)


def document(title: str, content: str, *, is_home: bool = False) -> bytes:
    """A whole page of the window."""
    home_link = "" if is_home else f'<nav><a href="{WINDOW}">All databases</a></nav>'
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · Notion sandbox</title>'
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style></head><body>{home_link}<main><h1>{escape(title)}</h1>"
        f"<p><small>This is a sandbox, not Notion. What is changed here, a person has changed in Notion.</small></p>"
        f"{content}</main></body></html>"
    ).encode()


def names_of(workspace: Workspace) -> dict[str, str]:
    """The people of a workspace: id to name, in the order of their names."""
    people = [user for user in workspace.users.values() if user.get("type") == "person"]
    return {
        user["id"]: user.get("name") or "Somebody" for user in sorted(people, key=lambda one: one["name"])
    }


def _status(obj: Json, people: dict[str, str]) -> str:
    found = [value for value in obj["properties"].values() if value["type"] in ("status", "select")]
    return shown(next((one for one in found if one["type"] == "status"), found[0]), people) if found else ""


def _edited(obj: Json, people: dict[str, str]) -> str:
    by = people.get(obj["last_edited_by"]["id"], "an integration")
    return f"{obj['last_edited_time'][:16].replace('T', ' ')} UTC by {by}"
