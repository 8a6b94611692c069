"""Operations on the operators' pages: listed, followed as they go, taken up and given up by hand."""

from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError
from django.test import Client

from tenants.lifecycle import operating, operations
from tenants.lifecycle.operations import Run, Step, register_saga, run_operation, start_operation, take
from tenants.models import Operation, Tenant

type TextOf = Callable[..., str]
KIND = "test.saga"


@pytest.fixture
def waiting(company: Tenant) -> Iterator[Operation]:
    """An operation that waits for a database to come back."""

    def count(run: Run) -> None:
        run.progress(done=30, total=120, table="tasks_task")

    def wait(_run: Run) -> None:
        raise OperationalError("The server is restarting.")

    register_saga(KIND, Step("copy_rows", count), Step("hand_over", wait))
    started = start_operation(
        kind=KIND, tenant_id=company.pk, tenant_slug="south", asked_by="Olive", values={}
    )
    yield run_operation(started.pk)
    operations._sagas.pop(KIND, None)


def test_they_are_listed_newest_first_and_by_state(text_of: TextOf, waiting: Operation) -> None:
    assert str(waiting.pk) in text_of("/platform/operations/")
    assert str(waiting.pk) in text_of("/platform/operations/?state=running")
    assert str(waiting.pk) not in text_of("/platform/operations/?state=undone")


def test_one_shows_its_steps_how_far_it_is_and_what_stopped_it(text_of: TextOf, waiting: Operation) -> None:
    text = text_of(f"/platform/operations/{waiting.pk}/")
    for word in ("Copy rows", "Hand over", "The server is restarting.", "asked by Olive", "tasks_task"):
        assert word in text
    assert 'value="30"' in text
    assert 'hx-trigger="every 2s"' in text_of(f"/platform/operations/{waiting.pk}/", hx_request="true")


def test_it_is_taken_up_at_once_when_asked(
    operator: Client, waiting: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Operation] = []
    monkeypatch.setattr(operating, "ask_for_run", asked.append)
    assert operator.post(f"/platform/operations/{waiting.pk}/go-on/").status_code == 302
    assert asked == [waiting]


def test_what_is_given_up_is_undone_and_asks_for_itself_no_more(
    operator: Client, text_of: TextOf, waiting: Operation
) -> None:
    assert operator.post(f"/platform/operations/{waiting.pk}/give-up/").status_code == 302
    waiting.refresh_from_db()
    assert (waiting.state, waiting.error) == ("undone", "Given up by Olga Owner-Example.")
    text = text_of(f"/platform/operations/{waiting.pk}/")
    assert "Give up and undo" not in text
    assert 'hx-trigger="every 2s"' not in text
    assert operator.post(f"/platform/operations/{waiting.pk}/go-on/").status_code == 409


def test_what_somebody_works_on_is_left_to_them(
    operator: Client, text_of: TextOf, waiting: Operation
) -> None:
    assert take(waiting.pk) is not None
    assert "Give up and undo" not in text_of(f"/platform/operations/{waiting.pk}/")
    assert operator.post(f"/platform/operations/{waiting.pk}/give-up/").status_code == 409


def test_an_onlooker_follows_it_and_touches_nothing(onlooker: Client, waiting: Operation) -> None:
    page = onlooker.get(f"/platform/operations/{waiting.pk}/")
    assert (page.status_code, b"Give up" in page.content) == (200, False)
    for action in ("go-on", "give-up"):
        assert onlooker.post(f"/platform/operations/{waiting.pk}/{action}/").status_code == 403


def test_what_came_of_it_is_written_for_people(text_of: TextOf, waiting: Operation) -> None:
    Operation.objects.filter(pk=waiting.pk).update(
        result={
            "rows": 13308, "tables": ["a", "b"], "is_whole": True, "kept_until": "2030-11-29T17:51:22.372381+00:00",
        }
    )  # fmt: skip
    text = text_of(f"/platform/operations/{waiting.pk}/")
    for word in ("13,308", "<dd>2</dd>", "<dd>True</dd>", "29 Nov 2030 17:51", "Kept until"):
        assert word in text
