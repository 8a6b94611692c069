"""From a token to tasks on one path, the dry run on it, and the buttons about runs that are held or taken back."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from integrations.models import Connection, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import connect_workspace
from integrations.sync.polling import poll_connection
from integrations.sync.services import discover_collections
from tasks.models import Task
from tenants.accounts.access import SYSTEM, UserActor
from tenants.tenancy import atomic
from tests.factories.notion import NotionWorkspace

type Work = Callable[[], None]


def text(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def connection(sandbox: Sandbox, workspace: NotionWorkspace, tenant: object) -> Connection:
    """Connected and looked at; nobody has decided anything."""
    workspace.add_tasks(25, priority="P0")
    workspace.into(sandbox)
    found = connect_workspace(token=workspace.token, actor=SYSTEM, requests_per_minute=None)
    discover_collections(connection=found, actor=SYSTEM)
    return found


def page(console: Client, connection: Connection) -> str:
    return text(console.get(reverse("integrations:workspace", args=[connection.pk])))


def choose(console: Client, connection: Connection, *ids: object) -> object:
    address = reverse("integrations:set_up_choose", args=[connection.pk])
    return console.post(address, {"databases": [str(each) for each in ids]})


def tasks_database() -> SyncedCollection:
    with atomic():
        return SyncedCollection.objects.get(role="tasks")


@pytest.mark.parametrize("ids", [[], ["not an id"], [str(uuid4())]])
def test_choosing_nothing_or_what_is_not_shared_is_refused(
    console: Client, connection: Connection, ids: list[str]
) -> None:
    response = choose(console, connection, *ids)
    assert response.status_code == 422  # type: ignore[attr-defined]
    assert 'id="choose-error"' in text(response)
    with atomic():
        assert not SyncedCollection.objects.filter(is_chosen=True).exists()


def test_the_path_leads_from_choosing_over_the_mapping_and_a_dry_run_to_tasks(
    console: Client, connection: Connection, work: Work
) -> None:
    assert "Which databases are kept in step?" in page(console, connection)
    database = tasks_database()
    answer = choose(console, connection, database.pk)
    mapping = reverse("integrations:mapping", args=[database.pk])
    assert answer["Location"] == mapping  # type: ignore[index]
    work()
    # Whoever comes back later goes on where they stopped.
    assert "Go on with Tasks" in page(console, connection)
    form = text(console.get(mapping))
    assert "Confirm and go on" in form
    assert 'aria-current="step"' in form
    with atomic():
        chosen = {f"field-{row.our_field}": row.remote_field_id for row in database.mappings.all()}
    confirmed = console.post(mapping, {**chosen, "role": "tasks", "action": "confirm"})
    assert confirmed["Location"].endswith("#set-up")
    work()
    with atomic():
        assert not Task.objects.exists()
    assert "Try it before anything is written" in page(console, connection)
    tried = console.post(reverse("integrations:dry_run", args=[connection.pk]))
    work()
    plan = text(console.get(tried["Location"]))
    assert "25 would be new" in plan
    assert "Start syncing" in plan
    assert "Planned changes" in plan
    with atomic():
        assert not Task.objects.exists()
    assert "Ready to go" in page(console, connection)
    console.post(reverse("integrations:set_up_go", args=[connection.pk]))
    work()
    with atomic():
        assert Task.objects.count() == 25
    assert 'id="set-up"' not in page(console, connection)


def test_another_mapping_wants_another_dry_run(console: Client, connection: Connection, work: Work) -> None:
    database = tasks_database()
    choose(console, connection, database.pk)
    with atomic():
        chosen = {f"field-{row.our_field}": row.remote_field_id for row in database.mappings.all()}
    mapping = reverse("integrations:mapping", args=[database.pk])
    console.post(mapping, {**chosen, "role": "tasks", "action": "confirm"})
    console.post(reverse("integrations:dry_run", args=[connection.pk]))
    work()
    assert "Ready to go" in page(console, connection)
    del chosen["field-priority"]
    console.post(mapping, {**chosen, "role": "tasks", "action": "confirm"})
    assert "Try it before anything is written" in page(console, connection)


def test_going_before_the_mapping_is_confirmed_is_refused(console: Client, connection: Connection) -> None:
    go = reverse("integrations:set_up_go", args=[connection.pk])
    assert console.post(go).status_code == 409
    choose(console, connection, tasks_database().pk)
    assert console.post(go).status_code == 409


@pytest.fixture
def held(
    connect: Callable[[NotionWorkspace], Connection],
    workspace: NotionWorkspace,
    sandbox: Sandbox,
    work: Work,
) -> SyncRun:
    """A look for changes that found too many."""
    ids = workspace.add_tasks(25, priority="P0")
    connection = connect(workspace)
    work()
    for page_id in ids:
        patch = {"properties": {"Priority": {"select": {"name": "P2"}}}}
        sandbox.edit(page_id, workspace.editor, patch)
    poll_connection(connection_id=connection.pk, heartbeat=lambda: None)
    with atomic():
        return SyncRun.objects.get(kind="poll")


def test_a_held_run_says_what_would_change_and_asks(
    console: Client, held: SyncRun, work: Work, login_as: Callable[[UserActor], Client], member: UserActor
) -> None:
    address = reverse("integrations:sync_run", args=[held.pk])
    shown = text(console.get(address))
    assert "Unusually many records would change" in shown
    assert "25 would change" in shown
    assert "It is right, go on" in shown
    assert "wait for you" in text(console.get("/"))
    assert "It is right, go on" not in text(login_as(member).get(address))
    decide = reverse("integrations:sync_run_decide", args=[held.pk])
    assert console.post(decide, {"decision": "perhaps"}).status_code == 400
    console.post(decide, {"decision": "approve"})
    work()
    after = text(console.get(address))
    assert "Undo this run" in after
    assert "Urgent" in after
    undo = console.post(reverse("integrations:sync_run_undo", args=[held.pk]))
    work()
    assert "Succeeded" in text(console.get(undo["Location"]))
    assert "taken back" in text(console.get(address))
    assert console.post(reverse("integrations:sync_run_undo", args=[held.pk])).status_code == 409


def test_a_held_run_is_decided_and_not_just_cancelled(console: Client, held: SyncRun) -> None:
    cancel = reverse("integrations:sync_run_cancel", args=[held.pk])
    assert console.post(cancel).status_code == 409
    assert cancel not in text(console.get(reverse("integrations:sync_run", args=[held.pk])))


def test_a_held_run_can_be_refused(console: Client, held: SyncRun) -> None:
    console.post(reverse("integrations:sync_run_decide", args=[held.pk]), {"decision": "refuse"})
    with atomic():
        assert Connection.objects.get().state == "paused"
        assert not Task.objects.filter(priority=2).exists()


def test_programs_rehearse_decide_and_take_back_as_people_do(
    api: APIClient, held: SyncRun, work: Work
) -> None:
    run = f"/api/v1/sync-runs/{held.pk}/"
    shown = api.get(run).json()
    assert (shown["held_for"], shown["state"]) == ("mass", "waiting")
    assert [(line["side"], line["action"], line["count"]) for line in shown["plan"]] == [
        ("here", "updated", 25)
    ]
    changes = api.get(f"{run}changes/").json()["results"]
    assert changes[0]["values"] == {"priority": [4, 2]}
    assert changes[0]["is_planned"] is True
    assert api.post(f"{run}undo/").status_code == 409
    assert api.post(f"{run}approve/").status_code == 200
    assert api.post(f"{run}refuse/").status_code == 409
    work()
    assert api.post(f"{run}undo/").status_code == 201
    work()
    body = {"connection_id": str(held.connection_id), "kind": "dry_run"}
    started = api.post("/api/v1/sync-runs/", body, format="json")
    assert (started.status_code, started.json()["kind"]) == (201, "dry_run")
    assert api.post("/api/v1/sync-runs/", body, format="json").status_code == 409
