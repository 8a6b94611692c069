"""What the sandbox remembers when it is stopped, or killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import running_sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller

TASK = sample.task_id(1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    lines = [sample.workspace_line(), *sample.frame_objects(), *sample.tasks(3)]
    path = tmp_path / "a.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def hours(sandbox: Sandbox, page_id: str = TASK) -> object:
    item = sandbox.workspace("Test Workspace").item("page", page_id)
    return item.obj["properties"]["Hours"]["number"] if item else "gone"


def edit(sandbox: Sandbox, number: int) -> None:
    sandbox.edit(TASK, sample.BEN, {"properties": {"Hours": {"number": number}}})


def test_a_second_start_goes_on_where_the_first_stopped(file: Path, state: Path) -> None:
    first = Sandbox(load=[file], state=state)
    edit(first, 7)
    made = first.create(sample.ADA, {"parent": {"data_source_id": sample.TASKS}, "properties": {}})
    second = Sandbox(load=[file], state=state)
    assert hours(second) == 7
    assert hours(second, made["id"]) is None
    third = Sandbox(state=state)
    assert third.state()["workspaces"] == second.state()["workspaces"]


def test_nothing_is_lost_though_nobody_closed_it(file: Path, state: Path) -> None:
    first = Sandbox(load=[file], state=state)
    for number in range(20):
        edit(first, number)
    del first
    assert hours(Sandbox(state=state)) == 19


def test_a_torn_last_line_is_dropped_and_the_journal_goes_on(file: Path, state: Path) -> None:
    first = Sandbox(load=[file], state=state)
    edit(first, 1)
    edit(first, 2)
    journal = state / "journal.ndjson"
    journal.write_bytes(journal.read_bytes()[:-40])
    second = Sandbox(state=state)
    assert hours(second) == 1
    edit(second, 3)
    assert hours(Sandbox(state=state)) == 3


def test_blocks_come_back_in_their_order(file: Path, state: Path) -> None:
    with running_sandbox([file], state=state) as running:
        notion = Caller(running.base_url)
        path = f"/v1/blocks/{TASK}/children"
        for word, position in (("b", "end"), ("a", "start"), ("c", "end")):
            block = {"paragraph": {"rich_text": [{"text": {"content": word}}]}}
            notion.patch(path, {"children": [block], "position": {"type": position}})
    with running_sandbox(state=state) as running:
        assert Caller(running.base_url).get(f"/v1/pages/{TASK}/markdown").body["markdown"] == "a\nb\nc"


def test_shares_revocations_columns_and_people_are_kept(file: Path, state: Path) -> None:
    first = Sandbox(load=[file], state=state)
    first.unshare(TASK)
    first.revoke(sample.TOKEN)
    first.change_schema(sample.TASKS, sample.ADA, {"properties": {"Hours": {"name": "Effort"}}})
    first.put_user("Test Workspace", sample.person(sample.an_id("cleo"), "Cleo Sample"))
    second = Sandbox(state=state)
    workspace = second.workspace("Test Workspace")
    assert workspace.connections[0].sees(TASK) is False
    assert second.connection_of(sample.TOKEN) is None
    assert sample.an_id("cleo") in workspace.users
    item = workspace.item("page", TASK)
    assert item is not None
    assert "Effort" in item.obj["properties"]
    assert workspace.item("data_source", sample.TASKS) is not None


def test_a_long_journal_is_folded_into_the_snapshot(
    file: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.sandbox.notion.journal.FOLD_AFTER_LINES", 5)
    first = Sandbox(load=[file], state=state)
    for number in range(10):
        edit(first, number)
    assert (state / "journal.ndjson").read_bytes().count(b"\n") == 10
    second = Sandbox(state=state)
    assert (state / "journal.ndjson").read_bytes() == b""
    assert hours(second) == 9
    assert hours(Sandbox(state=state)) == 9


def test_a_workspace_added_later_is_loaded_beside_the_state(file: Path, state: Path, tmp_path: Path) -> None:
    edit(Sandbox(load=[file], state=state), 5)
    other = tmp_path / "b.ndjson"
    line = sample.workspace_line(id=sample.an_id("w2"), name="Two", tokens=["ntn_2"])
    other.write_text(json.dumps(line) + "\n" + json.dumps(sample.home_page()) + "\n")
    both = Sandbox(load=[file, other], state=state)
    assert hours(both) == 5
    assert [one["name"] for one in Sandbox(state=state).state()["workspaces"]] == ["Test Workspace", "Two"]
    assert both.workspace("Two").item("page", sample.HOME) is not None


def test_limits_set_while_running_hold_for_that_run_only(file: Path, state: Path) -> None:
    first = Sandbox(load=[file], state=state, budget=None)
    first.set_limits(result_cap=5)
    first.unshare(TASK)  # writes the workspace's own line
    limits = Sandbox(state=state).workspace("Test Workspace").connections[0].limits
    assert (limits.per_minute, limits.result_cap) == (180, 10_000)


def test_a_second_start_does_not_write_the_snapshot_again(file: Path, state: Path) -> None:
    edit(Sandbox(load=[file], state=state), 5)
    before = (state / "snapshot.ndjson").stat().st_mtime_ns
    Sandbox(load=[file], state=state)
    assert (state / "snapshot.ndjson").stat().st_mtime_ns == before
    assert (state / "journal.ndjson").read_bytes().count(b"\n") == 1
