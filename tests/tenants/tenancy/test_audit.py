"""The audit finds whatever was changed behind the product's back, and says nothing where nothing was."""

import io
import json
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from tenants.models import Evidence, SpareSchema, Tenant
from tenants.tenancy import TenantRef
from tenants.tenancy.audit import AuditReport, audit_schemas
from tenants.tenancy.auditing.metrics import DIFFERING
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.provisioning import drop_place, make_schemas, new_place
from tenants.tenancy.template import current_script

# It gives roles rights for a moment, which the hardening's tests would find.
pytestmark = pytest.mark.xdist_group("hardening")

CHANGES = {
    "ALTER TABLE {s}.tasks_task DROP COLUMN title CASCADE": "column tasks_task.title is missing",
    "ALTER TABLE {s}.tasks_task ADD COLUMN extra text": "column tasks_task.extra is not in the template",
    "ALTER TABLE {s}.tasks_project ALTER COLUMN name TYPE text": "column tasks_project.name is “",
    "ALTER TABLE {s}.tasks_project ALTER COLUMN name DROP NOT NULL": "null”, in the template “",
    "CREATE TABLE {s}.left_behind (id int)": "table left_behind is not in the template",
    "GRANT SELECT ON {s}.tasks_task TO {o}": "right table tasks_task to {o} is not in the template: SELECT",
    "GRANT TRUNCATE ON {s}.tasks_task TO {r}": "tasks_task to $role is “DELETE, INSERT, SELECT, TRUNCATE, UPDATE”",
    "GRANT SELECT (title) ON {s}.tasks_task TO PUBLIC": "right column tasks_task.title to everybody is not in",
    "GRANT USAGE ON SCHEMA {s} TO {o}": "right schema to {o} is not in the template",
    "REVOKE DELETE ON {s}.tasks_task FROM {r}": "right table tasks_task to $role is “INSERT, SELECT, UPDATE”",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {s} GRANT SELECT ON TABLES TO {o}": "right new tables to {o} is not in",
    "GRANT {r} TO {o}": "role {o} may enter $role is not in the template",
    "ALTER ROLE {r} LOGIN": "role $role is “signs in”",
    "ALTER ROLE {r} SET search_path = public": "role $role is “search_path=public”",
    "ALTER TABLE {s}.tasks_task ENABLE ROW LEVEL SECURITY": "table tasks_task is “row security”",
    "CREATE POLICY p ON {s}.tasks_task USING (true)": "policy tasks_task.p is not in the template",
    "CREATE FUNCTION {s}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'": "function f() is not in the template",
    "CREATE VIEW {s}.v AS SELECT 1 AS one": "view v is not in the template",
    "CREATE TYPE {s}.mood AS ENUM ('good')": "type mood is not in the template: e good",
    "ALTER TABLE {s}.django_session ALTER COLUMN expire_date SET DEFAULT now()": "default now()”, in the template",
}  # fmt: skip


@pytest.fixture
def company(committed_tenant: TenantRef) -> TenantRef:
    return committed_tenant


def change(company: TenantRef, statement: str, other: TenantRef | Tenant | None = None) -> None:
    names = {"s": sql.Identifier(company.schema), "r": sql.Identifier(company.role)}
    if other is not None:
        names["o"] = sql.Identifier(other.role)
    with owner_connection("cell_1_owner") as owner:
        owner.execute(sql.SQL(statement).format(**names).as_bytes(owner))


def told(report: AuditReport, slug: str) -> list[str]:
    return [text for drift in report.drift if slug in drift.schemas for text in drift.differences]


@pytest.mark.usefixtures("companies")
def test_schemas_made_by_the_product_are_what_the_template_says(company: TenantRef) -> None:
    report = audit_schemas()
    assert report.drift == []
    assert report.is_passed
    assert report.schemas >= 3
    assert report.kinds >= 1


@pytest.mark.parametrize(("statement", "expected"), CHANGES.items(), ids=[text[:60] for text in CHANGES])
def test_a_change_behind_the_products_back_is_found_and_named(
    company: TenantRef, companies: tuple[Tenant, Tenant], statement: str, expected: str
) -> None:
    change(company, statement, companies[1])
    report = audit_schemas(["cell_1"])
    words = expected.format(o=companies[1].role)
    assert any(words in text for text in told(report, company.slug)), told(report, company.slug)
    if statement == "GRANT {r} TO {o}":  # the other one's role has changed too
        change(company, "REVOKE {r} FROM {o}", companies[1])
        assert "role $role is in" in told(report, companies[1].slug)[0]
    else:
        assert [drift.schemas for drift in report.drift] == [[company.slug]]


def names_of(company: TenantRef, query: str) -> str:
    with owner_connection("cell_1_owner") as owner:
        row = owner.execute(query, [company.schema]).fetchone()
    assert row
    return str(row[0])


def test_constraints_and_indexes_are_told_apart_by_name(company: TenantRef) -> None:
    constraint = names_of(
        company,
        "SELECT conname FROM pg_constraint WHERE conrelid = (%s || '.tasks_task')::regclass AND contype = 'c' LIMIT 1",
    )
    index = names_of(
        company,
        "SELECT i.indexrelid::regclass::text FROM pg_index i LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid"
        " WHERE i.indrelid = (%s || '.tasks_task')::regclass AND k.oid IS NULL LIMIT 1",
    ).partition(".")[2]
    change(company, f'ALTER TABLE {{s}}.tasks_task RENAME CONSTRAINT "{constraint}" TO renamed')
    change(company, f"DROP INDEX {{s}}.{index}")
    found = told(audit_schemas(["cell_1"]), company.slug)
    assert f"constraint tasks_task.{constraint} is missing" in found
    assert any(
        text.startswith("constraint tasks_task.renamed is not in the template: CHECK") for text in found
    )
    assert f"index {index.strip(chr(34))} is missing" in found


