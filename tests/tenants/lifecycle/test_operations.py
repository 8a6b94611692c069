"""Operations: step after step, one process at a time, taken up again, undone, and never two on one company."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone

from tenants.foundation.errors import Conflict, ExternalServiceError, NotFound
from tenants.lifecycle import operations
from tenants.lifecycle.operations import (
    OperationLost,
    Run,
    Step,
    abandon,
    carry_out,
    left_operations,
    register_saga,
    run_operation,
    start_operation,
    take,
)
from tenants.models import Operation

State = Operation.State
KIND = "test.saga"
type Do = Callable[[Run], None]


@pytest.fixture
def diary(database: None) -> Iterator[list[str]]:
    """What the steps of a test did, in order; the kind is forgotten afterwards."""
    yield []
    operations._sagas.pop(KIND, None)


def start(tenant_id: UUID | None = None, **values: object) -> Operation:
    return start_operation(
        kind=KIND, tenant_id=tenant_id or uuid4(), tenant_slug="saga", asked_by="Olive", values=values
    )


def nothing(_run: Run) -> None:
    """Succeeds."""


def saga(diary: list[str], **ways: Do) -> None:
    """Three steps that write down what they do; ``ways`` says what some of them do besides."""

    def step(name: str) -> Step:
        def do(run: Run) -> None:
            diary.append(f"do {name}")
            ways.get(name, nothing)(run)

        def undo(run: Run) -> None:
            diary.append(f"undo {name}")
            ways.get(f"undo_{name}", nothing)(run)

        return Step(name, do, undo)

    register_saga(KIND, step("one"), step("two"), step("three"))


def failing(error: Exception) -> Do:
    def fail(_run: Run) -> None:
        raise error

    return fail


def test_the_steps_are_done_in_order_and_remember_for_one_another(diary: list[str]) -> None:
    def look(run: Run) -> None:
        diary.append(f"{run.input['asked']} {run.context['found']}")
        run.progress(done=3, total=3)
        run.result(rows=7)

    saga(diary, one=lambda run: run.remember(found="it"), three=look)
    done = carry_out(start(asked="where").pk)

    assert diary == ["do one", "do two", "do three", "where it"]
    done.refresh_from_db()
    assert (done.state, done.steps_done, done.step) == (State.SUCCEEDED, ["one", "two", "three"], "")
    assert (done.progress, done.result, done.attempts) == ({"done": 3, "total": 3}, {"rows": 7}, 1)
    assert done.finished_at is not None


def test_what_a_step_refuses_is_undone_from_there_backwards(diary: list[str]) -> None:
    saga(diary, two=failing(Conflict("The cell is full.")))
    operation = run_operation(start().pk)
    assert diary == ["do one", "do two", "undo two", "undo one"]
    assert (operation.state, operation.error, operation.steps_done) == (State.UNDONE, "The cell is full.", [])


def test_who_waits_is_told_what_stopped_it(diary: list[str]) -> None:
    saga(diary, two=failing(Conflict("The cell is full.")))
    with pytest.raises(Conflict, match="cell is full"):
        carry_out(start().pk)


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("the server is restarting"),
        ExternalServiceError("overloaded", service="storage", is_transient=True),
    ],
    ids=["database", "service"],
)
def test_what_will_pass_is_left_open_and_taken_up_where_it_stopped(
    diary: list[str], error: Exception
) -> None:
    saga(diary, two=failing(error))
    operation = run_operation(start().pk)
    assert (operation.state, operation.step) == (State.RUNNING, "two")
    assert left_operations() == []
    Operation.objects.filter(pk=operation.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert left_operations() == [operation.pk]

    saga(diary)
    assert run_operation(operation.pk).state == State.SUCCEEDED
    assert diary == ["do one", "do two", "do two", "do three"]


def test_the_workers_wait_longer_each_time_and_a_caller_not_at_all(diary: list[str]) -> None:
    saga(diary, one=failing(OperationalError("away")))
    operation = start()
    waits = []
    for _ in range(3):
        left = run_operation(operation.pk)
        assert left.lease_expires_at is not None
        waits.append(round((left.lease_expires_at - timezone.now()).total_seconds()))
    assert waits == [4, 8, 16]
    assert diary == ["do one"] * 3


def test_an_outside_service_that_will_not_do_it_has_it_undone(diary: list[str]) -> None:
    saga(diary, one=failing(ExternalServiceError("forbidden", service="storage", is_transient=False)))
    assert run_operation(start().pk).state == State.UNDONE


def test_a_second_process_leaves_it_to_the_first_until_its_lease_is_over(diary: list[str]) -> None:
    saga(diary)
    operation = start()
    first = take(operation.pk)
    assert first is not None

    assert run_operation(operation.pk).state == State.RUNNING
    with pytest.raises(Conflict, match="Somebody else"):
        carry_out(operation.pk)
    with pytest.raises(Conflict):
        abandon(operation.pk, reason="impatience")
    assert diary == []

    Operation.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert run_operation(operation.pk).state == State.SUCCEEDED
    with pytest.raises(OperationLost):
        first.remember(late=True)


def test_a_process_that_lost_it_in_the_middle_of_a_step_changes_nothing_more(diary: list[str]) -> None:
    def be_slow(run: Run) -> None:
        Operation.objects.update(lease_token=uuid4())
        run.beat()

    saga(diary, two=be_slow)
    operation = start()
    with pytest.raises(OperationLost):
        run_operation(operation.pk)
    operation.refresh_from_db()
    assert (operation.state, operation.steps_done) == (State.RUNNING, ["one"])
    assert diary == ["do one", "do two"]


def test_what_is_given_up_is_undone_as_far_as_it_came(diary: list[str]) -> None:
    saga(diary, two=failing(OperationalError("away")))
    operation = run_operation(start().pk)
    given_up = abandon(operation.pk, reason="It takes too long.")
    assert (given_up.state, given_up.error) == (State.UNDONE, "It takes too long.")
    assert diary == ["do one", "do two", "undo two", "undo one"]


def test_an_undoing_that_fails_is_gone_on_with(diary: list[str]) -> None:
    saga(diary, two=failing(Conflict("no")), undo_one=failing(OperationalError("away")))
    operation = run_operation(start().pk)
    assert operation.state == State.UNDOING
    assert operation.error.startswith("no (Undoing one:")

    saga(diary)
    assert run_operation(operation.pk).state == State.UNDONE
    assert diary == ["do one", "do two", "undo two", "undo one", "undo one"]


def test_what_lies_sealed_in_the_input_is_forgotten_when_it_ends(diary: list[str]) -> None:
    saga(diary)
    done = run_operation(start(sealed_word="x", word="y").pk)
    done.refresh_from_db()
    assert done.input == {"word": "y"}


def test_a_company_has_one_operation_at_a_time(diary: list[str]) -> None:
    saga(diary)
    company = uuid4()
    first = start(company)
    with pytest.raises(Conflict, match="not finished"):
        start(company)
    run_operation(first.pk)
    start(company)


def test_kinds_this_release_does_not_know_are_left_to_those_who_do(database: None) -> None:
    start_operation(kind="test.unheard_of", tenant_id=None, tenant_slug="x", asked_by="", values={})
    assert left_operations() == []


def test_there_is_nothing_to_run_under_a_wrong_id(database: None) -> None:
    with pytest.raises(NotFound):
        run_operation(uuid4())
