"""Signing in through a SAML provider nobody here wrote: saml-idp."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants.accounts.access import UserActor
from tenants.accounts.models import (
    ExternalIdentity,
    IdentityProvider,
    PendingSignIn,
    SsoLogEntry,
    SsoSession,
    User,
)
from tenants.accounts.sso import services
from tenants.accounts.sso.saml.own_keys import own_keys
from tenants.tenancy import TenantRef
from tests.people import signed_in_client
from tests.sso_servers.starting import SamlIdp

pytestmark = pytest.mark.xdist_group("sso_servers")

NIA = {"userName": "nia-1", "email": "Nia@People.example", "displayName": "Nia New-Example"}


def posted_by(
    client: Client, server: SamlIdp, provider: IdentityProvider, query: str = "", **person: str
) -> Any:
    """Go to the provider as a browser does; return what it has the browser post."""
    start = client.get(f"/sso/{provider.pk}/start/{query}")
    assert start.status_code == 302, start.content
    return server.sign_in(start["Location"], person or NIA)


def signed_in(
    client: Client, server: SamlIdp, provider: IdentityProvider, query: str = "", **person: str
) -> Any:
    """Go to the provider and back; return the last answer."""
    posted = posted_by(client, server, provider, query, **person)
    answer = client.post(f"/sso/{provider.pk}/acs/", posted)
    return client.get(answer["Location"]) if answer.status_code == 303 else answer


def last_entry() -> tuple[str, str, str]:
    """(outcome, reason, detail) of the newest sign-in in the log."""
    entry = SsoLogEntry.objects.filter(event="sign_in").first()
    return (entry.outcome, entry.reason, entry.detail) if entry else ("", "", "")


@pytest.fixture
def client(host: str) -> Client:
    return Client(headers={"host": host})


def test_somebody_new_comes_in_and_gets_an_account(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client
) -> None:
    provider = saml(saml_server)
    answer = signed_in(client, saml_server, provider, "?next=/settings/preferences/")
    assert answer.status_code == 302, last_entry()
    assert answer["Location"] == "/settings/preferences/"
    user = User.objects.get(email="nia@people.example")
    assert (user.name, user.has_usable_password()) == ("Nia New-Example", False)
    assert client.get("/settings/preferences/").status_code == 200
    identity = ExternalIdentity.objects.get(provider=provider)
    assert (identity.subject, identity.user_id) == ("nia-1", user.pk)
    assert SsoSession.objects.get().session_key == client.session.session_key
    entry = SsoLogEntry.objects.filter(event="sign_in").get()
    assert (entry.outcome, entry.user_id, entry.provider_id) == ("accepted", user.pk, provider.pk)
    assert not PendingSignIn.objects.exists()


def test_a_changed_address_is_still_the_same_person(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client
) -> None:
    provider = saml(saml_server)
    signed_in(client, saml_server, provider)
    signed_in(client, saml_server, provider, userName="nia-1", email="nia.married@people.example")
    assert User.objects.filter(email__endswith="@people.example").count() == 1


def test_an_encrypted_assertion_opens_the_door(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client
) -> None:
    provider = saml(saml_server)
    encrypt(saml_server)
    answer = signed_in(client, saml_server, provider)
    assert answer.status_code == 302, last_entry()


def encrypt(server: SamlIdp) -> None:
    """Have the server encrypt for the company's own key."""
    server.encrypt_for(own_keys().certificate)


def test_a_test_grades_the_provider_and_signs_nobody_in(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], admin: UserActor, host: str
) -> None:
    provider = saml(saml_server)
    provider = services.set_state(provider=provider, state="test", actor=admin)
    browser = signed_in_client(host, admin)
    answer = signed_in(browser, saml_server, provider, "?test=1")
    assert answer["Location"] == f"/settings/sign-in/{provider.pk}/", last_entry()
    provider.refresh_from_db()
    assert (provider.test_grade, provider.is_tested) == ("A", True), provider.test_findings
    assert not User.objects.filter(email="nia@people.example").exists()
    page = browser.get(answer["Location"]).content.decode()
    assert "Grade A" in page
    assert "both signed" in page


def test_in_test_mode_nobody_else_gets_to_the_provider(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], admin: UserActor, client: Client
) -> None:
    provider = services.set_state(provider=saml(saml_server), state="test", actor=admin)
    assert client.get(f"/sso/{provider.pk}/start/").status_code == 400
    assert client.get(f"/sso/{provider.pk}/start/?test=1").status_code == 400
    assert last_entry()[1] == "not_offered"


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        ({"userName": "eve-1", "email": "boss@elsewhere.example"}, "email_domain"),
        ({"userName": "nobody"}, "email_domain"),
    ],
)
def test_who_has_no_address_of_the_company_stays_outside(
    saml_server: SamlIdp,
    saml: Callable[..., IdentityProvider],
    client: Client,
    person: dict[str, str],
    reason: str,
) -> None:
    provider = saml(saml_server)
    answer = signed_in(client, saml_server, provider, **person)
    assert answer.status_code == 400
    assert last_entry()[:2] == ("refused", reason), last_entry()
    assert "_auth_user_id" not in client.session


def test_a_second_subject_with_the_same_address_is_nobody(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client, host: str
) -> None:
    provider = saml(saml_server)
    signed_in(client, saml_server, provider)
    other = Client(headers={"host": host})
    answer = signed_in(other, saml_server, provider, userName="mallory", email="nia@people.example")
    assert (answer.status_code, last_entry()[1]) == (400, "email_taken")


def test_the_answer_works_only_in_the_browser_that_asked(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client, host: str
) -> None:
    provider = saml(saml_server)
    posted = posted_by(client, saml_server, provider)
    thief = Client(headers={"host": host})
    finish = thief.post(f"/sso/{provider.pk}/acs/", posted)
    assert thief.get(finish["Location"]).status_code == 400
    assert last_entry()[1] == "other_browser"


def test_one_answer_lets_in_once(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client
) -> None:
    provider = saml(saml_server)
    posted = posted_by(client, saml_server, provider)
    assert client.post(f"/sso/{provider.pk}/acs/", posted).status_code == 303
    assert client.post(f"/sso/{provider.pk}/acs/", posted).status_code == 400
    assert last_entry()[1] == "unknown_state"


def test_a_sign_in_that_begins_there_is_refused_unless_allowed_and_then_confirmed_by_hand(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client, tenant: TenantRef
) -> None:
    provider = saml(saml_server)
    posted = saml_server.sign_in_unasked(NIA)
    assert client.post(f"/sso/{provider.pk}/acs/", posted).status_code == 400
    assert last_entry()[1] == "unsolicited"
    IdentityProvider.objects.update(allows_idp_initiated=True)
    finish = client.post(f"/sso/{provider.pk}/acs/", posted)["Location"]
    page = client.get(finish)
    assert (page.status_code, "_auth_user_id" in client.session) == (200, False)
    assert client.post("/sso/finish/", {"state": finish.partition("=")[2]}).status_code == 302
    assert "_auth_user_id" in client.session
    # The same assertion once more, in any browser: used is used.
    assert client.post(f"/sso/{provider.pk}/acs/", posted).status_code == 400
    assert last_entry()[1] == "replay"
