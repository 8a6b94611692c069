"""Calls counted by who made them and to what end."""

from __future__ import annotations

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller
from tests.integrations.sandbox.notion.test_control import control, look

ME = "/v1/users/me"


@pytest.fixture
def second(sandbox: Sandbox, notion: Caller) -> Caller:
    """Another token in another workspace."""
    line = sample.workspace_line(id=sample.an_id("second"), name="Second", tokens=[sample.OTHER_TOKEN])
    sandbox.add_workspace(line)
    return Caller(notion.base_url, sample.OTHER_TOKEN)


def test_calls_are_counted_by_token(notion: Caller, second: Caller, sandbox: Sandbox) -> None:
    for caller in (notion, second, second):
        caller.get(ME)
    assert sandbox.report()["by_token"] == {sample.TOKEN: 1, sample.OTHER_TOKEN: 2}
    assert sandbox.report(token=sample.OTHER_TOKEN)["total"] == 2
    assert look(notion, f"ledger?token={sample.TOKEN}")["by_endpoint"] == {"GET /v1/users/me": 1}


def test_calls_are_counted_by_strategy_said_by_header_or_for_all(notion: Caller, sandbox: Sandbox) -> None:
    notion.get(ME)
    control(notion, "ledger", {"strategy": "B1"})
    notion.query()
    notion.headers = {"X-Sandbox-Strategy": "ours"}
    notion.query()
    report = look(notion, "ledger?calls=1")
    assert report["by_strategy"] == {"": 1, "B1": 1, "ours": 1}
    assert [call["strategy"] for call in report["calls"]] == ["", "B1", "ours"]
    ours = look(notion, "ledger?strategy=ours")
    assert ours["by_endpoint"] == {"POST /v1/data_sources/{data_source_id}/query": 1}
    control(notion, "ledger", {"reset": True, "strategy": ""})
    assert look(notion, "ledger")["total"] == 0


def test_the_ledger_says_which_calls_a_fault_fell_on(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.fault(kind="rate_limit", nth=2)
    for _ in range(3):
        notion.get(ME)
    assert [(call.status, call.fault) for call in sandbox.calls()] == [
        (200, None),
        (429, "rate_limit"),
        (200, None),
    ]
