"""Existing tenants follow the template by the ledger: what is up to date is skipped, one failure stops nobody else."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.migrations import RunPython

from tenants.models import MigrationLedger, TemplateMigration, Tenant
from tenants.outbox.models import Subscriber
from tenants.tenancy import TenantRef, atomic, cell_scope, tenant_scope
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.migrations import migrate_tenant, migrate_tenants, pending_migrations
from tenants.tenancy.template import clean_dump, ensure_template, tenant_plan

KEY = ("tasks", "0001_initial")


@pytest.fixture
def behind(committed_tenant: TenantRef) -> Iterator[TenantRef]:
    """A tenant whose ledger lacks one migration, whose rendered SQL is a harmless column."""
    with owner_connection("cell_1_owner") as owner:
        owner.execute(
            "DELETE FROM tenants_migrationledger WHERE tenant_id = %s AND app = %s AND name = %s",
            [committed_tenant.id, *KEY],
        )
    row = TemplateMigration.objects.get(app=KEY[0], name=KEY[1])
    before = row.sql
    row.sql = "ALTER TABLE accounts_department ADD COLUMN tried integer NOT NULL DEFAULT 1;"
    row.save()
    yield committed_tenant
    row.sql = before
    row.save()
    connections["default"].close()


def columns(ref: TenantRef) -> set[str]:
    with owner_connection("cell_1_owner") as owner:
        rows = owner.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = 'accounts_department'",
            [ref.schema],
        ).fetchall()
    return {str(row[0]) for row in rows}


def test_a_new_tenant_lacks_nothing(committed_tenant: TenantRef) -> None:
    assert committed_tenant.id not in pending_migrations("cell_1")


def test_what_the_ledger_lacks_is_applied_once_and_recorded(behind: TenantRef) -> None:
    assert pending_migrations("cell_1")[behind.id] == [KEY]
    report = migrate_tenants()
    assert behind.slug in report.migrated
    assert not report.failed
    assert "tried" in columns(behind)
    again = migrate_tenants()
    assert again.migrated == []
    assert again.failed == {}


def test_a_migration_with_python_in_it_is_carried_out_by_django_in_the_tenants_schema(
    committed_tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ("outbox", "0001_initial")
    migration = importlib.import_module("tenants.outbox.migrations.0001_initial").Migration

    def fill(apps: Any, schema_editor: Any) -> None:
        subscribers = apps.get_model("outbox", "Subscriber").objects.using(schema_editor.connection.alias)
        subscribers.create(name="made by Python")

    monkeypatch.setattr(migration, "operations", [*migration.operations, RunPython(fill)])
    with owner_connection("cell_1_owner") as owner:
        owner.execute(
            "DELETE FROM tenants_migrationledger WHERE tenant_id = %s AND app = %s AND name = %s",
            [committed_tenant.id, *key],
        )
        for table in ("delivery", "subscriber", "outboxevent"):
            owner.execute(f'DROP TABLE "{committed_tenant.schema}".outbox_{table}')
    assert TemplateMigration.objects.get(app=key[0], name=key[1]).sql is None
    assert migrate_tenants().failed == {}
    with tenant_scope(committed_tenant), atomic():
        assert [row.name for row in Subscriber.objects.all()] == ["made by Python"]
    assert pending_migrations("cell_1") == {}


def test_a_tenant_whose_taking_in_was_cut_short_does_not_fall_behind(behind: TenantRef) -> None:
    tenants = Tenant.objects.filter(pk=behind.id)
    tenants.update(state=Tenant.State.PROVISIONING)
    assert migrate_tenants().migrated == [behind.slug]
    assert "tried" in columns(behind)


def test_a_tenant_without_a_schema_yet_is_left_alone(committed_tenant: TenantRef) -> None:
    new = Tenant.objects.create(
        slug="just-begun", name="New", cell="cell_1", schema="t_begun", role="t_begun"
    )
    try:
        assert new.state == Tenant.State.PROVISIONING
        assert new.pk not in pending_migrations("cell_1")
        assert migrate_tenants().failed == {}
    finally:
        new.delete()


def test_two_runs_at_once_apply_a_migration_once(behind: TenantRef) -> None:
    keys = pending_migrations("cell_1")[behind.id]
    tenant = Tenant.objects.get(pk=behind.id)
    migrate_tenant(tenant, keys)
    migrate_tenant(tenant, keys)  # a second run that had asked the ledger before the first one wrote to it
    assert "tried" in columns(behind)


def test_a_failing_tenant_is_reported_keeps_its_schema_and_stops_nobody(
    behind: TenantRef, companies: tuple[Tenant, ...]
) -> None:
    with owner_connection("cell_1_owner") as owner:
        owner.execute(f'ALTER TABLE "{behind.schema}".accounts_department ADD COLUMN tried integer')
    report = migrate_tenants()
    assert list(report.failed) == [behind.slug]
    assert "already exists" in report.failed[behind.slug]
    assert report.up_to_date >= len(companies)
    with cell_scope("cell_1"):
        from django.db import transaction

        with transaction.atomic(using="cell_1"):
            assert not MigrationLedger.objects.filter(tenant_id=behind.id, app=KEY[0], name=KEY[1]).exists()


def test_the_template_is_built_once(databases: None, django_db_blocker: object) -> None:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        first, second = ensure_template(), ensure_template()
        assert first.pk == second.pk
        assert [tuple(key) for key in first.migrations] == tenant_plan()
        assert "django_migrations" not in first.sql


def test_a_dump_is_reduced_to_statements() -> None:
    dump = (
        "--\n-- a comment\n--\n\n\\restrict abc\n\nSET statement_timeout = 0;\n"
        "SELECT pg_catalog.set_config('x', '', false);\n\n"
        "--\n-- Name: t\n--\n\nCREATE TABLE tenant_template.t (\n    id integer\n);\n\n"
        "CREATE TABLE tenant_template.django_migrations (\n    id integer\n);\n"
    )
    assert clean_dump(dump) == "CREATE TABLE tenant_template.t (\n    id integer\n);"
