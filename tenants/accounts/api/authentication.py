"""Signing API requests in by `Authorization: Bearer`."""

import structlog
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from tenants.accounts.models import User
from tenants.accounts.networks import client_address
from tenants.accounts.tokens.services import actor_for_token
from tenants.outbox.bus import bind_actor


class BearerTokenAuthentication(BaseAuthentication):
    """Finds the actor of an API token; a request without the header goes on to the session."""

    keyword = "bearer"

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        """Return the token's user. Raises: AuthenticationFailed, the same for every reason."""
        header = request.headers.get("Authorization", "")
        scheme, _, value = header.partition(" ")
        if scheme.lower() != self.keyword:
            return None
        address = client_address(request._request)
        actor = actor_for_token(value.strip(), address=address) if value.isascii() else None
        if actor is None:
            raise exceptions.AuthenticationFailed("This token is not valid.")
        # The actor is the same for both doors: services never learn how somebody signed in.
        request._request.actor = actor  # type: ignore[attr-defined]
        bind_actor(actor.user_id)
        structlog.contextvars.bind_contextvars(user=str(actor.user_id), api_token_id=str(actor.token_id))
        return actor.user, "token"

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in 401 answers."""
        return 'Bearer realm="api"'
