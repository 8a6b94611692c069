"""What one worker holds while it reads one connection."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from django.utils import timezone

from integrations.capabilities import ProblemKind, TaskSource
from integrations.models import Connection, SyncRun, SyncRunCollection
from integrations.oauth.live_token import token_of
from integrations.registry import open_task_source
from integrations.services import WHOLE_KINDS
from integrations.sync.guarded_source import CallGuard, GuardedTaskSource
from integrations.sync.journal import Journal
from integrations.sync.leases import keep_lease
from integrations.sync.limiter import Caller, Lane, Limiter, shared_limiter
from tenants.foundation.errors import Conflict, LimitReached
from tenants.tenancy import atomic

MAX_STRIKES: Final = 3
#: A run that reads everything gives its worker back after this long, so that a company with a million pages keeps
#: nobody waiting; it goes on where it stood.
TURN_SECONDS: Final = 20.0
#: Problems that concern the whole connection, and the state they put it into.
CONNECTION_PROBLEMS: Final = {
    ProblemKind.UNAUTHORISED: Connection.State.REAUTHORISE,
    ProblemKind.BLOCKED: Connection.State.BLOCKED,
}


class NotConnected(Conflict):
    """The connection has no token, so nothing can be read."""

    default_code = "integrations.not_connected"
    default_message = "This workspace is not connected. Give it a token first."


class Held(Conflict):
    """The run has read all it would do, and waits for somebody to say that it is right."""

    default_code = "sync.held"
    default_message = "The run waits for a decision."


class Stopped(Conflict):
    """Somebody paused the connection or cancelled the run."""

    default_code = "sync.stopped"
    default_message = "The run was stopped."


class TurnOver(LimitReached):
    """A long run has had its turn: it goes on as soon as the others had theirs."""

    default_code = "sync.turn_over"
    default_message = "Others have their turn."


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A guarded task source, and the guard that counts its calls."""

    source: TaskSource
    guard: CallGuard


def open_source(
    connection: Connection, *, lane: Lane = Lane.BACKGROUND, limiter: Limiter | None = None
) -> OpenSource:
    """Open the connection's task source with its stored token. Call it outside a transaction.

    Raises: NotConnected.
    """
    if connection.token_secret_id is None:
        raise NotConnected
    token = token_of(connection)
    caller = Caller(
        connection_id=connection.pk,
        workspace_id=connection.workspace_id,
        budget=connection.requests_per_minute,
        lane=lane,
    )
    guard = CallGuard(limiter=limiter or shared_limiter(), caller=caller, service=connection.connector)
    source = open_task_source(connection.connector, token=token, observer=guard)
    return OpenSource(GuardedTaskSource(source, token=token), guard)


class Caution(Protocol):
    """Stands around every piece a run writes: it may undo it at once, or refuse it."""

    @property
    def is_tripped(self) -> bool:
        """Whether somebody has to decide before the run goes on."""
        ...

    def release(self, session: "SyncSession") -> None:
        """Put the run back to where it stood before what was only tried; inside a transaction."""
        ...

    def around(self, session: "SyncSession") -> AbstractContextManager[object]:
        """The transaction of one piece."""
        ...


@dataclass
class SyncSession:
    """One worker's hold on one connection for one run."""

    connection: Connection
    run: SyncRun
    parts: list[SyncRunCollection]
    source: TaskSource
    guard: CallGuard
    lease_token: UUID
    journal: Journal
    heartbeat: Callable[[], None]
    #: Whether references came in, or records older references may point to.
    needs_relations: bool = False
    #: How often in a row the service failed for single records.
    strikes: int = 0
    #: Tasks this worker has made or changed in this run, so that a change of their relations counts once.
    touched_ids: set[UUID] = field(default_factory=set)
    #: Records this worker has linked for the first time: others may have named them before.
    linked_refs: set[str] = field(default_factory=set)
    began_at: datetime = field(default_factory=timezone.now)
    #: How many changes of this run this worker has written down, those that were taken back included.
    changes_noted: int = 0
    #: What happens around each piece that is written; None writes it.
    caution: "Caution | None" = None

    @property
    def seen_run_id(self) -> UUID | None:
        """What marks a record as seen; only runs that read everything leave a mark."""
        return self.run.pk if self.run.kind in WHOLE_KINDS else None

    @property
    def is_rehearsal(self) -> bool:
        """Whether nothing that is read may be written, and nothing sent."""
        return self.run.kind == SyncRun.Kind.DRY_RUN

    @property
    def is_held(self) -> bool:
        """Whether what is read now is only shown to whoever has to decide."""
        return self.caution is not None and self.caution.is_tripped

    def strike(self, error: LimitReached) -> None:
        """Count a failure of the service for one record; one such record must not hold up the others.

        Raises: the error, when it looks as if the service failed for all of them.
        """
        self.strikes += 1
        if self.strikes >= MAX_STRIKES:
            raise error

    def hold(self) -> None:
        """Inside a transaction that writes: make sure the connection is still ours. Raises: LeaseLost."""
        keep_lease(self.connection.pk, self.lease_token)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that writes what was read, or only tries to. Raises: LeaseLost."""
        with self.caution.around(self) if self.caution else atomic():
            self.hold()
            yield

    def check(self) -> None:
        """Between two steps: say that we live, and stop if somebody wants it. Raises: Stopped, LeaseLost."""
        self.heartbeat()
        with atomic():
            self.hold()
            state = Connection.objects.values_list("state", flat=True).get(pk=self.connection.pk)
            is_cancelled = SyncRun.objects.filter(pk=self.run.pk, is_cancel_requested=True).exists()
        if is_cancelled:
            raise Stopped("The run was cancelled.", code="sync.cancelled")
        if state != Connection.State.CONNECTED:
            raise Stopped(f"The workspace is {Connection.State(state).label.lower()}.", code="sync.paused")
        self.guard.write_tally(is_last=False)

    def end_turn(self) -> None:
        """Where the run can go on from here: let others in after a while. Raises: TurnOver."""
        if self.run.kind in WHOLE_KINDS and (timezone.now() - self.began_at).total_seconds() > TURN_SECONDS:
            raise TurnOver(retry_after_seconds=0.05)
