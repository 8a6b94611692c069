"""What an attack is: its statements, the way they are sent, and what the database must do about them alone."""

from dataclasses import dataclass
from enum import StrEnum


class Alone(StrEnum):
    """What the database does by itself, when nobody has read the statement before it."""

    # It has to refuse; if it does not, one of the two walls is down.
    REFUSES = "refuses"
    # It may answer, for the answer tells nothing of others.
    SHOWS_NOTHING = "shows nothing"
    # PostgreSQL has no right that could be taken away: only the reading of statements holds.
    CANNOT = "cannot refuse"


class Way(StrEnum):
    """The entrance of the cursor that is tried."""

    EXECUTE = "execute"
    EXECUTEMANY = "executemany"
    COPY = "copy"
    STREAM = "stream"
    SERVER_SIDE = "server-side cursor"
    CALL = "callproc"


@dataclass(frozen=True, slots=True)
class Probe:
    """One attack of the tenant ``mine`` on the tenant ``other``.

    In the statements ``{other}``, ``{other_role}``, ``{mine}``, ``{my_role}``, ``{login}``, ``{owner}``,
    ``{database}``, ``{directory}`` (the control plane's database), ``{victim}`` (a process id), ``{large_object}``,
    ``{sequence}``, ``{schema_oid}``, ``{role_oid}``, ``{other_id}``, ``{my_id}`` and ``{work_item}`` are replaced;
    nothing else in braces is. ``parameters`` go to the first of them; the others are what the application sends next.
    ``is_answered``: our own cursor may carry it out too, because it shows and changes nothing.
    """

    name: str
    statements: tuple[str, ...]
    alone: Alone = Alone.REFUSES
    way: Way = Way.EXECUTE
    parameters: tuple[str, ...] = ()
    is_answered: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """Attacks of one kind."""

    name: str
    probes: tuple[Probe, ...]


def of(statement: str, *more: str) -> tuple[str, ...]:
    """Statements, for tables of probes that are easy on the eye."""
    return (statement, *more)
