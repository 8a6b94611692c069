"""Owners take their company's data along, delete the company, and keep it by the link in the letter."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from tenants.accounts.access import UserActor
from tenants.lifecycle.operations import run_operation
from tenants.models import DeletionRequest, Domain, Operation, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.directory import directory
from tests.companies import OWNER_PASSWORD

PAGE, EXPORT, DELETE = "/settings/company/", "/settings/company/export/", "/settings/company/delete/"


@pytest.fixture(autouse=True)
def exports_dir(settings: Settings, tmp_path: Path) -> None:
    """Archives of this test lie here."""
    settings.EXPORTS_DIR = tmp_path


@pytest.fixture
def browser_of_owner(committed_tenant: TenantRef) -> Client:
    """A browser with the owner of a company of its own signed in, through the door."""
    directory.forget()
    client = Client(headers={"host": Domain.objects.get(tenant_id=committed_tenant.id).host})
    answer = client.post(
        "/account/sign-in/", {"login": f"owner@{committed_tenant.slug}.example", "password": OWNER_PASSWORD}
    )
    assert answer.status_code == 302
    return client


def test_an_export_is_asked_for_and_downloaded(committed_tenant: TenantRef, browser_of_owner: Client) -> None:
    assert "No exports yet" in browser_of_owner.get(PAGE).text
    assert browser_of_owner.post(EXPORT).status_code == 302
    page = browser_of_owner.get(PAGE).text
    assert "Being made" in page
    assert 'hx-trigger="every 3s"' in page
    operation = Operation.objects.get(tenant_id=committed_tenant.id, kind="export")
    run_operation(operation.pk)
    page = browser_of_owner.get(PAGE).text
    assert "every 3s" not in page
    link = f"/settings/company/exports/{operation.pk}/"
    assert link in page
    answer = browser_of_owner.get(link)
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert answer.headers["Content-Type"] == "application/zip"
    assert re.fullmatch(
        rf'attachment; filename="{committed_tenant.slug}-export-[0-9-]+\.zip"',
        answer.headers["Content-Disposition"],
    )
    assert answer.headers["Content-Length"] == str(len(content))
    assert "no-store" in answer.headers["Cache-Control"]
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None


def test_an_admin_sees_nothing_of_it(
    admin: UserActor, login_as: Callable[[UserActor], Client], tenant: TenantRef
) -> None:
    client = login_as(admin)
    assert client.get(PAGE).status_code == 403
    assert client.post(EXPORT).status_code == 403
    assert client.post(DELETE, {"confirm": tenant.slug}).status_code == 403
    assert Tenant.objects.get(pk=tenant.id).state == "active"


def test_a_deletion_is_confirmed_told_and_called_off_by_its_link(
    committed_tenant: TenantRef, browser_of_owner: Client
) -> None:
    wrong = browser_of_owner.post(DELETE, {"confirm": "another"})
    assert wrong.status_code == 422
    assert "The company was not deleted" in wrong.text
    asked = browser_of_owner.post(DELETE, {"confirm": committed_tenant.slug})
    assert asked.status_code == 200
    assert "will be deleted on" in asked.text
    assert browser_of_owner.get(PAGE).status_code == 503
    (letter,) = mail.outbox
    link = re.search(r"http\S+/company/deletion/\S+/", str(letter.body))
    assert link
    path = urlsplit(link[0]).path
    stranger = Client(headers={"host": browser_of_owner.defaults["HTTP_HOST"]}, enforce_csrf_checks=True)
    shown = stranger.get(path)
    assert shown.status_code == 200
    assert Tenant.objects.get(pk=committed_tenant.id).state == "pending_deletion"  # looking keeps nothing
    field = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', shown.text)
    assert field
    kept = stranger.post(path, {"csrfmiddlewaretoken": field[1]})
    assert kept.status_code == 200
    assert "is kept" in kept.text
    assert Tenant.objects.get(pk=committed_tenant.id).state == "active"
    assert browser_of_owner.get(PAGE).status_code == 200
    assert stranger.get(path).status_code == 404


def test_another_companys_link_keeps_nothing(committed_tenant: TenantRef, browser_of_owner: Client) -> None:
    browser_of_owner.post(DELETE, {"confirm": committed_tenant.slug})
    request = DeletionRequest.objects.get(tenant_id=committed_tenant.id)
    assert browser_of_owner.post(f"/company/deletion/{request.pk}/").status_code == 404
    with tenant_scope(committed_tenant), atomic():
        assert Tenant.objects.get(pk=committed_tenant.id).state == "pending_deletion"
