"""What is done about each way a call can fail."""

import pytest

from integrations.capabilities import LimitScope, ProblemKind, SourceError
from integrations.sync.retry import MAX_INLINE_ATTEMPTS, Action, decide, postponed_pause


def an_error(kind: ProblemKind, *, retry_after: float | None = None) -> SourceError:
    scope = LimitScope.CONNECTION if kind is ProblemKind.RATE_LIMITED else None
    return SourceError("!", service="x", kind=kind, retry_after_seconds=retry_after, limit_scope=scope)


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        (ProblemKind.INVALID_REQUEST, Action.GIVE_UP),
        (ProblemKind.INVALID_CURSOR, Action.RESTART_WINDOW),
        (ProblemKind.UNAUTHORISED, Action.REAUTHORISE),
        (ProblemKind.FORBIDDEN, Action.GIVE_UP),
        (ProblemKind.NOT_FOUND, Action.GIVE_UP),
        (ProblemKind.BLOCKED, Action.STOP_CONNECTION),
        (ProblemKind.UNREADABLE, Action.GIVE_UP),
        (ProblemKind.CONFLICT, Action.AGAIN),
        (ProblemKind.RATE_LIMITED, Action.AGAIN),
        (ProblemKind.OVERLOADED, Action.AGAIN),
        (ProblemKind.SERVER_ERROR, Action.AGAIN),
        (ProblemKind.UNAVAILABLE, Action.AGAIN),
        (ProblemKind.TIMEOUT, Action.AGAIN),
        (ProblemKind.UNREACHABLE, Action.AGAIN),
        (ProblemKind.MALFORMED_ANSWER, Action.AGAIN),
    ],
)
def test_every_kind_of_problem_has_its_answer(kind: ProblemKind, action: Action) -> None:
    assert decide(an_error(kind), attempt=1, jitter=0.5).action is action


def test_no_kind_is_forgotten() -> None:
    for kind in ProblemKind:
        decide(an_error(kind), attempt=1, jitter=0.5)


@pytest.mark.parametrize("kind", [ProblemKind.UNAVAILABLE, ProblemKind.TIMEOUT])
def test_a_query_that_was_too_much_is_asked_in_smaller_pages_down_to_ten(kind: ProblemKind) -> None:
    assert decide(an_error(kind), attempt=1, jitter=0.5, page_size=100).action is Action.SHRINK
    assert decide(an_error(kind), attempt=1, jitter=0.5, page_size=10).action is Action.AGAIN


def test_pauses_grow_and_are_spread() -> None:
    error = an_error(ProblemKind.SERVER_ERROR)
    pauses = [decide(error, attempt=attempt, jitter=0.5).after_seconds for attempt in (1, 2, 3)]

    assert pauses == [0.25, 0.5, 1.0]
    assert decide(error, attempt=1, jitter=0).after_seconds == 0.125


def test_after_some_attempts_the_work_goes_back_into_the_queue() -> None:
    error = an_error(ProblemKind.SERVER_ERROR)

    decision = decide(error, attempt=MAX_INLINE_ATTEMPTS, jitter=0.5)

    assert (decision.action, decision.after_seconds) == (Action.POSTPONE, 5.0)


def test_a_long_advice_is_not_waited_for_by_a_worker() -> None:
    decision = decide(an_error(ProblemKind.SERVER_ERROR, retry_after=40), attempt=1, jitter=0.5)

    assert (decision.action, decision.after_seconds) == (Action.POSTPONE, 40)


def test_a_run_that_gets_nowhere_is_tried_ever_less_often_but_every_few_minutes() -> None:
    pauses = [postponed_pause(stalls, 0.5) for stalls in range(20)]

    assert pauses[:3] == [5.0, 10.0, 20.0]
    assert max(pauses) == 300.0
