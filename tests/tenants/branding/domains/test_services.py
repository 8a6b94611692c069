"""Claiming domains and giving them up: whose they are, and what falls with them."""

import pytest
from django.test import Client

from tenants.accounts.access import SYSTEM, UserActor
from tenants.accounts.models import UserSession
from tenants.accounts.sessions.services import note_sign_in
from tenants.accounts.sessions.store import SessionStore
from tenants.branding.domains.checking import check_domain
from tenants.branding.domains.services import (
    choose_primary,
    claim_domain,
    own_domains,
    proof_of,
    remove_domain,
    target,
)
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.models import CustomDomain, Domain, Tenant
from tenants.tenancy import TenantRef, tenant_scope
from tenants.tenancy.addresses import canonical_host, primary_host
from tenants.tenancy.directory import directory
from tests.fakes.events import PublishedEvents
from tests.people import signed_in_client
from tests.tenants.branding.domains.conftest import HOST


@pytest.fixture
def row(tenant: TenantRef, publish_records: object) -> CustomDomain:
    """An active domain."""
    made = claim_domain(host=HOST, actor=SYSTEM)
    publish_records(made)  # type: ignore[operator]
    return check_domain(domain_id=made.pk, actor=SYSTEM)


def test_a_member_claims_nothing(member: UserActor) -> None:
    with pytest.raises(Forbidden):
        claim_domain(host=HOST, actor=member)


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("north.portal.example.com", "platform's own"),
        ("portal.example.com", "platform's own"),
        ("example.com", "platform's own"),
        ("edge.example.net", "platform's own"),
        ("north.p0rtal.exarnple.com", "mistaken"),
        ("north.pörtal.example.com", "mistaken"),
    ],
)
def test_names_of_the_platform_and_what_looks_like_them_are_refused(
    tenant: TenantRef, settings: object, host: str, why: str
) -> None:
    settings.BASE_DOMAIN, settings.CUSTOM_DOMAIN_TARGET = "portal.example.com", "edge.example.net"  # type: ignore[attr-defined]
    with pytest.raises(InvalidInput, match=why):
        claim_domain(host=host, actor=SYSTEM)
    assert not own_domains().exists()


def test_the_platform_itself_has_none(tenant: TenantRef) -> None:
    Tenant.objects.filter(pk=tenant.id).update(slug="platform")
    with tenant_scope(Tenant.objects.get(pk=tenant.id).ref), pytest.raises(Conflict):
        claim_domain(host=HOST, actor=SYSTEM)


def test_a_domain_is_on_the_list_once_and_the_list_has_an_end(tenant: TenantRef) -> None:
    claim_domain(host=HOST, actor=SYSTEM)
    with pytest.raises(Conflict):
        claim_domain(host=HOST.upper(), actor=SYSTEM)
    for number in range(19):
        claim_domain(host=f"n{number}.example.com", actor=SYSTEM)
    with pytest.raises(Conflict, match="At most"):
        claim_domain(host="n20.example.com", actor=SYSTEM)


def test_a_proof_is_of_one_company_one_name_and_one_claim(tenant: TenantRef, other_tenant: TenantRef) -> None:
    row = claim_domain(host=HOST, actor=SYSTEM)
    ours = proof_of(row)
    assert ours[0] == f"_nts-challenge.{HOST}"
    with tenant_scope(other_tenant):
        assert proof_of(row)[1] != ours[1]
    remove_domain(domain_id=row.pk, actor=SYSTEM)
    assert proof_of(claim_domain(host=HOST, actor=SYSTEM))[1] != ours[1]


def test_a_domain_another_company_has_proved_is_refused(row: CustomDomain, other_tenant: TenantRef) -> None:
    with tenant_scope(other_tenant), pytest.raises(Conflict, match="Another company"):
        claim_domain(host=HOST, actor=SYSTEM)


def test_a_name_that_looks_like_another_companys_is_refused(
    tenant: TenantRef, other_tenant: TenantRef, publish_records: object
) -> None:
    made = claim_domain(host="apple.example.com", actor=SYSTEM)
    publish_records(made)  # type: ignore[operator]
    check_domain(domain_id=made.pk, actor=SYSTEM)
    with tenant_scope(other_tenant):
        with pytest.raises(InvalidInput, match="mistaken"):
            claim_domain(host="\u0430\u0440\u0440\u04cf\u0435.example.com", actor=SYSTEM)
        assert claim_domain(host="apply.example.com", actor=SYSTEM)


