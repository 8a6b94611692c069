"""What each of Notion's refusals means, and the sentence a person reads about it."""

import math
import re
from collections.abc import Mapping
from typing import Any

from integrations.capabilities import LimitScope, ProblemKind, SourceError
from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.http import FailureReason, OutboundResponse

SERVICE = "notion"
_LONGEST_WAIT_SECONDS = 3600.0

_LIMIT_SCOPES: Mapping[str, LimitScope] = {
    "public_api_request_rate_limit": LimitScope.CONNECTION,
    "public_api_space_request_rate_limit": LimitScope.WORKSPACE,
    "public_api_endpoint_rate_limit": LimitScope.ENDPOINT,
}
_BLOCKED = "public_api_request_blocked"

_SENTENCES: Mapping[ProblemKind, str] = {
    ProblemKind.INVALID_REQUEST: "Notion did not understand our question.",
    ProblemKind.INVALID_CURSOR: "Notion no longer knows the place where we stopped reading.",
    ProblemKind.UNAUTHORISED: (
        "Notion does not accept this token: it is wrong, or it was revoked. "
        "Connect the workspace with a new token."
    ),
    ProblemKind.FORBIDDEN: (
        "Notion does not let this integration do that. "
        "Give it the capabilities to read content and user information."
    ),
    ProblemKind.NOT_FOUND: "This is not in Notion any more, or it is no longer shared with the integration.",
    ProblemKind.CONFLICT: "Somebody changed the same thing in Notion at the same moment.",
    ProblemKind.RATE_LIMITED: "Notion asks us to slow down.",
    ProblemKind.BLOCKED: (
        "Notion has blocked this integration. "
        "Ask Notion's support to lift the block, then resume the connection."
    ),
    ProblemKind.OVERLOADED: "Notion is overloaded at the moment.",
    ProblemKind.SERVER_ERROR: "Notion had an internal error.",
    ProblemKind.UNAVAILABLE: "Notion is not available at the moment.",
    ProblemKind.TIMEOUT: "Notion did not answer in time.",
    ProblemKind.UNREACHABLE: "Notion cannot be reached.",
    ProblemKind.MALFORMED_ANSWER: "Notion sent an answer we cannot read.",
    ProblemKind.UNREADABLE: "Notion describes this in a way we do not understand.",
    ProblemKind.STORAGE_FULL: (
        "The Notion workspace has used up the blocks of its free plan. "
        "Remove content or upgrade the plan in Notion."
    ),
}
#: The request did not leave the house, so it may be made again whatever it would have changed.
_UNSENT = frozenset(
    {
        FailureReason.CONNECT,
        FailureReason.DNS,
        FailureReason.TLS,
        FailureReason.REFUSED_ADDRESS,
        FailureReason.BAD_URL,
    }
)
#: Who waited gave up, not who worked: behind these a request may still be carried out.
_STILL_WORKING = frozenset({"gateway_timeout", "service_unavailable"})
_SAVED = re.compile(r"\bnot\s+(?:repeat|retry)\b", re.IGNORECASE)

_BY_STATUS: Mapping[int, ProblemKind] = {
    400: ProblemKind.INVALID_REQUEST,
    401: ProblemKind.UNAUTHORISED,
    403: ProblemKind.FORBIDDEN,
    404: ProblemKind.NOT_FOUND,
    408: ProblemKind.TIMEOUT,
    409: ProblemKind.CONFLICT,
    429: ProblemKind.RATE_LIMITED,
    500: ProblemKind.SERVER_ERROR,
    502: ProblemKind.UNAVAILABLE,
    503: ProblemKind.UNAVAILABLE,
    504: ProblemKind.TIMEOUT,
    529: ProblemKind.OVERLOADED,
}

_BY_FAILURE: Mapping[str, ProblemKind] = {
    FailureReason.TIMEOUT: ProblemKind.TIMEOUT,
    FailureReason.CONNECT: ProblemKind.UNREACHABLE,
    FailureReason.DNS: ProblemKind.UNREACHABLE,
    FailureReason.RESET: ProblemKind.UNREACHABLE,
    FailureReason.INCOMPLETE: ProblemKind.MALFORMED_ANSWER,
    FailureReason.MALFORMED: ProblemKind.MALFORMED_ANSWER,
    FailureReason.TOO_LARGE: ProblemKind.INVALID_REQUEST,
    FailureReason.TLS: ProblemKind.UNREACHABLE,
    FailureReason.REFUSED_ADDRESS: ProblemKind.INVALID_REQUEST,
    FailureReason.BAD_URL: ProblemKind.INVALID_REQUEST,
}


