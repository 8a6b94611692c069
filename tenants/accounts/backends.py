"""Signing in by e-mail address and password, against the users of the current company only."""

from typing import Any
from uuid import UUID

from allauth.account.auth_backends import AuthenticationBackend
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from tenants.accounts.models import User
from tenants.tenancy import atomic


class EmailBackend(AuthenticationBackend):  # type: ignore[misc]
    """allauth's backend with a transaction around its queries.

    It hashes the password for an unknown address too: the time taken does not tell who has an account.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Return the user whose password it is, None for anyone else."""
        with atomic():
            user = super().authenticate(request, **credentials)
        return user if isinstance(user, User) else None

    def get_user(self, user_id: UUID | str) -> User | None:
        """Return an active user of the current company."""
        try:
            with atomic():
                return User.objects.filter(pk=user_id, is_active=True).first()
        except ValidationError:
            return None
