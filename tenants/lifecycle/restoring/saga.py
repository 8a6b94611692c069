"""The steps of a restore: read the past from a server of its own, lay it beside the present, compare, exchange."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from psycopg import sql

from tenants.backups.copying import (
    LEDGER,
    WORK,
    dump_name,
    dump_path,
    dump_schema,
    load_schema,
    owner_environment,
    rename_with_shared_rows,
    stored_dump,
)
from tenants.backups.fingerprints import (
    SchemaFingerprint,
    TableFingerprint,
    differences,
    fingerprint_of,
    total_rows,
)
from tenants.backups.scratch import Scratch, recovered_server
from tenants.backups.sealing import SealedFile
from tenants.backups.servers import CONTROL, Connection, server_of
from tenants.backups.taking import WAL_SECONDS
from tenants.backups.wal import close_segment, wait_for_wal
from tenants.foundation.errors import Conflict, NotFound
from tenants.lifecycle import quieting
from tenants.lifecycle.keeping_alive import kept_alive
from tenants.lifecycle.operations import Run, Step, register_saga
from tenants.lifecycle.restoring.events import CompanyRestored
from tenants.lifecycle.restoring.swapping import Swap, put_back, put_in_place, remove_schema
from tenants.lifecycle.transitions import change_state
from tenants.models import Operation, Tenant
from tenants.outbox.bus import publish
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.migrations import migrate_tenant
from tenants.tenancy.provisioning import schema_exists
from tenants.tenancy.template import tenant_plan

KIND: Final = Operation.Kind.RESTORE
TAKES_BACK: Final = "takes_back"
State = Tenant.State
# How long jobs that run may take to end before they are begun anew on the restored rows.
JOB_SECONDS = 60.0
# What the company's people read, and by which a restore knows the state it has brought about itself.
REASON: Final = "An earlier state of this company is being restored."


def tenant_of(run: Run) -> Tenant:
    """The company it is about. Raises: NotFound."""
    tenant_id = run.operation.tenant_id
    tenant = Tenant.objects.filter(pk=tenant_id).first() if tenant_id else None
    if tenant is None:
        raise NotFound("The company that was to be restored is gone.", code="restores.no_company")
    return tenant


def close(run: Run) -> None:
    """Let nobody write what is about to be replaced; a company that is closed already stays as it is."""
    tenant = tenant_of(run)
    if "state" not in run.context:
        run.remember(state=tenant.state, reason=tenant.state_reason)
    if tenant.state == State.ACTIVE:
        change_state(tenant.pk, State.READ_ONLY, reason=REASON)


def open_again(run: Run) -> None:
    """Bring back the state that was found; one that an operator has chosen meanwhile stays."""
    tenant, before = tenant_of(run), run.context.get("state")
    if before and tenant.state != before and tenant.state_reason == REASON:
        change_state(tenant.pk, before, reason=run.context.get("reason", ""))


def copy_out(run: Run) -> None:
    """Bring the server to the moment beside the live one, and take the company's schema from it."""
    tenant, moment = tenant_of(run), datetime.fromisoformat(run.input["moment"])
    server = server_of(run.input.get("cell") or tenant.cell)
    swap = Swap.of(tenant, run.operation.pk)
    with kept_alive(run) as beat:
        # Who asks for a moment just now needs the segment that is still being written.
        wait_for_wal(server, close_segment(server), seconds=WAL_SECONDS, beat=beat)
        with recovered_server(server, to=moment, beat=beat) as scratch:
            database = _database_of(scratch, tenant)
            with scratch.connect(database) as connection:
                rename_with_shared_rows(
                    connection, schema=tenant.schema, to=swap.restored, tenant_id=tenant.pk
                )
                ledger = _ledger_of(connection, swap.restored)
                found = fingerprint_of(connection, swap.restored)
            with SealedFile(
                dump_path(server.name, run.operation.pk), dump_name(server.name, run.operation.pk)
            ) as file:
                dump_schema(scratch.access, database, swap.restored, file, beat=beat)
            facts = {"backup": str(scratch.backup.id), "recovery_seconds": round(scratch.seconds, 2)}
    run.remember(
        server=server.name, ledger=ledger, facts=facts, dump_bytes=file.plain_bytes,
        fingerprint={name: [table.rows, table.digest] for name, table in found.items()},
    )  # fmt: skip


