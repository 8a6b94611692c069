"""What people do that the API cannot: duplicate, move about, rewrite."""

from __future__ import annotations

from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller
from tests.integrations.sandbox.notion.sample import ADA, task_id
from tests.integrations.sandbox.notion.test_control import control


def test_a_duplicate_has_its_own_rows_and_the_same_columns(notion: Caller, sandbox: Sandbox) -> None:
    related = {"properties": {"Blocked by": {"relation": [{"id": task_id(2)}]}}}
    sandbox.edit(task_id(1), ADA, related)
    sandbox.trash(task_id(5), ADA)
    copy = control(notion, "duplicate", {"database_id": sample.DATABASE, "as": ADA})
    source = copy["data_sources"][0]["id"]
    assert source != sample.TASKS
    columns = notion.get(f"/v1/data_sources/{source}").body["properties"]
    own = notion.get(f"/v1/data_sources/{sample.TASKS}").body["properties"]
    assert {name: column["id"] for name, column in columns.items()} == {
        name: column["id"] for name, column in own.items()
    }
    rows = notion.post(f"/v1/data_sources/{source}/query").body["results"]
    titles = {row["properties"]["Name"]["title"][0]["plain_text"]: row for row in rows}
    assert sorted(titles) == ["Task 1", "Task 2", "Task 3", "Task 4"]
    assert not {row["id"] for row in rows} & {task_id(number) for number in range(6)}
    assert titles["Task 1"]["properties"]["Blocked by"]["relation"] == [{"id": titles["Task 2"]["id"]}]
    assert titles["Task 1"]["parent"]["data_source_id"] == source
    assert len(notion.query().ids) == 4


def test_a_person_moves_and_rewrites_a_page(notion: Caller, sandbox: Sandbox) -> None:
    control(notion, "write", {"page_id": task_id(1), "as": ADA, "markdown": "# One\ntwo"})
    assert notion.get(f"/v1/pages/{task_id(1)}/markdown").body["markdown"] == "# One\ntwo"
    parent = {"type": "page_id", "page_id": sample.HOME}
    moved = control(notion, "move", {"page_id": task_id(1), "as": ADA, "parent": parent})
    assert moved["parent"] == parent
    assert moved["last_edited_by"]["id"] == ADA
    assert task_id(1) not in notion.query().ids
