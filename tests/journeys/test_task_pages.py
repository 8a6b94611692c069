"""List, board and task in a real browser: finding, moving, changing many, taking back; axe sees it all."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tasks.models import Task
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.companies import OWNER_PASSWORD
from tests.factories.tasks import make_department, make_person, make_project, make_task
from tests.journeys.accessibility import violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def busy(committed_tenant: TenantRef) -> TenantRef:
    """A company with work in every state; OPS-2 waits for OPS-1."""
    with tenant_scope(committed_tenant), atomic():
        today = timezone.localdate()
        departments = [make_department(name=name, color=n + 1) for n, name in enumerate(("Roads", "Grid"))]
        people = [make_person(name="Ann Demo"), make_person(name="Ben Demo")]
        project = make_project(key="OPS", name="Operations")
        first = None
        for n in range(1, 41):
            task = make_task(
                key_prefix="OPS",
                number=n,
                project=project,
                title=f"Inspect the invented bridge {n:02}",
                status=Task.Status.values[n % 4],
                priority=n % 5,
                department=departments[n % 2],
                assignees=people[: n % 3],
                due_on=today + timedelta(days=n - 10),
                tags=["site"],
                depends_on=[first] if n == 2 and first else [],
                description="# Plan\n\n- [ ] look\n- [x] listen\n\n| a | b |\n|---|---|\n| 1 | 2 |",
                updated_at=timezone.now() - timedelta(minutes=n),
            )
            first = first or task
    return committed_tenant


def stored(tenant: TenantRef, key: str) -> Task:
    with tenant_scope(tenant), atomic():
        return Task.objects.get(key=key)


def card(page: Page, key: str) -> Locator:
    return page.locator(f'.task-card[data-key="{key}"]')


def column(page: Page, status: str) -> Locator:
    return page.locator(f'.board-column[data-status="{status}"]')


def test_search_and_filters_stay_in_the_address(busy: TenantRef, owner_page: Page) -> None:
    page = owner_page
    page.goto("/tasks/")
    page.get_by_label("Search tasks").press_sequentially("bridge 07", delay=20)
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=bridge\+07"))
    expect(page.get_by_label("Search tasks")).to_be_focused()
    page.get_by_label("Search tasks").fill("")
    expect(page.locator("tbody tr")).to_have_count(40)
    page.get_by_role("button", name="Filter", exact=True).click()
    page.locator("#facet-status").click()
    page.locator("#choices-status").get_by_label("Blocked").check()
    page.locator("#f-add").get_by_role("button", name="Apply").click()
    expect(page.locator("tbody tr")).to_have_count(10)
    expect(page).to_have_url(re.compile("status=blocked"))
    page.get_by_role("link", name="Board").click()
    expect(column(page, "blocked").locator(".task-card")).to_have_count(10)
    expect(column(page, "planned")).to_have_count(0)
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(10)
    page.get_by_role("link", name="Clear Status").click()
    expect(page.locator("tbody tr")).to_have_count(40)


def test_many_tasks_are_changed_and_put_back(busy: TenantRef, owner_page: Page) -> None:
    page = owner_page
    page.goto("/tasks/?sort=title")
    page.get_by_label("Select OPS-4", exact=True).check()
    page.get_by_label("Select OPS-8", exact=True).check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name="Set priority").click()
    page.locator("#bulk-priority").get_by_role("button", name="Urgent").click()
    expect(page.get_by_text("2 tasks changed")).to_be_visible()
    assert {stored(busy, key).priority for key in ("OPS-4", "OPS-8")} == {4}
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone.")).to_be_visible()
    assert [stored(busy, key).priority for key in ("OPS-4", "OPS-8")] == [4, 3]


def test_a_card_is_dragged_and_the_drag_undone(busy: TenantRef, owner_page: Page) -> None:
    page = owner_page
    page.goto("/tasks/board/?sort=title")
    before = int(column(page, "in_review").locator("[data-count]").inner_text())
    card(page, "OPS-4").drag_to(column(page, "in_review").locator(".board-cards"))
    expect(column(page, "in_review").locator('[data-key="OPS-4"]')).to_be_visible()
    expect(column(page, "in_review").locator("[data-count]")).to_have_text(str(before + 1))
    expect(page.get_by_text("OPS-4 moved to In review").first).to_be_visible()
    assert stored(busy, "OPS-4").status == "in_review"
    page.get_by_role("button", name="Undo").click()
    expect(column(page, "planned").locator('[data-key="OPS-4"]')).to_be_visible()
    assert stored(busy, "OPS-4").status == "planned"


def test_a_card_is_moved_with_the_keyboard(busy: TenantRef, owner_page: Page) -> None:
    page = owner_page
    page.goto("/tasks/board/")
    button = page.get_by_role("button", name="Move OPS-4 to…")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#move-menu")).to_be_visible()
    assert violations(page) == []
    page.locator("#move-menu").get_by_role("button", name="Blocked").press("Enter")
    expect(column(page, "blocked").locator('[data-key="OPS-4"]')).to_be_visible()
    expect(button).to_be_focused()
    expect(page.get_by_text("OPS-4 moved to Blocked").first).to_be_visible()


def test_a_move_that_may_not_be_goes_back_and_says_why(busy: TenantRef, owner_page: Page) -> None:
    page = owner_page
    page.set_viewport_size({"width": 1900, "height": 900})  # all columns in sight
    page.goto("/tasks/board/?sort=title")
    before = column(page, "blocked").locator("[data-count]").inner_text()
    card(page, "OPS-2").drag_to(column(page, "done").locator(".board-cards"))
    expect(page.get_by_text("OPS-2 still waits for OPS-1")).to_be_visible()
    expect(column(page, "blocked").locator('[data-key="OPS-2"]')).to_be_visible()
    expect(column(page, "blocked").locator("[data-count]")).to_have_text(before)
    assert stored(busy, "OPS-2").status == "blocked"


def test_a_move_goes_back_when_the_server_cannot_be_reached(busy: TenantRef, owner_page: Page) -> None:
    def cut(route: Route) -> None:
        route.abort()

    page = owner_page
    page.goto("/tasks/board/?sort=title")
    page.route("**/move/", cut)
    card(page, "OPS-4").drag_to(column(page, "in_review").locator(".board-cards"))
    expect(page.get_by_text("The move could not be saved.")).to_be_visible()
    expect(column(page, "planned").locator('[data-key="OPS-4"]')).to_be_visible()


def test_a_card_follows_a_finger(browser: Browser, busy: TenantRef, site: Site, watched: Watched) -> None:
    context = open_context(
        browser, site, viewport={"width": 700, "height": 900}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    watched.listen(page)
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    page.goto("/tasks/board/?sort=title")
    start, end = card(page, "OPS-4").bounding_box(), column(page, "in_progress").bounding_box()
    assert start
    assert end
    session = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]}
        )

    x, y = start["x"] + 40, start["y"] + 20
    touch("touchStart", (x, y))
    expect(page.locator(".is-ghost")).to_be_visible()
    touch("touchMove", (end["x"] + 40, y + 10))
    expect(column(page, "in_progress")).to_have_class(re.compile("is-target"))
    touch("touchEnd")
    expect(column(page, "in_progress").locator('[data-key="OPS-4"]')).to_be_visible()
    expect(page.get_by_text("OPS-4 moved to In progress").first).to_be_visible()
    assert stored(busy, "OPS-4").status == "in_progress"
    context.close()


def test_a_property_is_changed_in_place(busy: TenantRef, owner_page: Page) -> None:
    page = owner_page
    page.goto("/tasks/OPS-4/")
    page.get_by_label("Priority", exact=True).select_option("Urgent")
    expect(page.get_by_text("OPS-4 saved")).to_be_visible()
    assert stored(busy, "OPS-4").priority == 4
    page.get_by_label("Comment", exact=True).fill("Looks **fine**.")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator(".comments strong")).to_have_text("fine")
    page.get_by_label("Key of the task it waits for").fill("OPS-5")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".task-links").first).to_contain_text("OPS-5")


def test_the_list_shows_what_arrives(busy: TenantRef, owner_page: Page) -> None:
    page = owner_page
    page.goto("/tasks/")
    with tenant_scope(busy), atomic():
        Task.objects.filter(key="OPS-40").update(title="Arrived just now", updated_at=timezone.now())
    # The same refresh as every ten seconds, without the wait.
    page.evaluate("document.body.dispatchEvent(new CustomEvent('toast:undone'))")
    expect(page.locator("tbody tr").first).to_contain_text("Arrived just now")


def test_the_pages_work_without_scripts(browser: Browser, busy: TenantRef, site: Site) -> None:
    context = open_context(browser, site, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    page.goto("/tasks/?q=bridge+07")
    page.get_by_role("link", name=re.compile("bridge 07")).click()
    page.get_by_label("Status", exact=True).select_option("Blocked")
    page.locator(".property").first.get_by_role("button", name="Save").click()
    assert stored(busy, "OPS-7").status == "blocked"
    page.goto("/tasks/filters/status/")
    page.get_by_label("Blocked").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("tbody tr")).to_have_count(10 + 1)
    context.close()
