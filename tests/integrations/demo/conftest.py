"""The invented companies' Notion behind a port, and one of them taken in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings as django_settings
from django.db import connections
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from integrations.demo.companies import DemoCompany, SignIn, demo_companies, ensure_company
from integrations.demo.workspaces import WorkspaceFile, ensure_workspace_files
from integrations.sandbox.notion.sandbox import Sandbox
from tenants.models import Tenant
from tenants.tenancy import TenantRef
from tenants.tenancy.directory import directory
from tests.companies import drop_company
from tests.fakes.notion_sandbox import running_sandbox

PASSWORD = "lantern-otter-fjord-2741"


@pytest.fixture(scope="session")
def workspace_files(tmp_path_factory: pytest.TempPathFactory) -> list[WorkspaceFile]:
    """The four workspaces as files."""
    return ensure_workspace_files(tmp_path_factory.mktemp("workspaces"))


@pytest.fixture
def demo_sandbox(settings: Settings, workspace_files: list[WorkspaceFile]) -> Iterator[Sandbox]:
    """The four workspaces in a Notion without a budget, which this product talks to."""
    redis.Redis.from_url(django_settings.REDIS_URL).flushdb()
    with running_sandbox(load=[file.path for file in workspace_files], budget=None) as running:
        settings.NOTION_BASE_URL = running.base_url
        yield running.sandbox


@pytest.fixture
def globex() -> DemoCompany:
    """How Globex is taken in."""
    return demo_companies()[1]


@pytest.fixture
def taken_in(
    databases: None, django_db_blocker: DjangoDbBlocker, globex: DemoCompany
) -> Iterator[tuple[TenantRef, list[SignIn]]]:
    """Globex, really there, and those who sign in; dropped afterwards."""
    directory.forget()
    with django_db_blocker.unblock():
        try:
            yield ensure_company(globex, PASSWORD)
        finally:
            connections.close_all()
            drop_company(Tenant.objects.get(slug=globex.slug))
            directory.forget()
