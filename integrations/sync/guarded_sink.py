"""A task sink that asks the limiter before each call and never makes a write twice without knowing."""

import random
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from integrations.capabilities import (
    FieldKind,
    RemoteCollection,
    RemoteField,
    RemoteRecord,
    RemoteValue,
    SourceError,
    TaskSink,
    ValueProblem,
)
from integrations.models import Connection
from integrations.oauth.live_token import token_of
from integrations.registry import open_task_sink
from integrations.sync.guarded_source import CallGuard, Postponed
from integrations.sync.renewing import with_renewal
from integrations.sync.retry import Action, Decision, decide, decide_write
from tenants.foundation.crypto import Secret

log = structlog.get_logger(__name__)


class GuardedTaskSink:
    """A `TaskSink` around another one, with the retry policy of writes.

    Raises `Postponed` or `LimitReached` when the write was certainly not carried out and has to wait longer than a
    worker may. Raises `SourceError` for all else: where `is_committed` or `is_ambiguous`, the record has to be looked
    up before anything is sent again. Raises `InvalidRecordValue` before anything leaves.

    `before_attempt` runs before each attempt of a write, the first and every repetition: whoever holds something for a
    limited time renews it there. What it raises (`LeaseLost`) ends the write before it is sent.
    """

    def __init__(
        self,
        sink: TaskSink,
        *,
        token: Secret,
        before_attempt: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._sink = sink
        self._token = token
        self._before_attempt = before_attempt
        self._sleep = sleep
        self._jitter = jitter

    def check(
        self, fields: Mapping[str, RemoteField], values: Mapping[str, RemoteValue]
    ) -> Sequence[ValueProblem]:
        return self._sink.check(fields, values)

    def create_record(
        self, collection_id: str, values: Mapping[str, RemoteValue], *, body: str = ""
    ) -> RemoteRecord:
        return self._persist(lambda: self._sink.create_record(collection_id, values, body=body))

    def update_record(self, record_id: str, values: Mapping[str, RemoteValue]) -> RemoteRecord:
        return self._persist(lambda: self._sink.update_record(record_id, values))

    def trash_record(self, record_id: str) -> RemoteRecord:
        return self._persist(lambda: self._sink.trash_record(record_id))

    def restore_record(self, record_id: str) -> RemoteRecord:
        return self._persist(lambda: self._sink.restore_record(record_id))

    def records_with(
        self, collection_id: str, *, field_id: str, kind: FieldKind, texts: Sequence[str]
    ) -> Sequence[RemoteRecord]:
        return self._persist(
            lambda: self._sink.records_with(collection_id, field_id=field_id, kind=kind, texts=texts),
            policy=decide,
        )

    def add_text_field(self, collection_id: str, *, name: str) -> RemoteCollection:
        return self._persist(lambda: self._sink.add_text_field(collection_id, name=name))

    def _persist[Value](
        self, call: Callable[[], Value], *, policy: Callable[..., Decision] = decide_write
    ) -> Value:
        def attempted() -> Value:
            if policy is decide_write:
                self._before_attempt()
            return call()

        attempt = 1
        while True:
            try:
                return with_renewal(self._token, attempted)
            except SourceError as error:
                decision = policy(error, attempt=attempt, jitter=self._jitter())
                log.info(
                    "sync.write_failed",
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


def open_sink(
    connection: Connection, guard: CallGuard, *, before_attempt: Callable[[], None] = lambda: None
) -> TaskSink:
    """Open the connection's task sink with its stored token, behind a worker's guard: one budget, one count.

    Call it outside a transaction. Raises: NotFound when the connector writes no tasks.
    """
    assert connection.token_secret_id is not None, "a guard exists only for a connection with a token"
    token = token_of(connection)
    sink = open_task_sink(connection.connector, token=token, observer=guard)
    return GuardedTaskSink(sink, token=token, before_attempt=before_attempt)
