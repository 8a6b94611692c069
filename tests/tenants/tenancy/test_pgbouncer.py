"""Behind PgBouncer in transaction mode: eight threads, four companies, fewer server connections than threads."""

import random
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError, connections
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from tenants.accounts.models import Department
from tenants.foundation.ids import uuid7
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, on_commit, tenant_scope
from tenants.tenancy.databases import owner_connection
from tests.companies import create_company, drop_company
from tests.fakes.pgbouncer import PROGRAM, PgBouncer, pgbouncer

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed.")

THREADS, STEPS, POOL = 8, 126, 3


@pytest.fixture(scope="module")
def four(databases: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[TenantRef]]:
    """Four companies whose rows are really committed; no scope is open."""
    with django_db_blocker.unblock():
        made: list[Tenant] = []
        try:
            made += [create_company(f"pool-{name}") for name in ("ant", "bee", "cat", "dog")]
            yield [company.ref for company in made]
        finally:
            connections.close_all()
            for company in made:
                drop_company(company)


class Ledger:
    """What was seen and written, counted outside the database."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.kept: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def saw(self, tenant: TenantRef, names: list[str]) -> None:
        """Note a read; every name tells whose row it is."""
        with self._lock:
            self.counts["reads"] += 1
            self.wrong += [f"{tenant.slug} read {name}" for name in names if not name.startswith(tenant.slug)]

    def wrote(self, tenant: TenantRef, *names: str) -> None:
        """Note a committed write."""
        with self._lock:
            self.counts["writes"] += 1
            self.kept.setdefault(tenant.slug, set()).update(names)


def names_now() -> list[str]:
    return list(Department.objects.values_list("name", flat=True))


def make(tenant: TenantRef) -> Department:
    row = Department(id=uuid7(), name=f"{tenant.slug} {secrets.token_hex(6)}", key=secrets.token_hex(4))
    row.save(force_insert=True)
    return row


# --- what a thread does: each takes (its company, another company, the ledger)


def read_twice(mine: TenantRef, other: TenantRef, ledger: Ledger) -> None:
    with atomic():
        ledger.saw(mine, names_now())
        ledger.saw(mine, names_now())


def write_and_read(mine: TenantRef, other: TenantRef, ledger: Ledger) -> None:
    with atomic():
        name = make(mine).name
        found = names_now()
    assert name in found
    ledger.saw(mine, found)
    ledger.wrote(mine, name)


def write_many(mine: TenantRef, other: TenantRef, ledger: Ledger) -> None:
    rows = [
        Department(name=f"{mine.slug} {secrets.token_hex(6)}", key=secrets.token_hex(4)) for _ in range(3)
    ]
    with atomic():
        Department.objects.bulk_create(rows)
        Department.objects.filter(pk=rows[0].pk).update(color=2)
        ledger.saw(mine, names_now())
    ledger.wrote(mine, *(row.name for row in rows))


def read_by_a_server_side_cursor(mine: TenantRef, other: TenantRef, ledger: Ledger) -> None:
    with atomic():
        found = [row.name for row in Department.objects.iterator(chunk_size=2)]
        ledger.saw(mine, found)


def undo_a_savepoint(mine: TenantRef, other: TenantRef, ledger: Ledger) -> None:
    with atomic():
        kept = make(mine)
        with pytest.raises(LookupError), atomic():
            make(mine)
            with tenant_scope(other):
                ledger.saw(other, names_now())
            raise LookupError
        ledger.saw(mine, names_now())
    ledger.wrote(mine, kept.name)


def fail_a_statement(mine: TenantRef, other: TenantRef, ledger: Ledger) -> None:
    with atomic():
        kept = make(mine)
        with pytest.raises(IntegrityError), atomic():
            Department.objects.create(name=kept.name, key="twice")
        ledger.saw(mine, names_now())
    ledger.wrote(mine, kept.name)


def fail_as_a_whole(mine: TenantRef, other: TenantRef, ledger: Ledger) -> None:
    with pytest.raises(LookupError), atomic():
        make(mine)
        raise LookupError
    with atomic():
        ledger.saw(mine, names_now())


def visit_another_company(mine: TenantRef, other: TenantRef, ledger: Ledger) -> None:
    with atomic():
        before = make(mine)
        with tenant_scope(other):
            theirs = make(other)
            ledger.saw(other, names_now())
        after = make(mine)
        ledger.saw(mine, names_now())
    ledger.wrote(mine, before.name, after.name)
    ledger.wrote(other, theirs.name)


def go_on_after_the_commit(mine: TenantRef, other: TenantRef, ledger: Ledger) -> None:
    made: list[str] = []

    def afterwards() -> None:
        with atomic():
            made.append(make(mine).name)
            ledger.saw(mine, names_now())

    with tenant_scope(mine), atomic():
        on_commit(afterwards)
        made.append(make(mine).name)
        with tenant_scope(other):
            ledger.saw(other, names_now())
    ledger.wrote(mine, *made)


STEPS_THERE_ARE: tuple[Callable[[TenantRef, TenantRef, Ledger], None], ...] = (
    read_twice, write_and_read, write_many, read_by_a_server_side_cursor, undo_a_savepoint, fail_a_statement,
    fail_as_a_whole, visit_another_company, go_on_after_the_commit,
)  # fmt: skip


def run_threads(four: list[TenantRef], *, persistent: bool) -> Ledger:
    """Let the threads loose; a thread keeps its connection, or gives it back after each step."""
    ledger = Ledger()

    def work(number: int) -> None:
        chance = random.Random(number)
        try:
            for step in range(STEPS):
                mine, other = chance.sample(four, 2)
                with tenant_scope(mine):
                    STEPS_THERE_ARE[(step + number) % len(STEPS_THERE_ARE)](mine, other, ledger)
                if not persistent:
                    connections[mine.cell].close()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, number) for number in range(THREADS)]:
            try:
                done.result()
            # Counted, and shown by the assertion: the test is about how many there are.
            except Exception as error:
                ledger.wrong.append(f"error: {error!r}")
    return ledger


def rows_by_tenant(four: list[TenantRef]) -> dict[str, set[str]]:
    """What really stands in each company's schema, asked by the owner of the cell, past PgBouncer."""
    found = {}
    with owner_connection(f"{four[0].cell}_owner") as connection:
        for tenant in four:
            query = sql.SQL("SELECT name FROM {}").format(
                sql.Identifier(tenant.schema, "accounts_department")
            )
            found[tenant.slug] = {str(name) for (name,) in connection.execute(query)}
    return found


