"""What is told of a change, and what is not."""

from __future__ import annotations

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sandbox.notion.webhooks.subscriptions import EVENT_TYPES, Subscription
from tests.fakes.notion_sandbox import WebhookInbox
from tests.integrations.sandbox.notion import contract, sample
from tests.integrations.sandbox.notion.conftest import Caller
from tests.integrations.sandbox.notion.sample import ADA, BEN, Json, task_id

pytestmark = pytest.mark.usefixtures("subscription")

ROW = {"parent": {"type": "data_source_id", "data_source_id": sample.TASKS}}
ROW_PARENT = {"id": sample.DATABASE, "type": "database", "data_source_id": sample.TASKS}


def told(sandbox: Sandbox, inbox: WebhookInbox) -> list[Json]:
    """The events once all windows are over, each checked against Notion's own descriptions."""
    inbox.clear()
    sandbox.clock.advance(60)
    sandbox.webhooks.deliver_due()
    if contract.is_available:
        for body in inbox.bodies:
            contract.assert_webhook_conforms(body)
    return inbox.bodies


def hours(value: float | None) -> Json:
    return {"properties": {"Hours": {"number": value}}}


def test_a_changed_value_is_told_with_the_columns_id_and_without_the_value(
    sandbox: Sandbox, inbox: WebhookInbox
) -> None:
    sandbox.edit(task_id(1), ADA, hours(4))
    (event,) = told(sandbox, inbox)
    assert event["type"] == "page.properties_updated"
    assert event["entity"] == {"id": task_id(1), "type": "page"}
    column = sample.schema()["Hours"]["id"]
    assert event["data"] == {"parent": ROW_PARENT, "updated_properties": [column]}
    assert event["authors"] == [{"id": ADA, "type": "person"}]
    assert event["timestamp"] == "2026-07-10T12:00:30.000Z"
    assert "accessible_by" not in event


def test_several_edits_of_one_page_are_one_event_with_all_who_made_them(
    sandbox: Sandbox, inbox: WebhookInbox, notion: Caller
) -> None:
    sandbox.edit(task_id(1), ADA, hours(4))
    sandbox.edit(task_id(1), BEN, hours(5))
    notion.patch(
        f"/v1/pages/{task_id(1)}", {"properties": {"Name": {"title": [{"text": {"content": "New"}}]}}}
    )
    (event,) = told(sandbox, inbox)
    assert sorted(event["data"]["updated_properties"]) == sorted([sample.schema()["Hours"]["id"], "title"])
    assert event["authors"] == [
        {"id": ADA, "type": "person"},
        {"id": BEN, "type": "person"},
        {"id": sample.BOT, "type": "bot"},
    ]


def test_nothing_is_told_when_everything_is_as_it_was(sandbox: Sandbox, inbox: WebhookInbox) -> None:
    sandbox.edit(task_id(1), ADA, hours(4))
    sandbox.edit(task_id(1), ADA, hours(None))
    sandbox.trash(task_id(2), ADA)
    sandbox.trash(task_id(2), ADA, in_trash=False)
    made = sandbox.create(ADA, {**ROW, "properties": {}})
    sandbox.trash(made["id"], ADA)
    assert told(sandbox, inbox) == []


def test_an_edit_after_the_window_is_an_event_of_its_own(sandbox: Sandbox, inbox: WebhookInbox) -> None:
    sandbox.webhooks.rules(window_seconds=10)
    sandbox.edit(task_id(1), ADA, hours(4))
    sandbox.clock.advance(10)
    sandbox.edit(task_id(1), ADA, hours(None))
    assert [event["type"] for event in told(sandbox, inbox)] == ["page.properties_updated"] * 2


def test_windows_of_no_length_tell_of_every_edit(sandbox: Sandbox, inbox: WebhookInbox) -> None:
    sandbox.webhooks.rules(window_seconds=0)
    sandbox.edit(task_id(1), ADA, hours(4))
    sandbox.edit(task_id(1), ADA, hours(None))
    assert len(told(sandbox, inbox)) == 2


def test_a_new_row_is_told_once_and_its_data_source_too(sandbox: Sandbox, inbox: WebhookInbox) -> None:
    made = sandbox.create(ADA, {**ROW, "properties": {}})
    sandbox.edit(made["id"], ADA, hours(4))
    sandbox.append(made["id"], ADA, [{"paragraph": {"rich_text": []}}])
    events = {event["type"]: event for event in told(sandbox, inbox)}
    assert set(events) == {"page.created", "data_source.content_updated"}
    assert events["page.created"]["data"] == {"parent": ROW_PARENT}
    source = events["data_source.content_updated"]
    assert source["entity"] == {"id": sample.TASKS, "type": "data_source"}
    assert source["data"]["parent"] == {"id": sample.DATABASE, "type": "database"}
    assert source["data"]["updated_blocks"] == [{"id": made["id"], "type": "page"}]


