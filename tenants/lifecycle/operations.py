"""Runs operations: step after step under a lease, taken up by anybody after a crash, undone when a step refuses."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import structlog
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from tenants.dispatch import enqueue
from tenants.foundation.errors import Conflict, DomainError, ExternalServiceError, NotFound
from tenants.foundation.redaction import redact_text
from tenants.models import Operation, Tenant
from tenants.permissions import PLATFORM_SLUG
from tenants.tenancy import atomic, tenant_scope

log = structlog.get_logger(__name__)
RUN_OPERATION = "platform.run_operation"
# Names of inputs that hold something encrypted; they are dropped when the operation ends.
SEALED = "sealed_"
LEASE_SECONDS = 60.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 2.0, 300.0
LONGEST_ERROR = 2000
LOOK_SECONDS = 0.1


class OperationLost(RuntimeError):
    """Another process has taken the operation over; this one must stop and change nothing more."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``do`` may be called again after it was cut short at any place; ``undo`` likewise, even if
    ``do`` never began. ``is_final``: from its beginning on nothing is undone any more, only gone on with.
    ``lease_seconds``: how long it may be silent before another process takes over."""

    name: str
    do: Callable[["Run"], None]
    undo: Callable[["Run"], None] | None = None
    is_final: bool = False
    lease_seconds: float = LEASE_SECONDS


class Run:
    """What a step works with: the operation's input and context, and its hold on the operation."""

    def __init__(self, operation: Operation, token: UUID) -> None:
        self.operation, self._token = operation, token
        self._lease_seconds = LEASE_SECONDS

    @property
    def input(self) -> dict[str, Any]:
        """What was asked for."""
        return dict(self.operation.input)

    @property
    def context(self) -> dict[str, Any]:
        """What earlier steps remembered."""
        return dict(self.operation.context)

    def remember(self, **facts: Any) -> None:
        """Keep facts for the later steps and for those who take over. Raises: OperationLost."""
        self._write(context={**self.operation.context, **facts})

    def progress(self, **facts: Any) -> None:
        """Tell those who wait how far it is, and keep the lease. Raises: OperationLost."""
        self._write(progress={**self.operation.progress, **facts})

    def result(self, **facts: Any) -> None:
        """Set what came of it. Raises: OperationLost."""
        self._write(result={**self.operation.result, **facts})

    def belongs_to(self, tenant_id: UUID) -> None:
        """Say which tenant it is about, in the caller's transaction on the control plane.

        Raises: OperationLost, IntegrityError while the tenant has another operation open.
        """
        self._write(tenant_id=tenant_id, context={**self.operation.context, "tenant_id": str(tenant_id)})

    def beat(self) -> None:
        """Keep the lease: call it at least every half minute in a long step. Raises: OperationLost."""
        self._write()

    def _write(self, *, lease_seconds: float | None = None, **values: Any) -> None:
        seconds = self._lease_seconds if lease_seconds is None else lease_seconds
        values["lease_expires_at"] = timezone.now() + timedelta(seconds=seconds)
        held = Operation.objects.filter(pk=self.operation.pk, lease_token=self._token)
        if not held.update(**values, updated_at=Now()):
            raise OperationLost(f"The operation {self.operation.pk} is another process's now.")
        for name, value in values.items():
            setattr(self.operation, name, value)

    def end(self, state: Operation.State, error: str = "") -> None:
        """Close the operation and give the lease back; what lies sealed in its input is forgotten.

        Raises: OperationLost.
        """
        kept = {name: value for name, value in self.operation.input.items() if not name.startswith(SEALED)}
        self._write(
            lease_seconds=0, state=state, error=error, step="", input=kept, finished_at=timezone.now()
        )

    def begin(self, step: Step) -> None:
        """Note which step is on. Raises: OperationLost."""
        self._lease_seconds = step.lease_seconds
        self._write(step=step.name)

    def note_done(self, step: Step) -> None:
        """Note that a step is done. Raises: OperationLost."""
        self._write(steps_done=[*self.operation.steps_done, step.name], error="")

    def note_undone(self, step: Step) -> None:
        """Note that a step is undone. Raises: OperationLost."""
        self._write(steps_done=[name for name in self.operation.steps_done if name != step.name])

    def step_back(self, *names: str) -> None:
        """Have steps done once more by whoever goes on; the caller has undone them. Raises: OperationLost."""
        self._write(steps_done=[name for name in self.operation.steps_done if name not in names])

    def turn_back(self, error: str) -> None:
        """From now on steps are undone. Raises: OperationLost."""
        self._write(state=Operation.State.UNDOING, error=error)

    def let_go(self, error: str) -> None:
        """Leave the operation open for whoever takes it up next; the workers do, after a while that grows.

        Raises: OperationLost.
        """
        wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(self.operation.attempts, 20))
        self._write(lease_seconds=wait, lease_token=None, error=error)


