"""How calls to an outside service go wrong, and who is told about each call."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tenants.foundation.errors import ExternalServiceError


class ProblemKind(StrEnum):
    """What went wrong at the outside service, in words the engine can act on."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CURSOR = "invalid_cursor"
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    BLOCKED = "blocked"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    MALFORMED_ANSWER = "malformed_answer"
    UNREADABLE = "unreadable"
    #: The service's plan holds no more: nothing new can be made until somebody makes room.
    STORAGE_FULL = "storage_full"


class LimitScope(StrEnum):
    """Who shares the budget a refusal speaks of."""

    CONNECTION = "connection"
    WORKSPACE = "workspace"
    ENDPOINT = "endpoint"


_TRANSIENT = frozenset(
    {
        ProblemKind.CONFLICT,
        ProblemKind.RATE_LIMITED,
        ProblemKind.OVERLOADED,
        ProblemKind.SERVER_ERROR,
        ProblemKind.UNAVAILABLE,
        ProblemKind.TIMEOUT,
        ProblemKind.UNREACHABLE,
        ProblemKind.MALFORMED_ANSWER,
    }
)

_UNCLEAR = frozenset(
    {
        ProblemKind.SERVER_ERROR,
        ProblemKind.UNAVAILABLE,
        ProblemKind.TIMEOUT,
        ProblemKind.UNREACHABLE,
        ProblemKind.MALFORMED_ANSWER,
        ProblemKind.UNREADABLE,
    }
)


class SourceError(ExternalServiceError):
    """A call to the outside service that failed; `str()` is a sentence for a person, without secrets.

    For writes: `is_unsent` when nothing left the house, `is_committed` when the service said that it was carried
    out all the same (`committed_id` names a record it made, `committed_child_ids` the parts it added, in order).
    `is_over` when it said itself that it failed: whatever became of it, nothing of it is under way any more.
    """

    def __init__(
        self,
        message: str,
        *,
        service: str,
        kind: ProblemKind,
        status: int | None = None,
        request_id: str = "",
        retry_after_seconds: float | None = None,
        limit_scope: LimitScope | None = None,
        committed_id: str = "",
        committed_child_ids: tuple[str, ...] = (),
        is_committed: bool = False,
        is_unsent: bool = False,
        is_over: bool = False,
        detail: str = "",
    ) -> None:
        super().__init__(
            message,
            service=service,
            is_transient=kind in _TRANSIENT,
            reason=kind.value,
            code=f"{service}.{kind.value}",
            retry_after_seconds=retry_after_seconds,
        )
        self.kind = kind
        self.status = status
        self.request_id = request_id
        self.limit_scope = limit_scope
        self.committed_id = committed_id
        self.committed_child_ids = committed_child_ids
        self.is_committed = is_committed or bool(committed_id)
        self.is_unsent = is_unsent
        self.is_over = is_over
        self.detail = detail

    @property
    def is_ambiguous(self) -> bool:
        """Of a write: nobody knows whether it was carried out, so it is looked up before it is repeated."""
        return not self.is_unsent and not self.is_committed and self.kind in _UNCLEAR


@dataclass(frozen=True, slots=True)
class SourceCall:
    """One call to the outside service, for the limiter, the ledger and the logs.

    `is_safe_to_repeat` says what the call means, not its HTTP verb: a query is a POST that changes nothing.
    """

    operation: str
    method: str
    path: str
    is_safe_to_repeat: bool


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """How a call ended: `status` is None when no answer came."""

    status: int | None
    duration_seconds: float
    request_id: str = ""
    error: SourceError | None = None


class CallObserver(Protocol):
    """Told before and after each call; raising in `before` prevents the call."""

    def before(self, call: SourceCall) -> None: ...

    def after(self, call: SourceCall, outcome: CallOutcome) -> None: ...
