"""How every operation is described: its refusals, its headers, a summary; one place, so none forgets."""

import re
from http import HTTPStatus
from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from rest_framework.request import Request

from tenants.foundation.api.idempotency import ACCEPTED_KEY, HEADER, REPLAYED_HEADER, IdempotentPosts
from tenants.foundation.api.problems import PROBLEM_CONTENT_TYPE

_SENTENCE_END: Final = re.compile(r"\.\s")
_WRITING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_ALWAYS: Final = (400, 401, 403, 406, 422)
_OUTSIDE: Final = (429, 502)
_REFUSALS: Final = {
    400: "The request could not be understood: no JSON, or characters that cannot be stored.",
    401: "No valid token or session came with the request.",
    403: "The caller may not do this.",
    404: "There is no such thing, or the caller may not know of it.",
    406: "Only JSON can be answered.",
    409: "This does not fit the present state, or a request with the same idempotency key is at work.",
    413: "The body is larger than 2 MiB.",
    415: "The body is not announced as `application/json`.",
    422: "A value, field or parameter is not right; `errors` names each.",
    429: "Too much was asked; `Retry-After` says when to come back.",
    502: "The connected service did not answer as expected; trying again may help.",
}


class DescribedView(AutoSchema):
    """Adds to an operation what all have in common; `problem_statuses` of a view adds statuses by action."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the operation with its refusals and headers, or None where there is none."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        responses: dict[str, Any] = operation["responses"]
        for response in responses.values():
            response["description"] = response.get("description") or "Done."
            response["headers"] = {**response.get("headers", {}), **self._headers()}
        for status in self._refusals():
            responses.setdefault(str(status), {"$ref": f"#/components/responses/{_name(status)}"})
        operation["responses"] = dict(sorted(responses.items()))
        if self._is_idempotent():
            needs_key = getattr(self.view, "needs_idempotency_key", False)
            name = "NeededIdempotencyKey" if needs_key else "IdempotencyKey"
            key = {"$ref": f"#/components/parameters/{name}"}
            operation["parameters"] = [*operation.get("parameters", []), key]
        return operation

    def get_summary(self) -> str | None:
        """Return the summary given, or the first sentence of the description."""
        given: str | None = super().get_summary()
        first = _SENTENCE_END.split(self.get_description() or "", maxsplit=1)[0]
        return given or first.strip().removesuffix(".") or None

    def _refusals(self) -> set[int]:
        action = getattr(self.view, "action", None) or self.method
        statuses = {*_ALWAYS, *getattr(self.view, "problem_statuses", {}).get(action, ())}
        if "{" in self.path:
            statuses.add(404)
        if self.method in _WITH_BODY:
            statuses |= {413, 415}
        if self._is_idempotent() or ("{" in self.path and self.method in _WRITING):
            statuses.add(409)
        handler = getattr(self.view, getattr(self.view, "action", None) or "", None)
        # The mark of a view that speaks with the outside: it can fail as the outside fails.
        if getattr(handler, "outside_transaction", False):
            statuses |= {*_OUTSIDE}
        return statuses

    def _headers(self) -> dict[str, Any]:
        headers = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
        if self._is_idempotent():
            headers[REPLAYED_HEADER] = {"$ref": "#/components/headers/IdempotencyReplayed"}
        return headers

    def _is_idempotent(self) -> bool:
        return self.method == "POST" and isinstance(self.view, IdempotentPosts)


def describe_problems(
    result: dict[str, Any], generator: Any, request: Request | None, public: bool
) -> dict[str, Any]:
    """Add the components operations refer to: the problem, its responses, headers and the key's parameter."""
    components = result["components"]
    components["schemas"]["Problem"] = _PROBLEM
    components["schemas"]["ProblemEntry"] = _ENTRY
    components["headers"] = _HEADERS
    components["parameters"] = {
        "IdempotencyKey": _KEY,
        "NeededIdempotencyKey": {**_KEY, "required": True},
    }
    components["responses"] = {_name(status): _response(status) for status in _REFUSALS}
    return result


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def _response(status: int) -> dict[str, Any]:
    headers = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = {"$ref": "#/components/headers/Challenge"}
    if status in _OUTSIDE:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": _REFUSALS[status],
        "headers": headers,
        "content": {PROBLEM_CONTENT_TYPE: {"schema": schema}},
    }


_PROBLEM: Final = {
    "type": "object",
    "description": "A problem document as RFC 9457 has it.",
    "required": ["type", "title", "status", "detail", "code", "instance", "request_id"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "format": "uri", "example": "urn:nts:problem:invalid_input"},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What went wrong, in a sentence for people."},
        "code": {"type": "string", "description": "What went wrong, for programs; stable."},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "request_id": {"type": "string", "description": "Names the request in the log; give it to support."},
        "access": {
            "type": "object",
            "description": "With 403: the permission that is missing, why, and the built-in roles that hold it.",
            "properties": {
                "permission": {"type": "string"},
                "label": {"type": "string"},
                "reason": {"type": "string"},
                "held_by": {"type": "array", "items": {"type": "string"}},
                "object": {"type": "string"},
            },
        },
        "errors": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/ProblemEntry"}},
    },
}
_ENTRY: Final = {
    "type": "object",
    "description": "One value that is not right, and where it stands.",
    "required": ["detail"],
    "additionalProperties": False,
    "properties": {
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "pointer": {"type": "string", "description": "Where in the body: a JSON Pointer (RFC 6901)."},
        "parameter": {"type": "string", "description": "Which parameter of the query."},
    },
}
_HEADERS: Final = {
    "RequestId": {
        "description": "Names the request in the log.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
    },
    "IdempotencyReplayed": {
        "description": "`true` when this is the stored answer to an earlier request with the same key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    "Challenge": {"description": "How to sign in.", "required": True, "schema": {"type": "string"}},
}
_KEY: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": (
        "Any text of your own. A repeated request with the same key and body is done once: for a day it gets"
        " the first answer again."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": ACCEPTED_KEY.pattern},
}
