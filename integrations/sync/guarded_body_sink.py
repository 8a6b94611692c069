"""A body sink that asks the limiter before each call, repeats what passes, and reads whole texts."""

import random
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from integrations.capabilities import (
    BodyContent,
    BodyPart,
    BodyPlan,
    BodySink,
    BodyStep,
    ProblemKind,
    SourceError,
)
from integrations.models import Connection
from integrations.oauth.live_token import token_of
from integrations.registry import open_body_sink
from integrations.sync.guarded_source import CallGuard, Postponed
from integrations.sync.renewing import with_renewal
from integrations.sync.retry import Action, Decision, decide, decide_write
from tenants.foundation.crypto import Secret

#: A text with more calls than this to read it is left to people.
_MOST_READS: Final = 400


class TextDesk:
    """Reads and writes whole texts of one connection.

    Raises `SourceError`, or `Postponed`/`LimitReached` when the work has to wait longer than a worker may. A write that
    may have been carried out raises as any other: whoever goes on reads the text again and sends what is left.
    """

    def __init__(
        self,
        sink: BodySink,
        *,
        token: Secret,
        service: str,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._sink = sink
        self._token = token
        self._service = service
        self._sleep = sleep
        self._jitter = jitter

    def read(self, record_id: str, *, check: Callable[[], None] = lambda: None) -> BodyContent:
        """The whole text: one call a hundred parts, and one more for each part that holds others."""
        parts: dict[str, list[BodyPart]] = {}
        waiting, reads = [record_id], 0
        while waiting:
            parent_id = waiting.pop()
            found: list[BodyPart] = []
            cursor: str | None = None
            seen: set[str] = set()
            while True:
                page = self._persist(lambda at=cursor, of=parent_id: self._sink.parts(of, cursor=at), decide)  # type: ignore[misc]
                reads += 1
                found += page.parts
                cursor = page.next_cursor
                if cursor is None:
                    break
                if cursor in seen or reads >= _MOST_READS:
                    raise self._unreadable()
                seen.add(cursor)
                check()
            parts[parent_id] = found
            waiting += [part.id for part in found if part.has_parts and part.id not in parts]
            if waiting and reads >= _MOST_READS:
                raise self._unreadable()
        return self._sink.content(record_id, parts)

    def plan(self, content: BodyContent, markdown: str) -> BodyPlan:
        """The fewest calls that make the text this one; no call."""
        return self._sink.plan(content, markdown)

    def send(self, step: BodyStep) -> datetime | None:
        """Make one planned call; returns the edit time the service noted."""
        return self._persist(lambda: self._sink.send(step), decide_write)

    def _persist[Value](self, call: Callable[[], Value], policy: Callable[..., Decision]) -> Value:
        attempt = 1
        while True:
            try:
                return with_renewal(self._token, call)
            except SourceError as error:
                decision = policy(error, attempt=attempt, jitter=self._jitter())
                if decision.action is Action.AGAIN:
                    self._sleep(decision.after_seconds)
                    attempt += 1
                elif decision.action is Action.POSTPONE:
                    raise Postponed(error, after_seconds=decision.after_seconds) from error
                else:
                    raise

    def _unreadable(self) -> SourceError:
        return SourceError(
            "The text of the page is too long or too deep to be read block by block.",
            service=self._service,
            kind=ProblemKind.UNREADABLE,
        )


def open_desk(connection: Connection, guard: CallGuard) -> TextDesk:
    """Open the texts of a connection behind a worker's guard. Call it outside a transaction.

    Raises: NotFound when the connector writes no texts.
    """
    assert connection.token_secret_id is not None, "a guard exists only for a connection with a token"
    token = token_of(connection)
    sink = open_body_sink(connection.connector, token=token, observer=guard)
    return TextDesk(sink, token=token, service=connection.connector)