def _database_of(scratch: Scratch, tenant: Tenant) -> str:
    """The database of the restored server that has the company's schema."""
    names = dict(scratch.databases)
    if CONTROL in names:
        with scratch.connect(names[CONTROL]) as connection:
            row = connection.execute("SELECT cell FROM tenants_tenant WHERE id = %s", [tenant.pk]).fetchone()
        if row and f"{row[0]}_owner" in names:
            names = {"then": names[f"{row[0]}_owner"], **names}
    for database in dict.fromkeys(names.values()):
        with scratch.connect(database) as connection:
            if schema_exists(connection, tenant.schema):
                return database
    raise NotFound(
        "At that moment the company had no rows on this server. If it lived in another cell then, name that cell.",
        code="restores.not_there",
    )


def _ledger_of(connection: Connection, schema: str) -> list[str]:
    query = sql.SQL("SELECT app || '.' || name FROM {} ORDER BY 1").format(sql.Identifier(schema, LEDGER))
    rows = connection.execute(query).fetchall()
    keys = [str(key) for (key,) in rows]
    unknown = set(keys) - {".".join(key) for key in tenant_plan()}
    if unknown:
        raise Conflict(
            f"At that moment the company had migrations this release does not know: {', '.join(sorted(unknown))}.",
            code="restores.newer_release",
        )
    return keys


def forget_copy(run: Run) -> None:
    """Remove the dump; its name is the operation's."""
    server = run.context.get("server") or server_of(run.input.get("cell") or tenant_of(run).cell).name
    dump_path(server, run.operation.pk).unlink(missing_ok=True)


def load(run: Run) -> None:
    """Put the copy in beside the live schema, in one transaction, and compare every row with where it came from."""
    tenant = tenant_of(run)
    swap, alias = Swap.of(tenant, run.operation.pk), f"{tenant.cell}_owner"
    remove_schema(tenant.cell, swap.restored)
    environment, database = owner_environment(alias)
    with kept_alive(run) as beat:
        load_schema(environment, database, stored_dump(run.context["server"], run.operation.pk), beat=beat)
        with owner_connection(alias) as connection:
            found = fingerprint_of(connection, swap.restored)
    wanted: SchemaFingerprint = {
        name: TableFingerprint(*values) for name, values in run.context["fingerprint"].items()
    }
    if names := differences(found, wanted):
        raise Conflict(
            f"The restored tables differ from the backup's: {', '.join(names)}.", code="restores.differs"
        )
    own = {name: table for name, table in found.items() if name not in (WORK, LEDGER)}
    run.result(
        moment=run.input["moment"], tables=len(own), rows=total_rows(own), dump_bytes=run.context["dump_bytes"],
        **run.context["facts"],
    )  # fmt: skip


def unload(run: Run) -> None:
    """Drop what was put in."""
    tenant = tenant_of(run)
    remove_schema(tenant.cell, Swap.of(tenant, run.operation.pk).restored)


def quiet(run: Run) -> None:
    """Hand none of the company's jobs out any more and let those that run come to their end.

    They read the rows that are about to go; what they wrote from them afterwards would be in the restored ones.
    """
    tenant = tenant_of(run)
    alias = f"{tenant.cell}_owner"
    with owner_connection(alias) as connection:
        if "was_paused" not in run.context:
            run.remember(was_paused=quieting.is_paused(connection, tenant.pk))
        quieting.pause(connection, tenant.pk, paused=True)

    def look() -> int:
        with owner_connection(alias) as connection:
            return quieting.busy_jobs(connection, tenant.pk)

    quieting.wait_for_jobs(look, seconds=JOB_SECONDS, tell=lambda busy: run.progress(waiting_for_jobs=busy))


