"""Two hundred attacks come to nothing; and where a wall is taken down, the probe says so."""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from tenants.foundation.errors import Conflict
from tenants.models import Evidence, Tenant
from tenants.tenancy import TenantRef, atomic
from tenants.tenancy.backend import cursors
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.hardening import harden_database
from tenants.tenancy.probes import services
from tenants.tenancy.probes.bench import LOCK, MARK, bench
from tenants.tenancy.probes.probe import Alone, Family
from tenants.tenancy.probes.services import FAMILIES, Leak, ProbeReport, probe_isolation

# The rights and settings they break and mend are looked at by both: one worker runs them, one after the other.
pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.xdist_group("hardening")]
CELL = "cell_1"
Wound = Callable[[str], None]
# How the database may refuse alone without having been asked for a right: what is sent is no single statement, is not
# there, or cannot be done in a transaction. Anything else would be an attack with a mistake in it.
NO_RIGHT_ASKED_FOR = {
    "a second statement": {"42601"},
    "hidden before the keyword": {"42601", "26000", "42501"},
    "the other's rows": {"42501", "42P01", "0A000"},
    "becoming the other": {"42501", "25001", "42P01", "0A000"},
    "text run as SQL": {"42501", "42883"},
    "files and programs": {"42501", "42704"},
    "left for the next one": {"42501", "26000", "55000"},
    "rights and definitions": {"42501", "25001", "42883"},
}


@pytest.fixture(scope="module")
def report(databases: None, django_db_blocker: Any) -> ProbeReport:
    with django_db_blocker.unblock():
        before = roles()
        found = probe_isolation([CELL])
        assert roles() == before, "a role of a probed company stayed"
        return found


def roles() -> set[str]:
    with owner_connection(f"{CELL}_owner") as owner:
        return {
            str(name)
            for (name,) in owner.execute(
                "SELECT m.member::regrole::text FROM pg_auth_members m WHERE m.roleid = 'nts_tenant'::regrole"
                " AND m.member::regrole::text ~ %s",
                [f"^{settings.TENANT_ROLE_PREFIX}"],
            )
        }


@pytest.fixture
def wound() -> Iterator[Wound]:
    """Runs a superuser's statement in the first cell, which is hardened again when the test ends."""

    def run(statement: str) -> None:
        with psycopg.connect(settings.ADMIN_URLS[f"{CELL}_owner"], autocommit=True) as connection:
            connection.execute(statement.encode())

    yield run
    harden_database(f"{CELL}_owner")
    # What got through was made by a role that is gone, and stays.
    run("DROP TABLE IF EXISTS public.accounts_department")


def only(*names: str) -> list[Family]:
    """The named probes, in their families."""
    found = [
        Family(family.name, tuple(probe for probe in family.probes if probe.name in names))
        for family in FAMILIES
    ]
    assert sum(len(family.probes) for family in found) == len(names)
    return found


def leaks(*names: str) -> dict[str, Leak]:
    return {leak.probe: leak for leak in probe_isolation([CELL], families=only(*names)).leaks}


def test_no_attack_gets_anywhere(report: ProbeReport) -> None:
    assert report.leaks == []
    assert report.probes == report.refused >= 200
    assert report.is_passed


def test_every_attack_is_refused_and_by_the_database_alone_wherever_it_can(report: ProbeReport) -> None:
    assert not [wall for wall in report.walls if wall.refused_by == "nobody"]
    cannot = {wall.probe for wall in report.walls if wall.database_alone == "cannot refuse"}
    assert cannot == {
        probe.name for family in FAMILIES for probe in family.probes if probe.alone is Alone.CANNOT
    }
    assert len(cannot) < 30
    for wall in report.walls:
        allowed = NO_RIGHT_ASKED_FOR.get(wall.family, {"42501"})
        assert wall.database_alone in {*allowed, "cannot refuse"}, wall


def test_every_attack_has_a_name_of_its_own() -> None:
    names = [(family.name, probe.name) for family in FAMILIES for probe in family.probes]
    assert len(names) == len(set(names))


def test_nothing_of_the_probed_companies_stays(report: ProbeReport) -> None:
    with owner_connection(f"{CELL}_owner") as owner:
        for question in (
            "SELECT 1 FROM pg_namespace WHERE obj_description(oid, 'pg_namespace') LIKE %s",
            "SELECT 1 FROM pg_largeobject_metadata WHERE obj_description(oid, 'pg_largeobject') LIKE %s",
        ):
            assert owner.execute(question, [f"{MARK}%"]).fetchall() == []
        assert owner.execute("SELECT 1 FROM tenants_workitem WHERE kind = 'probe.canary'").fetchall() == []
    assert not Tenant.objects.filter(name=MARK).exists()


