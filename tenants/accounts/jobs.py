"""Background work of the accounts."""

from tenants.accounts.tidying import TIDY_UP_JOB, tidy_up
from tenants.dispatch import Work, tenant_job


@tenant_job(TIDY_UP_JOB, max_attempts=3)
def tidy_up_accounts(work: Work) -> None:
    """Delete expired sessions and kept answers of one company."""
    tidy_up()
