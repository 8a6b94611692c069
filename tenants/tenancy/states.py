"""Which of a tenant's doors are open in which state: one table, asked by every door and by every job."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Doors:
    """``reads``: pages and API may be read. ``writes``: they may change something. ``works``: its jobs are run."""

    reads: bool
    writes: bool
    works: bool


OPEN, CLOSED = Doors(reads=True, writes=True, works=True), Doors(reads=False, writes=False, works=False)
READING = Doors(reads=True, writes=False, works=False)
DOORS: Final[dict[str, Doors]] = {
    "provisioning": CLOSED,
    "active": OPEN,
    "suspended": CLOSED,
    "read_only": READING,
    # An export reads one snapshot: work may go on beside it.
    "exporting": OPEN,
    # Only the last seconds of a move are "moving"; until then the company is active.
    "moving": READING,
    "pending_deletion": CLOSED,
    "deleted": CLOSED,
}


def doors_of(state: str) -> Doors:
    """The doors of a tenant in ``state``; an unknown state has none open."""
    return DOORS.get(state, CLOSED)
