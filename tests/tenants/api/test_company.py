"""The API's owners export their company, delete it, and keep it by the token they got."""

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.lifecycle.export.services import MOST_A_DAY
from tenants.lifecycle.operations import run_operation
from tenants.models import Domain, Operation, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.directory import directory
from tests.people import token_client

EXPORTS, DELETION = "/api/v1/exports/", "/api/v1/company/deletion/"


@pytest.fixture(autouse=True)
def exports_dir(settings: Settings, tmp_path: Path) -> None:
    """Archives of this test lie here."""
    settings.EXPORTS_DIR = tmp_path


@pytest.fixture
def owners_api(committed_tenant: TenantRef) -> APIClient:
    """A program with all rights of the owner of a company of its own."""
    directory.forget()
    host = Domain.objects.get(tenant_id=committed_tenant.id).host
    with tenant_scope(committed_tenant), atomic():
        return token_client(host, actor_for(User.objects.get()))


def test_an_export_is_made_listed_and_downloaded(owners_api: APIClient) -> None:
    made = owners_api.post(EXPORTS)
    assert made.status_code == 201
    assert made.json()["state"] == "running"
    again = owners_api.post(EXPORTS)
    assert again.status_code == 409
    assert again.json()["code"] == "operations.one_at_a_time"
    one = f"{EXPORTS}{made.json()['id']}/"
    assert owners_api.get(f"{one}download/").status_code == 404
    run_operation(made.json()["id"])
    export = owners_api.get(one).json()
    assert export["state"] == "ready"
    assert owners_api.get(EXPORTS).json()["results"] == [export]
    answer = owners_api.get(f"{one}download/", headers={"Accept": "application/zip"})
    assert answer.status_code == 200
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert len(content) == export["bytes"] == int(answer.headers["Content-Length"])
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None


def test_a_post_repeated_with_its_key_makes_one_export(owners_api: APIClient) -> None:
    first, again = (owners_api.post(EXPORTS, headers={"Idempotency-Key": "monthly"}) for _ in range(2))
    assert again.status_code == 201
    assert again.json() == first.json()
    assert len(owners_api.get(EXPORTS).json()["results"]) == 1


def test_a_program_in_a_loop_does_not_fill_the_disk(
    owners_api: APIClient, committed_tenant: TenantRef
) -> None:
    made = owners_api.post(EXPORTS).json()
    run_operation(made["id"])
    rows = Operation.objects.filter(tenant_id=committed_tenant.id, kind=Operation.Kind.EXPORT)
    for _ in range(MOST_A_DAY - 1):
        Operation.objects.create(
            kind=Operation.Kind.EXPORT, tenant_id=committed_tenant.id, tenant_slug=committed_tenant.slug,
            asked_by="A loop", state=Operation.State.SUCCEEDED,
        )  # fmt: skip
    refused = owners_api.post(EXPORTS)
    assert refused.status_code == 429
    assert refused.json()["code"] == "exports.too_many"
    assert 86_000 < int(refused.headers["Retry-After"]) <= 86_400
    assert rows.count() == MOST_A_DAY
    rows.filter(pk=made["id"]).update(created_at=timezone.now() - timedelta(days=1))
    assert owners_api.post(EXPORTS).status_code == 201


def test_an_admin_may_neither_export_nor_delete(
    admin: UserActor, host: str, login_as: Callable[[UserActor], Client]
) -> None:
    client = token_client(host, admin)
    assert client.get(EXPORTS).status_code == 403
    assert client.post(EXPORTS).status_code == 403
    assert client.post(DELETION, {"confirm": "north"}).status_code == 403


def test_a_company_is_deleted_and_kept(owners_api: APIClient, committed_tenant: TenantRef) -> None:
    assert owners_api.get(DELETION).json()["is_asked_for"] is False
    wrong = owners_api.post(DELETION, {"confirm": "another"})
    assert wrong.status_code == 422
    assert [each["pointer"] for each in wrong.json()["errors"]] == ["/confirm"]
    asked = owners_api.post(DELETION, {"confirm": committed_tenant.slug})
    assert asked.status_code == 201
    assert owners_api.get(EXPORTS).status_code == 503
    assert owners_api.delete(DELETION).status_code == 422
    assert owners_api.delete(f"{DELETION}?token=invented").status_code == 404
    assert Tenant.objects.get(pk=committed_tenant.id).state == "pending_deletion"
    stranger = APIClient(headers={"host": Domain.objects.get(tenant_id=committed_tenant.id).host})
    assert stranger.get(DELETION).status_code == 401
    assert stranger.delete(f"{DELETION}?token={asked.json()['token']}").status_code == 204
    assert Tenant.objects.get(pk=committed_tenant.id).state == "active"
    assert owners_api.get(EXPORTS).status_code == 200
    assert stranger.delete(f"{DELETION}?token={asked.json()['token']}").status_code == 404
