"""Spare schemas: made ahead in batches, claimed in the transaction that makes a tenant, tidied up after crashes."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from prometheus_client import Gauge
from psycopg import sql

from tenants.models import Operation, SpareSchema, TemplateScript, Tenant
from tenants.tenancy.databases import TENANT_GROUP, owner_connection
from tenants.tenancy.provisioning import (
    MADE_AT,
    SHARED_ROWS,
    Connection,
    SchemaPlace,
    drop_place,
    drop_role,
    make_schemas,
    new_place,
    newest_fingerprint,
)
from tenants.tenancy.session_locks import session_lock
from tenants.tenancy.template import current_script

log = structlog.get_logger(__name__)
# Schemas of one transaction: each takes some hundreds of entries in the server's table of locks.
BATCH = 4
# What nobody owns is left alone for this long: a restore or a move may be about to enter it in the directory.
ORPHAN_AGE = timedelta(hours=1)

STANDING = Gauge(
    "nts_spare_schemas",
    "Schemas that stood ready when a refill last looked.",
    ["cell"],
    multiprocess_mode="mostrecent",
)
# Who refills has it; the lock is the database's own, so one per cell.
SPARES_LOCK = "spares"
SCHEMAS = """
SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname ~ %s ORDER BY nspname
"""
ROLES = """
SELECT r.rolname FROM pg_roles r JOIN pg_auth_members m ON m.member = r.oid JOIN pg_roles g ON g.oid = m.roleid
WHERE r.rolname ~ %s AND g.rolname = %s AND NOT r.rolcanlogin
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
OLD_IDS = """
SELECT tenant_id FROM tenants_migrationledger GROUP BY tenant_id HAVING max(applied_at) < now() - %s::interval
"""


@dataclass
class Refill:
    """What a refill did in one cell; ``is_busy``: another process was just doing it."""

    made: int = 0
    dropped: int = 0
    standing: int = 0
    is_busy: bool = False
    orphans_removed: list[str] = field(default_factory=list)
    # Schemas that nobody owns and that hold rows: no program may decide what they are.
    orphans_kept: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Spares:
    """A cell's spares: of this release's template, and of an older one (nobody gets those)."""

    ready: int
    outdated: int


def reserve_schema(cell: str) -> SchemaPlace:
    """A place for a new tenant: a spare where there is one, else names for ``provision_schema`` to make.

    Call it in the control plane's transaction that creates the Tenant with this id, schema and role: a spare is
    taken for good when that commits, and is still there when it does not.
    """
    spare = claim_spare(cell)
    if spare is None:
        return new_place()
    return SchemaPlace(spare.pk, spare.schema, spare.role, is_ready=True)


def claim_spare(cell: str) -> SpareSchema | None:
    """Take the oldest spare of a cell that is of this release's template; None when there is none.

    Must be called in a transaction of the control plane. Two callers never get the same one nor wait for each other.
    """
    spares = SpareSchema.objects.select_for_update(skip_locked=True)
    spare = spares.filter(cell=cell, fingerprint=newest_fingerprint() or "").order_by("created_at").first()
    if spare is not None:
        SpareSchema.objects.filter(pk=spare.pk).delete()
        log.info("spare.claimed", cell=cell)
    return spare


def spares_of(cell: str) -> Spares:
    """How many spares a cell has."""
    spares = SpareSchema.objects.filter(cell=cell)
    ready = spares.filter(fingerprint=newest_fingerprint() or "").count()
    return Spares(ready, spares.count() - ready)


def refill_spares(cell: str, *, wanted: int | None = None, orphan_age: timedelta = ORPHAN_AGE) -> Refill:
    """Bring a cell to ``wanted`` spares (``SPARE_SCHEMAS`` when not given; none in a cell that is closed).

    Drops those of an older template and what a killed process left behind. Safe to run anywhere at any time: one
    process at a time does it in a cell, and it may be killed at any place.

    Raises: Conflict when the template has not been built.
    """
    policy = settings.CELL_POLICIES[cell]
    target = (settings.SPARE_SCHEMAS if wanted is None else wanted) if policy.is_open else 0
    done = Refill()
    with owner_connection(f"{cell}_owner") as connection, session_lock(connection, SPARES_LOCK) as is_mine:
        if not is_mine:
            done.is_busy = True
            return done
        _remove_orphans(connection, done, orphan_age)
        script = current_script()
        done.dropped += _drop(connection, cell, older_than=script)
        standing = SpareSchema.objects.filter(cell=cell).count()
        while standing + done.made < target:
            places = [new_place() for _ in range(min(BATCH, target - standing - done.made))]
            with connection.transaction():
                make_schemas(connection, places, script, cell=cell)
            # Killed here, the schemas are orphans: empty, and removed when they are old enough.
            SpareSchema.objects.bulk_create(
                SpareSchema(
                    id=place.tenant_id, cell=cell, schema=place.schema, role=place.role, fingerprint=script.fingerprint
                )
                for place in places
            )  # fmt: skip
            done.made += len(places)
        if standing > target:
            done.dropped += _drop(connection, cell, most=standing - target)
        done.standing = SpareSchema.objects.filter(cell=cell).count()
        STANDING.labels(cell).set(done.standing)
    if done.made or done.dropped or done.orphans_removed or done.orphans_kept:
        log.info(
            "spares.refilled", cell=cell, made=done.made, dropped=done.dropped, orphans=len(done.orphans_removed),
            unknown=done.orphans_kept,
        )  # fmt: skip
    return done


