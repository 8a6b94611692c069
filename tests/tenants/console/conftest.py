"""The test's company made the platform's own tenant, and a window on its host with an operator signed in."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants.accounts.access import Role, UserActor
from tenants.models import Domain, Tenant
from tenants.tenancy import TenantRef
from tenants.tenancy.directory import directory
from tests.people import person, signed_in_client


@pytest.fixture
def platform_host(tenant: TenantRef) -> str:
    """The test's company, made the platform's own tenant for the length of the test."""
    Tenant.objects.filter(pk=tenant.id).update(slug="platform")
    directory.forget()
    return Domain.objects.get(tenant_id=tenant.id).host


@pytest.fixture
def operator(platform_host: str, owner: UserActor) -> Client:
    """Somebody who may do everything on the platform."""
    return signed_in_client(platform_host, owner)


@pytest.fixture
def onlooker(platform_host: str, tenant: TenantRef) -> Client:
    """Somebody who may look at the platform and change nothing."""
    return signed_in_client(platform_host, person(tenant, Role.MEMBER, "Otto Onlooker-Example"))


@pytest.fixture
def company(other_tenant: TenantRef, platform_host: str) -> Tenant:
    """A company of the platform."""
    return Tenant.objects.get(pk=other_tenant.id)


@pytest.fixture
def text_of(operator: Client) -> Callable[..., str]:
    """What a page says to an operator."""

    def ask(path: str, **headers: Any) -> str:
        answer = operator.get(path, headers=headers)
        assert answer.status_code == 200, answer.content
        return answer.content.decode()

    return ask