def sentence(kind: ProblemKind) -> str:
    """Return what a person reads when a call went wrong in this way."""
    return _SENTENCES[kind]


def error_from_answer(response: OutboundResponse) -> SourceError:
    """Understand an answer that is not a success, whatever its body holds (Notion's JSON, HTML, nothing)."""
    body = _body(response)
    extra = body.get("additional_data")
    extra = extra if isinstance(extra, Mapping) else {}
    code, detail = str(body.get("code") or ""), str(body.get("message") or "")
    reason = str(extra.get("rate_limit_reason") or "")
    kind = _kind(response.status, detail=detail, reason=reason)
    if kind is ProblemKind.FORBIDDEN and "block_limit" in extra:
        kind = ProblemKind.STORAGE_FULL
    is_limit = kind in {ProblemKind.RATE_LIMITED, ProblemKind.OVERLOADED}
    return SourceError(
        _SENTENCES[kind],
        service=SERVICE,
        kind=kind,
        status=response.status,
        request_id=str(body.get("request_id") or response.header("x-request-id")),
        retry_after_seconds=_seconds(response.header("retry-after")) or _seconds(extra.get("retry_after")),
        limit_scope=_LIMIT_SCOPES.get(reason, LimitScope.CONNECTION) if is_limit else None,
        committed_id=str(extra.get("committed_resource_id") or ""),
        committed_child_ids=_texts(extra.get("committed_child_ids")),
        # "Do not repeat the write": Notion has saved it, and failed afterwards.
        is_committed=bool(_SAVED.search(str(extra.get("retry_guidance") or ""))),
        is_over=_is_over(response.status, body, code),
        detail=": ".join(part for part in (code, detail[:500]) if part),
    )


def error_from_failure(failure: ExternalServiceError) -> SourceError:
    """Understand a call that got no usable answer."""
    kind = _BY_FAILURE.get(failure.reason, ProblemKind.UNREACHABLE)
    return SourceError(
        _SENTENCES[kind],
        service=SERVICE,
        kind=kind,
        is_unsent=failure.reason in _UNSENT,
        detail=f"{failure.reason}: {failure.message}",
    )


def malformed_answer(
    detail: str,
    *,
    status: int | None = None,
    kind: ProblemKind = ProblemKind.MALFORMED_ANSWER,
    committed_id: str = "",
    is_committed: bool = False,
) -> SourceError:
    """Say that an answer does not have the documented shape.

    `UNREADABLE` means one object in a sound answer: asking again would bring the same. A write whose answer was a
    success is committed, whatever the answer looks like.
    """
    return SourceError(
        _SENTENCES[kind],
        service=SERVICE,
        kind=kind,
        status=status,
        committed_id=committed_id,
        is_committed=is_committed,
        detail=detail,
    )


def _kind(status: int, *, detail: str, reason: str) -> ProblemKind:
    if reason == _BLOCKED:
        return ProblemKind.BLOCKED
    if status == 400 and "start_cursor" in detail:
        return ProblemKind.INVALID_CURSOR
    fallback = ProblemKind.SERVER_ERROR if status >= 500 else ProblemKind.INVALID_REQUEST
    return _BY_STATUS.get(status, fallback)


def _is_over(status: int, body: Mapping[str, Any], code: str) -> bool:
    """Whether Notion itself has ended the request: a gateway's page, or a number alone, says nothing about that."""
    if body.get("object") != "error" or not code or code in _STILL_WORKING:
        return False
    return status not in {408, 504}


def _body(response: OutboundResponse) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ExternalServiceError:
        return {}
    return body if isinstance(body, Mapping) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _seconds(value: object) -> float | None:
    try:
        seconds = float(str(value))
    except ValueError:
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS) if math.isfinite(seconds) else None
