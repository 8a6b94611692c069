"""The published brand with every page at hand, without a query."""

import threading
from collections import OrderedDict

import structlog
from django.db import DatabaseError, InterfaceError, connections

from tenants.branding.models import Brand
from tenants.branding.values import BrandValues, values_as_made, values_of
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.errors import TenancyError
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)
MOST_KEPT = 2000


class PublishedBrands:
    """The published brands of this process, each as long as the directory remembers the company as it is.

    Publishing changes the company's row in the directory, so every process gets a new TenantRef within a second and
    looks here in vain: one query for each change and process, none for a page.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, tuple[TenantRef, BrandValues]] = OrderedDict()

    def of(self, tenant: TenantRef) -> BrandValues:
        """The published brand; as the company was made where its schema cannot be asked."""
        with self._lock:
            found = self._kept.get(tenant.id)
        if found is not None and found[0] is tenant:
            return found[1]
        values = _published(tenant)
        if values is None:
            return values_as_made(tenant)
        with self._lock:
            self._kept[tenant.id] = tenant, values
            self._kept.move_to_end(tenant.id)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return values


def _published(tenant: TenantRef) -> BrandValues | None:
    """None when it could not be asked: pages that tell of an error are drawn then, and need no second one."""
    if not doors_of(tenant.state).reads or connections[tenant.cell].needs_rollback:
        return None
    try:
        with tenant_scope(tenant), atomic(savepoint=False):
            row = Brand.objects.filter(stage=Brand.Stage.PUBLISHED).first()
    except (DatabaseError, InterfaceError, TenancyError) as error:
        log.warning("brand.not_read", error=type(error).__name__)
        return None
    return values_of(row) if row else values_as_made(tenant)


published_brands = PublishedBrands()


def published_brand(tenant: TenantRef) -> BrandValues:
    """The published brand of a company; its scope need not be open."""
    return published_brands.of(tenant)
