"""A company's mail server is set up, proved by a letter that arrives, and given up; its password is never shown."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import EmailDomain
from tenants.branding.events import MailServerChanged
from tenants.branding.mail_servers import services
from tenants.branding.mail_servers.routes import OWNER_TABLE, hand_over
from tenants.branding.mail_servers.selectors import CODE_VALID_FOR, MOST_TRIES, mail_servers
from tenants.branding.mail_servers.values import MailServerSettings
from tenants.branding.models import MailServer as MailServerRow
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Conflict, ExternalServiceError, Forbidden, InvalidInput, NotFound
from tenants.foundation.letters import Letter
from tenants.models import CustomDomain
from tenants.secrets.models import Secret as VaultSecret
from tenants.tenancy import TenantRef
from tests.fakes.events import PublishedEvents
from tests.fakes.mail_server import MailServer, certificate_for
from tests.people import person
from tests.tenants.branding.mail_servers_set_up import DOMAIN, PASSWORD, code_in, in_use, prove, wanted


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A mail server the product trusts, with one user."""
    path = certificate_for("localhost", tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setattr(services, "BETWEEN_TESTS", timedelta(0))
    with MailServer(certificate=path, users={"acme": PASSWORD}).serving() as it:
        yield it


def fields_of(act: Callable[[], object]) -> set[str]:
    """Which fields are refused."""
    with pytest.raises(InvalidInput) as caught:
        act()
    return set(caught.value.fields)


@pytest.mark.parametrize("role", [Role.GUEST, Role.MEMBER, Role.MANAGER, Role.SECURITY, Role.AUDITOR])
def test_only_who_runs_the_company_sets_its_mail_server_up(
    tenant: TenantRef, server: MailServer, role: Role
) -> None:
    actor = person(tenant, role, f"Some {role.value}")
    prove()
    acts: tuple[Callable[[], object], ...] = (
        lambda: services.save_mail_server(actor=actor, settings=wanted(server)),
        lambda: services.send_test_letter(actor=actor),
        lambda: services.confirm_mail_server(actor=actor, code="123456"),
        lambda: services.discard_candidate(actor=actor),
        lambda: services.remove_mail_server(actor=actor),
        lambda: mail_servers(actor=actor),
    )
    for act in acts:
        with pytest.raises(Forbidden):
            act()
    assert not MailServerRow.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "mail.acme.example\r\nX: y"},
        {"host": "10.0.0.8"},
        {"host": "intranet"},
        {"host": "https://mail.acme.com"},
        {"host": "mаil.acme.com"},
    ],
    ids=["line break", "address", "no domain", "web address", "mixed alphabets"],
)
def test_a_host_that_is_no_public_name_is_refused(
    admin: UserActor, server: MailServer, changes: dict[str, Any]
) -> None:
    prove()
    given = wanted(server, port=587, **changes)
    assert fields_of(lambda: services.save_mail_server(actor=admin, settings=given)) == {"host"}


@pytest.mark.parametrize("port", [22, 80, 6379, 0, 70000])
def test_only_ports_where_mail_is_handed_in_are_dialled(
    admin: UserActor, server: MailServer, port: int
) -> None:
    prove()
    given = wanted(server, host="mail.acme.com", port=port)
    assert fields_of(lambda: services.save_mail_server(actor=admin, settings=given)) == {"port"}


def test_letters_only_go_out_encrypted(admin: UserActor, server: MailServer) -> None:
    prove()
    for security in ("none", "ssl3", ""):
        given = wanted(server, host="mail.acme.com", port=587, security=security)
        assert fields_of(partial(services.save_mail_server, actor=admin, settings=given)) == {"security"}


@pytest.mark.parametrize(
    "address",
    [
        "tasks@other.example",
        "tasks@sub.acme.example",
        "tasks@acme.example.evil.example",
        "tasks@acmе.example",
        "tasks@acme.example\r\nBcc: all@other.example",
        "Acme <tasks@acme.example>",
        "tasks@acme.example, other@acme.example",
        '"tasks\\" x"@acme.example',
        "tásks@acme.example",
        "@acme.example",
        "tasks",
        "",
    ],
)
def test_a_sender_that_is_not_plainly_the_companys_own_is_refused(
    admin: UserActor, server: MailServer, address: str
) -> None:
    prove()
    given = wanted(server, from_address=address)
    assert fields_of(lambda: services.save_mail_server(actor=admin, settings=given)) == {"from_address"}


def test_a_domain_that_is_only_claimed_or_was_lost_sends_nothing(
    admin: UserActor, server: MailServer
) -> None:
    domain = prove()
    for state in (EmailDomain.State.PENDING, EmailDomain.State.LOST):
        EmailDomain.objects.filter(pk=domain.pk).update(state=state)
        given = wanted(server)
        assert fields_of(partial(services.save_mail_server, actor=admin, settings=given)) == {"from_address"}


