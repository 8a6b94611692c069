"""A message handed to a mail server: over TLS that is checked, within its time, and never into a private network."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tenants.foundation.crypto import Secret
from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.letters import smtp
from tenants.foundation.letters.smtp import MailFailure, MailRoute, Security, deliver
from tests.fakes.mail_server import MailServer, certificate_for

CONTENT = b"From: tasks@acme.example\r\nSubject: Hello\r\n\r\nA line\r\n.a line with a dot\r\n"
USERS = {"acme": "an invented password"}


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate for `localhost` that the product trusts."""
    path = certificate_for("localhost", tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


@contextmanager
def serving(certificate: Path | None, **options: Any) -> Iterator[MailServer]:
    with MailServer(certificate=certificate, **options).serving() as server:
        yield server


def handed(
    server: MailServer, *, security: Security = Security.STARTTLS, host: str = "localhost", seconds: float = 5,
    username: str = "", password: str = "", to: str = "ann@acme.example",
) -> None:  # fmt: skip
    route = MailRoute(
        host=host, port=server.port, security=security, username=username,
        password=Secret(password) if password else None,
    )  # fmt: skip
    deliver(route, sender="tasks@acme.example", to=to, content=CONTENT, seconds=seconds)


def failure(server: MailServer, **options: Any) -> ExternalServiceError:
    with pytest.raises(ExternalServiceError) as caught:
        handed(server, **options)
    return caught.value


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_message_goes_over_tls_with_user_and_password(certificate: Path, security: Security) -> None:
    with serving(certificate, is_tls=security is Security.TLS, users=USERS) as server:
        handed(server, security=security, username="acme", password="an invented password")
    [taken] = server.taken
    assert (taken.sender, taken.to, taken.user) == ("tasks@acme.example", "ann@acme.example", "acme")
    assert "\n.a line with a dot" in taken.message.get_content()


def test_nothing_of_a_sign_in_is_said_before_tls(certificate: Path) -> None:
    with serving(certificate, users=USERS) as server:
        handed(server, username="acme", password="an invented password")
    commands = [each.split(" ")[0].upper() for each in server.said]
    assert commands.index("STARTTLS") < commands.index("AUTH")


def test_a_certificate_for_another_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = certificate_for("other.example", tmp_path / "other.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    with serving(other, users=USERS) as server:
        error = failure(server, username="acme", password="an invented password")
    assert (error.reason, error.is_transient) == (MailFailure.TLS, False)
    assert not any(each.upper().startswith("AUTH") for each in server.said)


def test_a_certificate_nobody_known_has_signed_is_refused(tmp_path: Path) -> None:
    with serving(certificate_for("localhost", tmp_path / "own.pem"), is_tls=True) as server:
        assert failure(server, security=Security.TLS).reason == MailFailure.TLS


def test_a_server_without_tls_gets_nothing(certificate: Path) -> None:
    with serving(None, users=USERS) as server:
        error = failure(server, username="acme", password="an invented password")
    assert (error.reason, server.taken) == (MailFailure.NO_TLS, [])


def test_plain_text_is_for_hosts_an_operator_has_opened(settings: Any) -> None:
    with serving(None) as server:
        handed(server, security=Security.NONE)
        settings.OUTBOUND_ALLOWED_PRIVATE_HOSTS = []
        assert failure(server, security=Security.NONE).reason == MailFailure.NO_TLS
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "::1", "fd00::1", "64:ff9b::7f00:1"]
)
def test_a_name_that_leads_into_a_private_network_is_not_dialled(
    certificate: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    settings.OUTBOUND_ALLOWED_PRIVATE_HOSTS = []
    monkeypatch.setattr(smtp, "resolve", lambda _host, _port: ["203.0.113.9", address])
    with serving(certificate) as server:
        error = failure(server, host="mail.acme.example")
    assert (error.reason, error.is_transient, server.calls) == (MailFailure.REFUSED_ADDRESS, False, 0)


def test_the_address_that_was_checked_is_the_one_that_is_dialled(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate_for("mail.acme.example", tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    asked: list[str] = []

    def resolved(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    monkeypatch.setattr(smtp, "resolve", resolved)
    settings.OUTBOUND_ALLOWED_PRIVATE_HOSTS = ["mail.acme.example"]
    with serving(path) as server:
        handed(server, host="mail.acme.example")
    # Once, and TLS was checked for the name though an address was dialled.
    assert asked == ["mail.acme.example"]
    assert len(server.taken) == 1


def test_a_name_that_leads_nowhere_may_lead_somewhere_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    monkeypatch.setattr(smtp, "resolve", resolved)
    with serving(None) as server:
        error = failure(server)
    assert (error.reason, error.is_transient) == (MailFailure.DNS, True)


def test_a_port_nobody_listens_on_is_no_connection() -> None:
    with serving(None) as server:
        port = server.port
    route = MailRoute(host="localhost", port=port, security=Security.TLS)
    with pytest.raises(ExternalServiceError) as caught:
        deliver(route, sender="a@acme.example", to="b@acme.example", content=CONTENT, seconds=5)
    assert (caught.value.reason, caught.value.is_transient) == (MailFailure.CONNECT, True)


def test_a_wrong_password_is_said_as_such(certificate: Path) -> None:
    with serving(certificate, users=USERS) as server:
        error = failure(server, username="acme", password="another password")
    assert (error.reason, error.is_transient) == (MailFailure.SIGN_IN, False)
    assert "another password" not in error.message
    assert "who is that" in error.message


def test_a_server_that_knows_no_sign_in_is_not_told_the_password(certificate: Path) -> None:
    with serving(certificate) as server:
        error = failure(server, username="acme", password="an invented password")
    assert error.reason == MailFailure.NO_SIGN_IN
    assert server.taken == []


@pytest.mark.parametrize(
    ("command", "reply", "reason"),
    [
        ("", "554 go away", MailFailure.REFUSED),
        ("", "421 too busy", MailFailure.LATER),
        ("MAIL", "550 not this sender", MailFailure.REFUSED),
        ("RCPT", "550 no such box", MailFailure.REFUSED),
        ("RCPT", "451 grey listed", MailFailure.LATER),
        ("DATA", "554 no", MailFailure.REFUSED),
        (".", "452 disk full", MailFailure.LATER),
        (".", "550 looks like spam", MailFailure.REFUSED),
        ("STARTTLS", "454 not now", MailFailure.LATER),
    ],
)
def test_what_a_server_answers_decides_whether_it_is_asked_again(
    certificate: Path, command: str, reply: str, reason: MailFailure
) -> None:
    with serving(certificate, replies={command: reply}) as server:
        error = failure(server)
    assert (error.reason, error.is_transient) == (reason, reason is MailFailure.LATER)
    assert reply.partition(" ")[2] in error.message


def test_what_a_server_says_is_quoted_on_one_line_and_not_without_end(certificate: Path) -> None:
    with serving(certificate, replies={"RCPT": "550-first\r\n550 \x1b[31m" + "long " * 100}) as server:
        error = failure(server)
    assert "\n" not in error.message
    assert "\x1b" not in error.message
    assert len(error.message) < 300


@pytest.mark.parametrize(
    ("habit", "reason"),
    [
        ("closes", MailFailure.BROKEN_OFF),
        ("closes in data", MailFailure.BROKEN_OFF),
        ("garbage", MailFailure.MALFORMED),
        ("talks", MailFailure.MALFORMED),
    ],
)
def test_a_server_that_is_none_ends_the_attempt(certificate: Path, habit: str, reason: MailFailure) -> None:
    with serving(certificate, habit=habit) as server:
        assert failure(server).reason == reason
    assert server.taken == []


@pytest.mark.parametrize("habit", ["silent", "drips", "silent after data"])
def test_a_server_that_hangs_costs_no_more_than_the_time_it_was_given(certificate: Path, habit: str) -> None:
    with serving(certificate, habit=habit) as server:
        began = time.monotonic()
        error = failure(server, seconds=0.8)
        took = time.monotonic() - began
    assert (error.reason, error.is_transient) == (MailFailure.TIMEOUT, True)
    assert took < 8


@pytest.mark.parametrize("to", ["a@acme.example\r\nRCPT TO:<b@acme.example>", "añn@acme.example"])
def test_an_address_no_command_can_hold_is_refused_and_not_sent(certificate: Path, to: str) -> None:
    with serving(certificate) as server:
        assert failure(server, to=to).reason == MailFailure.REFUSED
    assert server.taken == []
    assert not any("b@acme.example" in each for each in server.said)
