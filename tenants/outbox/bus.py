"""Domain events: published in the transaction of the change they tell of, delivered afterwards."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, ClassVar
from uuid import UUID

from django.db import connections, transaction
from django.utils.module_loading import autodiscover_modules

from tenants.dispatch import enqueue
from tenants.foundation.ids import uuid7
from tenants.outbox.encoding import decode, encode, field_types
from tenants.outbox.models import OutboxEvent
from tenants.tenancy import NoTransaction, current_tenant, in_transaction

RELAY = "outbox.relay"
HEADER = frozenset({"event_id", "tenant_id", "actor_id", "occurred_at"})

_actor_id: ContextVar[UUID | None] = ContextVar("outbox_actor_id", default=None)
_event_classes: dict[str, type["DomainEvent"]] = {}


@contextmanager
def bound_actor(actor_id: UUID | None) -> Iterator[None]:
    """Events made in this block say that ``actor_id`` (a user's id; None for the system) caused them."""
    token = _actor_id.set(actor_id)
    try:
        yield
    finally:
        _actor_id.reset(token)


def current_actor_id() -> UUID | None:
    """The id of whoever acts in the enclosing ``bound_actor`` block, None for nobody in particular."""
    return _actor_id.get()


def bind_actor(actor_id: UUID | None) -> None:
    """Say who acts for the rest of the enclosing ``bound_actor`` block, when it is found out only inside it."""
    _actor_id.set(actor_id)


@dataclass(frozen=True, kw_only=True)
class DomainEvent:
    """A fact in the past tense, with ids in it. Subclasses are frozen dataclasses named ``noun.verbed``.

    Tenant, actor, id and time fill themselves in.
    """

    name: ClassVar[str] = ""

    event_id: UUID = field(default_factory=uuid7)
    tenant_id: UUID = field(default_factory=lambda: current_tenant().id)
    actor_id: UUID | None = field(default_factory=_actor_id.get)
    occurred_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in vars(cls):
            return
        known = _event_classes.get(cls.name)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"Two events are called “{cls.name}”.")
        _event_classes[cls.name] = cls

    def payload(self) -> dict[str, Any]:
        """The event's own fields as JSON values."""
        return {name: encode(getattr(self, name)) for name in field_types(type(self)) if name not in HEADER}


def event_class(name: str) -> type[DomainEvent] | None:
    """The class of the events called ``name``, if this release knows them."""
    return _event_classes.get(name)


def restore(
    event_type: type[DomainEvent],
    payload: Mapping[str, Any],
    *,
    event_id: UUID,
    actor_id: UUID | None,
    occurred_at: datetime,
    tenant_id: UUID,
) -> DomainEvent:
    """An event from its stored form; fields a later release removed are left out, new ones need defaults.

    Raises: TypeError when a field without a default is missing.
    """
    known = field_types(event_type)
    values = {name: decode(known[name], value) for name, value in payload.items() if name in known}
    return event_type(
        **values, event_id=event_id, tenant_id=tenant_id, actor_id=actor_id, occurred_at=occurred_at
    )


class _RelayAsked:
    """A commit hook that does nothing: its presence says that this transaction asks for a relay run."""

    def __call__(self) -> None:
        return None


_relay_asked = _RelayAsked()


def publish(*events: DomainEvent) -> None:
    """Announce facts: stored with the open transaction, delivered after its commit, never without it.

    Raises: NoTransaction outside one, ValueError for an event of another tenant or without a name.
    """
    tenant = current_tenant()
    if not in_transaction():
        raise NoTransaction(
            "An event is published inside the transaction of its change: use tenants.tenancy.atomic."
        )
    for event in events:
        if event.tenant_id != tenant.id:
            raise ValueError("An event is published in the scope of its own tenant.")
        if _event_classes.get(event.name) is not type(event):
            raise ValueError(f"{type(event).__name__} needs a name of its own.")
    OutboxEvent.objects.bulk_create(
        [
            OutboxEvent(
                id=event.event_id, name=event.name, payload=event.payload(), actor_id=event.actor_id,
                occurred_at=event.occurred_at,
            )
            for event in events
        ]
    )  # fmt: skip
    if not any(entry[1] is _relay_asked for entry in connections[tenant.cell].run_on_commit):
        # No slot: its unique index would make this company's writers wait for one another.
        enqueue(RELAY, priority=10)
        transaction.on_commit(_relay_asked, using=tenant.cell)


def forget_relay_request(cell: str) -> None:
    """Let the open transaction ask for a relay run once more (for tests, whose transaction outlives runs)."""
    connection = connections[cell]
    connection.run_on_commit = [entry for entry in connection.run_on_commit if entry[1] is not _relay_asked]


type Reaction[E: DomainEvent] = Callable[[E], None]
type BatchReaction[E: DomainEvent] = Callable[[Sequence[E]], None]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscriber's stable name (its place in the database), what it listens to, and its function.

    ``takes_batches``: the function gets a list of events, oldest first, instead of one.
    """

    name: str
    event_name: str
    reaction: Any
    takes_batches: bool = False


_subscriptions: dict[str, Subscription] = {}
_load_subscribers = cache(partial(autodiscover_modules, "subscribers"))


def subscribe[E: DomainEvent](
    event_type: type[E], *, name: str | None = None
) -> Callable[[Reaction[E]], Reaction[E]]:
    """Register a function of a ``subscribers.py``; it gets each event in order and at least once.

    It runs in the tenant's scope, inside a transaction that also marks the delivery: what it does in the
    database happens exactly once. It does no HTTP; it usually enqueues a job. ``name`` is stored: keep it
    when the function moves (it is ``package.function`` when not given).
    """

    def register(reaction: Reaction[E]) -> Reaction[E]:
        _register(event_type, name, reaction, takes_batches=False)
        return reaction

    return register


def subscribe_in_batches[E: DomainEvent](
    event_type: type[E], *, name: str | None = None
) -> Callable[[BatchReaction[E]], BatchReaction[E]]:
    """Register a function that gets up to ``DELIVERIES_AT_ONCE`` events in one call, oldest first.

    For whoever locks rows: a transaction that reacts to fifty events one after the other locks in the order of the
    events, and waits for people (and they for it) in a circle; one call can lock them all in one order. When the call
    fails, its events are delivered one by one, each in a transaction of its own: one bad event holds up no other.
    """

    def register(reaction: BatchReaction[E]) -> BatchReaction[E]:
        _register(event_type, name, reaction, takes_batches=True)
        return reaction

    return register


def _register(event_type: type[DomainEvent], name: str | None, reaction: Any, *, takes_batches: bool) -> None:
    package = reaction.__module__.removesuffix(".subscribers")
    subscription = Subscription(
        name or f"{package}.{reaction.__name__}", event_type.name, reaction, takes_batches
    )
    known = _subscriptions.get(subscription.name)
    if known is not None and _place(known.reaction) != _place(reaction):
        raise ValueError(f"Two subscribers are called “{subscription.name}”.")
    _subscriptions[subscription.name] = subscription


def unsubscribe(name: str) -> None:
    """Forget a subscriber (for tests that register their own)."""
    _subscriptions.pop(name, None)


def subscriptions() -> list[Subscription]:
    """Every subscriber of every installed app, in a stable order."""
    _load_subscribers()
    return sorted(_subscriptions.values(), key=lambda subscription: subscription.name)


def _place(reaction: Any) -> tuple[str, str]:
    return reaction.__module__, reaction.__qualname__
