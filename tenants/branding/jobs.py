"""Background work of the brand."""

from tenants.branding.mail_servers.letters import TELL_OF_FAILURE, post_failure
from tenants.branding.services import MAKE_KNOWN_JOB, make_known
from tenants.dispatch import Work, tenant_job


@tenant_job(MAKE_KNOWN_JOB, max_attempts=8)
def make_brand_known(work: Work) -> None:
    """Bring name and colour of the published brand into the directory, if whoever published could not."""
    make_known()


@tenant_job(TELL_OF_FAILURE, max_attempts=8)
def tell_of_failing_mail_server(_work: Work) -> None:
    """Write to those who can mend the company's mail server."""
    post_failure()
