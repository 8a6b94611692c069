"""Reports are read from a real streaming standby, never older than what the company itself has written."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import DatabaseError, OperationalError, connections
from psycopg import sql

from reporting.dashboards.home import home
from tenants.accounts.models import Department, User
from tenants.accounts.selectors import actor_for
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, replicas, tenant_scope
from tenants.tenancy.positions import Positions, positions
from tenants.tenancy.replicas import from_replica, reading_from_replica
from tests.companies import create_company
from tests.fakes.standby import Standby, cell_with_standby

CELL, REPLICA = "cell_2", "cell_2_replica"


@pytest.fixture(scope="module")
def standby(databases: None, django_db_blocker: Any) -> Iterator[Standby]:
    with django_db_blocker.unblock(), cell_with_standby(CELL) as servers:
        yield servers
        Tenant.objects.filter(cell=CELL).delete()
        connections.close_all()


@pytest.fixture(scope="module")
def both(standby: Standby, django_db_blocker: Any) -> tuple[TenantRef, TenantRef]:
    """Two companies in the cell that has a replica."""
    with django_db_blocker.unblock():
        return create_company(region="elsewhere").ref, create_company(region="elsewhere").ref


@pytest.fixture
def company(
    both: tuple[TenantRef, TenantRef], standby: Standby, django_db_blocker: Any
) -> Iterator[TenantRef]:
    """One of them, its scope open, the replica up to date and nothing remembered of former trouble."""
    with django_db_blocker.unblock():
        standby.catch_up()
        replicas._rests_until.clear()
        with tenant_scope(both[0]):
            yield both[0]
        standby.catch_up()
        connections.close_all()


def add(name: str) -> None:
    with atomic():
        Department.objects.create(name=name, key=name[:8].upper())


def names() -> tuple[bool, set[str]]:
    """Whether the replica was read, and the departments it showed."""
    with reading_from_replica() as is_used, atomic():
        return is_used, set(Department.objects.values_list("name", flat=True))


def test_a_report_is_read_from_the_replica(company: TenantRef, standby: Standby) -> None:
    add("Seen")
    standby.catch_up()
    with reading_from_replica() as is_used:
        assert is_used
        department = Department.objects.get(name="Seen")
        assert department._state.db == REPLICA
        assert Department.objects.count() >= 1
    with atomic():
        assert Department.objects.get(name="Seen")._state.db == CELL


def test_what_the_company_wrote_itself_is_always_seen(company: TenantRef, standby: Standby) -> None:
    standby.pause()
    add("Written while it lags")
    is_used, seen = names()
    assert not is_used
    assert "Written while it lags" in seen
    standby.catch_up()
    is_used, seen = names()
    assert is_used
    assert "Written while it lags" in seen


def test_what_others_write_keeps_nobody_from_the_replica(
    company: TenantRef, both: tuple[TenantRef, TenantRef], standby: Standby
) -> None:
    add("Before")
    standby.catch_up()
    assert names()[0]
    standby.pause()
    with tenant_scope(both[1]):
        add("Of the other company")
        assert not names()[0]
    assert names()[0]


def test_a_transaction_that_has_changed_something_reads_its_own_changes(company: TenantRef) -> None:
    with atomic():
        Department.objects.create(name="Not committed", key="NC")
        with reading_from_replica() as is_used:
            assert not is_used
            assert Department.objects.filter(name="Not committed").exists()


def test_what_was_rolled_back_moves_nothing(company: TenantRef, standby: Standby) -> None:
    add("Committed")
    standby.catch_up()
    before = positions.of(CELL, company.id)
    standby.pause()
    with pytest.raises(ZeroDivisionError), atomic():
        Department.objects.create(name="Undone", key="UN")
        raise ZeroDivisionError
    assert positions.of(CELL, company.id) == before
    assert names()[0]


def test_without_a_known_position_the_replica_must_have_everything(
    company: TenantRef, standby: Standby
) -> None:
    add("Known")
    standby.catch_up()
    standby.pause()
    add("Forgotten by Valkey")
    positions.forget(CELL, [company.id])
    is_used, seen = names()
    assert not is_used
    assert "Forgotten by Valkey" in seen


def test_without_valkey_the_primary_is_read(company: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(cell: str, tenant: Any) -> int:
        raise redis.ConnectionError("nobody is there")

    monkeypatch.setattr(positions, "of", away)
    assert not names()[0]


def test_a_replica_that_is_away_costs_one_try_and_no_report(
    company: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("While it is away")
    connections[REPLICA].close()
    monkeypatch.setitem(connections.settings[REPLICA], "PORT", "1")
    is_used, seen = names()
    assert not is_used
    assert "While it is away" in seen
    tried: list[str] = []
    monkeypatch.setattr(replicas, "_position_of", lambda tenant: tried.append("again"))
    assert not names()[0]
    assert tried == []


def test_a_report_that_fails_on_the_replica_is_read_from_the_primary(
    company: TenantRef, standby: Standby
) -> None:
    standby.catch_up()
    ran: list[str] = []

    def report() -> str:
        ran.append(replicas.reading_alias() or CELL)
        if ran[-1] == REPLICA:
            raise OperationalError("canceling statement due to conflict with recovery")
        return "read"

    assert from_replica(report) == "read"
    assert ran == [REPLICA, CELL]


def test_an_error_of_the_reports_own_is_not_hidden(company: TenantRef) -> None:
    def report() -> None:
        raise KeyError("missing")

    with pytest.raises(KeyError):
        from_replica(report)


def test_nothing_is_written_on_the_replica(company: TenantRef, standby: Standby) -> None:
    standby.catch_up()
    with reading_from_replica() as is_used:
        assert is_used
        with pytest.raises(DatabaseError, match="read-only"), connections[REPLICA].cursor() as cursor:
            cursor.execute(
                "INSERT INTO django_session (session_key, session_data, expire_date) VALUES ('x', '', now())"
            )


def test_a_write_inside_goes_to_the_primary(company: TenantRef, standby: Standby) -> None:
    standby.catch_up()
    with reading_from_replica() as is_used:
        assert is_used
        add("From inside a report")
    with atomic():
        assert Department.objects.filter(name="From inside a report").exists()


@pytest.mark.parametrize(
    "attack",
    [
        "SELECT count(*) FROM {other}.accounts_user",
        "SELECT count(*) FROM accounts_department UNION SELECT count(*) FROM {other}.accounts_user",
        "SELECT count(*) FROM public.tenants_workitem",
        "SELECT count(*) FROM pg_catalog.pg_namespace",
        "SELECT set_config('role', 'nts_app', true)",
        "SET ROLE {other}",
        "SELECT 1; RESET ROLE",
    ],
)
def test_the_walls_stand_on_the_replica_too(
    company: TenantRef, both: tuple[TenantRef, TenantRef], standby: Standby, attack: str
) -> None:
    standby.catch_up()
    text = sql.SQL(attack).format(other=sql.Identifier(both[1].schema)).as_string(None)
    with reading_from_replica() as is_used:
        assert is_used
        with connections[REPLICA].cursor() as cursor:
            cursor.execute("SELECT current_user, current_schema()")
            assert cursor.fetchone() == (company.role, company.schema)
        with pytest.raises(Exception) as refused, connections[REPLICA].cursor() as cursor:
            cursor.execute(text)
    assert type(refused.value).__name__ in ("ProgrammingError", "ForbiddenStatement")


def test_a_replica_that_was_promoted_is_not_read(company: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "REPLAYED", "SELECT NULL")
    assert not names()[0]


def test_the_home_page_is_worked_out_on_the_replica(company: TenantRef, standby: Standby) -> None:
    with atomic():
        actor = actor_for(User.objects.get(email=f"owner@{company.slug}.example"))
    standby.catch_up()
    sent: list[str] = []

    def note(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        sent.append(context["connection"].alias)
        return execute(statement, params, many, context)

    with (
        atomic(),
        connections[CELL].execute_wrapper(note),
        connections[REPLICA].execute_wrapper(note),
    ):
        shown = from_replica(lambda: home(actor=actor))
    assert shown.facts
    assert set(sent) == {REPLICA}


def test_positions_only_move_forward_and_survive_an_absent_valkey(
    both: tuple[TenantRef, TenantRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    book, tenant = Positions(), both[0].id
    start = book.of(CELL, tenant) or 0
    book.note(CELL, [tenant], start + 10)
    book.note(CELL, [tenant], start + 5)
    assert book.of(CELL, tenant) == start + 10
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    book.note(CELL, [tenant], start + 20)
    monkeypatch.undo()
    assert book.of(CELL, tenant) == start + 20  # this process knows although Valkey does not
    book._quiet_until = 0.0
    book.note(CELL, [tenant], start + 1)
    assert Positions().of(CELL, tenant) == start + 20
    book.forget(CELL, [tenant])
