"""Looking domains up: proved, reached, missed for a week, suspended, back."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections
from django.test import Client
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.access.bindings import Holder, grant_role
from tenants.accounts.access.groups import add_member, create_group
from tenants.accounts.models import CustomRole, RoleBinding
from tenants.branding.domains import checking
from tenants.branding.domains.checking import ask_for_due_checks, check_domain, check_due_domains, note
from tenants.branding.domains.letters import Notice, post
from tenants.branding.domains.lookups import Found, Proof
from tenants.branding.domains.services import choose_primary, claim_domain, own_domains, remove_domain
from tenants.foundation.errors import Conflict, NotFound
from tenants.models import CustomDomain, Domain, WorkItem
from tenants.tenancy import TenantRef, cell_scope, tenant_scope
from tenants.tenancy.directory import directory
from tests.companies import create_company, drop_company
from tests.fakes.events import PublishedEvents
from tests.fakes.name_server import NameServer
from tests.tenants.branding.domains.conftest import HOST

THERE = Found(Proof.THERE, "", leads_here=True)
GONE = Found(Proof.GONE, "There is no TXT record.")


@pytest.fixture
def claimed(tenant: TenantRef) -> CustomDomain:
    """A claim."""
    return claim_domain(host=HOST, actor=SYSTEM)


@pytest.fixture
def active(claimed: CustomDomain) -> CustomDomain:
    """A domain that is proved and leads here."""
    return note(claimed.pk, THERE, nonce=claimed.nonce)


def answers(host: str) -> int:
    """The status of the sign-in page under a host."""
    directory.forget()
    return Client(headers={"host": host}).get("/account/sign-in/").status_code


def test_nothing_is_reached_before_it_is_proved(
    claimed: CustomDomain, servers: tuple[NameServer, NameServer], publish_records: object
) -> None:
    publish_records(claimed, proof=False)  # type: ignore[operator]
    row = check_domain(domain_id=claimed.pk, actor=SYSTEM)
    assert (row.state, answers(HOST)) == ("pending", 404)
    publish_records(claimed, only_first=True)  # type: ignore[operator]
    row = check_domain(domain_id=claimed.pk, actor=SYSTEM)
    assert (row.state, "another does not" in row.proof_problem) == ("pending", True)


def test_proved_and_leading_here_it_is_answered(
    claimed: CustomDomain, publish_records: object, published_events: PublishedEvents
) -> None:
    publish_records(claimed, route=False)  # type: ignore[operator]
    row = check_domain(domain_id=claimed.pk, actor=SYSTEM)
    assert (row.state, answers(HOST), bool(row.route_problem)) == ("verified", 404, True)
    publish_records(claimed)  # type: ignore[operator]
    row = check_domain(domain_id=claimed.pk, actor=SYSTEM)
    assert (row.state, answers(HOST), row.route_problem) == ("active", 200, "")
    assert [event.payload()["to_state"] for event in published_events if event.name == "custom_domain.moved"] == [
        "verified", "active",
    ]  # fmt: skip


def test_an_answer_to_a_former_claim_proves_nothing(claimed: CustomDomain) -> None:
    assert note(claimed.pk, THERE, nonce="that of before").state == "pending"


def test_a_domain_removed_meanwhile_stays_removed(claimed: CustomDomain) -> None:
    remove_domain(domain_id=claimed.pk, actor=SYSTEM)
    with pytest.raises(NotFound):
        note(claimed.pk, THERE, nonce=claimed.nonce)
    assert not Domain.objects.filter(host=HOST).exists()


def test_a_record_that_is_gone_is_missed_for_a_week_and_then_the_name_leads_nowhere(
    active: CustomDomain, published_events: PublishedEvents
) -> None:
    choose_primary(domain_id=active.pk, actor=SYSTEM)
    row = note(active.pk, GONE, nonce=active.nonce)
    assert (row.state, row.missing_since is not None, answers(HOST)) == ("active", True, 200)
    CustomDomain.objects.filter(pk=row.pk).update(missing_since=timezone.now() - timedelta(days=6, hours=23))
    assert note(active.pk, GONE, nonce=active.nonce).state == "active"
    CustomDomain.objects.filter(pk=row.pk).update(missing_since=timezone.now() - timedelta(days=7))
    row = note(active.pk, GONE, nonce=active.nonce)
    assert (row.state, row.is_primary, answers(HOST)) == ("suspended", False, 404)
    assert published_events.names[-1] == "custom_domain.moved"
    row = note(active.pk, THERE, nonce=active.nonce)
    assert (row.state, row.missing_since, answers(HOST)) == ("active", None, 200)


def test_servers_that_do_not_answer_take_nothing_away(active: CustomDomain) -> None:
    CustomDomain.objects.filter(pk=active.pk).update(missing_since=timezone.now() - timedelta(days=30))
    row = note(active.pk, Found(Proof.UNKNOWN, "No answer."), nonce=active.nonce)
    assert (row.state, row.proof_problem) == ("active", "No answer.")


def test_a_name_that_leads_elsewhere_stays_while_the_proof_stands(active: CustomDomain) -> None:
    row = note(active.pk, Found(Proof.THERE, "", route_problem="It leads to 192.0.2.1."), nonce=active.nonce)
    assert (row.state, row.route_problem) == ("active", "It leads to 192.0.2.1.")


def test_whoever_proves_a_suspended_name_gets_it(
    active: CustomDomain, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    CustomDomain.objects.filter(pk=active.pk).update(missing_since=timezone.now() - timedelta(days=8))
    note(active.pk, GONE, nonce=active.nonce)
    with tenant_scope(other_tenant):
        theirs = claim_domain(host=HOST, actor=SYSTEM)
        assert note(theirs.pk, THERE, nonce=theirs.nonce).state == "active"
    assert directory.by_host(HOST) == other_tenant
    # The former proof is worth nothing, even where the old record still stands.
    assert note(active.pk, THERE, nonce=active.nonce).state == "pending"
    active.refresh_from_db()
    with pytest.raises(Conflict):
        note(active.pk, THERE, nonce=active.nonce)


def test_people_who_look_after_it_are_told_in_time_and_see_it_on_every_page(
    active: CustomDomain, host: str, owner: UserActor, member: UserActor, login_as: object
) -> None:
    row = note(active.pk, GONE, nonce=active.nonce)
    assert row.missing_since
    assert "The name stops working on" in login_as(owner).get("/settings/preferences/").content.decode()  # type: ignore[operator]
    assert "The name stops working on" not in login_as(member).get("/settings/preferences/").content.decode()  # type: ignore[operator]
    assert post(Notice.MISSING, HOST, (row.missing_since + checking.LOST_AFTER).date().isoformat()) == 1
    assert [(each.to, HOST in each.subject) for each in mail.outbox] == [([owner.user.email], True)]
    note(active.pk, GONE, nonce=active.nonce)
    note(active.pk, THERE, nonce=active.nonce)
    assert "The name stops working on" not in login_as(owner).get("/settings/preferences/").content.decode()  # type: ignore[operator]
    with cell_scope("cell_1"):
        told = WorkItem.objects.filter(kind="branding.tell_of_domain").order_by("created_at")
        assert [item.payload["notice"] for item in told] == ["missing", "restored"]


def test_who_looks_after_it_by_a_group_or_a_role_of_the_companys_own_is_told_too(
    active: CustomDomain, owner: UserActor, member: UserActor, guest: UserActor, manager: UserActor
) -> None:
    group = create_group(name="Safety", actor=SYSTEM)
    add_member(group=group, user=member.user, actor=SYSTEM)
    grant_role(holder=Holder("group", group.pk), role=Role.SECURITY, actor=SYSTEM)
    hosts = CustomRole.objects.create(name="Hosts", codes=["company.manage_domains"])
    RoleBinding.objects.create(user=guest.user, custom_role=hosts)
    assert post(Notice.RESTORED, HOST, "") == 3
    assert {each.to[0] for each in mail.outbox} == {
        each.user.email for each in (owner, member, guest)
    }  # not the manager


@pytest.mark.parametrize("notice", list(Notice))
def test_every_letter_can_be_written(active: CustomDomain, notice: Notice) -> None:
    assert post(notice, "xn--mller-kva.de", "2027-01-02" if notice is Notice.MISSING else "") == 1
    assert "müller.de" in mail.outbox[0].subject
    assert "/settings/domains/" in mail.outbox[0].body


def test_only_what_is_due_is_looked_up(active: CustomDomain) -> None:
    seen: list[str] = []

    def look(host: str, *_rest: str) -> Found:
        seen.append(host)
        return THERE

    assert check_due_domains(look=look) == 0
    CustomDomain.objects.filter(pk=active.pk).update(checked_at=timezone.now() - timedelta(days=1))
    waiting = claim_domain(host="other.example.com", actor=SYSTEM)
    CustomDomain.objects.filter(pk=waiting.pk).update(checked_at=timezone.now() - timedelta(days=9))
    assert (check_due_domains(look=look), seen) == (1, [HOST])


def test_the_platform_has_every_company_with_domains_look(active: CustomDomain, tenant: TenantRef) -> None:
    assert ask_for_due_checks() == 1
    with cell_scope("cell_1"):
        asked = WorkItem.objects.filter(kind="branding.check_domains", tenant_id=tenant.id)
        assert asked.count() == 1


def test_of_two_companies_that_prove_a_name_at_once_one_gets_it(committed_tenant: TenantRef) -> None:
    other = create_company()
    outcomes: dict[str, str] = {}
    start = threading.Barrier(2)

    def prove(ref: TenantRef) -> None:
        try:
            with tenant_scope(ref):
                row = own_domains().get(host=HOST)
                start.wait(30)
                outcomes[ref.slug] = note(row.pk, THERE, nonce=row.nonce).state
        except Conflict as conflict:
            outcomes[ref.slug] = conflict.code
        finally:
            connections.close_all()

    try:
        for ref in (committed_tenant, other.ref):
            with tenant_scope(ref):
                claim_domain(host=HOST, actor=SYSTEM)
        threads = [threading.Thread(target=prove, args=(ref,)) for ref in (committed_tenant, other.ref)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        # The one that came second is told so, or finds its claim fallen: never both.
        assert sorted(outcomes.values())[0] == "active"
        assert sorted(outcomes.values())[1] in ("conflict.domain_taken", "pending")
        assert Domain.objects.filter(host=HOST).count() == 1
        assert CustomDomain.objects.filter(host=HOST, state="active").count() == 1
    finally:
        drop_company(other)
