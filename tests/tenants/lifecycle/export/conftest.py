"""A furnished company, its archive, and a folder of the test's own for archives."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from tenants.lifecycle.export.keeping import open_archive
from tenants.lifecycle.export.services import begin_export
from tenants.lifecycle.export.stored_files import delete_stored_files
from tenants.lifecycle.operations import run_operation
from tenants.models import Operation
from tenants.secrets.keys import forget_keys
from tenants.tenancy import TenantRef
from tests.factories.companies import furnish


@pytest.fixture(autouse=True)
def exports_dir(settings: Settings, tmp_path: Path) -> Path:
    """Archives of this test lie here."""
    settings.EXPORTS_DIR = tmp_path / "exports"
    return tmp_path / "exports"


@pytest.fixture
def company(committed_tenant: TenantRef) -> Iterator[TenantRef]:
    """A company with a little of everything."""
    forget_keys()
    furnish(committed_tenant)
    yield committed_tenant
    delete_stored_files(committed_tenant)
    Operation.objects.filter(tenant_id=committed_tenant.id).delete()


@pytest.fixture
def export(company: TenantRef) -> Operation:
    """A finished export of it."""
    operation = run_operation(begin_export(tenant_id=company.id, asked_by="Olga Owner-Example").pk)
    assert operation.state == Operation.State.SUCCEEDED, operation.error
    return operation


@pytest.fixture
def archive(company: TenantRef, export: Operation) -> Iterator[zipfile.ZipFile]:
    """The opened archive."""
    with zipfile.ZipFile(io.BytesIO(b"".join(open_archive(company.id, export.pk)))) as opened:
        yield opened


@pytest.fixture
def manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    """What its manifest says."""
    document: dict[str, Any] = json.loads(archive.read("manifest.json"))["document"]
    return document