def test_trash_and_back_are_told_when_a_window_lies_between(sandbox: Sandbox, inbox: WebhookInbox) -> None:
    sandbox.trash(task_id(1), ADA)
    assert {event["type"] for event in told(sandbox, inbox)} == {
        "page.deleted",
        "data_source.content_updated",
    }
    sandbox.trash(task_id(1), ADA, in_trash=False)
    assert {event["type"] for event in told(sandbox, inbox)} == {
        "page.undeleted",
        "data_source.content_updated",
    }


def test_a_move_is_told_of_the_page_and_of_both_places(
    sandbox: Sandbox, inbox: WebhookInbox, notion: Caller
) -> None:
    notion.post(f"/v1/pages/{task_id(1)}/move", {"parent": {"type": "page_id", "page_id": sample.HOME}})
    events = {event["type"]: event for event in told(sandbox, inbox)}
    assert set(events) == {"page.moved", "page.content_updated", "data_source.content_updated"}
    assert events["page.moved"]["data"] == {"parent": {"id": sample.HOME, "type": "page"}}
    assert events["page.content_updated"]["entity"]["id"] == sample.HOME


def test_changed_content_is_told_of_the_page_with_its_blocks(sandbox: Sandbox, inbox: WebhookInbox) -> None:
    made = sandbox.append(task_id(1), ADA, [{"toggle": {"rich_text": [], "children": [{"divider": {}}]}}])
    (event,) = told(sandbox, inbox)
    assert event["type"] == "page.content_updated"
    assert made["results"][0]["id"] in {block["id"] for block in event["data"]["updated_blocks"]}
    assert len(event["data"]["updated_blocks"]) == 2


def test_a_block_made_and_thrown_away_is_not_told(
    sandbox: Sandbox, inbox: WebhookInbox, notion: Caller
) -> None:
    made = sandbox.append(task_id(1), ADA, [{"divider": {}}])
    notion("DELETE", f"/v1/blocks/{made['results'][0]['id']}")
    assert told(sandbox, inbox) == []


def test_locking_is_told_at_once_and_each_time(sandbox: Sandbox, inbox: WebhookInbox) -> None:
    sandbox.edit(task_id(1), ADA, {"is_locked": True})
    sandbox.edit(task_id(1), ADA, {"is_locked": False})
    sandbox.webhooks.deliver_due()
    assert inbox.types == ["page.locked", "page.unlocked"]
    assert told(sandbox, inbox) == []


def test_a_changed_schema_is_told_column_by_column_and_not_row_by_row(
    sandbox: Sandbox, inbox: WebhookInbox
) -> None:
    patch: Json = {"properties": {"Hours": None, "Notes": {"name": "Remarks"}, "Extra": {"number": {}}}}
    made = sandbox.change_schema(sample.TASKS, ADA, patch)
    (event,) = told(sandbox, inbox)
    assert event["type"] == "data_source.schema_updated"
    assert {(one["name"], one["action"]) for one in event["data"]["updated_properties"]} == {
        ("Hours", "deleted"),
        ("Remarks", "updated"),
        ("Extra", "created"),
    }
    assert made["properties"]["Extra"]["id"] in {one["id"] for one in event["data"]["updated_properties"]}


def test_a_new_database_is_told_without_its_first_data_source(
    sandbox: Sandbox, inbox: WebhookInbox, notion: Caller
) -> None:
    body = {"parent": {"type": "page_id", "page_id": sample.HOME}}
    made = notion.post("/v1/databases", body).body
    events = {event["type"]: event for event in told(sandbox, inbox)}
    assert set(events) == {"database.created", "page.content_updated"}
    second = {
        "parent": {"type": "database_id", "database_id": made["id"]},
        "properties": {"Name": {"title": {}}},
    }
    notion.post("/v1/data_sources", second)
    assert [event["type"] for event in told(sandbox, inbox)] == ["data_source.created"]
    notion.patch(f"/v1/databases/{made['id']}", {"in_trash": True})
    assert "database.deleted" in {event["type"] for event in told(sandbox, inbox)}


@pytest.mark.skipif(not contract.is_available, reason=contract.why_not)
def test_every_event_of_notions_document_can_be_subscribed_to_but_those_it_no_longer_sends() -> None:
    assert contract.webhook_types() - EVENT_TYPES == {
        "database.content_updated",
        "database.schema_updated",
        "page.transcription_block.transcript_deleted",
    }
    assert not EVENT_TYPES - contract.webhook_types()


def test_nobody_hears_of_what_is_not_shared(
    sandbox: Sandbox, inbox: WebhookInbox, subscription: Subscription
) -> None:
    sandbox.unshare(task_id(1))
    sandbox.edit(task_id(1), ADA, hours(4))
    assert told(sandbox, inbox) == []
    sandbox.revoke(sample.TOKEN)
    sandbox.edit(task_id(2), ADA, hours(4))
    assert told(sandbox, inbox) == []