def unquiet(run: Run) -> None:
    """Undo :func:`quiet`."""
    tenant = tenant_of(run)
    with owner_connection(f"{tenant.cell}_owner") as connection:
        quieting.pause(connection, tenant.pk, paused=bool(run.context.get("was_paused")))


def exchange(run: Run) -> None:
    """Let the restored schema be the company's; one of an older release stays closed until it is migrated."""
    tenant = tenant_of(run)
    swap = Swap.of(tenant, run.operation.pk)
    if "had_schema" not in run.context:
        with owner_connection(f"{tenant.cell}_owner") as connection:
            run.remember(had_schema=schema_exists(connection, tenant.schema))
    if set(run.context["ledger"]) != {".".join(key) for key in tenant_plan()} and tenant.state in (
        State.ACTIVE, State.READ_ONLY,
    ):  # fmt: skip
        change_state(tenant.pk, State.SUSPENDED, reason=REASON)
    moment = datetime.fromisoformat(run.input["moment"])
    with kept_alive(run) as beat:
        put_in_place(swap, moment=moment, keeps_access=run.input["keeps_access"], beat=beat)
    run.result(cell=tenant.cell, kept_schema=swap.replaced if run.context["had_schema"] else "")


def exchange_back(run: Run) -> None:
    """Give the company back what it had."""
    tenant = tenant_of(run)
    swap = Swap.of(tenant, run.operation.pk)
    moment = datetime.fromisoformat(run.input["moment"])
    with kept_alive(run) as beat:
        if (
            not put_back(swap, moment=moment, to=swap.restored, beat=beat)
            and run.context.get("had_schema") is False
        ):
            remove_schema(tenant.cell, swap.schema)


def take_back(run: Run) -> None:
    """Exchange the schemas of an earlier restore once more; there is nothing to undo then."""
    tenant = tenant_of(run)
    earlier = Operation.objects.get(pk=run.input[TAKES_BACK])
    swap = Swap.of(tenant, earlier.pk)
    moment = datetime.fromisoformat(earlier.input["moment"])
    with kept_alive(run) as beat:
        put_back(swap, moment=moment, to=swap.restored, beat=beat)
    run.result(takes_back=str(earlier.pk), cell=tenant.cell, kept_schema=swap.restored)


def migrate(run: Run) -> None:
    """Bring the schema to this release."""
    with kept_alive(run):
        run.result(migrations=migrate_tenant(tenant_of(run)))


def tell(run: Run) -> None:
    """Let the floors above know: connections look at the outside services anew."""
    tenant = tenant_of(run)
    with tenant_scope(tenant.ref), atomic():
        publish(CompanyRestored(moment=datetime.fromisoformat(run.input["moment"])))


def finish(run: Run) -> None:
    """Open the company, jobs and all, and remove what is not needed any more."""
    unquiet(run)
    open_again(run)
    if TAKES_BACK not in run.input:
        forget_copy(run)


def _forward(
    act: Callable[[Run], None], *, else_: Callable[[Run], None] | None = None
) -> Callable[[Run], None]:
    """A step of a restore proper; one that takes an earlier restore back does ``else_`` instead."""

    def do(run: Run) -> None:
        if TAKES_BACK not in run.input:
            act(run)
        elif else_ is not None:
            else_(run)

    return do


register_saga(
    KIND,
    Step("close", close, open_again),
    Step("copy_out", _forward(copy_out), _forward(forget_copy)),
    Step("load", _forward(load), _forward(unload)),
    Step("quiet", quiet, unquiet),
    Step("exchange", _forward(exchange, else_=take_back), _forward(exchange_back)),
    Step("migrate", migrate),
    Step("tell", tell),
    Step("finish", finish),
)
