"""Entry points for background work: load, call a service, stop."""

from datetime import timedelta
from typing import Final

from django.utils import timezone

from integrations.bootstrap.building import give_up_setup, run_setup
from integrations.bootstrap.figures import write_figures
from integrations.models import Connection, SyncRun
from integrations.oauth.grants import give_back_grant
from integrations.oauth.routes import keep_routes
from integrations.services import enqueue_pushes
from integrations.sync.bodies import read_bodies
from integrations.sync.events.debounce import QUIET_SECONDS
from integrations.sync.events.dirty_set import is_anything_waiting, next_put_off
from integrations.sync.events.handling import handle_events
from integrations.sync.events.storing import EVENTS_JOB, ask_for_later_events
from integrations.sync.keeping import KEEPING_JOB, forget_history
from integrations.sync.outcomes import give_up_run
from integrations.sync.polling import ask_for_bodies, is_polled, poll_connection, seconds_between_looks
from integrations.sync.push.sender import SOON_SECONDS, push_changes, wait_for_next
from integrations.sync.push.unsent import Scope, request_unsent
from integrations.sync.safety.running import carry_out_run
from integrations.sync.services import discover_collections
from tenants.accounts.access import SYSTEM
from tenants.dispatch import Retry, Work, tenant_job
from tenants.foundation.errors import LimitReached
from tenants.tenancy import atomic

_RUN_ATTEMPTS: Final = 8
_REVOKE_ATTEMPTS: Final = 6


@tenant_job("integrations.run_sync", max_attempts=_RUN_ATTEMPTS)
def run_sync_job(work: Work) -> None:
    """Carry a run out, then have the texts of new pages read."""
    assert work.object_id is not None
    try:
        carry_out_run(run_id=work.object_id, heartbeat=work.heartbeat)
    except LimitReached as limit:
        raise Retry(str(limit), after_seconds=limit.retry_after_seconds or 5.0) from limit
    except Exception as error:
        # Whoever looks at the run should not see it "running" for ever.
        if work.attempt >= _RUN_ATTEMPTS:
            give_up_run(run_id=work.object_id, reason=f"Given up after {work.attempt} attempts: {error}")
        raise
    with atomic():
        run = SyncRun.objects.filter(pk=work.object_id).first()
        if run is not None and run.kind != SyncRun.Kind.DRY_RUN:
            ask_for_bodies(run.connection_id)


@tenant_job("integrations.poll_connection", max_attempts=2)
def poll_connection_job(work: Work) -> None:
    """Look for changes of one connection; the schedule ends when it is not read any more."""
    assert work.object_id is not None
    try:
        is_scheduled = work.slot == f"poll:{work.object_id}"
        goes_on = poll_connection(
            connection_id=work.object_id, heartbeat=work.heartbeat, is_scheduled=is_scheduled
        )
    except LimitReached as limit:
        raise Retry(str(limit), after_seconds=limit.retry_after_seconds or 5.0) from limit
    if not goes_on:
        with atomic():
            # Whoever resumes the connection waits for this, or it sees them: no resumption finds a look that is just
            # ending, and asks for none.
            if not is_polled(work.object_id):
                work.end_schedule()
                work.finish()
    elif is_scheduled:
        work.reschedule(every_seconds=seconds_between_looks(work.object_id))


@tenant_job("integrations.read_bodies", max_attempts=4)
def read_bodies_job(work: Work) -> None:
    """Read the texts of pages for a while, then let others in."""
    assert work.object_id is not None
    try:
        wait = read_bodies(connection_id=work.object_id, heartbeat=work.heartbeat)
    except LimitReached as limit:
        raise Retry(str(limit), after_seconds=limit.retry_after_seconds or 5.0) from limit
    if wait is not None:
        raise Retry("more texts are to be read", after_seconds=wait)


