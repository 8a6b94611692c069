"""Branding → Sender: from the form by the test letter and its code to letters of the company's own."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import UserSession
from tenants.branding.mail_servers import carrying, services
from tenants.branding.models import MailServer as MailServerRow
from tenants.foundation.letters import write_letter
from tenants.tenancy import TenantRef
from tests.fakes.mail_server import MailServer, certificate_for
from tests.people import person, signed_in_client
from tests.tenants.branding.mail_servers_set_up import DOMAIN, PASSWORD, code_in, in_use, prove, wanted

PAGE = "/settings/branding/sender/"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A mail server the product trusts, with one user."""
    path = certificate_for("localhost", tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setattr(services, "BETWEEN_TESTS", timedelta(0))
    with MailServer(certificate=path, users={"acme": PASSWORD}).serving() as it:
        yield it


def typed(**changes: str) -> dict[str, str]:
    """A filled-in form; ports a form offers are real ones, so the server of these tests is set up by its service."""
    values = {
        "from_address": f"tasks@{DOMAIN}", "host": "mail.acme.com", "port": "587", "security": "starttls",
        "username": "acme", "password": PASSWORD,
    }  # fmt: skip
    return values | changes


def test_what_will_not_do_is_said_beside_its_field_and_the_password_is_not_given_back(
    console: Client,
) -> None:
    answer = console.post(PAGE, typed(host="10.0.0.8"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Prove this domain first" in page
    assert "This is an address" in page
    assert PASSWORD not in page
    assert not MailServerRow.objects.exists()


def test_a_port_that_is_not_offered_is_refused(console: Client) -> None:
    prove()
    assert console.post(PAGE, typed(port="22")).status_code == 422


def test_what_was_saved_waits_for_its_proof(console: Client) -> None:
    prove()
    assert console.post(PAGE, typed()).status_code == 302
    page = console.get(PAGE).content.decode()
    assert "Prove that letters arrive" in page
    assert "mail.acme.com" in page
    assert PASSWORD not in page


def test_from_test_letter_and_code_to_a_server_in_use(
    console: Client, admin: UserActor, server: MailServer
) -> None:
    prove()
    services.save_mail_server(actor=admin, settings=wanted(server))
    assert console.post(f"{PAGE}test/").status_code == 302
    wrong = "000000" if code_in(server) != "000 000" else "111111"
    refused = console.post(f"{PAGE}confirm/", {"code": wrong})
    assert refused.status_code == 422
    assert "not the code" in refused.content.decode()
    assert console.post(f"{PAGE}confirm/", {"code": code_in(server)}).status_code == 302
    assert "Your own server" in console.get(PAGE).content.decode()
    assert console.post(f"{PAGE}remove/").status_code == 302
    assert "Your own server" not in console.get(PAGE).content.decode()
    assert not MailServerRow.objects.exists()


def test_what_the_server_did_instead_stands_on_the_page(
    console: Client, admin: UserActor, server: MailServer
) -> None:
    prove()
    server.replies["MAIL"] = "550 not <b>this</b> sender"
    services.save_mail_server(actor=admin, settings=wanted(server))
    answer = console.post(f"{PAGE}test/")
    assert answer.status_code == 422
    assert "not &lt;b&gt;this&lt;/b&gt; sender" in answer.content.decode()


def test_a_server_that_fails_is_told_of_above_every_page(
    console: Client, admin: UserActor, server: MailServer
) -> None:
    prove()
    in_use(admin, server)
    server.habit = "closes"
    facts = {"host": "tasks.acme.example", "company": "Acme", "link": "https://acme.example/settings/"}
    for _ in range(carrying.MOST_FAILURES):
        write_letter("domain_restored", to="ann@acme.example", facts=facts, language="en").send()
    assert len(mail.outbox) == carrying.MOST_FAILURES
    assert "does not take letters" in console.get("/settings/branding/").content.decode()
    assert "None is lost" in console.get(PAGE).content.decode()


def test_whoever_proved_nothing_lately_is_asked_first(
    tenant: TenantRef, host: str, admin: UserActor, server: MailServer
) -> None:
    prove()
    browser = signed_in_client(host, admin)
    UserSession.objects.update(proved_at=timezone.now() - timedelta(days=1))
    answer = browser.post(PAGE, typed())
    assert answer.status_code in (302, 303, 401, 403)
    assert not MailServerRow.objects.exists()


def test_whoever_runs_nothing_sees_nothing(tenant: TenantRef, host: str) -> None:
    browser = signed_in_client(host, person(tenant, Role.MANAGER, "Mo Manager-Example"))
    assert browser.get(PAGE).status_code == 403
