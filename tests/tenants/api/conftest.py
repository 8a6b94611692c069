"""The test's company made the platform's own tenant, and programs with tokens of its people."""

import pytest
from rest_framework.test import APIClient

from tenants.accounts.access import Role, UserActor
from tenants.accounts.selectors import actor_for
from tenants.models import Domain, Tenant
from tenants.tenancy import TenantRef, tenant_scope
from tenants.tenancy.directory import directory
from tests.people import person, token_client


@pytest.fixture
def platform(tenant: TenantRef) -> TenantRef:
    """The platform's own tenant for the length of the test."""
    Tenant.objects.filter(pk=tenant.id).update(slug="platform")
    directory.forget()
    return Tenant.objects.get(pk=tenant.id).ref


@pytest.fixture
def operator_api(platform: TenantRef, owner: UserActor) -> APIClient:
    """A program that may do everything on the platform."""
    with tenant_scope(platform):
        return token_client(Domain.objects.get(tenant_id=platform.id).host, actor_for(owner.user))


@pytest.fixture
def onlooker_api(platform: TenantRef) -> APIClient:
    """A program that may look at the platform and change nothing."""
    with tenant_scope(platform):
        onlooker = person(platform, Role.MEMBER, "Otto Onlooker-Example")
        return token_client(Domain.objects.get(tenant_id=platform.id).host, onlooker)
