"""Connecting, pausing and disconnecting workspaces, and starting runs."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from integrations.capabilities import RemoteIdentity
from integrations.models import Connection, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import (
    cancel_run,
    connect_workspace,
    connections,
    disconnect_connection,
    pause_connection,
    replace_token,
    resume_connection,
    start_sync_run,
)
from integrations.sync.services import confirm_proposals, discover_collections
from tasks.models import Task
from tenants.accounts.access import SYSTEM, UserActor
from tenants.foundation.crypto import Secret as Text
from tenants.foundation.errors import Conflict, ExternalServiceError, Forbidden, InvalidInput
from tenants.secrets.models import Secret
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.factories.notion import NotionWorkspace

type Connect = Callable[[NotionWorkspace], Connection]
type Work = Callable[[], None]


def connected_to(workspace: NotionWorkspace, sandbox: Sandbox) -> Connection:
    workspace.into(sandbox)
    return connect_workspace(token=workspace.token, actor=SYSTEM)


# -- tokens ----------------------------------------------------------------------------------------


def test_a_workspace_is_connected_under_its_own_name_and_its_token_is_sealed(
    tenant: object, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    connection = connected_to(workspace, sandbox)

    assert (connection.name, connection.state) == ("Testing Ground", "connected")
    assert connection.requests_per_minute == 180
    secret = Secret.objects.get()
    assert secret == connection.token_secret
    assert workspace.token.encode() not in bytes(secret.sealed)


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("", "needed"),
        ("   ", "needed"),
        ("ntn_nobody_knows_me", "does not accept"),
        ("two words", "blanks"),
        ("ntn_line\nbreak", "blanks"),
        ("ntn_schlüssel", "blanks"),
        ("n" * 2000, "blanks"),
    ],
)
def test_a_wrong_token_is_refused_with_a_sentence_and_nothing_is_stored(
    tenant: object, sandbox: Sandbox, workspace: NotionWorkspace, token: str, sentence: str
) -> None:
    workspace.into(sandbox)

    with pytest.raises(InvalidInput) as refusal:
        connect_workspace(token=token, actor=SYSTEM)

    assert sentence in str(refusal.value)
    assert "token" in refusal.value.fields
    assert not Connection.objects.exists()
    assert not Secret.objects.exists()


def test_a_revoked_token_is_refused(tenant: object, sandbox: Sandbox, workspace: NotionWorkspace) -> None:
    workspace.into(sandbox)
    sandbox.revoke(workspace.token)

    with pytest.raises(InvalidInput, match="revoked"):
        connect_workspace(token=workspace.token, actor=SYSTEM)


def test_the_same_workspace_is_not_connected_twice(
    tenant: object, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    connected_to(workspace, sandbox)

    with pytest.raises(Conflict, match="connected already"):
        connect_workspace(token=workspace.token, actor=SYSTEM)


def test_another_workspaces_token_does_not_replace_ones_own(
    tenant: object, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    connection = connected_to(workspace, sandbox)
    foreign = NotionWorkspace(name="Elsewhere", token="ntn_elsewhere").into(sandbox)

    with pytest.raises(Conflict, match="Elsewhere"):
        replace_token(connection=connection, token=foreign.token, actor=SYSTEM)

    connection.refresh_from_db()
    assert connection.workspace_name == "Testing Ground"


def test_a_workspace_that_is_disconnected_while_its_new_token_is_checked_stays_disconnected(
    tenant: object, sandbox: Sandbox, workspace: NotionWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connected_to(workspace, sandbox)
    check = connections._identity

    def disconnected_meanwhile(connector_key: str, token: Text) -> RemoteIdentity:
        disconnect_connection(connection=connection, actor=SYSTEM)
        return check(connector_key, token)

    monkeypatch.setattr(connections, "_identity", disconnected_meanwhile)
    with pytest.raises(Conflict, match="disconnected"):
        replace_token(connection=connection, token=workspace.token, actor=SYSTEM)

    connection.refresh_from_db()
    assert (connection.state, connection.token_secret) == ("disconnected", None)
    assert not Secret.objects.exists()


@pytest.mark.parametrize("fault", [{"kind": "reset"}, {"kind": "status", "status": 500}, {"kind": "half"}])
def test_a_service_that_is_down_is_no_verdict_on_the_token(
    tenant: object, sandbox: Sandbox, workspace: NotionWorkspace, fault: dict[str, object]
) -> None:
    workspace.into(sandbox)
    sandbox.fault(match="/users/me", times=None, **fault)

    with pytest.raises(ExternalServiceError) as failure:
        connect_workspace(token=workspace.token, actor=SYSTEM)

    assert failure.value.is_transient


def test_only_administrators_connect(
    tenant: object, sandbox: Sandbox, workspace: NotionWorkspace, manager: UserActor
) -> None:
    workspace.into(sandbox)

    with pytest.raises(Forbidden):
        connect_workspace(token=workspace.token, actor=manager)


# -- what is shared --------------------------------------------------------------------------------


def test_a_workspace_that_shares_nothing_says_what_to_do(
    tenant: object, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    sandbox.add_workspace({**workspace.line(), "shared": []}, workspace.objects)
    connection = connect_workspace(token=workspace.token, actor=SYSTEM)

    assert discover_collections(connection=connection, actor=SYSTEM) == []
    with pytest.raises(Conflict, match="Share one"):
        confirm_proposals(connection=connection, actor=SYSTEM)
    with pytest.raises(Conflict, match="nothing to read"):
        start_sync_run(connection=connection, actor=SYSTEM)


def test_a_database_without_a_title_column_is_refused_with_the_reason(
    tenant: object, sandbox: Sandbox
) -> None:
    workspace = NotionWorkspace(title_column=None)
    workspace.add_task("")
    connection = connected_to(workspace, sandbox)

    discover_collections(connection=connection, actor=SYSTEM)

    collection = SyncedCollection.objects.get(title="Tasks")
    assert (collection.state, "no title column" in collection.state_reason) == ("unreadable", True)
    confirmed = confirm_proposals(connection=connection, actor=SYSTEM, start=False)
    assert [item.title for item in confirmed] == ["Projects"]


# -- states ----------------------------------------------------------------------------------------


def test_a_paused_workspace_is_not_read_until_it_is_resumed(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    workspace.add_tasks(3)
    connection = connect(workspace)
    pause_connection(connection=connection, actor=SYSTEM)
    sandbox.report(reset=True)

    work()

    assert not Task.objects.exists()
    assert SyncRun.objects.get().state == "waiting"
    assert len(sandbox.calls()) == 0
    resume_connection(connection=connection, actor=SYSTEM)
    work()
    assert Task.objects.count() == 3
    assert SyncRun.objects.get(kind="import").state == "succeeded"


def test_disconnecting_forgets_the_token_and_keeps_the_tasks(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    workspace.add_tasks(3)
    connection = connect(workspace)
    work()

    disconnect_connection(connection=connection, actor=SYSTEM)

    assert not Secret.objects.exists()
    assert Task.objects.live().count() == 3
    again = connect_workspace(token=workspace.token, actor=SYSTEM)
    assert (again.pk, again.state) == (connection.pk, "connected")


def test_one_run_at_a_time(connect: Connect, workspace: NotionWorkspace) -> None:
    workspace.add_tasks(1)
    connection = connect(workspace)

    with pytest.raises(Conflict, match="under way"):
        start_sync_run(connection=connection, actor=SYSTEM)


def test_a_run_nobody_works_on_is_cancelled_at_once(
    connect: Connect, workspace: NotionWorkspace, work: Work
) -> None:
    workspace.add_tasks(1)
    connect(workspace)

    run = cancel_run(run=SyncRun.objects.get(), actor=SYSTEM)
    work()

    run.refresh_from_db()
    assert run.state == "cancelled"
    with pytest.raises(Conflict, match="ended"):
        cancel_run(run=run, actor=SYSTEM)


def test_two_companies_may_connect_the_same_workspace_and_see_only_their_own(
    connect: Connect, workspace: NotionWorkspace, work: Work, other_tenant: TenantRef
) -> None:
    workspace.add_tasks(2)
    connect(workspace)
    work()

    with tenant_scope(other_tenant):
        other = connect_workspace(token=workspace.token, actor=SYSTEM)
        with atomic():
            assert Connection.objects.get() == other
            assert not Task.objects.exists()
    assert not Connection.objects.filter(pk=uuid4()).exists()
