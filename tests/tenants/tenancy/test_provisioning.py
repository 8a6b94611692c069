"""A tenant's schema has everything the template has, under the same names, and goes without a trace."""

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from psycopg import sql

from tenants.models import TemplateScript, Tenant
from tenants.tenancy import atomic, provisioning, tenant_scope
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.provisioning import SHARED_ROWS, drop_schema, new_place, provision_schema, schema_exists
from tenants.tenancy.template import SCHEMA, current_script
from tests.companies import create_company, drop_company

# What there is in a schema, by the catalog; the schema's own name is taken out of every text.
FACTS = {
    "columns": """
        SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
               a.attgenerated, pg_get_expr(d.adbin, d.adrelid), a.attcollation::regcollation::text
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY 1, 2
    """,
    "constraints": """
        SELECT c.relname, k.conname, k.contype, k.condeferrable, k.condeferred, k.convalidated,
               pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        WHERE k.connamespace = %(schema)s::regnamespace ORDER BY 1, 2
    """,
    "indexes": """
        SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = %(schema)s ORDER BY 1, 2
    """,
    "sequences": """
        SELECT sequencename, data_type::text, start_value, min_value, max_value, increment_by, cycle
        FROM pg_sequences WHERE schemaname = %(schema)s ORDER BY 1
    """,
    "triggers": """
        SELECT c.relname, t.tgname, t.tgenabled, pg_get_triggerdef(t.oid)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal ORDER BY 1, 2
    """,
    "comments": """
        SELECT c.relname, d.objsubid, d.description FROM pg_description d JOIN pg_class c ON c.oid = d.objoid
        WHERE c.relnamespace = %(schema)s::regnamespace ORDER BY 1, 2
    """,
    "functions": """
        SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace ORDER BY 1
    """,
}


def plain(text: str) -> str:
    """Without casts and brackets: what PostgreSQL printed is parsed as the same list with its casts elsewhere."""
    return re.sub(r"::(character varying|text)(\[\])?|[()]", "", text)


def facts(alias: str, schema: str) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    with owner_connection(alias) as owner:
        for kind, query in FACTS.items():
            rows = owner.execute(query.encode(), {"schema": schema}).fetchall()
            found[kind] = [
                tuple(
                    plain(value.replace(schema, "SCHEMA")) if isinstance(value, str) else value
                    for value in row
                )
                for row in rows
                if row[0] != "django_migrations" and not str(row[0]).startswith("django_migrations_")
            ]
    return found


@pytest.fixture
def company(databases: None, django_db_blocker: Any) -> Iterator[Tenant]:
    with django_db_blocker.unblock():
        made = create_company()
        yield made
        connections.close_all()
        drop_company(made)
        connections.close_all()


def test_a_schema_is_the_template_to_the_last_name(company: Tenant) -> None:
    template, made = facts("template", SCHEMA), facts("cell_1_owner", company.schema)
    assert len(template["columns"]) > 200
    assert len(template["constraints"]) > 100
    for kind, rows in template.items():
        assert made[kind] == rows, kind


def test_making_it_again_does_nothing(company: Tenant) -> None:
    assert provision_schema(company) is False


def test_a_schema_begun_with_an_older_template_is_made_anew(
    company: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release that comes in between has migrated everybody else, and would not see this one."""
    drop_schema(company)
    seen: list[str] = []

    def script() -> TemplateScript:
        found = current_script()
        if not seen:
            found.fingerprint, found.sql = "older", "CREATE TABLE tenant_template.older (id integer)"
        seen.append(found.fingerprint)
        return found

    monkeypatch.setattr(provisioning, "current_script", script)
    assert provision_schema(company) is True
    assert len(seen) == 2
    made = facts("cell_1_owner", company.schema)
    assert made["constraints"] == facts("template", SCHEMA)["constraints"]


def test_nobody_but_its_own_role_gets_into_a_schema(company: Tenant) -> None:
    with owner_connection("cell_1_owner") as owner:
        rows = owner.execute(
            "SELECT r.rolname FROM pg_roles r WHERE has_schema_privilege(r.oid, %s, 'USAGE') AND NOT r.rolsuper"
            " AND r.rolname NOT LIKE 'pg\\_%%'",
            [company.schema],
        ).fetchall()
    assert {str(name) for (name,) in rows} == {company.role, settings.DATABASES["cell_1_owner"]["USER"]}


def test_dropping_it_leaves_nothing(company: Tenant) -> None:
    drop_schema(company)
    with owner_connection("cell_1_owner") as owner:
        assert not schema_exists(owner, company.schema)
        assert owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [company.role]).fetchone() is None
        for table in SHARED_ROWS:
            query = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s").format(sql.Identifier(table))
            assert owner.execute(query, [company.pk]).fetchone() == (0,)
    drop_schema(company)


def test_others_work_on_while_a_schema_is_dropped_or_made(
    company: Tenant, companies: tuple[Tenant, Tenant]
) -> None:
    """Whoever makes and drops holds locks on the tenant's own things only, until the very end of the transaction."""
    name = new_place()
    other = Tenant(id=name.tenant_id, slug="x", name="X", cell="cell_1", schema=name.schema, role=name.role)
    done = threading.Event()
    waits: list[float] = []

    def make_and_drop() -> None:
        provision_schema(other)
        drop_schema(other)
        done.set()
        connections.close_all()

    worker = threading.Thread(target=make_and_drop)
    worker.start()
    while not done.is_set():
        started = time.monotonic()
        with tenant_scope(companies[0].ref), atomic(), connections["cell_1"].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM accounts_user")
        waits.append(time.monotonic() - started)
    worker.join()
    assert len(waits) > 5
    assert max(waits) < 5.0