def test_a_switched_off_foreign_key_and_a_constraint_not_checked_are_found(company: TenantRef) -> None:
    change(company, "ALTER TABLE {s}.tasks_task ADD CONSTRAINT unchecked CHECK (title <> 'x') NOT VALID")
    found = told(audit_schemas(["cell_1"]), company.slug)
    assert any("unchecked is not in the template" in text and "NOT VALID" in text for text in found)


def test_columns_in_another_order_are_found_and_gaps_of_dropped_ones_are_not(company: TenantRef) -> None:
    change(
        company, "ALTER TABLE {s}.tasks_task ADD COLUMN gone int; ALTER TABLE {s}.tasks_task DROP COLUMN gone"
    )
    assert audit_schemas(["cell_1"]).drift == []
    change(
        company,
        "ALTER TABLE {s}.tasks_project RENAME COLUMN name TO old; ALTER TABLE {s}.tasks_project"
        " ADD COLUMN name varchar(200) NOT NULL DEFAULT ''; ALTER TABLE {s}.tasks_project DROP COLUMN old CASCADE",
    )
    assert any(
        "order of columns tasks_project is “" in text
        for text in told(audit_schemas(["cell_1"]), company.slug)
    )


def test_companies_that_differ_alike_are_told_together(
    company: TenantRef, companies: tuple[Tenant, Tenant]
) -> None:
    for one in (company, companies[0].ref):
        change(one, "CREATE TABLE {s}.left_behind (id int)")
    try:
        report = audit_schemas(["cell_1"])
        assert any(set(drift.schemas) >= {company.slug, companies[0].slug} for drift in report.drift)
    finally:
        change(companies[0].ref, "DROP TABLE {s}.left_behind")


def test_a_company_whose_schema_is_gone_is_found(company: TenantRef) -> None:
    change(company, "DROP SCHEMA {s} CASCADE")
    assert told(audit_schemas(["cell_1"]), company.slug) == [f"schema {company.schema} does not exist"]


def test_one_that_lacks_a_migration_or_is_being_moved_is_said_to_be_left_out(company: TenantRef) -> None:
    change(company, "ALTER TABLE {s}.tasks_task DROP COLUMN title CASCADE")
    Tenant.objects.filter(pk=company.id).update(state=Tenant.State.MOVING)
    report = audit_schemas(["cell_1"])
    assert (report.drift, report.left_out) == ([], [company.slug])
    Tenant.objects.filter(pk=company.id).update(state=Tenant.State.ACTIVE)
    with owner_connection("cell_1_owner") as owner:
        owner.execute(
            "DELETE FROM tenants_migrationledger WHERE tenant_id = %s AND app = 'tasks'", [company.id]
        )
    report = audit_schemas(["cell_1"])
    assert (report.drift, report.behind) == ([], [company.slug])


@pytest.fixture
def spare(databases: None, django_db_blocker: DjangoDbBlocker) -> Iterator[SpareSchema]:
    """A spare schema of this release."""
    with django_db_blocker.unblock():
        place, script = new_place(), current_script()
        with owner_connection("cell_1_owner") as owner:
            make_schemas(owner, [place], script, cell="cell_1")
        row = SpareSchema.objects.create(
            id=place.tenant_id, cell="cell_1", schema=place.schema, role=place.role, fingerprint=script.fingerprint
        )  # fmt: skip
        yield row
        SpareSchema.objects.filter(pk=row.pk).delete()
        with owner_connection("cell_1_owner") as owner:
            drop_place(owner, place)


def test_spares_are_looked_at_too(spare: SpareSchema) -> None:
    before = audit_schemas(["cell_1"])
    assert before.drift == []
    with owner_connection("cell_1_owner") as owner:
        owner.execute(sql.SQL("CREATE TABLE {} (id int)").format(sql.Identifier(spare.schema, "x")))
    [drift] = audit_schemas(["cell_1"]).drift
    assert drift.schemas == [f"spare {spare.schema}"]


def test_the_command_ends_with_an_error_and_leaves_evidence(company: TenantRef) -> None:
    out = io.StringIO()
    call_command("audit_schemas", "--json", stdout=out)
    assert json.loads(out.getvalue())["is_passed"] is True
    assert DIFFERING._value.get() == 0
    change(company, "ALTER TABLE {s}.tasks_task DROP COLUMN title CASCADE")
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 differ"):
        call_command("audit_schemas", stdout=out)
    assert out.getvalue().startswith(f"{company.slug}:\n  column tasks_task.title is missing\n")
    assert DIFFERING._value.get() == 1
    bad, good = Evidence.objects.filter(kind=Evidence.Kind.SCHEMA_AUDIT).order_by("-finished_at")[:2]
    assert (bad.is_passed, good.is_passed) == (False, True)
    assert bad.report["drift"][0]["schemas"] == [company.slug]
    with pytest.raises(CommandError, match="There is no cell"):
        call_command("audit_schemas", "--cell", "cell_of_nobody")
