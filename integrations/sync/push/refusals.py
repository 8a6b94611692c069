"""What is told about a push that was refused, by whom and why, and how a person mends it."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.capabilities import ProblemKind, RemoteField, SourceError, ValueProblem
from integrations.sync.problems import problem_kind

#: What a push can be set aside for; `integrations/sync/problems.py` says how each is mended.
VALUE, REFUSED, FORBIDDEN, STORAGE, IGNORED, LOST, GAVE_UP, UNWRITABLE = (
    "push_value", "push_refused", "push_forbidden", "push_storage_full", "push_ignored",
    "push_collection_lost", "push_gave_up", "push_unwritable",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a push, or one field of it, does not leave the house or did not arrive."""

    code: str
    message: str
    field_name: str = ""

    def __add__(self, other: "Refusal") -> "Refusal":
        """Both in one: the first code, all sentences."""
        names = ", ".join(dict.fromkeys(name for name in (self.field_name, other.field_name) if name))
        return Refusal(self.code, f"{self.message} {other.message}", names[:200])


def hint_of(code: str) -> str:
    """How a person mends a refusal of this code."""
    return problem_kind(code).hint


def of_problem(problem: ValueProblem) -> Refusal:
    """A value our own check found to be more than the service takes."""
    return Refusal(VALUE, problem.detail, problem.field_name[:200])


def of_error(error: SourceError, columns: Mapping[str, RemoteField]) -> Refusal:
    """A refusal of the service; the column it speaks of is looked for in its message."""
    detail = f"{error} {error.detail}".strip()
    match error.kind:
        case ProblemKind.STORAGE_FULL:
            return Refusal(STORAGE, str(error))
        case ProblemKind.FORBIDDEN:
            return Refusal(FORBIDDEN, str(error))
        case ProblemKind.NOT_FOUND:
            return Refusal(LOST, str(error))
        case _:
            return Refusal(REFUSED, detail[:1000], column_named_in(error.detail, columns))


def column_named_in(message: str, columns: Mapping[str, RemoteField]) -> str:
    """The name of the column a message speaks of; empty when it names none."""
    named = [column for column in columns.values() if column.id in message or column.name in message]
    # “Due” is part of “Due date”: the longest name is the one that is meant.
    return max((column.name for column in named), key=len, default="")[:200]
