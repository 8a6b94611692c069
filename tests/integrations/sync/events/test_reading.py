"""How the dirty records are read: by themselves, by our id, or all that was edited since."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from integrations.models import Connection, ExternalLink, InboundEvent, SyncChange, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sync.events.watchdog import LOOK_WORTH_SECONDS
from tasks.models import Task
from tests.factories.notion import NotionWorkspace
from tests.factories.notion_events import Json
from tests.integrations.sync.events.conftest import Told

GET, QUERY = "GET /v1/pages/{page_id}", "POST /v1/data_sources/{data_source_id}/query"
JOB = "integrations.handle_events"


def titles(pages: list[str]) -> list[str]:
    found = dict(
        Task.objects.filter(external_links__remote_id__in=pages).values_list(
            "external_links__remote_id", "title"
        )
    )
    return [found[page] for page in pages]


def test_one_changed_page_is_read_by_itself(told: Told) -> None:
    told.rename(told.pages[0], "Renamed")
    event = told.tell("page.properties_updated", told.pages[0])

    assert told.calls_of(told.handle) == [GET]

    assert titles(told.pages[:1]) == ["Renamed"]
    event.refresh_from_db()
    assert (event.state, event.reason) == ("done", "Read by itself.")
    run = SyncRun.objects.get(kind="events")
    assert (run.state, run.trigger, run.changed, run.calls) == ("succeeded", "webhook", 1, 1)


def test_one_changed_page_is_read_with_a_look_where_the_last_was_long_ago(told: Told) -> None:
    tables = SyncedCollection.objects.filter(pk=told.table.pk)
    tables.update(last_read_at=timezone.now() - timedelta(seconds=LOOK_WORTH_SECONDS))
    told.rename(told.pages[0], "Renamed")
    told.rename(told.pages[1], "Nobody told")
    told.tell("page.properties_updated", told.pages[0])
    began = timezone.now()

    assert told.calls_of(told.handle) == [QUERY]

    assert titles(told.pages[:2]) == ["Renamed", "Nobody told"]
    assert told.table.last_read_at is not None
    assert told.table.last_read_at >= began
    told.rename(told.pages[0], "Once more")
    told.tell("page.properties_updated", told.pages[0])
    assert told.calls_of(told.handle) == [GET]


def test_where_too_much_was_edited_for_one_page_a_look_is_left_to_its_own_time(told: Told) -> None:
    SyncedCollection.objects.filter(pk=told.table.pk).update(last_read_at=None)
    ExternalLink.objects.bulk_create(
        ExternalLink(
            connection=told.connection, collection=told.table, remote_id=f"busy-{number}",
            remote_edited_at=told.now(),
        )
        for number in range(100)
    )  # fmt: skip
    told.rename(told.pages[0], "Renamed")
    told.tell("page.properties_updated", told.pages[0])

    assert told.calls_of(told.handle) == [GET]


def test_several_changed_pages_are_one_question(told: Told) -> None:
    for page in told.pages:
        told.rename(page, f"New {page}")
        told.tell("page.properties_updated", page)

    assert told.calls_of(told.handle) == [QUERY]

    assert titles(told.pages) == [f"New {page}" for page in told.pages]
    assert not InboundEvent.objects.exclude(state="done").exists()


def test_ten_events_of_one_page_are_one_call(told: Told) -> None:
    for number in range(10):
        told.rename(told.pages[0], f"Draft {number}")
        told.tell("page.properties_updated", told.pages[0])
    assert told.calls_of(told.handle) == [GET]
    assert titles(told.pages[:1]) == ["Draft 9"]


def test_an_id_that_is_none_stops_nobody_else(told: Told) -> None:
    told.rename(told.pages[0], "Fine")
    nonsense = told.tell("page.properties_updated", "not an id at all")
    told.tell("page.properties_updated", told.pages[0])
    told.handle()
    assert titles(told.pages[:1]) == ["Fine"]
    nonsense.refresh_from_db()
    assert nonsense.state != "waiting"


def test_changed_columns_are_read_anew_once(told: Told) -> None:
    told.sandbox.change_schema(
        told.workspace.tasks_id, told.workspace.editor, {"properties": {"Tags": {"name": "Labels"}}}
    )
    for _ in range(3):
        told.tell(
            "data_source.schema_updated", told.workspace.tasks_id, fields=[{"id": "tags", "name": "Labels"}]
        )
    assert told.calls_of(told.handle) == ["GET /v1/data_sources/{data_source_id}"]
    assert told.table.mappings.get(our_field="tags").remote_field_name == "Labels"


def test_ten_thousand_events_are_one_question_and_a_fixed_number_of_statements(
    connect: Callable[[NotionWorkspace], Connection], told: Told, sandbox: Sandbox
) -> None:
    base = told.tell("page.properties_updated", told.pages[0])
    rows = [
        InboundEvent(
            id=f"burst-{number}", connection=told.connection, kind=base.kind, change=base.change,
            entity_id=told.pages[number % 5], collection_id=base.collection_id, updated_fields=["title"],
            occurred_at=base.occurred_at,
        )
        for number in range(10_000)
    ]  # fmt: skip
    InboundEvent.objects.bulk_create(rows)
    InboundEvent.objects.update(received_at=base.received_at)
    told.rename(told.pages[4], "Last of the burst")

    calls = told.calls_of(told.handle)

    assert len(calls) <= 2 + 4, calls
    assert calls[0] == QUERY
    assert titles(told.pages[4:]) == ["Last of the burst"]
    assert not InboundEvent.objects.filter(state="waiting").exists()


def test_records_that_carry_our_id_are_asked_for_by_it_when_much_else_was_edited(told: Told) -> None:
    schema: Json = {"properties": {"Task Sync ID": {"rich_text": {}}}}
    told.sandbox.change_schema(told.workspace.tasks_id, told.workspace.editor, schema)
    column = told.sandbox.holder_of(told.workspace.tasks_id)[1].obj["properties"]["Task Sync ID"]["id"]
    SyncedCollection.objects.filter(pk=told.table.pk).update(external_id_field_id=column)
    run = SyncRun.objects.create(connection=told.connection, kind="push", trigger="edit", state="succeeded")
    for link in ExternalLink.objects.filter(remote_id__in=told.pages[:4]):
        ours = {"Task Sync ID": {"rich_text": [{"text": {"content": str(link.task_id)}}]}}
        told.sandbox.edit(link.remote_id, told.workspace.editor, {"properties": ours})
        SyncChange.objects.create(
            run=run,
            collection=told.table,
            link_id=link.pk,
            side="there",
            action="created",
            task_id=link.task_id,
        )
    ExternalLink.objects.bulk_create(
        ExternalLink(
            connection=told.connection,
            collection=told.table,
            remote_id=f"busy-{number}",
            remote_edited_at=told.now(),
        )
        for number in range(250)
    )
    for page in told.pages:
        told.rename(page, f"Asked for {page}")
        told.tell("page.properties_updated", page)

    assert told.calls_of(told.handle) == [QUERY, GET]

    assert titles(told.pages) == [f"Asked for {page}" for page in told.pages]
    assert set(InboundEvent.objects.values_list("reason", flat=True)) == {
        "Read with others in one question.",
        "Read by itself.",
    }
