"""Recurring work of the platform itself; it runs in the scope of the tenant ``platform``."""

from collections.abc import Callable

from tenants.backups.drill import run_restore_drill
from tenants.backups.errors import BackupBusy
from tenants.backups.retention import prune_backups
from tenants.backups.servers import BackupServer, are_backups_on, backup_servers
from tenants.backups.taking import take_backup
from tenants.backups.verifying import verify_backup
from tenants.backups.wal import ship_wal
from tenants.branding.domains.checking import CHECK_DOMAINS, ask_for_due_checks, check_due_domains
from tenants.branding.domains.letters import POST_NOTICE, Notice, post
from tenants.dispatch import Retry, Work, enqueue, tenant_job
from tenants.lifecycle.deletion.letters import POST_LETTER, Letter, tell_owners
from tenants.lifecycle.deletion.services import delete_due_companies
from tenants.lifecycle.export.services import remove_expired_exports
from tenants.lifecycle.moving import drop_old_copies
from tenants.lifecycle.operations import RUN_OPERATION, OperationLost, left_operations, run_operation
from tenants.lifecycle.restoring.services import drop_replaced_schemas
from tenants.lifecycle.signups.letters import send_code
from tenants.lifecycle.signups.services import SEND_CODE, forget_old_signups
from tenants.operator_access.closing import end_what_has_run_out
from tenants.operator_access.letters import TELL_COMPANY, TELL_OPERATOR, post_to_company, post_to_operator
from tenants.tenancy import atomic
from tenants.tenancy.audit import audit_schemas
from tenants.tenancy.probes.services import probe_isolation
from tenants.tenancy.shared_tables import require_equal_cells
from tenants.tenancy.spares import refill_every_cell

_HOURS = 3600.0


@tenant_job("platform.run_operations", max_attempts=2, coalesce=True)
def run_operations(_work: Work) -> None:
    """Have every operation gone on with that nobody works on: a slow one holds up none of the others."""
    left = left_operations()
    if left:
        with atomic():
            for operation_id in left:
                enqueue(RUN_OPERATION, object_id=operation_id, slot=f"operation:{operation_id}", priority=50)


@tenant_job(RUN_OPERATION, max_attempts=3, time_limit_seconds=12 * _HOURS, max_age_seconds=24 * _HOURS)
def run_one_operation(work: Work) -> None:
    """Do what is left of one operation; whoever holds it already goes on with it."""
    assert work.object_id is not None
    try:
        run_operation(work.object_id)
    except OperationLost:
        return


@tenant_job("platform.refill_spares", max_attempts=2, time_limit_seconds=_HOURS, coalesce=True)
def refill_spares(_work: Work) -> None:
    """Make the spare schemas that are missing in any cell, and remove what nobody owns."""
    refill_every_cell()


@tenant_job("platform.check_cells", max_attempts=2)
def check_cells(_work: Work) -> None:
    """Compare the cells' shared tables; a difference ends among the dead letters, where an operator sees it."""
    require_equal_cells()


@tenant_job("platform.remove_expired_exports", max_attempts=3)
def remove_old_exports(_work: Work) -> None:
    """Remove the archives whose time has come."""
    remove_expired_exports()


@tenant_job("platform.drop_moved_copies", max_attempts=3)
def drop_moved_copies(_work: Work) -> None:
    """Drop what companies left in cells they moved away from, when it has been kept long enough."""
    drop_old_copies()


@tenant_job("platform.delete_due_companies", max_attempts=3)
def delete_due(_work: Work) -> None:
    """Begin with the deletion of companies whose days of grace are over."""
    delete_due_companies()


@tenant_job(POST_LETTER, max_attempts=40)
def post_letter(work: Work) -> None:
    """Tell a company's owners that it is to be deleted, or that it is kept."""
    assert work.object_id is not None
    tell_owners(work.object_id, Letter(work.payload["letter"]))


@tenant_job("platform.backup_full", max_attempts=4, time_limit_seconds=12 * _HOURS)
def backup_full(work: Work) -> None:
    """Take a full backup of every server, and read it back."""

    def take(server: BackupServer) -> None:
        take_backup(server, kind="full", beat=work.heartbeat)
        verify_backup(server, beat=work.heartbeat)

    _for_every_server(take)


