"""The path from a token to tasks in the browser; and a run that asks, is let go, and is taken back."""

import re

import pytest
from playwright.sync_api import Page, expect

from integrations.models import Connection
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sync.polling import poll_connection
from tasks.models import Task
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import run_due_work
from tests.journeys.accessibility import overflow, violations

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]
RUN = re.compile(r"/sync/runs/[0-9a-f-]{36}/$")


def look(page: Page, name: str) -> None:
    """No page on the way breaks a rule of axe, or is wider than its window."""
    assert violations(page) == [], name
    assert overflow(page) == 0, name


def count_of(tenant: TenantRef, **narrowed: object) -> int:
    with tenant_scope(tenant), atomic():
        return Task.objects.filter(**narrowed).count()


def test_from_choosing_databases_to_a_run_that_is_taken_back(
    owner_page: Page, notion: Sandbox, committed_tenant: TenantRef
) -> None:
    page = owner_page
    wiki = NotionWorkspace(name="Invented Wiki")
    ids = wiki.add_tasks(25, status="In review", priority="P0")
    wiki.into(notion)

    page.goto("/workspaces/connect/")
    expect(page.get_by_role("navigation", name="Set-up of this workspace")).to_contain_text("Dry run")
    look(page, "connect")
    page.get_by_label("Token").fill(wiki.token)
    page.get_by_role("button", name="Check and connect").click()

    expect(page.get_by_role("heading", name="Which databases are kept in step?")).to_be_visible()
    page.get_by_role("checkbox", name="Projects").uncheck()
    page.get_by_role("checkbox", name="Tasks").uncheck()
    look(page, "choose")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#choose-error")).to_contain_text("Choose at least one")
    look(page, "choose, refused")
    expect(page.get_by_role("checkbox", name="Projects")).not_to_be_checked()
    page.get_by_role("checkbox", name="Tasks").check()
    page.get_by_role("button", name="Continue").click()

    expect(page.locator("[aria-current=step]")).to_contain_text("Confirm mapping")
    expect(page.locator(".preview-row").first).to_contain_text("Urgent")
    look(page, "mapping")
    # Somebody goes away and comes back later.
    page.goto("/workspaces/")
    page.get_by_role("link", name="Invented Wiki").click()
    look(page, "where somebody stopped")
    page.get_by_role("link", name="Go on with Tasks").click()
    page.get_by_role("button", name="Confirm and go on").click()

    expect(page.get_by_role("heading", name="Try it before anything is written")).to_be_visible()
    look(page, "try")
    page.get_by_role("button", name="Start the dry run").click()
    page.wait_for_url(RUN)
    run_due_work(committed_tenant)
    page.reload()
    expect(page.get_by_role("heading", name="What the real run would do")).to_be_visible()
    expect(page.locator(".plan-lines")).to_contain_text("25 would be new")
    look(page, "plan")
    assert count_of(committed_tenant) == 0
    page.get_by_role("button", name="Start syncing").click()
    run_due_work(committed_tenant)
    assert count_of(committed_tenant) == 25

    for page_id in ids:
        notion.edit(page_id, wiki.editor, {"properties": {"Priority": {"select": {"name": "P2"}}}})
    with tenant_scope(committed_tenant):
        with atomic():
            connection = Connection.objects.get()
        poll_connection(connection_id=connection.pk, heartbeat=lambda: None)
    page.goto("/")
    page.get_by_role("link", name="Unusually many changes of “Invented Wiki” wait for you").click()
    expect(page.get_by_text("Unusually many records would change").first).to_be_visible()
    look(page, "held")
    assert count_of(committed_tenant, priority=2) == 0
    page.get_by_role("button", name="It is right, go on").click()
    run_due_work(committed_tenant)
    assert count_of(committed_tenant, priority=2) == 25
    page.reload()
    page.get_by_role("button", name="Undo this run").click()
    expect(page.get_by_role("dialog", name="Undo this run")).to_be_visible()
    look(page, "undo")
    page.get_by_role("button", name="Undo", exact=True).click()
    page.wait_for_url(RUN)
    run_due_work(committed_tenant)
    page.reload()
    expect(page.locator("#live .badge").first).to_have_text("Succeeded")
    look(page, "undone")
    assert count_of(committed_tenant, priority=4) == 25