def test_a_domain_the_company_is_reached_under_will_do_as_well(
    tenant: TenantRef, admin: UserActor, server: MailServer
) -> None:
    CustomDomain.objects.create(
        tenant_id=tenant.id, host="tasks.acme.com", skeleton="s", nonce="n", state=CustomDomain.State.VERIFIED,
        verified_at=timezone.now(),
    )  # fmt: skip
    now = services.save_mail_server(
        actor=admin, settings=wanted(server, from_address="no-reply@Tasks.Acme.com")
    )
    assert now.candidate is not None
    assert now.candidate.from_address == "no-reply@tasks.acme.com"


def test_a_server_is_used_once_the_code_of_its_letter_was_typed(
    tenant: TenantRef, admin: UserActor, server: MailServer, published_events: PublishedEvents
) -> None:
    prove()
    services.save_mail_server(actor=admin, settings=wanted(server))
    assert services.send_test_letter(actor=admin) == admin.user.email
    [taken] = server.taken
    assert (taken.sender, taken.to) == (f"tasks@{DOMAIN}", admin.user.email)
    assert taken.message["From"].addresses[0].addr_spec == f"tasks@{DOMAIN}"
    with pytest.raises(InvalidInput):
        services.confirm_mail_server(
            actor=admin, code="000 000" if code_in(server) != "000 000" else "111 111"
        )
    assert mail_servers(actor=admin).active is None
    now = services.confirm_mail_server(actor=admin, code=f" {code_in(server)} ")
    assert now.candidate is None
    assert now.active is not None
    assert now.active.proved_at is not None
    whats = [each.what for each in published_events.of(MailServerChanged)]
    assert whats == ["saved", "proved"]


def test_a_code_is_good_for_one_set_up_for_half_an_hour_and_a_few_tries(
    admin: UserActor, server: MailServer
) -> None:
    prove()
    services.save_mail_server(actor=admin, settings=wanted(server))
    services.send_test_letter(actor=admin)
    code = code_in(server)
    # Another set-up: the code said nothing of it.
    services.save_mail_server(actor=admin, settings=wanted(server, from_address=f"other@{DOMAIN}"))
    with pytest.raises(InvalidInput):
        services.confirm_mail_server(actor=admin, code=code)
    services.send_test_letter(actor=admin)
    MailServerRow.objects.update(code_sent_at=timezone.now() - CODE_VALID_FOR)
    with pytest.raises(InvalidInput):
        services.confirm_mail_server(actor=admin, code=code_in(server))
    services.send_test_letter(actor=admin)
    wrong = "000000" if code_in(server) != "000 000" else "111111"
    for _ in range(MOST_TRIES):
        with pytest.raises(InvalidInput):
            services.confirm_mail_server(actor=admin, code=wrong)
    with pytest.raises(InvalidInput):
        services.confirm_mail_server(actor=admin, code=code_in(server))
    assert mail_servers(actor=admin).active is None


