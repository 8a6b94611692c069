"""A fleet of small companies: each a schema with one table, up to date but for one migration."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.db import connections
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from tenants.foundation.ids import uuid7
from tenants.models import TemplateMigration, Tenant
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.migrations import pending_migrations
from tenants.tenancy.provisioning import record_migrations
from tenants.tenancy.template import Key, tenant_plan

KEY: Key = ("tasks", "0001_initial")
ADD = "ALTER TABLE item ADD COLUMN tried integer; INSERT INTO item DEFAULT VALUES;"


@dataclass
class Fleet:
    """The companies, oldest first, and what one can see of them from outside."""

    tenants: list[Tenant]

    @property
    def slugs(self) -> list[str]:
        return [tenant.slug for tenant in self.tenants]

    def migrated(self) -> list[str]:
        """Slugs of those whose ledger has the migration."""
        with owner_connection("cell_1_owner") as owner:
            rows = owner.execute(
                "SELECT tenant_id FROM tenants_migrationledger WHERE app = %s AND name = %s", KEY
            ).fetchall()
        ids = {row[0] for row in rows}
        return [tenant.slug for tenant in self.tenants if tenant.pk in ids]

    def changed(self) -> list[str]:
        """Slugs of those whose table has the column the migration adds."""
        with owner_connection("cell_1_owner") as owner:
            rows = owner.execute(
                "SELECT table_schema FROM information_schema.columns"
                " WHERE table_name = 'item' AND column_name = 'tried'"
            ).fetchall()
        schemas = {row[0] for row in rows}
        return [tenant.slug for tenant in self.tenants if tenant.schema in schemas]

    def rows(self, tenant: Tenant) -> int:
        """How many rows the company's table has."""
        with owner_connection("cell_1_owner") as owner:
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(tenant.schema, "item"))
            row = owner.execute(query).fetchone()
        return int(str(row[0])) if row else 0


@contextmanager
def rendered(script: str | None, *, is_atomic: bool = True, key: Key = KEY) -> Iterator[None]:
    """The migration of the template is this SQL until the block ends."""
    row = TemplateMigration.objects.get(app=key[0], name=key[1])
    before = row.sql, row.is_atomic
    row.sql, row.is_atomic = script, is_atomic
    row.save()
    try:
        yield
    finally:
        row.sql, row.is_atomic = before
        row.save()
        connections["default"].close()


type MakeFleet = Callable[[int], Fleet]


@pytest.fixture
def make_fleet(databases: None, django_db_blocker: DjangoDbBlocker) -> Iterator[MakeFleet]:
    """Makes companies that lack one migration; they are gone when the test ends."""
    made: list[Tenant] = []
    # Every test must leave nobody behind: else the next run would find more than its own companies.
    with django_db_blocker.unblock():

        def make(many: int) -> Fleet:
            keys = [key for key in tenant_plan() if key != KEY]
            with owner_connection("cell_1_owner") as owner:
                for number in range(many):
                    name = f"{settings.TENANT_ROLE_PREFIX}fleet_{number}"
                    tenant = Tenant.objects.create(
                        id=uuid7(), slug=f"fleet-{number}", name="Fleet", cell="cell_1", schema=name, role=name,
                        state=Tenant.State.ACTIVE,
                    )  # fmt: skip
                    made.append(tenant)
                    owner.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
                    owner.execute(
                        sql.SQL("CREATE TABLE {} (id bigint GENERATED ALWAYS AS IDENTITY)").format(
                            sql.Identifier(name, "item")
                        )
                    )
                    record_migrations(owner, tenant.pk, keys)
            return Fleet(list(made))

        yield make
        with owner_connection("cell_1_owner") as owner:
            for tenant in made:
                owner.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(tenant.schema)))
            owner.execute(
                "DELETE FROM tenants_migrationledger WHERE tenant_id = ANY(%s)", [[t.pk for t in made]]
            )
        Tenant.objects.filter(pk__in=[tenant.pk for tenant in made]).delete()
        connections.close_all()


def spoil(tenant: Tenant) -> None:
    """Make the migration fail in this company."""
    with owner_connection("cell_1_owner") as owner:
        owner.execute(f'ALTER TABLE "{tenant.schema}".item ADD COLUMN tried integer')


def mend(tenant: Tenant) -> None:
    with owner_connection("cell_1_owner") as owner:
        owner.execute(f'ALTER TABLE "{tenant.schema}".item DROP COLUMN tried')


def all_is_done_once(fleet: Fleet) -> None:
    assert fleet.migrated() == fleet.slugs
    assert fleet.changed() == fleet.slugs
    assert [fleet.rows(tenant) for tenant in fleet.tenants] == [1] * len(fleet.tenants)
    assert pending_migrations("cell_1") == {}
