"""A sandbox behind a port, a workspace in it, and a company connected to it."""

from collections.abc import Callable, Iterator

import pytest
import redis
from django.conf import settings as django_settings
from pytest_django import Settings

from integrations.models import Connection
from integrations.registry import close_connections
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import connect_workspace
from integrations.sync.services import confirm_proposals, discover_collections
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import run_due_work
from tests.fakes.notion_sandbox import running_sandbox


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[Sandbox]:
    """A Notion of one's own, without a budget, that this product talks to."""
    redis.Redis.from_url(django_settings.REDIS_URL).flushdb()
    held = Sandbox(budget=None)
    with running_sandbox(sandbox=held) as running:
        settings.NOTION_BASE_URL = running.base_url
        yield held
        close_connections()
    held.close()


@pytest.fixture
def workspace() -> NotionWorkspace:
    """A workspace to be filled and then loaded by `connected`."""
    return NotionWorkspace()


@pytest.fixture
def connect(tenant: TenantRef, sandbox: Sandbox) -> Callable[[NotionWorkspace], Connection]:
    """Loads a workspace into the sandbox and connects the company to it, all proposals confirmed."""

    def connect_to(workspace: NotionWorkspace) -> Connection:
        workspace.into(sandbox)
        connection = connect_workspace(token=workspace.token, actor=SYSTEM, requests_per_minute=None)
        discover_collections(connection=connection, actor=SYSTEM)
        confirm_proposals(connection=connection, actor=SYSTEM)
        return connection

    return connect_to


@pytest.fixture
def work(tenant: TenantRef) -> Callable[[], None]:
    """Does everything that is due now."""

    def do() -> None:
        run_due_work(tenant)

    return do
