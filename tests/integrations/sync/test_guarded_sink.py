"""A write is made again only when it certainly was not carried out."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from integrations.capabilities import FieldKind, ProblemKind, SourceError, TaskSink
from integrations.sync.guarded_sink import GuardedTaskSink
from integrations.sync.guarded_source import Postponed
from integrations.sync.leases import LeaseLost
from integrations.sync.retry import MAX_INLINE_ATTEMPTS, Action, decide_write
from tenants.foundation.crypto import Secret


def an_error(kind: ProblemKind, **more: Any) -> SourceError:
    return SourceError("!", service="x", kind=kind, **more)


class Failing:
    """A sink that fails with each of these in turn, and then answers."""

    def __init__(self, errors: Sequence[SourceError]) -> None:
        self.errors = list(errors)
        self.calls = 0

    def _answer(self, *_: Any, **__: Any) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    create_record = update_record = trash_record = restore_record = records_with = add_text_field = _answer


def guarded(*errors: SourceError) -> tuple[GuardedTaskSink, Failing, list[float]]:
    inner, slept = Failing(errors), list[float]()
    sink = GuardedTaskSink(cast(TaskSink, inner), token=Secret("x"), sleep=slept.append, jitter=lambda: 0.5)
    return sink, inner, slept


WRITES = [
    lambda sink: sink.create_record("c", {}),
    lambda sink: sink.update_record("r", {}),
    lambda sink: sink.trash_record("r"),
    lambda sink: sink.restore_record("r"),
    lambda sink: sink.add_text_field("c", name="n"),
]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("kind", [ProblemKind.RATE_LIMITED, ProblemKind.OVERLOADED, ProblemKind.CONFLICT])
def test_what_was_refused_before_it_was_done_is_made_again(write: Any, kind: ProblemKind) -> None:
    sink, inner, _ = guarded(an_error(kind))

    assert write(sink) == "done"
    assert inner.calls == 2


def test_what_never_left_is_made_again() -> None:
    sink, inner, slept = guarded(an_error(ProblemKind.UNREACHABLE, is_unsent=True))

    assert cast(Any, sink.trash_record("r")) == "done"
    assert (inner.calls, len(slept)) == (2, 1)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    "error",
    [
        an_error(ProblemKind.TIMEOUT),
        an_error(ProblemKind.UNREACHABLE),
        an_error(ProblemKind.SERVER_ERROR, status=500),
        an_error(ProblemKind.UNAVAILABLE, status=503),
        an_error(ProblemKind.UNAVAILABLE, status=503, committed_id="p1"),
        an_error(ProblemKind.OVERLOADED, status=529, is_committed=True),
        an_error(ProblemKind.MALFORMED_ANSWER, status=200, is_committed=True),
        an_error(ProblemKind.UNREADABLE, status=200),
    ],
)
def test_what_may_have_been_done_is_never_made_again(write: Any, error: SourceError) -> None:
    sink, inner, slept = guarded(error)

    with pytest.raises(SourceError) as failure:
        write(sink)

    assert failure.value is error
    assert (inner.calls, slept) == (1, [])


@pytest.mark.parametrize(
    "kind",
    [
        ProblemKind.INVALID_REQUEST,
        ProblemKind.FORBIDDEN,
        ProblemKind.NOT_FOUND,
        ProblemKind.UNAUTHORISED,
        ProblemKind.BLOCKED,
        ProblemKind.STORAGE_FULL,
    ],
)
def test_a_refusal_for_good_is_handed_on(kind: ProblemKind) -> None:
    sink, inner, _ = guarded(an_error(kind))

    with pytest.raises(SourceError):
        sink.update_record("r", {})
    assert inner.calls == 1


def test_a_clash_that_does_not_end_is_postponed() -> None:
    sink, inner, _ = guarded(*[an_error(ProblemKind.CONFLICT)] * 10)

    with pytest.raises(Postponed) as postponed:
        sink.update_record("r", {})

    assert (inner.calls, postponed.value.cause.kind) == (MAX_INLINE_ATTEMPTS, ProblemKind.CONFLICT)


def test_looking_a_record_up_is_a_read_and_may_be_repeated() -> None:
    sink, inner, _ = guarded(an_error(ProblemKind.TIMEOUT))

    found: Any = sink.records_with("c", field_id="f", kind=FieldKind.TEXT, texts=["x"])

    assert (found, inner.calls) == ("done", 2)


def test_every_kind_of_problem_has_an_answer_for_writes() -> None:
    for kind in ProblemKind:
        for is_unsent in (True, False):
            action = decide_write(an_error(kind, is_unsent=is_unsent), attempt=1, jitter=0.5).action
            assert action is not Action.SHRINK


@pytest.mark.parametrize("write", WRITES)
def test_before_every_attempt_of_a_write_whoever_holds_something_renews_it(write: Any) -> None:
    inner, renewed = Failing([an_error(ProblemKind.CONFLICT)] * 2), list[int]()
    sink = GuardedTaskSink(
        cast(TaskSink, inner), token=Secret("x"), before_attempt=lambda: renewed.append(inner.calls),
        sleep=lambda _: None,
    )  # fmt: skip

    assert write(sink) == "done"
    assert renewed == [0, 1, 2]


def test_a_read_renews_nothing() -> None:
    renewed = list[int]()
    sink = GuardedTaskSink(
        cast(TaskSink, Failing([])), token=Secret("x"), before_attempt=lambda: renewed.append(1)
    )

    sink.records_with("c", field_id="f", kind=FieldKind.TEXT, texts=["x"])
    assert renewed == []


def test_whoever_lost_what_they_held_sends_nothing() -> None:
    def lost() -> None:
        raise LeaseLost

    inner = Failing([])
    sink = GuardedTaskSink(cast(TaskSink, inner), token=Secret("x"), before_attempt=lost)

    with pytest.raises(LeaseLost):
        sink.create_record("c", {})
    assert inner.calls == 0
