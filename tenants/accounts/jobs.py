"""Background work of the accounts."""

from uuid import UUID

from tenants.accounts.access.change_notices import send_change_letters
from tenants.accounts.access.left_alone import LETTER_JOB
from tenants.accounts.access.proposals import forget_expired_changes
from tenants.accounts.scim.brake import LETTER_JOB as SCIM_LETTER_JOB
from tenants.accounts.scim.key_expiry import KEY_LETTER_TO_JOB, tell_of_key, warn_of_keys
from tenants.accounts.scim.letters import LETTER_TO_JOB as SCIM_LETTER_TO_JOB
from tenants.accounts.scim.letters import ask_for_letters, tell
from tenants.accounts.sessions.links import SIGN_IN_LINK_JOB, delete_old_links, link_letter
from tenants.accounts.sessions.resetting import RESET_LETTER_JOB, send_reset_letter
from tenants.accounts.sso.notices import send_notices
from tenants.accounts.sso.sso_log import NOTICE_JOB
from tenants.accounts.sso.upkeep import look_after_sso
from tenants.accounts.tidying import TIDY_UP_JOB, tidy_up
from tenants.dispatch import Work, tenant_job


@tenant_job(TIDY_UP_JOB, max_attempts=3)
def tidy_up_accounts(work: Work) -> None:
    """Delete expired sessions and kept answers of one company; see to its single sign-on and its directories' keys."""
    tidy_up()
    while delete_old_links():
        pass
    while forget_expired_changes():
        pass
    warn_of_keys()
    look_after_sso()


@tenant_job(RESET_LETTER_JOB, max_attempts=5)
def send_password_reset(work: Work) -> None:
    """Send somebody the link with which they set a new password."""
    send_reset_letter(work.object_id)


@tenant_job(LETTER_JOB, max_attempts=5)
def tell_of_change(work: Work) -> None:
    """Tell those concerned of a change that waits for a second person, or what came of it."""
    if work.object_id is not None:
        send_change_letters(work.object_id)


@tenant_job(SIGN_IN_LINK_JOB, max_attempts=3, lets_in=True)
def send_sign_in_link(work: Work) -> None:
    """Send somebody the link and the code they asked for; trying again makes new ones."""
    letter = link_letter(work.object_id) if work.object_id is not None else None
    if letter is not None:
        letter.send()


@tenant_job(SCIM_LETTER_JOB, max_attempts=5)
def tell_of_held_people(work: Work) -> None:
    """Have administrators told that a directory was stopped."""
    ask_for_letters(work.object_id)


@tenant_job(SCIM_LETTER_TO_JOB, max_attempts=5)
def tell_administrator_of_held_people(work: Work) -> None:
    """Tell one of them."""
    tell(work.object_id, UUID(work.payload["directory"]))


@tenant_job(KEY_LETTER_TO_JOB, max_attempts=5)
def tell_administrator_of_key(work: Work) -> None:
    """Tell one of those who make keys that one runs out."""
    tell_of_key(work.object_id, UUID(work.payload["key"]), int(work.payload["days"]))


@tenant_job(NOTICE_JOB, max_attempts=5)
def tell_of_sso(work: Work) -> None:
    """Tell those who look after single sign-on what happened there."""
    if work.object_id is not None:
        send_notices(work.object_id)
