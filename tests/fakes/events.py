"""What was published in the test's company, read from its outbox."""

from collections.abc import Iterator

from tenants.outbox.bus import DomainEvent, event_class, restore
from tenants.outbox.models import OutboxEvent
from tenants.tenancy import TenantRef, atomic, tenant_scope


class PublishedEvents:
    """A live view, oldest first, since the last ``forget()``; what was rolled back is not in it."""

    def __init__(self, tenant: TenantRef) -> None:
        self._tenant = tenant
        self._seen: frozenset[object] = frozenset()

    def __iter__(self) -> Iterator[DomainEvent]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    @property
    def names(self) -> list[str]:
        """The events' names."""
        return [event.name for event in self._read()]

    def of[E: DomainEvent](self, kind: type[E]) -> list[E]:
        """The events of one class."""
        return [event for event in self._read() if isinstance(event, kind)]

    def forget(self) -> None:
        """From now on only what is published later."""
        self._seen = frozenset(event.event_id for event in self)

    def _read(self) -> list[DomainEvent]:
        with tenant_scope(self._tenant), atomic():
            rows = [row for row in OutboxEvent.objects.order_by("id") if row.pk not in self._seen]
        events = []
        for row in rows:
            known = event_class(row.name)
            assert known is not None, f"an event called {row.name} was stored, but there is no class for it"
            events.append(
                restore(
                    known, row.payload, event_id=row.pk, actor_id=row.actor_id, occurred_at=row.occurred_at,
                    tenant_id=self._tenant.id,
                )
            )  # fmt: skip
        return events
