"""A workspace with a page in which databases can be made."""

import pytest

from integrations.models import Connection
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import connect_workspace
from integrations.sync.services import discover_collections
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef
from tests.factories.notion import START, NotionWorkspace, an_id, rich, stamp

HOME = an_id("home page")


@pytest.fixture
def connected(tenant: TenantRef, sandbox: Sandbox, workspace: NotionWorkspace) -> Connection:
    """A connected workspace with a page “Home”, tasks and projects; nothing is confirmed."""
    by = {"object": "user", "id": workspace.editor}
    workspace.objects.append({
        "object": "page", "id": HOME, "created_time": stamp(START), "last_edited_time": stamp(START),
        "created_by": by, "last_edited_by": by, "cover": None, "icon": None, "in_trash": False,
        "is_archived": False, "is_locked": False, "parent": {"type": "workspace", "workspace": True},
        "properties": {"title": {"id": "title", "type": "title", "title": rich("Home")}},
        "url": f"https://www.notion.so/{HOME.replace('-', '')}", "public_url": None,
    })  # fmt: skip
    workspace.into(sandbox)
    connection = connect_workspace(token=workspace.token, actor=SYSTEM, requests_per_minute=None)
    discover_collections(connection=connection, actor=SYSTEM)
    return connection
