"""Files of recorded workspaces."""

from __future__ import annotations

import cProfile
import json
import pstats
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.notion.loading import LoadError
from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import running_sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller


def write(path: Path, *lines: Any) -> Path:
    path.write_text(
        "\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n", encoding="utf-8"
    )
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "a.ndjson", sample.workspace_line(), *sample.frame_objects(), *sample.tasks(3))


def test_a_loaded_object_is_served_as_it_was_returned(file: Path) -> None:
    with running_sandbox([file]) as running:
        page = Caller(running.base_url).get(f"/v1/pages/{sample.task_id(2)}").body
    expected = json.loads(json.dumps(sample.tasks(3)[1]))
    expected["properties"]["Blocked by"]["has_more"] = False
    page.pop("request_id")
    assert page == expected


def test_objects_may_come_before_their_parents(tmp_path: Path) -> None:
    parent = {"type": "page_id", "page_id": sample.task_id(1)}
    outer = sample.block(
        "outer", parent, "paragraph", {"rich_text": sample.text("outer"), "color": "default", "icon": None}
    )
    below = {"type": "block_id", "block_id": outer["id"]}
    inner = sample.block(
        "inner", below, "paragraph", {"rich_text": sample.text("inner"), "color": "default", "icon": None}
    )
    objects = [inner, outer, *sample.tasks(1), *reversed(sample.frame_objects())]
    path = write(tmp_path / "a.ndjson", sample.workspace_line(), *objects)
    with running_sandbox([path]) as running:
        notion = Caller(running.base_url)
        assert (
            notion.get(f"/v1/blocks/{sample.task_id(1)}/children").body["results"][0]["has_children"] is True
        )
        assert notion.get(f"/v1/pages/{sample.task_id(1)}/markdown").body["markdown"] == "outer\n\tinner"


def test_blocks_keep_the_order_of_their_lines_with_pages_between(tmp_path: Path) -> None:
    home = {"type": "page_id", "page_id": sample.HOME}
    paragraph = {"rich_text": sample.text("x"), "color": "default", "icon": None}
    child = sample.home_page() | {"id": sample.an_id("child"), "parent": home}
    lines = [
        *sample.frame_objects(),
        child,
        sample.block("first", home, "paragraph", paragraph),
        sample.block("any", home, "child_page", {"title": "Team home"}) | {"id": child["id"]},
        sample.block("last", home, "paragraph", paragraph),
    ]
    with running_sandbox([write(tmp_path / "a.ndjson", sample.workspace_line(), *lines)]) as running:
        ids = Caller(running.base_url).get(f"/v1/blocks/{sample.HOME}/children").ids
    assert ids == [sample.DATABASE, sample.an_id("block first"), child["id"], sample.an_id("block last")]


def test_the_flags_of_the_old_version_and_seconds_are_put_right(tmp_path: Path) -> None:
    row = sample.task(1) | {
        "archived": False,
        "request_id": "x",
        "last_edited_time": "2026-07-01T10:00:59.123Z",
    }
    path = write(tmp_path / "a.ndjson", sample.workspace_line(), *sample.frame_objects(), row)
    with running_sandbox([path]) as running:
        page = Caller(running.base_url).get(f"/v1/pages/{sample.task_id(1)}").body
    assert "archived" not in page
    assert page["last_edited_time"] == "2026-07-01T10:00:00.000Z"


def test_one_file_may_hold_several_workspaces_and_two_files_too(tmp_path: Path, file: Path) -> None:
    second = sample.workspace_line(id=sample.an_id("w2"), name="Two", tokens=["ntn_2"], plan="business")
    third = sample.workspace_line(id=sample.an_id("w3"), name="Three", tokens=["ntn_3"])
    more = write(tmp_path / "b.ndjson", second, sample.home_page(), third, *sample.frame_objects())
    state = Sandbox(load=[file, more]).state()["workspaces"]
    assert [(one["name"], one["pages"]) for one in state] == [("Test Workspace", 4), ("Two", 1), ("Three", 1)]
    assert [one["limits"]["per_minute"] for one in state] == [180, 600, 180]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ({"object": "unicorn", "id": sample.an_id("x")}, "unknown object 'unicorn'"),
        ({"object": "page", "id": "x"}, "'id' must be a uuid"),
        ({"object": "page", "id": sample.an_id("x"), "properties": {}}, "'parent'"),
        (sample.task(1) | {"properties": {"Name": {"type": "title"}}}, "property 'Name'"),
        (sample.task(1) | {"created_time": "yesterday"}, "yesterday"),
        ({"object": "data_source", "id": sample.an_id("x"), "properties": {}}, "'parent' is missing"),
        ({"object": "sandbox_workspace", "id": sample.an_id("x")}, "needs 'name'"),
        (sample.workspace_line(id=sample.an_id("y")), "belongs to another workspace"),
        (sample.workspace_line(id=sample.an_id("y"), tokens=["t"], plan="gold"), "plan 'gold'"),
        (sample.workspace_line(id=sample.an_id("y"), tokens=["t"], limits={"speed": 1}), "unknown limit"),
        ([1, 2], "one JSON object"),
    ],
)
def test_a_bad_line_is_named_with_file_and_number(tmp_path: Path, line: Any, sentence: str) -> None:
    path = write(tmp_path / "bad.ndjson", sample.workspace_line(), line)
    with pytest.raises(LoadError) as caught:
        Sandbox(load=[path])
    assert f"{path}:2: " in str(caught.value)
    assert sentence in str(caught.value)


def test_a_file_begins_with_its_workspace(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.ndjson", sample.home_page())
    with pytest.raises(LoadError, match="first line must be a sandbox_workspace"):
        Sandbox(load=[path])


def test_a_torn_line_is_an_error(tmp_path: Path, file: Path) -> None:
    cut = tmp_path / "cut.ndjson"
    cut.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(LoadError):
        Sandbox(load=[cut])


def calls_to_load(path: Path, rows: int) -> int:
    """How many function calls loading a workspace of so many tasks takes: work counted, not timed."""
    write(path, sample.workspace_line(), *sample.frame_objects(), *sample.tasks(rows))
    profile = cProfile.Profile()
    profile.runcall(Sandbox, load=[path])
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


def test_twice_the_rows_are_no_more_than_twice_the_work(tmp_path: Path) -> None:
    few, many = (calls_to_load(tmp_path / f"{rows}.ndjson", rows) for rows in (400, 800))
    # Work that grows with the square of the rows would come near to four times as much.
    assert many < 2.2 * few
