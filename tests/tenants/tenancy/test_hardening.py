"""The database itself refuses: what PostgreSQL lets everybody do is taken away, and what is missing is found."""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections

from tenants.foundation.errors import Conflict
from tenants.tenancy import TenantRef, atomic
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.hardening import faults, harden_database, hardened_aliases, script

# The rights and settings they break and mend are looked at by both: one worker runs them, one after the other.
pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.xdist_group("hardening")]
CELL = "cell_1_owner"
SUPERUSER = settings.ADMIN_URLS[CELL]
Wound = Callable[[str], None]


def superuser() -> psycopg.Connection[Any]:
    return psycopg.connect(SUPERUSER, autocommit=True)


@pytest.fixture
def wound() -> Iterator[Wound]:
    """Runs a superuser's statement in the first cell; the cell is hardened again when the test ends."""

    def run(statement: str) -> None:
        with superuser() as connection:
            connection.execute(statement.encode())

    yield run
    harden_database(CELL)


@pytest.mark.parametrize("alias", hardened_aliases())
def test_prepare_leaves_nothing_open(alias: str) -> None:
    with owner_connection(alias) as connection:
        assert faults(connection, alias) == []
    assert harden_database(alias) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC",
        "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO nts_tenant",
        "GRANT UPDATE ON pg_catalog.pg_settings TO PUBLIC",
        "GRANT SELECT ON pg_catalog.pg_authid TO nts_tenant",
        "GRANT SELECT (nspname) ON pg_catalog.pg_namespace TO PUBLIC",
        "GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC",
        "DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database()); END $$",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "GRANT SELECT ON public.tenants_workitem TO PUBLIC",
        "REVOKE SELECT ON pg_catalog.pg_class FROM nts_owner",
        "GRANT EXECUTE ON FUNCTION public.set_limit(real) TO PUBLIC",
        # What the driver needs has to be there as well.
        "REVOKE SELECT ON pg_catalog.pg_cursors FROM PUBLIC",
    ],
)
def test_each_wound_is_found_and_healed(wound: Wound, statement: str) -> None:
    wound(statement)
    with superuser() as connection:
        assert faults(connection, CELL)
    assert harden_database(CELL) >= 1
    with owner_connection(CELL) as connection:
        assert faults(connection, CELL) == []


def test_a_function_somebody_installs_is_nobody_s(wound: Wound, tenant: TenantRef) -> None:
    wound("CREATE FUNCTION public.run(text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT $1'")
    try:
        assert harden_database(CELL) >= 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege), atomic():
            with connections[tenant.cell].cursor() as cursor:
                cursor.execute("SELECT 1")
            connections[tenant.cell].connection.execute("SELECT public.run('x')")
    finally:
        wound("DROP FUNCTION public.run(text)")


def test_without_a_superuser_an_open_database_is_refused(
    wound: Wound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "ADMIN_URLS", {})
    assert harden_database(CELL) == 0, "it is hardened, so nobody is needed"
    wound("GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC")
    with pytest.raises(Conflict, match=r"set_config.*DATABASE_ADMIN_URL.*harden --print"):
        harden_database(CELL)
    monkeypatch.undo()


def test_a_role_that_may_too_much_is_refused_for_a_person_must_decide(
    wound: Wound, tenant: TenantRef
) -> None:
    wound(f'ALTER ROLE "{tenant.role}" BYPASSRLS')
    try:
        with pytest.raises(Conflict, match=tenant.role):
            harden_database(CELL)
    finally:
        wound(f'ALTER ROLE "{tenant.role}" NOBYPASSRLS')


def test_the_login_role_cannot_change_settings_by_a_select_nor_keep_temporary_tables() -> None:
    parts = settings.DATABASES["cell_1"]
    with psycopg.connect(
        host=parts["HOST"], port=parts["PORT"], user=parts["USER"], password=parts["PASSWORD"], dbname=parts["NAME"],
        autocommit=True,
    ) as login:  # fmt: skip
        for attempt in (
            "SELECT set_config('role', 'x', true)",
            "UPDATE pg_settings SET setting = 'x' WHERE name = 'role'",
            "CREATE TEMPORARY TABLE x (id int)",
            "DO $$ BEGIN NULL; END $$",
            "SELECT query_to_xml('SELECT 1', true, true, '')",
            "SELECT * FROM ts_stat('SELECT NULL::tsvector')",
            "SELECT lo_create(0)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                login.execute(attempt.encode())
        assert login.info.parameter_status("TimeZone") == "UTC"
        assert login.execute("SHOW statement_timeout").fetchone() == ("1min",)
        assert login.execute("SHOW temp_file_limit").fetchone() == ("4GB",)


def test_a_sort_that_would_fill_the_disk_is_ended(wound: Wound) -> None:
    parts = settings.DATABASES["cell_1"]
    limit = f'ALTER ROLE "{parts["USER"]}" IN DATABASE "{parts["NAME"]}" SET temp_file_limit = '
    wound(f"{limit}'1MB'")
    try:
        with (
            psycopg.connect(
                host=parts["HOST"], port=parts["PORT"], user=parts["USER"], password=parts["PASSWORD"],
                dbname=parts["NAME"],
            ) as login,
            pytest.raises(psycopg.errors.ConfigurationLimitExceeded),
        ):  # fmt: skip
            login.execute(
                "SELECT * FROM (SELECT repeat('x', 500) AS x, n FROM generate_series(1, 50000) n) s ORDER BY x, n DESC"
            )
    finally:
        wound(f"{limit}'4GB'")


def test_the_printed_sql_is_what_prepare_runs(wound: Wound) -> None:
    printed = StringIO()
    call_command("harden", "--print", stdout=printed)
    assert script(CELL) in printed.getvalue()
    wound("GRANT EXECUTE ON FUNCTION pg_catalog.lo_create(oid) TO PUBLIC")
    wound(script(CELL))
    call_command("harden", "--check", stdout=StringIO())
    told = StringIO()
    call_command("harden", "--check", "--json", stdout=told)
    assert json.loads(told.getvalue()) == {
        "is_hardened": True, "faults": {"default": [], "cell_1": [], "cell_2": []},
    }  # fmt: skip
    with pytest.raises(CommandError, match="--json goes with --check"):
        call_command("harden", "--json")


def test_the_check_names_what_is_open_and_fails(wound: Wound) -> None:
    wound("GRANT EXECUTE ON FUNCTION pg_catalog.lo_create(oid) TO PUBLIC")
    said = StringIO()
    with pytest.raises(CommandError):
        call_command("harden", "--check", "--database", "cell_1", stdout=said)
    assert "lo_create" in said.getvalue()