def test_an_unproved_claim_stands_in_nobodys_way(
    tenant: TenantRef, other_tenant: TenantRef, publish_records: object
) -> None:
    squatted = claim_domain(host=HOST, actor=SYSTEM)
    with tenant_scope(other_tenant):
        theirs = claim_domain(host=HOST, actor=SYSTEM)
        publish_records(theirs)  # type: ignore[operator]
        assert check_domain(domain_id=theirs.pk, actor=SYSTEM).state == "active"
    nonce = squatted.nonce
    squatted.refresh_from_db()
    assert (squatted.state, squatted.nonce != nonce) == ("pending", True)
    assert "Another company" in squatted.proof_problem


def test_what_is_another_companys_is_not_found(row: CustomDomain, other_tenant: TenantRef) -> None:
    with tenant_scope(other_tenant):
        for act in (
            lambda: remove_domain(domain_id=row.pk, actor=SYSTEM),
            lambda: choose_primary(domain_id=row.pk, actor=SYSTEM),
            lambda: check_domain(domain_id=row.pk, actor=SYSTEM),
        ):
            with pytest.raises(NotFound):
                act()


def test_removing_frees_the_name_at_once_and_ends_its_sign_ins(
    row: CustomDomain, tenant: TenantRef, other_tenant: TenantRef, owner: UserActor,
    published_events: PublishedEvents,
) -> None:  # fmt: skip
    for host in (HOST, canonical_host()):
        note_sign_in(
            session=SessionStore(), user=owner.user, method="password", second_factor="", address="127.0.0.1",
            user_agent="", host=host,
        )  # fmt: skip
    remove_domain(domain_id=row.pk, actor=SYSTEM)
    assert directory.by_host(HOST) is None
    ended = dict(UserSession.objects.filter(user=owner.user).values_list("host", "ended_because"))
    assert ended == {HOST: "domain_removed", canonical_host(): ""}
    assert published_events.names[-1] == "custom_domain.removed"
    with tenant_scope(other_tenant):
        assert claim_domain(host=HOST, actor=SYSTEM)


def test_a_sign_in_of_one_host_is_nothing_on_another(row: CustomDomain, owner: UserActor, host: str) -> None:
    browser = signed_in_client(host, owner)
    assert browser.get("/settings/preferences/").status_code == 200
    UserSession.objects.filter(user=owner.user).update(host=HOST)
    assert browser.get("/settings/preferences/").status_code == 302
    carried = Client(headers={"host": HOST})
    carried.cookies = browser.cookies
    UserSession.objects.filter(user=owner.user).update(host=HOST)
    assert carried.get("/settings/preferences/").status_code == 200


def test_the_canonical_host_is_nobodys_to_remove(tenant: TenantRef) -> None:
    domain = Domain.objects.get(tenant_id=tenant.id)
    forged = CustomDomain.objects.create(
        tenant_id=tenant.id, host=HOST, skeleton=HOST, nonce="n", domain=domain, state="active"
    )
    remove_domain(domain_id=forged.pk, actor=SYSTEM)
    assert Domain.objects.filter(pk=domain.pk).exists()


def test_letters_lead_to_the_chosen_host_and_sso_stays(row: CustomDomain, tenant: TenantRef) -> None:
    canonical = canonical_host()
    assert choose_primary(domain_id=row.pk, actor=SYSTEM) == HOST
    assert (primary_host(), canonical_host()) == (HOST, canonical)
    assert choose_primary(domain_id=None, actor=SYSTEM) == canonical
    assert primary_host() == canonical


def test_only_an_active_domain_is_led_to(tenant: TenantRef) -> None:
    row = claim_domain(host=HOST, actor=SYSTEM)
    with pytest.raises(Conflict):
        choose_primary(domain_id=row.pk, actor=SYSTEM)


def test_without_a_target_the_companys_own_host_is_it(tenant: TenantRef, settings: object) -> None:
    settings.CUSTOM_DOMAIN_TARGET = ""  # type: ignore[attr-defined]
    assert target() == canonical_host()
    settings.CUSTOM_DOMAIN_TARGET = "edge.example.net"  # type: ignore[attr-defined]
    assert target() == "edge.example.net"
