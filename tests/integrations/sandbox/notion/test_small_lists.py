"""Templates, custom emojis and tasks that are reported later."""

from __future__ import annotations

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller
from tests.integrations.sandbox.notion.sample import Json, task_id
from tests.integrations.sandbox.notion.test_control import control

LIST = f"/v1/data_sources/{sample.TASKS}/templates"
ROW: Json = {"parent": {"data_source_id": sample.TASKS}, "properties": {}}


def test_templates_are_listed_and_narrowed_by_name(notion: Caller, sandbox: Sandbox) -> None:
    assert notion.get(LIST).body["templates"] == []
    bug = sandbox.add_template(sample.TASKS, "Bug report", is_default=True)
    made = control(notion, "templates", {"data_source_id": sample.TASKS, "name": "Feature"})
    assert notion.get(LIST).body["templates"] == [
        {"id": bug, "name": "Bug report", "is_default": True},
        {"id": made["id"], "name": "Feature", "is_default": False},
    ]
    assert [one["id"] for one in notion.get(f"{LIST}?name=feat").body["templates"]] == [made["id"]]
    assert notion.get(f"{LIST}?page_size=1").body["has_more"] is True


def test_only_one_template_is_the_default(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.add_template(sample.TASKS, "Old", is_default=True)
    sandbox.add_template(sample.TASKS, "New", is_default=True)
    assert [one["is_default"] for one in notion.get(LIST).body["templates"]] == [False, True]


def test_a_new_row_starts_with_its_template(notion: Caller, sandbox: Sandbox) -> None:
    values = {"Hours": {"number": 2}}
    template = sandbox.add_template(sample.TASKS, "Bug", markdown="## Steps\n1. ", properties=values)
    chosen = {"template": {"type": "template_id", "template_id": template}}
    made = notion.post("/v1/pages", {**ROW, **chosen}).body
    assert made["properties"]["Hours"]["number"] == 2
    assert notion.get(f"/v1/pages/{made['id']}/markdown").body["markdown"].startswith("## Steps")
    own = notion.post("/v1/pages", {**ROW, **chosen, "properties": {"Hours": {"number": 9}}}).body
    assert own["properties"]["Hours"]["number"] == 9


def test_a_template_is_put_on_a_page_that_is_there(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.add_template(sample.TASKS, "Bug", markdown="new", is_default=True)
    path = f"/v1/pages/{task_id(1)}"
    notion.patch(f"/v1/blocks/{task_id(1)}/children", {"children": [{"divider": {}}]})
    notion.patch(path, {"template": {"type": "default"}})
    assert notion.get(f"{path}/markdown").body["markdown"] == "---\nnew"
    notion.patch(path, {"template": {"type": "default"}, "erase_content": True})
    assert notion.get(f"{path}/markdown").body["markdown"] == "new"


@pytest.mark.parametrize(
    "template",
    [{"type": "default"}, {"type": "template_id"}, {"type": "template_id", "template_id": sample.an_id("none")},
     {"type": "mine"}, {"type": "none", "template_id": sample.an_id("none")}],
)  # fmt: skip
def test_a_template_that_is_not_there_is_refused(notion: Caller, template: Json) -> None:
    assert notion.post("/v1/pages", {**ROW, "template": template}).status == 400


def test_a_template_and_content_at_once_are_refused(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.add_template(sample.TASKS, "Bug", is_default=True)
    assert notion.post("/v1/pages", {**ROW, "template": {"type": "default"}, "children": []}).status == 400


def test_custom_emojis_are_listed_and_used(notion: Caller, sandbox: Sandbox) -> None:
    party = sandbox.add_custom_emoji("Test Workspace", "party", "https://files.example/party.png")
    control(
        notion,
        "custom_emojis",
        {"workspace": sample.TOKEN, "name": "sad", "url": "https://files.example/s.png"},
    )
    assert [one["name"] for one in notion.get("/v1/custom_emojis").body["results"]] == ["party", "sad"]
    assert notion.get("/v1/custom_emojis?name=party").ids == [party]
    icon = {"type": "custom_emoji", "custom_emoji": {"id": party}}
    made = notion.patch(f"/v1/pages/{task_id(1)}", {"icon": icon}).body
    assert made["icon"]["custom_emoji"]["url"] == "https://files.example/party.png"
    unknown = {"type": "custom_emoji", "custom_emoji": {"id": sample.an_id("none")}}
    assert notion.patch(f"/v1/pages/{task_id(1)}", {"icon": unknown}).status == 400


def test_long_content_may_be_a_task_that_is_reported_later(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(async_blocks=2)
    notion.version = "2025-09-03"  # newer than the document requests are held against
    few = notion.post("/v1/pages", {**ROW, "markdown": "a\nb", "allow_async": True})
    assert (few.status, few.body["object"]) == (200, "page")
    many = notion.post("/v1/pages", {**ROW, "markdown": "a\nb\nc", "allow_async": True})
    assert (many.status, many.body["status"]) == (202, "queued")
    path = f"/v1/async_tasks/{many.body['id']}"
    states = []
    for _ in range(3):
        states.append(notion.get(path).body["status"])
        sandbox.clock.advance(2)
    assert states == ["queued", "running", "succeeded"]
    assert notion.get(f"/v1/pages/{notion.get(path).body['result']['id']}").status == 200
    assert notion.get(f"/v1/async_tasks/{sample.an_id('none')}").status == 404
    assert notion.post("/v1/pages", {**ROW, "markdown": "a\nb\nc"}).status == 200


def test_the_older_version_has_the_older_name_of_meeting_notes(notion: Caller, sandbox: Sandbox) -> None:
    block = sample.block("notes", {"type": "page_id", "page_id": task_id(1)}, "meeting_notes", {"title": []})
    sandbox.workspace("Test Workspace").put("block", block)
    path = f"/v1/blocks/{block['id']}"
    new = notion.raw("GET", path)[2]
    notion.version = "2025-09-03"
    old = notion.raw("GET", path)[2]
    assert (b'"meeting_notes"' in new, b'"transcription"' in new) == (True, False)
    assert (b'"meeting_notes"' in old, b'"transcription"' in old) == (False, True)
