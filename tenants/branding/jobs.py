"""Background work of the brand."""

from tenants.branding.services import MAKE_KNOWN_JOB, make_known
from tenants.dispatch import Work, tenant_job


@tenant_job(MAKE_KNOWN_JOB, max_attempts=8)
def make_brand_known(work: Work) -> None:
    """Bring name and colour of the published brand into the directory, if whoever published could not."""
    make_known()
