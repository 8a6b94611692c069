"""No row becomes two tasks: whichever integration of a workspace brings it, and however often that changes."""

from collections.abc import Callable

import pytest

from integrations.models import Connection, ExternalLink, SyncedCollection
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import connect_workspace, disconnect_connection, replace_token
from integrations.sync.services import (
    confirm_mapping,
    confirm_proposals,
    current_choices,
    discover_collections,
)
from integrations.sync.setting_up import choose_collections, start_reading
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import Conflict
from tests.factories.notion import NotionWorkspace, an_id

type Work = Callable[[], None]
OTHER = "ntn_another_integration"


@pytest.fixture
def first(tenant: object, sandbox: Sandbox, workspace: NotionWorkspace, work: Work) -> Connection:
    """A workspace with two integrations, read through the first of them."""
    workspace.add_tasks(3)
    line = workspace.line()
    bot = {**line["bot"], "id": an_id("another bot"), "name": "Another integration"}
    line["connections"] = [{"bot": bot, "tokens": [OTHER], "shared": "*"}]
    sandbox.add_workspace(line, workspace.objects)
    connection = connect_workspace(token=workspace.token, actor=SYSTEM, requests_per_minute=None)
    discover_collections(connection=connection, actor=SYSTEM)
    confirm_proposals(connection=connection, actor=SYSTEM)
    work()
    assert Task.objects.count() == 3
    return connection


def second_beside() -> Connection:
    connection = connect_workspace(token=OTHER, actor=SYSTEM, requests_per_minute=None)
    discover_collections(connection=connection, actor=SYSTEM)
    return connection


def tasks_of(connection: Connection) -> SyncedCollection:
    return SyncedCollection.objects.get(connection=connection, role="tasks")


def test_a_database_that_is_read_is_not_read_through_another_integration_as_well(
    first: Connection, work: Work
) -> None:
    second = second_beside()
    assert second.pk != first.pk

    with pytest.raises(Conflict, match="twice"):
        confirm_proposals(connection=second, actor=SYSTEM)
    collection = tasks_of(second)
    with pytest.raises(Conflict, match="twice"):
        confirm_mapping(collection=collection, choices=current_choices(collection), actor=SYSTEM)
    work()

    assert Task.objects.count() == 3
    assert not SyncedCollection.objects.filter(connection=second, is_enabled=True).exists()


def test_what_was_confirmed_before_another_integration_read_it_is_not_begun(
    tenant: object, sandbox: Sandbox, workspace: NotionWorkspace, work: Work, first: Connection
) -> None:
    ExternalLink.objects.all().delete()
    SyncedCollection.objects.filter(connection=first).update(is_enabled=False)
    second = second_beside()
    collection = tasks_of(second)
    choose_collections(connection=second, collection_ids=[collection.pk], actor=SYSTEM)
    confirm_mapping(collection=collection, choices=current_choices(collection), actor=SYSTEM)
    SyncedCollection.objects.filter(connection=first).update(is_enabled=True)

    with pytest.raises(Conflict, match="twice"):
        start_reading(connection=second, actor=SYSTEM)


def test_other_databases_of_the_workspace_may_come_through_another_integration(
    first: Connection, work: Work
) -> None:
    # The first is not interested in projects any more and has none of them here.
    projects = SyncedCollection.objects.get(connection=first, role="projects")
    projects.is_enabled = False
    projects.save()
    second = second_beside()

    confirmed = confirm_proposals(connection=second, actor=SYSTEM)

    assert [row.remote_id for row in confirmed] == [projects.remote_id]


def test_a_workspace_connected_again_through_another_integration_keeps_its_tasks(
    first: Connection, work: Work
) -> None:
    disconnect_connection(connection=first, actor=SYSTEM)
    work()

    again = second_beside()
    work()

    assert (again.pk, again.account_id) == (first.pk, an_id("another bot"))
    assert Task.objects.count() == 3
    assert ExternalLink.objects.filter(connection=again, task__isnull=False).count() == 3


def test_a_token_of_another_integration_of_the_same_workspace_takes_its_place(
    first: Connection, sandbox: Sandbox, workspace: NotionWorkspace, work: Work
) -> None:
    page = ExternalLink.objects.filter(task__isnull=False).values_list("remote_id", flat=True)[0]
    sandbox.revoke(workspace.token)

    replaced = replace_token(connection=first, token=OTHER, actor=SYSTEM)
    sandbox.edit(page, workspace.editor, {"properties": {"Task": {"title": [{"text": {"content": "New"}}]}}})
    work()

    assert (replaced.pk, replaced.account_id, replaced.state) == (first.pk, an_id("another bot"), "connected")
    assert Task.objects.count() == 3


def test_a_token_another_connection_lives_on_takes_nothings_place(first: Connection) -> None:
    second_beside()
    with pytest.raises(Conflict, match="another connection"):
        replace_token(connection=first, token=OTHER, actor=SYSTEM)
