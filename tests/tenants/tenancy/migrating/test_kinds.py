"""Migrations that are more than plain SQL: Python through Django, and indexes made outside a transaction."""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import migrations, models
from psycopg import sql

from tenants.models import Tenant
from tenants.outbox.models import Subscriber
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.migrating import one_tenant
from tenants.tenancy.migrations import MigrationFailed, migrate_tenant, migrate_tenants, pending_migrations
from tenants.tenancy.template import runs_python
from tests.tenants.tenancy.migrating.conftest import KEY, MakeFleet, rendered

PYTHON = ("outbox", "0001_initial")
INDEX = 'CREATE INDEX CONCURRENTLY "item_by_id" ON "item" ("id");'


@pytest.fixture
def python_migration(
    committed_tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Makes the company's next migration run the given functions, its tables there already."""
    migration = importlib.import_module("tenants.outbox.migrations.0001_initial").Migration

    def use(*functions: Callable[[Any, Any], None], is_atomic: bool = True) -> None:
        states = migrations.SeparateDatabaseAndState(state_operations=list(migration.operations))
        monkeypatch.setattr(
            migration, "operations", [states, *(migrations.RunPython(function) for function in functions)]
        )
        monkeypatch.setattr(migration, "atomic", is_atomic)
        with owner_connection("cell_1_owner") as owner:
            owner.execute(
                "DELETE FROM tenants_migrationledger WHERE tenant_id = %s AND app = %s AND name = %s",
                [committed_tenant.id, *PYTHON],
            )

    with rendered(None, key=PYTHON):
        yield use


def subscribers(ref: TenantRef) -> list[str]:
    with tenant_scope(ref), atomic():
        return sorted(Subscriber.objects.values_list("name", flat=True))


def fill(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("outbox", "Subscriber")
    assert model.__module__ == "__fake__", "the models of that time, not today's"
    model.objects.using(schema_editor.connection.alias).create(name="made by Python")


def test_python_that_names_no_database_still_works_in_the_companys_schema(
    python_migration: Callable[..., None], committed_tenant: TenantRef
) -> None:
    def fill_carelessly(apps: Any, schema_editor: Any) -> None:
        model = apps.get_model("outbox", "Subscriber")
        model.objects.create(name="by default")
        assert model.objects.get().name == "by default"

    python_migration(fill_carelessly)
    assert migrate_tenants().failed == {}
    assert subscribers(committed_tenant) == ["by default"]


def test_python_and_its_ledger_row_are_one_transaction(
    python_migration: Callable[..., None], committed_tenant: TenantRef
) -> None:
    def break_off(apps: Any, schema_editor: Any) -> None:
        raise ValueError("half way")

    python_migration(fill, break_off)
    tenant = Tenant.objects.get(pk=committed_tenant.id)
    with pytest.raises(MigrationFailed, match="half way"):
        migrate_tenant(tenant)
    assert subscribers(committed_tenant) == []
    assert pending_migrations("cell_1")[tenant.pk] == [PYTHON]
    python_migration(fill)
    assert migrate_tenant(tenant) == 1
    assert subscribers(committed_tenant) == ["made by Python"]
    assert migrate_tenant(tenant) == 0


def test_python_that_meets_a_lock_is_tried_again(
    python_migration: Callable[..., None], committed_tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_tenant, "LOCK_TIMEOUT", "50ms")
    tries: list[int] = []
    with owner_connection("cell_1_owner") as other:
        table = sql.Identifier(committed_tenant.schema, "outbox_subscriber")
        other.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(table))

        def count(apps: Any, schema_editor: Any) -> None:
            tries.append(1)
            if len(tries) == 3:
                other.rollback()

        python_migration(count, fill)
        report = migrate_tenants()
    assert report.migrated == [committed_tenant.slug]
    assert len(tries) == 3
    assert report.retries == 2
    assert subscribers(committed_tenant) == ["made by Python"]


def test_python_outside_a_transaction_is_recorded_when_it_is_done(
    python_migration: Callable[..., None], committed_tenant: TenantRef
) -> None:
    seen: list[bool] = []

    def look(apps: Any, schema_editor: Any) -> None:
        seen.append(schema_editor.connection.in_atomic_block)

    python_migration(look, fill, is_atomic=False)
    assert migrate_tenants().migrated == [committed_tenant.slug]
    assert seen == [False]
    assert subscribers(committed_tenant) == ["made by Python"]


def test_python_inside_another_operation_is_seen() -> None:
    wrapped = migrations.SeparateDatabaseAndState(database_operations=[migrations.RunPython(fill)])
    assert runs_python(wrapped)
    assert runs_python(migrations.RunPython(fill))
    assert not runs_python(migrations.AddField("task", "x", models.IntegerField(null=True)))


def indexes(tenant: Tenant) -> list[tuple[str, bool]]:
    with owner_connection("cell_1_owner") as owner:
        rows = owner.execute(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE c.relnamespace = %s::regnamespace",
            [tenant.schema],
        ).fetchall()
    return [(str(name), bool(valid)) for name, valid in rows]


def test_an_index_is_made_concurrently_and_recorded(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(3)
    with rendered(INDEX, is_atomic=False):
        report = migrate_tenants()
        assert not report.failed
        assert migrate_tenants().migrated == []
    assert fleet.migrated() == fleet.slugs
    assert [indexes(tenant) for tenant in fleet.tenants] == [[("item_by_id", True)]] * 3


def test_an_index_a_crash_left_half_built_is_built_anew(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(1)
    tenant = fleet.tenants[0]
    with owner_connection("cell_1_owner") as owner:
        owner.execute(f'INSERT INTO "{tenant.schema}".item DEFAULT VALUES')
        owner.execute(f'INSERT INTO "{tenant.schema}".item OVERRIDING SYSTEM VALUE VALUES (1)')
    with owner_connection("cell_1_owner") as owner:
        owner.autocommit = True
        with pytest.raises(Exception, match="duplicat"):
            owner.execute(f'CREATE UNIQUE INDEX CONCURRENTLY item_by_id ON "{tenant.schema}".item (id)')
    assert indexes(tenant) == [("item_by_id", False)]
    with rendered(INDEX, is_atomic=False):
        assert migrate_tenants().migrated == [tenant.slug]
    assert indexes(tenant) == [("item_by_id", True)]


def test_an_index_that_was_finished_but_not_recorded_is_kept(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(1)
    tenant = fleet.tenants[0]
    with owner_connection("cell_1_owner") as owner:
        owner.execute(f'CREATE INDEX item_by_id ON "{tenant.schema}".item (id)')
    with rendered(INDEX, is_atomic=False):
        assert migrate_tenants().migrated == [tenant.slug]
    assert indexes(tenant) == [("item_by_id", True)]
    assert fleet.migrated() == [tenant.slug]


def test_several_statements_outside_a_transaction_are_sent_one_by_one(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(1)
    drop = 'DROP INDEX CONCURRENTLY IF EXISTS "item_old";'
    with owner_connection("cell_1_owner") as owner:
        owner.execute(f'CREATE INDEX item_old ON "{fleet.tenants[0].schema}".item (id)')
    with rendered(f"{INDEX}\n--\n-- a comment; with a semicolon\n--\n{drop}", is_atomic=False):
        assert not migrate_tenants().failed
    assert indexes(fleet.tenants[0]) == [("item_by_id", True)]
    assert KEY not in pending_migrations("cell_1").get(fleet.tenants[0].pk, [])
