"""The control paths over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integrations.sandbox.notion.answering import answer
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sandbox.notion.spoiling import Request
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller

PAGE = f"/v1/pages/{sample.task_id(1)}"


def control(notion: Caller, name: str, body: Any = None, method: str = "POST") -> sample.Json:
    notion.token = ""
    raw = None if body is None else json.dumps(body).encode()
    status, _, content = notion.raw(method, f"/_sandbox/{name}", raw)
    notion.token = sample.TOKEN
    assert status == 200, content
    made: sample.Json = json.loads(content)
    return made


def look(notion: Caller, name: str) -> sample.Json:
    return control(notion, name, method="GET")


def test_state_counts_what_there_is(notion: Caller) -> None:
    state = look(notion, "state")
    (workspace,) = state["workspaces"]
    counted = {key: workspace[key] for key in ("users", "databases", "data_sources", "pages", "blocks")}
    assert counted == {"users": 3, "databases": 1, "data_sources": 1, "pages": 6, "blocks": 0}
    assert workspace["tokens"] == [sample.TOKEN]
    assert (state["clock"], state["now"]) == ("manual", "2026-07-10T12:00:30+00:00")


def test_the_ledger_counts_by_endpoint_and_status(notion: Caller) -> None:
    notion.get(PAGE)
    notion.get(f"/v1/pages/{sample.an_id('none')}")
    notion.query()
    notion.get("/v1/nothing")
    report = look(notion, "ledger?calls=1")
    assert report["total"] == 4
    assert report["by_endpoint"] == {
        "GET /v1/pages/{page_id}": 2,
        "POST /v1/data_sources/{data_source_id}/query": 1,
        "GET (unknown)": 1,
    }
    assert report["by_status"] == {"200": 2, "404": 1, "400": 1}
    assert {
        "workspace": sample.WORKSPACE,
        "endpoint": "GET /v1/pages/{page_id}",
        "status": 404,
        "count": 1,
    } in report["counts"]
    assert report["calls"][0]["path"] == PAGE
    assert report["calls"][0]["at"] == "2026-07-10T12:00:30+00:00"
    assert look(notion, "ledger?workspace=Test%20Workspace&reset=1")["total"] == 4
    assert look(notion, "ledger")["total"] == 0


def test_control_calls_are_not_in_the_ledger(notion: Caller) -> None:
    look(notion, "state")
    assert look(notion, "ledger")["total"] == 0


def test_a_person_edits_creates_and_trashes(notion: Caller) -> None:
    patch = {"properties": {"Hours": {"number": 9}}}
    edited = control(notion, "edit", {"page_id": sample.task_id(1), "as": sample.BEN, "patch": patch})
    assert edited["last_edited_by"]["id"] == sample.BEN
    new_id = sample.an_id("chosen id")
    page = {"parent": {"data_source_id": sample.TASKS}, "properties": {"Name": {"title": []}}}
    created = control(notion, "create", {"as": sample.ADA, "page": page, "id": new_id})
    assert (created["id"], created["created_by"]["id"]) == (new_id, sample.ADA)
    control(notion, "trash", {"page_id": new_id, "as": sample.ADA})
    assert notion.get(f"/v1/pages/{new_id}").body["in_trash"] is True
    control(notion, "trash", {"page_id": new_id, "as": sample.ADA, "in_trash": False})
    assert new_id in notion.query().ids
    assert look(notion, "ledger")["total"] == 2


def test_a_person_writes_and_changes_columns(notion: Caller) -> None:
    children = [{"paragraph": {"rich_text": [{"text": {"content": "x"}}]}}]
    control(notion, "append", {"block_id": sample.task_id(1), "as": sample.BEN, "children": children})
    assert len(notion.get(f"/v1/blocks/{sample.task_id(1)}/children").ids) == 1
    patch = {"properties": {"Hours": {"name": "Effort"}}}
    control(notion, "schema", {"data_source_id": sample.TASKS, "as": sample.BEN, "patch": patch})
    assert "Effort" in notion.get(PAGE).body["properties"]


def test_people_may_join(notion: Caller) -> None:
    cleo = sample.person(sample.an_id("cleo"), "Cleo Sample")
    control(notion, "users", {"workspace": sample.TOKEN, "user": cleo})
    assert notion.get(f"/v1/users/{cleo['id']}").body["name"] == "Cleo Sample"


def test_clock_limits_shares_tokens_and_faults_are_set(notion: Caller) -> None:
    moved = control(notion, "clock", {"mode": "manual", "now": "2027-01-01T00:00:10Z"})
    assert moved == {"mode": "manual", "now": "2027-01-01T00:00:10+00:00"}
    assert control(notion, "clock", {"advance_seconds": 5})["now"] == "2027-01-01T00:00:15+00:00"
    assert control(notion, "clock", {"mode": "offset", "offset_seconds": 10})["mode"] == "offset"
    assert control(notion, "clock", {"mode": "real"})["mode"] == "real"
    limits = control(notion, "limits", {"workspace": "Test Workspace", "per_minute": None})
    assert limits[sample.WORKSPACE]["per_minute"] is None
    control(notion, "unshare", {"id": sample.task_id(1)})
    assert notion.get(PAGE).status == 404
    control(notion, "share", {"id": sample.task_id(1), "token": sample.TOKEN})
    assert notion.get(PAGE).status == 200
    control(notion, "revoke", {"token": sample.TOKEN})
    assert notion.get(PAGE).status == 401
    control(notion, "revoke", {"token": sample.TOKEN, "restore": True})
    assert control(notion, "faults", {"status": 500, "times": 2}) == {"id": 1}
    assert [fault["status"] for fault in look(notion, "faults")["faults"]] == [500]
    control(notion, "faults", method="DELETE")
    assert notion.get(PAGE).status == 200


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("edit", {"as": sample.BEN}, "'page_id' is missing"),
        ("edit", {"page_id": sample.task_id(1), "as": sample.an_id("x"), "patch": {}}, "no user with id"),
        ("edit", {"page_id": sample.an_id("x"), "as": sample.BEN, "patch": {}}, "no object with id"),
        (
            "edit",
            {"page_id": sample.task_id(1), "as": sample.BEN, "patch": {"x": 1}},
            "body.x should be not present",
        ),
        ("faults", {"kind": "fire"}, "kind is one of"),
        ("limits", {"speed": 1}, "unknown limit 'speed'"),
        ("limits", {"workspace": "nowhere"}, "unknown workspace"),
        ("clock", {"mode": "fast"}, "mode is real, offset or manual"),
        ("revoke", {"token": "nobody's"}, "unknown token"),
    ],
)
def test_mistakes_are_explained(notion: Caller, name: str, body: Any, sentence: str) -> None:
    status, _, content = notion.raw("POST", f"/_sandbox/{name}", json.dumps(body).encode())
    assert status == 400
    assert sentence in json.loads(content)["error"]


def test_unknown_control_paths_name_the_known(notion: Caller) -> None:
    status, _, content = notion.raw("GET", "/_sandbox/party")
    assert status == 404
    assert "GET /_sandbox/state" in json.loads(content)["error"]


def test_the_control_paths_answer_to_this_machine_only(sandbox: Sandbox) -> None:
    request = Request("GET", "/_sandbox/state", "", {}, b"", "192.0.2.7")
    assert answer(sandbox, request).status == 403


def test_what_no_page_could_hold_is_refused_and_spoils_nothing(notion: Caller) -> None:
    title = b'"properties": {"Name": {"title": [{"text": {"content": "half a pair: \\ud800"}}]}}'
    edit = b'{"page_id": "' + sample.task_id(1).encode() + b'", "as": "x", "patch": {' + title + b"}}"
    for body in (edit, b'{"offset_seconds": NaN}'):
        notion.token = ""
        status, _, content = notion.raw("POST", "/_sandbox/edit", body)
        notion.token = sample.TOKEN
        assert (status, json.loads(content)) == (400, {"error": "the body is not JSON"})
    assert notion.query().status == 200
