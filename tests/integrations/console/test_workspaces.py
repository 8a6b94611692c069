"""The pages of workspaces: connecting, what is said when it does not work, and what the buttons do."""

from collections.abc import Callable
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from integrations.console.sync_runs import STREAMS, Stream
from integrations.models import Connection, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from tasks.models import Task
from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.tenancy import TenantRef, atomic
from tests.factories.notion import NotionWorkspace


def text(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def filled(workspace: NotionWorkspace) -> NotionWorkspace:
    workspace.add_project("Winter")
    workspace.add_tasks(12)
    return workspace


@pytest.fixture
def connection(connect: Callable[[NotionWorkspace], Connection], filled: NotionWorkspace) -> Connection:
    return connect(filled)


def act(console: Client, connection: Connection, action: str, **data: str) -> object:
    address = reverse("integrations:workspace_act", args=[connection.pk])
    return console.post(address, {"action": action, **data}, follow=True)


def test_a_wrong_token_is_refused_with_what_to_do_and_nothing_is_kept(
    console: Client, sandbox: Sandbox
) -> None:
    response = console.post(reverse("integrations:connect"), {"token": "ntn_wrong"})
    assert response.status_code == 422
    assert "token" in text(response).lower()
    assert "ntn_wrong" not in text(response)
    with atomic():
        assert not Connection.objects.exists()


@pytest.mark.parametrize("token", ["", "   ", "two words", "tökén"])
def test_what_is_no_token_is_refused_before_anybody_is_asked(
    console: Client, sandbox: Sandbox, token: str
) -> None:
    assert console.post(reverse("integrations:connect"), {"token": token}).status_code == 422


def test_connecting_shows_the_databases_with_proposed_mappings(
    console: Client, sandbox: Sandbox, filled: NotionWorkspace
) -> None:
    filled.into(sandbox)
    response = console.post(reverse("integrations:connect"), {"token": filled.token}, follow=True)
    page = text(response)
    assert "Confirm all and start" in page
    assert "Tasks" in page
    assert "Projects" in page
    assert filled.token not in page


def test_a_workspace_that_shares_nothing_says_how_to_share(
    console: Client, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    sandbox.add_workspace({**workspace.line(), "shared": []}, workspace.objects)
    response = console.post(reverse("integrations:connect"), {"token": workspace.token}, follow=True)
    assert "No database is shared yet" in text(response)


def test_connecting_twice_is_a_conflict_that_names_the_workspace(
    console: Client, connection: Connection, filled: NotionWorkspace
) -> None:
    response = console.post(reverse("integrations:connect"), {"token": filled.token})
    assert response.status_code == 422
    assert "is connected already" in text(response)


def test_sync_now_leads_to_the_run_and_the_run_brings_the_tasks(
    console: Client, connection: Connection, work: Callable[[], None]
) -> None:
    work()
    with atomic():
        assert Task.objects.count() == 12
    response = act(console, connection, "sync")
    assert response.status_code == 200  # type: ignore[attr-defined]
    assert "Full check" in text(response)


def test_pausing_stops_reading_and_resuming_goes_on(console: Client, connection: Connection) -> None:
    act(console, connection, "pause")
    with atomic():
        assert Connection.objects.get().state == Connection.State.PAUSED
    act(console, connection, "resume")
    with atomic():
        assert Connection.objects.get().state == Connection.State.CONNECTED


def test_disconnecting_forgets_the_token_and_keeps_the_tasks(
    console: Client, connection: Connection, work: Callable[[], None]
) -> None:
    work()
    act(console, connection, "disconnect")
    with atomic():
        held = Connection.objects.get()
        assert (held.state, held.token_secret_id) == (Connection.State.DISCONNECTED, None)
        assert Task.objects.count() == 12
    assert console.get(reverse("integrations:workspace", args=[connection.pk])).status_code == 404


def test_a_database_can_be_switched_off(console: Client, connection: Connection) -> None:
    with atomic():
        chosen = SyncedCollection.objects.get(role="tasks")
    act(console, connection, "switch_off", collection=str(chosen.pk))
    with atomic():
        assert not SyncedCollection.objects.get(pk=chosen.pk).is_enabled


@pytest.mark.parametrize("collection", ["", "no-id", "00000000-0000-7000-8000-000000000000"])
def test_a_database_that_is_not_there_is_not_said_to_be_switched_off(
    console: Client, connection: Connection, collection: str
) -> None:
    answer = act(console, connection, "switch_off", collection=collection)
    assert answer.status_code == 404  # type: ignore[attr-defined]


@pytest.mark.parametrize("action", ["", "explode", "SYNC"])
def test_an_unknown_action_is_refused(console: Client, connection: Connection, action: str) -> None:
    assert act(console, connection, action).status_code == 400  # type: ignore[attr-defined]


def test_a_revoked_token_shows_and_a_new_one_of_the_same_integration_mends_it(
    console: Client,
    connection: Connection,
    sandbox: Sandbox,
    filled: NotionWorkspace,
    work: Callable[[], None],
) -> None:
    sandbox.revoke(filled.token)
    work()
    page = text(console.get(reverse("integrations:workspace", args=[connection.pk])))
    assert "Give a new token" in page
    answer = console.post(reverse("integrations:token", args=[connection.pk]), {"token": "ntn_other"})
    assert answer.status_code == 422


def test_a_member_sees_workspaces_but_no_buttons(
    login_as: Callable[[UserActor], Client], member: UserActor, connection: Connection
) -> None:
    page = text(login_as(member).get(reverse("integrations:workspace", args=[connection.pk])))
    assert connection.name in page
    assert "Sync now" not in page
    assert "Disconnect" not in page


def test_a_run_of_another_id_is_not_there(console: Client, tenant: TenantRef) -> None:
    address = reverse("integrations:sync_run", args=[UUID(int=1)])
    assert console.get(address).status_code == 404


def test_the_log_of_a_run_can_be_downloaded(
    console: Client, connection: Connection, work: Callable[[], None]
) -> None:
    work()
    with atomic():
        run = SyncRun.objects.get(kind=SyncRun.Kind.IMPORT)
    response = console.get(reverse("integrations:sync_run_log", args=[run.pk]))
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert "rows" in text(response)


def test_the_live_part_of_an_ended_run_says_done_and_closes(
    console: Client, connection: Connection, work: Callable[[], None]
) -> None:
    work()
    with atomic():
        run = SyncRun.objects.get(kind=SyncRun.Kind.IMPORT)
    response = console.get(reverse("integrations:sync_run_live", args=[run.pk]))
    assert response.headers["Content-Type"] == "text/event-stream"
    parts = b"".join(response).decode()
    assert "Succeeded" in parts
    assert parts.rstrip().endswith("event: done\ndata:")


def test_the_live_part_tells_times_in_the_persons_zone(
    console: Client, owner: UserActor, connection: Connection, work: Callable[[], None]
) -> None:
    work()
    with atomic():
        run = SyncRun.objects.get(kind=SyncRun.Kind.IMPORT)
        User.objects.filter(pk=owner.user_id).update(time_zone="Asia/Tokyo")
    started = run.created_at.astimezone(ZoneInfo("Asia/Tokyo")).strftime("started %H:%M:%S")
    assert started in text(console.get(reverse("integrations:sync_run", args=[run.pk])))

    assert started in b"".join(console.get(reverse("integrations:sync_run_live", args=[run.pk]))).decode()


def test_streams_give_their_places_back_however_they_end(
    console: Client, connection: Connection, work: Callable[[], None]
) -> None:
    work()
    with atomic():
        run = SyncRun.objects.get(kind=SyncRun.Kind.IMPORT)
    for _ in range(10):
        response = console.get(reverse("integrations:sync_run_live", args=[run.pk]))
        assert response.status_code == 200
        b"".join(response)


def test_a_stream_nobody_reads_gives_its_place_back(owner: UserActor, rf: RequestFactory) -> None:
    for _ in range(10):
        assert STREAMS.acquire(blocking=False)
        Stream(rf.get("/"), owner, uuid4())


@pytest.mark.parametrize("state", ["paused", "blocked"])
def test_a_workspace_that_stopped_can_be_resumed_where_its_reason_says_so(
    console: Client, connection: Connection, state: str
) -> None:
    Connection.objects.filter(pk=connection.pk).update(state=state)
    assert 'value="resume"' in text(console.get(reverse("integrations:workspace", args=[connection.pk])))
    act(console, connection, "resume")
    connection.refresh_from_db()
    assert connection.state == Connection.State.CONNECTED
