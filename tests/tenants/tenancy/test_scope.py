"""Without a scope nothing is read; with one, only the tenant's own rows, whatever the code around it does."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.db.utils import InternalError, OperationalError, ProgrammingError

from tenants.accounts.models import Department
from tenants.tenancy import (
    NoTenant,
    NoTransaction,
    TenantRef,
    atomic,
    current_tenant,
    on_commit,
    tenant_scope,
)
from tenants.tenancy.context import current_tenant_or_none
from tenants.tenancy.errors import ForbiddenStatement, TenancyError

pytestmark = pytest.mark.usefixtures("database")


def names() -> set[str]:
    return set(Department.objects.values_list("name", flat=True))


@pytest.fixture
def departments(tenant: TenantRef, other_tenant: TenantRef) -> None:
    with atomic():
        Department.objects.create(name="Northern dispatch", key="ND")
    with tenant_scope(other_tenant), atomic():
        Department.objects.create(name="Southern dispatch", key="SD")


def test_tenant_rows_without_a_scope_are_an_error() -> None:
    with pytest.raises(NoTenant):
        Department.objects.count()


def test_sql_without_a_scope_is_refused_even_when_the_alias_is_named() -> None:
    with pytest.raises(NoTenant):
        Department.objects.using("cell_1").count()


def test_raw_sql_without_a_scope_is_refused() -> None:
    with connections["cell_1"].cursor() as cursor, pytest.raises(NoTenant):
        cursor.execute("SELECT 1")


def test_the_current_tenant_is_unset_by_default() -> None:
    assert current_tenant_or_none() is None
    with pytest.raises(NoTenant):
        current_tenant()


def test_each_tenant_sees_its_own_rows_only(
    departments: None, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    with atomic():
        assert "Northern dispatch" in names()
        assert "Southern dispatch" not in names()
    with tenant_scope(other_tenant), atomic():
        assert "Southern dispatch" in names()
        assert "Northern dispatch" not in names()


def test_scopes_may_be_nested_inside_one_transaction(
    departments: None, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    with atomic():
        before = names()
        with tenant_scope(other_tenant):
            inside = names()
        assert names() == before
        assert before.isdisjoint({"Southern dispatch"})
        assert "Southern dispatch" in inside


def test_an_exception_leaves_no_scope_behind(tenant: TenantRef, other_tenant: TenantRef) -> None:
    with pytest.raises(RuntimeError), tenant_scope(other_tenant):
        raise RuntimeError
    assert current_tenant() == tenant


def test_a_savepoint_rolled_back_does_not_leave_the_other_tenants_role(
    departments: None, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    with atomic():
        with pytest.raises(RuntimeError), atomic():
            with tenant_scope(other_tenant):
                assert "Southern dispatch" in names()
            raise RuntimeError
        assert "Northern dispatch" in names()
        assert "Southern dispatch" not in names()


def test_a_failed_statement_is_reported_as_such_and_the_next_block_is_right_again(
    departments: None, tenant: TenantRef
) -> None:
    with pytest.raises(ProgrammingError), atomic(), connections["cell_1"].cursor() as cursor:
        cursor.execute("SELECT * FROM nothing_here")
    with atomic():
        assert "Northern dispatch" in names()


def test_a_missing_tenant_table_is_an_error_never_somebody_elses_rows(tenant: TenantRef) -> None:
    from tenants.tenancy.databases import owner_connection

    with owner_connection("cell_1_owner") as owner:
        owner.execute(f'ALTER TABLE "{tenant.schema}".accounts_department RENAME TO moved_away')
    try:
        with pytest.raises(ProgrammingError, match="does not exist"), atomic():
            Department.objects.count()
    finally:
        with owner_connection("cell_1_owner") as owner:
            owner.execute(f'ALTER TABLE "{tenant.schema}".moved_away RENAME TO accounts_department')


def test_the_database_itself_refuses_the_other_tenants_schema(
    tenant: TenantRef, other_tenant: TenantRef
) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        atomic(),
        connections["cell_1"].cursor() as cursor,
    ):
        cursor.execute(f'SELECT count(*) FROM "{other_tenant.schema}".accounts_department')


@pytest.mark.parametrize(
    "attack",
    [
        "SELECT 1; DISCARD ALL",
        "SELECT 1; SELECT 2",
        "COMMIT; SELECT 1",
        "SELECT 1; DO $$ BEGIN NULL; END $$",
    ],
)
def test_nothing_can_be_stacked_behind_a_semicolon(tenant: TenantRef, attack: str) -> None:
    with (
        pytest.raises(
            (ProgrammingError, ForbiddenStatement), match=r"multiple commands|reads or writes rows"
        ),
        atomic(),
        connections["cell_1"].cursor() as cursor,
    ):
        cursor.execute(attack)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT set_config('role', '{role}', true)",
        "SELECT id FROM tasks_task WHERE title = '' OR 'x' = pg_catalog.\"set_config\"('role', '{role}', true)",
        "SELECT * FROM ts_stat('SELECT set' || '_config(''role'', ''{role}'', true)::tsvector')",
        "SELECT query_to_xml('SELECT 1', true, true, '')",
        "WITH r AS (UPDATE pg_settings SET setting = '{role}' WHERE name = 'role' RETURNING 1) SELECT 1",
        'SET ROLE "{role}"',
        'SET LOCAL ROLE "{role}"',
        "RESET ROLE",
        'set/**/local/**/role "{role}"',
        'set local  role "{role}"',
        'SET\tROLE "{role}"',
        'SET\x0bROLE "{role}"',
        'SET -- a comment\n ROLE "{role}"',
        'SET LOCAL "role" = "{role}"',
        'SET SESSION role "{role}"',
        'RESET "role"',
        "DO $$ BEGIN EXECUTE 'set loc'||'al ro'||'le \"{role}\"'; END $$",
        "PREPARE x AS SELECT 1",
        "LISTEN anything",
        "COMMIT",
        "/* a */ -- b\n ROLLBACK",
        '/* /* */ */ SET ROLE "{role}"',
        "SET SESSION default_transaction_read_only = on",
        "CALL anything()",
        "LOCK TABLE tasks_task",
    ],
)
def test_one_statement_cannot_change_the_role_it_runs_as(
    tenant: TenantRef, other_tenant: TenantRef, statement: str
) -> None:
    with connections[tenant.cell].cursor() as cursor, atomic():
        with pytest.raises(ForbiddenStatement):
            cursor.execute(statement.format(role=other_tenant.role))
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (tenant.role,)


def test_what_a_person_writes_is_no_statement(tenant: TenantRef) -> None:
    with connections[tenant.cell].cursor() as cursor, atomic():
        cursor.execute("SELECT %s::text", ["set_config('role')"])
        assert cursor.fetchone() == ("set_config('role')",)


@pytest.mark.parametrize("kind", ["TABLE", "TEMP TABLE"])
def test_a_tenant_can_neither_change_its_tables_nor_lay_others_before_them(
    tenant: TenantRef, kind: str
) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        atomic(),
    ):
        Department.objects.count()  # the transaction is the tenant's now
        # The driver's own cursor, past our guard: the database itself says no.
        connections["cell_1"].connection.execute(f"CREATE {kind} tasks_task (id int)")


def test_names_of_schemas_are_checked_before_they_become_sql(tenant: TenantRef) -> None:
    with pytest.raises(TenancyError):
        TenantRef(
            id=tenant.id, slug="x", name="x", cell="cell_1", schema='x"; drop', role="x", state="active"
        )


def test_a_scope_of_one_cell_is_refused_on_another(tenant: TenantRef) -> None:
    elsewhere = TenantRef(
        id=tenant.id,
        slug="x",
        name="x",
        cell="cell_9",
        schema=tenant.schema,
        role=tenant.role,
        state="active",
    )
    with tenant_scope(elsewhere), pytest.raises(Exception, match="cell"):
        Department.objects.using("cell_1").count()


class TestCommitted:
    """With connections of their own: threads, event loops, and nothing around them."""

    @pytest.fixture(autouse=True)
    def _outside(self, committed_tenant: TenantRef) -> None:
        self.mine = committed_tenant

    def test_tenant_sql_outside_a_transaction_is_refused(self) -> None:
        def attempt() -> None:
            with tenant_scope(self.mine):
                try:
                    with pytest.raises(NoTransaction):
                        Department.objects.count()
                finally:
                    connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            pool.submit(attempt).result()

    def test_a_new_thread_starts_without_a_scope(self) -> None:
        found: list[object] = []
        with tenant_scope(self.mine):
            thread = threading.Thread(target=lambda: found.append(current_tenant_or_none()))
            thread.start()
            thread.join()
        assert found == [None]

    def test_threads_keep_their_tenants_apart(self, companies: tuple[object, ...]) -> None:
        refs = [self.mine, *(company.ref for company in companies)]  # type: ignore[attr-defined]

        def work(number: int) -> tuple[str, str]:
            ref = refs[number % len(refs)]
            try:
                with tenant_scope(ref), atomic(), connections["cell_1"].cursor() as cursor:
                    cursor.execute("SELECT current_user::text, current_schema()::text")
                    user, schema = cursor.fetchone()
                    assert (user, schema) == (ref.role, ref.schema)
                    return user, schema
            finally:
                if number >= 192:
                    connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            seen = set(pool.map(work, range(200)))
            for _ in range(8):
                pool.submit(connections.close_all)
        assert len(seen) == len(refs)

    def test_coroutines_keep_their_tenants_apart(self, companies: tuple[object, ...]) -> None:
        refs = [self.mine, *(company.ref for company in companies)]  # type: ignore[attr-defined]

        def read() -> str:
            with atomic(), connections["cell_1"].cursor() as cursor:
                cursor.execute("SELECT current_user::text")
                return str(cursor.fetchone()[0])

        async def one(ref: TenantRef) -> bool:
            with tenant_scope(ref):
                await asyncio.sleep(0)
                first = await sync_to_async(read)()
                await asyncio.sleep(0.001)
                return first == await sync_to_async(read)() == ref.role and current_tenant() == ref

        async def all_of_them() -> list[bool]:
            return await asyncio.gather(*(one(refs[n % len(refs)]) for n in range(30)))

        # A thread of its own: another test's event loop may be open in this one.
        with ThreadPoolExecutor(1) as pool:
            assert all(pool.submit(asyncio.run, all_of_them()).result())
            pool.submit(connections.close_all).result()

    def cut(self) -> None:
        with socket.socket(fileno=os.dup(connections["cell_1"].connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)

    def in_a_thread(self, attempt: Callable[[], int]) -> int:
        def run() -> int:
            try:
                with tenant_scope(self.mine):
                    return attempt()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(run).result()

    def test_a_connection_that_breaks_in_a_transaction_is_an_error_and_the_next_one_is_new(self) -> None:
        def attempt() -> int:
            with pytest.raises(OperationalError), atomic():
                assert Department.objects.count() == 0
                self.cut()
                Department.objects.count()
            connections["cell_1"].close_if_unusable_or_obsolete()
            with atomic():
                return Department.objects.count()

        assert self.in_a_thread(attempt) == 0

    @pytest.mark.parametrize("starts_with_a_savepoint", [False, True])
    def test_a_connection_that_died_while_idle_is_replaced_without_an_error(
        self, starts_with_a_savepoint: bool
    ) -> None:
        def attempt() -> int:
            with atomic():
                Department.objects.create(name="Before", key="BE")
            self.cut()
            committed: list[str] = []
            with atomic():
                on_commit(lambda: committed.append("told"))
                if starts_with_a_savepoint:
                    with atomic():
                        Department.objects.create(name="After", key="AF")
                else:
                    Department.objects.create(name="After", key="AF")
            assert committed == ["told"]
            with pytest.raises(RuntimeError), atomic():
                Department.objects.create(name="Never", key="NE")
                raise RuntimeError
            with atomic():
                return Department.objects.count()

        assert self.in_a_thread(attempt) == 2

    def test_connections_that_died_in_a_pool_are_replaced_without_an_error(self) -> None:
        def attempt() -> int:
            pooled: Any = connections.create_connection("cell_1")  # the stubs do not know of pools
            pool = {"min_size": 0, "max_size": 3, "timeout": 5}
            pooled.settings_dict = {
                **pooled.settings_dict, "CONN_MAX_AGE": 0, "OPTIONS": {**pooled.settings_dict["OPTIONS"], "pool": pool}
            }  # fmt: skip
            connections["cell_1"] = pooled
            try:
                pooled.pool.open()
                idle = [pooled.pool.getconn() for _ in range(3)]
                for connection in idle:
                    with socket.socket(fileno=os.dup(connection.fileno())) as wire:
                        wire.shutdown(socket.SHUT_RDWR)
                    pooled.pool.putconn(connection)
                with atomic():
                    return Department.objects.count()
            finally:
                pooled.close()
                pooled.close_pool()

        assert self.in_a_thread(attempt) == 0


def test_work_items_of_others_are_invisible_to_a_tenant(tenant: TenantRef) -> None:
    with (
        pytest.raises((ProgrammingError, InternalError), match="permission denied"),
        atomic(),
        connections["cell_1"].cursor() as cursor,
    ):
        cursor.execute("SELECT count(*) FROM tenants_workitem")
