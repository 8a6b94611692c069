"""The window: a browser on this machine sees databases and pages, edits them as a person, and nobody else gets in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from integrations.sandbox.notion.answering import answer
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sandbox.notion.spoiling import Answer, Request
from integrations.sandbox.notion.window.forms import patch_of
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.sample import ADA, DATABASE, TASKS, task_id

HOST = "127.0.0.1:8790"
WINDOW = "/_sandbox/window"
Visit = Callable[..., Answer]


@pytest.fixture
def visit(sandbox: Sandbox) -> Visit:
    """Open an address of the window, or send a form to it."""

    def go(path: str, form: dict[str, str] | None = None, **changed: Any) -> Answer:
        place, _, query = path.partition("?")
        headers = {"host": HOST, "origin": f"http://{HOST}"} | changed.pop("headers", {})
        body = b"" if form is None else urlencode(form).encode()
        asked = Request("GET" if form is None else "POST", WINDOW + place, query, headers, body, "127.0.0.1")
        return answer(sandbox, Request(**{**asked.__dict__, **changed}))

    return go


def title_of(sandbox: Sandbox, page_id: str) -> str:
    return str(sandbox.holder_of(page_id)[1].obj["properties"]["Name"]["title"][0]["plain_text"])


@pytest.mark.parametrize("path", ["", "/", f"/{TASKS}", f"/{DATABASE}", f"/{task_id(1)}"])
def test_everything_that_is_there_can_be_looked_at(visit: Visit, path: str) -> None:
    shown = visit(path)
    assert shown.status == 200
    assert shown.headers["Content-Type"].startswith("text/html")
    assert b"This is a sandbox, not Notion." in shown.body


@pytest.mark.parametrize(
    "path", ["/nothing", "/%3Cscript%3E", f"/{sample.an_id('nobody')}", "/-", f"/{'-' * 36}"]
)
def test_what_is_not_there_is_not_found(visit: Visit, path: str) -> None:
    assert visit(path).status == 404


def test_only_this_machine_under_its_own_names_looks_in(visit: Visit) -> None:
    assert visit("", remote_address="10.0.0.7").status == 403
    assert visit("", headers={"host": "stranger.example:8790"}).status == 403


@pytest.mark.parametrize("origin", ["", "null", "http://stranger.example", "http://127.0.0.1:9999"])
def test_a_form_of_another_page_changes_nothing(sandbox: Sandbox, visit: Visit, origin: str) -> None:
    before = title_of(sandbox, task_id(1))
    sent = visit(
        f"/{task_id(1)}", {"as": ADA, "has:title": "1", "p:title": "Stolen"}, headers={"origin": origin}
    )
    assert sent.status == 403
    assert title_of(sandbox, task_id(1)) == before


def test_a_person_edits_what_the_form_says_and_nothing_else(sandbox: Sandbox, visit: Visit) -> None:
    before = json.loads(json.dumps(sandbox.holder_of(task_id(1))[1].obj["properties"]))
    sent = visit(
        f"/{task_id(1)}", {"as": ADA, "act": "save", "has:title": "1", "p:title": "  A new <b>name</b> "}
    )
    assert sent.status == 303
    item = sandbox.holder_of(task_id(1))[1]
    assert title_of(sandbox, task_id(1)) == "A new <b>name</b>"
    assert item.obj["last_edited_by"]["id"] == ADA
    after = item.obj["properties"]
    assert {name for name in after if after[name] != before[name]} - {"Edited"} == {"Name"}
    shown = visit(sent.headers["Location"].removeprefix(WINDOW))
    assert b"Saved: Name." in shown.body
    assert b"A new &lt;b&gt;name&lt;/b&gt;" in shown.body
    assert b"<b>name" not in shown.body


def test_the_text_is_written_and_an_untouched_form_edits_nothing(sandbox: Sandbox, visit: Visit) -> None:
    sent = visit(f"/{task_id(1)}", {"as": ADA, "text": "A line.\r\n- and a point"})
    assert "the%20text" in sent.headers["Location"]
    text = sandbox.read(task_id(1))["markdown"]
    assert text == "A line.\n- and a point"
    edited = sandbox.holder_of(task_id(1))[1].obj
    again = visit(f"/{task_id(1)}", {"as": ADA, "text": text})
    assert "Nothing" in again.headers["Location"]
    assert sandbox.holder_of(task_id(1))[1].obj is edited


def test_a_page_goes_to_the_trash_and_comes_back(sandbox: Sandbox, visit: Visit) -> None:
    visit(f"/{task_id(1)}", {"as": ADA, "act": "trash"})
    assert sandbox.holder_of(task_id(1))[1].in_trash
    assert b"Take it out of the trash" in visit(f"/{task_id(1)}").body
    visit(f"/{task_id(1)}", {"as": ADA, "act": "trash"})
    assert not sandbox.holder_of(task_id(1))[1].in_trash


@pytest.mark.parametrize("form", [{"as": "nobody"}, {"as": ADA, "p:number": "many"}])
def test_what_cannot_be_saved_is_said_on_the_page(
    sandbox: Sandbox, visit: Visit, form: dict[str, str]
) -> None:
    properties = sandbox.holder_of(task_id(1))[1].obj["properties"]
    number = next(value for value in properties.values() if value["type"] == "number")
    renamed = {key.replace("p:number", f"p:{number['id']}"): value for key, value in form.items()}
    marked = {f"has:{number['id']}": "1", "has:title": "1", "p:title": "Not this"} | renamed
    refused = visit(f"/{task_id(1)}", marked)
    assert refused.status == 400
    assert b'role="alert"' in refused.body
    assert title_of(sandbox, task_id(1)) != "Not this"


def test_every_kind_of_field_is_written_as_the_api_takes_it() -> None:
    properties = {
        "Hours": {"id": "h", "type": "number", "number": 2},
        "Done": {"id": "d", "type": "checkbox", "checkbox": True},
        "State": {"id": "s", "type": "status", "status": {"name": "Open"}},
        "Due": {"id": "u", "type": "date", "date": {"start": "2026-05-01", "end": "2026-05-04"}},
        "Tags": {"id": "t", "type": "multi_select", "multi_select": [{"name": "a"}]},
        "Who": {"id": "w", "type": "people", "people": [{"id": "one"}]},
        "Sum": {"id": "f", "type": "formula", "formula": {"type": "number", "number": 3}},
    }
    untouched = {
        "h": ["2"],
        "d": ["on"],
        "s": ["Open"],
        "u": ["2026-05-01"],
        "t": ["a"],
        "w": ["one"],
        "f": ["9"],
    }
    marks = {f"has:{key}": ["1"] for key in untouched}
    assert patch_of(properties, marks | {f"p:{key}": value for key, value in untouched.items()}) == {}
    touched = {"h": ["2.5"], "s": ["Closed"], "u": ["2026-05-02"], "t": ["a", "b"], "w": []}
    assert patch_of(properties, marks | {f"p:{key}": value for key, value in touched.items()}) == {
        "Hours": {"number": 2.5},
        "Done": {"checkbox": False},
        "State": {"status": {"name": "Closed"}},
        "Due": {"date": {"start": "2026-05-02", "end": "2026-05-04"}},
        "Tags": {"multi_select": [{"name": "a"}, {"name": "b"}]},
        "Who": {"people": []},
    }


def test_pages_say_where_the_window_is_only_when_they_are_told_to(sandbox: Sandbox) -> None:
    def url_of(held: Sandbox) -> str:
        headers = {"authorization": f"Bearer {sample.TOKEN}", "notion-version": "2026-03-11"}
        asked = Request("GET", f"/v1/pages/{task_id(1)}", "", headers, b"", "127.0.0.1")
        return str(json.loads(answer(held, asked).body)["url"])

    assert url_of(sandbox).startswith("https://www.notion.so/")
    told = Sandbox(window_url=f"http://{HOST}{WINDOW}")
    told.add_workspace(sample.workspace_line(), [*sample.frame_objects(), *sample.tasks(1)])
    assert url_of(told) == f"http://{HOST}{WINDOW}/{task_id(1)}"
