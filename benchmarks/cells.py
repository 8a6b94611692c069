"""What a company costs a cell, and what grows with their number. Databases of its own on the embedded server.

- made: schemas made in batches of four, as spares are; the first and the last twenty batches, per schema. A single one
  is made at the end, with a durable commit.
- claim: the transaction of the control plane that takes a spare and writes tenant and host. Median.
- files, catalog, bytes, log: differences between the empty cell and the full one, divided by the number of companies.
- role: "SET LOCAL ROLE" with its transaction, on a connection just opened and again; then after a new grant.
- memory: what a connection's server process holds alone (/proc, Linux) after touching every table of fifty companies.
- request: a transaction of a company that counts its people, going round ten companies and round all, each seen before.
- drop: one schema with its role and rows. The longest wait of a neighbour's transaction meanwhile is beside it.

Set BENCH_TENANTS for another number than 500. Nothing is left behind.
"""

import itertools
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections, transaction
from psycopg import sql

from benchmarks.results import median, milliseconds, percentile, save
from tenants.models import Domain, Tenant
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.databases import owner_aliases, owner_connection
from tenants.tenancy.directory import directory
from tenants.tenancy.preparing import prepare
from tenants.tenancy.provisioning import SchemaPlace, drop_place, make_schemas, new_place
from tenants.tenancy.spares import BATCH, refill_spares, reserve_schema
from tenants.tenancy.template import current_script

TENANTS = int(os.environ.get("BENCH_TENANTS", "500"))
CELL, OWNER = "cell_1", "cell_1_owner"
CLAIMS, DROPS, TOUCHED, FEW, REQUESTS = 20, 10, 50, 10, 400
CATALOG = """
SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_class WHERE relfilenode <> 0),
       (SELECT count(*) FROM pg_attribute),
       (SELECT sum(pg_total_relation_size(oid)) FROM pg_class
        WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'),
       pg_database_size(current_database()), pg_current_wal_insert_lsn() - '0/0'::pg_lsn
"""
NAMES = ("relations", "files", "columns", "catalog_bytes", "bytes", "log_bytes")
COUNT = "SELECT count(*) FROM accounts_user"


def main() -> None:
    """Measure and write ``results/cells.json``."""
    with own_databases():
        prepare()
        empty = catalog()
        made, took = make_many(TENANTS)
        full = catalog()
        figures: dict[str, Any] = {
            "companies": TENANTS,
            "made_ms_per_schema": {
                "first": milliseconds(median(took[:20])),
                "last": milliseconds(median(took[-20:])),
                "one_alone": milliseconds(make_one()),
            },
            "per_company": {name: round((full[name] - empty[name]) / TENANTS, 1) for name in NAMES},
            "claim_ms": milliseconds(median(claims())),
            "role_ms": roles(made),
            "memory_bytes_per_touched_company": memory(made),
            "request_ms": requests(made),
            "drop": drops(made),
        }
    save("cells", (__doc__ or "").strip(), figures)


@contextmanager
def own_databases() -> Iterator[None]:
    """The settings name databases that are made for this and dropped afterwards."""
    before = {alias: settings.DATABASES[alias]["NAME"] for alias in settings.DATABASES}
    admins, prefix = dict(settings.ADMIN_URLS), settings.TENANT_ROLE_PREFIX
    connections.close_all()
    for alias, name in before.items():
        settings.DATABASES[alias]["NAME"] = f"bench_{name}"
    settings.ADMIN_URLS = {
        alias: f"{url.rpartition('/')[0]}/{settings.DATABASES[alias]['NAME']}"
        for alias, url in admins.items()
    }
    settings.TENANT_ROLE_PREFIX = "b_"
    directory.forget()
    remove_databases()
    try:
        yield
    finally:
        connections.close_all()
        remove_databases()
        settings.ADMIN_URLS, settings.TENANT_ROLE_PREFIX = admins, prefix
        for alias, name in before.items():
            settings.DATABASES[alias]["NAME"] = name
        directory.forget()


def remove_databases() -> None:
    """Drop the benchmark's databases and roles, should there be any."""
    with owner_connection("default_owner", database="postgres") as owner:
        owner.autocommit = True
        for alias in owner_aliases():
            name = sql.Identifier(settings.DATABASES[alias]["NAME"])
            owner.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        for (role,) in owner.execute(
            "SELECT rolname FROM pg_roles WHERE rolname ~ '^b_[0-9a-f]{16}$'"
        ).fetchall():
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(str(role))))


def catalog() -> dict[str, int]:
    """The cell's size, after what was written has been put in its place."""
    with psycopg.connect(settings.ADMIN_URLS[OWNER], autocommit=True) as admin:
        admin.execute("VACUUM pg_class")
        row = admin.execute(CATALOG).fetchone()
    assert row is not None
    return dict(zip(NAMES, (int(value) for value in row), strict=True))


def make_many(count: int) -> tuple[list[SchemaPlace], list[float]]:
    """Make schemas in batches; gives them and the seconds each took."""
    script = current_script()
    places: list[SchemaPlace] = []
    took: list[float] = []
    with owner_connection(OWNER) as owner:
        owner.autocommit = True
        while len(places) < count:
            batch = [new_place() for _ in range(min(BATCH, count - len(places)))]
            started = time.perf_counter()
            with owner.transaction():
                make_schemas(owner, batch, script, cell=CELL)
            took.append((time.perf_counter() - started) / len(batch))
            places += batch
    return places, took


