"""Metadata that is read again: what differs is shown, told and confirmed, and nothing of it counts before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tenants.accounts.access import Role, UserActor
from tenants.accounts.access.deciding import approve_change
from tenants.accounts.models import IdentityProvider, ProposedChange, SsoLogEntry
from tenants.accounts.sso import services, watching
from tenants.accounts.sso.notices import send_notices
from tenants.accounts.sso.saml.own_keys import own_keys
from tenants.foundation.errors import Conflict, ExternalServiceError, Forbidden, NotFound
from tenants.tenancy import TenantRef
from tests.people import person, signed_in_client, token_client
from tests.tenants.accounts.sso.conftest import ISSUER, changed, key_pair

URL = "https://idp.example/metadata.xml"
SILENT = ExternalServiceError("It does not answer.", service="The provider", is_transient=True)


def document(*certificates: str, issuer: str = ISSUER, sso_url: str = "https://idp.example/sso") -> bytes:
    keys = "".join(
        '<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>'
        f"{''.join(pem.split('-----')[2].split())}"
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for pem in certificates
    )
    redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
    return (
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
        f' xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{issuer}">'
        '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        f'{keys}<md:SingleSignOnService Binding="{redirect}" Location="{sso_url}"/>'
        "</md:IDPSSODescriptor></md:EntityDescriptor>"
    ).encode()


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[str, str]:
    """The one in use and the next one."""
    return tuple(key_pair(tmp_path, name, days=200)[1].read_text() for name in ("old", "new"))  # type: ignore[return-value]


@pytest.fixture
def provider(admin: UserActor, certificates: tuple[str, str]) -> IdentityProvider:
    made = services.create_provider(preset="saml", name="Example Id", actor=admin)
    read = services.ProviderChange(metadata=document(certificates[0]), metadata_url=URL)
    return services.set_state(provider=changed(made, read, admin), state="test", actor=admin)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes | Exception], None]:
    """Decides what the address of the metadata answers."""

    def set_answer(answer: bytes | Exception) -> None:
        def fetch(url: str) -> bytes:
            assert url == URL
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(watching, "fetch_metadata", fetch)

    return set_answer


type Says = Callable[[bytes | Exception], None]


def test_what_cannot_be_read_changes_nothing_and_is_told(
    provider: IdentityProvider, admin: UserActor, says: Says
) -> None:
    for answer in (SILENT, b"<html/>", b"<!DOCTYPE a><a/>"):
        says(answer)
        with pytest.raises(Conflict):
            watching.read_again(provider_id=provider.pk, actor=admin)
        assert watching.read_all_again() == 0
        row = IdentityProvider.objects.get()
        assert (bool(row.metadata_problem), row.metadata_found) == (True, None)
        assert row.certificates == provider.certificates


def test_where_there_is_no_address_there_is_nothing_to_read(
    saml: Callable[..., IdentityProvider], admin: UserActor
) -> None:
    with pytest.raises(NotFound):
        watching.read_again(provider_id=saml().pk, actor=admin)


def test_who_may_not_set_it_up_reads_nothing(
    provider: IdentityProvider, tenant: TenantRef, says: Says, certificates: tuple[str, str]
) -> None:
    says(document(*certificates))
    member = person(tenant, Role.MEMBER)
    with pytest.raises(Forbidden):
        watching.read_again(provider_id=provider.pk, actor=member)
    with pytest.raises(Forbidden):
        watching.confirm_metadata(provider=provider, actor=member)


def test_the_same_again_is_no_news(
    provider: IdentityProvider, admin: UserActor, says: Says, certificates: tuple[str, str]
) -> None:
    says(document(certificates[0]))
    read = watching.read_again(provider_id=provider.pk, actor=admin)
    assert (read.metadata_found, read.metadata_checked_at is not None) == (None, True)
    with pytest.raises(Conflict):
        watching.confirm_metadata(provider=read, actor=admin)


def test_a_new_certificate_counts_once_somebody_confirms_it(
    provider: IdentityProvider, admin: UserActor, says: Says, certificates: tuple[str, str]
) -> None:
    says(document(*certificates))
    assert (watching.read_all_again(), watching.read_all_again()) == (1, 1)
    row = IdentityProvider.objects.get()
    assert row.certificates == [certificates[0]]
    assert [each.name for each in watching.differences(row)] == ["certificates"]
    entry = SsoLogEntry.objects.get(event="metadata.changed")
    mail.outbox.clear()
    assert send_notices(entry.pk) == len(mail.outbox) > 0
    assert "metadata" in mail.outbox[0].subject
    confirmed = watching.confirm_metadata(provider=row, actor=admin)
    assert isinstance(confirmed, IdentityProvider)
    assert set(confirmed.certificates) == set(certificates)
    assert (confirmed.metadata_found, confirmed.is_tested) == (None, False)


def test_what_went_back_to_what_it_was_needs_no_answer(
    provider: IdentityProvider, admin: UserActor, says: Says, certificates: tuple[str, str]
) -> None:
    says(document(*certificates))
    watching.read_again(provider_id=provider.pk, actor=admin)
    says(document(certificates[0]))
    assert watching.read_again(provider_id=provider.pk, actor=admin).metadata_found is None


def test_while_enforced_certificates_can_be_changed_by_two_and_nothing_else(
    provider: IdentityProvider, admin: UserActor, tenant: TenantRef, says: Says, certificates: tuple[str, str]
) -> None:
    IdentityProvider.objects.update(state="enforced")
    says(document(certificates[0], sso_url="https://evil.example/sso"))
    watching.read_all_again()
    with pytest.raises(Conflict):
        watching.confirm_metadata(provider=IdentityProvider.objects.get(), actor=admin)
    second = person(tenant, Role.ADMIN, "Second Admin-Example")
    IdentityProvider.objects.update(slo_url="")
    says(document(*certificates))
    watching.read_all_again()
    waiting = watching.confirm_metadata(provider=IdentityProvider.objects.get(), actor=admin)
    assert isinstance(waiting, ProposedChange)
    assert IdentityProvider.objects.get().certificates == [certificates[0]]
    approve_change(change=waiting, actor=second)
    row = IdentityProvider.objects.get()
    assert (set(row.certificates), row.metadata_found) == (set(certificates), None)


@pytest.mark.parametrize(("days", "warned"), [(40, False), (29, True), (6, True), (0, True)])
def test_a_certificate_warns_at_30_7_and_1_day_once_each(
    admin: UserActor, tmp_path: Path, days: int, warned: bool
) -> None:
    pem = key_pair(tmp_path, "ending", days=days)[1].read_text() if days else ""
    provider = services.create_provider(preset="saml", name="Example Id", actor=admin)
    pem = pem or key_pair(tmp_path, "ended", days=0)[1].read_text()
    IdentityProvider.objects.filter(pk=provider.pk).update(certificates=[pem])
    assert (watching.warn_of_certificates(), watching.warn_of_certificates()) == (int(warned), 0)


def test_our_own_certificate_warns_too(
    admin: UserActor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_keys()
    ending = key_pair(tmp_path, "ours", days=6)[1].read_text()
    monkeypatch.setattr(watching, "current_certificate", lambda: ending)
    assert watching.warn_of_certificates() == 1
    assert "Our own" in SsoLogEntry.objects.get(event="certificate.expires").detail


def test_the_page_shows_what_differs_and_lets_it_count(
    provider: IdentityProvider, admin: UserActor, host: str, says: Says, certificates: tuple[str, str]
) -> None:
    browser: Client = signed_in_client(host, admin)
    page, post = f"/settings/sign-in/{provider.pk}/", f"/settings/sign-in/{provider.pk}/change/"
    says(SILENT)
    assert browser.post(post, {"part": "reread"}).status_code == 422
    says(document(*certificates))
    assert browser.post(post, {"part": "reread"}).status_code == 302
    assert "says something else now" in browser.get(page).content.decode()
    assert browser.post(post, {"part": "confirm"}).status_code == 302
    assert "says something else now" not in browser.get(page).content.decode()
    assert set(IdentityProvider.objects.get().certificates) == set(certificates)
    assert browser.post(post, {"part": "confirm"}).status_code == 422


def test_a_program_reads_and_confirms(
    provider: IdentityProvider, admin: UserActor, host: str, says: Says, certificates: tuple[str, str]
) -> None:
    api, url = (
        token_client(host, admin, is_careful=True),
        f"/api/v1/identity-providers/{provider.pk}/metadata/",
    )
    says(document(*certificates))
    read: dict[str, Any] = api.post(url).json()
    assert [each["name"] for each in read["metadata_differences"]] == ["certificates"]
    confirmed = api.post(f"{url}confirm/")
    assert (confirmed.status_code, confirmed.json()["metadata_differences"]) == (200, []), confirmed.content
    assert api.post(f"{url}confirm/").status_code == 409


def test_the_page_of_our_keys_rolls_them_over(admin: UserActor, host: str) -> None:
    browser, page = signed_in_client(host, admin), "/settings/sign-in/keys/"
    assert "There is no key yet" in browser.get(page).content.decode()
    own_keys()
    assert "Make the next key" in browser.get(page).content.decode()
    assert browser.post(page, {"action": "use"}).status_code == 422
    assert browser.post(page, {"action": "make"}).status_code == 302
    assert "Put it to use" in browser.get(page).content.decode()
    assert browser.post(page, {"action": "use"}).status_code == 302
    shown = browser.get(page).content.decode()
    assert "PRIVATE" not in shown
    key_id = shown.partition('name="key_id" value="')[2].partition('"')[0]
    assert browser.post(page, {"action": "give-up", "key_id": "x"}).status_code == 422
    assert browser.post(page, {"action": "give-up", "key_id": key_id}).status_code == 302
    assert "Make the next key" in browser.get(page).content.decode()
