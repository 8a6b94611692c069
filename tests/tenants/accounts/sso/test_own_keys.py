"""The company's own keys: made, published beside each other, switched and given up while people sign in."""

from collections.abc import Callable

import pytest
from django.test import Client
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import IdentityProvider, ServiceProviderKey, SsoLogEntry
from tenants.accounts.sso.saml import own_keys
from tenants.accounts.sso.saml.metadata import our_metadata
from tenants.foundation.errors import Conflict, Forbidden
from tenants.secrets.models import Secret
from tenants.tenancy import TenantRef
from tests.people import person, token_client
from tests.sso_servers.starting import SamlIdp
from tests.tenants.accounts.sso.test_saml_sign_in import last_entry, posted_by, signed_in

pytestmark = pytest.mark.xdist_group("sso_servers")


@pytest.fixture
def client(host: str) -> Client:
    return Client(headers={"host": host})


def published(provider: IdentityProvider) -> dict[str, list[str]]:
    """Use → certificates in our metadata, without their frames."""
    found: dict[str, list[str]] = {"signing": [], "encryption": []}
    root = etree.fromstring(our_metadata(provider).encode())
    for key in root.findall(".//md:KeyDescriptor", Constants.NSMAP):
        for node in key.findall(".//ds:X509Certificate", Constants.NSMAP):
            found[key.get("use")].append("".join((node.text or "").split()))
    return found


def body(pem: str) -> str:
    return "".join(pem.split("-----")[2].split())


def test_nobody_else_makes_a_key(tenant: TenantRef) -> None:
    manager = person(tenant, Role.MANAGER)
    with pytest.raises(Forbidden):
        own_keys.make_next_key(actor=manager)
    with pytest.raises(Forbidden):
        own_keys.use_next_key(actor=manager)


def test_the_steps_come_in_their_order(admin: UserActor) -> None:
    with pytest.raises(Conflict):
        own_keys.use_next_key(actor=admin)
    own_keys.make_next_key(actor=admin)
    with pytest.raises(Conflict):
        own_keys.make_next_key(actor=admin)
    own_keys.use_next_key(actor=admin)
    with pytest.raises(Conflict):
        own_keys.make_next_key(actor=admin)
    with pytest.raises(Conflict):
        own_keys.give_key_up(key=ServiceProviderKey.objects.get(state="current"), actor=admin)
    own_keys.give_key_up(key=ServiceProviderKey.objects.get(state="previous"), actor=admin)
    assert Secret.objects.filter(owner_table="accounts_serviceproviderkey").count() == 1
    own_keys.make_next_key(actor=admin)
    events = set(SsoLogEntry.objects.values_list("event", flat=True))
    assert {"sp_key.made", "sp_key.in_use", "sp_key.given_up"} <= events


def test_a_private_key_is_only_in_the_vault(admin: UserActor) -> None:
    made = own_keys.make_next_key(actor=admin)
    assert "PRIVATE" not in str(ServiceProviderKey.objects.filter(pk=made.pk).values().get())
    assert b"PRIVATE" not in bytes(Secret.objects.get(pk=made.private_key_id).sealed)


def test_nobody_is_shut_out_while_keys_are_rolled_over(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], admin: UserActor, client: Client
) -> None:
    provider = saml(saml_server)
    old = own_keys.own_keys().certificate
    assert published(provider) == {"signing": [body(old)], "encryption": [body(old)]}

    new = own_keys.make_next_key(actor=admin).certificate
    both = {body(old), body(new)}
    assert {use: set(found) for use, found in published(provider).items()} == {
        "signing": both,
        "encryption": both,
    }
    # A provider that has read our metadata early encrypts for the next key already.
    for certificate in (new, old):
        saml_server.encrypt_for(certificate)
        assert signed_in(client, saml_server, provider).status_code == 302, last_entry()

    own_keys.use_next_key(actor=admin)
    assert published(provider)["signing"] == [body(new)]
    # One that has not read it since encrypts for the one before.
    assert signed_in(client, saml_server, provider).status_code == 302, last_entry()

    own_keys.give_key_up(key=ServiceProviderKey.objects.get(state="previous"), actor=admin)
    posted = posted_by(client, saml_server, provider)
    assert client.post(f"/sso/{provider.pk}/acs/", posted).status_code == 400
    assert last_entry()[1] == "decryption"


def test_a_program_rolls_them_over(host: str, owner: UserActor) -> None:
    api, url = token_client(host, owner, is_careful=True), "/api/v1/sso/keys/"
    assert api.get(url).json()["results"] == []
    own_keys.own_keys()
    assert [row["state"] for row in api.get(url).json()["results"]] == ["current"]
    made = api.post(url)
    assert (made.status_code, made.json()["state"]) == (201, "next"), made.content
    assert "PRIVATE" not in made.content.decode()
    assert api.post(url).status_code == 409
    assert api.post(f"{url}switch/").json()["id"] == made.json()["id"]
    states = {row["state"]: row["id"] for row in api.get(url).json()["results"]}
    assert set(states) == {"current", "previous"}
    assert api.delete(f"{url}{states['current']}/").status_code == 409
    assert api.delete(f"{url}{states['previous']}/").status_code == 204
