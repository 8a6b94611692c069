"""Signing in through a SAML provider nobody here wrote: saml-idp."""

from collections.abc import Callable

import pytest
from django.test import Client

from tenants.accounts.models import ExternalIdentity, IdentityProvider, SsoLogEntry, SsoSession, User
from tests.sso_servers.starting import SamlIdp

pytestmark = pytest.mark.xdist_group("sso_servers")


def signed_in(client: Client, server: SamlIdp, provider: IdentityProvider, **person: str):  # type: ignore[no-untyped-def]
    """Go to the provider and back as a browser does; return the last answer."""
    start = client.get(f"/sso/{provider.pk}/start/", {"next": "/settings/preferences/"})
    assert start.status_code == 302, start.content
    posted = server.sign_in(start["Location"], **person)
    answer = client.post(f"/sso/{provider.pk}/acs/", posted)
    if answer.status_code != 303:
        return answer
    return client.get(answer["Location"])


def test_somebody_new_comes_in_and_gets_an_account(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], host: str
) -> None:
    provider = saml(saml_server)
    client = Client(headers={"host": host})
    answer = signed_in(
        client,
        saml_server,
        provider,
        userName="nia-1",
        email="Nia@People.example",
        displayName="Nia New-Example",
    )
    assert (answer.status_code, answer["Location"]) == (302, "/settings/preferences/"), (
        SsoLogEntry.objects.values_list("reason", "detail")
    )
    user = User.objects.get(email="nia@people.example")
    assert (user.name, user.has_usable_password()) == ("Nia New-Example", False)
    assert client.get("/settings/preferences/").status_code == 200
    identity = ExternalIdentity.objects.get(provider=provider)
    assert (identity.subject, identity.user_id) == ("nia-1", user.pk)
    assert SsoSession.objects.get().session_key == client.session.session_key
    entry = SsoLogEntry.objects.filter(event="sign_in").get()
    assert (entry.outcome, entry.user_id, entry.provider_id) == ("accepted", user.pk, provider.pk)
