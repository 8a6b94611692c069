"""Two people changed the same field: the inbox shows all three values, and a click decides."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from integrations.models import Conflict
from tasks.models import Task
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.companies import OWNER_PASSWORD
from tests.factories.conflicts import conflicting
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]

OLD = "Grease the bearings of turbine four before the inspection"
OURS = "Grease the bearings of turbine five before the inspection"
THEIRS = "Grease all bearings of turbine four before the inspection"


@pytest.fixture
def conflict(committed_tenant: TenantRef) -> Conflict:
    """One that waits, beside a few others."""
    with tenant_scope(committed_tenant), atomic():
        for number in range(3):
            conflicting(base=f"Old {number}", local=f"Ours {number}", remote=f"Theirs {number}")
        conflicting(our_field="record", base=None, local=["title", "due"], remote="trashed")
        conflicting(base="Draft", local="Sent here", remote="Sent there", chosen="remote")
        return conflicting(base=OLD, local=OURS, remote=THEIRS)


def title_of(tenant: TenantRef, conflict: Conflict) -> str:
    with tenant_scope(tenant), atomic():
        return Task.objects.get(pk=conflict.task_id).title


def test_a_conflict_is_found_read_decided_and_taken_back(
    owner_page: Page, committed_tenant: TenantRef, conflict: Conflict
) -> None:
    page = owner_page
    page.goto("/")
    page.get_by_role("link", name=re.compile("^Conflicts")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Conflicts")
    assert violations(page) == []

    page.get_by_role("link", name=re.compile("turbine five")).click()
    expect(page.locator(".side")).to_have_count(4)
    expect(page.locator("ins")).to_contain_text(["five", "all"])
    assert violations(page) == []
    page.get_by_role("button", name="Take both edits").click()

    expect(page.get_by_text("Decided: Both together.")).to_be_visible()
    assert title_of(committed_tenant, conflict) == "Grease all bearings of turbine five before the inspection"
    assert violations(page) == []

    page.get_by_role("button", name="Take this decision back").click()
    expect(page.get_by_text("Taken back: Here.")).to_be_visible()
    assert title_of(committed_tenant, conflict) == OURS


def test_several_are_selected_and_decided_together(owner_page: Page, conflict: Conflict) -> None:
    page = owner_page
    page.goto("/sync/conflicts/")
    for number in range(3):
        page.get_by_role("row", name=re.compile(f"Ours {number}")).get_by_role("checkbox").check()
    assert violations(page) == []
    page.get_by_role("button", name="Keep what is there").click()

    expect(page.get_by_text("3 conflicts decided.")).to_be_visible()
    expect(page.get_by_text("Theirs 0")).to_have_count(0)


def test_the_inbox_fits_a_narrow_window_in_the_dark(
    browser: Browser, site: Site, watched: Watched, conflict: Conflict
) -> None:
    context = open_context(browser, site, viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    watched.listen(page)
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    for address in ("/sync/conflicts/", f"/sync/conflicts/{conflict.pk}/"):
        page.goto(address)
        assert violations(page) == []
        assert overflow(page) == 0
    context.close()
