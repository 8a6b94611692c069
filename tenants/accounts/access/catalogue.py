"""The catalogue of permissions, in code: every package registers what can be allowed in it."""

import re
from dataclasses import dataclass

from tenants.accounts.access.roles import Role

_CODE = re.compile(r"^[a-z_]+\.[a-z_]+$")


class UnknownPermission(LookupError):
    """Code asked for a permission nobody registered: a mistake of ours, never of the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Something that can be allowed: `package.verb`, in words, and the lowest role that holds it."""

    code: str
    label: str
    held_from: Role

    def __post_init__(self) -> None:
        if not _CODE.match(self.code):
            msg = f"A permission is named `package.verb`, not {self.code!r}."
            raise ValueError(msg)


_catalogue: dict[str, Permission] = {}


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


_codes_of: dict[Role, frozenset[str]] = {}


def codes_of(role: Role) -> frozenset[str]:
    """Return the codes a role holds."""
    codes = _codes_of.get(role)
    if codes is None:
        codes = frozenset(each.code for each in _catalogue.values() if role.includes(each.held_from))
        _codes_of[role] = codes
    return codes
