"""The budget of calls per minute, the clock it follows, and latency."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from integrations.sandbox.notion.clock import Clock, to_minute
from integrations.sandbox.notion.limits import Limits, limits_of_plan
from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import running_sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller

ME = "/v1/users/me"


def test_one_call_too_many_is_a_429_with_reason_and_wait(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(per_minute=3)
    assert [notion.get(ME).status for _ in range(3)] == [200] * 3
    sandbox.clock.advance(20)
    refused = notion.get(ME)
    assert (refused.status, refused.body["code"]) == (429, "rate_limited")
    assert refused.body["additional_data"] == {
        "rate_limit_reason": "public_api_request_rate_limit",
        "retry_after": "40",
    }
    assert refused.headers["retry-after"] == "40"


def test_the_budget_is_whole_again_when_the_minute_is_over(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(per_minute=2)
    assert [notion.get(ME).status for _ in range(3)] == [200, 200, 429]
    sandbox.clock.advance(59)
    assert notion.get(ME).status == 429
    sandbox.clock.advance(1)
    assert [notion.get(ME).status for _ in range(3)] == [200, 200, 429]


def test_refused_calls_do_not_lengthen_the_wait(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(per_minute=1)
    notion.get(ME)
    waits = [notion.get(ME).headers["retry-after"] for _ in range(3)]
    assert waits == ["60"] * 3


def test_tokens_of_one_bot_share_its_budget_and_others_have_their_own(sandbox: Sandbox) -> None:
    line = sample.workspace_line(
        id=sample.an_id("two"),
        name="Two",
        tokens=["ntn_a", "ntn_b"],
        limits={"per_minute": 2},
        connections=[{"bot": sample.bot(sample.an_id("second bot")), "tokens": ["ntn_c"]}],
    )
    sandbox.add_workspace(line)
    with running_sandbox(sandbox=sandbox) as running:
        a, b, c = (Caller(running.base_url, token) for token in ("ntn_a", "ntn_b", "ntn_c"))
        assert [a.get(ME).status, b.get(ME).status, a.get(ME).status, c.get(ME).status] == [
            200,
            200,
            429,
            200,
        ]


def test_a_whole_workspace_can_have_a_budget_too(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits("Test Workspace", per_minute=None, space_per_minute=1)
    notion.get(ME)
    reason = notion.get(ME).body["additional_data"]["rate_limit_reason"]
    assert reason == "public_api_space_request_rate_limit"


def test_a_lifted_budget_never_refuses(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(per_minute=None)
    assert {notion.get(ME).status for _ in range(200)} == {200}


def test_plans_decide_the_budget() -> None:
    assert [limits_of_plan(plan).per_minute for plan in ("free", "plus", "business", "enterprise")] == [
        180,
        180,
        600,
        600,
    ]


@pytest.mark.parametrize(
    "wrong", [{"per_hour": 1}, {"result_cap": 0}, {"per_minute": "many"}, {"cursor_mode": "x"}]
)
def test_an_impossible_limit_is_an_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Limits().changed(wrong)


def test_times_are_cut_to_the_minute_not_rounded() -> None:
    assert to_minute(datetime(2026, 7, 1, 10, 5, 59, 999_999, tzinfo=UTC)) == "2026-07-01T10:05:00.000Z"


def test_two_edits_in_one_minute_cannot_be_told_apart(notion: Caller, sandbox: Sandbox) -> None:
    path = f"/v1/pages/{sample.task_id(1)}"
    first = notion.patch(path, {"properties": {"Hours": {"number": 1}}}).body["last_edited_time"]
    sandbox.clock.advance(25)
    second = notion.patch(path, {"properties": {"Hours": {"number": 2}}}).body["last_edited_time"]
    sandbox.clock.advance(5)
    third = notion.patch(path, {"properties": {"Hours": {"number": 3}}}).body["last_edited_time"]
    assert first == second == "2026-07-10T12:00:00.000Z"
    assert third == "2026-07-10T12:01:00.000Z"


def test_the_date_header_is_the_time_of_the_sandbox(notion: Caller) -> None:
    assert notion.get(ME).headers["date"] == "Fri, 10 Jul 2026 12:00:30 GMT"


def test_a_clock_runs_ahead_stands_still_and_comes_back() -> None:
    clock = Clock()
    clock.shift_by(3600)
    assert 3590 < (clock.now() - datetime.now(UTC)).total_seconds() < 3610
    clock.stop_at(datetime(2026, 1, 1))
    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    clock.advance(90)
    assert clock.now() == datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)
    clock.use_real_time()
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5


def test_a_budget_lifted_at_the_start_is_lifted_for_workspaces_that_come_later() -> None:
    sandbox = Sandbox(budget=None)
    workspace = sandbox.add_workspace(sample.workspace_line(limits={"per_minute": 5}))
    assert workspace.connections[0].limits.per_minute is None


def test_a_workspace_limit_is_shared_and_may_last_longer_than_a_minute(
    notion: Caller, sandbox: Sandbox
) -> None:
    sandbox.set_limits(space_per_minute=2, space_window_seconds=300)
    assert [notion.get(ME).status for _ in range(3)] == [200, 200, 429]
    refused = notion.get(ME)
    assert refused.body["additional_data"]["rate_limit_reason"] == "public_api_space_request_rate_limit"
    assert refused.headers["retry-after"] == "300"
    sandbox.clock.advance(299)
    assert notion.get(ME).status == 429
    sandbox.clock.advance(1)
    assert notion.get(ME).status == 200


def test_an_endpoint_can_have_a_limit_of_its_own(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(endpoint_per_minute={"POST /v1/search": 1})
    assert [notion.post("/v1/search").status for _ in range(2)] == [200, 429]
    refused = notion.post("/v1/search")
    assert refused.body["additional_data"]["rate_limit_reason"] == "public_api_endpoint_rate_limit"
    assert notion.get(ME).status == 200
    with pytest.raises(ValueError, match="endpoint_per_minute"):
        sandbox.set_limits(endpoint_per_minute={"POST /v1/search": "few"})
