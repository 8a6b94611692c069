"""Rows are locked in one order, or those who confirm and discover at the same moment would deadlock."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connections
from django.test.utils import CaptureQueriesContext

from integrations.models import Connection, SyncedCollection
from integrations.sync.services import confirm_mapping, confirm_proposals, current_choices
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace


def _locked_tables(captured: CaptureQueriesContext) -> list[str]:
    statements = [query["sql"] for query in captured.captured_queries if "FOR UPDATE" in query["sql"]]
    return [statement.split('FROM "')[1].split('"')[0] for statement in statements]


def test_a_connection_is_locked_before_its_collections(
    tenant: TenantRef, workspace: NotionWorkspace, connect: Callable[[NotionWorkspace], Connection]
) -> None:
    connection = connect(workspace)
    collection = SyncedCollection.objects.get(connection=connection, title="Tasks")
    with CaptureQueriesContext(connections[tenant.cell]) as captured:
        confirm_mapping(collection=collection, choices=current_choices(collection), actor=SYSTEM)
    assert _locked_tables(captured)[:2] == ["integrations_connection", "integrations_syncedcollection"]

    SyncedCollection.objects.update(mapping_state=SyncedCollection.MappingState.PROPOSED)
    with CaptureQueriesContext(connections[tenant.cell]) as captured:
        confirm_proposals(connection=connection, actor=SYSTEM, start=False)
    assert _locked_tables(captured)[0] == "integrations_connection"
