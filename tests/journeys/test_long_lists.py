"""More tasks than fit: sorting, pages forth and back, columns that grow, and moves the server refuses."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tasks.models import Task
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.factories.tasks import make_task
from tests.journeys.conftest import Site, Watched

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]
TASKS = 120


@pytest.fixture
def many(committed_tenant: TenantRef) -> TenantRef:
    """A hundred and twenty planned tasks, numbered as they are titled."""
    with tenant_scope(committed_tenant), atomic():
        for number in range(1, TASKS + 1):
            make_task(key_prefix="OPS", number=number, title=f"Paint post {number:03}", priority=number % 5)
    return committed_tenant


def first_title(page: Page) -> str:
    return page.locator("tbody tr .strong").first.inner_text()


def test_pages_go_forth_and_back_in_the_chosen_order(many: TenantRef, owner_page: Page) -> None:
    page = owner_page
    page.goto("/tasks/")
    page.get_by_role("columnheader", name="Task", exact=True).get_by_role("link").click()
    expect(page.locator("tbody tr .strong").first).to_have_text("Paint post 001")
    expect(page).to_have_url(re.compile("sort=title"))
    on_a_page = page.locator("tbody tr").count()
    assert on_a_page < TASKS
    page.get_by_role("link", name="Next").click()
    second = f"Paint post {on_a_page + 1:03}"
    expect(page.locator("tbody tr .strong").first).to_have_text(second)
    page.reload()
    expect(page.locator("tbody tr .strong").first).to_have_text(second)
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("tbody tr .strong").first).to_have_text("Paint post 001")
    page.go_back()
    expect(page.locator("tbody tr .strong").first).to_have_text(second)
    page.get_by_role("columnheader", name="Task", exact=True).get_by_role("link").click()
    expect(page.locator("tbody tr .strong").first).to_have_text(f"Paint post {TASKS:03}")


def test_a_column_shows_more_when_asked(many: TenantRef, owner_page: Page) -> None:
    page = owner_page
    page.goto("/tasks/board/?sort=title")
    cards = page.locator('.board-column[data-status="planned"] .task-card')
    shown = cards.count()
    assert shown < TASKS
    page.locator('.board-column[data-status="planned"] .board-more').click()
    expect(cards.nth(shown)).to_contain_text(f"Paint post {shown + 1:03}")
    keys = cards.evaluate_all("cards => cards.map(card => card.dataset.key)")
    assert len(set(keys)) == len(keys)


@pytest.fixture
def failing(owner_page: Page, watched: Watched) -> Iterator[Page]:
    """A page whose moves all fail with 500; that answer alone is expected."""

    def fail(route: Route) -> None:
        route.fulfill(status=500, body="")

    owner_page.route("**/move/", fail)
    yield owner_page
    watched.errors = [each for each in watched.errors if not each.endswith("/move/")]


def test_a_move_goes_back_when_the_server_fails(many: TenantRef, failing: Page, site: Site) -> None:
    page = failing
    page.goto("/tasks/board/?sort=title")
    planned = page.locator('.board-column[data-status="planned"]')
    before = planned.locator("[data-count]").inner_text()
    page.get_by_role("button", name="Move OPS-1 to…").press("Enter")
    page.locator("#move-menu").get_by_role("button", name="Blocked").press("Enter")
    expect(page.get_by_text("The move could not be saved.")).to_be_visible()
    expect(planned.locator('[data-key="OPS-1"]')).to_be_visible()
    expect(planned.locator("[data-count]")).to_have_text(before)
    with tenant_scope(many), atomic():
        assert Task.objects.get(key="OPS-1").status == "planned"
