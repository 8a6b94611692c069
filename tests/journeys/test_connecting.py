"""From a token to tasks: a Notion workspace is connected, mapped, read and watched in the browser."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from integrations.models import FieldMapping, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from tasks.models import Task
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.companies import OWNER_PASSWORD
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import run_due_work
from tests.journeys.accessibility import violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]
RUN = re.compile(r"/sync/runs/[0-9a-f-]{36}/$")
WORKSPACE = re.compile(r"/workspaces/[0-9a-f-]{36}/$")


@pytest.fixture
def wiki(notion: Sandbox) -> NotionWorkspace:
    """A workspace with twelve tasks of a project, all of them urgent in their own words."""
    workspace = NotionWorkspace(name="Invented Wiki")
    project = workspace.add_project("Invented Crane")
    workspace.add_tasks(12, status="In review", priority="P0", project=project)
    return workspace.into(notion)


def connect(page: Page, token: str) -> None:
    page.goto("/workspaces/connect/")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Check and connect").click()


def confirm_all_and_open_the_run(page: Page, wiki: NotionWorkspace) -> None:
    connect(page, wiki.token)
    page.wait_for_url(WORKSPACE)
    page.get_by_role("button", name="Confirm all and start").click()
    expect(page.get_by_text("2 databases are being read.")).to_be_visible()
    page.goto("/sync/runs/")
    page.get_by_role("link", name="First import").click()
    page.wait_for_url(RUN)


def test_from_a_wrong_token_to_tasks_in_step(
    owner_page: Page, site: Site, wiki: NotionWorkspace, committed_tenant: TenantRef
) -> None:
    page = owner_page
    connect(page, "ntn_nobody_made_this_one")
    expect(page.get_by_label("Token")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field .error")).to_contain_text(re.compile("token", re.IGNORECASE))
    expect(page.get_by_label("Token")).to_have_value("")
    assert violations(page) == []

    connect(page, wiki.token)
    page.wait_for_url(WORKSPACE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Invented Wiki")
    expect(page.get_by_role("heading", name="Which databases are kept in step?")).to_be_visible()
    page.get_by_role("link", name="Mapping Tasks").click()
    preview = page.locator(".preview-row")
    expect(preview).to_have_count(5)
    expect(preview.first).to_contain_text("Urgent")
    page.get_by_label("Priority", exact=True).select_option("")
    expect(preview.first).not_to_contain_text("Urgent")
    page.get_by_role("button", name="Confirm mapping").click()
    page.wait_for_url(WORKSPACE)
    expect(page.get_by_text("Tasks is being brought into step.")).to_be_visible()
    with tenant_scope(committed_tenant), atomic():
        confirmed = FieldMapping.objects.filter(collection__title="Tasks", state="confirmed")
        assert "priority" not in confirmed.values_list("our_field", flat=True)

    page.goto("/sync/runs/")
    page.get_by_role("link", name="First import").click()
    expect(page.locator("#live .badge").first).to_have_text("Queued")
    run_due_work(committed_tenant)
    expect(page.locator("#live .badge").first).to_have_text("Succeeded", timeout=15_000)
    expect(page.locator("#h-progress + .number")).to_have_text("100 %")
    expect(page.get_by_role("row", name="Tasks")).to_contain_text("12")
    expect(page.get_by_label("Log of this run")).to_contain_text("Finished")
    assert violations(page) == []

    page.goto("/tasks/")
    expect(page.locator("tbody tr")).to_have_count(12)
    expect(page.locator("tbody tr").first).to_contain_text("In review")
    expect(page.locator("#top-badge")).to_contain_text("Synced")


def test_a_lost_stream_leaves_a_page_that_is_right_when_loaded_again(
    owner_page: Page, wiki: NotionWorkspace, committed_tenant: TenantRef, watched: Watched
) -> None:
    def cut(route: Route) -> None:
        route.abort()

    page = owner_page
    page.route("**/live/", cut)
    confirm_all_and_open_the_run(page, wiki)
    run_due_work(committed_tenant)
    expect(page.locator("#live .badge").first).to_have_text("Queued")
    page.reload()
    expect(page.locator("#live .badge").first).to_have_text("Succeeded")
    expect(page.locator("#live progress").first).to_have_attribute("value", "100")
    # That the stream was cut is said in the browser's console, and nothing else is.
    watched.errors = [each for each in watched.errors if "Failed to fetch" not in each]


def test_a_run_is_cancelled_and_started_again(
    owner_page: Page, wiki: NotionWorkspace, committed_tenant: TenantRef
) -> None:
    page = owner_page
    confirm_all_and_open_the_run(page, wiki)
    page.get_by_role("button", name="Cancel run").click()
    expect(page.get_by_text("The run stops at its next step.")).to_be_visible()
    run_due_work(committed_tenant)
    expect(page.locator("#live .badge").first).to_have_text("Cancelled", timeout=15_000)
    page.get_by_role("button", name="Run again").click()
    expect(page.locator("#live .badge").first).to_have_text("Queued")
    run_due_work(committed_tenant)
    expect(page.locator("#live .badge").first).to_have_text("Succeeded", timeout=15_000)
    with tenant_scope(committed_tenant), atomic():
        assert Task.objects.count() == 12


def test_a_workspace_is_paused_resumed_and_disconnected(owner_page: Page, wiki: NotionWorkspace) -> None:
    page = owner_page
    connect(page, wiki.token)
    page.wait_for_url(WORKSPACE)
    for button, state in (("Pause", "Paused"), ("Resume", "Connected")):
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name=button).click()
        expect(page.locator(".stats .badge").first).to_have_text(state)
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Disconnect").first.click()
    dialog = page.get_by_role("dialog", name="Disconnect Invented Wiki")
    expect(dialog).to_be_visible()
    assert violations(page) == []
    dialog.get_by_role("button", name="Disconnect").click()
    page.wait_for_url("**/workspaces/")
    expect(page.get_by_text("Its tasks stay.")).to_be_visible()


def test_connecting_works_without_scripts(
    browser: Browser, site: Site, wiki: NotionWorkspace, committed_tenant: TenantRef, watched: Watched
) -> None:
    context = open_context(browser, site, java_script_enabled=False)
    page = context.new_page()
    watched.listen(page)
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    connect(page, wiki.token)
    page.wait_for_url(WORKSPACE)
    page.get_by_role("link", name="Mapping Tasks").click()
    page.get_by_label("Priority", exact=True).select_option("")
    page.get_by_role("button", name="Show preview").click()
    expect(page.locator(".preview-row").first).not_to_contain_text("Urgent")
    page.get_by_role("button", name="Confirm mapping").click()
    page.wait_for_url(WORKSPACE)
    run_due_work(committed_tenant)
    page.goto("/sync/runs/")
    page.get_by_role("link", name="First import").click()
    expect(page.locator("#live .badge").first).to_have_text("Succeeded")
    with tenant_scope(committed_tenant), atomic():
        assert SyncRun.objects.get(kind="import").new == 12
    page.goto("/tasks/?status=in_review")
    expect(page.locator("tbody tr")).to_have_count(12)
    context.close()