def test_test_letters_go_to_people_of_the_company_alone_and_not_in_a_row(
    tenant: TenantRef, admin: UserActor, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove()
    services.save_mail_server(actor=admin, settings=wanted(server))
    with pytest.raises(InvalidInput):
        services.send_test_letter(actor=admin, to="stranger@other.example")
    assert server.calls == 0
    colleague = person(tenant, Role.MEMBER, "Mia Member-Example")
    assert services.send_test_letter(actor=admin, to=colleague.user.email.upper()) == colleague.user.email
    monkeypatch.setattr(services, "BETWEEN_TESTS", timedelta(minutes=1))
    with pytest.raises(Conflict):
        services.send_test_letter(actor=admin)
    # Saving again does not give another one either.
    services.save_mail_server(actor=admin, settings=wanted(server))
    with pytest.raises(Conflict):
        services.send_test_letter(actor=admin)
    assert len(server.taken) == 1


def test_throwing_a_set_up_away_and_making_it_anew_does_not_shorten_the_wait(
    admin: UserActor, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "BETWEEN_TESTS", timedelta(hours=1))
    prove()
    services.save_mail_server(actor=admin, settings=wanted(server))
    services.send_test_letter(actor=admin)
    services.discard_candidate(actor=admin)
    services.save_mail_server(actor=admin, settings=wanted(server))
    with pytest.raises(Conflict):
        services.send_test_letter(actor=admin)
    assert len(server.taken) == 1


def test_what_the_server_did_instead_is_said_and_kept(admin: UserActor, server: MailServer) -> None:
    prove()
    services.save_mail_server(actor=admin, settings=wanted(server, password=Secret("another password")))
    with pytest.raises(ExternalServiceError):
        services.send_test_letter(actor=admin)
    candidate = mail_servers(actor=admin).candidate
    assert candidate is not None
    assert "did not accept user name and password" in candidate.problem
    assert not candidate.awaits_code


def test_the_password_lies_in_the_vault_and_is_shown_to_nobody(admin: UserActor, server: MailServer) -> None:
    prove()
    in_use(admin, server)
    [kept] = VaultSecret.objects.filter(owner_table=OWNER_TABLE)
    assert PASSWORD.encode() not in bytes(kept.sealed)
    shown = mail_servers(actor=admin).active
    assert shown is not None
    assert shown.has_password
    assert PASSWORD not in json.dumps([str(each) for each in MailServerRow.objects.values_list()]) + repr(
        shown
    )


def test_the_kept_password_goes_to_no_other_server_port_or_user(admin: UserActor, server: MailServer) -> None:
    prove()
    in_use(admin, server)
    services.save_mail_server(
        actor=admin, settings=wanted(server, password=None, from_address=f"new@{DOMAIN}")
    )
    services.send_test_letter(actor=admin)
    assert server.taken[-1].user == "acme"
    for changes in (
        {"host": "127.0.0.1"},
        {"username": "other"},
        {"security": "tls"},
        {"port": server.port - 1},
    ):
        given = wanted(server, password=None, **changes)
        assert fields_of(partial(services.save_mail_server, actor=admin, settings=given)) == {"password"}


def test_the_one_in_use_goes_on_until_the_next_is_proved(admin: UserActor, server: MailServer) -> None:
    prove()
    first = in_use(admin, server)
    services.save_mail_server(actor=admin, settings=wanted(server, from_address=f"new@{DOMAIN}"))
    now = mail_servers(actor=admin)
    assert now.active is not None
    assert now.active.from_address == first.from_address
    services.discard_candidate(actor=admin)
    assert VaultSecret.objects.filter(owner_table=OWNER_TABLE).count() == 1
    second = in_use_again(admin, server)
    assert second.pk != first.pk
    assert MailServerRow.objects.count() == 1


def in_use_again(admin: UserActor, server: MailServer) -> MailServerRow:
    services.save_mail_server(actor=admin, settings=wanted(server, from_address=f"new@{DOMAIN}"))
    services.send_test_letter(actor=admin)
    services.confirm_mail_server(actor=admin, code=code_in(server))
    return MailServerRow.objects.get(stage="active")


def test_a_domain_that_was_lost_meanwhile_is_not_switched_on(admin: UserActor, server: MailServer) -> None:
    prove()
    services.save_mail_server(actor=admin, settings=wanted(server))
    services.send_test_letter(actor=admin)
    EmailDomain.objects.update(state=EmailDomain.State.LOST)
    assert fields_of(lambda: services.confirm_mail_server(actor=admin, code=code_in(server))) == {
        "from_address"
    }


def test_giving_it_up_empties_the_vault(admin: UserActor, server: MailServer) -> None:
    prove()
    in_use(admin, server)
    services.remove_mail_server(actor=admin)
    assert not MailServerRow.objects.exists()
    assert not VaultSecret.objects.filter(owner_table=OWNER_TABLE).exists()
    for act in (services.remove_mail_server, services.discard_candidate, services.send_test_letter):
        with pytest.raises(NotFound):
            act(actor=admin)


def test_a_password_without_a_user_is_a_mistake(admin: UserActor, server: MailServer) -> None:
    prove()
    given: MailServerSettings = wanted(server, username="")
    assert fields_of(lambda: services.save_mail_server(actor=admin, settings=given)) == {"username"}


@pytest.mark.parametrize("field", ["username", "password"])
def test_what_no_mail_server_could_be_told_is_said_before_it_is_tried(
    admin: UserActor, server: MailServer, field: str
) -> None:
    prove()
    told = {"username": "jürgen", "password": Secret("geheimnisträger")}[field]
    given = wanted(server, **{field: told})
    assert fields_of(lambda: services.save_mail_server(actor=admin, settings=given)) == {field}


def test_a_letter_that_fails_late_leaves_the_next_ones_code_alone(
    admin: UserActor, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is given up after the second was sent: the code in the second is good."""
    prove()
    services.save_mail_server(actor=admin, settings=wanted(server))
    begun: list[Letter] = []

    def late(letter: Letter, **how: Any) -> None:
        begun.append(letter)
        if len(begun) == 1:
            services.send_test_letter(actor=admin)
            raise ExternalServiceError("It did not answer in time.", service="mail", is_transient=True)
        hand_over(letter, **how)

    monkeypatch.setattr(services, "hand_over", late)
    with pytest.raises(ExternalServiceError):
        services.send_test_letter(actor=admin)
    candidate = mail_servers(actor=admin).candidate
    assert candidate is not None
    assert (candidate.problem, candidate.awaits_code) == ("", True)
    assert services.confirm_mail_server(actor=admin, code=code_in(server)).active is not None
