"""Reactions of the tasks to what others announce: approvals that wait for somebody who cannot answer any more."""

from collections.abc import Sequence

from tasks.approvals.settling import ask_to_look_again
from tasks.events import ShareTakenBack
from tenants.accounts.events import AccessChanged
from tenants.lifecycle.restoring.events import CompanyRestored
from tenants.outbox.bus import subscribe, subscribe_in_batches


@subscribe_in_batches(AccessChanged)
def look_at_approvals_after_access_changed(_events: Sequence[AccessChanged]) -> None:
    """Somebody was shut out, or lost a role or a group: one look for all of them, in a job, which locks one by one."""
    ask_to_look_again()


@subscribe_in_batches(ShareTakenBack)
def look_at_approvals_after_a_share_went(_events: Sequence[ShareTakenBack]) -> None:
    """A client something is no longer shared with is not waited for."""
    ask_to_look_again()


@subscribe(CompanyRestored)
def look_at_approvals_after_a_restore(_event: CompanyRestored) -> None:
    """The approvals are those of that day, and some of their people were shut out since."""
    ask_to_look_again()
