"""The frame in a real browser: entrance, home, palette, keyboard, theme, phone; axe sees every dress."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from tasks.services import complete_task
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.directory import directory
from tests.companies import OWNER_PASSWORD
from tests.factories.tasks import make_department, make_person, make_task
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in
from tests.reporting.rooms import make_collection, make_connection, make_run

pytestmark = pytest.mark.browser
DAY = timedelta(days=1)
DRESSES = [
    ("light", 1440, "#5b5bd6"),
    ("dark", 1440, "#ffd400"),
    ("light", 390, "#ffd400"),
    ("dark", 390, "#111111"),
    ("light", 320, "#e11d48"),
]


@pytest.fixture
def busy(committed_tenant: TenantRef) -> TenantRef:
    """A company with ten weeks of work in five departments, and some trouble."""
    with tenant_scope(committed_tenant), atomic():
        actor = actor_for(User.objects.get())
        names = ("IT", "Finance", "Operations", "Legal", "People")
        departments = [make_department(name=name, color=place + 1) for place, name in enumerate(names)]
        now = timezone.now()
        for week in range(10):
            for place, department in enumerate(departments):
                for _ in range(1 + (week + place) % 3):
                    moment = now - 7 * week * DAY - timedelta(minutes=5)
                    make_task(
                        status="done",
                        department=department,
                        completed_at=moment,
                        created_at=moment - 20 * DAY,
                    )
                make_task(
                    department=department,
                    created_at=now - 7 * week * DAY,
                    status="blocked" if week == 2 else "planned",
                    due_on=timezone.localdate() + (week - 4) * DAY,
                    priority=place,
                    assignees=[make_person()],
                )
        complete_task(task=make_task(title="Confirm the invented crane"), actor=actor)
        connection = make_connection(name="Invented Wiki")
        make_collection(
            connection, title="Legal matters", state="attention", state_reason="“Status” is gone."
        )
        make_run(connection, state="partial", failed=3, new=12, changed=7)
    return committed_tenant


def brand(tenant: TenantRef, color: str) -> None:
    Tenant.objects.filter(pk=tenant.id).update(brand_color=color)
    directory.forget()


@pytest.mark.parametrize(("theme", "width", "color"), DRESSES)
def test_home_and_entrance_are_accessible_in_every_dress(
    browser: Browser, busy: TenantRef, site: Site, watched: Watched, theme: str, width: int, color: str
) -> None:
    brand(busy, color)
    is_phone = width < 500
    context = open_context(
        browser,
        site,
        viewport={"width": width, "height": 844},
        is_mobile=is_phone,
        has_touch=is_phone,
        color_scheme=theme,
        reduced_motion="reduce",
    )
    page = context.new_page()
    watched.listen(page)
    page.goto("/account/sign-in/")
    assert violations(page) == []
    assert overflow(page) <= 0
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    expect(page.locator(".kpi")).to_have_count(4)
    assert violations(page) == []
    assert overflow(page) <= 0
    page.goto("/no/such/page/")
    assert violations(page) == []
    context.close()


def test_a_bar_leads_to_the_tasks_it_counts(owner_page: Page, busy: TenantRef) -> None:
    owner_page.goto("/")
    bar = owner_page.locator(".chart a").nth(8)
    counts = [int(number) for number in re.findall(r": (\d+)", bar.get_attribute("aria-label") or "")]
    bar.focus()
    expect(owner_page.locator(".tip.is-shown")).to_contain_text("IT:")
    owner_page.keyboard.press("Enter")
    owner_page.wait_for_url("**/tasks/?*status=done*")
    expect(owner_page.locator("tbody tr")).to_have_count(sum(counts))


def test_the_palette_finds_pages_and_tasks_by_keyboard_alone(owner_page: Page, busy: TenantRef) -> None:
    owner_page.goto("/")
    owner_page.keyboard.press("Control+k")
    palette = owner_page.locator("#palette")
    expect(palette).to_be_visible()
    assert violations(owner_page) == []
    owner_page.keyboard.type("invented crane")
    expect(palette.locator("#palette-found [role=option]")).to_have_count(1)
    owner_page.keyboard.press("Enter")
    owner_page.wait_for_url(re.compile(r"/tasks/T-\d+/$"))
    owner_page.keyboard.press("g")
    owner_page.keyboard.press("h")
    owner_page.wait_for_url(re.compile(r"localhost:\d+/$"))
    owner_page.keyboard.press("Control+k")
    owner_page.keyboard.type("zzzzqq")
    expect(palette.get_by_text("Nothing found.")).to_be_visible()
    owner_page.keyboard.press("Escape")
    expect(palette).to_be_hidden()


def test_letters_typed_into_a_field_are_letters(owner_page: Page) -> None:
    owner_page.goto("/tasks/")
    field = owner_page.get_by_role("searchbox").first
    field.fill("")
    field.press_sequentially("g?c")
    expect(field).to_have_value("g?c")
    expect(owner_page.locator("dialog[open]")).to_have_count(0)


def test_shortcuts_are_listed_and_can_be_switched_off(owner_page: Page) -> None:
    owner_page.goto("/")
    owner_page.keyboard.press("?")
    sheet = owner_page.locator("#shortcuts")
    expect(sheet).to_be_visible()
    sheet.get_by_role("checkbox").uncheck()
    owner_page.keyboard.press("Escape")
    owner_page.reload()
    owner_page.keyboard.press("?")
    expect(sheet).to_be_hidden()


def test_the_theme_is_kept_for_the_next_page(owner_page: Page) -> None:
    owner_page.goto("/")
    owner_page.get_by_role("button", name="Switch between light and dark").click()
    chosen = owner_page.locator("html").get_attribute("data-theme")
    owner_page.goto("/tasks/")
    assert owner_page.locator("html").get_attribute("data-theme") == chosen == "dark"


def test_the_live_part_shows_what_happened_meanwhile(owner_page: Page, busy: TenantRef) -> None:
    owner_page.goto("/")
    value = owner_page.locator(".kpi-value").first
    before = int(re.match(r"\d+", value.inner_text())[0])  # type: ignore[index]
    with tenant_scope(busy), atomic():
        make_task(title="Arrived meanwhile")
    expect(value).to_contain_text(str(before + 1), timeout=15_000)


def test_a_phone_has_tabs_and_a_sheet_with_every_page(
    browser: Browser, busy: TenantRef, site: Site, watched: Watched
) -> None:
    context = open_context(
        browser, site, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True
    )
    page = context.new_page()
    watched.listen(page)
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    page.get_by_role("button", name="More").tap()
    sheet = page.locator("#more-pages")
    expect(sheet.get_by_role("link", name="Users & roles")).to_be_visible()
    assert violations(page) == []
    sheet.get_by_role("button", name="Sign out").tap()
    page.wait_for_url("**/account/sign-in/**")
    context.close()


def test_signing_out_from_the_menu_ends_the_session(owner_page: Page) -> None:
    owner_page.goto("/")
    owner_page.locator(".person").click()
    assert violations(owner_page) == []
    owner_page.get_by_role("button", name="Sign out").click()
    owner_page.wait_for_url("**/account/sign-in/**")
    owner_page.goto("/")
    assert "/account/sign-in/" in owner_page.url


def test_a_wrong_password_says_so_and_keeps_the_address(visitor: Page, site: Site) -> None:
    visitor.goto("/account/sign-in/")
    visitor.get_by_label("Work e-mail").fill(site.owner_email)
    visitor.get_by_label("Password", exact=True).fill("not the pass phrase")
    visitor.get_by_role("button", name="Sign in", exact=True).click()
    expect(visitor.get_by_role("alert")).to_be_visible()
    expect(visitor.get_by_label("Work e-mail")).to_have_value(site.owner_email)
    assert violations(visitor) == []
