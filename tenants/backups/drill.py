"""The drill: bring a server back from its backups and prove that it holds what the live one held."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
import structlog
from django.utils import timezone
from psycopg import sql

from tenants.backups.copying import dump_schema, load_schema
from tenants.backups.errors import BackupFailed
from tenants.backups.fingerprints import (
    SchemaFingerprint,
    differences,
    fingerprint_of,
    total_rows,
    without_numbers_ahead,
)
from tenants.backups.scratch import Scratch, recovered_server, workplace
from tenants.backups.sealing import SealedFile, read_sealed
from tenants.backups.servers import CONTROL, BackupServer, backup_servers
from tenants.backups.taking import WAL_SECONDS
from tenants.backups.wal import close_segment, mark_position, wait_for_wal
from tenants.foundation.errors import DomainError
from tenants.foundation.redaction import redact_text
from tenants.models import Evidence, Tenant
from tenants.models.evidence import UNDER_WAY
from tenants.tenancy.databases import owner_connection

log = structlog.get_logger(__name__)
CANDIDATES: Final = 5
SAMPLE: Final = 20
# Companies in other states have no schema yet, none any more, or one that is just being exchanged.
STEADY: Final = ("active", "read_only", "suspended", "exporting", "pending_deletion")
TABLES: Final = """
SELECT array_agg(c.relname::text ORDER BY c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p')
"""


class DrillFailed(BackupFailed):
    """What came back is not what was there."""

    default_code = "backups.drill_failed"


@dataclass
class _Drill:
    """One server's drill: what was seen live, and what came of it."""

    server: BackupServer
    marker: Evidence
    beat: Callable[[], None]
    report: dict[str, Any] = field(default_factory=dict)


def run_restore_drill(*, beat: Callable[[], None] = lambda: None) -> Evidence:
    """Restore every server from its newest backup to now, beside the live one, and compare; the finding is evidence.

    Of one company, chosen by chance, every row is compared with the live one's at the same position of the log, once
    as the server came back and once more after it was dumped and put in alone, as a restore of one company does it.
    Raises: BackupsOff.
    """
    servers = backup_servers()
    # Committed before anything is restored: it has to be there afterwards.
    marker = Evidence.objects.create(
        kind=Evidence.Kind.RESTORE_DRILL, is_passed=False, summary="Under way, or cut short.", report=UNDER_WAY,
        started_at=timezone.now(),
    )  # fmt: skip
    reports, problems = [], []
    for server in servers:
        drill = _Drill(server, marker, beat)
        try:
            _drill(drill)
        except DomainError as error:
            problems.append(f"{server.name}: {error.message}")
        except (OSError, psycopg.Error) as error:
            problems.append(redact_text(f"{server.name}: {type(error).__name__}: {error}"))
        reports.append({"server": server.name, **drill.report})
    marker.is_passed, marker.finished_at = not problems, timezone.now()
    marker.report = {"servers": reports, "problems": problems}
    seconds = (marker.finished_at - marker.started_at).total_seconds()
    marker.summary = (" ".join(problems) or f"Restored and compared in {seconds:.0f} s.")[:300]
    marker.save()
    say = log.error if problems else log.info
    say("restore_drill.ended", is_passed=marker.is_passed, seconds=round(seconds, 1), problems=problems)
    return marker


def _drill(drill: _Drill) -> None:
    server = drill.server
    chosen, live, position = _company_that_stands_still(server)
    wait_for_wal(server, close_segment(server), seconds=WAL_SECONDS, beat=drill.beat)
    with recovered_server(server, to_lsn=position, beat=drill.beat) as scratch:
        drill.report |= {
            "backup": str(scratch.backup.id),
            "backup_kind": scratch.backup.kind,
            "recovery_seconds": round(scratch.seconds, 2),
            "segments": scratch.segments,
            "position": position,
        }
        _check_marker(drill, scratch)
        drill.report["companies_seen"] = _check_sample(server, scratch)
        if chosen is not None:
            database = server.databases[f"{chosen.cell}_owner"]
            with scratch.connect(database) as connection:
                _require_equal(fingerprint_of(connection, chosen.schema), live, "as the server came back")
            _restore_alone(scratch, database, chosen.schema, live, drill.beat)
            drill.report |= {"company": str(chosen.pk), "rows": total_rows(live), "tables": len(live)}


def _company_that_stands_still(server: BackupServer) -> tuple[Tenant | None, SchemaFingerprint, str]:
    """A company whose rows were the same before and after a position of the log, with those rows' fingerprint."""
    tenants = list(Tenant.objects.filter(cell__in=server.cells, state__in=STEADY))
    if not tenants:
        return None, {}, mark_position(server)
    secrets.SystemRandom().shuffle(tenants)
    for tenant in tenants[:CANDIDATES]:
        with owner_connection(f"{tenant.cell}_owner") as connection:
            before = fingerprint_of(connection, tenant.schema)
            position = mark_position(server)
            if fingerprint_of(connection, tenant.schema) == before:
                return tenant, before, position
    raise DrillFailed(f"Each of {CANDIDATES} companies was written to while it was looked at.")


def _check_marker(drill: _Drill, scratch: Scratch) -> None:
    """What was committed just before is there: nothing of the log was lost."""
    if not drill.server.has_control_plane:
        return
    with scratch.connect(drill.server.databases[CONTROL]) as connection:
        if not connection.execute(
            "SELECT 1 FROM tenants_evidence WHERE id = %s", [drill.marker.pk]
        ).fetchone():
            raise DrillFailed("What was written just before the drill did not come back.")


def _check_sample(server: BackupServer, scratch: Scratch) -> int:
    """Companies chosen by chance have the tables they have live; returns how many were looked at."""
    tenants = list(
        Tenant.objects.filter(
            cell__in=server.cells, state__in=STEADY, created_at__lt=scratch.backup.started_at
        ).order_by("?")[:SAMPLE]
    )
    for tenant in tenants:
        with owner_connection(f"{tenant.cell}_owner") as connection:
            live = connection.execute(TABLES, [tenant.schema]).fetchone()
        with scratch.connect(server.databases[f"{tenant.cell}_owner"]) as connection:
            if connection.execute(TABLES, [tenant.schema]).fetchone() != live:
                raise DrillFailed(f"The tables of {tenant.slug} did not all come back.")
    return len(tenants)


def _restore_alone(
    scratch: Scratch, database: str, schema: str, live: SchemaFingerprint, beat: Callable[[], None]
) -> None:
    """Dump the company's schema and put it in beside itself, as a restore of one company does."""
    copy = f"{schema}_drill"
    with workplace() as root, scratch.connect(database) as connection:
        names = {"schema": sql.Identifier(schema), "copy": sql.Identifier(copy)}
        # Dumped under another name, it can be put in while the first is there.
        connection.execute(sql.SQL("ALTER SCHEMA {schema} RENAME TO {copy}").format(**names))
        with SealedFile(root / "dump", "drill") as file:
            dump_schema(scratch.access, database, copy, file, beat=beat)
        connection.execute(sql.SQL("ALTER SCHEMA {copy} RENAME TO {schema}").format(**names))
        load_schema(scratch.access.environment, database, read_sealed(root / "dump", "drill"), beat=beat)
        _require_equal(fingerprint_of(connection, copy), live, "when it was put in alone")


def _require_equal(found: SchemaFingerprint, live: SchemaFingerprint, when: str) -> None:
    if names := differences(without_numbers_ahead(found, live), live):
        raise DrillFailed(f"Rows differ {when}: {', '.join(names)}.")
