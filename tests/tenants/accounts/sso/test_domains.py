"""E-mail domains: proved by DNS, looked up again, and where they lead people."""

import socket
import struct
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from tenants.accounts.access import UserActor
from tenants.accounts.models import EmailDomain, IdentityProvider, SsoLogEntry
from tenants.accounts.sso import domains
from tenants.accounts.sso.upkeep import look_after_sso
from tenants.accounts.sso.watching import warn_of_certificates
from tenants.foundation.dns import LookupFailed, txt_records
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.tenancy import TenantRef, tenant_scope
from tests.tenants.accounts.sso.conftest import key_pair


@pytest.mark.parametrize(
    "name",
    ["", "localhost", "a b.example", "1.2.3.4", "gmail.com", "x" * 64 + ".example", "http://a.example", "-"],
)
def test_what_is_no_companys_domain_is_refused(admin: UserActor, name: str) -> None:
    with pytest.raises(InvalidInput):
        domains.add_domain(domain=name, actor=admin)


def test_an_international_name_is_kept_as_it_is_looked_up(admin: UserActor) -> None:
    assert domains.add_domain(domain="Bücher.example", actor=admin).domain == "xn--bcher-kva.example"
    with pytest.raises(Conflict):
        domains.add_domain(domain="@BÜCHER.example.", actor=admin)


def test_a_domain_counts_once_its_record_was_seen(admin: UserActor) -> None:
    row = domains.add_domain(domain="people.example", actor=admin)
    name, value = domains.challenge(row)
    asked: list[str] = []

    def resolver(wanted: str) -> list[str]:
        asked.append(wanted)
        return ["v=spf1 -all", value] if len(asked) > 1 else ["something else"]

    seen = domains.check_domain(domain_id=row.pk, actor=admin, resolver=resolver)
    assert (seen.state, name in seen.problem) == ("pending", True)
    seen = domains.check_domain(domain_id=row.pk, actor=admin, resolver=resolver)
    assert (seen.state, seen.problem, asked) == ("verified", "", [name, name])


def test_the_record_of_one_company_proves_nothing_for_another(
    tenant: TenantRef, other_tenant: TenantRef, admin: UserActor
) -> None:
    row = domains.add_domain(domain="people.example", actor=admin)
    ours = domains.challenge(row)
    with tenant_scope(other_tenant):
        theirs = domains.challenge(EmailDomain.objects.create(domain=row.domain, nonce=row.nonce))
    assert (ours[0] == theirs[0], ours[1] == theirs[1]) == (True, False)


def test_a_record_that_is_gone_is_missed_for_a_week(verified_domain: EmailDomain) -> None:
    look_after_sso(resolver=lambda _name: [])
    verified_domain.refresh_from_db()
    assert verified_domain.state == "verified"
    assert verified_domain.missing_since is not None
    EmailDomain.objects.update(missing_since=timezone.now() - timedelta(days=8))
    look_after_sso(resolver=lambda _name: [])
    verified_domain.refresh_from_db()
    assert verified_domain.state == "lost"


def test_an_address_of_a_captured_domain_leads_to_its_provider(
    verified_domain: EmailDomain, admin: UserActor, host: str
) -> None:
    provider = IdentityProvider.objects.create(name="Example Id", kind="saml", preset="saml", state="active")
    browser = Client(headers={"host": host})
    assert "Continue with single sign-on" not in browser.get("/account/sign-in/").content.decode()
    domains.capture(domain=verified_domain, provider=provider, actor=admin)
    assert "Continue with single sign-on" in browser.get("/account/sign-in/").content.decode()
    found = browser.post("/sso/find/", {"email": "anybody@People.example", "next": "//evil.example"})
    assert f"/sso/{provider.pk}/start/?hint=anybody%40People.example" in found.content.decode()
    other = browser.post("/sso/find/", {"email": "anybody@elsewhere.example"})
    assert "/start/" not in other.content.decode()


def test_an_unverified_domain_captures_nobody(admin: UserActor) -> None:
    row = domains.add_domain(domain="people.example", actor=admin)
    provider = IdentityProvider.objects.create(name="Example Id", kind="saml", preset="saml", state="active")
    with pytest.raises(Conflict):
        domains.capture(domain=row, provider=provider, actor=admin)


def test_certificates_that_run_out_are_told_once_a_week(tmp_path: Path, tenant: TenantRef) -> None:
    _key, certificate = key_pair(tmp_path, "ending", days=10)
    IdentityProvider.objects.create(
        name="Example Id", kind="saml", preset="saml", certificates=[certificate.read_text()]
    )
    assert (warn_of_certificates(), warn_of_certificates()) == (1, 0)
    assert SsoLogEntry.objects.get(event="certificate.expires").detail


class NameServer:
    """A name server on loopback that answers with what a test says."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = self.socket.getsockname()
        self.texts: list[bytes] = []
        self.code = 0
        self.other_id = False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                query, sender = self.socket.recvfrom(4096)
            except OSError:
                return
            number = struct.unpack("!H", query[:2])[0] ^ (1 if self.other_id else 0)
            answer = struct.pack("!HHHHHH", number, 0x8180 | self.code, 1, len(self.texts), 0, 0) + query[12:]
            for text in self.texts:
                data = b"".join(bytes([len(part)]) + part for part in (text[:200], text[200:]) if part)
                answer += b"\xc0\x0c" + struct.pack("!HHIH", 16, 1, 60, len(data)) + data
            self.socket.sendto(answer, sender)


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.socket.close()


def test_txt_records_are_read_with_their_parts_joined(name_server: NameServer) -> None:
    name_server.texts = [b"nts-domain=abc", b"x" * 300]
    assert txt_records("_nts-email.people.example", servers=[name_server.address]) == [
        "nts-domain=abc",
        "x" * 300,
    ]


def test_no_such_name_is_no_record_and_a_failing_server_is_a_failure(name_server: NameServer) -> None:
    name_server.code = 3
    assert txt_records("people.example", servers=[name_server.address]) == []
    name_server.code = 2
    with pytest.raises(LookupFailed):
        txt_records("people.example", servers=[name_server.address])


def test_an_answer_to_another_question_is_not_believed(name_server: NameServer) -> None:
    name_server.texts, name_server.other_id = [b"forged"], True
    with pytest.raises(LookupFailed):
        txt_records("people.example", servers=[name_server.address])
    with pytest.raises(LookupFailed):
        txt_records("x" * 64 + ".example", servers=[name_server.address])
