"""Over TLS, as in production: one passkey under every name of a company and under none of another's, cookies apart."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from playwright.sync_api import Browser, BrowserContext, BrowserType, Cookie, Page, expect

from tenants.accounts.access import SYSTEM, Role
from tenants.accounts.models import Passkey, SignInLink, SsoLogEntry, UserSession
from tenants.accounts.services import create_user
from tenants.accounts.sessions.links import link_letter
from tenants.models import CustomDomain, Domain
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.directory import directory
from tests.companies import OWNER_PASSWORD, create_company, drop_company
from tests.journeys.over_tls import over_tls
from tests.journeys.test_passkeys import HOME, plug_in
from tests.people import PASSWORD

pytestmark = pytest.mark.browser
SIGN_IN = "/account/sign-in/?next=/settings/preferences/"


@dataclass(frozen=True)
class Place:
    """A company with a name of ours and one of its own."""

    tenant: TenantRef
    ours: str
    own: str

    def at(self, host: str, path: str) -> str:
        return f"https://{host}{path}"


@dataclass(frozen=True)
class Street:
    """Two companies on one server, and a browser that finds all their names."""

    first: Place
    second: Place
    browser: Browser

    def window(self) -> tuple[BrowserContext, Page]:
        context = self.browser.new_context()
        return context, context.new_page()


def with_own_name(tenant: TenantRef, ending: str) -> Place:
    """Give a company a domain of its own, as the checks would have left it."""
    own = f"tasks.{tenant.slug}.{ending}"
    domain = Domain.objects.create(tenant_id=tenant.id, host=own)
    CustomDomain.objects.create(
        tenant_id=tenant.id, host=own, skeleton=own, nonce="n", state="active", domain=domain
    )
    directory.forget()
    return Place(tenant, f"{tenant.slug}.localhost", own)


@pytest.fixture
def street(
    committed_tenant: TenantRef,
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    tmp_path: Path,
) -> Iterator[Street]:
    other = create_company()
    try:
        places = with_own_name(committed_tenant, "example.com"), with_own_name(other.ref, "example.net")
        hosts = [host for place in places for host in (place.ours, place.own)]
        with over_tls(tmp_path, hosts) as site:
            arguments = [*browser_type_launch_args["args"], *site.browser_arguments]
            browser = browser_type.launch(**{**browser_type_launch_args, "args": arguments})
            yield Street(*places, browser)
            browser.close()
    finally:
        drop_company(other)


def sign_in(page: Page, place: Place, host: str) -> None:
    page.goto(place.at(host, SIGN_IN))
    page.get_by_label("E-mail").fill(f"owner@{place.tenant.slug}.example")
    page.get_by_label("Password", exact=True).fill(OWNER_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/settings/preferences/")


def is_in(page: Page, place: Place, host: str) -> bool:
    page.goto(place.at(host, "/settings/preferences/"))
    return urlsplit(page.url).path == "/settings/preferences/"


def show_passkey(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Sign in with a passkey").click()


def asked_of_browser(page: Page, rp_id: str) -> str:
    """What becomes of asking the browser itself, on this page, for a passkey of a host: the error's name."""
    name: str = page.evaluate(
        """async (rpId) => {
            const challenge = new Uint8Array(32);
            try {
                await navigator.credentials.get({publicKey: {challenge, rpId, timeout: 5000}});
                return "shown";
            } catch (error) { return error.name; }
        }""",
        rp_id,
    )
    return name


def test_one_passkey_counts_under_every_name_of_the_company_and_under_none_of_another(street: Street) -> None:
    first, second = street.first, street.second
    context, page = street.window()
    sign_in(page, first, first.ours)

    # Made on the company's host of ours, by a page of that very host.
    key = plug_in(page)
    page.goto(first.at(first.ours, HOME))
    page.get_by_label("Name of the new passkey").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("The passkey My laptop is set up.")).to_be_visible()
    held = key.taken_out()
    with tenant_scope(first.tenant), atomic():
        assert Passkey.objects.get().rp_id == first.ours

    # Alone, it signs in there …
    context.clear_cookies()
    page = context.new_page()
    key = plug_in(page, held)
    show_passkey(page, first.at(first.ours, SIGN_IN))
    page.wait_for_url(first.at(first.ours, "/settings/preferences/"))
    with tenant_scope(first.tenant), atomic():
        held[0]["signCount"] = Passkey.objects.get().sign_count
    assert held[0]["signCount"] > 0

    # … and on the company's own domain, which the browser finds among the related origins.
    page = context.new_page()
    plug_in(page, held)
    show_passkey(page, first.at(first.own, SIGN_IN))
    page.wait_for_url(first.at(first.own, "/settings/preferences/"))
    with tenant_scope(first.tenant), atomic():
        kept = Passkey.objects.get()
        assert (kept.rp_id, kept.sign_count > held[0]["signCount"]) == (first.ours, True)
        held[0]["signCount"] = kept.sign_count
        row = UserSession.objects.latest("started_at")
        assert (row.host, row.method) == (first.own, "passkey")

    # Another company's pages are not among them: neither a page that asks as ours do, nor one that asks for it by name.
    for host in (second.ours, second.own):
        page = context.new_page()
        plug_in(page, held)
        show_passkey(page, second.at(host, SIGN_IN))
        expect(page.locator("[data-passkey-problem]").first).to_be_visible()
        assert asked_of_browser(page, first.ours) == "SecurityError"
        assert not is_in(page, second, host)
    with tenant_scope(second.tenant), atomic():
        assert not UserSession.objects.exists()
    context.close()


