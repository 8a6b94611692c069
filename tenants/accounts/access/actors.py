"""Who acts: a user with roles, or the system itself."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from tenants.accounts.access.catalogue import codes_of
from tenants.accounts.access.holdings import NOTHING, Holding
from tenants.accounts.access.roles import Role, highest
from tenants.foundation.platform import PLATFORM_SLUG
from tenants.tenancy import current_tenant

if TYPE_CHECKING:
    from tenants.accounts.models import User

_OPERATORS: Final = "platform."


@dataclass(frozen=True, slots=True)
class UserActor:
    """A user at work: what their roles allow, cut down to a token's roles and scopes when they come by token.

    `roles` are the built-in roles they hold in the whole company; `more` is what their company's own roles and the
    roles in parts of the company add; `token_holding` is what a token was given roles for (None: it has none of its
    own). `shares` says that single objects were shared with them, so it is worth asking which.
    """

    user: "User"
    roles: frozenset[Role] = frozenset()
    token_scopes: frozenset[str] | None = None
    token_id: UUID | None = None
    more: Holding = NOTHING
    token_holding: Holding | None = None
    shares: bool = False
    # Put together once: a page asks dozens of times.
    _holding: Holding | None = field(default=None, init=False, repr=False, compare=False)

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
        """The built-in role to name the user by."""
        return highest(self.roles)

    @property
    def own_holding(self) -> Holding:
        """What the user holds, whatever they come by."""
        held = Holding(frozenset[str]().union(*(codes_of(role) for role in self.roles))) | self.more
        # An owner owns their company, not the platform.
        return held if current_tenant().slug == PLATFORM_SLUG else held.without(_OPERATORS)

    @property
    def holding(self) -> Holding:
        """What the actor holds now: a token never more than its user."""
        if self._holding is not None:
            return self._holding
        held = self.own_holding
        if self.token_holding is not None:
            held &= self.token_holding
        if self.token_scopes is not None:
            held = held.limited_to(self.token_scopes)
        object.__setattr__(self, "_holding", held)
        return held

    @property
    def codes(self) -> frozenset[str]:
        """The permission codes held now in the whole company."""
        return self.holding.everywhere

    def holds(self, code: str) -> bool:
        """Say whether the actor holds a permission in the whole company; a deactivated user holds none."""
        return self.user.is_active and code in self.codes

    def may_use_token_for(self, code: str) -> bool:
        """Say whether the token the actor comes by, if any, was made for this permission."""
        return self.token_scopes is None or code in self.token_scopes


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
