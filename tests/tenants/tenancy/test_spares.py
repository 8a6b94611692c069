"""Spares are made ahead, claimed with the tenant they become, and leave nothing behind however a process ends."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections, transaction
from psycopg import sql

from tenants.models import SpareSchema
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.provisioning import SchemaPlace, drop_place, make_schemas, new_place, provision_schema
from tenants.tenancy.session_locks import session_lock
from tenants.tenancy.spares import (
    ORPHAN_AGE,
    SPARES_LOCK,
    claim_spare,
    refill_spares,
    reserve_schema,
    spares_of,
)
from tenants.tenancy.template import current_script
from tests.companies import create_company, drop_company

CELL = "cell_2"


@pytest.fixture
def spares(databases: None, django_db_blocker: Any) -> Iterator[None]:
    """Committed changes of spares are wanted here; whatever is left is dropped."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
        for cell in settings.CELLS:
            refill_spares(cell, wanted=0, orphan_age=timedelta(0))
        connections.close_all()


def names(query: str) -> set[str]:
    with owner_connection(f"{CELL}_owner") as owner:
        return {str(row[0]) for row in owner.execute(query, [f"{settings.TENANT_ROLE_PREFIX}%"]).fetchall()}


def schemas() -> set[str]:
    return names("SELECT nspname FROM pg_namespace WHERE nspname LIKE %s")


def roles() -> set[str]:
    return names("SELECT rolname FROM pg_roles WHERE rolname LIKE %s")


def rows_of(tenant_id: object) -> list[int]:
    with owner_connection(f"{CELL}_owner") as owner:
        counts = []
        for table in ("tenants_migrationledger", "tenants_tenantqueue"):
            query = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s").format(sql.Identifier(table))
            row = owner.execute(query, [tenant_id]).fetchone()
            assert row is not None
            counts.append(int(str(row[0])))
    return counts


def test_a_refill_makes_what_is_missing_and_no_more(spares: None) -> None:
    before = len(schemas())
    assert refill_spares(CELL, wanted=2).made == 2
    again = refill_spares(CELL, wanted=3)
    assert (again.made, again.standing) == (1, 3)
    assert refill_spares(CELL, wanted=3).made == 0
    assert len(schemas()) == before + 3
    fewer = refill_spares(CELL, wanted=1)
    assert (fewer.dropped, fewer.standing, len(schemas())) == (2, 1, before + 1)


def test_a_claimed_spare_is_the_tenant_and_works_at_once(spares: None) -> None:
    refill_spares("cell_1", wanted=1)
    spare = SpareSchema.objects.get(cell="cell_1")
    company = create_company()
    try:
        assert (company.pk, company.schema, company.role) == (spare.pk, spare.schema, spare.role)
        assert provision_schema(company) is False
        assert spares_of("cell_1").ready == 0
    finally:
        drop_company(company)


def test_a_claim_that_is_rolled_back_leaves_the_spare(spares: None) -> None:
    refill_spares(CELL, wanted=1)
    with pytest.raises(ZeroDivisionError), transaction.atomic(using="default"):
        assert reserve_schema(CELL).is_ready
        raise ZeroDivisionError
    assert spares_of(CELL).ready == 1


def test_without_a_spare_names_are_reserved_for_a_schema_to_be_made(spares: None) -> None:
    with transaction.atomic(using="default"):
        place = reserve_schema(CELL)
    assert not place.is_ready
    assert place.schema.startswith(settings.TENANT_ROLE_PREFIX)


def test_a_claim_without_a_transaction_is_refused(spares: None) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        claim_spare(CELL)


def test_two_claims_at_once_get_two_spares_and_do_not_wait(spares: None) -> None:
    refill_spares(CELL, wanted=2)
    taken: list[str] = []

    def claim() -> None:
        with transaction.atomic(using="default"):
            taken.append(reserve_schema(CELL).schema)
        connections.close_all()

    with transaction.atomic(using="default"):
        taken.append(reserve_schema(CELL).schema)
        other = threading.Thread(target=claim)
        other.start()
        other.join(timeout=5)
        assert not other.is_alive()
    assert len(set(taken)) == 2
    assert spares_of(CELL).ready == 0


def test_spares_of_an_older_template_are_given_to_nobody_and_dropped(spares: None) -> None:
    refill_spares(CELL, wanted=1)
    SpareSchema.objects.filter(cell=CELL).update(fingerprint="old")
    old = SpareSchema.objects.get(cell=CELL)
    with transaction.atomic(using="default"):
        assert claim_spare(CELL) is None
    assert (spares_of(CELL).ready, spares_of(CELL).outdated) == (0, 1)
    done = refill_spares(CELL, wanted=1)
    assert (done.made, done.dropped) == (1, 1)
    assert old.schema not in schemas()
    assert old.role not in roles()
    assert rows_of(old.pk) == [0, 0]


