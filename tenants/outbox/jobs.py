"""The relay as a job: asked for by every transaction that publishes, one run serves all that wait."""

from django.utils import timezone

from tenants.dispatch import Retry, Work, enqueue, tenant_job
from tenants.outbox.bus import RELAY
from tenants.outbox.relay import prune, relay
from tenants.tenancy import atomic


@tenant_job(
    RELAY, coalesce=True, max_attempts=20, lease_seconds=60, backoff_seconds=1, backoff_most_seconds=60
)
def relay_events(work: Work) -> None:
    """Deliver what waits; a failing subscriber gets a run of its own at its next time."""
    waits = relay(between=work.heartbeat)
    own = waits.pop(work.slot.removeprefix("retry:"), None) if work.slot else None
    with atomic():
        for subscriber, retry_at in waits.items():
            enqueue(RELAY, slot=f"retry:{subscriber}", due_at=retry_at, priority=10)
    prune()
    if own is not None:
        raise Retry(f"{work.slot} waits", after_seconds=(own - timezone.now()).total_seconds())
