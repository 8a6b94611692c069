"""What a caller sees of a fault that falls on one operation, by chance, or on the n-th call."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

from integrations.sandbox.notion.faults import REASONS
from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller
from tests.integrations.sandbox.notion.sample import task_id
from tests.integrations.sandbox.notion.test_control import control

ME = "/v1/users/me"
UPDATE = "PATCH /v1/pages/{page_id}"
PAGE = f"/v1/pages/{task_id(1)}"
ROW = {"parent": {"data_source_id": sample.TASKS}, "properties": {}}
GONE = (ConnectionResetError, http.client.RemoteDisconnected)


def hours(value: float) -> Any:
    return {"properties": {"Hours": {"number": value}}}


@pytest.mark.parametrize(("reason", "named"), REASONS.items())
def test_a_rate_limit_names_its_reason_and_its_wait(
    notion: Caller, sandbox: Sandbox, reason: str, named: str
) -> None:
    sandbox.fault(kind="rate_limit", reason=reason, retry_after=95)
    reply = notion.get(ME)
    assert (reply.status, reply.body["code"]) == (429, "rate_limited")
    assert reply.body["additional_data"] == {"rate_limit_reason": named, "retry_after": "95"}
    assert reply.headers["retry-after"] == "95"


def test_a_fault_can_be_for_one_operation_only(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(operation=UPDATE, status=409)
    assert notion.get(PAGE).status == 200
    assert notion.get(f"{PAGE}/properties/title").status == 200
    refused = notion.patch(PAGE, hours(1))
    assert (refused.status, refused.body["code"]) == (409, "conflict_error")
    assert notion.patch(PAGE, hours(1)).status == 200


def test_a_fault_can_fall_on_the_nth_call(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(operation="GET /v1/users/me", nth=3, status=529, retry_after=7)
    assert [notion.get(ME).status for _ in range(5)] == [200, 200, 529, 200, 200]


def test_a_fault_can_be_for_one_token(notion: Caller, sandbox: Sandbox) -> None:
    line = sample.workspace_line(id=sample.an_id("calm"), name="Calm", tokens=["ntn_calm", "ntn_hit"])
    sandbox.add_workspace(line)
    sandbox.fault(token="ntn_hit", times=None)
    assert [Caller(notion.base_url, token).get(ME).status for token in ("ntn_calm", "ntn_hit")] == [200, 500]


def test_chance_is_repeatable_and_spares_some(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(status=503, probability=0.4, times=None)
    runs = []
    for _ in range(2):
        sandbox.faults.seed(11)
        runs.append([notion.get(ME).status for _ in range(30)])
    assert runs[0] == runs[1]
    assert 5 < runs[0].count(503) < 20


def test_chance_can_be_set_over_http(notion: Caller, sandbox: Sandbox) -> None:
    control(notion, "faults", {"status": 503, "probability": 0.5, "times": None, "seed": 3})
    first = [notion.get(ME).status for _ in range(12)]
    control(notion, "faults", {"seed": 3})
    assert [notion.get(ME).status for _ in range(12)] == first


def test_a_write_can_be_carried_out_without_an_answer(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(kind="commit_then_reset", operation="POST /v1/pages")
    before = len(notion.query().ids)
    with pytest.raises(GONE):
        notion.raw("POST", "/v1/pages", b'{"parent": {"data_source_id": "%s"}}' % sample.TASKS.encode())
    assert len(notion.query().ids) == before + 1
    assert sandbox.calls()[-2].status == 0


def test_a_saved_update_says_not_to_repeat_it_and_names_nothing_made(
    notion: Caller, sandbox: Sandbox
) -> None:
    sandbox.fault(kind="commit_then_503", operation=UPDATE)
    reply = notion.patch(PAGE, hours(9))
    assert reply.status == 503
    assert list(reply.body["additional_data"]) == ["retry_guidance"]
    assert notion.get(PAGE).body["properties"]["Hours"]["number"] == 9


def test_a_refused_write_is_refused_also_under_a_fault_that_would_save_it(
    notion: Caller, sandbox: Sandbox
) -> None:
    sandbox.fault(kind="commit_then_503", operation=UPDATE)
    assert notion.patch(PAGE, {"properties": {"Nothing": {"number": 1}}}).status == 400


def test_a_read_that_fails_saved_nothing_and_says_so(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(kind="commit_then_503", match="/query")
    reply = notion.query()
    assert reply.status == 503
    assert "additional_data" not in reply.body


@pytest.mark.parametrize(
    "wrong",
    [{"probability": 0}, {"probability": 2}, {"nth": 0}, {"kind": "rate_limit", "reason": "mood"},
     {"operation": "GET /v1/nothing"}],
)  # fmt: skip
def test_an_impossible_fault_is_refused(sandbox: Sandbox, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        sandbox.fault(**wrong)
