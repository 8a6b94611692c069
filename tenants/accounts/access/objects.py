"""What the packages above tell of their objects: the part of the company each is in, and how single ones are shared."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.db.models import Model, Q

from tenants.accounts.access.holdings import Scope
from tenants.accounts.access.roles import ScopeType

type ScopesOf = Callable[[Any], Iterable[Scope]]


class Shares(Protocol):
    """How single objects of one model are shared with people and groups."""

    def codes(self) -> frozenset[str]:
        """The permissions that can be shared for one object."""

    def any_for(self, user_id: UUID) -> Q:
        """A condition that any object at all is shared with a user: an EXISTS of its own."""

    def condition(self, user_id: UUID, code: str) -> Q:
        """A condition on rows of the model: shared with the user for a permission."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A model whose rows are in parts of the company and can be shared one by one."""

    model: type[Model]
    scopes_of: ScopesOf
    scope_columns: tuple[tuple[ScopeType, str], ...]
    shares: Shares | None = None


_guarded: dict[type[Model], Guarded] = {}


def register_guarded(guarded: Guarded) -> None:
    """Make a model known; called from an app's `ready()`, safe to repeat."""
    _guarded[guarded.model] = guarded


def guarded_model(model: type[Model]) -> Guarded | None:
    """Return what is known of a model."""
    return _guarded.get(model)


def all_guarded() -> Collection[Guarded]:
    """Return every guarded model."""
    return _guarded.values()


def scopes_of(thing: Any) -> frozenset[Scope]:
    """The parts of the company an object is in; none when nobody said so."""
    guarded = _guarded.get(type(thing))
    return frozenset(guarded.scopes_of(thing)) if guarded else frozenset()