@pytest.mark.parametrize(
    ("statement", "probe", "evidence"),
    [
        (
            "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC",
            "set_config, then the next query",
            "read the other's rows",
        ),
        (
            "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC",
            "set_config for the session",
            "left on the connection",
        ),
        ("GRANT SELECT ON pg_catalog.pg_namespace TO PUBLIC", "schemas", "read the other's names"),
        (
            "DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database()); END $$",
            "a temporary table by a query",
            "the next query read",
        ),
        ("GRANT EXECUTE ON FUNCTION pg_catalog.lo_create(oid) TO PUBLIC", "a large object", "new: large object"),
        (
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_advisory_lock(bigint) TO PUBLIC",
            "a lock for the session",
            "an advisory lock",
        ),
        ("GRANT EXECUTE ON FUNCTION public.set_limit(real) TO PUBLIC", "a setting of an extension", "left on"),
        ("GRANT CREATE ON SCHEMA public TO nts_tenant", "a table in public", "new: relation public"),
        ("GRANT SELECT, UPDATE ON public.tenants_workitem TO nts_tenant", "the queue read", "it was carried out"),
        ("GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC", "a block of code", "read the other's rows"),
    ],
)  # fmt: skip
def test_a_wall_taken_down_is_found(wound: Wound, statement: str, probe: str, evidence: str) -> None:
    wound(statement)
    try:
        found = leaks(probe)
        assert evidence in " ".join(found[probe].evidence), found[probe]
    finally:
        wound("REVOKE CREATE ON SCHEMA public FROM nts_tenant")
        wound("REVOKE SELECT, UPDATE ON public.tenants_workitem FROM nts_tenant")


def test_without_row_security_anybody_could_ask_for_work_in_another_s_name(wound: Wound) -> None:
    wound("ALTER TABLE public.tenants_workitem DISABLE ROW LEVEL SECURITY")
    try:
        assert "new: work" in " ".join(leaks("work in the other's name")["work in the other's name"].evidence)
    finally:
        wound("ALTER TABLE public.tenants_workitem ENABLE ROW LEVEL SECURITY")


def test_a_function_that_lends_its_maker_s_rights_is_found(wound: Wound) -> None:
    wound("CREATE FUNCTION public.lend() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'")
    wound("GRANT EXECUTE ON FUNCTION public.lend() TO nts_tenant")
    try:
        assert leaks()["functions that run as their maker"].evidence == ["lend()"]
    finally:
        wound("DROP FUNCTION public.lend()")


@pytest.mark.parametrize(
    ("probe", "evidence"),
    [
        ("set role", "read the other's rows"),
        ("a nested comment", "read the other's rows"),
        ("schemas by number", "read the other's names"),
        ("a prepared statement", "the prepared statement isolation_probe"),
        ("a cursor held", "the cursor isolation_probe"),
        ("listening", "listening to isolation_probe"),
    ],
)
def test_if_nobody_read_the_statements_first_it_would_be_found(
    monkeypatch: pytest.MonkeyPatch, probe: str, evidence: str
) -> None:
    monkeypatch.setattr(cursors, "may_run", lambda text: True)
    found = leaks(probe)[probe]
    assert found.wall == "both"
    assert evidence in " ".join(found.evidence)


def test_what_a_killed_run_left_is_tidied_by_the_next() -> None:
    with owner_connection(f"{CELL}_owner") as owner:
        owner.execute(
            "CREATE ROLE xleft_probe NOLOGIN; CREATE SCHEMA xleft_probe;"
            f"COMMENT ON SCHEMA xleft_probe IS '{MARK} 00000000-0000-7000-8000-000000000000'"
        )
    with bench(CELL), owner_connection(f"{CELL}_owner") as owner:
        assert owner.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'xleft_probe'").fetchall() == []
        assert owner.execute("SELECT 1 FROM pg_roles WHERE rolname = 'xleft_probe'").fetchall() == []


def test_it_may_run_in_a_job_of_the_platform_s_own_tenant(tenant: TenantRef) -> None:
    with atomic():
        probed = probe_isolation([CELL], families=only("set role"), is_recorded=True)
        assert probed.leaks == []
        with connections[CELL].cursor() as cursor:
            cursor.execute("SELECT current_user::text")
            assert cursor.fetchone() == (tenant.role,)
    assert Evidence.objects.get(kind=Evidence.Kind.ISOLATION_PROBE).summary == probed.summary


def test_one_run_at_a_time() -> None:
    with owner_connection(f"{CELL}_owner") as owner:
        owner.execute(LOCK)
        with pytest.raises(Conflict):
            probe_isolation([CELL], families=())


def test_the_command_prints_the_report_and_keeps_it_as_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "FAMILIES", only("a union", "set role", "a file read"))
    said = StringIO()
    call_command("isolation_probe", "--json", "--cell", CELL, "--record", stdout=said)
    printed = json.loads(said.getvalue())
    assert printed["probes"] == printed["refused"] == 5
    assert printed["leaks"] == []
    kept = Evidence.objects.get(kind=Evidence.Kind.ISOLATION_PROBE)
    assert kept.is_passed
    assert kept.report == printed


def test_the_command_ends_with_one_when_something_leaks(
    wound: Wound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "FAMILIES", only("set_config, then the next query"))
    wound("GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC")
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("isolation_probe", "--json", "--cell", CELL, "--record", stdout=said)
    assert ended.value.code == 1
    assert json.loads(said.getvalue())["leaks"]
    assert not Evidence.objects.get(kind=Evidence.Kind.ISOLATION_PROBE).is_passed