_sagas: dict[str, tuple[Step, ...]] = {}


def register_saga(kind: str, *steps: Step) -> None:
    """Say which steps the operations of a kind have."""
    _sagas[kind] = steps


def steps_of(kind: str) -> tuple[Step, ...]:
    """The steps of the operations of a kind. Raises: KeyError for a kind nobody registered."""
    return _sagas[kind]


def start_operation(
    *, kind: str, tenant_id: UUID | None, tenant_slug: str, asked_by: str, values: Mapping[str, Any]
) -> Operation:
    """Write down that an operation is to be done; :func:`run_operation` does it.

    Raises: Conflict while the tenant has another one open.
    """
    try:
        with transaction.atomic(using="default"):
            return Operation.objects.create(
                kind=kind, tenant_id=tenant_id, tenant_slug=tenant_slug, asked_by=asked_by, input=dict(values)
            )
    except IntegrityError as error:
        raise Conflict(
            "Another operation on this company is not finished.", code="operations.one_at_a_time"
        ) from error


def tenant_called(slug: str) -> Tenant:
    """The company with this slug. Raises: NotFound."""
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise NotFound("There is no such company.", code="tenants.unknown")
    return tenant


def ask_for_run(operation: Operation) -> None:
    """Have the workers carry an operation out from now on; without a platform tenant it waits for its caller."""
    platform = Tenant.objects.filter(slug=PLATFORM_SLUG, state=Tenant.State.ACTIVE).first()
    if platform is None:
        log.warning("operation.nobody_runs_it", operation=str(operation.pk), kind=operation.kind)
        return
    with tenant_scope(platform.ref), atomic():
        enqueue(RUN_OPERATION, object_id=operation.pk, slot=f"operation:{operation.pk}", priority=50)


def run_operation(operation_id: UUID) -> Operation:
    """Do what is left of an operation and return how it stands now.

    A step that fails for a passing reason (a database or an outside service is away) leaves it open; one that refuses
    has everything undone. Somebody else's lease is respected: the operation is returned as it is.

    Raises: NotFound, OperationLost.
    """
    run = take(operation_id)
    if run is None:
        return get_operation(operation_id)
    _work_off(run)
    return run.operation


def carry_out(operation_id: UUID) -> Operation:
    """Do an operation for a caller who waits for it; returns it when it has succeeded.

    Raises: what stopped it (it is undone then, or left open for the workers where it will pass), NotFound,
    OperationLost, Conflict when somebody else is at it.
    """
    run = take(operation_id)
    if run is None:
        operation = get_operation(operation_id)
        if operation.state == Operation.State.SUCCEEDED:
            return operation
        raise Conflict("Somebody else is just doing this.", code="operations.under_way")
    failure = _work_off(run)
    if failure is not None:
        raise failure
    if run.operation.state != Operation.State.SUCCEEDED:
        raise Conflict(f"This was undone: {run.operation.error}", code="operations.undone")
    return run.operation


def wait_for(operation_id: UUID, *, seconds: float) -> Operation:
    """Look until the workers have done an operation; returns it.

    Raises: NotFound, Conflict (it was undone, or takes longer; the workers go on with it then).
    """
    until = time.monotonic() + seconds
    while (operation := get_operation(operation_id)).state in Operation.OPEN:
        if time.monotonic() > until:
            raise Conflict("This takes longer than usual and goes on.", code="operations.under_way")
        time.sleep(LOOK_SECONDS)
    if operation.state != Operation.State.SUCCEEDED:
        raise Conflict(f"This was undone: {operation.error}", code="operations.undone")
    return operation


