"""In a real browser: names of a company's own, and an operator who knocks, comes in and leaves."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from tenants.accounts.sessions.services import end_sign_ins_on
from tenants.models import CustomDomain, Domain
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.directory import directory
from tests.companies import OWNER_PASSWORD, create_company, drop_company
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in
from tests.journeys.test_every_page import THEMES, _set_theme
from tests.journeys.test_passkeys import plug_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("every-page")]
# Where to leave pictures of the pages, for whoever wants to look at them.
PICTURES = os.environ.get("DOMAINS_PICTURES", "")


@pytest.fixture
def platform_site(site: Site) -> Iterator[Site]:
    """The operators' own host on the same server."""
    company = create_company("platform", "The Platform")
    yield Site(company.ref, site.port)
    drop_company(company)


def add_domain(site: Site, host: str, state: str, **more: object) -> CustomDomain:
    """A domain as the checks would have left it."""
    domain = None
    if state == "active":
        domain = Domain.objects.create(tenant_id=site.tenant.id, host=host)
        directory.forget()
    return CustomDomain.objects.create(
        tenant_id=site.tenant.id, host=host, skeleton=host, nonce="n", state=state, domain=domain,
        checked_at=timezone.now(), **more,
    )  # fmt: skip


def look_at(page: Page, name: str, path: str) -> list[str]:
    """What is wrong with a page in light and dark, wide and narrow; leaves pictures if they are wanted."""
    wrong: list[str] = []
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            _set_theme(page, theme)
            page.goto(path)
            wrong += [f"{name}, {width}, {theme}: {each}" for each in violations(page)]
            if PICTURES:
                file = Path(PICTURES) / f"{name}-{width}-{theme}.png"
                page.screenshot(path=file, full_page=True)
        if overflow(page):
            wrong.append(f"{name}, {width}: {overflow(page)} px too wide")
    page.set_viewport_size({"width": 1440, "height": 900})
    return wrong


def test_the_page_of_domains_in_every_state(owner_page: Page, site: Site) -> None:
    missing = timezone.now() - timedelta(days=2)
    add_domain(site, "tasks.example.com", "active", is_primary=True)
    add_domain(
        site, "work.example.net", "active", missing_since=missing, proof_problem="There is no TXT record."
    )
    add_domain(site, "aufgaben.xn--mller-kva.example.org", "pending", proof_problem="There is no TXT record.")
    add_domain(site, "old.example.org", "suspended", missing_since=missing)
    add_domain(site, "new.example.org", "verified", route_problem="new.example.org leads nowhere yet.")
    assert look_at(owner_page, "domains", "/settings/domains/") == []
    owner_page.goto("/settings/domains/")
    owner_page.get_by_label("Domain", exact=True).fill("*.example.com")
    owner_page.get_by_role("button", name="Add the domain").click()
    expect(owner_page.get_by_text("Enter one name; a star stands for many.")).to_be_visible()
    owner_page.get_by_label("Domain", exact=True).fill("added.example.com")
    owner_page.get_by_role("button", name="Add the domain").click()
    expect(owner_page.get_by_role("heading", name="added.example.com")).to_be_visible()
    card = owner_page.get_by_role("region", name="added.example.com")
    expect(card.get_by_label("Name")).to_have_value("_nts-challenge.added.example.com")


def test_a_passkey_works_under_a_name_of_ones_own(browser: Browser, site: Site, watched: Watched) -> None:
    host = f"own-{site.tenant.slug}.localhost"
    add_domain(site, host, "active")
    context = browser.new_context(
        base_url=f"http://{host}:{site.port}", viewport={"width": 1440, "height": 900}
    )
    page = context.new_page()
    watched.listen(page)
    plug_in(page)
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    page.goto("/settings/my-sign-in/")
    page.get_by_label("Name of the new passkey").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("The passkey My laptop is set up.")).to_be_visible()
    with tenant_scope(site.tenant), atomic():
        assert end_sign_ins_on(host, because="test") == 1
    page.goto("/account/sign-in/?next=/settings/preferences/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/settings/preferences/")
    context.close()


def test_an_operator_knocks_comes_in_is_seen_and_sent_away(
    browser: Browser, owner_page: Page, site: Site, platform_site: Site, watched: Watched
) -> None:
    context = open_context(browser, platform_site, viewport={"width": 1440, "height": 900})
    operator = context.new_page()
    watched.listen(operator)
    sign_in(operator, platform_site.owner_email, OWNER_PASSWORD)
    operator.goto(f"/platform/access/?company={site.tenant.slug}")
    operator.get_by_label("Company", exact=True).fill(site.tenant.slug)
    operator.get_by_label("Reason").fill("A sync run has stopped.")
    operator.get_by_role("button", name="Ask", exact=True).click()
    expect(operator.get_by_role("button", name="Withdraw")).to_be_visible()
    assert look_at(operator, "entering", "/platform/access/") == []

    assert look_at(owner_page, "support-access", "/settings/support-access/") == []
    owner_page.goto("/settings/support-access/")
    owner_page.get_by_role("link", name="Decide").click()
    assert look_at(owner_page, "support-request", owner_page.url) == []
    owner_page.get_by_label("For how many minutes").fill("30")
    owner_page.get_by_role("button", name="Let them in").click()
    expect(owner_page.get_by_text("They have not come in yet.")).to_be_visible()

    operator.goto("/platform/access/")
    operator.get_by_role("link", name="Enter Test Works").click()
    assert violations(operator) == []
    if PICTURES:
        operator.screenshot(path=Path(PICTURES) / "enters.png")
    operator.get_by_role("link", name="Enter Test Works as support").click()
    expect(operator.get_by_text("You act as support for")).to_be_visible()
    assert violations(operator) == []
    assert look_at(operator, "visit", f"{site.url}/tasks/") == []

    assert look_at(owner_page, "support-visit", owner_page.url) == []
    owner_page.get_by_role("button", name="Send away now").first.click()
    expect(owner_page.get_by_text("Sent away", exact=True)).to_be_visible()
    operator.goto(f"{site.url}/tasks/")
    operator.wait_for_url("**/account/sign-in/**")
    context.close()
