"""Background work of the accounts."""

from tenants.accounts.sessions.resetting import RESET_LETTER_JOB, send_reset_letter
from tenants.accounts.sso.upkeep import look_after_sso
from tenants.accounts.tidying import TIDY_UP_JOB, tidy_up
from tenants.dispatch import Work, tenant_job


@tenant_job(TIDY_UP_JOB, max_attempts=3)
def tidy_up_accounts(work: Work) -> None:
    """Delete expired sessions and kept answers of one company; see to its single sign-on."""
    tidy_up()
    look_after_sso()


@tenant_job(RESET_LETTER_JOB, max_attempts=5)
def send_password_reset(work: Work) -> None:
    """Send somebody the link with which they set a new password."""
    send_reset_letter(work.object_id)
