"""Reactions to events: usually one line, enqueue a job."""

from integrations.models import Connection, SyncRun
from integrations.services.runs import system_run, wake
from tenants.lifecycle.restoring.events import CompanyRestored
from tenants.outbox.bus import subscribe


@subscribe(CompanyRestored)
def look_everywhere_anew(_event: CompanyRestored) -> None:
    """What was read is that of an earlier day: go on with what was under way then, and compare everything.

    Rows are told apart by their remote ids and their content, so reading again changes only what differs.
    """
    for connection in Connection.objects.working():
        wake(connection)
        system_run(connection=connection, kind=SyncRun.Kind.FULL, trigger=SyncRun.Trigger.SCHEDULE)
