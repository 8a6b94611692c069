"""Two filled companies, and somebody of the one who asks for what the other has."""

import pytest
from django.test import Client

from tenants.accounts.access import UserActor
from tenants.tenancy import TenantRef
from tests.architecture.canary import Canary
from tests.people import signed_in_client


@pytest.fixture
def mine(tenant: TenantRef, other_tenant: TenantRef) -> Canary:
    return Canary(tenant).fill()


@pytest.fixture
def theirs(mine: Canary, other_tenant: TenantRef) -> Canary:
    return Canary(other_tenant).fill()


@pytest.fixture
def asker(host: str, owner: UserActor) -> Client:
    """The owner of the one company, on its host."""
    client = signed_in_client(host, owner)
    client.raise_request_exception = False
    return client
