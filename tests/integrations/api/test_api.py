"""`/api/v1/connections/`, `/collections/` and `/sync-runs/` from the outside."""

from collections.abc import Callable

from django.db import connections as databases
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from integrations.models import Connection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from tasks.models import Task
from tenants.accounts.access import UserActor
from tenants.tenancy import current_tenant
from tests.factories.notion import NotionWorkspace
from tests.people import signed_in_client, token_client

type Work = Callable[[], None]
CONNECTIONS, RUNS = "/api/v1/connections/", "/api/v1/sync-runs/"


def test_a_workspace_is_connected_mapped_read_and_disconnected(
    api: APIClient, sandbox: Sandbox, workspace: NotionWorkspace, work: Work
) -> None:
    workspace.add_tasks(3)
    workspace.into(sandbox)

    made = api.post(CONNECTIONS, {"token": workspace.token})
    assert made.status_code == 201, made.json()
    assert made.json()["name"] == "Testing Ground"
    assert workspace.token not in made.content.decode()
    url = f"{CONNECTIONS}{made.json()['id']}/"

    found = api.post(f"{url}discover/").json()["results"]
    assert {row["title"]: row["role"] for row in found} == {"Tasks": "tasks", "Projects": "projects"}
    tasks = next(row for row in found if row["role"] == "tasks")
    assert {row["our_field"] for row in tasks["mappings"]} >= {"title", "status", "priority", "due"}

    shown = api.post(f"/api/v1/collections/{tasks['id']}/preview/", {"limit": 2}).json()["results"]
    assert [row["title"] for row in shown] == ["Task number 1", "Task number 2"]

    choices = [{"our_field": "title", "remote_field_id": "title"}]
    mapped = api.put(f"/api/v1/collections/{tasks['id']}/mapping/", {"choices": choices})
    assert mapped.json()["mapping_state"] == "confirmed"
    work()
    assert Task.objects.count() == 3

    runs = api.get(RUNS, {"connection": made.json()["id"], "kind": "import"}).json()["results"]
    assert [(run["state"], run["new"]) for run in runs] == [("succeeded", 3)]
    detail = api.get(f"{RUNS}{runs[0]['id']}/").json()
    assert detail["collections"][0]["collection"]["title"] == "Tasks"
    lines = api.get(f"{RUNS}{runs[0]['id']}/log/").json()["results"]
    assert "Finished" in lines[0]["message"]

    assert api.post(f"{url}pause/").json()["state"] == "paused"
    assert api.post(f"{url}resume/").json()["state"] == "connected"
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404


def test_mistakes_are_answered_with_problems(
    api: APIClient, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    workspace.into(sandbox)
    wrong = api.post(CONNECTIONS, {"token": "ntn_wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "integrations.token_refused")
    unknown = api.post(CONNECTIONS, {"token": workspace.token, "color": "red"})
    assert unknown.status_code in {400, 422}
    assert api.post(CONNECTIONS, {"token": workspace.token}).status_code == 201
    again = api.post(CONNECTIONS, {"token": workspace.token})
    assert (again.status_code, again.json()["code"]) == (409, "integrations.already_connected")
    connection = Connection.objects.get()
    nothing = api.post(RUNS, {"connection_id": str(connection.pk)})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "integrations.nothing_to_read")


def test_a_service_that_is_down_is_a_bad_gateway(
    api: APIClient, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    workspace.into(sandbox)
    sandbox.fault(kind="reset", times=None)

    assert api.post(CONNECTIONS, {"token": workspace.token}).status_code == 502


def test_guests_see_nothing_and_members_change_nothing(
    host: str, member: UserActor, guest: UserActor, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    workspace.into(sandbox)
    as_member, as_guest = token_client(host, member), signed_in_client(host, guest)

    assert as_member.get(CONNECTIONS).status_code == 200
    assert as_member.post(CONNECTIONS, {"token": workspace.token}).status_code == 403
    assert as_guest.get(CONNECTIONS).status_code == 404
    assert as_guest.get(RUNS).status_code == 404


def test_a_long_list_of_runs_costs_a_constant_number_of_statements(
    api: APIClient, connect: Callable[[NotionWorkspace], Connection], workspace: NotionWorkspace, work: Work
) -> None:
    connection = connect(workspace)
    work()

    def statements() -> int:
        with CaptureQueriesContext(databases[current_tenant().cell]) as asked:
            assert api.get(RUNS).status_code == 200
        return len(asked)

    few = statements()
    SyncRun.objects.bulk_create(
        SyncRun(connection=connection, kind="full", trigger="schedule", state="succeeded") for _ in range(30)
    )
    assert statements() <= few
