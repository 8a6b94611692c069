"""Who may do what: roles, the catalogue of permissions, and the check every service makes."""

from tenants.accounts.access.actors import SYSTEM, Actor, SystemActor, UserActor, actor_of
from tenants.accounts.access.catalogue import (
    Permission,
    UnknownPermission,
    all_permissions,
    codes_of,
    permission,
    register_permissions,
)
from tenants.accounts.access.checks import can, register_object_rule, require
from tenants.accounts.access.roles import Role, RoleSource

__all__ = [
    "SYSTEM",
    "Actor",
    "Permission",
    "Role",
    "RoleSource",
    "SystemActor",
    "UnknownPermission",
    "UserActor",
    "actor_of",
    "all_permissions",
    "can",
    "codes_of",
    "permission",
    "register_object_rule",
    "register_permissions",
    "require",
]