def refill_every_cell() -> list[str]:
    """Refill the cells one after another; returns those that did not answer, which stop none of the others."""
    failed: list[str] = []
    for cell in settings.CELLS:
        try:
            refill_spares(cell)
        except psycopg.OperationalError as error:
            failed.append(cell)
            log.warning("spares.not_refilled", cell=cell, error=str(error).strip())
    return failed


def _drop(
    connection: Connection, cell: str, *, older_than: TemplateScript | None = None, most: int | None = None
) -> int:
    """Drop spares nobody claims just now: first their entries, so that nobody can, then what they stand for."""
    with transaction.atomic(using="default"):
        spares = SpareSchema.objects.select_for_update(skip_locked=True).filter(cell=cell)
        if older_than is not None:
            spares = spares.exclude(fingerprint=older_than.fingerprint)
        chosen = list(spares.order_by("-created_at")[:most])
        SpareSchema.objects.filter(pk__in=[spare.pk for spare in chosen]).delete()
    for spare in chosen:
        with connection.transaction():
            drop_place(connection, SchemaPlace(spare.pk, spare.schema, spare.role))
    return len(chosen)


def _remove_orphans(connection: Connection, done: Refill, age: timedelta) -> None:
    """Remove what a killed process left: empty schemas, roles and shared rows that are no tenant's and no spare's.

    What the cell has is read before what the directory knows, so whatever is new in between is known.
    """
    ours = f"^{re.escape(settings.TENANT_ROLE_PREFIX)}[0-9a-f]{{16}}$"
    roles = [str(name) for (name,) in connection.execute(ROLES, [ours, TENANT_GROUP]).fetchall()]
    schemas = [
        (str(name), str(comment or "")) for name, comment in connection.execute(SCHEMAS, [ours]).fetchall()
    ]
    ids = {tenant_id for (tenant_id,) in connection.execute(OLD_IDS, [age]).fetchall()}
    known, known_ids = _known()
    for schema, comment in schemas:
        if schema in known:
            continue
        if not _is_old(comment, age):
            # Just made, or by somebody else who says nothing of its age: that is for a person to see.
            if not comment:
                done.orphans_kept.append(schema)
        elif _holds_rows(connection, schema):
            done.orphans_kept.append(schema)
        else:
            with connection.transaction():
                connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
            done.orphans_removed.append(schema)
    remaining = {schema for schema, _ in schemas} - set(done.orphans_removed)
    for role in roles:
        if role not in known and role not in remaining and drop_role(connection, role):
            log.info("orphan.role_removed", role=role)
    if not done.orphans_kept:
        for table in SHARED_ROWS:
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE tenant_id = ANY(%s)").format(sql.Identifier(table)),
                [list(ids - known_ids)],
            )
    if done.orphans_removed or done.orphans_kept:
        log.warning("orphans.found", removed=done.orphans_removed, kept=done.orphans_kept)


def _known() -> tuple[set[str], set[object]]:
    """Names of schemas and roles, and ids, that somebody owns or that an operation speaks of.

    A restore or a move may keep what it has replaced for a while after it has ended.
    """
    names: set[str] = set()
    ids: set[object] = set()
    for model in (Tenant, SpareSchema):
        for pk, schema, role in model._default_manager.values_list("pk", "schema", "role"):
            names |= {schema, role}
            ids.add(pk)
    concerned = Q(state__in=Operation.OPEN) | Q(kind__in=[Operation.Kind.MOVE, Operation.Kind.RESTORE])
    operations = Operation.objects.filter(concerned).values_list("tenant_id", "input", "context", "result")
    for tenant_id, *facts in operations:
        ids.add(tenant_id)
        names |= set(re.findall(r"[a-z0-9_]+", json.dumps(facts)))
    return names, ids


def _is_old(comment: str, age: timedelta) -> bool:
    if not comment.startswith(MADE_AT):
        return False
    try:
        made_at = datetime.fromisoformat(comment.removeprefix(MADE_AT))
    except ValueError:
        return False
    return made_at < datetime.now(UTC) - age


def _holds_rows(connection: Connection, schema: str) -> bool:
    for (table,) in connection.execute(TABLES, [schema]).fetchall():
        query = sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(schema, str(table)))
        if connection.execute(query).fetchone():
            return True
    return False