@tenant_job("platform.backup_incremental", max_attempts=4, time_limit_seconds=6 * _HOURS)
def backup_incremental(work: Work) -> None:
    """Back up what has changed since the last backup; all where there is none yet."""
    _for_every_server(lambda server: take_backup(server, beat=work.heartbeat))


@tenant_job("platform.ship_wal", max_attempts=2, time_limit_seconds=_HOURS, coalesce=True)
def ship_log(work: Work) -> None:
    """Bring finished segments of the write-ahead log into the repository: what is not there yet can still be lost."""
    _for_every_server(lambda server: ship_wal(server, beat=work.heartbeat))


@tenant_job("platform.prune_backups", max_attempts=4)
def prune(_work: Work) -> None:
    """Remove the backups that are not needed any more."""
    _for_every_server(prune_backups)


@tenant_job("platform.restore_drill", max_attempts=2, time_limit_seconds=12 * _HOURS)
def drill(work: Work) -> None:
    """Prove that the servers can be restored; what comes of it is evidence."""
    if are_backups_on():
        run_restore_drill(beat=work.heartbeat)


@tenant_job("platform.drop_replaced_schemas", max_attempts=3)
def drop_replaced(_work: Work) -> None:
    """Drop what restores have put aside, when it has been kept long enough."""
    drop_replaced_schemas()


def _for_every_server(act: Callable[[BackupServer], object]) -> None:
    """Does nothing where backups are off. Raises: Retry while somebody else works on the backups."""
    if not are_backups_on():
        return
    for server in backup_servers():
        try:
            act(server)
        except BackupBusy as busy:
            raise Retry(busy.message, after_seconds=120) from busy


@tenant_job("platform.schema_audit", max_attempts=2, time_limit_seconds=_HOURS)
def audit_every_schema(_work: Work) -> None:
    """Compare every company's schema with the template; what is found is evidence, not an error of the job."""
    audit_schemas()


@tenant_job("platform.isolation_probe", max_attempts=2, time_limit_seconds=_HOURS)
def probe_walls(_work: Work) -> None:
    """Attack the walls between companies in every cell; what comes of it is evidence, not an error of the job."""
    probe_isolation(is_recorded=True)


@tenant_job(TELL_COMPANY, max_attempts=8)
def tell_company_of_operator(work: Work) -> None:
    """Tell those who decide that an operator asks to come in."""
    assert work.object_id is not None
    post_to_company(work.object_id)


@tenant_job(TELL_OPERATOR, max_attempts=8)
def tell_operator_of_decision(work: Work) -> None:
    """Tell an operator what a company decided."""
    assert work.object_id is not None
    post_to_operator(work.object_id)


@tenant_job("platform.end_operator_access", max_attempts=2, coalesce=True)
def end_operator_access(_work: Work) -> None:
    """Close the grants whose minute is over, so that the record says when."""
    end_what_has_run_out()


@tenant_job("platform.check_custom_domains", max_attempts=3)
def check_custom_domains(_work: Work) -> None:
    """Have every company look up its own domains once more."""
    ask_for_due_checks()


@tenant_job(CHECK_DOMAINS, max_attempts=3, time_limit_seconds=_HOURS)
def check_domains(_work: Work) -> None:
    """Look one company's domains up; what is found is acted on."""
    check_due_domains()


@tenant_job(POST_NOTICE, max_attempts=8)
def tell_of_domain(work: Work) -> None:
    """Tell those who look after a domain that it is going, gone or back."""
    post(Notice(work.payload["notice"]), work.payload["host"], work.payload["day"])


@tenant_job(SEND_CODE, max_attempts=6, max_age_seconds=600)
def send_signup_code(work: Work) -> None:
    """Send somebody who signs up the code that proves their address."""
    assert work.object_id is not None
    send_code(work.object_id)


@tenant_job("platform.forget_signups", max_attempts=3)
def forget_signups(_work: Work) -> None:
    """Forget who began to sign up a week ago or longer."""
    while forget_old_signups():
        pass
