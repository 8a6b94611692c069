"""A company's letters go out by its own server while that works; when it fails none is lost and the company is told."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from tenants.accounts.access import Role, UserActor
from tenants.accounts.invitations.letters import mail_invitation
from tenants.accounts.invitations.services import invite_user
from tenants.accounts.models import EmailDomain
from tenants.branding.events import MailServerChanged
from tenants.branding.mail_servers import carrying, services
from tenants.branding.mail_servers.letters import TELL_OF_FAILURE
from tenants.branding.mail_servers.routes import OWNER_TABLE
from tenants.branding.mail_servers.warnings import mail_server_failing
from tenants.branding.models import MailServer as MailServerRow
from tenants.dispatch import Work, enqueue, registry, tenant_job
from tenants.dispatch.running import Outcome
from tenants.dispatch.work import counted_tries
from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.letters import Letter, write_letter
from tenants.foundation.letters.kinds import letter_kind
from tenants.secrets.models import Secret as VaultSecret
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.fakes.dispatch import make_due, run_due_work
from tests.fakes.events import PublishedEvents
from tests.fakes.mail_server import MailServer, certificate_for
from tests.people import person
from tests.tenants.branding.mail_servers_set_up import DOMAIN, PASSWORD, in_use, prove

KIND = "domain_restored"
FACTS = {"host": "tasks.acme.example", "company": "Acme", "link": "https://acme.example/settings/domains/"}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A mail server the product trusts, with one user."""
    path = certificate_for("localhost", tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setattr(services, "BETWEEN_TESTS", timedelta(0))
    with MailServer(certificate=path, users={"acme": PASSWORD}).serving() as it:
        yield it


@pytest.fixture
def row(tenant: TenantRef, admin: UserActor, server: MailServer) -> MailServerRow:
    """The company's server, in use."""
    prove()
    return in_use(admin, server)


def written(kind: str = KIND, facts: dict[str, Any] | None = None) -> Letter:
    return write_letter(kind, to="ann@acme.example", facts=facts or FACTS, language="en")


def urgent() -> Letter:
    facts = {"company": "Acme", "code": "123 456", "link": "https://acme.example/link/"}
    return written("sign_in_link", facts)


def send_all(count: int) -> None:
    for _ in range(count):
        written().send()


def test_letters_come_by_the_companys_server_from_its_own_address(
    row: MailServerRow, server: MailServer
) -> None:
    written().send()
    [taken] = server.taken
    sender = taken.message["From"].addresses[0]
    assert (taken.sender, sender.addr_spec) == (f"tasks@{DOMAIN}", f"tasks@{DOMAIN}")
    assert sender.display_name
    assert taken.message.get_body(("html",)) is not None
    assert mail.outbox == []


def test_a_company_without_one_is_served_by_the_platform(tenant: TenantRef, server: MailServer) -> None:
    written().send()
    assert server.calls == 0
    assert len(mail.outbox) == 1


def test_a_server_that_is_only_tried_takes_no_letters(admin: UserActor, server: MailServer) -> None:
    prove()
    in_use(admin, server)
    MailServerRow.objects.update(stage="candidate", proved_at=None)
    written().send()
    assert server.taken == []
    assert len(mail.outbox) == 1


def test_a_companys_letter_never_goes_by_another_companys_server(
    tenant: TenantRef, other_tenant: TenantRef, row: MailServerRow, server: MailServer
) -> None:
    with tenant_scope(other_tenant), atomic():
        theirs = written()
    # Sent while the scope of the company that has a server is open.
    theirs.send()
    assert server.taken == []
    assert [each.to for each in mail.outbox] == [["ann@acme.example"]]
    ours = written()
    with tenant_scope(other_tenant):
        ours.send()
    assert [each.sender for each in server.taken] == [f"tasks@{DOMAIN}"]
    assert len(mail.outbox) == 1


def facts_of(kind: str) -> dict[str, Any]:
    """An invented value for everything the letter names."""
    return dict(letter_kind(kind).samples)


@pytest.mark.parametrize(
    "kind",
    [
        "password_reset", "change_proposed", "change_decided", "change_made_alone", "left_alone", "sso_notice",
        "scim_held", "support_asked", "mail_server_failing",
    ],
)  # fmt: skip
def test_whoever_chose_the_server_neither_reads_nor_keeps_back_what_guards_the_company(
    row: MailServerRow, server: MailServer, kind: str
) -> None:
    written(kind, facts_of(kind)).send()
    assert server.taken == []
    assert [each.to for each in mail.outbox] == [["ann@acme.example"]]


@pytest.mark.parametrize(
    ("role", "is_by_company"),
    [(Role.GUEST, True), (Role.OWNER, False), (Role.ADMIN, False), (Role.SECURITY, False)],
)
def test_a_link_to_more_than_harmless_is_not_read_by_whoever_chose_the_server(
    tenant: TenantRef,
    row: MailServerRow,
    server: MailServer,
    role: Role,
    is_by_company: bool,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    owner = person(tenant, Role.OWNER, "Olga Owner")
    with django_capture_on_commit_callbacks(using=tenant.cell, execute=True):
        issued = invite_user(email="new@acme.example", name="New", role=role, actor=owner)
        mail_invitation(issued)
    assert (len(server.taken), len(mail.outbox)) == ((1, 0) if is_by_company else (0, 1))


def test_letters_of_the_platform_do_not_go_by_it(row: MailServerRow, server: MailServer) -> None:
    written("signup_code", {"code": "123456"}).send()
    assert server.taken == []
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("habit", ["closes", "closes in data", "garbage"])
def test_a_letter_outside_a_job_goes_by_the_platform_at_once(
    row: MailServerRow, server: MailServer, habit: str
) -> None:
    server.habit = habit
    written().send()
    assert server.taken == []
    [sent] = mail.outbox
    assert DOMAIN not in sent.from_email
    row.refresh_from_db()
    assert (row.failures, row.rests_until) == (1, None)


def test_one_that_somebody_waits_for_is_not_put_off(row: MailServerRow, server: MailServer) -> None:
    server.replies["RCPT"] = "451 grey listed"
    with counted_tries(5):
        urgent().send()
    assert [each.to for each in mail.outbox] == [["ann@acme.example"]]


def test_one_that_can_wait_is_tried_again_by_its_job_and_then_goes_by_the_platform(
    row: MailServerRow, server: MailServer
) -> None:
    server.replies["RCPT"] = "451 grey listed"
    with counted_tries(5):
        for _ in range(carrying.MOST_FAILURES - 1):
            with pytest.raises(ExternalServiceError) as caught:
                written().send()
            assert caught.value.is_transient
        assert mail.outbox == []
        written().send()
    assert len(mail.outbox) == 1


def test_what_is_refused_for_good_is_not_tried_again(row: MailServerRow, server: MailServer) -> None:
    server.replies["RCPT"] = "550 no such box"
    with counted_tries(5):
        written().send()
    assert len(mail.outbox) == 1


def test_a_job_tries_again_and_loses_no_letter(
    tenant: TenantRef, row: MailServerRow, server: MailServer, one_letter_job: str
) -> None:
    server.replies["MAIL"] = "451 not now"
    enqueue(one_letter_job, object_id=row.pk)
    outcomes: list[Outcome] = []
    for _ in range(carrying.MOST_FAILURES):
        outcomes += run_due_work(tenant, kind=one_letter_job)[one_letter_job]
        make_due(tenant, kind=one_letter_job)
    assert outcomes == [Outcome.FAILED] * (carrying.MOST_FAILURES - 1) + [Outcome.DONE]
    assert [each.to for each in mail.outbox] == [["ann@acme.example"]]


def test_the_last_try_of_a_job_goes_by_the_platform(
    tenant: TenantRef, row: MailServerRow, server: MailServer, one_letter_job: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(carrying, "MOST_FAILURES", 100)
    server.replies["MAIL"] = "451 not now"
    enqueue(one_letter_job, object_id=row.pk)
    outcomes: list[Outcome] = []
    for _ in range(4):
        outcomes += run_due_work(tenant, kind=one_letter_job)[one_letter_job]
        make_due(tenant, kind=one_letter_job)
    assert outcomes[-1] is Outcome.DONE
    assert len(mail.outbox) == 1


@pytest.fixture
def one_letter_job() -> Iterator[str]:
    """A job that sends one letter, with four tries."""

    @tenant_job("branding.test_of_one_letter", max_attempts=4)
    def send(_work: Work) -> None:
        written().send()

    yield "branding.test_of_one_letter"
    registry.discard("branding.test_of_one_letter")


def test_after_a_few_failures_the_server_rests_and_the_company_is_told_once(
    tenant: TenantRef, owner: UserActor, admin: UserActor, member: UserActor, row: MailServerRow,
    server: MailServer, published_events: PublishedEvents,
) -> None:  # fmt: skip
    server.replies["MAIL"] = "550 not this sender"
    send_all(carrying.MOST_FAILURES)
    calls = server.calls
    send_all(2)
    assert server.calls == calls
    assert len(mail.outbox) == carrying.MOST_FAILURES + 2
    row.refresh_from_db()
    assert row.failing_since is not None
    assert "not this sender" in row.problem
    whats = [each.what for each in published_events.of(MailServerChanged)]
    assert whats == ["failing"]
    mail.outbox.clear()
    run_due_work(tenant, kind=TELL_OF_FAILURE)
    told = {each.to[0] for each in mail.outbox}
    assert told == {owner.user.email, admin.user.email}
    assert "not this sender" in str(mail.outbox[0].body)
    # It goes on failing: nobody is told again.
    rested(row)
    written().send()
    assert TELL_OF_FAILURE not in run_due_work(tenant)


def test_the_line_above_every_page_is_for_those_who_can_mend_it(
    admin: UserActor, member: UserActor, row: MailServerRow, server: MailServer
) -> None:
    cache.clear()
    server.replies["MAIL"] = "550 not this sender"
    send_all(carrying.MOST_FAILURES)

    def shown_to(actor: UserActor) -> str:
        request = RequestFactory().get("/")
        request.actor = actor  # type: ignore[attr-defined]
        return mail_server_failing(request)

    assert (shown_to(admin), shown_to(member)) == ("localhost", "")
    server.replies.clear()
    rested(row)
    written().send()
    assert shown_to(admin) == ""


def test_it_is_tried_again_after_a_rest_and_used_when_it_takes_a_letter(
    row: MailServerRow, server: MailServer, published_events: PublishedEvents
) -> None:
    server.replies["MAIL"] = "550 not this sender"
    send_all(carrying.MOST_FAILURES)
    rested(row)
    # Once more in vain: the next rest is longer.
    written().send()
    row.refresh_from_db()
    assert row.rests_until is not None
    assert row.rests_until > timezone.now() + carrying.FIRST_REST
    server.replies.clear()
    rested(row)
    written().send()
    assert len(server.taken) == 1
    row.refresh_from_db()
    assert row.failures == 0
    assert row.problem == ""
    assert MailServerRow.objects.filter(failing_since=None, rests_until=None, told_at=None).exists()
    assert [each.what for each in published_events.of(MailServerChanged)][-2:] == ["failing", "working"]


def rested(row: MailServerRow) -> None:
    MailServerRow.objects.filter(pk=row.pk).update(rests_until=timezone.now() - timedelta(seconds=1))


def without_password() -> None:
    VaultSecret.objects.filter(owner_table=OWNER_TABLE).delete()


def without_domain() -> None:
    EmailDomain.objects.update(state=EmailDomain.State.LOST)


@pytest.mark.parametrize("lose", [without_domain, without_password])
def test_a_server_that_may_not_or_cannot_be_used_any_more_is_left_alone_and_the_company_told(
    tenant: TenantRef, row: MailServerRow, server: MailServer, lose: Callable[[], None]
) -> None:
    lose()
    calls = server.calls
    written().send()
    assert server.calls == calls
    assert len(mail.outbox) == 1
    row.refresh_from_db()
    assert row.problem
    assert run_due_work(tenant, kind=TELL_OF_FAILURE) == {TELL_OF_FAILURE: [Outcome.DONE]}


def test_a_letter_that_is_resting_with_the_server_is_not_told_of_again_when_it_was_mended(
    tenant: TenantRef, row: MailServerRow, server: MailServer
) -> None:
    server.replies["MAIL"] = "550 not this sender"
    send_all(carrying.MOST_FAILURES)
    server.replies.clear()
    rested(row)
    written().send()
    mail.outbox.clear()
    run_due_work(tenant, kind=TELL_OF_FAILURE)
    assert mail.outbox == []
