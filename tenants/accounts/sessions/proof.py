"""Step-up: a sensitive step wants a proof of who one is that is a few minutes old at most."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ClassVar, Final

import structlog
from django.utils import timezone

from tenants.accounts.access import UserActor
from tenants.accounts.access.catalogue import Permission
from tenants.accounts.access.checks import register_step_up
from tenants.accounts.sessions.standing import Standing
from tenants.foundation.errors import Forbidden

log = structlog.get_logger(__name__)

_standing: Final[ContextVar[Standing | None]] = ContextVar("standing", default=None)


class ProofNeeded(Forbidden):
    """The person has to prove once more who they are, and may then do it."""

    default_code: ClassVar[str] = "forbidden.proof_needed"
    default_message: ClassVar[str] = "Confirm that it is you, then do this again."


@contextmanager
def bound_standing(standing: Standing | None) -> Iterator[None]:
    """Make the sign-in of a request known to the services that ask for a fresh proof."""
    token = _standing.set(standing)
    try:
        yield
    finally:
        _standing.reset(token)


def require_fresh_proof() -> None:
    """Stop a person whose last proof is too old. Jobs and programs with a token pass: they cannot prove anything.

    Raises: ProofNeeded.
    """
    standing = _standing.get()
    if standing is not None and not standing.is_fresh(timezone.now()):
        log.info("proof.needed", sign_in_id=standing.sign_in_id)
        raise ProofNeeded


def _check(actor: UserActor, _permission: Permission) -> None:
    if actor.token_id is None:
        require_fresh_proof()


def register() -> None:
    """Have every sensitive permission ask for a fresh proof."""
    register_step_up(_check)
