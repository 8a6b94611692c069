"""Operations as an operator sees them: what is being done to which company, how far it is, how it ended."""

from uuid import UUID

from django.db.models import QuerySet

from tenants.accounts.access import Actor
from tenants.foundation.errors import NotFound
from tenants.models import Operation, Tenant
from tenants.permissions import SEE_COMPANIES, require_operator


def visible_operations(
    *, actor: Actor | None, kind: str = "", state: str = "", company: str = ""
) -> QuerySet[Operation]:
    """Operations, of one kind, state or company if named. Raises: NotFound off the platform's host, Forbidden."""
    require_operator(actor, SEE_COMPANIES)
    found = Operation.objects.all()
    for name, value in (("kind", kind), ("state", state), ("tenant_slug", company)):
        if value:
            found = found.filter(**{name: value})
    return found


def operations_of(*, actor: Actor | None, tenant: Tenant, most: int = 20) -> list[Operation]:
    """The latest operations on one company. Raises: NotFound off the platform's host, Forbidden."""
    return list(visible_operations(actor=actor).filter(tenant_id=tenant.pk).order_by("-created_at")[:most])


def operation_for(*, actor: Actor | None, operation_id: UUID) -> Operation:
    """One operation. Raises: NotFound, Forbidden."""
    found = visible_operations(actor=actor).filter(pk=operation_id).first()
    if found is None:
        raise NotFound("There is no such operation.", code="operations.unknown")
    return found
