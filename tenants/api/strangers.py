"""Callers nobody knows yet: told apart by their network, or by the token of a sign-up that was proved."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from tenants.accounts.networks import client_address
from tenants.foundation.errors import NotFound
from tenants.lifecycle.signups import proofs
from tenants.lifecycle.signups.services import signup_of_token, source_of
from tenants.models import Operation, Signup


@dataclass(frozen=True, slots=True)
class Stranger:
    """Who asks without being known: ``pk`` keeps the idempotency keys of one network apart from another's."""

    pk: str
    signup: Signup | None = None
    is_authenticated: bool = True


class SignupAuthentication(BaseAuthentication):
    """Finds the proved sign-up of a token that begins with ``nts_signup_``; other tokens are for others to read."""

    def authenticate(self, request: Request) -> tuple[Stranger, str] | None:
        """Return the sign-up. Raises: AuthenticationFailed, the same for every reason."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not value.strip().startswith(proofs.TOKEN_PREFIX):
            return None
        signup = signup_of_token(value.strip()) if value.isascii() else None
        if signup is None:
            raise exceptions.AuthenticationFailed("This token is not valid.")
        return Stranger(pk=str(signup.pk), signup=signup), "signup"

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in 401 answers."""
        return 'Bearer realm="sign-up"'


class SignupTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes the tokens of sign-ups for OpenAPI."""

    target_class = SignupAuthentication
    name = "signupToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the security scheme."""
        return {"type": "http", "scheme": "bearer", "description": "What a proved sign-up got for its code."}


def stranger(request: Request) -> Stranger:
    """Whoever asks without a token, told apart by their network; nothing is said of who they are."""
    return Stranger(pk=proofs.digest("source", source(request)).hex()[:32])


def signup_of(request: Request) -> Signup:
    """The sign-up whose token came with a request. Raises: NotAuthenticated."""
    signup: Signup | None = getattr(request.user, "signup", None)
    if signup is None:
        raise exceptions.NotAuthenticated
    return signup


def own_operation(request: Request, operation_id: UUID) -> Operation:
    """The operation of the sign-up whose token came. Raises: NotFound for any other."""
    signup = signup_of(request)
    found = Operation.objects.filter(pk=operation_id).first() if signup.operation_id == operation_id else None
    if found is None:
        raise NotFound
    return found


def source(request: Request) -> str:
    """The network a caller asks from, behind as many proxies as are trusted."""
    return source_of(client_address(request._request))
