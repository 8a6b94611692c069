"""`/api/v1/branding/mail-server/` as a program sees it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from tenants.accounts.access import UserActor
from tenants.branding.mail_servers import services
from tenants.branding.models import MailServer as MailServerRow
from tests.fakes.mail_server import MailServer, certificate_for
from tests.people import token_client
from tests.tenants.branding.mail_servers_set_up import DOMAIN, PASSWORD, code_in, prove

ADDRESS = "/api/v1/branding/mail-server/"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A mail server the product trusts, with one user."""
    path = certificate_for("localhost", tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setattr(services, "BETWEEN_TESTS", timedelta(0))
    with MailServer(certificate=path, users={"acme": PASSWORD}).serving() as it:
        yield it


@pytest.fixture
def program(host: str, admin: UserActor) -> APIClient:
    """A program that may set the sender."""
    scopes = frozenset({"branding.manage", "branding.manage_sender"})
    return token_client(host, admin, scopes=scopes, is_careful=True)


def body(server: MailServer, **changes: object) -> dict[str, object]:
    values: dict[str, object] = {
        "from_address": f"tasks@{DOMAIN}", "host": "localhost", "port": server.port, "username": "acme",
        "password": PASSWORD,
    }  # fmt: skip
    return values | changes


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from_address": "boss@bank.example"}, "from_address"), ({"port": 70000}, "port"), ({"port": "x"}, "port"),
        ({"security": "ssl3"}, "security"), ({"host": 7.5}, "host"), ({"password": ""}, "password"),
        ({"password": None}, "password"), ({"username": "a\r\nb"}, "username"), ({"relay": True}, "relay"),
    ],
    ids=["not ours", "no port", "word", "protection", "number", "empty", "null", "line break", "unknown"],
)  # fmt: skip
def test_what_will_not_do_is_a_problem_with_its_field(
    program: APIClient, server: MailServer, change: dict[str, object], field: str
) -> None:
    prove()
    answer = program.put(ADDRESS, body(server, **change))
    assert answer.status_code == 422
    assert field in str(answer.json())
    assert not MailServerRow.objects.exists()


def test_a_server_is_set_proved_and_given_up(
    program: APIClient, admin: UserActor, server: MailServer
) -> None:
    prove()
    now = program.put(ADDRESS, body(server)).json()
    assert (now["active"], now["candidate"]["has_password"]) == (None, True)
    assert PASSWORD not in str(now)
    sent = program.post(f"{ADDRESS}test/", {"to": admin.user.email})
    assert (sent.status_code, sent.json()) == (200, {"to": admin.user.email})
    wrong = "000000" if code_in(server) != "000 000" else "111111"
    assert program.post(f"{ADDRESS}confirm/", {"code": wrong}).status_code == 422
    assert MailServerRow.objects.get().code_tries == 1
    assert program.post(f"{ADDRESS}confirm/", {"code": code_in(server)}).status_code == 200
    assert program.get(ADDRESS).json()["active"]["host"] == "localhost"
    assert program.delete(ADDRESS).status_code == 204
    assert program.delete(ADDRESS).status_code == 404


def test_what_the_server_did_is_a_bad_gateway_in_words(program: APIClient, server: MailServer) -> None:
    prove()
    program.put(ADDRESS, body(server, password="another password"))
    answer = program.post(f"{ADDRESS}test/", {})
    assert answer.status_code == 502
    assert answer.json()["code"] == "external_service_error.mail_sign_in"
    assert "another password" not in answer.content.decode()
    assert program.delete(f"{ADDRESS}candidate/").status_code == 204
    assert program.post(f"{ADDRESS}test/", {}).status_code == 404


def test_a_token_for_the_brand_alone_does_not_set_the_sender(
    host: str, admin: UserActor, server: MailServer
) -> None:
    prove()
    reader = token_client(host, admin, scopes=frozenset({"branding.manage"}), is_careful=True)
    assert reader.get(ADDRESS).status_code == 200
    assert reader.put(ADDRESS, body(server)).status_code == 403
    assert reader.post(f"{ADDRESS}test/", {}).status_code == 403
