"""The catalogue of permissions, in code: every package registers what can be allowed in it, and what may not meet."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tenants.accounts.access.roles import Role

_CODE = re.compile(r"^[a-z_]+\.[a-z_]+$")


class UnknownPermission(LookupError):
    """Code asked for a permission nobody registered: a mistake of ours, never of the caller."""


class Sensitivity(StrEnum):
    """How sure we want to be of who asks: a sensitive permission wants a fresh proof (step-up)."""

    NORMAL = "normal"
    SENSITIVE = "sensitive"
    # Fresh proof; what it allows holds changes for which the company can want a second person who agrees.
    DUAL_CONTROL = "dual_control"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Something that can be allowed: `package.verb`, in words, and which roles hold it.

    `held_from` is the lowest role on the ladder that holds it (None: none does), `also_held_by` the roles beside the
    ladder. A permission that `is_scoped` can hold in one department or project alone, or for one shared object.
    """

    code: str
    label: str
    held_from: Role | None
    also_held_by: frozenset[Role] = frozenset()
    sensitivity: Sensitivity = Sensitivity.NORMAL
    is_scoped: bool = False

    def __post_init__(self) -> None:
        if not _CODE.match(self.code):
            msg = f"A permission is named `package.verb`, not {self.code!r}."
            raise ValueError(msg)

    def is_held_by(self, role: Role) -> bool:
        """Say whether a built-in role holds it."""
        return role in self.also_held_by or (self.held_from is not None and role.includes(self.held_from))

    @property
    def holders(self) -> tuple[Role, ...]:
        """The built-in roles that hold it, the highest first."""
        return tuple(role for role in Role if self.is_held_by(role))


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """Two duties one person may not hold at once: each a built-in role, or the code of a company's own role."""

    first: str
    second: str
    why: str

    def is_broken_by(self, duties: Collection[str]) -> bool:
        """Say whether both are among somebody's duties."""
        return self.first in duties and self.second in duties


_catalogue: dict[str, Permission] = {}
_separations: list[Separation] = []
_codes_of: dict[Role, frozenset[str]] = {}


def register_permissions(*permissions: Permission) -> None:
    """Add permissions to the catalogue; called from an app's `ready()`, safe to repeat.

    Raises: ValueError when a code is registered twice with different meanings.
    """
    for permission in permissions:
        known = _catalogue.setdefault(permission.code, permission)
        if known != permission:
            msg = f"The permission {permission.code} is registered twice with different meanings."
            raise ValueError(msg)
        _codes_of.clear()


def register_separations(*separations: Separation) -> None:
    """Add pairs of duties that may not meet in one person; safe to repeat."""
    _separations.extend(each for each in separations if each not in _separations)


def permission(code: str) -> Permission:
    """Return a permission. Raises: UnknownPermission."""
    try:
        return _catalogue[code]
    except KeyError:
        msg = f"No package registered the permission {code!r}."
        raise UnknownPermission(msg) from None


def all_permissions() -> list[Permission]:
    """Return the catalogue, by code."""
    return sorted(_catalogue.values(), key=lambda each: each.code)


def all_separations() -> list[Separation]:
    """Return the pairs of duties that may not meet."""
    return list(_separations)


def is_known(code: str) -> bool:
    """Say whether a package registered the code; a company's own role may hold one that is gone."""
    return code in _catalogue


def is_scoped(code: str) -> bool:
    """Say whether the permission can hold for a part of the company."""
    return code in _catalogue and _catalogue[code].is_scoped


def codes_of(role: Role) -> frozenset[str]:
    """Return the codes a role holds."""
    codes = _codes_of.get(role)
    if codes is None:
        codes = frozenset(each.code for each in _catalogue.values() if each.is_held_by(role))
        _codes_of[role] = codes
    return codes


def broken_separations(duties: Collection[str]) -> Iterator[Separation]:
    """Yield every pair that somebody with these duties would hold both sides of."""
    return (each for each in _separations if each.is_broken_by(duties))
