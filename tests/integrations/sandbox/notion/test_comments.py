"""Discussions."""

from __future__ import annotations

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import WebhookInbox
from tests.integrations.sandbox.notion import contract, sample
from tests.integrations.sandbox.notion.conftest import Caller
from tests.integrations.sandbox.notion.sample import ADA, Json, task_id

ON_PAGE = {"parent": {"page_id": task_id(1)}}
LIST = f"/v1/comments?block_id={task_id(1)}"


def words(text: str) -> Json:
    return {"rich_text": [{"text": {"content": text}}]}


def test_a_comment_starts_a_discussion_and_another_joins_it(notion: Caller) -> None:
    first = notion.post("/v1/comments", {**ON_PAGE, **words("one")}).body
    assert first["created_by"] == {"object": "user", "id": sample.BOT}
    assert first["display_name"] == {"type": "integration", "resolved_name": "Task Sync"}
    second = notion.post("/v1/comments", {"discussion_id": first["discussion_id"], **words("two")}).body
    assert (second["discussion_id"], second["parent"]) == (first["discussion_id"], first["parent"])
    assert notion.get(LIST).ids == [first["id"], second["id"]]
    assert notion.get(f"{LIST}&page_size=1").body["has_more"] is True
    assert notion.get(f"/v1/comments/{second['id']}").body["rich_text"] == second["rich_text"]


def test_a_person_comments_and_everybody_may_read(notion: Caller, sandbox: Sandbox) -> None:
    made = sandbox.comment(task_id(1), ADA, "Looks good")
    (found,) = notion.get(LIST).body["results"]
    assert found["id"] == made["id"]
    assert found["display_name"] == {"type": "user", "resolved_name": "Ada Sample"}


def test_a_comment_is_changed_and_deleted(notion: Caller) -> None:
    notion.version = "2025-09-03"  # markdown is newer than the document requests are held against
    made = notion.post("/v1/comments", {**ON_PAGE, "markdown": "a **b**"}).body
    assert [run["annotations"]["bold"] for run in made["rich_text"]] == [False, True]
    changed = notion.patch(f"/v1/comments/{made['id']}", words("c")).body
    assert changed["rich_text"][0]["plain_text"] == "c"
    assert notion("DELETE", f"/v1/comments/{made['id']}").status == 200
    assert notion.get(f"/v1/comments/{made['id']}").status == 404
    assert notion.get(LIST).ids == []


def test_a_name_of_ones_own_may_be_shown(notion: Caller) -> None:
    named = {"display_name": {"type": "custom", "custom": {"name": "Robot"}}}
    made = notion.post("/v1/comments", {**ON_PAGE, **words("x"), **named}).body
    assert made["display_name"] == {"type": "custom", "resolved_name": "Robot"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        (ON_PAGE, 400),
        ({**ON_PAGE, "rich_text": "text"}, 400),
        ({**ON_PAGE, **words("x"), "discussion_id": task_id(1)}, 400),
        ({**ON_PAGE, **words("x"), "mood": "good"}, 400),
        ({**ON_PAGE, **words("x"), "attachments": [{"file_upload_id": sample.an_id("none")}]}, 400),
        ({"parent": {"page_id": sample.an_id("none")}, **words("x")}, 404),
        ({"parent": {"block_id": task_id(1)}, **words("x")}, 404),
        ({"discussion_id": sample.an_id("none"), **words("x")}, 404),
    ],
)
def test_a_bad_comment_is_refused(notion: Caller, body: Json, status: int) -> None:
    assert notion.post("/v1/comments", body).status == status
    assert notion.get(LIST).ids == []


def test_what_is_not_shared_is_not_discussed(notion: Caller, sandbox: Sandbox) -> None:
    made = sandbox.comment(task_id(1), ADA, "secret")
    sandbox.unshare(task_id(1))
    assert notion.get(LIST).status == 404
    assert notion.get(f"/v1/comments/{made['id']}").status == 404
    assert notion.post("/v1/comments", {"discussion_id": made["discussion_id"], **words("x")}).status == 404


def test_comments_are_told_at_once(notion: Caller, sandbox: Sandbox) -> None:
    inbox = WebhookInbox()
    sandbox.webhooks.sender = inbox
    subscription = sandbox.webhooks.subscribe(
        "Test Workspace", "http://a.example/", ["comment.created", "comment.deleted"]
    )
    sandbox.webhooks.confirm(subscription.id, subscription.verification_token)
    inbox.clear()
    block = notion.patch(f"/v1/blocks/{task_id(1)}/children", {"children": [{"divider": {}}]}).ids[0]
    made = sandbox.comment(block, ADA, "here")
    notion("DELETE", f"/v1/comments/{made['id']}")
    sandbox.webhooks.deliver_due()
    assert inbox.types == ["comment.created", "comment.deleted"]
    assert inbox.bodies[0]["data"] == {"parent": {"id": block, "type": "block"}, "page_id": task_id(1)}
    assert [body["authors"][0]["type"] for body in inbox.bodies] == ["person", "bot"]
    if contract.is_available:
        for body in inbox.bodies:
            contract.assert_webhook_conforms(body)
