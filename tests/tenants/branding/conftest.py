"""Images these tests leave in the storage go with them."""

from collections.abc import Iterator

import pytest

from tenants.lifecycle.export.stored_files import delete_stored_files
from tenants.tenancy import TenantRef


@pytest.fixture
def no_files_left(tenant: TenantRef) -> Iterator[None]:
    """Nothing stays in the company's folder."""
    yield
    delete_stored_files(tenant)
