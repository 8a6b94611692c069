"""The pages of single sign-on in a real browser: setting up, the sign-in page, the log."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tenants.accounts.access import SYSTEM
from tenants.accounts.mfa.refusals import PasskeyReason, PasskeyRefused
from tenants.accounts.models import EmailDomain, IdentityProvider
from tenants.accounts.sso import sso_log
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.accounts.sso.saml.own_keys import make_next_key
from tenants.accounts.sso.services import create_provider
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.companies import OWNER_PASSWORD
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in
from tests.tenants.accounts.sso.conftest import key_pair

pytestmark = pytest.mark.browser
# Where to leave pictures of the pages, for whoever wants to look at them.
PICTURES = os.environ.get("SSO_PICTURES", "")

FINDINGS = [
    {"mark": "ok", "title": "Response and assertion are both signed: RSA with SHA-256.", "advice": ""},
    {"mark": "warn", "title": "The NameID is not declared persistent.", "advice": "A persistent one stays."},
    {"mark": "bad", "title": "The e-mail address cannot be used.", "advice": "Verify its domain."},
]


@pytest.fixture
def provider(committed_tenant: TenantRef, tmp_path: Path) -> IdentityProvider:
    """A provider with something on each of its pages."""
    with tenant_scope(committed_tenant), atomic():
        made = create_provider(preset="saml", name="Example Id", actor=SYSTEM)
        made.issuer, made.sso_url = "https://idp.example/metadata", "https://idp.example/sso"
        made.certificates = [key_pair(tmp_path, "ending", days=10)[1].read_text()]
        # Its metadata names the next one too; nobody has confirmed that yet.
        following = key_pair(tmp_path, "next", days=300)[1].read_text()
        made.metadata_url, made.metadata_checked_at = "https://idp.example/metadata", made.created_at
        made.metadata_found_at = made.created_at
        made.metadata_found = {
            "issuer": made.issuer, "sso_url": made.sso_url, "slo_url": "https://idp.example/slo",
            "certificates": [following, *made.certificates],
        }  # fmt: skip
        make_next_key(actor=SYSTEM)
        made.test_grade, made.test_findings = "D", FINDINGS
        made.state, made.tested_at, made.tested_revision = "test", made.created_at, made.revision
        made.save()
        EmailDomain.objects.create(domain="people.example", nonce="n")
        EmailDomain.objects.create(
            domain="works.example", nonce="n", state=EmailDomain.State.VERIFIED, captured_by=made
        )
        sso_log.note(
            event="sign_in",
            outcome=sso_log.Outcome.REFUSED,
            provider=made,
            refused=SsoRefused(Reason.AUDIENCE, subject="nia"),
        )
        sso_log.note(
            event="passkey_sign_in",
            outcome=sso_log.Outcome.REFUSED,
            provider_name="Passkey",
            refused=PasskeyRefused(PasskeyReason.ORIGIN, "That page was https://evil.example."),
        )
    return made


@pytest.fixture
def by_openid(committed_tenant: TenantRef) -> IdentityProvider:
    """One of the other protocol, just begun."""
    with tenant_scope(committed_tenant), atomic():
        return create_provider(preset="oidc", name="Example Connect", actor=SYSTEM)


def checked(page: Page, path: str, wrong: list[str]) -> None:
    """Open a page in both themes and look at it with axe and a ruler; leaves pictures if they are wanted."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.goto(path)
        wrong += [f"{path} {theme}: {each}" for each in violations(page)]
        if PICTURES:
            name = f"{path.strip('/').replace('/', '-')}-{page.viewport_size['width']}-{theme}.png"  # type: ignore[index]
            page.screenshot(path=Path(PICTURES) / name, full_page=True)
    if overflow(page) > 0:
        wrong.append(f"{path}: {overflow(page)} px too wide")


@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_of_single_sign_on_can_be_used_by_everybody(
    browser: Browser,
    site: Site,
    watched: Watched,
    provider: IdentityProvider,
    by_openid: IdentityProvider,
    committed_tenant: TenantRef,
    width: int,
) -> None:
    context = open_context(browser, site, viewport={"width": width, "height": 900})
    page = context.new_page()
    watched.listen(page)
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    wrong: list[str] = []
    for path in ("", "keys/", "log/", f"{provider.pk}/", f"{by_openid.pk}/"):
        checked(page, f"/settings/sign-in/{path}", wrong)
    with tenant_scope(committed_tenant), atomic():
        IdentityProvider.objects.filter(pk=provider.pk).update(state="active")
    context.clear_cookies()
    checked(page, "/account/sign-in/", wrong)
    expect(page.get_by_role("link", name="Continue with Example Id")).to_be_visible()
    page.get_by_label("Work e-mail").first.fill("nia@works.example")
    page.get_by_role("button", name="Continue with single sign-on").click()
    expect(page.get_by_role("link", name="Continue with Example Id")).to_be_visible()
    assert violations(page) == []
    assert not wrong, "\n".join(wrong)
    context.close()


def test_a_provider_is_begun_and_says_what_it_lacks(browser: Browser, site: Site, watched: Watched) -> None:
    context = open_context(browser, site, viewport={"width": 1200, "height": 900})
    page = context.new_page()
    watched.listen(page)
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    page.goto("/settings/sign-in/")
    page.get_by_role("button", name="Add a provider").first.click()
    page.get_by_label("Google").check()
    page.get_by_label("Name", exact=True).fill("Workspace")
    page.get_by_role("button", name="Begin the set-up").click()
    expect(page.get_by_role("heading", name="Workspace", exact=True)).to_be_visible()
    expect(page.get_by_text("Give the client ID.")).to_be_visible()
    page.get_by_label("Client ID").fill("invented.apps.example")
    page.get_by_label("Client secret").fill("an invented secret")
    page.get_by_role("button", name="Save the application").click()
    page.get_by_role("button", name="Begin test mode").click()
    expect(page.get_by_role("link", name="Test the sign-in")).to_be_visible()
    context.close()