def test_a_second_refiller_leaves_the_cell_to_the_first(spares: None) -> None:
    with owner_connection(f"{CELL}_owner") as first, session_lock(first, SPARES_LOCK) as is_mine:
        assert is_mine
        assert refill_spares(CELL, wanted=2).is_busy
    assert refill_spares(CELL, wanted=2).standing == 2


def test_a_cell_that_is_closed_gets_none(spares: None, settings: Any) -> None:
    closed = settings.CELL_POLICIES[CELL].model_copy(update={"is_open": False})
    settings.CELL_POLICIES = {**settings.CELL_POLICIES, CELL: closed}
    assert refill_spares(CELL, wanted=2).standing == 0


def left_behind(comment: str | None = None) -> SchemaPlace:
    """What a refiller leaves that is killed between its two commits."""
    place = new_place()
    with owner_connection(f"{CELL}_owner") as owner:
        make_schemas(owner, [place], current_script(), cell=CELL)
        if comment is not None:
            owner.execute(
                sql.SQL("COMMENT ON SCHEMA {} IS {}").format(
                    sql.Identifier(place.schema), sql.Literal(comment)
                )
            )
    return place


def test_what_a_killed_refiller_left_goes_when_it_is_old_enough(spares: None) -> None:
    place = left_behind()
    assert refill_spares(CELL, wanted=0).orphans_removed == []
    assert place.schema in schemas()
    with owner_connection(f"{CELL}_owner") as owner:
        age = ORPHAN_AGE + timedelta(minutes=1)
        owner.execute("UPDATE tenants_migrationledger SET applied_at = now() - %s::interval", [age])
        owner.execute(
            sql.SQL("COMMENT ON SCHEMA {} IS 'made at 2026-01-01T00:00:00Z'").format(
                sql.Identifier(place.schema)
            )
        )
    assert refill_spares(CELL, wanted=0).orphans_removed == [place.schema]
    assert place.schema not in schemas()
    assert place.role not in roles()
    assert rows_of(place.tenant_id) == [0, 0]


def test_a_schema_nobody_owns_that_holds_rows_is_reported_and_kept(spares: None) -> None:
    place = left_behind("made at 2026-01-01T00:00:00Z")
    with owner_connection(f"{CELL}_owner") as owner:
        owner.execute(
            sql.SQL("INSERT INTO {} (name, last_error) VALUES ('Kept', '')").format(
                sql.Identifier(place.schema, "outbox_subscriber")
            )
        )
    try:
        done = refill_spares(CELL, wanted=0)
        assert done.orphans_kept == [place.schema]
        assert done.orphans_removed == []
        assert place.schema in schemas()
    finally:
        with owner_connection(f"{CELL}_owner") as owner:
            drop_place(owner, place)


def test_a_tenants_own_schema_is_never_taken_for_an_orphan(spares: None) -> None:
    company = create_company()
    try:
        assert refill_spares("cell_1", wanted=0, orphan_age=timedelta(0)).orphans_removed == []
        with tenant_scope(company.ref), atomic(), connections["cell_1"].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM accounts_user")
            assert cursor.fetchone() == (1,)
    finally:
        drop_company(company)


def test_a_refiller_killed_at_any_moment_leaves_nothing_that_stays(spares: None) -> None:
    program = (
        "import django; django.setup();"
        "from tenants.tenancy.spares import refill_spares; print('go', flush=True);"
        f"refill_spares({CELL!r}, wanted=8)"
    )
    schemas_before, roles_before = schemas(), roles()
    for delay in (0.05, 0.4, 0.9):
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        time.sleep(delay)
        process.kill()
        process.wait()
        process.stdout.close()
    wait_until_free()
    done = refill_spares(CELL, wanted=1, orphan_age=timedelta(0))
    assert not done.is_busy
    known = {spare.schema for spare in SpareSchema.objects.filter(cell=CELL)}
    assert len(known) == 1
    assert schemas() - schemas_before == known
    assert roles() - roles_before == known


def wait_until_free() -> None:
    """Wait until the server has noticed that the killed process is gone, and given its lock back."""
    for _ in range(100):
        with owner_connection(f"{CELL}_owner") as owner, session_lock(owner, SPARES_LOCK) as is_mine:
            if is_mine:
                return
        time.sleep(0.05)
    pytest.fail("The lock was not given back.")
