"""What a directory is told when something does not work: one sentence, a status and the keyword of RFC 7644."""

from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from scim2_models import Error, SCIMException

from tenants.foundation.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidInput,
    LimitReached,
    NotFound,
)

_STATUSES: Final[tuple[tuple[type[DomainError], int, str], ...]] = (
    (NotFound, 404, ""),
    (Forbidden, 403, ""),
    (InvalidInput, 400, "invalidValue"),
    (Conflict, 409, ""),
    (LimitReached, 429, ""),
)
_LONGEST: Final = 500


class Held(Conflict):
    """The brake is on: the change waits for a person of the company, nothing of the request was done."""

    default_code = "conflict.scim_held"
    default_message = (
        "Held: this directory wants to shut out more people than the company's rule lets through. "
        "An administrator there has to approve it."
    )


class Taken(Conflict):
    """Somebody or something else has this name already."""

    default_code = "conflict.scim_uniqueness"


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal: `status` as in HTTP, `keyword` is the scimType or empty."""

    status: int
    detail: str
    keyword: str = ""
    retry_after_seconds: float | None = None

    def document(self) -> dict[str, object]:
        """Return it as the error document of RFC 7644, section 3.12."""
        made = Error(status=self.status, detail=self.detail, scim_type=self.keyword or None)
        found: dict[str, object] = made.model_dump()
        return found


def problem_of(error: Exception) -> Problem | None:
    """Put an error of ours, of the SCIM library or of its validation into a directory's words; None for others."""
    if isinstance(error, ValidationError):
        first = Error.from_validation_errors(error)[0]
        return Problem(first.status or 400, _short(first.detail), first.scim_type or "")
    if isinstance(error, SCIMException):
        return Problem(error.status, _short(str(error)), error.scim_type)
    if isinstance(error, Taken):
        return Problem(409, error.message, "uniqueness")
    if isinstance(error, DomainError):
        for kind, status, keyword in _STATUSES:
            if isinstance(error, kind):
                wait = getattr(error, "retry_after_seconds", None)
                return Problem(status, _said(error), keyword, wait)
    return None


def _said(error: DomainError) -> str:
    named = [line for lines in error.fields.values() for line in lines if line != error.message]
    return _short(" ".join([error.message, *named]))


def _short(text: str | None) -> str:
    return (text or "")[:_LONGEST]
