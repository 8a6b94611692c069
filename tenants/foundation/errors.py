"""The errors of the domain: what went wrong, in a sentence, a stable code and the fields concerned."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class DomainError(Exception):
    """Something the caller has to be told.

    `message` is a sentence a person can read, `code` a stable dotted string a program can compare,
    `fields` maps a field's name to the sentences about it, `params` holds values for logs and translations
    (never secrets). The domain knows no status codes: `foundation.api` makes problems of these,
    `foundation.console` pages.
    """

    default_code: ClassVar[str] = "domain_error"
    default_message: ClassVar[str] = "This could not be done."

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        fields: Mapping[str, Sequence[str]] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.message = message or self.default_message
        self.code = code or self.default_code
        self.fields: dict[str, list[str]] = {name: list(lines) for name, lines in (fields or {}).items()}
        self.params: dict[str, Any] = dict(params or {})
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, code={self.code!r})"


class NotFound(DomainError):
    """There is no such thing, or the reader may not know that there is."""

    default_code = "not_found"
    default_message = "There is nothing here."


class Forbidden(DomainError):
    """The actor may not do this."""

    default_code = "forbidden"
    default_message = "You are not allowed to do this."


class InvalidInput(DomainError):
    """What was given breaks a rule; `fields` says which value and why."""

    default_code = "invalid_input"
    default_message = "Some of the values are not valid."


class Conflict(DomainError):
    """The thing is in a state in which this cannot be done."""

    default_code = "conflict"
    default_message = "This does not fit the present state."


class LimitReached(DomainError):
    """A limit of rate, size or plan was reached; `retry_after_seconds` is None when waiting does not help."""

    default_code = "limit_reached"
    default_message = "A limit was reached. Please try again later."

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        fields: Mapping[str, Sequence[str]] | None = None,
        params: Mapping[str, Any] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, code=code, fields=fields, params=params)
        self.retry_after_seconds = retry_after_seconds


class ExternalServiceError(DomainError):
    """An outside service failed us.

    `service` names it, `is_transient` says whether the same call may succeed later, `reason` is a short
    word for metrics and decisions (`timeout`, `connect`, `reset`, `incomplete`, `too_large`, ...).
    """

    default_code = "external_service_error"
    default_message = "An outside service did not answer as expected."

    def __init__(
        self,
        message: str = "",
        *,
        service: str,
        is_transient: bool,
        reason: str = "unknown",
        code: str | None = None,
        fields: Mapping[str, Sequence[str]] | None = None,
        params: Mapping[str, Any] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, code=code, fields=fields, params=params)
        self.service = service
        self.is_transient = is_transient
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
