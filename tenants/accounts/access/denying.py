"""What a refusal says, and the notes a request takes of refusals and of permissions used."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from tenants.accounts.access.actors import UserActor
from tenants.accounts.access.catalogue import Permission
from tenants.foundation.errors import Forbidden

# More refusals of one request than this are somebody's loop; they are counted, not listed.
_MOST_NOTES: Final = 50


class Reason(StrEnum):
    """Why something was refused."""

    NOBODY = "nobody"
    DEACTIVATED = "deactivated"
    NO_ROLE = "no_role"
    TOKEN = "token"  # noqa: S105 (the reason's name)
    SCOPE = "scope"
    OBJECT = "object"


_SENTENCES: Final = {
    Reason.NOBODY: "Sign in to do this: {label}.",
    Reason.DEACTIVATED: "This account is deactivated.",
    Reason.NO_ROLE: "Your role does not allow this: {label}.",
    Reason.TOKEN: "This token was not made for this: {label}.",
    Reason.SCOPE: "Your role allows this elsewhere, but not here: {label}.",
    Reason.OBJECT: "Your role allows this, but not for this one: {label}.",
}


@dataclass(frozen=True, slots=True)
class Denial:
    """One refusal, as it is written down."""

    user_id: UUID | None
    token_id: UUID | None
    permission: str
    reason: Reason
    object_type: str = ""
    object_id: str = ""


@dataclass(slots=True)
class Notes:
    """What one request refused, and which permissions were used in it."""

    denials: list[Denial] = field(default_factory=list)
    uses: set[tuple[UUID, str]] = field(default_factory=set)


_notes: ContextVar[Notes | None] = ContextVar("access_notes", default=None)


@contextmanager
def taking_notes() -> Iterator[Notes]:
    """Collect the refusals and uses of what happens inside, for writing them down when its transaction is over."""
    notes = Notes()
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)


def note_denial(actor: UserActor | None, code: str, reason: Reason, on: Any) -> None:
    """Note a refusal, if somebody is taking notes."""
    notes = _notes.get()
    if notes is None or len(notes.denials) >= _MOST_NOTES:
        return
    notes.denials.append(
        Denial(
            user_id=actor.user_id if actor else None,
            token_id=actor.token_id if actor else None,
            permission=code,
            reason=reason,
            object_type=type(on).__name__ if on is not None else "",
            object_id=str(getattr(on, "pk", "") or ""),
        )
    )


def note_use(actor: UserActor, code: str) -> None:
    """Note that a permission was used, if somebody is taking notes."""
    notes = _notes.get()
    if notes is not None:
        notes.uses.add((actor.user_id, code))


def refusal(permission: Permission, reason: Reason, on: Any = None) -> Forbidden:
    """Make the error: a sentence for people, and for programs the permission, the reason and who holds it."""
    params: dict[str, Any] = {
        "permission": permission.code,
        "label": str(permission.label),
        "reason": reason.value,
        "held_by": [role.value for role in permission.holders],
    }
    if on is not None and getattr(on, "pk", None):
        params["object"] = f"{type(on).__name__}:{on.pk}"
    return Forbidden(_SENTENCES[reason].format(label=permission.label), params=params)
