"""The parts of the company a role can be given for: departments here, projects from the floor above."""

from collections.abc import Callable
from uuid import UUID

from tenants.accounts.access.holdings import Scope
from tenants.accounts.access.roles import ScopeType
from tenants.accounts.models import Department
from tenants.foundation.errors import InvalidInput

type Names = Callable[[], dict[UUID, str]]


def _department_names() -> dict[UUID, str]:
    return dict(Department.objects.order_by("name").values_list("pk", "name"))


_directories: dict[ScopeType, Names] = {ScopeType.DEPARTMENT: _department_names}


def register_scope_names(scope_type: ScopeType, names: Names) -> None:
    """Say which parts of a kind there are: id → name. Called from an app's `ready()`."""
    _directories[scope_type] = names


def scope_names() -> dict[Scope, str]:
    """Return every part of the company with its name; one query for each kind."""
    return {
        Scope(scope_type, number): name
        for scope_type, names in _directories.items()
        for number, name in names().items()
    }


def check_scope(scope: Scope | None) -> None:
    """Raises: InvalidInput when there is no such part of the company."""
    if scope is not None and scope.id not in _directories[scope.type]():
        msg = f"There is no such {scope.type.value}."
        raise InvalidInput(msg, fields={"scope_id": [msg]})
