"""A message too long to be read is refused unread; where people sign in the company's log says so, and no other's."""

from collections.abc import Callable

import pytest
from django.test import Client

from tenants.accounts.models import IdentityProvider, SsoLogEntry
from tenants.tenancy import TenantRef, atomic, tenant_scope

TOO_LONG = str(2 * 1024 * 1024 + 1)
DOORS = [
    ("/sso/{provider}/acs/", "sign_in"),
    ("/sso/{provider}/slo/", "logout"),
    ("/sso/{provider}/backchannel/", "logout"),
    ("/account/sign-in/", "sign_in"),
    ("/account/sign-in/passkey/", "passkey_sign_in"),
    ("/settings/my-sign-in/passkeys/", "passkey_set_up"),
    ("/scim/v2/Users", "scim.user.post"),
    ("/scim/v2/Groups/", "scim.group.post"),
    ("/scim/v2/Bulk", "scim.bulk.post"),
    ("/scim/v2/.search", "scim.post"),
]


@pytest.fixture
def client(host: str) -> Client:
    """A browser or a program that nobody knows."""
    return Client(headers={"host": host})


def send(client: Client, address: str) -> int:
    return client.generic("POST", address, b"x", CONTENT_LENGTH=TOO_LONG).status_code


@pytest.mark.parametrize(("address", "event"), DOORS)
def test_it_stands_in_the_companys_log_with_what_was_tried(
    client: Client, saml: Callable[..., IdentityProvider], other_tenant: TenantRef, address: str, event: str
) -> None:
    provider = saml()
    assert send(client, address.format(provider=provider.pk)) == 413
    [entry] = SsoLogEntry.objects.filter(reason="too_large")
    assert (entry.event, entry.outcome, entry.address) == (event, "refused", "127.0.0.1")
    assert entry.provider == (provider if "{provider}" in address else None)
    with tenant_scope(other_tenant), atomic():
        assert not SsoLogEntry.objects.filter(reason="too_large").exists()


@pytest.mark.parametrize("address", ["/tasks/new/", "/api/v1/tasks/", "/sso/nowhere/", "/account/none/"])
def test_elsewhere_it_is_refused_without_an_entry(client: Client, address: str) -> None:
    assert send(client, address) == 413
    assert not SsoLogEntry.objects.filter(reason="too_large").exists()


def test_a_host_that_is_nobodys_says_nothing_more() -> None:
    nobody = Client(headers={"host": "nobody.localhost"})
    assert send(nobody, "/account/sign-in/") == 404
    assert send(nobody, "/tasks/new/") == 413


def test_a_directory_is_answered_in_its_own_words(client: Client) -> None:
    answer = client.generic("POST", "/scim/v2/Users", b"x", CONTENT_LENGTH=TOO_LONG)
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.json()["status"] == "413"
