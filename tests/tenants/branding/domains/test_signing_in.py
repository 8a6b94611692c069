"""Signing in under a domain of the company's own: passwords, passkeys, single sign-on by the canonical host."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from tenants.accounts.access import SYSTEM, UserActor
from tenants.accounts.models import IdentityProvider, Passkey, SignInHandover, SsoSession, UserSession
from tenants.accounts.sessions import handovers
from tenants.branding.domains.checking import note
from tenants.branding.domains.lookups import Found, Proof
from tenants.branding.domains.services import claim_domain, remove_domain
from tenants.models import CustomDomain, Tenant
from tenants.tenancy import TenantRef
from tests.fakes.authenticator import Authenticator
from tests.people import PASSWORD, signed_in_client
from tests.tenants.branding.domains.conftest import HOST


@pytest.fixture
def row(tenant: TenantRef) -> CustomDomain:
    """An active domain."""
    made = claim_domain(host=HOST, actor=SYSTEM)
    return note(made.pk, Found(Proof.THERE, "", leads_here=True), nonce=made.nonce)


@pytest.fixture
def provider(tenant: TenantRef) -> IdentityProvider:
    """A provider in use; how it answers is tested elsewhere."""
    return IdentityProvider.objects.create(name="Example Id", kind="saml", preset="saml", state="active")


def window() -> Client:
    """A browser on the company's own domain."""
    return Client(headers={"host": HOST})


def set_out(browser: Client, provider: IdentityProvider, next_path: str = "/tasks/") -> tuple[str, str]:
    """Leave for single sign-on; where the browser is sent, and the handover's state in it."""
    answer = browser.get(f"/sso/{provider.pk}/start/", {"next": next_path})
    assert answer.status_code == 302
    parts = urlsplit(answer["Location"])
    back = parse_qs(parts.query)["next"][0]
    return answer["Location"], parse_qs(urlsplit(back).query)["state"][0]


def came_by_sso(host: str, actor: UserActor) -> Client:
    """A browser on the canonical host in which somebody has just come back from their provider."""
    browser = signed_in_client(host, actor)
    UserSession.objects.filter(user=actor.user).update(method="sso", started_at=timezone.now())
    return browser


def handed_over(canonical: Client, state: str) -> str:
    """The link with the code."""
    answer = canonical.get("/sso/hand-over/", {"state": state})
    assert answer.status_code == 302, answer.content
    assert urlsplit(answer["Location"]).hostname == HOST
    return "/sso/arrive/?" + urlsplit(answer["Location"]).query


def test_with_a_password_one_signs_in_there_and_only_there(
    row: CustomDomain, member: UserActor, host: str
) -> None:
    browser = window()
    answer = browser.post("/account/sign-in/", {"login": member.user.email, "password": PASSWORD})
    assert answer.status_code == 302
    assert browser.get("/tasks/").status_code == 200
    assert UserSession.objects.get(user=member.user).host == HOST
    carried = Client(headers={"host": host})
    carried.cookies = browser.cookies
    assert carried.get("/tasks/").status_code == 302


def test_single_sign_on_goes_by_the_canonical_host_and_back(
    row: CustomDomain, member: UserActor, host: str, provider: IdentityProvider
) -> None:
    browser = window()
    location, state = set_out(browser, provider)
    assert urlsplit(location).hostname == host
    link = handed_over(came_by_sso(host, member), state)
    answer = browser.get(link)
    assert (answer.status_code, answer["Location"]) == (302, "/tasks/")
    assert browser.get("/tasks/").status_code == 200
    here = UserSession.objects.get(user=member.user, ended_at=None)
    assert (here.host, here.method) == (HOST, "sso")
    assert UserSession.objects.get(user=member.user, ended_because="moved")
    assert not SignInHandover.objects.exists()
    assert SsoSession.objects.count() == 0


@pytest.mark.parametrize(
    "next_path", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "\\\\evil"]
)
def test_it_leads_nowhere_else_afterwards(
    row: CustomDomain, member: UserActor, host: str, provider: IdentityProvider, next_path: str
) -> None:
    browser = window()
    _, state = set_out(browser, provider, next_path)
    assert browser.get(handed_over(came_by_sso(host, member), state))["Location"] == "/"


def test_a_code_counts_once_and_in_the_browser_that_began(
    row: CustomDomain, member: UserActor, host: str, provider: IdentityProvider
) -> None:
    browser = window()
    _, state = set_out(browser, provider)
    link = handed_over(came_by_sso(host, member), state)
    thief = window()
    set_out(thief, provider)
    assert thief.get(link).status_code == 404
    # The try has spent it.
    assert browser.get(link).status_code == 404
    assert not UserSession.objects.filter(user=member.user, host=HOST).exists()