def make_one() -> float:
    """Seconds for one schema from nothing, its connection included."""
    started = time.perf_counter()
    with owner_connection(OWNER) as owner:
        make_schemas(owner, [new_place()], current_script(), cell=CELL)
    return time.perf_counter() - started


def claims() -> list[float]:
    """Seconds for each claim of a spare together with its tenant and host."""
    refill_spares(CELL, wanted=CLAIMS)
    took: list[float] = []
    for _ in range(CLAIMS):
        slug = f"bench-{secrets.token_hex(4)}"
        started = time.perf_counter()
        with transaction.atomic(using="default"):
            place = reserve_schema(CELL)
            tenant = Tenant.objects.create(
                pk=place.tenant_id, slug=slug, name="Bench", cell=CELL, schema=place.schema, role=place.role
            )
            Domain.objects.create(tenant=tenant, host=f"{slug}.example", is_canonical=True)
        took.append(time.perf_counter() - started)
        assert place.is_ready
    return took


def roles(made: Sequence[SchemaPlace]) -> dict[str, float]:
    """Milliseconds of a transaction that only takes a role."""
    with login() as connection:
        first = taking(connection, made[0])
        again = median([taking(connection, place) for place in made[:50]])
        with owner_connection(OWNER) as owner:
            make_schemas(owner, [new_place()], current_script(), cell=CELL)
        after_grant = taking(connection, made[0])
    return {
        "first_on_a_connection": milliseconds(first),
        "again": milliseconds(again),
        "after_a_new_grant": milliseconds(after_grant),
    }


def taking(connection: psycopg.Connection[Any], place: SchemaPlace) -> float:
    started = time.perf_counter()
    with connection.transaction():
        connection.execute(f'SET LOCAL ROLE "{place.role}"'.encode())
    return time.perf_counter() - started


def memory(made: Sequence[SchemaPlace]) -> int | None:
    """Bytes that one server process gains with each company whose tables it has all touched; None off Linux."""
    with login() as connection:
        pid = connection.info.backend_pid
        touch(connection, made[0])
        before = private_bytes(pid)
        touched = made[1 : TOUCHED + 1]
        for place in touched:
            touch(connection, place)
        after = private_bytes(pid)
    return None if before is None or after is None else round((after - before) / len(touched))


def touch(connection: psycopg.Connection[Any], place: SchemaPlace) -> None:
    tables = re.findall(r"CREATE TABLE tenant_template\.(\w+) ", current_script().sql)
    with connection.transaction():
        connection.execute(
            f'SET LOCAL ROLE "{place.role}"; SET LOCAL search_path = "{place.schema}"'.encode()
        )
        for table in tables:
            connection.execute(sql.SQL("SELECT * FROM {} LIMIT 1").format(sql.Identifier(table)))


def private_bytes(pid: int) -> int | None:
    path = Path(f"/proc/{pid}/smaps_rollup")
    if not path.exists():
        return None
    return 1024 * sum(int(value) for value in re.findall(r"^Private_\w+:\s+(\d+) kB", path.read_text(), re.M))


def requests(made: Sequence[SchemaPlace]) -> dict[str, float]:
    """Milliseconds of a company's transaction, through Django's backend."""
    tenants = [company(place).ref for place in made]
    figures: dict[str, float] = {}
    for name, chosen in (("ten_companies", tenants[:FEW]), ("all_companies", tenants)):
        for ref in chosen:
            with tenant_scope(ref), atomic(), connections[CELL].cursor() as cursor:
                cursor.execute(COUNT)
        took: list[float] = []
        for ref in itertools.islice(itertools.cycle(chosen), REQUESTS):
            started = time.perf_counter()
            with tenant_scope(ref), atomic(), connections[CELL].cursor() as cursor:
                cursor.execute(COUNT)
                cursor.fetchone()
            took.append(time.perf_counter() - started)
        figures[f"{name}_p50"] = milliseconds(median(took))
        figures[f"{name}_p95"] = milliseconds(percentile(took, 0.95))
    return figures


def drops(made: Sequence[SchemaPlace]) -> dict[str, float]:
    """Milliseconds for dropping one, and how long a neighbour waited at most."""
    ended, waits = threading.Event(), [0.0]

    def neighbour() -> None:
        ref = company(made[0]).ref
        while not ended.is_set():
            started = time.perf_counter()
            with tenant_scope(ref), atomic(), connections[CELL].cursor() as cursor:
                cursor.execute(COUNT)
            waits.append(time.perf_counter() - started)
            time.sleep(0.005)
        connections.close_all()

    thread = threading.Thread(target=neighbour)
    thread.start()
    took: list[float] = []
    for place in made[-DROPS:]:
        started = time.perf_counter()
        with owner_connection(OWNER) as owner:
            drop_place(owner, place)
        took.append(time.perf_counter() - started)
    ended.set()
    thread.join()
    return {"median_ms": milliseconds(median(took)), "neighbours_longest_wait_ms": milliseconds(max(waits))}


def company(place: SchemaPlace) -> Tenant:
    """A tenant nobody writes down."""
    return Tenant(
        id=place.tenant_id, slug="bench", name="Bench", cell=CELL, schema=place.schema, role=place.role,
        state=Tenant.State.ACTIVE,
    )  # fmt: skip


@contextmanager
def login() -> Iterator[psycopg.Connection[Any]]:
    """A connection of the login role, just opened."""
    parts = settings.DATABASES[CELL]
    with psycopg.connect(
        host=parts["HOST"], port=parts["PORT"], user=parts["USER"], password=parts["PASSWORD"], dbname=parts["NAME"],
        autocommit=True,
    ) as connection:  # fmt: skip
        yield connection
