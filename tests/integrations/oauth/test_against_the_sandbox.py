"""The whole way at the sandbox's own token endpoint: granted, read, renewed in the middle, withdrawn."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_django import Settings

from integrations.models import Connection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import accept_grant, start_sync_run
from integrations.sync.services import confirm_proposals, discover_collections
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tenants.secrets.services import reveal_secret, store_secret
from tests.factories.notion import NotionWorkspace

BACK = "http://platform.localhost:8000/oauth/notion/callback"
type Work = Callable[[], None]


@pytest.fixture
def granted(
    tenant: object, sandbox: Sandbox, workspace: NotionWorkspace, settings: Settings, work: Work
) -> Connection:
    """Three tasks of a workspace that somebody shared by OAuth."""
    client = sandbox.oauth.register(None, None, name="Task Sync", redirect_uris=[BACK])
    settings.NOTION_OAUTH_CLIENT_ID = client.id
    settings.NOTION_OAUTH_CLIENT_SECRET = client.secret
    workspace.add_tasks(3)
    workspace.into(sandbox)
    location = sandbox.oauth.allow(
        client.id, workspace.id, workspace.editor, redirect_uri=BACK, state="s", shared="*"
    )
    code = parse_qs(urlsplit(location).query)["code"][0]
    connection = accept_grant(code=code, redirect_uri=BACK, actor=SYSTEM)
    discover_collections(connection=connection, actor=SYSTEM)
    confirm_proposals(connection=connection, actor=SYSTEM)
    work()
    return connection


def read_all(connection: Connection, work: Work) -> SyncRun:
    run = start_sync_run(connection=connection, actor=SYSTEM, kind="full")
    work()
    run.refresh_from_db()
    return run


def test_a_granted_workspace_is_read(granted: Connection) -> None:
    assert granted.auth_kind == "oauth"
    assert Task.objects.count() == 3


def test_a_token_that_ended_is_renewed_and_the_run_goes_on(granted: Connection, work: Work) -> None:
    owner = {"owner_table": "integrations_connection", "owner_id": granted.pk}
    store_secret(name="token", value="ntn_ended_long_ago", actor=SYSTEM, **owner)  # type: ignore[arg-type]
    assert read_all(granted, work).state == "succeeded"
    connection = Connection.objects.get(pk=granted.pk)
    assert connection.state == "connected"
    assert connection.token_secret_id is not None
    assert reveal_secret(connection.token_secret_id).reveal() != "ntn_ended_long_ago"


def test_access_that_was_withdrawn_there_asks_for_a_person(
    granted: Connection, sandbox: Sandbox, workspace: NotionWorkspace, settings: Settings, work: Work
) -> None:
    sandbox.oauth.withdraw(settings.NOTION_OAUTH_CLIENT_ID, workspace.id)
    assert read_all(granted, work).state == "failed"
    connection = Connection.objects.get(pk=granted.pk)
    assert connection.state == "reauthorise"
    assert "Grant it again" in connection.state_reason
    assert Task.objects.count() == 3
