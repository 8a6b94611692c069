"""Who acts: a user with roles, or the system itself."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from tenants.accounts.access.catalogue import codes_of
from tenants.accounts.access.roles import Role, highest
from tenants.foundation.platform import PLATFORM_SLUG
from tenants.tenancy import current_tenant

if TYPE_CHECKING:
    from tenants.accounts.models import User

_OPERATORS: Final = "platform."


@dataclass(frozen=True, slots=True)
class UserActor:
    """A user at work: what their roles allow, cut down to a token's scopes when they come by token."""

    user: "User"
    roles: frozenset[Role]
    token_scopes: frozenset[str] | None = None
    token_id: UUID | None = None

    @property
    def user_id(self) -> UUID:
        """The user's id."""
        return self.user.pk

    @property
    def id(self) -> UUID:
        """The user's id."""
        return self.user.pk

    @property
    def name(self) -> str:
        """The user's name as shown in histories."""
        return self.user.name or self.user.email

    @property
    def role(self) -> Role | None:
        """The highest of the user's roles."""
        return highest(self.roles)

    @property
    def codes(self) -> frozenset[str]:
        """The permission codes held now."""
        held = frozenset[str]().union(*(codes_of(role) for role in self.roles))
        if current_tenant().slug != PLATFORM_SLUG:
            # An owner owns their company, not the platform.
            held = frozenset(code for code in held if not code.startswith(_OPERATORS))
        return held if self.token_scopes is None else held & self.token_scopes

    def holds(self, code: str) -> bool:
        """Say whether the actor holds a permission; a deactivated user holds none."""
        return self.user.is_active and code in self.codes


@dataclass(frozen=True, slots=True)
class SystemActor:
    """The product at work for nobody in particular: a job, a sync, an onboarding."""

    name: str = "Notion Task Sync"

    @property
    def user_id(self) -> None:
        """No user."""
        return

    @property
    def id(self) -> None:
        """No user."""
        return

    @property
    def role(self) -> Role:
        """As high as an owner."""
        return Role.OWNER

    def holds(self, _code: str) -> bool:
        """The system may do everything it has code for."""
        return True


type Actor = UserActor | SystemActor

SYSTEM = SystemActor()


def actor_of(request: HttpRequest) -> UserActor:
    """Return the signed-in actor of a request. Raises: PermissionDenied when nobody is signed in."""
    actor = getattr(request, "actor", None)
    if not isinstance(actor, UserActor):
        raise PermissionDenied
    return actor
