"""Asking people in by the API: a link and a letter, nobody above oneself, nothing of another company's."""

from uuid import uuid4

import pytest
from django.core import mail
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.invitations.services import invite_user, open_invitation
from tenants.accounts.models import Invitation
from tenants.models import Domain
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.people import person, token_client

BEN = {"email": "ben@acme.example", "name": "Ben Made-Up", "role": "member"}
ADDRESS = "/api/v1/invitations/"


@pytest.fixture
def api_of(tenant: TenantRef) -> APIClient:
    host = Domain.objects.get(tenant_id=tenant.id).host
    return token_client(host, person(tenant, Role.ADMIN, "Ada Admin-Example"), is_careful=True)


def test_an_invitation_brings_a_link_and_a_letter(
    api_of: APIClient,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    tenant: TenantRef,
) -> None:
    with django_capture_on_commit_callbacks(using=tenant.cell, execute=True):
        made = api_of.post(ADDRESS, BEN)
    assert made.status_code == 201, made.json()
    token = made.json()["link"].rstrip("/").rpartition("/")[2]
    assert open_invitation(token).email == BEN["email"]
    assert made.json()["link"] in mail.outbox[-1].body
    assert mail.outbox[-1].to == [BEN["email"]]
    listed = api_of.get(ADDRESS).json()["results"]
    assert [row["email"] for row in listed] == [BEN["email"]]
    assert "link" not in listed[0], "seen once"


def test_no_letter_goes_out_when_none_is_wanted(
    api_of: APIClient,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    tenant: TenantRef,
) -> None:
    with django_capture_on_commit_callbacks(using=tenant.cell, execute=True):
        api_of.post(ADDRESS, BEN | {"send": False})
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"email": "no address"}, 422),
        ({"role": "emperor"}, 422),
        ({"role": "owner"}, 403),
        ({"more": 1}, 422),
    ],
)
def test_what_cannot_be_is_refused(api_of: APIClient, change: dict[str, object], status: int) -> None:
    answer = api_of.post(ADDRESS, BEN | change)
    assert answer.status_code == status, answer.json()
    assert not Invitation.objects.filter(email=BEN["email"]).exists()


def test_a_new_link_takes_the_place_of_a_lost_one(api_of: APIClient) -> None:
    first = api_of.post(ADDRESS, BEN).json()
    second = api_of.post(f"{ADDRESS}{first['id']}/renew/").json()
    assert second["link"] != first["link"]
    assert Invitation.objects.filter(revoked_at=None).count() == 1


def test_an_invitation_is_taken_back(api_of: APIClient) -> None:
    made = api_of.post(ADDRESS, BEN).json()
    assert api_of.delete(f"{ADDRESS}{made['id']}/").status_code == 204
    assert api_of.get(f"{ADDRESS}{made['id']}/").status_code == 404


def test_a_call_repeated_with_its_key_invites_once(api_of: APIClient) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    assert api_of.post(ADDRESS, BEN, headers=key).json() == api_of.post(ADDRESS, BEN, headers=key).json()
    assert Invitation.objects.count() == 1


def test_members_invite_nobody(tenant: TenantRef, member: UserActor) -> None:
    client = token_client(Domain.objects.get(tenant_id=tenant.id).host, member)
    assert client.post(ADDRESS, BEN).status_code == 403
    assert client.get(ADDRESS).status_code == 403


def test_another_companys_invitation_is_not_there(api_of: APIClient, other_tenant: TenantRef) -> None:
    with tenant_scope(other_tenant), atomic():
        theirs = invite_user(email="eve@south.example", role=Role.MEMBER, actor=SYSTEM).invitation.pk
    assert api_of.get(f"{ADDRESS}{theirs}/").status_code == 404
    assert api_of.delete(f"{ADDRESS}{theirs}/").status_code == 404
