"""A task source that asks the limiter before each call, repeats what passes, and counts what it did."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from integrations.capabilities import (
    CallOutcome,
    CollectionPage,
    FieldKind,
    PeoplePage,
    ProblemKind,
    RecordBody,
    RecordPage,
    RecordQuery,
    RemoteCollection,
    RemoteIdentity,
    RemoteRecord,
    SourceCall,
    SourceError,
    TaskSource,
    ValuePage,
)
from integrations.sync import metrics
from integrations.sync.limiter import Caller, Limiter
from integrations.sync.renewing import with_renewal
from integrations.sync.retry import Action, decide
from integrations.sync.tally import Count, Key, add_counts, this_hour
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import LimitReached
from tenants.tenancy.context import current_tenant_or_none

log = structlog.get_logger(__name__)
#: A worker writes its counts down this often, and when it ends: a killed one loses seconds of them, not calls.
_TALLY_SECONDS = 15.0


class CallGuard:
    """Stands before and behind every call of one worker: budget, pauses, counts. A `CallObserver`."""

    def __init__(self, *, limiter: Limiter, caller: Caller, service: str) -> None:
        self._limiter = limiter
        self._caller = caller
        self._service = service
        self._uncounted = 0
        #: Calls that were answered: failing again and again is no progress.
        self.answered = 0
        self._tally: dict[Key, Count] = {}
        self._tallied_at = time.monotonic()
        self.by_operation: Counter[str] = Counter()

    def before(self, call: SourceCall) -> None:
        self._limiter.wait_turn(self._caller, call.operation)

    def after(self, call: SourceCall, outcome: CallOutcome) -> None:
        self._uncounted += 1
        self.answered += int(outcome.error is None)
        self.by_operation[call.operation] += 1
        status = str(outcome.status or (outcome.error.kind.value if outcome.error else "none"))
        metrics.CALLS.labels(service=self._service, operation=call.operation, status=status).inc()
        error = outcome.error
        count = self._tally.setdefault((this_hour(), call.operation, self._caller.lane.value), Count())
        count.calls += 1
        count.failed += int(error is not None)
        count.refused += int(error is not None and error.limit_scope is not None)
        count.milliseconds += round(outcome.duration_seconds * 1000)
        if error is not None and error.limit_scope is not None:
            self._limiter.refused(
                self._caller,
                call.operation,
                scope=error.limit_scope,
                retry_after_seconds=error.retry_after_seconds,
            )

    def write_tally(self, *, is_last: bool = True) -> None:
        """Write down the calls counted since the last time; now, or if the last time is a while ago."""
        is_due = is_last or time.monotonic() - self._tallied_at >= _TALLY_SECONDS
        if self._tally and is_due and current_tenant_or_none() is not None:
            counts, self._tally = self._tally, {}
            self._tallied_at = time.monotonic()
            add_counts(self._caller.connection_id, counts)

    def take_count(self) -> int:
        """Return how many calls were made since the last time this was asked."""
        count, self._uncounted = self._uncounted, 0
        return count


class Postponed(LimitReached):
    """The service cannot be read now; the work is to go on after `retry_after_seconds`."""

    default_code = "sync.postponed"

    def __init__(self, cause: SourceError, *, after_seconds: float) -> None:
        super().__init__(str(cause), retry_after_seconds=after_seconds, params={"kind": cause.kind.value})
        self.cause = cause


class GuardedTaskSource:
    """A `TaskSource` around another one, with the one retry policy.

    Raises `SourceError` for what only the engine can answer (a stale cursor, a smaller page, a lost token)
    and `LimitReached` when the work has to wait longer than a worker may.
    """

    def __init__(
        self,
        source: TaskSource,
        *,
        token: Secret,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._source = source
        self._token = token
        self._sleep = sleep
        self._jitter = jitter

    def whoami(self) -> RemoteIdentity:
        return self._persist(self._source.whoami)

    def collections(self, *, cursor: str | None = None) -> CollectionPage:
        return self._persist(lambda: self._source.collections(cursor=cursor))

    def collection(self, collection_id: str) -> RemoteCollection:
        return self._persist(lambda: self._source.collection(collection_id))

    def people(self, *, cursor: str | None = None) -> PeoplePage:
        return self._persist(lambda: self._source.people(cursor=cursor))

    def records(self, query: RecordQuery) -> RecordPage:
        return self._persist(lambda: self._source.records(query), page_size=query.page_size)

    def records_with(
        self, collection_id: str, *, field_id: str, kind: FieldKind, texts: Sequence[str]
    ) -> RecordPage:
        return self._persist(
            lambda: self._source.records_with(collection_id, field_id=field_id, kind=kind, texts=texts)
        )

    def record(self, record_id: str) -> RemoteRecord:
        return self._persist(lambda: self._source.record(record_id))

    def value_page(self, record_id: str, field_id: str, *, cursor: str | None = None) -> ValuePage:
        return self._persist(lambda: self._source.value_page(record_id, field_id, cursor=cursor))

    def body(self, record_id: str) -> RecordBody:
        return self._persist(lambda: self._source.body(record_id))

    def _persist[Value](self, call: Callable[[], Value], *, page_size: int | None = None) -> Value:
        attempt = 1
        while True:
            try:
                return with_renewal(self._token, call)
            except SourceError as error:
                decision = decide(error, attempt=attempt, jitter=self._jitter(), page_size=page_size)
                log.info(
                    "sync.call_failed",
                    kind=error.kind.value,
                    status=error.status,
                    request_id=error.request_id,
                    action=decision.action.value,
                    attempt=attempt,
                )
                if decision.action is Action.AGAIN:
                    self._sleep(decision.after_seconds)
                    attempt += 1
                elif decision.action is Action.POSTPONE:
                    raise Postponed(error, after_seconds=decision.after_seconds) from error
                else:
                    raise


def needs_smaller_page(error: SourceError) -> bool:
    """Say whether the service was asked for too much at once."""
    return error.kind in {ProblemKind.UNAVAILABLE, ProblemKind.TIMEOUT}
