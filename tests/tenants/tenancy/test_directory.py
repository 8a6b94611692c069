"""What a process remembers of the directory: for how long, how it hears of changes, and what it does without it."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connections, transaction

from tenants.models import DirectoryChange, DirectoryVersion, Domain, Tenant
from tenants.tenancy import TenantRef
from tenants.tenancy.directory import LOOK_SECONDS, REST_SECONDS, SECONDS_ALONE, Changes, Directory
from tenants.tenancy.middleware import TenantMiddleware
from tests.companies import create_company, drop_company


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Control:
    """A control plane that counts who asks it, and may be away."""

    def __init__(self) -> None:
        self.number, self.changed, self.is_away, self.asked = 1, frozenset[UUID](), False, 0

    def changes_since(self, number: int) -> Changes:
        self.asked += 1
        if self.is_away:
            raise OperationalError("nobody is there")
        return Changes(self.number, self.changed if number else None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def control() -> Control:
    return Control()


@pytest.fixture
def book(clock: Clock, control: Control) -> Directory:
    return Directory(seconds=30, clock=clock, changes_since=control.changes_since)


@pytest.fixture
def company(databases: None, django_db_blocker: Any) -> Iterator[Tenant]:
    """A company whose changes are really committed."""
    with django_db_blocker.unblock():
        made = create_company()
        yield made
        connections.close_all()
        drop_company(made)
        connections.close_all()


def number() -> int:
    return DirectoryVersion.objects.get().version


def test_it_remembers_for_a_while_and_then_looks_again(
    database: None, companies: tuple[Tenant, Tenant], book: Directory, clock: Clock
) -> None:
    assert book.by_host("north.localhost") == companies[0].ref
    Tenant.objects.filter(slug="north").update(name="Renamed Works")
    found = book.by_host("north.localhost")
    assert isinstance(found, TenantRef)
    assert found.name == "North Works"
    clock.now = 31
    found = book.by_host("north.localhost")
    assert isinstance(found, TenantRef)
    assert found.name == "Renamed Works"
    assert book.by_id(companies[1].pk) == companies[1].ref


def test_every_change_of_a_company_or_a_host_counts_once_it_is_committed(company: Tenant) -> None:
    def changed(before: int) -> list[UUID]:
        return list(DirectoryChange.objects.filter(version__gt=before).values_list("tenant_id", flat=True))

    before = number()
    Tenant.objects.filter(pk=company.pk).update(name="By a query")
    assert changed(before) == [company.pk]

    before = number()
    host = Domain.objects.create(tenant=company, host=f"{company.slug}.example")
    assert changed(before) == [company.pk]

    before = number()
    host.delete()
    assert changed(before) == [company.pk]

    before = number()
    with connections["default"].cursor() as cursor:
        cursor.execute("UPDATE tenants_tenant SET state = 'suspended' WHERE id = %s", [company.pk])
    assert changed(before) == [company.pk]

    before = number()
    with pytest.raises(ZeroDivisionError), transaction.atomic(using="default"):
        Tenant.objects.filter(pk=company.pk).update(name="Never")
        raise ZeroDivisionError
    assert number() == before


def test_each_change_of_a_company_counts_its_own_version_whatever_is_saved(company: Tenant) -> None:
    old = Tenant.objects.get(pk=company.pk)
    Tenant.objects.filter(pk=company.pk).update(name="One")
    old.name = "Two"
    old.save()
    assert Tenant.objects.get(pk=company.pk).version == old.version + 2


def test_a_change_by_another_process_is_known_within_a_second(company: Tenant, clock: Clock) -> None:
    book = Directory(clock=clock)
    host = f"{company.slug}.localhost"
    assert book.by_host(host) == company.ref
    assert book.by_host("new.example") is None
    Tenant.objects.filter(pk=company.pk).update(state=Tenant.State.SUSPENDED)
    Domain.objects.create(tenant=company, host=f"new-{company.slug}.example")
    clock.now = LOOK_SECONDS + 0.1
    found = book.by_host(host)
    assert found is not None
    assert found.state == "suspended"
    assert book.by_host(f"new-{company.slug}.example") == found
    Domain.objects.filter(host=f"new-{company.slug}.example").delete()
    clock.now += LOOK_SECONDS + 0.1
    assert book.by_host(f"new-{company.slug}.example") is None


def test_only_what_has_changed_is_forgotten(
    company: Tenant, companies: tuple[Tenant, Tenant], clock: Clock
) -> None:
    book = Directory(clock=clock)
    book.by_id(company.pk)
    book.by_id(companies[0].pk)
    Tenant.objects.filter(pk=company.pk).update(name="Changed")
    clock.now = LOOK_SECONDS + 0.1
    with queries() as asked:
        book.by_id(companies[0].pk)
    assert len(asked) == 1  # what has changed, and nothing of the company that has not
    with queries() as asked:
        book.by_id(company.pk)
    assert len(asked) == 1


class queries:  # noqa: N801 - reads as a block
    """The statements sent to the control plane in the block."""

    def __enter__(self) -> list[str]:
        self.sent: list[str] = []
        self.wrapper = connections["default"].execute_wrapper(self._note)
        self.wrapper.__enter__()
        return self.sent

    def __exit__(self, *error: Any) -> None:
        self.wrapper.__exit__(*error)

    def _note(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.sent.append(sql)
        return execute(sql, params, many, context)


def test_whoever_is_too_far_behind_or_ahead_forgets_everything(company: Tenant, clock: Clock) -> None:
    book = Directory(clock=clock)
    assert book.by_id(company.pk) == company.ref
    Tenant.objects.filter(pk=company.pk).update(name="Changed")
    DirectoryChange.objects.all().delete()  # as if pruned
    clock.now = LOOK_SECONDS + 0.1
    found = book.by_id(company.pk)
    assert found is not None
    assert found.name == "Changed"

    DirectoryVersion.objects.update(version=1)  # as after a restore of the control plane
    Tenant.objects.filter(pk=company.pk).update(name="Restored")
    clock.now += LOOK_SECONDS + 0.1
    found = book.by_id(company.pk)
    assert found is not None
    assert found.name == "Restored"


def test_the_control_plane_is_asked_for_changes_once_a_second_at_most(
    database: None, companies: tuple[Tenant, Tenant], book: Directory, clock: Clock, control: Control
) -> None:
    for step in range(30):
        clock.now = step / 10
        for _ in range(20):
            book.by_host("north.localhost")
    assert control.asked == 3


def test_without_the_control_plane_what_is_remembered_serves_for_a_bounded_time(
    database: None, companies: tuple[Tenant, Tenant], book: Directory, clock: Clock, control: Control
) -> None:
    assert book.by_host("north.localhost") == companies[0].ref
    control.is_away = True
    clock.now = SECONDS_ALONE - 1  # long after the entry's own time
    assert book.by_host("north.localhost") == companies[0].ref
    with pytest.raises(OperationalError):
        book.by_host("never.seen.example")
    clock.now = SECONDS_ALONE + 1
    with pytest.raises(OperationalError):
        book.by_host("north.localhost")
    control.is_away = False
    clock.now += REST_SECONDS
    assert book.by_host("north.localhost") == companies[0].ref


def test_a_control_plane_that_is_away_is_not_asked_by_every_request(
    database: None, companies: tuple[Tenant, Tenant], book: Directory, clock: Clock, control: Control
) -> None:
    book.by_host("north.localhost")
    control.is_away, control.asked = True, 0
    for step in range(100):
        clock.now = 10 + step / 100
        book.by_host("north.localhost")
        with pytest.raises(OperationalError):
            book.by_host(f"{step}.example")
    assert control.asked == 1


def test_many_who_miss_the_same_company_ask_once(company: Tenant, clock: Clock) -> None:
    asked: list[str] = []
    all_wait, go = threading.Barrier(8), threading.Event()

    class Slow(Directory):
        def _ask(self, question: Any) -> Any:
            answer = super()._ask(question)
            if isinstance(answer, TenantRef):
                asked.append(answer.slug)
                go.wait(5)
            return answer

    book = Slow(clock=clock)
    book.by_id(uuid4())

    def look() -> None:
        all_wait.wait(5)
        assert book.by_id(company.pk) == company.ref
        connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(10)
    assert asked == [company.slug]


def test_what_was_read_before_a_change_is_not_remembered_after_it(company: Tenant, clock: Clock) -> None:
    class Overtaken(Directory):
        def _ask(self, question: Any) -> Any:
            answer = super()._ask(question)
            if isinstance(answer, TenantRef) and answer.name != "Newer":
                Tenant.objects.filter(pk=company.pk).update(name="Newer")
                self.forget()
            return answer

    book = Overtaken(clock=clock)
    found = book.by_id(company.pk)
    assert found is not None
    assert found.name != "Newer"
    found = book.by_id(company.pk)
    assert found is not None
    assert found.name == "Newer"


def test_a_host_nobody_can_say_anything_of_is_not_a_404(monkeypatch: pytest.MonkeyPatch, rf: Any) -> None:
    def away(number: int) -> Changes:
        raise OperationalError("nobody is there")

    monkeypatch.setattr("tenants.tenancy.middleware.directory", Directory(changes_since=away))
    with pytest.raises(OperationalError):  # which is answered by 503 and Retry-After (config.errors)
        TenantMiddleware(lambda request: pytest.fail("reached"))(rf.get("/", headers={"host": "x.example"}))
