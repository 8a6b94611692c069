"""Failures on order."""

from __future__ import annotations

import http.client
import select
import time
from typing import Any

import pytest

from integrations.sandbox.notion.errors import CODE_OF_STATUS
from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller

ME = "/v1/users/me"


@pytest.mark.parametrize(("status", "code"), CODE_OF_STATUS.items())
def test_any_status_can_be_answered_with_its_code(
    notion: Caller, sandbox: Sandbox, status: int, code: str
) -> None:
    sandbox.fault(status=status)
    reply = notion.get(ME)
    assert (reply.status, reply.body["status"], reply.body["code"]) == (status, status, code)
    assert reply.body["object"] == "error"
    assert notion.get(ME).status == 200


def test_a_fault_says_what_it_was_told_to(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(
        status=429,
        message="Slow down.",
        retry_after=2,
        additional_data={"rate_limit_reason": "public_api_request_blocked"},
        headers={"x-extra": "1"},
    )
    reply = notion.get(ME)
    assert reply.body["message"] == "Slow down."
    assert reply.body["additional_data"]["rate_limit_reason"] == "public_api_request_blocked"
    assert (reply.headers["retry-after"], reply.headers["x-extra"]) == ("2", "1")


def test_a_whole_body_can_be_replaced(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(status=502, body="<html>Bad gateway</html>")
    assert notion.raw("GET", ME)[2] == b"<html>Bad gateway</html>"


def test_a_fault_waits_for_its_call(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(status=500, match="POST /v1/data_sources/.*/query", times=2, skip=1)
    statuses = [notion.get(ME).status, *(notion.query().status for _ in range(4))]
    assert statuses == [200, 200, 500, 500, 200]
    sandbox.fault(status=500, match=r"GET /v1/pages/\{page_id\}$")
    assert notion.get(f"/v1/pages/{sample.task_id(1)}/properties/title").status == 200
    assert notion.get(f"/v1/pages/{sample.task_id(1)}").status == 500


def test_a_fault_without_end_stays_until_cleared(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(status=503, times=None)
    assert {notion.get(ME).status for _ in range(5)} == {503}
    sandbox.faults.clear()
    assert notion.get(ME).status == 200


def test_a_fault_can_be_for_one_workspace(notion: Caller, sandbox: Sandbox) -> None:
    line = sample.workspace_line(id=sample.an_id("calm"), name="Calm", tokens=["ntn_calm"])
    sandbox.add_workspace(line)
    sandbox.fault(status=500, workspace="Test Workspace", times=None)
    assert Caller(notion.base_url, "ntn_calm").get(ME).status == 200
    assert notion.get(ME).status == 500


def test_a_connection_can_be_reset(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(kind="reset")
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        notion.raw("GET", ME)
    assert sandbox.calls()[-1].status == 0
    assert notion.get(ME).status == 200


def test_an_answer_can_end_in_the_middle(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(kind="half")
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        notion.raw("POST", f"/v1/data_sources/{sample.TASKS}/query", b"{}")


def test_an_answer_can_be_malformed(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(kind="malformed")
    status, _, content = notion.raw("GET", ME)
    assert status == 200
    assert content.endswith(b"<html>")


def test_an_answer_can_be_late(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(kind="delay", delay_ms=200)
    started = time.perf_counter()
    assert notion.get(ME).status == 200
    assert time.perf_counter() - started >= 0.2


def test_a_late_call_does_not_hold_up_the_others(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(kind="delay", delay_ms=1500, match="GET /v1/users$")
    slow = http.client.HTTPConnection(notion.base_url.removeprefix("http://"))
    headers = {"Authorization": f"Bearer {sample.TOKEN}", "Notion-Version": "2026-03-11"}
    slow.request("GET", "/v1/users", headers=headers)
    assert notion.get(ME).status == 200
    assert select.select([slow.sock], [], [], 0)[0] == [], "the other one was waited for"
    assert slow.getresponse().status == 200
    slow.close()


def test_a_write_can_be_saved_and_still_answer_503(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(kind="commit_then_503", match="POST /v1/pages")
    body = {"parent": {"data_source_id": sample.TASKS}, "properties": {}}
    reply = notion.post("/v1/pages", body)
    data = reply.body["additional_data"]
    assert (reply.status, reply.body["code"]) == (503, "service_unavailable")
    assert data["retry_guidance"].startswith("Do not repeat the write")
    assert notion.get(f"/v1/pages/{data['committed_resource_id']}").status == 200


def test_an_append_saved_with_a_503_names_the_new_blocks(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(kind="commit_then_503", match="PATCH /v1/blocks")
    path = f"/v1/blocks/{sample.task_id(1)}/children"
    children = [{"paragraph": {"rich_text": [{"text": {"content": word}}]}} for word in ("a", "b")]
    data = notion.patch(path, {"children": children}).body["additional_data"]
    assert data["committed_resource_id"] == sample.task_id(1)
    assert data["committed_child_ids"] == notion.get(path).ids


def test_a_cursor_can_repeat(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(kind="repeat_cursor", match="query", skip=1, times=2)
    cursor = notion.query(page_size=2).body["next_cursor"]
    for _ in range(2):
        reply = notion.query(page_size=2, start_cursor=cursor)
        assert (reply.body["next_cursor"], reply.body["has_more"]) == (cursor, True)
    assert notion.query(page_size=2, start_cursor=cursor).body["next_cursor"] != cursor


def test_faults_do_not_spend_the_budget(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(per_minute=1)
    sandbox.fault(status=500, times=3)
    assert [notion.get(ME).status for _ in range(5)] == [500, 500, 500, 200, 429]


@pytest.mark.parametrize(
    "wrong", [{"kind": "fire"}, {"match": "("}, {"times": 0}, {"colour": 1}, {"workspace": "nowhere"}]
)
def test_an_impossible_fault_is_an_error(sandbox: Sandbox, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        sandbox.fault(**wrong)
