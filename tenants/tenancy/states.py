"""Which of a tenant's doors are open in which state: one table, asked by every door and by every job."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tenants.foundation.errors import Conflict


@dataclass(frozen=True, slots=True)
class Doors:
    """``reads``: pages and API may be read. ``writes``: they may change something. ``works``: its jobs are run.

    ``signs_in``: people may sign in and out. ``seconds``: when to look again whether a closed door has opened,
    for jobs and for programs (``Retry-After``).
    """

    reads: bool
    writes: bool
    works: bool
    signs_in: bool
    seconds: int


OPEN = Doors(reads=True, writes=True, works=True, signs_in=True, seconds=0)
CLOSED = Doors(reads=False, writes=False, works=False, signs_in=False, seconds=300)
DOORS: Final[dict[str, Doors]] = {
    # It opens at any moment: what is asked for until then waits for it.
    "provisioning": Doors(reads=False, writes=False, works=False, signs_in=False, seconds=2),
    "active": OPEN,
    "suspended": CLOSED,
    "read_only": Doors(reads=True, writes=False, works=False, signs_in=True, seconds=300),
    # An export reads one snapshot: work may go on beside it.
    "exporting": OPEN,
    # Only the last seconds of a move are "moving", and nothing may be written in them: not even a session.
    "moving": Doors(reads=True, writes=False, works=False, signs_in=False, seconds=2),
    "pending_deletion": CLOSED,
    "deleted": CLOSED,
}


def doors_of(state: str) -> Doors:
    """The doors of a tenant in ``state``; an unknown state has none open."""
    return DOORS.get(state, CLOSED)


def require_open(slug: str, state: str, *, force: bool = False) -> None:
    """For shell commands that change something of one company: stop before one that is closed, unless forced.

    Raises: Conflict.
    """
    if not doors_of(state).writes and not force:
        raise Conflict(
            f"The company {slug} is {state.replace('_', ' ')}; give --force to go on all the same.",
            code="tenants.closed",
        )


def stays_open[V: Callable[..., Any]](view: V, *states: str) -> V:
    """Mark a view that answers in these states too, whatever its method.

    Where the doors are closed to readers it is asked by strangers only: cookies of a session and tokens are not looked
    at.
    """
    view.open_states = frozenset(states)  # type: ignore[attr-defined]
    return view


def writes_when_read[V: Callable[..., Any]](view: V) -> V:
    """Mark a view that must write though a browser is led to it with GET: signing in begins and ends like that.

    While nobody may sign in it is as closed as what is posted.
    """
    view.writes_when_read = True  # type: ignore[attr-defined]
    return view


def does_write_when_read(view: Callable[..., Any]) -> bool:
    """Whether a view was marked to write whatever its method."""
    return bool(getattr(view, "writes_when_read", False))


def is_kept_open(view: Callable[..., Any], state: str) -> bool:
    """Whether a view was marked to answer in this state."""
    return state in getattr(view, "open_states", ())
