"""A write that goes wrong on the wire says whether it was carried out, was not, or whether nobody knows."""

from collections.abc import Callable
from typing import Any

import pytest

from integrations.capabilities import FieldKind, ProblemKind, RemoteRecord, RemoteValue, SourceError
from tests.integrations.connectors.notion.conftest import Desk
from tests.integrations.sandbox.notion import sample

TITLE = {"title": RemoteValue("title", FieldKind.TITLE, "Written")}


def create(desk: Desk) -> RemoteRecord:
    return desk.sink.create_record(sample.TASKS, TITLE)


def update(desk: Desk) -> RemoteRecord:
    return desk.sink.update_record(sample.task_id(1), TITLE)


def failure_of(desk: Desk, write: Callable[[Desk], RemoteRecord], **fault: Any) -> SourceError:
    desk.sandbox.fault(**fault)
    with pytest.raises(SourceError) as failure:
        write(desk)
    return failure.value


def titles(desk: Desk) -> list[str]:
    pages = desk.sandbox.workspace(sample.TOKEN).table(sample.TASKS).rows.values()
    return sorted(
        "".join(run["plain_text"] for run in page.obj["properties"]["Name"]["title"]) for page in pages
    )


def test_a_record_that_was_made_before_the_failure_is_named(desk: Desk) -> None:
    error = failure_of(desk, create, kind="commit_then_503")

    assert (error.is_committed, error.is_ambiguous) == (True, False)
    assert desk.source.record(error.committed_id).title == "Written"
    assert titles(desk).count("Written") == 1


def test_a_change_that_was_saved_before_the_failure_is_told(desk: Desk) -> None:
    error = failure_of(desk, update, kind="commit_then_503")

    assert (error.is_committed, error.kind) == (True, ProblemKind.UNAVAILABLE)
    assert desk.source.record(sample.task_id(1)).title == "Written"


@pytest.mark.parametrize("write", [create, update])
@pytest.mark.parametrize(
    "fault", [{"kind": "reset"}, {"kind": "half"}, {"status": 503}, {"status": 500}, {"status": 504}]
)
def test_after_a_broken_answer_nobody_knows(
    desk: Desk, write: Callable[[Desk], RemoteRecord], fault: dict[str, Any]
) -> None:
    error = failure_of(desk, write, **fault)

    assert (error.is_ambiguous, error.is_committed, error.is_unsent) == (True, False, False)


@pytest.mark.parametrize("write", [create, update])
def test_a_success_that_cannot_be_read_is_a_success(
    desk: Desk, write: Callable[[Desk], RemoteRecord]
) -> None:
    error = failure_of(desk, write, kind="malformed")

    assert (error.is_committed, error.is_ambiguous) == (True, False)


@pytest.mark.parametrize("write", [create, update])
@pytest.mark.parametrize("status", [400, 403, 404, 409, 429, 529])
def test_a_refusal_means_that_nothing_was_done(
    desk: Desk, write: Callable[[Desk], RemoteRecord], status: int
) -> None:
    before = titles(desk)

    error = failure_of(desk, write, status=status)

    assert (error.is_committed, error.is_ambiguous) == (False, False)
    assert titles(desk) == before


def test_a_full_plan_stops_new_records_and_lets_changes_through(desk: Desk) -> None:
    desk.sandbox.set_limits(block_limit=0)

    with pytest.raises(SourceError) as failure:
        create(desk)

    assert failure.value.kind is ProblemKind.STORAGE_FULL
    assert update(desk).title == "Written"


def test_nobody_there_is_told_from_a_broken_connection(desk: Desk) -> None:
    nobody = desk.sink_at("http://127.0.0.1:9")

    with pytest.raises(SourceError) as failure:
        nobody.update_record(sample.task_id(1), TITLE)

    assert (failure.value.is_unsent, failure.value.is_ambiguous) == (True, False)
