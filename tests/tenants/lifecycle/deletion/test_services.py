"""A deletion is asked for with care, told to every owner, and called off as if nothing had been."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role
from tenants.accounts.services import create_user
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.lifecycle.deletion.letters import request_of_token
from tenants.lifecycle.deletion.services import (
    begin_deletion,
    cancel_deletion,
    delete_due_companies,
    deletion_of,
    request_deletion,
)
from tenants.lifecycle.export.services import begin_export
from tenants.lifecycle.transitions import change_state
from tenants.models import DeletionRequest, Operation, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.people import PASSWORD
from tests.tenants.lifecycle.deletion.conftest import standing_of


def ask(company: TenantRef) -> DeletionRequest:
    return request_deletion(
        tenant_id=company.id, asked_by="Olga Owner-Example", asked_as="owner", confirm=company.slug
    )


def state_of(company: TenantRef) -> str:
    return Tenant.objects.get(pk=company.id).state


def test_asking_closes_the_doors_for_thirty_days_and_deletes_nothing(company: TenantRef) -> None:
    before = standing_of(company)
    ask(company)
    tenant = Tenant.objects.get(pk=company.id)
    assert tenant.state == "pending_deletion"
    assert tenant.delete_after is not None
    assert timedelta(days=29, hours=23) < tenant.delete_after - timezone.now() <= timedelta(days=30)
    assert delete_due_companies() == 0
    assert standing_of(company) == before


def test_every_owner_is_told_in_their_language_how_to_keep_it(company: TenantRef) -> None:
    with tenant_scope(company), atomic():
        owner = create_user(
            email="otto@example.com", name="Otto Example", role=Role.OWNER, password=PASSWORD, actor=SYSTEM
        )
        owner.language = "de"
        owner.save()
        create_user(email="mia@example.com", name="Mia", role=Role.ADMIN, password=PASSWORD, actor=SYSTEM)
    request = ask(company)
    assert sorted(letter.to[0] for letter in mail.outbox) == [
        "otto@example.com",
        f"owner@{company.slug}.example",
    ]
    for letter in mail.outbox:
        assert company.name in letter.subject
        link = re.search(rf"http://{company.slug}\.localhost:8000/company/deletion/(\S+)/", str(letter.body))
        assert link
        assert request_of_token(link[1], tenant_id=company.id) == request
        with pytest.raises(NotFound):
            request_of_token(link[1], tenant_id=request.pk)
    dates = {letter.subject.rpartition(" on ")[2] for letter in mail.outbox}
    assert len(dates) == 2  # each writes the day as they do


def test_called_off_everything_is_as_it_was(company: TenantRef) -> None:
    before = standing_of(company)
    ask(company)
    cancel_deletion(tenant_id=company.id, asked_by="Olga Owner-Example")
    tenant = Tenant.objects.get(pk=company.id)
    assert (tenant.state, tenant.delete_after, tenant.state_reason) == ("active", None, "")
    assert standing_of(company) == before
    assert deletion_of(company.id) is None
    assert mail.outbox[-1].subject == f"{company.name} is kept"
    ask(company)  # and it may be asked for again
    assert state_of(company) == "pending_deletion"


def test_calling_it_off_does_not_open_a_suspended_company(company: TenantRef) -> None:
    change_state(company.id, Tenant.State.SUSPENDED, reason="The bill was not paid.")
    ask(company)
    cancel_deletion(tenant_id=company.id, asked_by="Olga")
    tenant = Tenant.objects.get(pk=company.id)
    assert (tenant.state, tenant.state_reason) == ("suspended", "The bill was not paid.")


@pytest.mark.parametrize("typed", ["", "another", "north"])
def test_without_the_slug_typed_nothing_happens(company: TenantRef, typed: str) -> None:
    with pytest.raises(InvalidInput):
        request_deletion(tenant_id=company.id, asked_by="Olga", confirm=typed)
    assert state_of(company) == "active"
    assert mail.outbox == []


def test_it_is_asked_for_once_and_not_beside_another_operation(company: TenantRef) -> None:
    operation = begin_export(tenant_id=company.id, asked_by="Olga")
    with pytest.raises(Conflict):
        ask(company)
    Operation.objects.filter(pk=operation.pk).delete()
    ask(company)
    with pytest.raises(Conflict):
        ask(company)


def test_the_platforms_own_tenant_is_never_deleted(company: TenantRef) -> None:
    Tenant.objects.filter(pk=company.id).update(slug="platform")
    with pytest.raises(Conflict):
        request_deletion(tenant_id=company.id, asked_by="Olga", confirm="platform")
    assert not DeletionRequest.objects.filter(tenant_id=company.id).exists()


def test_before_its_time_it_is_not_begun_and_afterwards_not_called_off(company: TenantRef) -> None:
    request = ask(company)
    with pytest.raises(Conflict):
        begin_deletion(tenant_id=company.id, asked_by="Olga")
    DeletionRequest.objects.filter(pk=request.pk).update(delete_after=timezone.now())
    assert delete_due_companies() == 1
    assert delete_due_companies() == 0
    with pytest.raises(Conflict):
        cancel_deletion(tenant_id=company.id, asked_by="Olga")


def test_what_nobody_asked_for_is_neither_begun_nor_called_off(company: TenantRef) -> None:
    with pytest.raises(NotFound):
        begin_deletion(tenant_id=company.id, asked_by="Olga", at_once=True)
    with pytest.raises(NotFound):
        cancel_deletion(tenant_id=company.id, asked_by="Olga")