def test_a_passkey_is_made_on_the_companys_own_domain_too_and_outlives_it(street: Street) -> None:
    first = street.first
    context, page = street.window()
    sign_in(page, first, first.own)
    key = plug_in(page)
    page.goto(first.at(first.own, HOME))
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("is set up.")).to_be_visible()
    held = key.taken_out()
    assert held[0]["rpId"] == first.ours

    # The domain is given up: the page there has gone, the passkey counts on the host that stays.
    CustomDomain.objects.filter(host=first.own).update(state="suspended", domain=None)
    Domain.objects.filter(host=first.own).delete()
    directory.forget()
    page = context.new_page()
    plug_in(page, held)
    show_passkey(page, first.at(first.ours, SIGN_IN))
    page.wait_for_url(first.at(first.ours, "/settings/preferences/"))
    context.close()


def test_cookies_are_of_one_host_and_nothing_on_any_other(street: Street) -> None:
    first, second = street.first, street.second
    context, page = street.window()
    sign_in(page, first, first.ours)
    cookies = context.cookies()
    assert "__Host-session" in {cookie["name"] for cookie in cookies}
    for cookie in cookies:
        assert cookie["name"].startswith("__Host-"), cookie
        assert (cookie["domain"], cookie["path"], cookie["secure"]) == (first.ours, "/", True), cookie
    session = next(cookie for cookie in cookies if cookie["name"] == "__Host-session")
    assert session["httpOnly"]

    # Carried to another company, or to another name of the same one, it is nobody's.
    for place, host in ((second, second.ours), (second, second.own), (first, first.own)):
        thief, window = street.window()
        thief.add_cookies([carried(cookie, host) for cookie in cookies])  # type: ignore[misc]
        assert not is_in(window, place, host), host
        thief.close()
    assert is_in(page, first, first.ours)

    # The browser itself takes no cookie of such a name that is meant for several hosts.
    page.evaluate("document.cookie = '__Host-session=planted; Secure; Path=/; Domain=localhost'")
    assert "planted" not in {cookie["value"] for cookie in context.cookies()}
    context.close()


def carried(cookie: Cookie, host: str) -> dict[str, Any]:
    """The same cookie as if another host had set it."""
    return {"name": cookie["name"], "value": cookie["value"], "url": f"https://{host}/", "secure": True}


def test_a_link_asked_for_on_the_companys_own_domain_signs_in_there_and_once(street: Street) -> None:
    first = street.first
    email = f"client@{first.tenant.slug}.example"
    with tenant_scope(first.tenant), atomic():
        create_user(email=email, name="Cleo Client-Example", role=Role.GUEST, password=PASSWORD, actor=SYSTEM)
    context, page = street.window()
    page.goto(first.at(first.own, "/account/link/"))
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name=re.compile("link|letter|Send", re.IGNORECASE)).first.click()
    page.wait_for_url("**/account/link/code/")
    with tenant_scope(first.tenant):
        with atomic():
            link_id = SignInLink.objects.latest("created_at").pk
        letter = link_letter(link_id)
    assert letter is not None
    address = re.search(r"https://\S+/account/link/nts_link_\w+/", letter.text)
    assert address, letter.text
    # Back to the host it was asked on, whatever letters lead to otherwise: its cookie knows this browser there.
    assert address[0].startswith(f"https://{first.own}/"), address[0]

    elsewhere, other = street.window()
    other.goto(address[0])
    expect(other.get_by_text("another browser")).to_be_visible()
    elsewhere.close()

    page.goto(address[0])
    expect(page.get_by_text("another browser")).to_have_count(0)
    page.get_by_role("button", name=re.compile("Sign in", re.IGNORECASE)).first.click()
    page.wait_for_url("**/portal/**")
    cookies = context.cookies()
    assert {cookie["domain"] for cookie in cookies} == {first.own}
    with tenant_scope(first.tenant), atomic():
        row = UserSession.objects.get(method="link")
        assert row.host == first.own
    late, window = street.window()
    gone = window.goto(address[0])
    assert gone is not None
    assert gone.status == 404
    late.close()
    context.close()
    with tenant_scope(first.tenant), atomic():
        assert not SsoLogEntry.objects.exists()
    assert mail.outbox == []