def clear(four: list[TenantRef]) -> None:
    with owner_connection(f"{four[0].cell}_owner") as connection:
        for tenant in four:
            connection.execute(
                sql.SQL("DELETE FROM {}").format(sql.Identifier(tenant.schema, "accounts_department"))
            )


@pytest.mark.parametrize(
    ("persistent", "server_lifetime"), [(True, 3600), (True, 1), (False, 3600)],
    ids=["connections are kept", "server connections live a second", "a connection per step"],
)  # fmt: skip
def test_no_thread_ever_meets_another_companys_rows(
    four: list[TenantRef], persistent: bool, server_lifetime: int
) -> None:
    """1,456 reads and 784 writes each time: 0 of the wrong company, 0 errors."""
    clear(four)
    with pgbouncer(pool_size=POOL, server_lifetime=server_lifetime) as bouncer, bouncer.before(four[0].cell):
        ledger = run_threads(four, persistent=persistent)
        pools = [pool for pool in bouncer.admin("SHOW STATS") if pool["database"] == cell_name(four)]
    assert ledger.wrong == []
    assert ledger.counts["reads"] > 1400
    assert ledger.counts["writes"] > 750
    # It did go through: every one of them was a transaction of PgBouncer's.
    assert pools[0]["total_xact_count"] >= ledger.counts["writes"]
    # Nothing was lost, nothing undone was kept, and nothing stands in another's schema.
    assert rows_by_tenant(four) == ledger.kept


def cell_name(four: list[TenantRef]) -> str:
    return str(settings.DATABASES[four[0].cell]["NAME"])


def test_server_connections_that_are_cut_cost_errors_but_never_another_companys_rows(
    four: list[TenantRef],
) -> None:
    clear(four)
    ending = threading.Event()

    def cut() -> None:
        while not ending.wait(0.05):
            with owner_connection(f"{four[0].cell}_owner") as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = %s",
                    [settings.DATABASES[four[0].cell]["USER"]],
                )

    ledger, failed = Ledger(), Counter[str]()

    def work(number: int) -> None:
        chance = random.Random(number)
        try:
            for _ in range(80):
                mine, other = chance.sample(four, 2)
                try:
                    with tenant_scope(mine):
                        write_and_read(mine, other, ledger)
                except OperationalError:
                    failed["cut"] += 1
                    connections[mine.cell].close()
        finally:
            connections.close_all()

    with pgbouncer(pool_size=POOL) as bouncer, bouncer.before(four[0].cell), ThreadPoolExecutor(9) as pool:
        knife = pool.submit(cut)
        try:
            for done in [pool.submit(work, number) for number in range(THREADS)]:
                done.result(60)
        finally:
            ending.set()
        knife.result(10)
    assert ledger.wrong == []
    assert failed["cut"] > 0
    found = rows_by_tenant(four)
    assert all(names <= found[slug] for slug, names in ledger.kept.items())
    assert all(name.startswith(slug) for slug, names in found.items() for name in names)


def test_a_role_and_path_set_for_the_session_would_be_somebody_elses(four: list[TenantRef]) -> None:
    """Why the scope is set by SET LOCAL in each transaction, and why the tests above can fail.

    Seen here: 725 of 800 reads answered elsewhere, mostly as another company.
    """
    wrong: list[str] = []
    start = threading.Barrier(THREADS)

    def work(bouncer: PgBouncer, number: int) -> None:
        mine = four[number % len(four)]
        with psycopg.connect(
            **bouncer.url_of(mine.cell), autocommit=True, prepare_threshold=None
        ) as connection:
            # In one trip: on two lines they would be set on two servers, and a role sees nothing in another's schema.
            scope = sql.SQL("SET ROLE {}; SET search_path = {}")
            connection.execute(scope.format(sql.Identifier(mine.role), sql.Identifier(mine.schema)))
            start.wait(10)
            for _ in range(100):
                row = connection.execute("SELECT current_schema()::text").fetchone()
                assert row is not None
                if row[0] != mine.schema:
                    wrong.append(str(row[0]))

    with pgbouncer(pool_size=POOL) as bouncer, ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, bouncer, number) for number in range(THREADS)]:
            done.result()
    assert sum(schema in {tenant.schema for tenant in four} for schema in wrong) > 100