@tenant_job("integrations.push_changes", max_attempts=4)
def push_changes_job(work: Work) -> None:
    """Send what was changed here; ends when nothing waits."""
    assert work.object_id is not None
    try:
        wait = push_changes(connection_id=work.object_id, heartbeat=work.heartbeat)
    except LimitReached as limit:
        raise Retry(str(limit), after_seconds=limit.retry_after_seconds or 5.0) from limit
    if wait is None or wait > SOON_SECONDS:
        with atomic():
            # Whoever edits just now waits for this, or it sees the edit: no edit finds a job that is just ending.
            wait = wait_for_next(work.object_id)
            if wait is None or wait > SOON_SECONDS:
                work.finish()
                if wait is not None:
                    # In a slot of its own: an edit that comes meanwhile does not wait for it.
                    later = timezone.now() + timedelta(seconds=wait)
                    enqueue_pushes(work.object_id, due_at=later, name="push-later")
                return
    raise Retry("more is to be sent", after_seconds=max(wait, 0.2))


@tenant_job("integrations.find_unsent", max_attempts=4)
def find_unsent_job(work: Work) -> None:
    """Have what is different here and was never sent written to its records."""
    assert work.object_id is not None
    scope = Scope(work.payload["scope"])
    try:
        request_unsent(connection_id=work.object_id, scope=scope, heartbeat=work.heartbeat)
    except LimitReached as limit:
        raise Retry(str(limit), after_seconds=limit.retry_after_seconds or 5.0) from limit


@tenant_job(EVENTS_JOB, max_attempts=5)
def handle_events_job(work: Work) -> None:
    """Read what events told of; ends when none waits."""
    assert work.object_id is not None
    try:
        wait = handle_events(connection_id=work.object_id, heartbeat=work.heartbeat)
    except LimitReached as limit:
        raise Retry(str(limit), after_seconds=limit.retry_after_seconds or 5.0) from limit
    if wait is None:
        with atomic():
            # Whoever stores an event just now waits for this, or it sees the event: none finds a job that is ending.
            if not is_anything_waiting(work.object_id):
                work.finish()
                later = next_put_off(work.object_id)
                if later is not None:
                    ask_for_later_events(work.object_id, later)
                return
    raise Retry("events come in", after_seconds=QUIET_SECONDS if wait is None else wait)


@tenant_job("integrations.discover_collections", max_attempts=4)
def discover_collections_job(work: Work) -> None:
    """Look for what is shared with the integration."""
    assert work.object_id is not None
    with atomic():
        connection = Connection.objects.working().filter(pk=work.object_id).first()
    if connection is not None:
        discover_collections(connection=connection, actor=SYSTEM)


@tenant_job(KEEPING_JOB, max_attempts=4)
def forget_history_job(work: Work) -> None:
    """Forget what is too old to be of use; the schedule ends with the last connection."""
    if not forget_history(heartbeat=work.heartbeat):
        work.end_schedule()


@tenant_job("integrations.revoke_grant", max_attempts=_REVOKE_ATTEMPTS)
def revoke_grant_job(work: Work) -> None:
    """Give the access of a disconnected workspace back to the service, then forget the tokens."""
    assert work.object_id is not None
    give_back_grant(connection_id=work.object_id, is_last_attempt=work.attempt >= _REVOKE_ATTEMPTS)


@tenant_job("integrations.keep_workspace_routes", max_attempts=4)
def keep_workspace_routes_job(work: Work) -> None:
    """Keep the platform's list of workspaces in step with this company's connections."""
    if not keep_routes():
        work.end_schedule()


@tenant_job("integrations.build_workspace", max_attempts=_RUN_ATTEMPTS)
def build_workspace_job(work: Work) -> None:
    """Make the core databases in a workspace, from where the last attempt stands."""
    assert work.object_id is not None
    try:
        run_setup(setup_id=work.object_id, heartbeat=work.heartbeat)
    except LimitReached as limit:
        raise Retry(str(limit), after_seconds=limit.retry_after_seconds or 5.0) from limit
    except Exception as error:
        if work.attempt >= _RUN_ATTEMPTS:
            give_up_setup(setup_id=work.object_id, reason=f"Given up after {work.attempt} attempts: {error}")
        raise


@tenant_job("integrations.write_figures", max_attempts=4)
def write_figures_job(work: Work) -> None:
    """Write the key figures of the departments into the workspace."""
    assert work.object_id is not None
    try:
        goes_on = write_figures(setup_id=work.object_id)
    except LimitReached as limit:
        raise Retry(str(limit), after_seconds=limit.retry_after_seconds or 5.0) from limit
    if not goes_on:
        work.end_schedule()