def test_a_code_is_nothing_on_another_host(
    row: CustomDomain, member: UserActor, host: str, provider: IdentityProvider
) -> None:
    browser = window()
    _, state = set_out(browser, provider)
    link = handed_over(came_by_sso(host, member), state)
    elsewhere = Client(headers={"host": host})
    elsewhere.cookies = browser.cookies
    assert elsewhere.get(link).status_code == 404


def test_a_code_runs_out(
    row: CustomDomain,
    member: UserActor,
    host: str,
    provider: IdentityProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handovers, "CODE_LIVES", timedelta(seconds=-1))
    browser = window()
    _, state = set_out(browser, provider)
    assert browser.get(handed_over(came_by_sso(host, member), state)).status_code == 404


def test_whoever_came_by_password_is_not_handed_over(
    row: CustomDomain, member: UserActor, host: str, provider: IdentityProvider
) -> None:
    _, state = set_out(window(), provider)
    answer = signed_in_client(host, member).get("/sso/hand-over/", {"state": state})
    assert answer.status_code == 404


def test_a_domain_that_was_removed_meanwhile_gets_nobody(
    row: CustomDomain, member: UserActor, host: str, provider: IdentityProvider
) -> None:
    _, state = set_out(window(), provider)
    remove_domain(domain_id=row.pk, actor=SYSTEM)
    answer = came_by_sso(host, member).get("/sso/hand-over/", {"state": state})
    assert answer.status_code == 404


def test_a_deactivated_person_does_not_arrive(
    row: CustomDomain, member: UserActor, host: str, provider: IdentityProvider
) -> None:
    browser = window()
    _, state = set_out(browser, provider)
    link = handed_over(came_by_sso(host, member), state)
    member.user.is_active = False
    member.user.save()
    assert browser.get(link).status_code == 404


def test_passkeys_of_the_canonical_host_are_asked_for_where_the_browser_can_relate(
    row: CustomDomain, member: UserActor, host: str
) -> None:
    home = signed_in_client(host, member)
    key = Authenticator(origin=f"http://{host}", rp_id=host)
    options = home.post("/settings/my-sign-in/passkeys/options/").json()
    home.post("/settings/my-sign-in/passkeys/", {"credential": key.create(options), "name": "Key"})
    assert Passkey.objects.get(user=member.user).rp_id == host
    browser = window()
    options = browser.post("/account/passkey/options/", {"related": "1"}).json()
    assert options["publicKey"]["rpId"] == host
    key.origin = f"http://{HOST}"
    shown = browser.post("/account/sign-in/passkey/", {"credential": key.get(options)})
    assert shown.status_code == 302, shown.content
    assert browser.get("/tasks/").status_code == 200


def test_a_passkey_for_the_canonical_host_shown_by_a_strange_page_is_refused(
    row: CustomDomain, member: UserActor, host: str
) -> None:
    Passkey.objects.all().delete()
    home = signed_in_client(host, member)
    key = Authenticator(origin=f"http://{host}", rp_id=host)
    options = home.post("/settings/my-sign-in/passkeys/options/").json()
    home.post("/settings/my-sign-in/passkeys/", {"credential": key.create(options), "name": "Key"})
    browser = window()
    options = browser.post("/account/passkey/options/", {"related": "1"}).json()
    key.origin = "http://evil.example"
    assert browser.post("/account/sign-in/passkey/", {"credential": key.get(options)}).status_code == 422


def test_without_that_they_are_the_hosts_own(row: CustomDomain) -> None:
    assert window().post("/account/passkey/options/").json()["publicKey"]["rpId"] == HOST


def test_related_origins_are_told_on_the_canonical_host_alone(
    row: CustomDomain, host: str, settings: object
) -> None:
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "https", None  # type: ignore[attr-defined]
    told = Client(headers={"host": host}).get("/.well-known/webauthn")
    assert (told.status_code, told.json()) == (200, {"origins": [f"https://{HOST}"]})
    assert told["Content-Type"] == "application/json"
    assert window().get("/.well-known/webauthn").status_code == 404
    Tenant.objects.update(state="active")
    CustomDomain.objects.update(state="suspended")
    assert Client(headers={"host": host}).get("/.well-known/webauthn").json() == {"origins": []}


def test_directories_are_on_the_canonical_host_alone(row: CustomDomain, host: str) -> None:
    path = "/scim/v2/ServiceProviderConfig"
    assert Client(headers={"host": host}).get(path).status_code == 401
    assert window().get(path).status_code == 404
