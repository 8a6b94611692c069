"""People of the company for the tests of tasks, by role."""

import pytest

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import User
from tenants.tenancy import TenantRef


def actor_with(role: Role) -> UserActor:
    user = User.objects.create(email=f"{role}@north.example", name=f"{role.title()} Example")
    return UserActor(user=user, roles=frozenset({role}))


@pytest.fixture
def manager(tenant: TenantRef) -> UserActor:
    return actor_with(Role.MANAGER)


@pytest.fixture
def member(tenant: TenantRef) -> UserActor:
    return actor_with(Role.MEMBER)


@pytest.fixture
def guest(tenant: TenantRef) -> UserActor:
    return actor_with(Role.GUEST)
