"""The brand for whoever manages it."""

from tenants.accounts.access import Actor, require
from tenants.branding.permissions import MANAGE_BRANDING
from tenants.branding.stages import BrandInWork, in_work, rows_by_stage
from tenants.tenancy import atomic


@atomic
def brand_in_work(*, actor: Actor | None) -> BrandInWork:
    """The brand for whoever manages it. Raises: Forbidden."""
    require(actor, MANAGE_BRANDING)
    return in_work(rows_by_stage())
