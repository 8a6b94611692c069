"""What Notion answers when it refuses: status, code and the sentence it uses."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]

CODE_OF_STATUS = {
    400: "validation_error",
    401: "unauthorized",
    403: "restricted_resource",
    404: "object_not_found",
    409: "conflict_error",
    429: "rate_limited",
    500: "internal_server_error",
    502: "gateway_timeout",
    503: "service_unavailable",
    504: "gateway_timeout",
    529: "service_overload",
}
MESSAGE_OF_STATUS = {
    400: "The request is not valid.",
    401: "API token is invalid.",
    403: "Insufficient permissions for this endpoint.",
    404: "Could not find the object.",
    409: "Conflict occurred while saving. Please try again.",
    429: "You have been rate limited. Please try again in a few minutes.",
    500: "Unexpected error occurred.",
    502: "Bad gateway.",
    503: "Notion is unavailable, please try again later.",
    504: "Gateway timeout.",
    529: "The service is overloaded. Please try again later.",
}


class NotionError(Exception):
    """A refusal, ready to be answered: `status`, `code`, `message`, optional data and headers."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        additional_data: Json | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.additional_data = additional_data
        self.headers = headers or {}

    def body(self, request_id: str) -> Json:
        """The JSON body Notion sends with this error."""
        body: Json = {"object": "error", "status": self.status, "code": self.code, "message": self.message}
        if self.additional_data is not None:
            body["additional_data"] = self.additional_data
        body["request_id"] = request_id
        return body


def invalid(message: str) -> NotionError:
    """400 `validation_error`."""
    return NotionError(400, "validation_error", message)


def invalid_body(path: str, expected: str, value: Any = ..., *, where: str = "body") -> NotionError:
    """400 in Notion's form: `body failed validation: body.x should be …, instead was …`."""
    found = "undefined" if value is ... else json.dumps(value, ensure_ascii=False)
    if len(found) > 200:
        found = found[:200] + "..."
    return invalid(f"{where} failed validation: {path} should be {expected}, instead was `{found}`.")


def not_found(kind: str, object_id: str, integration: Json) -> NotionError:
    """404: missing and not shared cannot be told apart."""
    name = integration.get("name") or "integration"
    return NotionError(
        404,
        "object_not_found",
        f"Could not find {kind} with ID: {object_id}. Make sure the relevant pages and databases "
        f'are shared with your integration "{name}".',
        {"integration_id": integration["id"]},
    )


def of_status(
    status: int, code: str | None = None, message: str | None = None, additional_data: Json | None = None
) -> NotionError:
    """The usual error of a status; what is given replaces what is usual."""
    return NotionError(
        status,
        code or CODE_OF_STATUS.get(status, "internal_server_error"),
        message or MESSAGE_OF_STATUS.get(status, "Unexpected error occurred."),
        additional_data,
    )


def rate_limited(reason: str, retry_after_seconds: int) -> NotionError:
    """429 with the reason and the seconds until the window starts anew."""
    error = of_status(
        429, additional_data={"rate_limit_reason": reason, "retry_after": str(retry_after_seconds)}
    )
    error.headers["Retry-After"] = str(retry_after_seconds)
    return error