def abandon(operation_id: UUID, *, reason: str) -> Operation:
    """Stop going on with an operation and undo what it did so far; one that holds it now goes on undisturbed.

    Raises: NotFound, OperationLost, Conflict when somebody works on it, it has ended or cannot be undone any more.
    """
    run = take(operation_id)
    if run is None:
        raise Conflict("This has ended, or somebody is just doing it.", code="operations.under_way")
    if cannot_be_undone(run.operation):
        run.let_go(run.operation.error)
        raise Conflict("This has gone too far to be undone; it is being finished.", code="operations.final")
    if run.operation.state == Operation.State.RUNNING:
        run.turn_back(redact_text(reason)[:LONGEST_ERROR])
    _work_off(run)
    return run.operation


def cannot_be_undone(operation: Operation) -> bool:
    """Whether a step has begun from which on there is only going on."""
    begun = {*operation.steps_done, operation.step}
    return any(step.is_final and step.name in begun for step in _sagas[operation.kind])


def _work_off(run: Run) -> Exception | None:
    """Do or undo what is left; returns what stopped it, if anything did."""
    operation, failure = run.operation, None
    with structlog.contextvars.bound_contextvars(operation=str(operation.pk), kind=operation.kind):
        if operation.state == Operation.State.RUNNING:
            failure = _go_on(run)
        if operation.state == Operation.State.UNDOING:
            _go_back(run)
    return failure


def take(operation_id: UUID) -> Run | None:
    """Take the lease of an open operation nobody works on; None when it is closed or held. Raises: NotFound."""
    token, now = uuid4(), timezone.now()
    free = Operation.objects.filter(
        Q(lease_token__isnull=True) | Q(lease_expires_at__lte=now),
        pk=operation_id,
        state__in=Operation.OPEN,
    )
    expires = now + timedelta(seconds=LEASE_SECONDS)
    if not free.update(
        lease_token=token, lease_expires_at=expires, attempts=F("attempts") + 1, updated_at=Now()
    ):
        get_operation(operation_id)
        return None
    return Run(get_operation(operation_id), token)


def get_operation(operation_id: UUID) -> Operation:
    """Find an operation. Raises: NotFound."""
    operation = Operation.objects.filter(pk=operation_id).first()
    if operation is None:
        raise NotFound("There is no such operation.", code="operations.unknown")
    return operation


def left_operations() -> list[UUID]:
    """Open operations that nobody works on: their process went away, or they have waited for something to come back."""
    open_ones = Operation.objects.filter(state__in=Operation.OPEN, kind__in=list(_sagas))
    free = open_ones.filter(Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=Now()))
    return list(free.order_by("created_at").values_list("pk", flat=True))


def _go_on(run: Run) -> Exception | None:
    for step in _sagas[run.operation.kind]:
        if step.name in run.operation.steps_done:
            continue
        run.begin(step)
        try:
            step.do(run)
        except OperationLost:
            raise
        except Exception as error:
            text = _words(error)
            if _passes(error) or cannot_be_undone(run.operation):
                log.warning("operation.waits", step=step.name, error=text, exc_info=not _passes(error))
                run.let_go(text)
            else:
                log.error("operation.refused", step=step.name, error=text, exc_info=_is_ours(error))
                run.turn_back(text)
            return error
        run.note_done(step)
        log.info("operation.step_done", step=step.name)
    run.end(Operation.State.SUCCEEDED)
    log.info("operation.succeeded")
    return None


def _go_back(run: Run) -> None:
    reason, steps = run.operation.error, _sagas[run.operation.kind]
    reached = run.operation.step
    names = [step.name for step in steps]
    begun = set(run.operation.steps_done) | ({reached} if reached in names else set())
    for step in reversed(steps):
        if step.name not in begun:
            continue
        run.begin(step)
        try:
            if step.undo is not None:
                step.undo(run)
        except OperationLost:
            raise
        except Exception as error:
            log.error("operation.undo_failed", step=step.name, exc_info=error)
            run.let_go(f"{reason} (Undoing {step.name}: {_words(error)})"[:LONGEST_ERROR])
            return
        run.note_undone(step)
    run.end(Operation.State.UNDONE, reason)
    log.info("operation.undone", reason=reason)


def _passes(error: Exception) -> bool:
    """Whether the same step may well succeed later."""
    if isinstance(error, ExternalServiceError):
        return error.is_transient
    kinds = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
    return isinstance(error, (*kinds, ConnectionError, TimeoutError))


def _is_ours(error: Exception) -> bool:
    return not isinstance(error, DomainError) or isinstance(error, DatabaseError)


def _words(error: Exception) -> str:
    text = error.message if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
    return redact_text(text)[:LONGEST_ERROR]
