"""A company that goes and a neighbour that stays, both with a little of everything."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from django.conf import settings as django_settings
from django.db import connections
from pytest_django import Settings

from tenants.lifecycle.export.keeping import folder_of
from tenants.lifecycle.export.services import begin_export
from tenants.lifecycle.export.stored_files import delete_stored_files, stored_files
from tenants.lifecycle.operations import run_operation
from tenants.models import (
    DataKey,
    DeletionCertificate,
    DeletionRequest,
    Domain,
    Operation,
    RetiredName,
    WorkItem,
)
from tenants.secrets.keys import forget_keys
from tenants.secrets.models import Secret
from tenants.secrets.services import reveal_secret
from tenants.tenancy import TenantRef, atomic, cell_scope, tenant_scope
from tests.companies import create_company, drop_company
from tests.factories.companies import TOKEN, furnish, rows_of


@pytest.fixture(autouse=True)
def exports_dir(settings: Settings, tmp_path: Path) -> Path:
    """Archives of this test lie here."""
    settings.EXPORTS_DIR = tmp_path / "exports"
    return tmp_path / "exports"


@dataclass(frozen=True)
class Standing:
    """All that there is of a company outside of what it shares with nobody: comparable before and after."""

    rows: dict[str, str]
    work: Sequence[object]
    keys: Sequence[object]
    hosts: list[str]
    archives: list[str]
    files: dict[str, bytes]
    cached: list[bytes]
    secret: str


def standing_of(tenant: TenantRef) -> Standing:
    """Read everything a company has, its secret through the vault."""
    forget_keys()
    with tenant_scope(tenant), atomic():
        secret = reveal_secret(Secret.objects.get().pk).reveal()
    with cell_scope(tenant.cell), atomic():
        work = list(
            WorkItem.objects.filter(tenant_id=tenant.id).order_by("pk").values_list("pk", "kind", "state")
        )
    return Standing(
        rows=rows_of(tenant),
        work=work,
        keys=list(
            DataKey.objects.filter(tenant_id=tenant.id).order_by("pk").values_list("pk", "state", "wrapped")
        ),
        hosts=list(Domain.objects.filter(tenant_id=tenant.id).values_list("host", flat=True)),
        files=files_of(tenant),
        archives=sorted(str(each) for each in folder_of(tenant.id).rglob("*")),
        cached=sorted(valkey().keys(f"*{tenant.id}*")),  # type: ignore[arg-type]
        secret=secret,
    )


def files_of(tenant: TenantRef) -> dict[str, bytes]:
    """The company's uploaded files."""
    found = {}
    for each in stored_files(tenant):
        with each.opened() as parts:
            found[each.name] = b"".join(parts)
    return found


def valkey() -> redis.Redis:
    """This worker's own Valkey database."""
    return redis.Redis.from_url(django_settings.REDIS_URL)


def furnish_whole(tenant: TenantRef) -> None:
    """Rows, an export, and something in the cache."""
    furnish(tenant)
    run_operation(begin_export(tenant_id=tenant.id, asked_by="Olga Owner-Example").pk)
    with valkey() as store:
        store.set(f"nts:{tenant.id}:session:1:abc", "somebody")
        store.set(f"sync:limit:{{{tenant.id}}}:calls", "7")


@pytest.fixture
def company(committed_tenant: TenantRef) -> Iterator[TenantRef]:
    """The company that goes."""
    furnish_whole(committed_tenant)
    assert standing_of(committed_tenant).secret == TOKEN
    yield committed_tenant
    delete_stored_files(committed_tenant)
    Operation.objects.filter(tenant_id=committed_tenant.id).delete()
    DeletionRequest.objects.all().delete()
    DeletionCertificate.objects.all().delete()
    RetiredName.objects.all().delete()


@pytest.fixture
def neighbour(company: TenantRef) -> Iterator[TenantRef]:
    """The company beside it, in the same cell."""
    tenant = create_company(name="Neighbour Works")
    furnish_whole(tenant.ref)
    yield tenant.ref
    delete_stored_files(tenant.ref)
    connections.close_all()
    Operation.objects.filter(tenant_id=tenant.pk).delete()
    drop_company(tenant)
