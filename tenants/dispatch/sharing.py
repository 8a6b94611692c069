"""Who is served next: start-time fair queueing over tenants, as arithmetic without a database.

A tenant's virtual time is the finish tag of what it was last handed: each job costs 1 / weight. A tenant that
was idle joins at the clock (the start tag of the latest hand-out), so it neither saves up turns nor has to
catch up.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tenant with due work; ``places`` is how many of its jobs may be handed out now."""

    tenant_id: UUID
    virtual_time: float
    weight: float
    places: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Whose job is handed out at each turn, and the times to be remembered."""

    turns: tuple[UUID, ...]
    virtual_times: dict[UUID, float]
    clock: float


def share_out(candidates: Iterable[Candidate], *, places: int, clock: float) -> Plan:
    """Give ``places`` turns, each to the tenant with the smallest start tag."""
    waiting = [
        (max(candidate.virtual_time, clock), candidate.tenant_id, candidate.weight, candidate.places)
        for candidate in candidates
        if candidate.places > 0 and candidate.weight > 0
    ]
    heapq.heapify(waiting)
    turns: list[UUID] = []
    times: dict[UUID, float] = {}
    while waiting and len(turns) < places:
        start, tenant_id, weight, left = waiting[0]
        turns.append(tenant_id)
        clock = start
        times[tenant_id] = start + 1.0 / weight
        if left > 1:
            heapq.heapreplace(waiting, (times[tenant_id], tenant_id, weight, left - 1))
        else:
            heapq.heappop(waiting)
    return Plan(tuple(turns), times, clock)
