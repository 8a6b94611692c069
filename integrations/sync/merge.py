"""The three-way merge of one field: what both agreed on, what is here, what is there; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from integrations.sync.canonical import SETS, Canonical, is_empty
from integrations.sync.vocabulary import OurField

#: Services cut their edit times to the minute: within it nobody can say who came last.
UNDECIDABLE: Final = timedelta(minutes=1)
#: What hangs on another field and follows it, so that the two are never in conflict of their own.
FOLLOWERS: Final = frozenset({OurField.COMPLETED})


class Unknown(StrEnum):
    """The type of `UNKNOWN`: nobody knows what both sides agreed on, because they never did."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


class Policy(StrEnum):
    """Who wins when both sides changed a field."""

    NEWEST = "newest"
    REMOTE = "remote"
    LOCAL = "local"
    MANUAL = "manual"


class Direction(StrEnum):
    """Which way the values of a field go."""

    BOTH = "both"
    IN = "in"
    OUT = "out"


class Outcome(StrEnum):
    """What becomes of a field."""

    AGREED = "agreed"
    TAKE = "take"
    KEEP = "keep"
    MERGE = "merge"
    WAIT = "wait"


class Winner(StrEnum):
    """Whose value a conflict got; nobody's while it waits."""

    REMOTE = "remote"
    LOCAL = "local"
    NOBODY = ""


@dataclass(frozen=True, slots=True)
class Sides:
    """One field as both agreed on it, as it is here and as it is there, and when each side changed it last."""

    our_field: OurField
    base: Canonical | Unknown
    local: Canonical
    remote: Canonical
    local_changed_at: datetime | None = None
    remote_changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """What becomes of one field: its value here, what both sides know of from now on, and whether it is a conflict.

    `base` is `UNKNOWN` where nothing was agreed on (it waits). `reason` is a sentence for a person, where there is a
    conflict. The field has to be sent when `value` is not `base`.
    """

    outcome: Outcome
    value: Canonical
    base: Canonical | Unknown
    winner: Winner = Winner.NOBODY
    reason: str = ""

    @property
    def is_conflict(self) -> bool:
        return bool(self.reason)


def merge_field(sides: Sides, *, policy: Policy, direction: Direction = Direction.BOTH) -> Merged:
    """Decide about one field. What one side changed is taken; sets are united; what is left is the policy's.

    Nothing that was edited is lost silently: where a value gives way to another, `reason` says so.
    """
    if sides.local == sides.remote:
        return Merged(Outcome.AGREED, sides.local, sides.remote)
    match direction:
        case Direction.OUT:
            return _only_out(sides)
        case Direction.IN:
            return _only_in(sides)
    if sides.base is UNKNOWN:
        return _without_base(sides)
    if sides.remote == sides.base:
        return Merged(Outcome.KEEP, sides.local, sides.remote)
    if sides.local == sides.base:
        return Merged(Outcome.TAKE, sides.remote, sides.remote)
    if sides.our_field in SETS:
        return _united(sides)
    if sides.our_field in FOLLOWERS:
        return Merged(Outcome.TAKE, sides.remote, sides.remote)
    return _by_policy(sides, policy)


def merge_default(sides: Sides) -> Merged:
    """Decide about a value no record carries but the mapping gives: it counts until somebody here says otherwise."""
    if sides.local == sides.remote:
        return Merged(Outcome.AGREED, sides.local, sides.remote)
    is_edited_here = sides.base is not UNKNOWN and sides.local != sides.base
    if is_edited_here:
        return Merged(Outcome.KEEP, sides.local, sides.remote)
    return Merged(Outcome.TAKE, sides.remote, sides.remote)


def merge_sets(base: list[str], local: list[str], remote: list[str]) -> list[str]:
    """What both had and nobody took away, and what anybody added; sorted."""
    before, here, there = set(base), set(local), set(remote)
    return sorted((before & here & there) | (here - before) | (there - before))


def _without_base(sides: Sides) -> Merged:
    """Nobody knows who changed it: the other side's value counts, but emptiness there does not wipe ours."""
    if is_empty(sides.remote) and not is_empty(sides.local):
        return Merged(Outcome.KEEP, sides.local, sides.remote)
    return Merged(Outcome.TAKE, sides.remote, sides.remote)


def _only_out(sides: Sides) -> Merged:
    """Never take; an edit there is overwritten, and told."""
    if sides.base is UNKNOWN and is_empty(sides.local):
        # Nothing was ever entered here: that is no reason to wipe what is there.
        return Merged(Outcome.KEEP, sides.local, sides.local)
    is_edited_there = (
        sides.base is not UNKNOWN and sides.remote != sides.base and sides.our_field not in FOLLOWERS
    )
    reason = "It was changed there, but this field goes from here only." if is_edited_there else ""
    return Merged(Outcome.KEEP, sides.local, sides.remote, Winner.LOCAL if reason else Winner.NOBODY, reason)


def _only_in(sides: Sides) -> Merged:
    """Take whatever is new there; an edit here gives way, and that is told."""
    if sides.remote == sides.base:
        return Merged(Outcome.KEEP, sides.local, sides.remote)
    is_edited_here = (
        sides.base is not UNKNOWN and sides.local != sides.base and sides.our_field not in FOLLOWERS
    )
    reason = "It was changed here too, but this field comes from there only." if is_edited_here else ""
    winner = Winner.REMOTE if reason else Winner.NOBODY
    return Merged(Outcome.TAKE, sides.remote, sides.remote, winner, reason)


def _united(sides: Sides) -> Merged:
    value = merge_sets(_items(sides.base), _items(sides.local), _items(sides.remote))
    if value == sides.remote:
        return Merged(Outcome.TAKE, sides.remote, sides.remote)
    if value == sides.local:
        return Merged(Outcome.KEEP, sides.local, sides.remote)
    return Merged(Outcome.MERGE, list(value), sides.remote)


def _items(value: Canonical | Unknown) -> list[str]:
    return value if isinstance(value, list) else []


def _by_policy(sides: Sides, policy: Policy) -> Merged:
    match policy:
        case Policy.MANUAL:
            reason = "Both sides changed it, and this field waits for somebody to decide."
            return Merged(Outcome.WAIT, sides.local, sides.base, Winner.NOBODY, reason)
        case Policy.REMOTE:
            return _remote_wins(sides, "Both sides changed it; the workspace wins.")
        case Policy.LOCAL:
            return _local_wins(sides, "Both sides changed it; this side wins.")
        case Policy.NEWEST:
            return _newest(sides)


def _newest(sides: Sides) -> Merged:
    here, there = sides.local_changed_at, sides.remote_changed_at
    if here is None or there is None:
        return _remote_wins(
            sides, "Both sides changed it, and nobody knows when it was changed here; the workspace wins."
        )
    if here >= there + UNDECIDABLE:
        return _local_wins(sides, "Both sides changed it; here it was changed last.")
    if here < there:
        return _remote_wins(sides, "Both sides changed it; there it was changed last.")
    return _remote_wins(
        sides,
        "Both sides changed it within the same minute, so nobody can say who came last; the workspace wins.",
    )


def _remote_wins(sides: Sides, reason: str) -> Merged:
    return Merged(Outcome.TAKE, sides.remote, sides.remote, Winner.REMOTE, reason)


def _local_wins(sides: Sides, reason: str) -> Merged:
    return Merged(Outcome.KEEP, sides.local, sides.remote, Winner.LOCAL, reason)
